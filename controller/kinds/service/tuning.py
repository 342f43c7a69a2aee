"""Changes that an engine makes on a container in place: limits, restart policy, name, networks, and whether it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.change import Change
from controller.core.errors import Permanent
from controller.core.state import State
from controller.kinds.service import endpoints, fields, names, payload
from controller.kinds.service.edge import EdgeNetworks
from controller.kinds.service.swap import SHORT_GRACE

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The in-place steps on one host; each does nothing where nothing differs."""

    host: DockerHost
    edges: EdgeNetworks

    def tune(self, change: Change, after: State, details: Details, shown: State, differing: Collection[str]) -> None:
        """Bring a container from what it shows to a state that differs in these paths."""
        container = str(details["Id"])
        tops = {path.partition(".")[0] for path in differing}
        if str(details["Name"]).lstrip("/") not in names.family(change.address):
            self.host.containers.rename(container, change.address)
        limits = self._limits(after, details, tops)
        if limits:
            self.host.containers.update(container, limits)
        if "networks" in tops:
            self.edges.ensure(after)
            self._networks(container, endpoints.attachments(after), endpoints.attachments(shown))
        if "status" in tops:
            self._status(change, container, str(after["status"]), str(shown["status"]))

    @staticmethod
    def _limits(after: State, details: Details, tops: Collection[str]) -> dict[str, Any]:
        changed = [name for name in tops if name in fields.LIMITS and name in after]
        found = fields.written(after, fields.HOST, changed)
        if "cpus" in changed:
            found.update({name: value for name, value in payload.limits(after).items() if name == "NanoCpus"})
        swap = details["HostConfig"].get("MemorySwap") or 0
        if "Memory" in found and "MemorySwap" not in found and "memswap_limit" not in after and swap:
            # An engine sets twice the memory when it creates; it refuses a memory limit above the swap limit that is left.
            found["MemorySwap"] = 2 * found["Memory"]
        if "restart" in tops:
            found["RestartPolicy"] = payload.restart_policy(str(after.get("restart", "no")))
        return found

    def _networks(self, container: str, wanted: endpoints.Attachments, shown: endpoints.Attachments) -> None:
        for network in shown:
            if network not in wanted:
                self.host.containers.disconnect(container, network)
        for network, entry in wanted.items():
            if network in shown and endpoints.differs(entry, shown[network]):
                self.host.containers.disconnect(container, network)
            if network not in shown or endpoints.differs(entry, shown[network]):
                self.host.containers.connect(container, network, endpoints.endpoint(entry))

    def _status(self, change: Change, container: str, wanted: str, shown: str) -> None:
        if wanted == "paused":
            self.host.containers.pause(container)
        elif wanted not in ("running", "completed"):
            self.host.containers.stop(container, SHORT_GRACE)
        elif shown == "paused":
            self.host.containers.unpause(container)
        else:
            try:
                self.host.containers.start(container)
            except Permanent as error:
                raise Permanent(f"{change.key} cannot start: {error}") from error
