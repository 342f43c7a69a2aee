"""Gate: after a change, wait until the object is Healthy without a break, or fail with the reason."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from threading import Lock

from controller.core.change import Change
from controller.core.errors import GateFailed, Interrupted, Transient
from controller.core.key import Key
from controller.core.ports import Clock, Gates, Provider
from controller.core.state import Health, Target

POLL = 1.0
"""Longest pause between two looks, in seconds; an event of the backend ends it at once."""


class Pulse:
    """Wakes waiting gates when a backend reports a change or a rollout is called off. For many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next: dict[Key, Flag] = {}

    def beat(self, key: Key | None = None) -> None:
        """Something moved (None = it may be anything): look again now. Gates of other keys sleep on: each look costs a call."""
        with self._lock:
            beaten = list(self._next) if key is None else [key]
            flags = [self._next.pop(each, None) for each in beaten]
        for flag in flags:
            if flag is not None:
                flag.set()

    def next(self, key: Key) -> Flag:
        """The flag that the next beat of a key sets. Take it before looking, so that no beat is missed."""
        with self._lock:
            return self._next.setdefault(key, Flag())


def gate(
    change: Change,
    handle: str,
    provider: Provider,
    clock: Clock,
    interrupt: Flag,
    pulse: Pulse,
    waits: Callable[[str], None] = lambda _why: None,
) -> None:
    """Return when the change passed; raises GateFailed, Interrupted when `interrupt` is set while waiting, or Transient when it
    could not be looked at in the end: nothing is known against it. `waits` hears why it did not pass at the first look."""
    if change.gate is None or change.after is None or not isinstance(provider, Gates):
        return
    target = Target(change.key, change.address, handle)
    deadline = clock.monotonic() + change.gate.timeout + change.gate.settle
    healthy_since: float | None = None
    first = True
    while True:
        if interrupt.is_set():
            raise Interrupted("called off while waiting for health")
        moved = pulse.next(change.key)
        health, why, silent = _look(provider, target)
        now = clock.monotonic()
        if health is Health.HEALTHY:
            healthy_since = now if healthy_since is None else healthy_since
            if now - healthy_since >= change.gate.settle:
                return
        elif health is Health.DEGRADED:
            raise GateFailed(why)
        else:
            healthy_since = None
            if first:
                waits(why or str(health))
        first = False
        if now >= deadline and silent:
            raise Transient(f"its health could not be seen within {change.gate.timeout:.0f} s: {why}")
        if now >= deadline:
            raise GateFailed(f"not healthy within {change.gate.timeout:.0f} s: {why or health}")
        left = deadline - now if healthy_since is None else healthy_since + change.gate.settle - now
        clock.wait(moved, min(POLL, max(left, 0.01)))


def _look(provider: Gates, target: Target) -> tuple[Health, str, bool]:
    """Health, why, and whether the backend did not answer."""
    try:
        return *provider.health(target), False
    except Transient as error:
        return Health.UNKNOWN, str(error), True
