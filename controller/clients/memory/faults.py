"""Misbehaviour on demand: what a backend, a network or a power cut can do to a call, as data that a sweep can enumerate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from controller.core.errors import Deferred, Permanent, Transient
from controller.core.key import Key


class Effect(StrEnum):
    """What happens to the call: FAIL, REFUSE and DEFER (allowed `seconds` from now) before anything is written, LOSE after it was
    written (the reply is lost), HALF gives an incomplete look, SLOW waits first, KILL ends the process before the write, TORN
    between the two writes of a replacement (or before the only write), LATE after the write and before the reply."""

    FAIL = "fail"
    REFUSE = "refuse"
    DEFER = "defer"
    LOSE = "lose"
    HALF = "half"
    SLOW = "slow"
    KILL = "kill"
    TORN = "torn"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour: `effect` on calls number `nth` to `nth + times - 1` (from 1) of `operation` (observe, adapt, apply,
    batch, health, release; "" = any) that touch `key` (None = any). `seconds` is for SLOW and DEFER."""

    effect: Effect
    operation: str = "apply"
    key: Key | None = None
    nth: int = 1
    times: int = 1
    seconds: float = 0.0


class Killed(BaseException):
    """Stands for SIGKILL inside one process: nothing may catch it, nothing may run after it."""


class Faults:
    """The faults of one world and a count of the calls each has seen. `kill` is called for KILL, TORN and LATE; by default it
    raises `Killed`, a test in a process of its own hands in one that sends SIGKILL. `calls` counts calls by operation."""

    def __init__(self, faults: Iterable[Fault] = (), kill: Callable[[], None] | None = None) -> None:
        self._faults = [(fault, [0]) for fault in faults]
        self._kill = kill
        self._lock = Lock()
        self.calls: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        """One more fault, counting from now."""
        with self._lock:
            self._faults.append((fault, [0]))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._faults.clear()

    def meet(self, operation: str, key: Key | None) -> list[Fault]:
        """The faults that this call meets; counts the call."""
        with self._lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
            met = []
            for fault, seen in self._faults:
                if fault.operation in ("", operation) and (fault.key is None or key is None or fault.key == key):
                    seen[0] += 1
                    if fault.nth <= seen[0] < fault.nth + fault.times:
                        met.append(fault)
            return met

    def before(self, met: Iterable[Fault], now: float = 0.0) -> None:
        """Raise what happens before anything is written; `now` in seconds since the epoch."""
        for fault in met:
            if fault.effect is Effect.FAIL:
                raise Transient("simulated: the backend does not answer")
            if fault.effect is Effect.REFUSE:
                raise Permanent("simulated: the backend refuses")
            if fault.effect is Effect.DEFER:
                raise Deferred("simulated: the backend allows it later", now + fault.seconds)
            if fault.effect is Effect.KILL:
                self.end()

    def between(self, met: Iterable[Fault]) -> None:
        """Die between the two writes of a replacement."""
        if any(fault.effect is Effect.TORN for fault in met):
            self.end()

    def after(self, met: Iterable[Fault]) -> None:
        """Raise what happens after the write."""
        for fault in met:
            if fault.effect is Effect.LATE:
                self.end()
            if fault.effect is Effect.LOSE:
                raise Transient("simulated: the reply was lost")

    def end(self) -> None:
        """Die now."""
        if self._kill is not None:
            self._kill()
        raise Killed
