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
from tests.support.dns import DnsServers, NameServer, serial
from tests.support.space import wait_until

WORLDS = ("bind", "knot", "powerdns")
BRIDGED = ("octodns-bind", "octodns-powerdns")
"""The same servers through packages of octoDNS."""


@dataclass
class GivenTools:
    """What a provider is given."""

    state: Path
    clock: Clock

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        value = str(declared[field]["ref"] if isinstance(declared[field], Mapping) else declared[field])
        return lambda: value


def server_of(servers: DnsServers, world: str) -> NameServer:
    """The server of a world."""
    found: NameServer = getattr(servers, world.removeprefix("octodns-"))
    return found


def declared(server: NameServer, **more: Any) -> dict[str, Any]:
    """The connection to a server, with all its authoritative servers."""
    ports = [server.port, *server.others]
    common = {"servers": [f"{dns.HOST}:{port}" for port in ports], **more}
    if server.web:
        return {"type": "powerdns", "url": server.web, "key": dns.API_KEY, **common}
    key = {"name": dns.KEY, "algorithm": dns.ALGORITHM, "secret": dns.SECRET}
    return {"type": "rfc2136", "server": f"{dns.HOST}:{server.port}", "key": key, **common}


def bridged(server: NameServer, *zones: str, **more: Any) -> dict[str, Any]:
    """The same through octoDNS. What is a reference reveals itself: see `GivenTools`."""
    common = {"type": "octodns", "servers": [f"{dns.HOST}:{port}" for port in (server.port, *server.others)], **more}
    if server.web:
        port = server.web.rpartition(":")[2]
        options = {"host": dns.HOST, "port": int(port), "api_key": {"ref": dns.API_KEY}}
        return {"class": "octodns_powerdns.PowerDnsProvider", "options": options, "zones": list(zones), **common}
    options = {"host": dns.HOST, "port": server.port, "key_name": dns.KEY, "key_algorithm": dns.ALGORITHM}
    options["key_secret"] = {"ref": dns.SECRET}
    return {"class": "octodns_bind.Rfc2136Provider", "options": options, "zones": list(zones), **common}


def bridge_provider(server: NameServer, folder: Path, *zones: str, **more: Any) -> RecordProvider:
    """The provider behind a connection to a server through octoDNS."""
    opened = record.open_octodns("dns", bridged(server, *zones, **more), GivenTools(folder, SystemClock()))["record"]
    assert isinstance(opened, RecordProvider)
    return opened


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
        wait_until(lambda: serial(self.zone, self.server.port), f"{self.server.name} to have read {self.zone}")


def dns_yard(world: str, servers: DnsServers, folder: Path) -> Yard:
    """A record called `it` in a fresh zone."""
    server = server_of(servers, world)
    zone = server.fresh()
    specs = Specs(folder, others={"domain": {"zone": DomainSpec(zone=zone, via="local")}})
    first = {"name": f"it.{zone}", "type": "A", "value": "192.0.2.7", "ttl": 60}
    second = {"name": f"it.{zone}", "type": "A", "values": ["192.0.2.8", "192.0.2.9"], "ttl": 120}
    provider = bridge_provider(server, folder, zone) if world in BRIDGED else record_provider(server, folder)
    address = str(RecordPlace(f"it.{zone}", "A", zone))
    return Yard("record", specs, provider, DnsHands(server, zone), first, second, None, address)
