"""A house whose services are exposed: a real engine and a real Caddy on one machine, and visitors."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import caddy as caddies
from tests.support.caddy import Caddy
from tests.support.engines import Engine
from tests.support.images import layer
from tests.support.roots import root_of
from tests.support.space import wait_until

HOMELAB = Path(sys.executable).parent / "homelab"
CHECK = {"interval": "200ms", "retries": 3}
GOOD = {**CHECK, "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]}
BAD = {**CHECK, "test": ["CMD", "false"]}
ECHO = r"""while read -r line; do
  case $line in *pgrade:*ebsocket*) upgrade=1;; esac
  [ ${#line} -le 1 ] && break
done
[ "$upgrade" ] || { printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'; exit; }
printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'; exec cat"""
LUA = """function done(summary, latency)
  local e = summary.errors
  local lost = e.connect + e.read + e.write + e.timeout + e.status
  io.write(string.format("COUNTED %d %d %d\\n", summary.requests, lost, latency.max))
end
"""


@dataclass(frozen=True)
class Count:
    """Requests, those that ended in another way than with a good answer, and the longest wait in microseconds."""

    requests: int
    lost: int
    longest: int


class Home:
    """A controller, an engine and a Caddy on one machine: all in the engine's network."""

    def __init__(self, engine: Engine, caddy: Caddy, folder: Path) -> None:
        self.engine, self.caddy, self.specs = engine, caddy, folder / "specs"
        self.network = f"--net=/proc/{engine.space.pid}/ns/net"
        self.script = folder / "count.lua"
        self.script.write_text(LUA)
        self.said = ""
        self.specs.mkdir()
        self._git("init", "-q", "-b", "main")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOCKER_HOST": engine.url,
            "HOMELAB_REPO": str(self.specs),
            "HOMELAB_STATE": str(folder / "state"),
            "HOMELAB_WORLD": "docker",
        }
        connection = {"type": "caddy", "admin": f"unix://{caddy.socket}", "http_port": caddy.http_port}
        self.write("homelab.yaml", "Homelab", "home", {"connections": {"caddy": {**connection, "https_port": caddy.https_port}}})

    def write(self, file: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        (self.specs / file).write_text(json.dumps({"kind": kind, "name": name, "spec": spec}))

    def service(self, name: str, **spec: Any) -> None:
        """A service that is exposed under its name."""
        expose = {"host": f"{name}.home.test", "port": 80, "tls": "off", "dns": "off"}
        self.write(f"{name}.yaml", "Service", name, {"stop_grace_period": "2s", "expose": expose, **spec})

    def commit(self) -> None:
        """Commit what is written."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "change")

    def homelab(self, *words: str, said: str = "") -> int:
        """Run a command; its exit code."""
        command = ["nsenter", self.network, str(HOMELAB), *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, cwd=self.specs, input=said
        )
        self.said = done.stdout + done.stderr
        return done.returncode

    def apply(self) -> int:
        """Commit what is written and apply it; the exit code."""
        self.commit()
        return self.homelab("apply")

    def get(self, name: str) -> str:
        """The body that a visitor gets."""
        with self.visit() as visitor:
            visitor.sendall(f"GET / HTTP/1.0\r\nHost: {name}.home.test\r\n\r\n".encode())
            return visitor.makefile("rb").read().decode().rpartition("\r\n\r\n")[2].strip()

    def visit(self) -> socket.socket:
        return self.engine.connect(self.caddy.http_port, timeout=60)

    @contextmanager
    def load(self, name: str) -> Iterator[list[Count]]:
        """Visitors on kept connections and on a new one for each request while the block runs; counted when it has ended."""
        address = f"http://127.0.0.1:{self.caddy.http_port}/"
        command = ["nsenter", self.network, "wrk", "-t1", "-c6", "-d600s", "--timeout", "60s", "-s", str(self.script)]
        kinds = (["-H", f"Host: {name}.home.test"], ["-H", f"Host: {name}.home.test", "-H", "Connection: close"])
        running = [subprocess.Popen([*command, *words, address], stdout=subprocess.PIPE, text=True) for words in kinds]
        counts: list[Count] = []
        try:
            for each in running:
                wait_until(lambda each=each: _counts(each.pid), "wrk to count")  # type: ignore[misc]
            yield counts
        finally:
            for each in running:
                each.send_signal(signal.SIGINT)
                said = each.communicate()[0]
                counts.append(Count(*(int(number) for number in re.findall(r"COUNTED (\d+) (\d+) (\d+)", said)[0])))

    def _git(self, *words: str) -> None:
        who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
        subprocess.run(["git", *who, *words], cwd=self.specs, check=True, capture_output=True)


def _counts(pid: int) -> bool:
    """True when an interrupt makes wrk tell what it counted: before it has come so far, an interrupt just ends it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.findall(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)[0], 16) & 1 << signal.SIGINT - 1)


class Websocket:
    """An open connection to a service that says back what it hears."""

    def __init__(self, home: Home, name: str) -> None:
        self._socket = home.visit()
        words = f"GET / HTTP/1.1\r\nHost: {name}.home.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self._socket.sendall(f"{words}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")
        assert b" 101 " in self._file.readline()
        while self._file.readline().strip():
            pass

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def echoes(self, text: bytes) -> bool:
        self._socket.sendall(text + b"\n")
        return self._file.readline() == text + b"\n"


def web_image(engine: Engine) -> str:
    """A web server that keeps connections and ends in good order."""
    sink = io.BytesIO(layer(root_of(engine.kind.recipe) / "usr/bin/busybox"))
    program = caddies.binary(caddies.NEW).read_bytes()
    with tarfile.open(fileobj=sink, mode="a") as tar:
        entry = tarfile.TarInfo("bin/caddy")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    engine.api.import_image_from_data(sink.getvalue(), repository="lab/server", tag="1", changes=["ENV HOME=/tmp"])
    return "lab/server:1"


def web(home: Home, version: str, order: str, check: Mapping[str, Any] = GOOD) -> None:
    """The service `web` as it is to be."""
    serve = ["/bin/caddy", "respond", "--listen", ":80", version]
    deploy = {"update_config": {"order": order}}
    home.service("web", image="lab/server:1", command=serve, healthcheck=dict(check), deploy=deploy, restart="unless-stopped")
