"""What happened and how things stand: events for people and machines, status per key, the report of a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from controller.core.document import Revision
from controller.core.errors import Diagnostic, Severity
from controller.core.key import Key
from controller.core.notice import Recipient
from controller.core.state import Health

if TYPE_CHECKING:
    from controller.core.sign_in import OpenIdProvider  # with the validation library, which who only asks must not load


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `reason` is a constant CamelCase word; `number` is given by the store (0 = not stored)."""

    at: float
    reason: str
    message: str
    severity: Severity = Severity.INFO
    key: str = ""
    run: str = ""
    number: int = 0


class Sync(StrEnum):
    """How a key stands to git."""

    SYNCED = "Synced"
    DRIFTED = "Drifted"
    PENDING = "Pending"
    HELD = "Held"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """Both truths about one key: the revision that git wants (`attempted`, "" = it is no longer declared) and the one that what
    runs is of (`applied`, "" = nothing of ours); they are equal when what runs is as declared, whichever commit wrote it.

    `shared` is the part at the end of `why` that others of the same rollout or backend have too: to be told once."""

    key: Key
    sync: Sync
    health: Health
    why: str = ""
    attempted: str = ""
    applied: str = ""
    provider: str = ""
    rollout: str = ""
    address: str = ""
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The folded result of one pass. `revision` is what git holds, `live` what is reconciled (they differ while the newest
    revision is refused); `backends` says per provider "" = reachable, else the reason; `recipients` want to be told of it.
    People may sign in at `provider`."""

    at: float
    revision: Revision
    live: str
    statuses: tuple[Status, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    backends: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    world: str = ""
    recipients: tuple[Recipient, ...] = ()
    provider: OpenIdProvider | None = None
