"""Zones behind a provider package of octoDNS."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.clients.dns.primary import Edit, RecordSet, fitting
from controller.clients.dns.servers import Servers
from controller.clients.octodns import Octodns, Standing, objection
from controller.core.change import Change
from controller.core.dns import RecordPlace, ZoneListing
from controller.core.errors import Permanent, ProviderError
from controller.core.limit import YES, Limit, Never
from controller.core.state import State
from controller.kinds.record.provider import DEFAULT_TTL, Places, RecordProvider, Unit


class OctodnsZones:
    """A provider package as a ZoneServer for the zones that its connection names. It has no conditions: a write reads the zone,
    refuses what it does not find as expected, and writes at once."""

    guards = True

    def __init__(self, server: Octodns, zones: Collection[str]) -> None:
        self._server = server
        self._zones = frozenset(zones)
        self._known: dict[RecordPlace, Standing] = {}

    def read(self, zone: str, places: Places) -> Mapping[RecordPlace, RecordSet]:
        """From the whole zone."""
        whole = self.whole(zone)
        found = {place: whole[place.name, place.type] for place in places if (place.name, place.type) in whole}
        self._known.update(found)
        return {place: standing.records for place, standing in found.items()}

    def write(self, zone: str, edits: Sequence[Edit]) -> None:
        """One plan of the provider. What it makes of it is its own: many send one request for each record."""
        self._own(zone)
        self._server.change(zone, edits)

    def packed(self, units: Sequence[Unit]) -> Sequence[Sequence[Unit]]:
        """As many as fit into one DNS message: the packages do not look after that."""
        return fitting(units)

    def everything(self, zone: str) -> Mapping[tuple[str, str], RecordSet]:
        """Every set of records that the package can tell."""
        return {place: standing.records for place, standing in self.whole(zone).items()}

    def whole(self, zone: str) -> Mapping[tuple[str, str], Standing]:
        """The same with what cannot be written."""
        self._own(zone)
        return self._server.zone(zone)

    def never(self, place: RecordPlace, before: State | None, after: State | None) -> str:
        """Why a change can never be made, "" when it may be. Asks nobody."""
        able = self._server.abilities()
        if place.type not in able.types:
            return f"the provider holds no {place.type} records: it can hold {', '.join(sorted(able.types))}"
        ttl = int(after.get("ttl", 0)) if after is not None else 0
        if 0 < ttl < able.least_ttl:
            return f"the provider keeps no TTL below {able.least_ttl} seconds: declare that, or none"
        known = self._known.get(place) if before is not None else None
        if known is not None and (known.unwritable or (known.peculiar and after is None)):
            return f"{known.unwritable or known.peculiar}; change it at the provider"
        for state in (before, after):
            if state is not None:
                seconds = int(state.get("ttl", 0)) or DEFAULT_TTL
                why = objection(place.zone, place.name, place.type, list(state["values"]), seconds)
                if why:
                    return why
        return ""

    def close(self) -> None:
        """Nothing stays open."""

    def _own(self, zone: str) -> None:
        if zone not in self._zones:
            raise Permanent(f"{zone} is not among the zones of this connection; write it under `zones` in homelab.yaml")


class OctodnsRecords(RecordProvider):
    """Records behind a provider package. What it cannot hold without loss is refused at plan time."""

    gather = 0.5
    """Each write reads the zone several times: few writes are better than soon ones."""

    def __init__(self, server: OctodnsZones, servers: Servers | None, *following: Any) -> None:
        super().__init__(server, servers, *following)
        self._octodns = server

    def limit(self, change: Change) -> Limit:
        """Never, with the reason, for what the provider cannot hold."""
        try:
            why = self._octodns.never(RecordPlace.parse(change.address), change.before, change.after)
        except ProviderError:
            return YES
        return Never(why) if why else YES

    def zone(self, zone: str) -> ZoneListing:
        """Everything that the package can tell; what it tells only with loss is left out. Raises Transient, Permanent."""
        found = super().zone(zone)
        whole = self._octodns.whole(zone)
        lossy = {place: each.unwritable for place, each in whole.items() if each.unwritable}
        kept, left = [], list(found.left)
        for record in found.records:
            name = zone if record.name == "@" else f"{record.name}.{zone}"
            why = lossy.get((name, record.type))
            if why is None:
                kept.append(record)
            else:
                left.append((f"{name} {record.type}", why))
        return replace(found, records=tuple(kept), left=tuple(left))
