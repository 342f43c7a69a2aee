"""What people said of entities, as the documents that would declare it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.clients.homeassistant import Home
from controller.clients.homeassistant.finding import document_name, said_of
from controller.core.discovery import Discovery
from controller.core.key import Key

_BY_PERSON = "user"


class FindsEntities:
    """The ability `core.discovery.Discovers`, for a provider of entities."""

    _home: Home

    def discover(self) -> Sequence[Discovery]:
        """Every entity of which somebody said something that its integration does not say. Raises Transient."""
        names = sorted(self._home.entities())
        entries = self._home.call("config/entity_registry/get_entries", entity_ids=names) if names else {}
        found = []
        for address in names:
            said = customised(entries.get(address) or {})
            if said:
                key = Key("entity", document_name(address))
                found.append(Discovery(key, {"entity": address, **said}, address, str(entries[address]["id"])))
        return found


def customised(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said in an entry of the registry. Integrations hide and disable as well, and give their own name and icon in
    fields of their own."""
    return said_of(
        {
            "name": entry.get("name"),
            "icon": entry.get("icon"),
            "area": entry.get("area_id"),
            "disabled": True if entry.get("disabled_by") == _BY_PERSON else None,
            "hidden": True if entry.get("hidden_by") == _BY_PERSON else None,
            "labels": sorted(entry.get("labels") or ()),
            "aliases": sorted(alias for alias in entry.get("aliases") or () if alias),
        }
    )
