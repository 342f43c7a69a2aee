"""Boxes that write logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from threading import Event as Flag
from typing import Any

from controller.core.errors import Refused, Transient
from controller.core.state import Target
from tests.support.webhouse import WebHouse


class Speaking:
    """A provider's voice: says what it is given, and remembers whether anybody still listens. `away` and `silent` = it does not
    answer, or has no log."""

    @classmethod
    def of(cls, web: WebHouse) -> Speaking:
        """The voice of the boxes of a house."""
        speaking = cls()
        found: Any = web.house.reconciler.bench.providers()[("box", "local")]
        found.log, found.follow = speaking.log, speaking.follow
        return speaking

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, float]] = []
        self.said = threading.Condition()
        self.lines: list[str] = []
        self.stops: list[Flag] = []
        self.away = self.silent = False
        self._ended = Flag()

    def log(self, target: Target, lines: int, since: float = 0.0) -> str:
        self.asked.append((str(target.key), lines, since))
        if self.silent:
            raise Refused(f"{target.key} writes no log")
        if self.away or target.key.name == "two":
            raise Transient("local: Docker does not answer")
        return "first\nsecond\n"

    def follow(self, target: Target, lines: int, since: float, stop: Flag) -> Iterator[str]:
        self.log(target, lines, since)
        self.stops.append(stop)
        return self._followed(stop, self._ended)

    def _followed(self, stop: Flag, ended: Flag) -> Iterator[str]:
        told = 0
        while not stop.is_set() and not ended.is_set():
            with self.said:
                self.said.wait_for(partial(self._fresh, told), 0.05)
                fresh = self.lines[told:]
            told += len(fresh)
            yield from fresh

    def _fresh(self, told: int) -> bool:
        return len(self.lines) > told

    def say(self, *lines: str) -> None:
        """Let the object write."""
        with self.said:
            self.lines += lines
            self.said.notify_all()

    def end(self) -> None:
        """Let every log that is followed end, as when the connection to its writer breaks."""
        self._ended.set()
        self._ended = Flag()
