"""Zones on a PowerDNS server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from controller.clients.dns.listing import EVERY
from controller.clients.dns.primary import Edit, RecordSet
from controller.clients.powerdns import PowerDns, Zone
from controller.core.dns import RecordPlace
from controller.kinds.record.provider import Places, Unit


class PowerDnsZones:
    """PowerDNS as a ZoneServer: a zone is read as a whole by one request, and changed by one that is all or nothing."""

    guards = False
    """Its interface has no condition on a write: what stands is read right before."""

    def __init__(self, server: PowerDns) -> None:
        self._server = server
        self._disabled: dict[str, Zone] = {}

    def read(self, zone: str, places: Places) -> Mapping[RecordPlace, RecordSet]:
        """From the whole zone."""
        whole = self._server.zone(zone)
        self._disabled[zone] = {place: standing for place, standing in whole.items() if standing.disabled}
        found: dict[RecordPlace, RecordSet] = {}
        for place in places:
            standing = whole.get((place.name, place.type))
            if standing is not None and standing.records is not None:
                found[place] = standing.records
        return found

    def write(self, zone: str, edits: Sequence[Edit]) -> None:
        """One request."""
        self._server.change(zone, edits, self._disabled.get(zone, {}))

    def packed(self, units: Sequence[Unit]) -> Sequence[Sequence[Unit]]:
        """All at once."""
        return [units]

    def everything(self, zone: str) -> Mapping[tuple[str, str], RecordSet]:
        """By one request; what it keeps without serving it is not among it."""
        return {place: each.records for place, each in self._server.zone(zone, EVERY).items() if each.records is not None}

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._server.close()
