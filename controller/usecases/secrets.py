"""Secrets: the values behind references, as a person keeps them. Never shown but by `export`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from controller.core.errors import Refused, Severity
from controller.core.event import Event
from controller.core.ports import Clock, Store
from controller.core.secret import SecretVersion


class SecretKeeper(Protocol):
    """A vault that people write to."""

    def set(self, ref: str, value: str) -> SecretVersion:
        """Keep a value as the newest version. Raises Refused, Rejected."""

    def rotate(self, ref: str, generate: int | None = None) -> SecretVersion:
        """Keep a new generated value as the newest version. Raises KeyError, Refused, Rejected."""

    def names(self) -> Mapping[str, SecretVersion]:
        """The newest version of everything that was set or generated, by reference."""

    def export(self) -> Mapping[str, str]:
        """The values of `names`, in plain text."""


@dataclass(frozen=True, slots=True)
class SecretView:
    """A secret as people see it: by reference. `fingerprint` tells two values apart and says nothing about either."""

    ref: str
    version: int
    fingerprint: str


@dataclass(frozen=True)
class Secrets:
    """The use cases of the vault. `changed` makes the next pass of this process read every secret anew; `must_lead` raises
    LeaseHeld where the passes are made by another controller, which would not hear of it."""

    keeper: SecretKeeper
    store: Store
    clock: Clock
    changed: Callable[[], None]
    must_lead: Callable[[], None] = lambda: None

    def list(self) -> tuple[SecretView, ...]:
        """Everything that was set or generated, by reference."""
        return tuple(_view(version) for version in self.keeper.names().values())

    def set(self, ref: str, value: str, by: str) -> SecretView:
        """Keep a value. What uses it follows with the next pass. Raises Refused, Rejected, LeaseHeld."""
        self.must_lead()
        known = self.keeper.names().get(ref)
        version = self.keeper.set(ref, value)
        if version != known:
            self._tell("SecretSet", f"{by} sets {ref} (version {version.version})")
        return _view(version)

    def rotate(self, ref: str, by: str, length: int | None = None) -> SecretView:
        """Generate a new value (as long as the last one unless said). Raises Refused when there is no such secret, LeaseHeld."""
        self.must_lead()
        try:
            version = self.keeper.rotate(ref, length)
        except KeyError:
            raise Refused(f"there is no secret {ref!r} in the vault; `homelab secret list` shows those there are") from None
        self._tell("SecretRotated", f"{by} rotates {ref} (version {version.version})")
        return _view(version)

    def export(self, by: str) -> Mapping[str, str]:
        """Every value in plain text, to be saved elsewhere; that it was done is recorded."""
        self.store.append([Event(self.clock.now(), "SecretsExported", f"{by} exports every secret", Severity.WARNING)])
        return self.keeper.export()

    def _tell(self, reason: str, message: str) -> None:
        self.changed()
        self.store.append([Event(self.clock.now(), reason, message)])


def _view(version: SecretVersion) -> SecretView:
    return SecretView(version.ref, version.version, version.fingerprint[:8])
