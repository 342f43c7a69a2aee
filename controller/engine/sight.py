"""Sight: what the last looks showed, so that a pass that knows where something moved looks only there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from controller.core.estate import Estate
from controller.core.ports import Clock, Place, Providers
from controller.core.run import Row
from controller.core.state import Snapshot, Target
from controller.engine.observe import World, observe

YOUNG = 60.0
"""Seconds for which a look at a connection that told of no change may stand in for a new one."""

Connections = frozenset[str]
Targets = Mapping[tuple[str, str], list[Target]]


@dataclass(frozen=True)
class Basis:
    """What a look was made for: the same objects in all three, or nothing seen for it may be used again."""

    estate: Estate
    rows: Mapping[Place, Row]
    providers: Providers

    def same(self, other: Basis | None) -> bool:
        """True when the same things are wanted and known of the same backends."""
        if other is None:
            return False
        return self.estate is other.estate and self.rows is other.rows and self.providers is other.providers


@dataclass
class Sight:
    """The last look at every (kind, connection), for one basis. For many threads.

    Laws: what was seen before `forget` was called, or by a look that was under way then, is not used after it; nothing older than
    `YOUNG` is; of a connection that told of a change nothing is."""

    clock: Clock
    _basis: Basis | None = field(default=None, init=False)
    _seen: dict[tuple[str, str], tuple[Snapshot, float]] = field(default_factory=dict, init=False)
    _written: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def forget(self) -> None:
        """The world was written, or is about to be: look at all of it next time."""
        with self._lock:
            self._written += 1
            self._seen.clear()

    def look(self, basis: Basis, wanted: Targets, only: Connections | None = None) -> tuple[World, Connections | None]:
        """The world for a basis, and which connections were looked at for it: None = all, otherwise exactly `only`, because
        everything else was seen a short while ago. Raises nothing."""
        began = self.clock.monotonic()
        with self._lock:
            written = self._written
            kept = self._kept(basis, wanted, only, began) if only is not None else None
        asked = {place: items for place, items in wanted.items() if kept is None or place not in kept}
        fresh = observe(basis.providers, asked).snapshots
        with self._lock:
            if written == self._written:
                if not basis.same(self._basis):
                    self._basis = basis
                    self._seen.clear()
                self._seen.update({place: (snapshot, began) for place, snapshot in fresh.items()})
        if kept is None:
            return World(fresh), None
        return World({place: kept[place] if place in kept else fresh[place] for place in wanted}), only

    def _kept(self, basis: Basis, wanted: Targets, only: Connections, now: float) -> dict[tuple[str, str], Snapshot] | None:
        """The looks that stand in for new ones; None = not all that are needed can."""
        if not basis.same(self._basis):
            return None
        kept: dict[tuple[str, str], Snapshot] = {}
        for place in wanted:
            if place[1] in only:
                continue
            snapshot, at = self._seen.get(place, (None, 0.0))
            if snapshot is None or now - at > YOUNG:
                return None
            kept[place] = snapshot
        return kept
