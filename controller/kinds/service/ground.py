"""What a container stands on: everything that must be on the host before one is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.clients.docker import DockerHost, Kept
from controller.core.errors import Permanent
from controller.core.state import State
from controller.kinds.service import endpoints
from controller.kinds.service.delivery import Delivery
from controller.kinds.service.edge import EdgeNetworks


@dataclass(frozen=True, slots=True)
class Ground:
    """The networks, volumes and folders of one host. `networks` is the list of them, read once for many services."""

    host: DockerHost
    delivery: Delivery
    edges: EdgeNetworks
    networks: Kept[Sequence[Mapping[str, Any]]]

    def require(self, state: State) -> None:
        """Refuse, before anything is touched, a state that names what is not on the host: engines notice only at the start."""
        self.delivery.unmask(state)
        self.edges.ensure(state)
        self.edges.provide(endpoints.early(state))
        for network in endpoints.early(state):
            if network != endpoints.DEFAULT and not self._has_network(network):
                raise Permanent(f"there is no network {network!r} on {self.host.name}")
        for entry in (state.get("volumes") or {}).values():
            if entry.get("external") and self.host.volumes.inspect(str(entry["source"])) is None:
                raise Permanent(f"there is no volume {entry['source']!r} on {self.host.name}")

    def _has_network(self, network: str) -> bool:
        """A kept list may be older than the network: one that lacks it is read anew before that counts."""
        if self._listed(network):
            return True
        self.networks.doubt()
        return self._listed(network)

    def _listed(self, network: str) -> bool:
        return any(network in (each["Name"], each["Id"]) for each in self.networks.get())
