"""Records on real DNS servers: providers as homelab.yaml opens them, and a yard for the story that every provider tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.clients.clock import SystemClock
from controller.core.dns import RecordPlace
from controller.core.ports import Clock
from controller.kinds import record
from controller.kinds.domain import DomainSpec
from controller.kinds.record import RecordProvider
from tests.contract.yard import Specs, Yard
from tests.support import dns
from tests.support.dns import DnsServers, NameServer

WORLDS = ("bind", "knot", "powerdns")


@dataclass
class GivenTools:
    """What a provider is given."""

    state: Path
    clock: Clock

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        value = str(declared[field])
        return lambda: value


def server_of(servers: DnsServers, world: str) -> NameServer:
    """The server of a world."""
    found: NameServer = getattr(servers, world)
    return found


def declared(server: NameServer, **more: Any) -> dict[str, Any]:
    """The connection to a server, with all its authoritative servers."""
    ports = [server.port, *server.others]
    common = {"servers": [f"{dns.HOST}:{port}" for port in ports], **more}
    if server.web:
        return {"type": "powerdns", "url": server.web, "key": dns.API_KEY, **common}
    key = {"name": dns.KEY, "algorithm": dns.ALGORITHM, "secret": dns.SECRET}
    return {"type": "rfc2136", "server": f"{dns.HOST}:{server.port}", "key": key, **common}


def record_provider(server: NameServer, folder: Path, clock: Clock | None = None, **more: Any) -> RecordProvider:
    """The provider behind a connection to a server."""
    opened = (record.open_powerdns if server.web else record.open_rfc2136)(
        "dns", declared(server, **more), GivenTools(folder, clock or SystemClock())
    )
    provider = opened["record"]
    assert isinstance(provider, RecordProvider)
    return provider


@dataclass
class DnsHands:
    """A person at the server."""

    server: NameServer
    zone: str

    def edit(self, yard: Yard) -> None:
        self.server.edit(self.zone, f"it.{self.zone}", "A", "192.0.2.66", ttl=60)

    def remove(self, yard: Yard) -> None:
        self.server.edit(self.zone, f"it.{self.zone}", "A")

    def cut(self) -> None:
        self.server.stop()

    def mend(self) -> None:
        self.server.start()


def dns_yard(world: str, servers: DnsServers, folder: Path) -> Yard:
    """A record called `it` in a fresh zone."""
    server = server_of(servers, world)
    zone = server.fresh()
    specs = Specs(folder, others={"domain": {"zone": DomainSpec(zone=zone, via="local")}})
    first = {"name": f"it.{zone}", "type": "A", "value": "192.0.2.7", "ttl": 60}
    second = {"name": f"it.{zone}", "type": "A", "values": ["192.0.2.8", "192.0.2.9"], "ttl": 120}
    provider = record_provider(server, folder)
    address = str(RecordPlace(f"it.{zone}", "A", zone))
    return Yard("record", specs, provider, DnsHands(server, zone), first, second, None, address)
