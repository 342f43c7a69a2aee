"""What a service says: the log of the container that stands for it, line by line, without the secrets that it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Any

from controller.clients.docker import DockerHost, Piece
from controller.core.errors import Permanent
from controller.core.state import Target
from controller.kinds.service.health import Conceal, redacted
from controller.kinds.service.spot import started

Details = Mapping[str, Any]
_AGAIN = 1.0
"""Seconds after which a container that ended, or is being replaced, is looked for again."""
_LONGEST = 1 << 16
"""A line is told in parts from twice so many characters on; no secret on one line is longer than this."""


class Speech:
    """The logs of the services of one host. `find` is the container that stands for a target now, or None."""

    def __init__(self, host: DockerHost, find: Callable[[Target], Details | None], conceal: Conceal) -> None:
        self._host = host
        self._find = find
        self._conceal = conceal

    def log(self, target: Target, lines: int, since: float = 0.0) -> str:
        """`core.ports.Speaks.log`."""
        details = self._standing(target)
        return veiled(self._host.logs.last(str(details["Id"]), lines, since), details, self._conceal)

    def follow(self, target: Target, lines: int, since: float, stop: Flag) -> Iterator[str]:
        """`core.ports.Speaks.follow`. Goes on with the container that takes the place of this one, and with its next start."""
        return self._followed(self._standing(target), target, lines, since, stop)

    def _followed(self, details: Details | None, target: Target, lines: int, since: float, stop: Flag) -> Iterator[str]:
        wanted: tuple[int | None, float] = (lines, since)
        heard: tuple[str, str] | None = None
        while not stop.is_set():
            if details is not None and started(details) and heard != _start(details):
                if heard is not None:
                    # A start that was not heard yet, told from its beginning by the engine's own clock.
                    wanted = (None, _began(details) if heard[0] == details["Id"] else 0.0)
                heard = _start(details)
                yield from self._lines(details, *wanted, stop)
            stop.wait(_AGAIN)
            details = None if stop.is_set() else self._find(target)

    def _lines(self, details: Details, lines: int | None, since: float, stop: Flag) -> Iterator[str]:
        veil = Veil(details, self._conceal)
        terminal = bool(details["Config"].get("Tty"))
        for output, content in self._host.logs.follow(str(details["Id"]), lines, since, stop, terminal=terminal):
            text = veil.told(output, content)
            if text:
                yield text
        if rest := veil.rest():
            yield rest

    def _standing(self, target: Target) -> Details:
        details = self._find(target)
        if details is None:
            raise Permanent(f"there is no container {target.address!r}; `homelab status` says why")
        return details


class Veil:
    """Text of a container out of pieces that may end anywhere: it is held back until a line is whole, so that every secret is
    seen in one piece. The outputs are kept apart: a line of one may be cut by a line of another."""

    def __init__(self, details: Details, conceal: Conceal) -> None:
        self._details = details
        self._conceal = conceal
        self._held: dict[int, bytes] = {}

    def told(self, output: int, content: bytes) -> str:
        """What can be told now that a piece has come."""
        held = self._held.get(output, b"") + content
        whole, newline, rest = held.rpartition(b"\n")
        text = self._clear(whole + newline)
        if len(rest) > 2 * _LONGEST:
            # A secret that is whole in it is concealed now; one whose end is still to come begins in what is kept.
            concealed = self._clear(rest)
            text += concealed[:-_LONGEST]
            rest = concealed[-_LONGEST:].encode()
        self._held[output] = rest
        return text

    def rest(self) -> str:
        """What is left when nothing more comes: lines without an end get one."""
        left, self._held = self._held, {}
        return "".join(self._clear(content) + "\n" for content in left.values() if content)

    def _clear(self, content: bytes) -> str:
        return redacted(content.decode(errors="replace"), self._details, self._conceal) if content else ""


def veiled(pieces: Iterable[Piece], details: Details, conceal: Conceal) -> str:
    """Pieces of a log as text, without the secrets that the container was given."""
    veil = Veil(details, conceal)
    return "".join(veil.told(output, content) for output, content in pieces) + veil.rest()


def _began(details: Details) -> float:
    """When its present run began, by the engine's clock, in seconds since the epoch."""
    whole, _, part = str(details["State"]["StartedAt"]).rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{part or 0}")


def _start(details: Details) -> tuple[str, str]:
    return str(details["Id"]), str(details["State"].get("StartedAt", ""))
