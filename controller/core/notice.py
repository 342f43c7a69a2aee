"""Notices: what people are told, who wants to hear of it, and what a sender of messages can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from controller.core.errors import HomelabError, Severity
from controller.core.secret import SecretVersion

if TYPE_CHECKING:
    from controller.core.policy import Window

LONGEST_LINE = 300
HOUR = 3600.0


class Topic(StrEnum):
    """What a message is about: the words of `events` in homelab.yaml."""

    DRIFT = "drift"
    HELD = "held"
    APPLIED = "applied"
    ROLLED_BACK = "rolledBack"
    FAILED = "failed"
    CERTIFICATE = "certificate"
    BACKEND_DOWN = "backendDown"
    RECOVERED = "recovered"
    PROPOSAL = "proposal"


def plain(text: str) -> str:
    """A text from anywhere as one line of a message: nothing in it acts on whoever reads it, and its length is bounded."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    for call in ("@everyone", "@here", "@channel", "@all"):  # chat services wake everybody up for these
        line = line.replace(call, f"@ {call[1:]}")
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A target with the version of its address that is current. `repeat` in seconds (0 = never); `zone` is that of `quiet`."""

    name: str
    url: SecretVersion
    topics: frozenset[Topic] = frozenset(Topic)
    quiet: Window | None = None
    repeat: float = HOUR
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text of bounded length, without control characters and without any value of a secret."""

    topic: Topic
    title: str
    body: str
    severity: Severity = Severity.INFO


class Undelivered(HomelabError):
    """A message did not arrive. Says why without any part of the address."""


class Sender(Protocol):
    """Takes messages to people."""

    def send(self, url: str, message: Message) -> None:
        """Deliver it; waits for the answer, for so long as one service is given. Raises Undelivered."""
