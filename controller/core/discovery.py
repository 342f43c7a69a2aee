"""What runs but is not ours yet, as the documents that would declare it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from controller.core.key import Key


@dataclass(frozen=True, slots=True)
class Discovery:
    """An object that runs but is not ours, as the documents that would declare it. `secrets` are values to move into the
    vault, by reference; `handle` and `address` as in Present and Target."""

    key: Key
    spec: Mapping[str, Any]
    address: str
    handle: str
    needs: tuple[Key, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@runtime_checkable
class Discovers(Protocol):
    """A provider that can describe what runs on its backend without being ours."""

    def discover(self) -> Sequence[Discovery]:
        """Every foreign object it could take over. Read-only; raises Transient."""
