"""What is wanted: one resource in normal form, linked and ready to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.errors import Origin
from controller.core.key import Claim, Key
from controller.core.state import State, fingerprint


class Mode(StrEnum):
    """apply = make it so; observe = report drift, never write; adopt = take over what exists without a change."""

    APPLY = "apply"
    OBSERVE = "observe"
    ADOPT = "adopt"


class Rollback(StrEnum):
    """When a failed rollout may put this resource back: always, only while it holds no data, or never (a person decides)."""

    ALWAYS = "always"
    IF_STATELESS = "if-stateless"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Gate:
    """How health is judged after a change: Healthy without a break for `settle` seconds, within `timeout` seconds."""

    timeout: float
    settle: float = 0.0


@dataclass(frozen=True, slots=True)
class Risk:
    """Something in a state that policy must allow by name, for example `privileged` or `host-path:/etc`."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One desired resource. `provider` names the connection that holds it, `address` the name it has there.

    `needs` are the resources that must be in place first (written ones and those the kind found); `made_by` is the resource
    that expanded into this one; `stateful` = holds data that an undo cannot bring back."""

    key: Key
    state: State
    provider: str
    address: str
    origin: Origin
    needs: tuple[Key, ...] = ()
    claims: tuple[Claim, ...] = ()
    mode: Mode = Mode.APPLY
    protect: bool = False
    suspend: bool = False
    rollback: Rollback = Rollback.ALWAYS
    stateful: bool = False
    gate: Gate | None = None
    risks: tuple[Risk, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    made_by: Key | None = None
    _digest: str = field(default="", init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Identity of what is wanted: the normal form and where it lives. Origins and revisions are not part of it."""
        if not self._digest:
            object.__setattr__(self, "_digest", fingerprint([self.provider, self.address, self.state]))
        return self._digest
