"""What a change of a service means on one host: the right steps for where the containers stand now."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.change import Action, Change
from controller.core.errors import Conflict, Interrupted, Permanent, Unhealthy
from controller.core.state import State
from controller.kinds.service import endpoints, names
from controller.kinds.service.judgement import differences
from controller.kinds.service.projection import Details
from controller.kinds.service.spot import Spot, labels_of, running, started, twin
from controller.kinds.service.swap import Swap
from controller.kinds.service.tuning import Tuning

_MOVES = frozenset(["status", "restart"])
"""Fields that differ while we are in the middle, or because a container failed: no hand edit."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Places, changes and removes containers as `Spot` and `Swap` lay down. `show` is the normal form that a container shows."""

    host: DockerHost
    instance: str
    swap: Swap
    tuning: Tuning
    show: Callable[[Details, str], dict[str, Any]]

    def make(self, change: Change, interrupt: Flag) -> None:
        """Make a change; see the laws of the port, and `Spot` for the positions. May be repeated and swapped at any of them."""
        spot = self.swap.spot(change.address)
        if change.after is None:
            self._delete(change, spot)
        elif change.action is Action.UPDATE:
            self._update(change, change.after, spot, interrupt)
        else:
            self._place(change, change.after, spot, interrupt)

    def _place(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Create or replace: nothing to do, back to the one that was, or forward to a new one."""
        if spot.stands is not None and not self._differing(after, spot.stands, change):
            self._clear_debris(spot, change.address)
            return
        old = self._old(after, change, spot)
        if old is not None:
            if spot.stands is not None and spot.stands["Id"] != old["Id"]:
                self._expect(change, spot)
            self.swap.put_back(spot, old, change.address, after)
            return
        if not spot.torn:
            self._expect(change, spot)
        if after.get("order") == "start-first" and spot.current is not None and running(spot.current):
            self._overlap(change, after, spot, interrupt)
        else:
            self._exchange(change, after, spot, interrupt)

    def _exchange(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Stop-first: the old one is parked, then the new one starts, and joins the edge when it is healthy; when it cannot, the
        old one runs again."""
        made = self.swap.prepare(change, after, spot, interrupt)
        self.swap.park(spot, change.address)

        def follow() -> None:
            self.swap.start(made, change)
            if endpoints.late(after) and change.gate is not None and self.swap.tells_soon(made):
                self.swap.until_healthy(made, change, interrupt)
            self.swap.enter(made, after, endpoints.late(after))

        self._or_back(change, made, follow)

    def _overlap(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Start-first: the new one gets healthy unseen beside the old one. It takes the second place on the edge, the old one is
        parked, and it takes the first."""
        made, old = self.swap.prepare(change, after, spot, interrupt, quiet=True), spot.current
        if old is None:
            raise Conflict(f"{change.key} is gone")
        try:
            self.swap.start(made, change)
            self.swap.until_healthy(made, change, interrupt)
            self.swap.join(made, after)
            self.swap.share(old, made, after)
        except (Permanent, Conflict, Unhealthy):
            self.swap.discard(made)
            before = change.before or {}
            mine = endpoints.attachments(before).keys() & endpoints.late(after).keys()
            self.swap.enter(str(old["Id"]), before, sorted(mine))
            raise
        self.swap.park(spot, change.address)
        self._or_back(change, made, lambda: self.swap.enter(made, after, endpoints.late(after)))

    def _or_back(self, change: Change, made: str, follow: Callable[[], None]) -> None:
        """Take the steps that follow the end of the old one; when they fail it runs again."""
        try:
            follow()
        except (Permanent, Unhealthy) as error:
            now = self.swap.spot(change.address)
            if now.parked is None or change.before is None:
                self.swap.discard(made)
                raise
            self.swap.put_back(now, now.parked, change.address, change.before)
            if isinstance(error, Interrupted):
                raise
            raise Unhealthy(f"{error}; the one before runs again") from error

    def _update(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        details = self.standing(change, spot)
        if details is None:
            raise Conflict(f"{change.key} is gone")
        shown = self.show(details, change.address)
        differing = differences(after, shown)
        strange = [path for path in differences(change.before or {}, shown, _MOVES) if path in differing]
        if strange:
            raise Conflict(f"{change.key} is not what the change expects: {', '.join(strange)}")
        self.tuning.tune(change, after, details, shown, differing)
        if shown["status"] == "paused":
            self.swap.after_pause(str(details["Id"]), interrupt)

    def _delete(self, change: Change, spot: Spot) -> None:
        if spot.stands is None:
            self._clear_debris(spot, change.address)
            return
        self._expect(change, spot)
        if spot.probation and spot.coming is not None:
            self.swap.park_failed(spot, change.address)
            return
        self._clear_debris(spot, change.address)
        self.swap.park(spot, change.address)

    def standing(self, change: Change, spot: Spot) -> Details | None:
        """The container that a change is about: by handle when somebody renamed it."""
        if change.handle and not spot.bears(change.handle):
            found = self.swap.inspect(change.handle)
            if found is not None and names.stem(str(found["Name"]).lstrip("/")) != change.address:
                return found
        return spot.stands

    def _old(self, after: State, change: Change, spot: Spot) -> Details | None:
        """A stopped container that is what `after` wants: the parked one, or the current one in the middle of a replacement or
        of the delete that this change takes back."""
        ours = spot.current is not None and (
            labels_of(spot.current).get(names.KEY) == str(change.key) or spot.handle() == change.handle
        )
        halfway = spot.torn or (change.before is None and ours)
        edge = {**((change.before or {}).get("edge") or {}), **(after.get("edge") or {})}
        for each in (spot.current if halfway else None, spot.parked):
            # One that made room on the edge is the same all the same: it is put back there.
            left = edge.keys() - endpoints.joined(each) if each is not None else set()
            if each is not None and not self._differing(after, each, change, _MOVES, left):
                return each
        return None

    def _expect(self, change: Change, spot: Spot) -> None:
        """Law 1: what stands is what the change was planned for. One that is not on the edge yet is our own half-way."""
        if spot.unseen:
            return
        if change.before is None:
            if spot.stands is not None:
                raise Conflict(f"a container called {change.address} exists")
            return
        if spot.stands is None:
            raise Conflict(f"{change.key} is gone")
        strange = self._differing(change.before, spot.stands, change, _MOVES)
        if strange:
            raise Conflict(f"{change.key} is not what the change expects: {', '.join(strange)}")

    def _clear_debris(self, spot: Spot, address: str) -> None:
        """Put away a coming container that an interrupted try left behind, never one that stands: one that ran before waits for
        an undo when nothing else does, any other is removed."""
        coming = spot.coming
        if coming is None or spot.handle() == coming["Id"] or labels_of(coming).get(names.OWNER) != self.instance:
            return
        if started(coming) and not running(coming) and spot.parked is None:
            self.host.containers.rename(str(coming["Id"]), address + names.PREV)
        else:
            self.swap.discard(str(coming["Id"]))

    def _differing(
        self,
        wanted: State,
        details: Details,
        change: Change,
        ignored: frozenset[str] = frozenset(),
        left: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Declared fields that a container does not show, but for networks that it `left`."""
        made_so = twin(details, names.identity(wanted))
        asked = endpoints.without(wanted, left) if left else wanted
        return differences(asked, self.show(details, change.address), ignored, made_so=made_so)
