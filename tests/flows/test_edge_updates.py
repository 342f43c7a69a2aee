"""Updates and rollbacks behind a real Caddy under load: no request is lost, nothing is written to Caddy, and the websockets of
other services stay open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.flows.edge_home import BAD, ECHO, Home, Websocket, web, web_image
from tests.support import caddy as caddies
from tests.support.caddy import Caddy
from tests.support.engines import NEW, OLD, Engines, Kind

PAIRS = (pytest.param((OLD, caddies.OLD), id="oldest"), pytest.param((NEW, caddies.NEW), id="newest"))
"""Engine and Caddy."""


@pytest.fixture(scope="module", params=PAIRS)
def home(engines: Engines, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A house with `chat`, to which a websocket can be opened."""
    pair: tuple[Kind, str] = request.param
    with engines.clean(pair[0]) as engine:
        server = Caddy(pair[1], f"/proc/{engine.space.pid}/ns/net")
        made = Home(engine, server, tmp_path_factory.mktemp("home"))
        web_image(engine)
        serve = ["nc", "-ll", "-p", "80", "-e", "/bin/sh", "/etc/echo"]
        script = {"target": "/etc/echo", "content": ECHO}
        made.service("chat", image="lab/sleep:1", command=serve, configs=[script])
        assert made.apply() == 0, made.said
        yield made
        server.close()


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_no_request_is_lost(home: Home, order: str) -> None:
    web(home, "v1", order)
    assert home.apply() == 0, home.said
    assert home.get("web") == "v1"
    with home.load("web") as calm:
        web(home, "v1", order)
        assert home.apply() == 0, "a pass that has nothing to do"
    document = home.caddy.document()
    with closing(Websocket(home, "chat")) as chat, home.load("web") as counts:
        assert chat.echoes(b"before")
        web(home, "v2", order)
        assert home.apply() == 0, home.said
        assert home.get("web") == "v2"
        web(home, "v3", order, BAD)
        assert home.apply() != 0, "it is never healthy, and taken back"
        assert home.get("web") == "v2"
        web(home, "v1", order)
        assert home.apply() == 0, home.said
        assert home.get("web") == "v1"
        assert chat.echoes(b"after"), "nobody else notices"
    assert all(count.requests for count in counts)
    assert sum(count.lost for count in counts) <= sum(count.lost for count in calm), (counts, calm)
    assert home.caddy.document() == document, "Caddy is not written"
