"""A home with everything that the edge needs, all real and in one network: an engine, a Caddy, BIND with Knot behind it, and an
authority that finds hosts only by asking BIND."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from controller.core.run import Entry, Run
from controller.settings import read_settings
from controller.wire import open_house
from tests.flows.edge_home import Home
from tests.support.caddy import Caddy, free_port, trusting
from tests.support.dns import ALGORITHM, HOST, KEY, SECRET, DnsServers
from tests.support.engines import Engine
from tests.support.pebble import Pebble

THEIRS = "somebody else's"


@dataclass(frozen=True)
class Visit:
    """Whether somebody got an answer, and from when to when it was waited for."""

    answered: bool
    begun: float
    ended: float

    def within(self, times: Sequence[tuple[float, float]]) -> bool:
        """True when it touches one of these times."""
        return any(self.ended >= first and self.begun <= last for first, last in times)


class Story(Home):
    """The home, and a fresh zone of it at BIND. `refusing` is one that BIND has and lets nobody change, `stranger` one of
    somebody else; `before` is what `strange` was at the start, `first` the run of the first commit."""

    first: Run

    def __init__(self, engine: Engine, caddy: Caddy, folder: Path) -> None:
        super().__init__(engine, caddy, folder)
        self.labels: set[str] = set()
        self.names = engine.space.call(DnsServers)
        self.bind = engine.space.call(lambda: self.names.bind)
        self.zone, self.stranger = (engine.space.call(self.bind.fresh) for _ in range(2))
        self.refusing = engine.space.call(lambda: self.names.knot.fresh())
        place = f"{HOST}:{self.bind.port}"
        self.authority = engine.space.call(Pebble, caddy.http_port, caddy.https_port, place)
        self.trust = ssl.create_default_context(cadata=engine.space.call(self.authority.root))
        caddy.acquaint(self.authority.acme)
        self.their_port = free_port()
        say = {"handle": [{"handler": "static_response", "body": THEIRS}]}
        servers = {"theirs": {"listen": [f"{HOST}:{self.their_port}"], "routes": [say]}}
        caddy.load({"apps": {"http": {"servers": servers}}})
        self._declare_connections(place)
        assert self.homelab("secret", "set", "dns/key", said=SECRET) == 0, self.said
        self.before = self.strange()

    def close(self) -> None:
        """End what this has started."""
        self.authority.close()
        self.names.close()

    def domain(self, *records: Mapping[str, Any]) -> None:
        """The zones, with records that are written."""
        self.write("domain.yaml", "Domain", "zone", {"zone": self.zone, "via": "dns", "ttl": 60, "records": list(records)})
        self.write("refusing.yaml", "Domain", "refusing", {"zone": self.refusing, "via": "dns"})

    def host(self, label: str) -> str:
        """The full name of a host."""
        return f"{label}.{self.zone}"

    def app(self, name: str, image: str, *hosts: str, **expose: Any) -> None:
        """A service that is exposed under its name, and under other hosts."""
        said = {"host": self.host(name), "hosts": list(hosts), "port": 80, "exposure": "public", **expose}
        self.write(f"{name}.yaml", "Service", name, {"image": image, "stop_grace_period": "2s", "expose": said})
        self.labels |= {host.partition(".")[0] for host in (said["host"], *hosts)}

    def die(self, boundary: int, kind: str) -> int:
        """One pass that is killed at a boundary of a kind, or (0) nowhere; how it ended."""
        words = ["nsenter", self.network, sys.executable, "-m", "tests.support.dying_apply", str(boundary), "0", kind]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False, timeout=180)
        self.said = done.stdout + done.stderr
        return done.returncode

    def ask(self, host: str, trust: ssl.SSLContext | None = None) -> str:
        """What a visitor gets who trusts the authority, or (with another trust) somebody else. Raises OSError, HTTPException."""
        connection = HTTPConnection(host)
        with contextlib.closing(connection):
            connection.sock = (trust or self.trust).wrap_socket(
                self.engine.connect(self.caddy.https_port, timeout=60), server_hostname=host
            )
            connection.request("GET", "/", headers={"Host": host})
            return connection.getresponse().read().decode().strip()

    @contextmanager
    def visitor(self, host: str) -> Iterator[list[Visit]]:
        """Somebody who takes any certificate and asks again and again while the block runs, in order."""
        answers: list[Visit] = []
        stop = threading.Event()

        def visit() -> None:
            while not stop.wait(0.02):
                begun, answered = time.time(), False
                with contextlib.suppress(OSError, HTTPException):
                    answered = self.ask(host, trusting()).startswith("v")
                answers.append(Visit(answered, begun, time.time()))

        thread = threading.Thread(target=visit)
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            thread.join()

    def dump(self, zone: str) -> list[str]:
        """Every record of a zone."""
        return self.engine.space.call(self.bind.dump, zone)

    def values(self, host: str) -> list[str]:
        """The addresses of a host of the zone."""
        return [line.split()[-1] for line in self.dump(self.zone) if line.startswith(f"{host}. ")]

    def strange(self) -> dict[str, Any]:
        """What is somebody else's: records of the zone, other zones, and what Caddy serves beside our routes."""
        ours = tuple(f"{self.host(label)}. " for label in self.labels)
        document = self.caddy.document()
        return {
            "records": [line for line in self.dump(self.zone) if not line.startswith(ours)],
            "zones": {zone: self.dump(zone) for zone in (self.stranger, self.refusing)},
            "route": json.dumps(document["apps"]["http"]["servers"]["theirs"]),
            "storage": json.dumps([document["admin"], document["storage"]]),
        }

    def standing(self, *hosts: str) -> dict[str, Any]:
        """What stands of ours: containers, records, routes and certificates."""
        return {
            "containers": dict(sorted(self._containers())),
            "records": self.dump(self.zone),
            "caddy": json.dumps(self.caddy.document(), sort_keys=True),
            "certificates": {host: self._certificate(host) for host in hosts},
        }

    def journal(self) -> tuple[Run, Sequence[Entry]]:
        """The last pass that wrote, and what it did, in order."""
        with open_house(read_settings({}, self.environment, self.specs), write=False) as house:
            assert not house.store.open_entries(), house.store.open_entries()
            run = house.store.runs(1)[0]
            return run, house.store.entries(run.id)

    def applied(self, run: Run) -> list[str]:
        """The keys that a pass applied, in the order of its events."""
        with open_house(read_settings({}, self.environment, self.specs), write=False) as house:
            return [event.key for event in house.store.events() if event.run == run.id and event.reason == "Applied"]

    def progress(self, run: Run, name: str) -> list[str]:
        """The steps that a pass told of hosts of this name, in order, each as `4/8 propagation`."""
        with open_house(read_settings({}, self.environment, self.specs), write=False) as house:
            told = [event for event in house.store.events() if event.run == run.id and event.reason == "Progress"]
        return [event.message.partition(":")[0] for event in told if f"/{name}-" in event.key]

    def _containers(self) -> Iterator[tuple[str, Any]]:
        for each in self.engine.api.containers():
            details = self.engine.api.inspect_container(each["Id"])
            networks = details["NetworkSettings"]["Networks"]
            places = {name: network["IPAddress"] for name, network in networks.items() if name.startswith("homelab-edge")}
            yield details["Name"], (details["Id"], details["Image"], details["Config"], places)

    def _certificate(self, host: str) -> bytes | None:
        with self.trust.wrap_socket(self.engine.connect(self.caddy.https_port, timeout=60), server_hostname=host) as made:
            return made.getpeercert(binary_form=True)

    def _declare_connections(self, place: str) -> None:
        here = {exposure: [HOST] for exposure in ("public", "private")}
        edge: dict[str, Any] = {
            "type": "caddy",
            "admin": f"unix://{self.caddy.socket}",
            "acme": self.authority.acme,
            "addresses": here,
        }
        edge |= {"listen": [HOST], "http_port": self.caddy.http_port, "https_port": self.caddy.https_port, "grace_period": "1s"}
        key = {"name": KEY, "algorithm": ALGORITHM, "secret": {"ref": "dns/key"}}
        servers = [place, *(f"{HOST}:{port}" for port in self.bind.others)]
        dns = {"type": "rfc2136", "server": place, "servers": servers, "key": key}
        self.write("homelab.yaml", "Homelab", "home", {"connections": {"caddy": edge, "dns": dns}})
