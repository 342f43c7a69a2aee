"""A sender of messages that keeps them, and recipients for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from controller.core.notice import Message, Recipient, Undelivered
from controller.core.secret import SecretVersion


@dataclass
class Postbox:
    """`core.notice.Sender`: `sent` holds what arrived, by address, in order; `refuses` says why nothing does ("" = it does)."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    refuses: str = ""

    def send(self, url: str, message: Message) -> None:
        if self.refuses:
            raise Undelivered(self.refuses)
        self.sent.append((url, message))

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Topic and text of everything that arrived."""
        return [(message.topic.value, message.body) for _, message in self.sent]


def recipient(name: str = "phone", **rest: Any) -> Recipient:
    """Somebody whose address is the secret `notify/<name>`."""
    return Recipient(name, SecretVersion(f"notify/{name}", 1, "aa"), **{"zone": "UTC", **rest})
