"""A client that asks a service every two milliseconds which version it is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

STEP = 0.002
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """What one request got: the body ("v1"), or "" when nobody answered. `at` is when that was known, in monotonic seconds."""

    at: float
    version: str


class Probe:
    """Asks from its start to its end on a thread of its own. `connect` gives a connection to the service or raises OSError."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.answers: list[Answer] = []
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> list[Answer]:
        """Stop; every answer."""
        self._stop.set()
        self._thread.join()
        return self.answers

    def until(self, version: str, after: float, seconds: float) -> float | None:
        """When a version was first served after a time, waiting so long for it; None when it was not."""
        deadline = time.monotonic() + seconds
        while True:
            at = next((each.at for each in self.answers if each.at > after and each.version == version), None)
            if at is not None or time.monotonic() > deadline:
                return at
            time.sleep(0.02)

    def _run(self) -> None:
        while not self._stop.wait(STEP):
            version = self._ask()
            self.answers.append(Answer(time.monotonic(), version))

    def _ask(self) -> str:
        try:
            with self._connect() as connection:
                connection.settimeout(2.0)
                connection.sendall(_REQUEST)
                content = b""
                while part := connection.recv(4096):
                    content += part
        except OSError:
            return ""
        return content.rpartition(b"\r\n\r\n")[2].decode().strip()


def outage(answers: list[Answer]) -> float:
    """Seconds without any answer: each gap from the last answer before it to the first one after it."""
    total, last, silent = 0.0, answers[0].at, False
    for each in answers:
        if each.version:
            total += each.at - last if silent else 0.0
            last, silent = each.at, False
        else:
            silent = True
    return total + (answers[-1].at - last if silent else 0.0)
