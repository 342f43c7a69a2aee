"""The pytest fixtures of the harness; `README.md` beside this file says how to use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.caddy import NEW as CADDY_NEW
from tests.support.caddy import OLD as CADDY_OLD
from tests.support.caddy import Caddies, Caddy
from tests.support.dns import DnsServers
from tests.support.engines import NEW, OLD, STRICT, TLS, Engine, Engines, Kind
from tests.support.homeassistant import NEW as HOME_NEW
from tests.support.homeassistant import OLD as HOME_OLD
from tests.support.homeassistant import HomeAssistant, HomeAssistants
from tests.support.postgres import Postgres

if TYPE_CHECKING:
    from tests.support.browser import Browser


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """All engines of this test process; for module-wide set-ups. Whoever takes an engine from here must `clean()` it."""
    running = Engines()
    yield running
    running.close()


@pytest.fixture
def engine_old(engines: Engines) -> Iterator[Engine]:
    """A clean Docker 20.10 engine (API 1.41)."""
    with engines.clean(OLD) as engine:
        yield engine


@pytest.fixture
def engine_new(engines: Engines) -> Iterator[Engine]:
    """A clean Docker 28.5 engine (API 1.51)."""
    with engines.clean(NEW) as engine:
        yield engine


@pytest.fixture
def engine_strict(engines: Engines) -> Iterator[Engine]:
    """A clean Docker 28.5 engine that refuses clients older than API 1.44."""
    with engines.clean(STRICT) as engine:
        yield engine


@pytest.fixture
def engine_tls(engines: Engines) -> Iterator[Engine]:
    """A clean Docker 28.5 engine that also listens on TCP port 2376 of its network, for clients with a certificate."""
    with engines.clean(TLS) as engine:
        yield engine


@pytest.fixture(params=[OLD, NEW], ids=["docker-20.10", "docker-28.5"])
def engine(engines: Engines, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each supported engine in turn, clean."""
    kind: Kind = request.param
    with engines.clean(kind) as engine:
        yield engine


@pytest.fixture(scope="session")
def caddies() -> Iterator[Caddies]:
    """All reverse proxies of this test process."""
    running = Caddies()
    yield running
    running.close()


@pytest.fixture(params=[CADDY_OLD, CADDY_NEW])
def caddy(caddies: Caddies, request: pytest.FixtureRequest) -> Caddy:
    """Each supported Caddy in turn, serving nothing."""
    return caddies.clean(request.param)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL server."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The SQLAlchemy URL of a new, empty PostgreSQL database."""
    return postgres.create()


@pytest.fixture(scope="session")
def name_servers() -> Iterator[DnsServers]:
    """BIND, Knot and PowerDNS on loopback."""
    servers = DnsServers()
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def home_assistants() -> Iterator[HomeAssistants]:
    """All Home Assistants of this test process, shared: a test must use names of its own."""
    running = HomeAssistants()
    yield running
    running.close()


@pytest.fixture(params=[HOME_OLD, HOME_NEW], ids=["home-assistant-old", "home-assistant-new"])
def home_assistant(home_assistants: HomeAssistants, request: pytest.FixtureRequest) -> HomeAssistant:
    """Each supported Home Assistant in turn, running."""
    return home_assistants.get(request.param)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this test process."""
    from tests.support.browser import Browser

    running = Browser()
    yield running
    running.close()
