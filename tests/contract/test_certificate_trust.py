"""Whether visitors trust what a real Caddy serves: by the authority's roots, by others, and what vouches for itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.core.key import Key
from controller.core.state import Health, Present, Target
from controller.kinds.certificate import CertificateProvider
from tests.contract.caddy_yard import Routes
from tests.support.caddy import Caddy, upstream
from tests.support.pebble import Pebble

HOST = "trusted.home.test"
TARGET = Target(Key("certificate", "trusted-home-test"), HOST)


class House:
    """A host with a certificate of an authority of one's own."""

    def __init__(self, caddy: Caddy, folder: Path, to: str) -> None:
        self.caddy = caddy
        self.folder = folder
        self.authority = Pebble(caddy.http_port, caddy.https_port)
        self.routes = Routes(caddy, {"acme": self.authority.acme})
        self.routes.make({"app": {"host": HOST, "to": to, "exposure": "public"}})
        caddy.secured(HOST).close()
        self.root = folder / "root.pem"
        self.root.write_text(self.authority.root())

    def judged(self, *trust: Path) -> tuple[Health, str]:
        """How the certificate stands for visitors who trust these roots, in a look at it."""
        declared = {**self.routes.declared, "acme": {**self.authority.acme, "trust": [str(path) for path in trust]}}
        provider = CertificateProvider(Connection.parse("local", declared), SystemClock())
        found = provider.observe([TARGET]).of(TARGET.key)
        assert isinstance(found, Present), found
        return found.health, found.why

    def vouch(self) -> None:
        """Have Caddy serve a certificate that stands for itself."""
        subject = ["-subj", "/CN=home", "-addext", f"subjectAltName=DNS:{HOST}", "-days", "30"]
        made = ["-keyout", str(self.folder / "own.key"), "-out", str(self.folder / "own.pem")]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        subprocess.run([*command, *subject, *made], check=True, capture_output=True)
        document = deepcopy(self.caddy.document())
        files = [{"certificate": str(self.folder / "own.pem"), "key": str(self.folder / "own.key")}]
        document["apps"]["tls"]["certificates"] = {"load_files": files}
        # What it has already it keeps: the storage is another one, so that the file is all there is.
        document["storage"] = {"module": "file_system", "root": str(self.folder / "storage")}
        self.caddy.kill()
        self.caddy.start({"storage": document["storage"], "apps": document["apps"]})


@pytest.fixture
def house(caddy: Caddy, tmp_path: Path) -> Iterator[House]:
    with upstream() as server:
        made = House(caddy, tmp_path, server.url)
        yield made
        made.authority.close()


def test_trust_is_judged_by_the_roots_that_are_declared(house: House) -> None:
    assert house.judged(house.root) == (Health.HEALTHY, "")
    assert house.judged() == (Health.HEALTHY, ""), "of an authority of one's own nothing else tells"
    health, why = house.judged(house.authority.folder / "ca.pem")
    assert health is Health.DEGRADED
    assert f"visitors do not trust the certificate of {HOST}, issued by Pebble" in why
    assert house.judged(house.authority.folder / "ca.pem", house.root) == (Health.HEALTHY, ""), "one of them is enough"
    assert house.judged(house.folder / "missing.pem") == (Health.HEALTHY, ""), "what cannot be read tells nothing"


def test_what_vouches_for_itself_is_trusted_by_nobody(house: House) -> None:
    house.vouch()
    health, why = house.judged()
    assert (health, "signed by itself" in why) == (Health.DEGRADED, True), why
