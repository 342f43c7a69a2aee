"""Helpers that people made, as the documents that would declare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.clients.homeassistant import Home, Refused
from controller.clients.homeassistant.finding import IN_YAML, document_name, said_of
from controller.core.discovery import Discovery
from controller.core.key import Key
from controller.kinds.helper.fields import FIELDS, HIDDEN, hides, shown


class FindsHelpers:
    """The ability `core.discovery.Discovers`, for a provider of helpers."""

    _home: Home

    def discover(self) -> Sequence[Discovery]:
        """Every helper of the types that can be declared. Raises Transient."""
        kept: dict[str, Mapping[str, Any]] = {}
        for kind in FIELDS:
            try:
                kept |= {f"{kind}.{name}": item for name, item in self._home.helpers(kind).items()}
            except Refused:  # the type is not set up there: it has none
                continue
        return [*(_found(address, kept[address]) for address in sorted(kept)), *self._written(kept)]

    def _written(self, kept: Mapping[str, Any]) -> Iterator[Discovery]:
        """Those of its YAML."""
        for address, state in sorted(self._home.states().items()):
            if address.partition(".")[0] in FIELDS and address not in kept and state.attributes.get("editable") is False:
                yield Discovery(_key(address), {}, address, address, obstacle=IN_YAML)


def _found(address: str, item: Mapping[str, Any]) -> Discovery:
    kind, _, name = address.partition(".")
    state = shown(kind, item)
    hidden = HIDDEN if hides(address, state) else ""
    return Discovery(_key(address), {"type": kind, "id": name, **said_of(state)}, address, address, obstacle=hidden)


def _key(address: str) -> Key:
    return Key("helper", document_name(address.partition(".")[2]))
