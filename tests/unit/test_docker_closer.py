"""Ending a reply that goes on while another thread reads it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
import requests

from controller.clients.docker.closer import Closer


def torn(closer: Closer | None) -> Iterator[bytes]:
    """A stream that is taken apart under its reader (as http.client shows it), after it was closed or by itself."""
    yield b"first"
    if closer is not None:
        closer.close()
    raise AttributeError("'NoneType' object has no attribute 'read'")


def test_what_is_closed_ends() -> None:
    reply = requests.Response()
    reply.raw = BytesIO()
    closer = Closer(reply)
    assert list(closer.read(torn(closer))) == [b"first"]


class Gone(BytesIO):
    """A stream that its reader took apart between a look at it and its end."""

    def close(self) -> None:
        super().close()
        raise AttributeError("'NoneType' object has no attribute 'close'")


def test_a_reader_that_comes_to_the_end_at_the_same_moment_breaks_nothing() -> None:
    reply = requests.Response()
    reply.raw = Gone()
    closer = Closer(reply)
    closer.close()
    assert reply.raw.closed
    closer.close()


def test_what_nobody_closed_is_a_fault() -> None:
    closer = Closer(requests.Response())
    with pytest.raises(AttributeError):
        list(closer.read(torn(None)))
