"""Ending a reply that goes on, from another thread than the one that reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any, TypeVar

import requests

T = TypeVar("T")


class Closer:
    """Closes a stream once, from whichever thread comes first."""

    def __init__(self, reply: requests.Response) -> None:
        self._reply = reply
        self._ended = Flag()
        self._lock = Lock()

    def watch(self, stop: Flag, name: str) -> None:
        """Close it when `stop` is set, within a second."""
        Thread(target=self._close_on, args=(stop,), name=name, daemon=True).start()

    def read(self, pieces: Iterable[T]) -> Iterator[T]:
        """What comes until it ends or is closed: whoever reads meanwhile finds the stream taken apart, in whichever way."""
        try:
            yield from pieces
        except Exception:
            if not self._ended.is_set():
                raise

    def close(self) -> None:
        """End it now."""
        with self._lock:
            if not self._ended.is_set():
                self._ended.set()
                # Whoever reads may come to the end and take it apart at the same moment.
                with suppress(OSError, AttributeError, ValueError):
                    _socket_of(self._reply).shutdown(2)
                with suppress(OSError, AttributeError, ValueError):
                    self._reply.close()

    def _close_on(self, stop: Flag) -> None:
        while not self._ended.is_set():
            if stop.wait(1.0):
                self.close()


def _socket_of(reply: requests.Response) -> Any:
    """The socket under a reply: closing the reply alone does not wake a thread that reads from it."""
    connection: Any = reply.raw
    return connection._fp.fp.raw._sock
