"""What the registries of a home know: their entries, and names of entries that are not there, which Home Assistant would take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.lifecycle import touched
from controller.core.change import Change
from controller.core.errors import Permanent
from controller.core.limit import YES, Limit, Never
from controller.core.suggest import did_you_mean

Entries = Mapping[str, Mapping[str, Any]]


def entries_of(home: Home, registry: str) -> Entries:
    """The entries of a registry by id. Raises Transient."""
    listed: Mapping[str, Callable[[], Entries]] = {
        "area": home.areas,
        "floor": home.floors,
        "label": home.labels,
        "device": home.devices,
        "entity": home.entities,
    }
    return listed[registry]()


def listed(home: Home, registry: str) -> Entries:
    """The entries of a registry by id, asked for anew."""
    key = {"device": "id", "entity": "entity_id"}.get(registry, f"{registry}_id")
    found: Iterable[Mapping[str, Any]] = home.call(f"config/{registry}_registry/list")
    return {str(entry[key]): entry for entry in found}


def check_known(home: Home, registry: str, value: Any) -> None:
    """Raises Permanent when a value names an entry (or several) of a registry that is not there."""
    names = [value] if isinstance(value, str) else value or ()
    entries = entries_of(home, registry) if names else {}
    for name in names:
        if name not in entries:
            near = did_you_mean(name, entries)
            raise Permanent(f"Home Assistant has no {registry} {name!r}{f'; {near}' if near else ''}")


def unknown_names(home: Home, change: Change, refers: Mapping[str, str]) -> Limit:
    """Never, when a change names an entry of a registry that is not there and that none of its needs makes. Raises Transient."""
    for name, registry in refers.items():
        value = touched(change).get(name)
        entries = entries_of(home, registry) if value else {}
        missing = [text for text in ([value] if isinstance(value, str) else value or ()) if text not in entries]
        if len(missing) > sum(need.kind == registry for need in change.needs):
            known = did_you_mean(missing[0], entries) or f"declare it (`kind: {registry.capitalize()}`), or make it there"
            return Never(f"Home Assistant has no {registry} {missing[0]!r}; {known}")
    return YES
