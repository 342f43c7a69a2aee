"""What a person's Caddyfile serves, as the Routes that would declare it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from controller.core.key import Key


@dataclass(frozen=True, slots=True)
class Site:
    """One Route that a Caddyfile comes to. `handle` is what it is called in the running Caddy, `lost` what of it no Route can
    say."""

    key: Key
    spec: Mapping[str, Any]
    handle: str
    lost: tuple[str, ...] = ()


@runtime_checkable
class ReadsCaddyfile(Protocol):
    """A provider that can read a Caddyfile by Caddy's own adapter."""

    def caddyfile(self, text: str) -> tuple[Sequence[Site], Sequence[tuple[str, str]]]:
        """What it serves, and (what, reason) for what cannot be declared or does not run. Raises Transient, Permanent."""
