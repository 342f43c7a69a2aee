"""A snapshot of devices: what each shows now, as the document that would watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.clients.homeassistant import Home, Shown
from controller.clients.homeassistant.finding import document_name
from controller.core.discovery import Discovery
from controller.core.key import Key
from controller.kinds.device.domain import STATE, Domain
from controller.kinds.device.domains import domain_of
from controller.kinds.device.seen import lost

_VARIABLES = "input_"
"""Helpers are no devices: what they hold moves all day."""


class FindsDevices:
    """The ability `core.discovery.Discovers`, for a provider of devices."""

    _home: Home

    def discover(self) -> Sequence[Discovery]:
        """Every entity that can be told what to be, to be observed as it is. Raises Transient."""
        entries = self._home.entities()
        found = []
        for entity, state in sorted(self._home.states().items()):
            domain = domain_of(entity)
            if domain is None or entity.startswith(_VARIABLES):
                continue
            entry: Mapping[str, Any] = entries.get(entity) or {}
            found.append(_found(entity, state, domain, str(entry.get("id") or entity)))
        return found


def _found(entity: str, shown: Shown, domain: Domain, handle: str) -> Discovery:
    key = Key("device", document_name(entity))
    if lost(shown):
        return Discovery(key, {}, entity, handle, obstacle=f"it is {shown.state}: there is nothing to see of it")
    spec = {"entity": entity, "desired": declarable(domain, domain.values(shown.state, shown.attributes)), "enforce": "observe"}
    return Discovery(key, spec, entity, handle)


def declarable(domain: Domain, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of what an entity shows, the values that may be wanted at the same time: the first of those that say one thing in several
    ways."""
    if values.get(STATE) in domain.rest:
        return {STATE: values[STATE]}
    found = dict(values)
    for words in domain.apart:
        for word in [word for word in found if word in words][1:]:
            del found[word]
    return found
