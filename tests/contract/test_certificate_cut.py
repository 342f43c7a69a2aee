"""Visitors whose connection is cut, as a reload does it: that says nothing about the certificate of a host."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread

import pytest

from controller.clients.caddy import Connection
from controller.clients.clock import SystemClock
from controller.core.errors import Transient
from controller.core.key import Key
from controller.core.state import Health, Observed, Present, Target, Unknown
from controller.kinds.certificate import CertificateProvider
from tests.contract.caddy_yard import Routes
from tests.support.caddy import Caddy, upstream

HOST = "cut.home.test"
TARGET = Target(Key("certificate", "cut-home-test"), HOST)


class Line:
    """A way to a port on which so many visitors lose their connection before the others get through."""

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.cuts:
                    self.cuts -= 1
                    near.recv(65536)
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._far))
                Thread(target=_bridge, args=(near, far), daemon=True).start()


def _bridge(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


class House:
    """A host with a certificate, seen through a line."""

    def __init__(self, caddy: Caddy, to: str) -> None:
        routes = Routes(caddy)
        routes.make({"cut": {"host": HOST, "to": to}})
        caddy.secured(HOST).close()
        self.line = Line(caddy.https_port)
        declared = {**routes.declared, "https_port": self.line.port}
        self.provider = CertificateProvider(Connection.parse("local", declared), SystemClock())

    def look(self) -> Observed:
        """A look that remembers nothing."""
        self.provider.audit()
        return self.provider.observe([TARGET]).of(TARGET.key)


@pytest.fixture
def house(caddy: Caddy) -> Iterator[House]:
    with upstream() as server:
        made = House(caddy, server.url)
        yield made
        made.line.close()


def test_who_comes_again_sees_it(house: House) -> None:
    for cuts in (1, 2):
        house.line.cuts = cuts
        assert isinstance(house.look(), Present)
        house.line.cuts = cuts
        assert house.provider.health(TARGET) == (Health.HEALTHY, "")
        house.line.cuts = cuts
        assert house.provider.renew(TARGET, {}, Flag()).host == HOST
        assert house.line.cuts == 0


def test_who_never_gets_through_knows_nothing(house: House) -> None:
    house.line.cuts = 1000
    found = house.look()
    assert isinstance(found, Unknown), "a certificate that cannot be seen is not a missing one"
    assert "ended the connection" in found.reason
    with pytest.raises(Transient, match="ended the connection"):
        house.provider.health(TARGET)
    with pytest.raises(Transient, match="ended the connection"):
        house.provider.renew(TARGET, {}, Flag())
