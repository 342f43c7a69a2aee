"""SIGKILL while an exposed service is updated: afterwards it is where Caddy finds it, in the old version or in the new one."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.edge import slots
from controller.settings import read_settings
from controller.wire import open_house
from tests.flows.edge_home import Home, web, web_image
from tests.support import caddy as caddies
from tests.support.caddy import Caddy
from tests.support.engines import NEW, OLD, Engines, Kind

RUNS = 4
"""Per order and pair of servers."""
PAIRS = (pytest.param((OLD, caddies.OLD), id="oldest"), pytest.param((NEW, caddies.NEW), id="newest"))


@pytest.fixture(scope="module", params=PAIRS)
def home(engines: Engines, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A house of its own."""
    pair: tuple[Kind, str] = request.param
    with engines.clean(pair[0]) as engine:
        server = Caddy(pair[1], f"/proc/{engine.space.pid}/ns/net")
        web_image(engine)
        yield Home(engine, server, tmp_path_factory.mktemp("home"))
        server.close()


def dying(home: Home, boundary: int, seconds: float) -> int:
    """One pass that is killed somewhere, or (0, 0) nowhere; how it ended."""
    words = ["nsenter", home.network, sys.executable, "-m", "tests.support.dying_apply", str(boundary), str(seconds)]
    done = subprocess.run(words, env=home.environment, capture_output=True, text=True, check=False, timeout=180)
    home.said = done.stdout + done.stderr
    return done.returncode


@pytest.mark.timeout(600)
@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_killed_anywhere_a_visitor_is_served(home: Home, order: str) -> None:
    chance = random.Random(f"{home.engine.kind.name} {order}")
    web(home, "v0", order)
    assert home.apply() == 0, home.said
    for number in range(1, RUNS + 1):
        web(home, f"v{number}", order)
        home.commit()
        place = (number, 0.0) if number % 3 == 0 else (0, chance.uniform(0.3, 2.5))
        assert dying(home, *place) in (0, -signal.SIGKILL), home.said
        for _ in range(2):
            assert dying(home, 0, 0.0) == 0, home.said
        assert home.get("web") == f"v{number}", home.said
        verify(home)


def verify(home: Home) -> None:
    """Nothing is open, nothing is left to do, and the container is on both sides of the edge."""
    details = home.engine.api.inspect_container("web")
    networks = details["NetworkSettings"]["Networks"]
    found = [networks[name]["IPAddress"] for name in sorted(networks) if name.startswith("homelab-edge")]
    assert found == list(slots("web"))
    assert details["State"]["Running"]
    running = [name for name, state in home.engine.containers().items() if state == "running"]
    assert running == ["web"]
    with open_house(read_settings({}, home.environment, Path(home.specs)), write=False) as house:
        assert not house.store.open_entries()
