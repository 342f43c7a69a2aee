"""What a handshake that fails says about the certificate of a host."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from controller.clients.tls import Cut, NoCertificate, distrust, served

HOST = "app.home.test"
NONE = b"\x15\x03\x03\x00\x02\x02\x50"
"""The alert of a server that has no certificate for a name: fatal, internal_error, as Caddy sends it."""


def without_reading(_visitor: socket.socket) -> None:
    """Closing what was not read resets the connection."""


def after_the_hello(visitor: socket.socket) -> None:
    visitor.recv(65536)


def in_the_middle(visitor: socket.socket) -> None:
    visitor.recv(65536)
    visitor.sendall(b"\x16\x03\x03\x00\x7a\x02\x00")


def with_an_alert(visitor: socket.socket) -> None:
    visitor.recv(65536)
    visitor.sendall(NONE)


def in_plain_http(visitor: socket.socket) -> None:
    visitor.recv(65536)
    visitor.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")


def trusted(address: str, port: int, host: str) -> str:
    """With roots of its own: without any, what this machine has not is not asked for."""
    return distrust(address, port, host, [DEFAULT_CA_BUNDLE_PATH])


@contextmanager
def ending(how: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that ends the connection of its only visitor in a way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as visitor:
                how(visitor)

        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("ask", [served, trusted])
@pytest.mark.parametrize("how", [without_reading, after_the_hello, in_the_middle])
def test_a_handshake_that_is_cut_says_nothing(ask: Callable[..., object], how: Callable[[socket.socket], None]) -> None:
    with ending(how) as port, pytest.raises(Cut, match="ended the connection"):
        ask("127.0.0.1", port, HOST)


@pytest.mark.parametrize("ask", [served, trusted])
@pytest.mark.parametrize("how", [with_an_alert, in_plain_http])
def test_a_server_that_answers_in_another_way_has_none(ask: Callable[..., object], how: Callable[[socket.socket], None]) -> None:
    with ending(how) as port, pytest.raises(NoCertificate, match=f"no certificate for {HOST}"):
        ask("127.0.0.1", port, HOST)
