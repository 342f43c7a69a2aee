"""A configuration that is written while somebody writes a certificate file which it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.clients.caddy import CaddyDoor, Refused
from tests.contract.caddy_yard import person
from tests.support.caddy import NEW, OLD, Caddy

HOST, STRANGER = "half.home.test", "whole.home.test"
CASES = (
    pytest.param(OLD, ".crt", b"", id="2.6-certificate-empty"),
    pytest.param(OLD, ".crt", STRANGER, id="2.6-certificate-not-of-the-key"),
    pytest.param(OLD, ".key", b"", id="2.6-key-empty"),
    pytest.param(OLD, ".key", b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE", id="2.6-key-half"),
    pytest.param(OLD, ".json", b'{"sans": [', id="2.6-note-half"),
    pytest.param(OLD, "intermediate.key", b"", id="2.6-authority"),
    pytest.param(NEW, "intermediate.key", b"", id="2.11-authority"),
    pytest.param(NEW, "root.crt", b"", id="2.11-root"),
)


class Counted(CaddyDoor):
    """The door that counts what is sent; `after_refusal` runs when Caddy refused for the first time."""

    def __init__(self, caddy: Caddy) -> None:
        super().__init__(caddy.door.admin)
        self.taken: list[bool] = []
        self.after_refusal: Callable[[], object] = str

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        status, answer = super()._send(method, path, body, headers)
        self.taken.append(status == 200)
        if status >= 400 and len(self.taken) == 1:
            self.after_refusal()
        return status, answer


def stored(caddy: Caddy, file: str, host: str = HOST) -> Path:
    """A file of Caddy's own storage: of the certificate of a host, or of its authority."""
    storage = caddy.folder / "storage"
    if file.startswith("."):
        return storage / "certificates" / "local" / host / f"{host}{file}"
    return storage / "pki" / "authorities" / "local" / file


def serving(caddy: Caddy, *hosts: str) -> dict[str, Any]:
    """A configuration with certificates of its own for some hosts."""
    document = person(caddy)
    server = document["apps"]["http"]["servers"]["srv0"]
    document["apps"]["http"]["servers"]["srv0"] = {**server, "routes": [{"match": [{"host": list(hosts)}]}]}
    return {**caddy.admin, **document}


@contextmanager
def prepared(version: str) -> Iterator[Caddy]:
    """A Caddy of one's own, because its storage is broken: certificates are stored, and nothing is served."""
    caddy = Caddy(version)
    try:
        caddy.load(serving(caddy, HOST, STRANGER))
        for host in (HOST, STRANGER):
            caddy.secured(host).close()
        caddy.load({})
        yield caddy
    finally:
        caddy.close()


@pytest.mark.parametrize(("version", "file", "content"), CASES)
def test_it_is_written_when_the_file_is_whole(version: str, file: str, content: bytes | str) -> None:
    with prepared(version) as caddy:
        path = stored(caddy, file)
        whole = path.read_bytes()
        door = Counted(caddy)
        door.after_refusal = lambda: path.write_bytes(whole)
        wanted = serving(caddy, HOST)
        read = door.config()
        path.write_bytes(stored(caddy, file, content).read_bytes() if isinstance(content, str) else content)
        door.write(wanted, read)
        assert door.taken == [False, True]
        assert caddy.document() == wanted
        caddy.secured(HOST).close()


@pytest.mark.parametrize(("version", "file", "said"), [(OLD, ".key", "key input"), (NEW, "intermediate.key", "PEM block")])
def test_what_stays_broken_is_refused_and_nothing_changes(version: str, file: str, said: str) -> None:
    with prepared(version) as caddy:
        path = stored(caddy, file)
        whole = path.read_bytes()
        door = Counted(caddy)
        before = door.config()
        path.write_bytes(b"")
        with pytest.raises(Refused, match=rf"{said}.*; if it stays so, .* in Caddy's data folder"):
            door.write(serving(caddy, HOST), before)
        assert not any(door.taken)
        assert len(door.taken) > 2
        assert caddy.document() == before.document
        door.taken.clear()
        with pytest.raises(Refused, match=said):
            door.write(serving(caddy, HOST), before)
        assert door.taken == [False], "known to be broken, so nobody waits for it again"
        path.write_bytes(whole)
        door.write(serving(caddy, HOST), before)
        caddy.secured(HOST).close()


@pytest.mark.parametrize("version", [OLD, NEW])
def test_files_of_a_person_are_swapped_one_by_one(version: str, tmp_path: Path) -> None:
    with prepared(version) as caddy:
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        certificate.write_bytes(stored(caddy, ".crt").read_bytes())
        key.write_bytes(stored(caddy, ".key", STRANGER).read_bytes())
        door = Counted(caddy)
        door.after_refusal = lambda: key.write_bytes(stored(caddy, ".key").read_bytes())
        wanted = serving(caddy, HOST)
        files = [{"certificate": str(certificate), "key": str(key)}]
        wanted["apps"]["tls"] = {**wanted["apps"]["tls"], "certificates": {"load_files": files}}
        door.write(wanted, door.config())
        assert door.taken == [False, True]
        assert caddy.document() == wanted
