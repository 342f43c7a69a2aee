"""Caddy as a Service of ours: a commit brings it with what it serves, its update takes nothing away, what it loses comes back.

On both engines, without a right of root and with its admin endpoint on a private socket."""

from __future__ import annotations

import contextlib
import io
import json
import os
import ssl
import tarfile
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from controller.clients.caddy import CaddyDoor
from controller.core.run import Outcome
from controller.settings import read_settings
from controller.wire import open_house
from tests.flows.edge_home import Home
from tests.support import caddy as caddies
from tests.support.caddy import Caddy
from tests.support.dns import ALGORITHM, HOST, KEY, SECRET, DnsServers
from tests.support.engines import NEW, OLD, Engine, Engines, Kind
from tests.support.images import layer
from tests.support.roots import CADDY, root_of
from tests.support.space import wait_until

USER = 1000
LIBRARIES = ("lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libzstd.so.1", "lib64/ld-linux-x86-64.so.2")
"""What the Caddy of Debian is linked to."""


class Contained(Caddy):
    """A Caddy that the controller itself is to start, seen from the folder that both share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http_port, self.https_port = 80, 443
        self.socket = folder / "run" / "admin.sock"
        self.door = CaddyDoor(f"unix://{self.socket}")

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """One call, once: one that was ended leaves a socket at which nobody answers. Raises OSError, HTTPException."""
        return self._call(method, path, body)


class ContainedHome(Home):
    """A house that declares its Caddy, a zone of BIND and services in it. `first` is how the rollouts of its first commit
    ended."""

    first: set[Outcome]
    image = "lab/caddy:1"
    """What its Caddy runs."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        shared = folder / "caddy"
        for each in (shared, shared / "run", shared / "data", shared / "config"):
            each.mkdir(mode=0o700)
            os.chown(each, USER, USER)
        super().__init__(engine, Contained(shared), folder)
        self.names = engine.space.call(DnsServers)
        self.bind = engine.space.call(lambda: self.names.bind)
        self.zone = engine.space.call(self.bind.fresh)
        place = f"{HOST}:{self.bind.port}"
        key = {"name": KEY, "algorithm": ALGORITHM, "secret": {"ref": "dns/key"}}
        servers = [place, *(f"{HOST}:{port}" for port in self.bind.others)]
        edge = {"type": "caddy", "admin": f"unix://{self.caddy.socket}", "grace_period": "1s", "addresses": {"private": [HOST]}}
        dns = {"type": "rfc2136", "server": place, "servers": servers, "key": key}
        self.write("homelab.yaml", "Homelab", "home", {"connections": {"caddy": edge, "dns": dns}})
        self.write("domain.yaml", "Domain", "zone", {"zone": self.zone, "via": "dns", "ttl": 60})
        self.homelab("secret", "set", "dns/key", said=SECRET)

    def update(self) -> None:
        """Declare the other image of Caddy."""
        self.image = {"lab/caddy:1": "lab/caddy:2", "lab/caddy:2": "lab/caddy:1"}[self.image]
        self.proxy()

    def proxy(self, *command: str) -> None:
        """The Caddy as the guide declares it."""
        shared = str(self.caddy.folder)
        start = ["/bin/caddy", "run", "--resume", "--config", "/etc/caddy/start.json"]
        admin = {"admin": {"listen": f"unix/{self.caddy.socket}"}}
        spec = {
            "image": self.image,
            "user": f"{USER}:{USER}",
            "restart": "unless-stopped",
            "stop_grace_period": "15s",
            "command": list(command) or start,
            "environment": {"XDG_DATA_HOME": f"{shared}/data", "XDG_CONFIG_HOME": f"{shared}/config"},
            "configs": [{"target": "/etc/caddy/start.json", "content": json.dumps(admin)}],
            "ports": ["0.0.0.0:80:80", "0.0.0.0:443:443"],
            "volumes": [f"{shared}:{shared}"],
            "networks": {"default": {}, "homelab-edge-a": {"external": True}, "homelab-edge-b": {"external": True}},
        }
        self.write("caddy.yaml", "Service", "caddy", spec)

    def app(self, name: str, image: str = "lab/web:1") -> None:
        """A service for those at home."""
        expose = {"host": f"{name}.{self.zone}", "port": 80}
        self.write(f"{name}.yaml", "Service", name, {"image": image, "stop_grace_period": "2s", "expose": expose})

    def settle(self) -> None:
        """Commit what is written; passes until there is nothing to do, as a running controller makes them."""
        self.commit()
        wait_until(lambda: self.homelab("apply") == 0 and "everything is as git wants it" in self.said, "a house at rest", 180)

    def ask(self, name: str) -> str:
        """What a visitor gets who trusts the Caddy's own authority and asks until there is an answer."""
        answers: list[str] = []

        def answered() -> bool:
            with contextlib.suppress(OSError, HTTPException):
                answers.append(self._ask(name))
            return bool(answers)

        wait_until(answered, f"an answer of {name}")
        return answers[0]

    def _ask(self, name: str) -> str:
        host = f"{name}.{self.zone}"
        _, answer = self.caddy.call("GET", "/pki/ca/local")
        trust = ssl.create_default_context(cadata=json.loads(answer)["root_certificate"])
        connection = HTTPConnection(host)
        with contextlib.closing(connection):
            connection.sock = trust.wrap_socket(self.engine.connect(443, timeout=60), server_hostname=host)
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().read().decode().strip()

    def outcomes(self) -> set[Outcome]:
        """How every rollout ended so far; nothing is open."""
        with open_house(read_settings({}, self.environment, self.specs), write=False) as house:
            assert not house.store.open_entries()
            return {rollout.outcome for run in house.store.runs() for rollout in run.rollouts}

    def repaired(self) -> set[str]:
        """What events tell of as missing and made again."""
        with open_house(read_settings({}, self.environment, self.specs), write=False) as house:
            told = [event for event in house.store.events() if event.reason == "Applied"]
            return {event.key for event in told if event.message == "create: missing"}

    def routes(self) -> list[str]:
        """The hosts that the Caddy serves for us."""
        found = self.caddy.document()["apps"]["http"]["servers"]["homelab"]["routes"]
        return sorted(host for route in found for host in route["match"][0]["host"])


