"""What is: normal forms, and the three different answers a look at the world can give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from controller.core.key import Key

State = Mapping[str, Any]
"""A kind's normal form: JSON-shaped data in which equal meaning is equal data. Secrets are in it as references only."""


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(data: Any) -> str:
    """JSON text that is equal exactly when data is equal (sorted keys, no spaces)."""
    return _ENCODER.encode(data)


def fingerprint(data: Any) -> str:
    """SHA-256 over the canonical text, as 64 hex digits."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()


class Owner(StrEnum):
    """Whose an object is. A provider says OURS (carries our mark) or FOREIGN; the engine folds in the ledger:
    mark without a row = UNMARKED (offered for adoption, never deleted), row without a mark = OURS (adopted)."""

    OURS = "ours"
    FOREIGN = "foreign"
    UNMARKED = "unmarked"


class Health(StrEnum):
    """How well a present object does its work, best first."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Present:
    """The object exists. `state` is its normal form, `handle` the backend's own id, `why` explains the health, `by` says who
    changed it last where the backend knows ("a person", "an automation"), `ends` what a change of it would end right now."""

    state: State
    handle: str
    owner: Owner
    health: Health = Health.HEALTHY
    why: str = ""
    etag: str = ""
    by: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A complete look did not find the object."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not look. Blocks create and delete: it is never read as gone."""

    reason: str


Observed = Present | Absent | Unknown
ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Target:
    """What to look for: the key, the name it has on the backend (`address`) and the handle of the ledger, if any."""

    key: Key
    address: str
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look through one provider. `complete` means: what is not in `items` is gone."""

    items: Mapping[Key, Observed]
    complete: bool = True
    reason: str = ""

    def of(self, key: Key) -> Observed:
        """The answer for a key; a key that an incomplete look does not name is Unknown."""
        found = self.items.get(key)
        if found is not None:
            return found
        return ABSENT if self.complete else Unknown(self.reason or "the look at the backend was not complete")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider hands back: the object's handle and the normal form that the world shows now (None = deleted).
    `retained` names what the provider kept for an undo until `release`."""

    handle: str
    state: State | None
    retained: tuple[str, ...] = field(default=())
