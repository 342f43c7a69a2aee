"""The steps by which one container takes the place of another, each idempotent, position read from the names on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.change import Change
from controller.core.errors import Conflict, Interrupted, Permanent, ProviderError, Unhealthy
from controller.core.key import Key
from controller.core.state import Health, State
from controller.kinds.service import endpoints, mounts, names, payload, pinning
from controller.kinds.service.delivery import COPIED_AT_TEXT, Delivery
from controller.kinds.service.ground import Ground
from controller.kinds.service.health import judge
from controller.kinds.service.normal import DISABLED
from controller.kinds.service.projection import NANO
from controller.kinds.service.speech import veiled
from controller.kinds.service.spot import EDITED, Spot, labels_of, running, started, twin

Details = Mapping[str, Any]
SHORT_GRACE = 1
"""Seconds that a container which failed gets to end."""
_LINES, _LINE = 20, 200
_POLL = 0.2
_CHECK = {"Interval": 30 * NANO, "Timeout": 30 * NANO}
_SOON = 5 * NANO


@dataclass(frozen=True)
class Swap:
    """The steps on one host. `now` tells monotonic seconds; `told` hears of pulls, `container_id` finds who a namespace belongs
    to."""

    host: DockerHost
    instance: str
    delivery: Delivery
    ground: Ground
    now: Callable[[], float]
    told: Callable[[Key, str], None]
    container_id: Callable[[str], str]

    def spot(self, address: str) -> Spot:
        """Who bears the three names now."""
        return Spot(*(self.inspect(name) for name in names.family(address)))

    def inspect(self, ref: str) -> Details | None:
        """A container, with the files that were copied into it and changed there since."""
        details = self.host.containers.inspect(ref)
        if details is None:
            return None
        parts = names.delivered(labels_of(details)).values()
        copied = [target for part in parts for target, entry in part.items() if entry.get("type") != "folder"]
        edited = [target for target in copied if self.host.containers.changed_at(str(details["Id"]), target) != COPIED_AT_TEXT]
        return {**details, EDITED: edited} if edited else details

    def prepare(self, change: Change, state: State, spot: Spot, interrupt: Flag, *, quiet: bool = False) -> str:
        """Pull, and create the coming container stopped; returns its id. Until here nothing that runs was touched, and nothing is
        left when it fails."""
        self.ground.require(state)
        image = pinning.provide(self.host, state, lambda text: self.told(change.key, text), interrupt)
        if spot.coming is not None:
            if twin(spot.coming, names.identity(state)) and (spot.unseen or not started(spot.coming)):
                return str(spot.coming["Id"])
            self._clear(spot.coming, change.address)
        if interrupt.is_set():
            raise Interrupted(f"{change.key}: called off before anything was changed")
        old = spot.current or spot.parked
        made = self._create(change, state, old, image, quiet=quiet)
        try:
            self._complete(made, state, quiet=quiet)
        except ProviderError:
            self.discard(made)
            raise
        return made

    def park(self, spot: Spot, address: str) -> None:
        """Stop the one that runs and set it aside. It loses its restart policy, or it would come back with the engine."""
        current = spot.current
        if current is None:
            return
        self.retire(str(current["Id"]))
        if spot.parked is not None:
            self._clear_parked(spot)
        self.host.containers.rename(str(current["Id"]), address + names.PREV)

    def park_failed(self, spot: Spot, address: str) -> None:
        """Set aside the one on probation, quickly."""
        coming = spot.coming
        if coming is not None:
            self.retire(str(coming["Id"]), SHORT_GRACE)
            self._clear_parked(spot)
            self.host.containers.rename(str(coming["Id"]), address + names.PREV)

    def retire(self, container: str, grace: int | None = None) -> None:
        """Stop a container for good."""
        self.host.containers.stop(container, grace)
        self.host.containers.update(container, {"RestartPolicy": {"Name": "no"}})

    def clear_away(self, spot: Spot) -> list[str]:
        """Remove what waits stopped behind the one that stands under its own name; the name of what was removed."""
        parked = spot.parked
        if spot.current is None or parked is None or running(parked) or not self.is_ours(parked, spot):
            return []
        self.host.containers.remove(str(parked["Id"]))
        return [str(parked["Name"]).lstrip("/")]

    def put_back(self, spot: Spot, old: Details, address: str, state: State) -> None:
        """Let the one that was stand again, as in `state`. One that failed its probation is removed, one that had passed it is
        parked instead."""
        failed, settled = spot.coming, spot.current
        if settled is not None and settled["Id"] != old["Id"]:
            if failed is not None:
                self._clear(failed, address)
            failed = None
            self.retire(str(settled["Id"]))
            self.host.containers.rename(str(settled["Id"]), address + names.NEXT)
        else:
            settled = None
            if failed is not None and running(failed):
                self.host.containers.stop(str(failed["Id"]), SHORT_GRACE)
        if str(old["Name"]).lstrip("/") != address:
            self.host.containers.rename(str(old["Id"]), address)
        policy = payload.restart_policy(str(state.get("restart", "no")))
        self.host.containers.update(str(old["Id"]), {"RestartPolicy": policy})
        if str(state.get("status", "running")).startswith(("running", "completed")):
            self.host.containers.start(str(old["Id"]))
        self.enter(str(old["Id"]), state, endpoints.attachments(state))
        if settled is not None:
            self.host.containers.rename(str(settled["Id"]), address + names.PREV)
        if failed is not None:
            self.discard(str(failed["Id"]))

    def finish(self, spot: Spot, address: str) -> Spot:
        """End the probation of the one that stands: its real restart policy, its real name. Where all stand then."""
        coming = spot.coming
        if coming is None or not spot.probation:
            return spot
        container = str(coming["Id"])
        restart = labels_of(coming).get(names.RESTART) or "no"
        if restart != "no":
            self.host.containers.update(container, {"RestartPolicy": payload.restart_policy(restart)})
        self.host.containers.rename(container, address)
        return Spot(current=self.inspect(container), parked=spot.parked)

    def start(self, container: str, change: Change) -> None:
        """Start a container; what the engine says when it cannot is the error."""
        try:
            self.host.containers.start(container)
        except (Permanent, Conflict) as error:
            raise Permanent(f"{change.key} cannot start: {error}") from error

    def until_healthy(self, container: str, change: Change, interrupt: Flag) -> None:
        """Wait for the gate of a change. Raises Interrupted, or Unhealthy with the last lines of its log; touches nothing."""
        gate = change.gate
        since: float | None = None
        deadline = self.now() + (gate.timeout + gate.settle if gate is not None else 0.0)
        settle = gate.settle if gate is not None else 0.0
        while not interrupt.is_set():
            details = self.host.containers.inspect(container)
            if details is None:
                raise Conflict(f"the new container of {change.key} was removed by somebody")
            health, why = judge(details, self.delivery.conceal)
            since = (since if since is not None else self.now()) if health is Health.HEALTHY else None
            if since is not None and self.now() - since >= settle:
                return
            if health is Health.DEGRADED or self.now() > deadline:
                log = self.log(details)
                raise Unhealthy(f"{change.key} did not get healthy: {told(why or health, log)}", log)
            interrupt.wait(_POLL)
        raise Interrupted(f"{change.key}: called off while the new container got healthy")

    def after_pause(self, container: str, interrupt: Flag) -> None:
        """Wait for the first check after a pause: those in it failed, and say nothing about the container."""
        details = self.host.containers.inspect(container)
        check = (details or {}).get("Config", {}).get("Healthcheck") or {}
        seconds = 1.0 + sum(float(check.get(name) or default) / NANO for name, default in _CHECK.items())
        deadline = self.now() + seconds
        while details is not None and judge(details, self.delivery.conceal)[0] is Health.DEGRADED and self.now() < deadline:
            if interrupt.wait(_POLL):
                return
            details = self.host.containers.inspect(container)

    def join(self, container: str, state: State) -> None:
        """Give a quiet container its aliases, network by network."""
        for network, entry in endpoints.early(state).items():
            if entry.get("aliases"):
                self.host.containers.disconnect(container, network)
                self.host.containers.connect(container, network, endpoints.endpoint(entry))

    def tells_soon(self, container: str) -> bool:
        """True when it is worth waiting for the health of a container while nobody serves. Engines before API 1.44 check for the
        first time after a whole interval: there a container with a long one is let in when it runs, as without us."""
        details = self.host.containers.inspect(container) or {}
        check = (details.get("Config") or {}).get("Healthcheck") or {}
        if self.host.api >= payload.START_INTERVAL or not check.get("Test") or check["Test"] == DISABLED:
            return True
        return float(check.get("Interval") or _CHECK["Interval"]) <= _SOON

    def enter(self, container: str, state: State, networks: Iterable[str]) -> None:
        """Attach a container to those of its networks that it is not on. Raises Permanent when an address is taken."""
        wanted = list(networks)
        on = endpoints.joined(self.host.containers.inspect(container) or {}) if wanted else ()
        for network in wanted:
            if network not in on:
                entry = endpoints.attachments(state)[network]
                try:
                    self.host.containers.connect(container, network, endpoints.endpoint(entry))
                except (Permanent, Conflict) as error:
                    address = entry.get("ipv4_address", "an address")
                    raise Permanent(f"{address} on the network {network} is not to be had: {error}") from error

    def share(self, old: Details, made: str, state: State) -> None:
        """The new one takes the place of the old one on the second edge network: nothing goes there while the first answers."""
        second = list(endpoints.late(state))[1:]
        for network in second:
            if network in endpoints.joined(old):
                self.host.containers.disconnect(str(old["Id"]), network)
        self.enter(made, state, second)

    def log(self, details: Details) -> str:
        """The last lines of a container's log, without its secrets; "" when there is none to be had."""
        with suppress(ProviderError):
            return veiled(self.host.logs.last(str(details["Id"]), _LINES), details, self.delivery.conceal)
        return ""

    def discard(self, container: str) -> None:
        """Remove a container that failed or never ran."""
        self.host.containers.remove(container, volumes=True)

    def _create(self, change: Change, state: State, old: Details | None, image: str, *, quiet: bool) -> str:
        inherited = mounts.anonymous(old) if old is not None else {}
        delivered = self.delivery.copied(state)
        self.delivery.lay_out(state, change.address)
        replaced = str(old["Id"]) if old is not None else ""
        around = payload.Circumstances(
            self.host.api,
            image,
            self.delivery.roots,
            inherited,
            self.delivery.reveal,
            self.container_id,
            names.marks(change.key, self.instance, state, delivered, replaced),
        )
        body = payload.create(state, change.address, around, quiet=quiet)
        taken = {str(mount["Target"]) for mount in body["HostConfig"]["Mounts"]}
        body["HostConfig"]["Mounts"] += [mounts.scratch(folder) for folder in sorted(self.delivery.folders(state) - taken)]
        return self.host.containers.create(change.address + names.NEXT, body, str(state.get("platform", "")))

    def _complete(self, container: str, state: State, *, quiet: bool) -> None:
        networks = endpoints.attachments(state)
        for network in payload.extra_networks(state, self.host.api):
            self.host.containers.connect(container, network, endpoints.endpoint(networks[network], quiet=quiet))
        for folder, archive in self.delivery.archives(state).items():
            self.host.containers.put_archive(container, folder, archive)

    def _clear(self, coming: Details, address: str) -> None:
        """Remove a container from an earlier try; never one that is not ours."""
        if labels_of(coming).get(names.OWNER) != self.instance:
            raise Conflict(f"a container called {address}{names.NEXT} exists and is not ours")
        self.discard(str(coming["Id"]))

    def _clear_parked(self, spot: Spot) -> None:
        parked = spot.parked
        if parked is not None:
            if not self.is_ours(parked, spot):
                raise Conflict(f"a container called {parked['Name'].lstrip('/')} exists and is not ours")
            self.host.containers.remove(str(parked["Id"]))

    def is_ours(self, parked: Details, spot: Spot) -> bool:
        """True for a container that carries our mark, or that one of ours says it took the place of."""
        others = [labels_of(each).get(names.REPLACED) for each in (spot.current, spot.coming) if each is not None]
        return labels_of(parked).get(names.OWNER) == self.instance or parked["Id"] in others


def told(why: str, log: str) -> str:
    """A reason with the last line of a log."""
    last = log.strip().rpartition("\n")[2][:_LINE]
    return f"{why}: {last}" if last else why
