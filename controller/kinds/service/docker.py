"""Services on a Docker host: observe, apply, release, health and the event stream."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from threading import Event as Flag
from typing import Any

from controller.clients.blobs import BlobStore
from controller.clients.docker import DockerHost, Happening, Look
from controller.core.change import Action, Change
from controller.core.discovery import Discovery
from controller.core.errors import Conflict, Permanent, ProviderError, Unhealthy
from controller.core.key import Key
from controller.core.ports import Clock, Vault
from controller.core.state import Health, Receipt, Snapshot, State, Target
from controller.kinds.service import mounts, names, pinning
from controller.kinds.service.delivery import Delivery
from controller.kinds.service.discover import discover
from controller.kinds.service.health import judge, redacted
from controller.kinds.service.judgement import differences
from controller.kinds.service.projection import Details, Eyes, project
from controller.kinds.service.roster import Roster
from controller.kinds.service.spot import Spot, labels_of, running, started, twin
from controller.kinds.service.swap import Swap, told
from controller.kinds.service.tuning import Tuning

EVENTS = {
    "container": [
        "create", "start", "die", "stop", "pause", "unpause", "rename", "update", "destroy", "oom", "health_status", "restart",
    ],
    "network": ["connect", "disconnect"],
    "image": ["tag", "untag", "pull", "load", "import", "delete"],
}  # fmt: skip
_MOVES = frozenset(["status", "restart"])
"""Fields that differ while we are in the middle, or because a container failed: no hand edit."""
_RETRY = 1.0
_DAY = 86_400.0


class ServiceProvider:
    """Containers of services on one Docker host, as laid down in `Spot` and `Swap`.

    A new container is created as `N.next` and started without a restart policy; the old one waits stopped as `N.prev`. The engine
    judges health and calls `release`, which gives the real policy and name. `apply` may be repeated and swapped at any position.
    `instance` is the owner mark, `data` the host's folder for relative writable folders, `told` hears of pulls."""

    visible_within = 3.0
    """An engine answers when it is done; but a request that a killed controller had sent is carried out all the same."""

    def __init__(
        self,
        host: DockerHost,
        vault: Vault,
        blobs: BlobStore,
        clock: Clock,
        instance: str = "home",
        data: str = "/var/lib/homelabhub/data",
        told: Callable[[Key, str], None] = lambda _key, _text: None,
    ) -> None:
        content = str((blobs.root / "laid-out").resolve()) if host.local else ""
        roots = mounts.Roots(content, host.data or data)
        self._host = host
        self._instance = instance
        self._conceal = vault.conceal
        self._roster = Roster(host, instance, self._show, vault.conceal)
        self._eyes = Eyes(vault.fingerprint, roots, host.images.by_id, self._roster.called, self._roster.called_then)
        delivery = Delivery(blobs, roots, vault.reveal, vault.conceal)
        self._swap = Swap(host, instance, delivery, clock.monotonic, told, self._roster.container_of)
        self._look = Look(host.containers, self._swap.inspect, self._roster.wants)
        self._tuning = Tuning(host)
        self._clock = clock

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Every service of ours and the targets; the same objects as last time where nothing moved."""
        if self._roster.widen(targets):
            self._look.widen()
        try:
            return self._roster.snapshot(self._look.read(), targets)
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))

    def adapt(self, state: State, applied: State | None) -> State:
        """The image's digest, and a refusal of what this engine cannot do."""
        return pinning.pin(self._host, state, applied)

    def health(self, target: Target) -> tuple[Health, str]:
        """Health of the container that stands now, with the last line of its log when it failed."""
        details: Details | None = self._host.containers.inspect(target.handle) if target.handle else None
        if details is None:
            details = self._swap.spot(target.address).stands
        if details is None:
            return Health.MISSING, "there is no such container"
        health, why = judge(details, self._conceal)
        if health is Health.DEGRADED and not running(details):
            why = told(why, self._swap.log(details))
        return health, why

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port, and `Spot` for the positions."""
        spot = self._swap.spot(change.address)
        if change.after is None:
            self._delete(change, spot)
        elif change.action is Action.UPDATE:
            self._update(change, change.after, spot, interrupt)
        else:
            self._place(change, change.after, spot, interrupt)
        return self._receipt(change)

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """End the probation of what stands; a deleted container goes for good. Idempotent."""
        spot = self._swap.spot(change.address)
        if change.after is not None:
            self._swap.finish(spot, change.address)
        elif spot.parked is not None and spot.parked["Id"] in receipt.retained:
            self._host.containers.remove(str(spot.parked["Id"]))
        return replace(self._receipt(change), retained=())

    def audit(self) -> None:
        """Look at every container anew next time."""
        self._look.doubt()

    def tidy(self, now: float) -> None:
        """Remove what updates left behind a day before `now` (seconds since the epoch). Raises what the calls raise."""
        for left in self._roster.leftovers(self._look.read(), now - _DAY):
            self._host.containers.remove(str(left["Id"]))

    def let_go(self, target: Target) -> list[str]:
        """Remove what waits for an undo. Raises what the calls raise."""
        return self._swap.clear_away(self._swap.spot(target.address))

    def log(self, target: Target, lines: int) -> str:
        """The last lines of the container that stands now. Raises Transient, Permanent."""
        details: Details | None = self._host.containers.inspect(target.handle) if target.handle else None
        details = details or self._swap.spot(target.address).stands
        if details is None:
            raise Permanent(f"there is no container {target.address!r}")
        return redacted(self._host.containers.logs(str(details["Id"]), lines), details, self._conceal)

    def discover(self) -> list[Discovery]:
        """Containers that run without being ours. Raises Transient."""
        return discover(self._host, self._instance, self._eyes)

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which service moved; while the stream stands, a look inspects only those."""

        def opened() -> None:
            self._look.attach(True)
            moved(None)

        def heard(happening: Happening) -> None:
            container = happening.id if happening.type == "container" else happening.attributes.get("container", "")
            if happening.type == "image":
                self._host.images.forget()
            elif container:
                self._look.mark(container)
                key = self._roster.key_of(happening.attributes, container)
                if key is not None:
                    moved(key)

        while not stop.is_set():
            with suppress(ProviderError):
                self._host.events.follow(EVENTS, opened, heard, stop)
            self._look.attach(False)
            stop.wait(_RETRY)

    def _place(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Create or replace: nothing to do, back to the one that was, or forward to a new one."""
        if spot.stands is not None and not self._differing(after, spot.stands, change):
            self._clear_debris(spot, change.address)
            return
        old = self._old(after, change, spot)
        if old is not None:
            if spot.stands is not None and spot.stands["Id"] != old["Id"]:
                self._expect(change, spot)
            run = str(after.get("status", "running")).startswith(("running", "completed"))
            self._swap.put_back(spot, old, change.address, str(after.get("restart", "no")), run=run)
            return
        if not spot.torn:
            self._expect(change, spot)
        if after.get("order") == "start-first" and spot.current is not None and running(spot.current):
            self._overlap(change, after, spot, interrupt)
        else:
            self._exchange(change, after, spot, interrupt)

    def _exchange(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Stop-first: the old one is parked, then the new one starts; when it cannot, the old one runs again."""
        made = self._swap.prepare(change, after, spot, interrupt)
        self._swap.park(spot, change.address)
        try:
            self._swap.start(made, change)
        except Permanent as error:
            now = self._swap.spot(change.address)
            if now.parked is None or change.before is None:
                self._swap.discard(made)
                raise
            run = str(change.before.get("status", "running")).startswith("running")
            self._swap.put_back(now, now.parked, change.address, str(change.before.get("restart", "no")), run=run)
            raise Unhealthy(f"{error}; the one before runs again") from error

    def _overlap(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        """Start-first: the new one gets healthy unseen beside the old one, which is parked only then."""
        made = self._swap.prepare(change, after, spot, interrupt, quiet=True)
        try:
            self._swap.start(made, change)
            self._swap.until_healthy(made, change, interrupt)
            self._swap.join(made, after)
        except (Permanent, Conflict, Unhealthy):
            self._swap.discard(made)
            raise
        self._swap.park(spot, change.address)

    def _update(self, change: Change, after: State, spot: Spot, interrupt: Flag) -> None:
        details = self._standing(change, spot)
        if details is None:
            raise Conflict(f"{change.key} is gone")
        shown = self._show(details, change.address)
        differing = differences(after, shown)
        strange = [path for path in differences(change.before or {}, shown, _MOVES) if path in differing]
        if strange:
            raise Conflict(f"{change.key} is not what the change expects: {', '.join(strange)}")
        self._tuning.tune(change, after, details, shown, differing)
        if shown["status"] == "paused":
            self._swap.after_pause(str(details["Id"]), interrupt)

    def _delete(self, change: Change, spot: Spot) -> None:
        if spot.stands is None:
            self._clear_debris(spot, change.address)
            return
        self._expect(change, spot)
        if spot.probation and spot.coming is not None:
            self._swap.park_failed(spot, change.address)
            return
        self._clear_debris(spot, change.address)
        self._swap.park(spot, change.address)

    def _standing(self, change: Change, spot: Spot) -> Details | None:
        """The container that a change is about: by handle when somebody renamed it."""
        if change.handle and spot.handle() != change.handle:
            found = self._swap.inspect(change.handle)
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
        for each in (spot.current if halfway else None, spot.parked):
            if each is not None and not self._differing(after, each, change, _MOVES):
                return each
        return None

    def _expect(self, change: Change, spot: Spot) -> None:
        """Law 1: what stands is what the change was planned for."""
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
        if coming is None or spot.handle() == coming["Id"] or labels_of(coming).get(names.OWNER) != self._instance:
            return
        if started(coming) and not running(coming) and spot.parked is None:
            self._host.containers.rename(str(coming["Id"]), address + names.PREV)
        else:
            self._swap.discard(str(coming["Id"]))

    def _differing(
        self, wanted: State, details: Details, change: Change, ignored: frozenset[str] = frozenset()
    ) -> tuple[str, ...]:
        made_so = twin(details, names.identity(wanted))
        return differences(wanted, self._show(details, change.address), ignored, made_so=made_so)

    def _show(self, details: Details, address: str) -> dict[str, Any]:
        return project(details, address, self._eyes)

    def _receipt(self, change: Change) -> Receipt:
        spot = self._swap.spot(change.address)
        stands = self._standing(change, spot)
        for each in (spot.current, spot.coming, spot.parked, stands):
            if each is not None:
                self._look.mark(str(each["Id"]))
        kept = (str(spot.parked["Id"]),) if spot.parked is not None else ()
        if stands is None:
            return Receipt(kept[0] if kept else change.handle, None, kept)
        return Receipt(str(stands["Id"]), self._show(stands, change.address), kept)
