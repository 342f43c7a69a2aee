"""Real Caddys for tests: the one in Debian and the newest that can be installed, on loopback with ports and folders of their own.

A `Caddy` ends with the process that started it. A `Tap` is the controller's door to it that counts writes and can let somebody
else write first."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from controller.clients.caddy import CaddyDoor, Config
from tests.support.ports import free_port as free_port
from tests.support.roots import CADDY, root_of
from tests.support.space import wait_until

OLD, NEW = "caddy-2.6", "caddy-2.11"


def binary(version: str) -> Path:
    """The program of a version."""
    if version == OLD:
        return root_of(CADDY) / "usr" / "bin" / "caddy"
    return Path(sys.executable).parent / "caddy"


class Caddy:
    """One server with its admin endpoint on a private socket and nothing in its configuration but that. `network` is the file of
    a network namespace to run in."""

    def __init__(self, version: str, network: str = "") -> None:
        self.version = version
        self._inside = [str(shutil.which("nsenter")), f"--net={network}"] if network else []
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
        # Without a path to programs it cannot put its own authority among those that this machine trusts.
        environment = {"HOME": str(self.folder), "PATH": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            program = [str(binary(self.version)), "run", "--config", str(config)]
            words = [str(shutil.which("setpriv")), "--pdeathsig", "KILL", *self._inside, *program]
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

    def acquaint(self, acme: Mapping[str, Any]) -> None:
        """Let it make its account at an authority. Caddy 2.6 makes one for each of several hosts that are new at the same time,
        and may keep the key of one with the address of another: what it orders later is refused (JWS verification error)."""
        issuer = {"module": "acme", "ca": acme["ca"], "email": acme["email"], "trusted_roots_pem_files": acme["roots"]}
        nowhere = {"http": {"disabled": True}, "tls-alpn": {"disabled": True}}
        policy = {"subjects": ["account.home.test"], "issuers": [{**issuer, "challenges": nowhere}]}
        automation = {"policies": [policy]}
        self.load({"apps": {"tls": {"certificates": {"automate": policy["subjects"]}, "automation": automation}}})
        place = str(acme["ca"]).removeprefix("https://").replace(":", "-").replace("/", "-")
        users = self.folder / "storage" / "acme" / place / "users"

        def written() -> bool:
            return {each.suffix for each in users.glob("*/*") if each.stat().st_size} >= {".json", ".key"}

        wait_until(written, f"an account in {users}")
        self.load({})

    def document(self) -> Any:
        """The configuration as it stands."""
        return self.door.config().document

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """One call of a person at the admin endpoint. A person who gets no answer, because every change of the configuration
        starts the endpoint anew, looks whether it was done before asking again."""
        before = None if method == "GET" else self.document()
        while True:
            try:
                return self._call(method, path, body)
            except (ConnectionError, HTTPException):
                assert self._server.poll() is None, "it does not run"
                if before is not None and self.document() != before:
                    return 200, ""

    def declared(self, **rest: Any) -> dict[str, Any]:
        """The connection to this server as homelab.yaml declares it. Slots of services are on loopback."""
        return {
            "type": "caddy",
            "admin": f"unix://{self.socket}",
            "listen": ["127.0.0.1"],
            "http_port": self.http_port,
            "https_port": self.https_port,
            "edge": "127.77.0.0/16",
            "vpn": ["10.8.0.0/24"],
            "grace_period": "1s",
            **rest,
        }

    def get(self, host: str, path: str = "/", *, tls: bool = True) -> tuple[int, dict[str, str], str]:
        """What a visitor gets, once there is a certificate: status, headers (lower case) and body. A connection that is cut is
        made again, as a browser does: a Caddy that takes a new configuration cuts some."""
        answers: list[tuple[int, dict[str, str], str]] = []

        def answered() -> bool:
            with contextlib.suppress(ConnectionError, HTTPException):
                answers.append(self._got(host, path, tls=tls))
            return bool(answers)

        wait_until(answered, f"an answer of {host}")
        return answers[0]

    def clean(self) -> None:
        """Back to serving nothing, also when it was killed. 2.6 may keep a listener of a configuration that it refused late:
        nobody answers there, and who listens on that port next shares it. Then it is another process."""
        if self._server.poll() is not None:
            self.start()
        self.load({})
        if not self._inside and not self._silent():
            self.kill()
            self.start()

    def _silent(self) -> bool:
        """True as soon as nothing listens on its ports any more; False when that does not come in two seconds."""
        until = time.monotonic() + 2
        while listening := {self.http_port, self.https_port} & _listening():
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return not listening

    def log(self) -> str:
        """Everything that it wrote."""
        return (self.folder / "log").read_text()

    def loads(self) -> list[tuple[float, float]]:
        """When it took configurations, by its own log: from a request until it was done (seconds since the epoch). 2.6 opens its
        doors before it has read the certificates again, and cuts who is between its old and its new listeners."""
        found: list[tuple[float, float]] = []
        for line in self.log().splitlines(keepends=True):
            said: dict[str, Any] = json.loads(line) if line.startswith("{") and line.endswith("\n") else {"msg": ""}
            if said["msg"] == "received request" and said["method"] != "GET":
                found.append((said["ts"], float("inf")))
            elif said["msg"].startswith("autosaved config") and found:
                found[-1] = found[-1][0], said["ts"]
        return found

    def close(self) -> None:
        if self._server.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def secured(self, host: str) -> ssl.SSLSocket:
        """A connection for a host, once there is a certificate."""
        found: list[ssl.SSLSocket] = []

        def tried() -> bool:
            made = socket.create_connection(("127.0.0.1", self.https_port), 60)
            try:
                found.append(trusting().wrap_socket(made, server_hostname=host))
            except (ssl.SSLError, ConnectionError):
                made.close()
            return bool(found)

        wait_until(tried, f"a certificate for {host}")
        return found[0]

    def _call(self, method: str, path: str, body: Any) -> tuple[int, str]:
        connection = HTTPConnection("localhost")
        with contextlib.closing(connection):
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(60)
            connection.sock.connect(str(self.socket))
            content = json.dumps(body).encode() if body is not None else b""
            connection.putrequest(method, path, skip_host=True)
            for name, value in (("Host", ""), ("Content-Type", "application/json"), ("Content-Length", str(len(content)))):
                connection.putheader(name, value)
            connection.endheaders(content)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _got(self, host: str, path: str, *, tls: bool) -> tuple[int, dict[str, str], str]:
        made = self.secured(host) if tls else socket.create_connection(("127.0.0.1", self.http_port), 60)
        connection = HTTPConnection(host)
        with contextlib.closing(connection):
            connection.sock = made
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read().decode(errors="replace")

    def _answers(self) -> bool:
        assert self._server.poll() is None, (self.folder / "log").read_text()[-2000:]
        with contextlib.suppress(Exception):
            self.document()
            return True
        return False


def _listening() -> set[int]:
    """Ports of this machine on which something listens."""
    lines = [
        line.split(maxsplit=4) for table in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{table}").read_text().splitlines()
    ]
    return {int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[3] == "0A"}


def trusting() -> ssl.SSLContext:
    """TLS that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Caddies:
    """Every Caddy of this test process; started on first use."""

    def __init__(self) -> None:
        self._running: dict[str, Caddy] = {}

    def clean(self, version: str) -> Caddy:
        """The one of a version, serving nothing."""
        if version not in self._running:
            self._running[version] = Caddy(version)
        caddy = self._running[version]
        caddy.clean()
        return caddy

    def close(self) -> None:
        for caddy in self._running.values():
            caddy.close()


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


class Echo:
    """A websocket server in the rough: it takes every upgrade and sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                made, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(made,), daemon=True).start()

    @staticmethod
    def _serve(made: socket.socket) -> None:
        with contextlib.suppress(OSError), made:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += made.recv(4096)
            if b"upgrade: websocket" not in asked.lower():
                made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            made.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            while content := made.recv(4096):
                made.sendall(content)


class WebSocket:
    """One open connection through a Caddy to an `Echo`."""

    def __init__(self, caddy: Caddy, host: str) -> None:
        self._socket = caddy.secured(host)
        lines = ["GET /ws HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(4096)
        assert b" 101 " in answer.split(b"\r\n")[0], answer

    def echoes(self, word: bytes) -> bool:
        """False when the connection was closed."""
        try:
            self._socket.sendall(word)
            heard = b""
            while len(heard) < len(word) and (part := self._socket.recv(4096)):
                heard += part
        except OSError:
            return False
        return heard == word

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def echo() -> Iterator[Echo]:
    """A websocket server for a block."""
    made = Echo()
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def upstream(status: int = 200) -> Iterator[Upstream]:
    """An upstream for a block."""
    made = Upstream(status)
    try:
        yield made
    finally:
        made.close()
