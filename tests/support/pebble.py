"""A certificate authority that speaks ACME, for tests: Pebble on loopback, with a name server that knows what it is told."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import tempfile
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.support.caddy import free_port
from tests.support.roots import CADDY, root_of
from tests.support.space import wait_until

_MAKE = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=lab -keyout ca.key -out ca.pem
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout api.key -out api.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >ext
openssl x509 -req -in api.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out api.pem
"""


class Pebble:
    """One authority. It validates at the ports of one web server; every name is at 127.0.0.1 unless it is told otherwise."""

    def __init__(self, http_port: int, https_port: int, name_server: str = "") -> None:
        """`name_server` is the one to ask instead, such as `127.0.0.1:5353`: then names are where it says."""
        self.folder = Path(tempfile.mkdtemp(prefix="pebble-"))
        self._ports = [free_port() for _ in range(4)]
        self._servers: list[subprocess.Popen[bytes]] = []
        subprocess.run(["sh", "-euc", _MAKE], cwd=self.folder, check=True, capture_output=True)
        api, management, dns, told = self._ports
        config = {
            "listenAddress": f"127.0.0.1:{api}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(self.folder / "api.pem"),
            "privateKey": str(self.folder / "api.key"),
            "httpPort": http_port,
            "tlsPort": https_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        off = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
        names = ["-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{told}"]
        if not name_server:
            self._start("pebble-challtestsrv", *names, *off, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")
        self._words = ["-config", str(self.folder / "pebble.json"), "-dnsserver", name_server or f"127.0.0.1:{dns}"]
        self._begin()

    @property
    def acme(self) -> dict[str, Any]:
        """The authority as a connection declares it."""
        return {"ca": f"https://localhost:{self._ports[0]}/dir", "email": "me@home.test", "roots": [str(self.folder / "ca.pem")]}

    def place(self, host: str, *addresses: str) -> None:
        """Where a name is from now on."""
        body = json.dumps({"host": f"{host}.", "addresses": list(addresses)}).encode()
        with urlopen(Request(f"http://127.0.0.1:{self._ports[3]}/add-a", body), timeout=60) as answer:
            assert answer.status == 200

    def root(self) -> str:
        """The certificate that everything it issues hangs on, as PEM."""
        connection = HTTPSConnection("localhost", self._ports[1], context=self._trust(), timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/roots/0")
            return connection.getresponse().read().decode()

    def log(self) -> str:
        """Everything that it wrote."""
        return (self.folder / "pebble.log").read_text()

    def forget(self) -> None:
        """Start it again: accounts, orders and the root are other ones then."""
        last = self._servers.pop()
        last.kill()
        last.wait(30)
        self._begin()

    def kill(self) -> None:
        """End its servers at once: nobody answers any more."""
        for server in self._servers:
            server.kill()
            server.wait(30)

    def close(self) -> None:
        for server in self._servers:
            server.kill()
            server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self) -> None:
        self._start("pebble", *self._words)
        try:
            wait_until(self._answers, f"Pebble: {self.folder}")
        except BaseException:
            self.close()
            raise

    def _start(self, program: str, *words: str) -> None:
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        with (self.folder / f"{program}.log").open("ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", str(root_of(CADDY) / "usr" / "bin" / program), *words]
            self._servers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment))

    def _answers(self) -> bool:
        assert all(server.poll() is None for server in self._servers), "".join(
            log.read_text() for log in self.folder.glob("*.log")
        )
        with contextlib.suppress(OSError):
            connection = HTTPSConnection("localhost", self._ports[0], context=self._trust(), timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", "/dir")
                return connection.getresponse().status == 200
        return False

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
