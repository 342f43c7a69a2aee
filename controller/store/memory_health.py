"""How healthy everything was over time, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock

from controller.core.uptime import NO_MORE, HealthChange, HealthRecord, Watch


@dataclass
class Kept:
    """What stores beside each other share: changes by key and time, watches by their beginning."""

    changes: dict[tuple[str, float], HealthChange] = field(default_factory=dict)
    watches: dict[float, Watch] = field(default_factory=dict)

    def last(self, at: float, *, before: bool = False) -> dict[str, HealthChange]:
        """Every key's last change up to a time, or only `before` it."""
        found = (change for _, change in sorted(self.changes.items()) if change.at < at or (change.at == at and not before))
        return {change.key: change for change in found}

    def forget(self, before: float) -> int:
        """Drop the time before, but for every key's last change of it unless that says it is no more. How many records went."""
        size = len(self.changes) + len(self.watches)
        stands = {change for change in self.last(before).values() if change.health != NO_MORE}
        self.changes = {place: each for place, each in self.changes.items() if each.at > before or each in stands}
        self.watches = {began: watch for began, watch in self.watches.items() if watch.until >= before}
        return size - len(self.changes) - len(self.watches)


class MemoryHealth:
    """`core.uptime.HealthHistory` in memory."""

    def __init__(self, kept: Kept, lock: RLock, led: Callable[[], None]) -> None:
        self._kept, self._lock, self._led = kept, lock, led

    def note(self, watch: Watch, changes: Iterable[HealthChange] = ()) -> None:
        new = list(changes)
        with self._lock:
            self._led()
            self._kept.watches[watch.began] = watch
            self._kept.changes.update({(change.key, change.at): change for change in new})

    def standing(self, at: float) -> Mapping[str, str]:
        with self._lock:
            return {key: change.health for key, change in self._kept.last(at).items() if change.health != NO_MORE}

    def watch(self, at: float) -> Watch | None:
        with self._lock:
            return max((watch for watch in self._kept.watches.values() if watch.began <= at), key=_began, default=None)

    def newest(self) -> float:
        with self._lock:
            return max((at for _, at in self._kept.changes), default=0.0)

    def between(self, start: float, end: float, *, key: str = "", kind: str = "") -> HealthRecord:
        with self._lock:
            last = set(self._kept.last(start, before=True).values())
            changes = [each for _, each in sorted(self._kept.changes.items()) if start <= each.at <= end or each in last]
            watches = [each for each in self._kept.watches.values() if each.until >= start and each.began <= end]
        if key:
            changes = [each for each in changes if each.key == key]
        if kind:
            changes = [each for each in changes if each.key.startswith(f"{kind}/")]
        return HealthRecord(tuple(changes), tuple(sorted(watches, key=_began)))


def _began(watch: Watch) -> float:
    return watch.began
