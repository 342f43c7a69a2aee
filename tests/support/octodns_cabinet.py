"""A provider package of octoDNS whose zones lie in memory, with the habits of real ones: it keeps what it read, writes record by
record, raises small TTLs, has settings of its own, and may write zones only as a whole."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from octodns.provider.base import BaseProvider
from octodns.record import Record

Data = dict[str, Any]


@dataclass
class Drawer:
    """One account: the sets of records of its zones by label and type, and what was written in which order."""

    zones: dict[str, dict[tuple[str, str], Data]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    least_ttl: int = 0
    break_after: int = -1
    """So many writes work, the next raises (-1 = all work)."""

    def put(self, zone: str, label: str, kind: str, *values: str, ttl: int = 300, **more: Any) -> None:
        self.zones.setdefault(zone, {})[label, kind] = {"type": kind, "ttl": ttl, "values": list(values), **more}

    def write(self, zone: str, label: str, kind: str, data: Data | None) -> None:
        if self.break_after == 0:
            raise ConnectionResetError("the line went dead")
        self.break_after -= 1
        self.written.append(f"{label} {kind}")
        if data is None:
            del self.zones[zone][label, kind]
        else:
            self.zones[zone][label, kind] = {**data, "type": kind, "ttl": max(data["ttl"], self.least_ttl)}


DRAWERS: Mapping[str, Drawer] = {}
"""Accounts by the name that stands in the option `drawer`."""


class CabinetProvider(BaseProvider):  # type: ignore[misc]
    """The provider."""

    SUPPORTS_GEO = False
    SUPPORTS_ROOT_NS = False
    SUPPORTS = {"A", "AAAA", "CNAME", "NS", "TXT"}

    def __init__(self, id: str, drawer: str, token: str, says_least: bool = True, whole: bool = False) -> None:  # noqa: A002
        self.log = logging.getLogger(f"CabinetProvider[{id}]")
        super().__init__(id)
        if token != "open":
            raise PermissionError(f"the drawer does not open with {token}")
        self.drawer = DRAWERS[drawer]
        self.whole = whole
        if says_least:
            self.min_ttl = self.drawer.least_ttl
        self._read: dict[str, dict[tuple[str, str], Data]] = {}

    def list_zones(self) -> list[str]:
        return sorted(f"{zone}." for zone in self.drawer.zones)

    def populate(self, zone: Any, target: bool = False, lenient: bool = False) -> bool:
        name = zone.name.removesuffix(".")
        if target and self.whole:
            return False
        found = self._read.setdefault(name, dict(self.drawer.zones.get(name, {})))
        for (label, _), data in found.items():
            zone.add_record(Record.new(zone, label, dict(data), source=self, lenient=lenient), lenient=lenient)
        return bool(found)

    def _apply(self, plan: Any) -> None:
        name = plan.desired.name.removesuffix(".")
        for change in plan.changes:
            record = change.record
            self.drawer.write(name, record.name, record._type, None if change.new is None else change.new.data)