def caddy_images(engine: Engine, version: str) -> None:
    """Two images with a Caddy and a shell."""
    sink = io.BytesIO(layer(root_of(engine.kind.recipe) / "usr/bin/busybox"))
    files = {"bin/caddy": caddies.binary(version)}
    if version == caddies.OLD:
        files |= {name: root_of(CADDY) / name for name in LIBRARIES}
    with tarfile.open(fileobj=sink, mode="a") as tar:
        for name, file in files.items():
            content = file.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    for tag in ("1", "2"):
        changes = [f"ENV HOME=/tmp BUILD={tag}"]
        engine.api.import_image_from_data(sink.getvalue(), repository="lab/caddy", tag=tag, changes=changes)


PAIRS = (pytest.param((OLD, caddies.OLD), id="oldest"), pytest.param((NEW, caddies.NEW), id="newest"))
"""Engine and Caddy."""


@pytest.fixture(scope="module", params=PAIRS)
def fresh(engines: Engines, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainedHome]:
    """A house in which nothing runs yet; its first commit declares the Caddy and two services."""
    pair: tuple[Kind, str] = request.param
    with engines.clean(pair[0]) as engine:
        caddy_images(engine, pair[1])
        made = ContainedHome(engine, tmp_path_factory.mktemp("home"))
        try:
            made.proxy()
            made.app("app")
            made.app("other")
            assert made.apply() == 0, made.said
            assert "caddy cannot be reached" in made.said
            made.settle()
            made.first = made.outcomes()
            yield made
        finally:
            made.names.close()


@pytest.fixture
def home(fresh: ContainedHome) -> ContainedHome:
    """The house as its first commit declares it, with one of the two images."""
    (fresh.specs / "more.yaml").unlink(missing_ok=True)
    fresh.proxy()
    fresh.app("app")
    fresh.settle()
    return fresh


def test_a_first_pass_brings_what_it_can_and_the_routes_follow(home: ContainedHome) -> None:
    assert home.first <= {Outcome.APPLIED, Outcome.WAITING}, "a Caddy that does not run yet is no failure of a route"
    assert home.routes() == [f"app.{home.zone}", f"other.{home.zone}"]
    assert (home.ask("app"), home.ask("other")) == ("v1", "v1")
    assert any(line.startswith(f"app.{home.zone}. ") for line in home.engine.space.call(home.bind.dump, home.zone))


def test_its_admin_endpoint_is_for_the_controller_alone(home: ContainedHome) -> None:
    folder = home.caddy.socket.parent.stat()
    assert (folder.st_uid, folder.st_mode & 0o777) == (USER, 0o700)
    networks = home.engine.api.inspect_container("caddy")["NetworkSettings"]["Networks"]
    for network in networks.values():
        with pytest.raises(OSError), home.engine.space.connect(2019, network["IPAddress"]):
            pass


def test_its_own_update_keeps_what_it_serves(home: ContainedHome) -> None:
    before = home.routes()
    home.update()
    assert home.apply() == 0, home.said
    assert home.engine.api.inspect_container("caddy")["Config"]["Image"] == home.image
    assert home.ask("app") == "v1", "it comes up with the configuration that it had"
    assert home.routes() == before
    home.settle()
    assert home.ask("other") == "v1"


def test_one_that_does_not_start_is_taken_back_and_serves_on(home: ContainedHome) -> None:
    home.proxy("/bin/caddy", "run", "--config", "/nowhere.json")
    assert home.apply() == 5, home.said
    assert "service/caddy" in home.said
    assert home.ask("app") == "v1"
    home.app("more")
    home.commit()
    assert home.homelab("apply") == 5, "what failed stays so until it is changed"
    assert home.ask("more") == "v1", "and the rest of the house goes on"


def test_an_update_beside_changes_of_what_it_serves(home: ContainedHome) -> None:
    home.update()
    home.app("app", "lab/web:2")
    home.app("more")
    home.settle()
    assert (home.ask("app"), home.ask("other"), home.ask("more")) == ("v2", "v1", "v1")


def test_a_configuration_that_it_lost_is_put_back_and_told(home: ContainedHome) -> None:
    before = home.routes()
    (home.caddy.folder / "config" / "caddy" / "autosave.json").unlink()
    home.engine.api.kill("caddy")
    home.settle()
    assert home.routes() == before
    assert (home.ask("app"), home.ask("other")) == ("v1", "v1")
    assert {f"route/{name}-{home.zone}".replace(".", "-") for name in ("app", "other")} <= home.repaired()
