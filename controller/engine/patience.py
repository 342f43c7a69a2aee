"""Patience: what was tried in vain is not tried again at once, and what never converges is not tried for ever."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock

from controller.core.plan import Plan, Rollout
from controller.core.ports import Clock
from controller.core.run import Outcome
from controller.engine.clock_time import clock_time

FIRST, LONGEST = 1.0, 600.0
"""Seconds before the second attempt, and the longest pause between two."""
VAIN = 3
"""A rollout that is planned again right after it was applied, from yet another state, this often in a row, does not converge."""
OFTEN, WHILE, SLOWED = 20, 60.0, 10.0
"""More repairs of the same thing than this within so many seconds get a pause of so many: somebody works against us. (What
falls back into the very state that was repaired was undone by somebody: it converges, and is repaired as often as it takes.)"""

_Signature = tuple[tuple[str, str, str, str], ...]


def pause(attempts: int, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait after so many failed attempts: doubled each time, ± 20 % so that controllers do not march in step."""
    longest: float = min(LONGEST, FIRST * 2 ** min(attempts - 1, 30))
    return longest * (0.8 + 0.4 * jitter())


@dataclass
class _Record:
    failures: int = 0
    vain: int = 0
    not_before: float = 0.0
    fresh: str = ""
    until: float = 0.0
    why: str = ""
    applied: deque[float] = field(default_factory=lambda: deque(maxlen=OFTEN))


class Patience:
    """What is known about rollouts that were tried, by what they want (keys, actions and desired digests). Held in memory: a
    restart tries everything once more. For many threads. `paused` hears in how many seconds one that failed may be tried again:
    the pass that started it may still wait for another."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self.paused: Callable[[float], None] = lambda _seconds: None
        self._clock = clock
        self._jitter = jitter
        self._records: dict[_Signature, _Record] = {}
        self._expected = 0.0
        self._lock = Lock()

    def ready(self, rollouts: Iterable[Rollout]) -> tuple[Rollout, ...]:
        """Those that may be tried now."""
        now = self._clock.monotonic()
        with self._lock:
            return tuple(item for item in rollouts if self._not_before(item) <= now)

    def deferred(self, rollout: Rollout) -> tuple[float, str]:
        """Until when (seconds since the epoch) a backend does not allow a rollout, and why; 0 = it may be tried. Nobody's wish
        changes that."""
        with self._lock:
            record = self._records.get(_signature(rollout))
            return (record.until, record.why) if record is not None and record.until > self._clock.now() else (0.0, "")

    def waits(self, rollout: Rollout, zone: str) -> str:
        """The same in words, with the time of a zone; "" = it may be tried."""
        until, why = self.deferred(rollout)
        return f"waits until {clock_time(until, self._clock.now(), zone)}: {why}" if until else ""

    def expect(self, until: float) -> None:
        """At that time (seconds since the epoch, 0 = never) something may go on that is no planned rollout."""
        with self._lock:
            self._expected = until

    def ended(self, rollout: Rollout, outcome: Outcome, until: float = 0.0, why: str = "") -> None:
        """How an attempt ended, and until when (seconds since the epoch) a backend does not allow another. Called when it landed,
        before the next look."""
        now = self._clock.monotonic()
        with self._lock:
            record = self._records.setdefault(_signature(rollout), _Record())
            record.until, record.why = until, why
            if outcome is Outcome.SUPERSEDED:
                return
            if outcome is not Outcome.APPLIED:
                record.failures += 1
                wait = max(pause(1 if until else record.failures, self._jitter), until - self._clock.now())
                record.not_before = now + wait
            else:
                record.failures, record.fresh = 0, rollout.digest
                record.applied.append(now)
                if len(record.applied) == OFTEN and now - record.applied[0] < WHILE:
                    record.not_before = now + SLOWED * (0.8 + 0.4 * self._jitter())
                return
        self.paused(wait)

    def vain(self, plan: Plan) -> tuple[Rollout, ...]:
        """After a look: the rollouts of its plan that were applied `VAIN` times in a row and are planned still, each time from
        another state of the world."""
        planned = {_signature(rollout): rollout for rollout in plan.rollouts}
        found: list[Rollout] = []
        now = self._clock.monotonic()
        with self._lock:
            for signature, record in list(self._records.items()):
                if signature not in planned:
                    record.vain, record.fresh = 0, ""
                    if now - max([record.not_before, *record.applied]) > WHILE:
                        del self._records[signature]
                elif record.fresh:
                    undone, record.fresh = record.fresh == planned[signature].digest, ""
                    if undone:
                        continue
                    record.vain += 1
                    record.not_before = max(record.not_before, now + pause(record.vain, self._jitter))
                    if record.vain >= VAIN:
                        found.append(planned[signature])
        return tuple(found)

    def next(self) -> float | None:
        """When the next pause ends, in monotonic seconds; None = nothing waits."""
        now = self._clock.monotonic()
        with self._lock:
            return min((record.not_before for record in self._records.values() if record.not_before > now), default=None)

    def expected(self) -> float | None:
        """When something that is no planned rollout may go on, in monotonic seconds; None = nothing waits for a time."""
        with self._lock:
            left = self._expected - self._clock.now()
        return self._clock.monotonic() + left if left > 0 else None

    def _not_before(self, rollout: Rollout) -> float:
        record = self._records.get(_signature(rollout))
        return record.not_before if record is not None else 0.0


def _signature(rollout: Rollout) -> _Signature:
    return tuple(sorted((str(c.key), c.provider, c.action.value, c.digest) for c in rollout.changes))
