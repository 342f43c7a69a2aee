"""Certificates that the controller orders with proofs in a real zone and hands to real Caddys, as a commit asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.run import Outcome
from tests.contract.dns01_yard import Home
from tests.support.caddy import Caddy, upstream
from tests.support.dns import DnsServers


@pytest.fixture(params=["owned", "coexist"])
def home(request: pytest.FixtureRequest, caddy: Caddy, name_servers: DnsServers, tmp_path: Path) -> Iterator[Home]:
    with upstream() as server:
        made = Home(caddy, name_servers.bind, tmp_path, server.url, request.param)
        yield made
        made.close()


def test_a_wildcard_gets_its_certificate(home: Home) -> None:
    assert home.commit({"all": {"host": f"*.{home.zone}"}}) == [Outcome.APPLIED], home.reasons()
    assert home.trusted("anything")
    assert home.caddy.get(home.name("anything"))[0] == 200
    assert home.texts() == []
    assert home.look_again() == [], "a second plan is empty"
