"""Zones on a server that takes RFC 2136 updates (BIND, Knot, …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.clients.dns.authority import Agreed, ask, folded
from controller.clients.dns.listing import EVERY
from controller.clients.dns.primary import Edit, Primary, RecordSet, TransferRefused, fitting
from controller.core.dns import RecordPlace
from controller.core.errors import Transient
from controller.kinds.record.provider import Places, Unit

MANY = 8
"""From so many records on a zone is read as a whole."""


class UpdatedZones:
    """A primary as a ZoneServer. A zone is read by transfer when many records are wanted and the server hands it out, else
    record by record. An update names what it expects of each set of records, so that no change of somebody else is lost."""

    guards = True

    def __init__(self, primary: Primary, *, transfers: bool = True) -> None:
        self._primary = primary
        self._transfers = transfers

    def read(self, zone: str, places: Places) -> Mapping[RecordPlace, RecordSet]:
        """By transfer or by questions to the primary."""
        if self._transfers and len(places) >= MANY:
            try:
                whole = self._primary.transfer(zone)
            except TransferRefused:
                self._transfers = False
            else:
                return {place: whole[place.name, place.type] for place in places if (place.name, place.type) in whole}
        return self._asked(zone, places)

    def write(self, zone: str, edits: Sequence[Edit]) -> None:
        """One update."""
        self._primary.update(zone, edits)

    def packed(self, units: Sequence[Unit]) -> Sequence[Sequence[Unit]]:
        """As many as fit into one message."""
        return fitting(units)

    def everything(self, zone: str) -> Mapping[tuple[str, str], RecordSet]:
        """By transfer."""
        return self._primary.transfer(zone, EVERY)

    def close(self) -> None:
        """Nothing stays open."""

    def _asked(self, zone: str, places: Places) -> Mapping[RecordPlace, RecordSet]:
        answers = ask([self._primary.server], [(place.name, place.type) for place in places], zone)
        found: dict[RecordPlace, RecordSet] = {}
        for place in places:
            said = folded(answers[place.name, place.type])
            if not isinstance(said, Agreed):
                raise Transient(f"{place.name} {place.type}: {said.why}")
            if said.values and (not said.wildcard or self._primary.exists(zone, place.name, place.type)):
                found[place] = RecordSet(said.values, said.ttl)
        return found
