"""Services on a Docker host: observe, apply, release, health and the event stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event as Flag
from typing import Any

from controller.clients.blobs import BlobStore
from controller.clients.docker import DockerHost, Happening, Kept, Look
from controller.core.change import Change
from controller.core.discovery import Discovery
from controller.core.errors import ProviderError
from controller.core.key import Key
from controller.core.ports import Clock, Vault
from controller.core.state import Health, Receipt, Snapshot, State, Target
from controller.kinds.service import mounts, pinning
from controller.kinds.service.delivery import Delivery
from controller.kinds.service.discover import discover
from controller.kinds.service.edge import EdgeNetworks
from controller.kinds.service.ground import Ground
from controller.kinds.service.health import judge
from controller.kinds.service.placing import Placing
from controller.kinds.service.projection import Details, Eyes, project
from controller.kinds.service.roster import Roster
from controller.kinds.service.speech import Speech
from controller.kinds.service.spot import Spot, running
from controller.kinds.service.swap import Swap, told
from controller.kinds.service.tuning import Tuning

EVENTS = {
    "container": [
        "create", "start", "die", "stop", "pause", "unpause", "rename", "update", "destroy", "oom", "health_status", "restart",
    ],
    "network": ["create", "destroy", "remove", "connect", "disconnect"],
    "image": ["tag", "untag", "pull", "load", "import", "delete"],
}  # fmt: skip
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
        edges = EdgeNetworks(host, instance)
        self._networks: Kept[Sequence[Details]] = Kept(host.networks.all)
        ground = Ground(host, delivery, edges, self._networks)
        self._swap = Swap(host, instance, delivery, ground, clock.monotonic, told, self._roster.container_of)
        self._look = Look(host.containers, self._swap.inspect, self._roster.wants)
        self._placing = Placing(host, instance, self._swap, Tuning(host, edges), self._show)
        self._speech = Speech(host, self._standing, vault.conceal)

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
        self._placing.make(change, interrupt)
        return self._receipt(change, self._swap.spot(change.address))

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """End the probation of what stands; a deleted container goes for good. Idempotent."""
        spot = self._swap.spot(change.address)
        if change.after is not None:
            spot = self._swap.finish(spot, change.address)
        elif spot.parked is not None and spot.parked["Id"] in receipt.retained:
            self._host.containers.remove(str(spot.parked["Id"]))
            spot = replace(spot, parked=None)
        return replace(self._receipt(change, spot), retained=())

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

    def log(self, target: Target, lines: int, since: float = 0.0) -> str:
        """The last lines of the container that stands now."""
        return self._speech.log(target, lines, since)

    def follow(self, target: Target, lines: int, since: float, stop: Flag) -> Iterator[str]:
        """The same, and then what it and those that take its place write."""
        return self._speech.follow(target, lines, since, stop)

    def _standing(self, target: Target) -> Details | None:
        """The container that stands now: by its handle when somebody renamed it."""
        found = self._swap.spot(target.address).stands
        return found or (self._swap.inspect(target.handle) if target.handle else None)

    def discover(self) -> list[Discovery]:
        """Containers that run without being ours. Raises Transient."""
        return discover(self._host, self._instance, self._eyes)

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which service moved; while the stream stands, a look inspects only those."""

        def opened() -> None:
            self._look.attach(True)
            self._networks.attach(True)
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
            else:
                self._networks.doubt()

        while not stop.is_set():
            with suppress(ProviderError):
                self._host.events.follow(EVENTS, opened, heard, stop)
            self._look.attach(False)
            self._networks.attach(False)
            stop.wait(_RETRY)

    def _show(self, details: Details, address: str) -> dict[str, Any]:
        return project(details, address, self._eyes)

    def _receipt(self, change: Change, spot: Spot) -> Receipt:
        stands = self._placing.standing(change, spot)
        for each in (spot.current, spot.coming, spot.parked, stands):
            if each is not None:
                self._look.mark(str(each["Id"]))
        kept = (str(spot.parked["Id"]),) if spot.parked is not None else ()
        if stands is None:
            return Receipt(kept[0] if kept else change.handle, None, kept)
        return Receipt(str(stands["Id"]), self._show(stands, change.address), kept)
