"""The story that every provider tells, told by a TXT record at ZoneEdit: most others cannot be created there but by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.core.dns import RecordPlace
from controller.kinds import record
from controller.kinds.domain import DomainSpec
from tests.contract.narrative import Narrative
from tests.contract.yard import Specs, Yard
from tests.contract.zoneedit_site import TOKEN
from tests.support.clock import HandClock
from tests.support.dns import HOST, DnsServers
from tests.support.zoneedit import FakeZoneEdit, Published


@dataclass
class GivenTools:
    """What a provider is given."""

    state: Path
    clock: HandClock

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        assert declared[field]["ref"]
        return lambda: TOKEN


@dataclass
class PanelHands:
    """A person at ZoneEdit's panel, ten minutes later: what was sent before does not count any more."""

    servers: DnsServers
    published: Published
    clock: HandClock

    def edit(self, yard: Yard) -> None:
        self.published.put(f"it.{self.published.zone}", "TXT", '"by hand"')
        self.clock.advance(600)

    def remove(self, yard: Yard) -> None:
        self.published.put(f"it.{self.published.zone}", "TXT")
        self.clock.advance(600)

    def cut(self) -> None:
        self.servers.bind.stop()

    def mend(self) -> None:
        self.servers.bind.start()


@pytest.fixture
def yard(name_servers: DnsServers, tmp_path: Path) -> Iterator[Yard]:
    clock, published = HandClock(), Published(name_servers.bind)
    zone = published.zone
    fake = FakeZoneEdit(published, clock, {zone: TOKEN})
    with fake.serving():
        declared = fake.connection(servers=[f"{HOST}:{name_servers.bind.port}"])
        provider = record.open_zoneedit("dns", declared, GivenTools(tmp_path, clock))["record"]
        specs = Specs(tmp_path, others={"domain": {"zone": DomainSpec(zone=zone, via="local")}})
        first = {"name": f"it.{zone}", "type": "TXT", "value": "one two", "ttl": 300}
        second = {"name": f"it.{zone}", "type": "TXT", "values": ["three; four", "five"]}
        hands = PanelHands(name_servers, published, clock)
        yield Yard("record", specs, provider, hands, first, second, None, str(RecordPlace(f"it.{zone}", "TXT", zone)))
        assert not [request.answer for request in fake.requests if "ERROR" in request.answer], "no limit was ever run into"


class TestNarrative(Narrative):
    """As it stands there."""
