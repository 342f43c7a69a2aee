"""Real Caddys for tests: the one in Debian and the newest that can be installed, on loopback with ports and folders of their own.

A `Caddy` ends with the process that started it. A `Tap` is the controller's door to it that counts writes and can let somebody
else write first."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from controller.clients.caddy import CaddyDoor, Config
from tests.support.roots import CADDY, root_of
from tests.support.space import wait_until

OLD, NEW = "caddy-2.6", "caddy-2.11"


def binary(version: str) -> Path:
    """The program of a version."""
    if version == OLD:
        return root_of(CADDY) / "usr" / "bin" / "caddy"
    return Path(sys.executable).parent / "caddy"


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


class Caddy:
    """One server with its admin endpoint on a private socket and nothing in its configuration but that."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.folder = Path(tempfile.mkdtemp(prefix="caddy-"))
        self.http_port, self.https_port = free_port(), free_port()
        self.socket = self.folder / "admin.sock"
        self.door = CaddyDoor(f"unix://{self.socket}")
        self.start()

    @property
    def admin(self) -> dict[str, Any]:
        """What every configuration of this server says about its admin endpoint and its files."""
        return {
            "admin": {"listen": f"unix/{self.socket}"},
            "storage": {"module": "file_system", "root": str(self.folder / "storage")},
        }

    def start(self, document: dict[str, Any] | None = None) -> None:
        """Start it with a configuration (default: nothing served)."""
        config = self.folder / "config.json"
        config.write_text(json.dumps({**self.admin, **(document or {})}))
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            words = ["setpriv", "--pdeathsig", "KILL", str(binary(self.version)), "run", "--config", str(config)]
            self._server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/")
        wait_until(self._answers, f"{self.version}: {self.folder / 'log'}")

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._server.send_signal(signal.SIGKILL)
        self._server.wait(30)

    def load(self, document: dict[str, Any]) -> None:
        """Replace the whole configuration, as `caddy reload` does."""
        status, answer = self.call("POST", "/load", {**self.admin, **document})
        assert status == 200, answer

    def document(self) -> Any:
        """The configuration as it stands."""
        return self.door.config().document

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """One call of a person at the admin endpoint."""
        connection = HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(str(self.socket))
        with contextlib.closing(connection):
            content = json.dumps(body).encode() if body is not None else b""
            connection.putrequest(method, path, skip_host=True)
            for name, value in (("Host", ""), ("Content-Type", "application/json"), ("Content-Length", str(len(content)))):
                connection.putheader(name, value)
            connection.endheaders(content)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self._server.poll() is None, (self.folder / "log").read_text()[-2000:]
        with contextlib.suppress(Exception):
            self.document()
            return True
        return False


class Tap(CaddyDoor):
    """A door that counts what goes through it. `before_write` runs once, just before the next write is sent."""

    def __init__(self, admin: str) -> None:
        super().__init__(admin)
        self.writes = 0
        self.refused = 0
        self.before_write: Callable[[], None] | None = None
        self.after_write: Callable[[], None] | None = None

    def write(self, document: Any, read: Config) -> None:
        if (hook := self.before_write) is not None:
            self.before_write = None
            hook()
        try:
            super().write(document, read)
        except Exception:
            self.refused += 1
            raise
        self.writes += 1
        if (hook := self.after_write) is not None:
            self.after_write = None
            hook()


class Upstream:
    """A small web server on loopback that says what it was asked: `status` for every path, the request as JSON."""

    def __init__(self, status: int = 200) -> None:
        outer = self
        self.status = status

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.dumps({"path": self.path, "headers": headers, "port": outer.port}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Powered-By", "upstream")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def upstream(status: int = 200) -> Iterator[Upstream]:
    """An upstream for a block."""
    made = Upstream(status)
    try:
        yield made
    finally:
        made.close()
