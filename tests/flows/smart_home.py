"""A home with an engine, a Caddy and a Home Assistant, all real, and a way between them on which a test can sit."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.flows.edge_home import HOMELAB, Home
from tests.support.caddy import Caddy
from tests.support.engines import Engine
from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.space import wait_until

TOKEN = "homeassistant/token"
_WRITE = re.compile(rb"^(?:POST|DELETE) /api/config/")


class Way:
    """Leads to a Home Assistant, from the network in which `server` listens. `wrote` counts the writes that came. These two
    let n more through with their answers, until `open` makes it a way again:

    `lose_after(n)`: one more arrives, but its answer gets lost, and with it every connection; then nothing goes through, and
    `lost` is set. `hold_after(n)`: further writes wait and are forgotten by `open`; when the n are answered, `held` is set."""

    def __init__(self, port: int, server: socket.socket) -> None:
        self.lost, self.held = threading.Event(), threading.Event()
        self.wrote = 0
        self._to = port
        self._holds = False
        self._opened = threading.Event()
        self._lock = threading.Lock()
        self._left: int | None = None
        self._answered = threading.Semaphore(0)
        self._needed = 0
        self._open: list[socket.socket] = []
        self._server = server
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def lose_after(self, writes: int) -> None:
        """Sit on the way, for a power cut."""
        self._sit(writes, holds=False)

    def hold_after(self, writes: int) -> None:
        """Sit on the way, for what takes its time."""
        self._sit(writes, holds=True)

    def open(self) -> None:
        """Let everything through."""
        with self._lock:
            self._left = None
            self._opened.set()
        self.lost.clear()
        self.held.clear()

    def close(self) -> None:
        """End it."""
        self._server.close()
        self.open()
        self._cut()

    def _sit(self, writes: int, *, holds: bool) -> None:
        with self._lock:
            self._left = self._needed = writes
            self._holds, self._opened = holds, threading.Event()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                came, _ = self._server.accept()
                threading.Thread(target=self._pass, args=(came,), daemon=True).start()

    def _pass(self, came: socket.socket) -> None:
        with contextlib.suppress(OSError), came:
            first = came.recv(65536)
            number = self._number() if _WRITE.match(first) else None
            if self.lost.is_set() or (number is not None and number < 0 and not self._holds):
                return
            opened = self._opened
            if number == 0:  # the one that is lost or held goes when all before it are answered
                for _ in range(self._needed):
                    self._answered.acquire()
                if self._holds:
                    self.held.set()
            if number is not None and number <= 0 and self._holds:
                opened.wait()
                return
            with socket.create_connection(("127.0.0.1", self._to)) as there:
                with self._lock:
                    self._open += [came, there]
                there.sendall(first)
                pump = threading.Thread(target=_pump, args=(came, there), daemon=True)
                pump.start()
                if number == 0:
                    there.recv(65536)
                    self.lost.set()
                    self._cut()
                else:
                    _pump(there, came)
                    if number is not None:
                        self._answered.release()

    def _number(self) -> int | None:
        """How many writes are let through before the answer of one is lost, with this one; 0 = it is this one's, below 0 = it
        comes too late, None = nobody counts."""
        with self._lock:
            self.wrote += 1
            if self._left is None:
                return None
            self._left -= 1
            return self._left + 1

    def _cut(self) -> None:
        with self._lock:
            broken, self._open = self._open, []
        for each in broken:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class SmartHome(Home):
    """The home, which knows its Home Assistant as `home`."""

    def __init__(self, engine: Engine, caddy: Caddy, server: HomeAssistant, folder: Path) -> None:
        super().__init__(engine, caddy, folder)
        self.server = server
        self.way = Way(server.port, engine.space.call(socket.create_server, ("127.0.0.1", 0)))
        edge = {"type": "caddy", "admin": f"unix://{caddy.socket}", "http_port": caddy.http_port, "https_port": caddy.https_port}
        home = {"type": "homeassistant", "url": f"http://127.0.0.1:{self.way.port}", "token": {"ref": TOKEN}}
        self.write("homelab.yaml", "Homelab", "home", {"connections": {"caddy": edge, "home": home}})
        self.give(server.token)

    def close(self) -> None:
        """End what this has started."""
        self.way.close()

    def give(self, token: str) -> None:
        """Let the controller have this token."""
        assert self.homelab("secret", "set", TOKEN, said=token) == 0, self.said

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Run a command beside the test."""
        command = ["nsenter", self.network, str(HOMELAB), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=self.specs)

    def end(self, running: subprocess.Popen[str]) -> int:
        """The exit code of such a command."""
        self.said = running.communicate()[0]
        return running.returncode

    def declare(self, kind: str, name: str, spec: Mapping[str, Any], **envelope: Any) -> None:
        """Write a document."""
        (self.specs / f"{kind}-{name}.yaml").write_text(
            json.dumps({"kind": kind.capitalize(), "name": name, "spec": spec, **envelope})
        )

    def stored(self, kind: str, name: str) -> Any:
        """What the editor of Home Assistant shows, None for nothing."""
        try:
            return self.server.get(f"/api/config/{kind}/config/{name}")
        except Refused as error:
            if not str(error).startswith("404"):
                raise
            return None

    def by_hand(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        """A person saves something in the editor; returns when Home Assistant has loaded it."""
        self.server.call("POST", f"/api/config/{kind}/config/{name}", body, token=self.server.person_token)
        wait_until(lambda: body["alias"] == self._loaded(kind, name).get("alias"), f"{kind} {name} to be loaded")

    def items(self, kind: str) -> list[tuple[str, str]]:
        """Ids and entities of all there are, as the entity registry has them."""
        rows = self.server.ask("config/entity_registry/list")
        return sorted((row["unique_id"], row["entity_id"]) for row in rows if row["platform"] == kind)

    def _loaded(self, kind: str, name: str) -> Mapping[str, Any]:
        entity = dict(self.items(kind)).get(name)
        found: Mapping[str, Any] = self.server.ask(f"{kind}/config", entity_id=entity)["config"] if entity else {}
        return found
