"""The story that every provider tells, told by records on BIND, Knot and PowerDNS, and through packages of octoDNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.dns_yard import BRIDGED, WORLDS, DnsHands, dns_yard
from tests.contract.narrative import Narrative
from tests.contract.yard import Yard
from tests.support.dns import DnsServers


@pytest.fixture(params=[*WORLDS, *BRIDGED])
def yard(request: pytest.FixtureRequest, name_servers: DnsServers, tmp_path: Path) -> Iterator[Yard]:
    made = dns_yard(request.param, name_servers, tmp_path)
    assert isinstance(made.hands, DnsHands)
    server, zone = made.hands.server, made.hands.zone
    before = server.dump(zone)
    yield made
    assert [line for line in server.dump(zone) if not line.startswith("it.")] == before, "nothing else in the zone moved"
    made.provider.close()  # type: ignore[attr-defined]


class TestNarrative(Narrative):
    """As it stands there."""
