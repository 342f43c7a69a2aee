"""Importing a DNS zone: one Domain with every record that is in it, and those records taken over as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controller.core.dns import ListedRecord, ListsZones, ZoneListing, record_key
from controller.core.errors import Refused
from controller.core.key import Key
from controller.usecases.importing import Importing
from controller.usecases.importing_sketch import SCHEMA_LINE, Handle, Left, Sketch, file_of

_MOST = 8000
"""YAML nodes of one document; the reader takes 10,000."""
_FIELDS = 10


@dataclass(frozen=True)
class ZoneImport:
    """The use case behind `homelab import zone`. `via` is the connection that holds the zone."""

    importing: Importing
    via: str

    def listing(self, zone: str) -> ZoneListing:
        """What the connection says is in a zone. Raises Refused for a connection that cannot tell, Transient, Permanent."""
        estate = self.importing.trial({})
        if self.via not in estate.homelab.connections:
            raise Refused(f"there is no connection {self.via!r} in homelab.yaml")
        provider: object = self.importing.reconciler.connect(estate.homelab).get(("record", self.via))
        if not isinstance(provider, ListsZones):
            raise Refused(f"the connection {self.via!r} cannot list a zone; give a zone file with --file")
        return provider.zone(zone)

    def sketch(self, found: ZoneListing) -> Sketch:
        """The Domain of a zone (several for a large one). Raises Refused when its file exists, SpecError."""
        declared = {
            (item.state["name"], item.state["type"]): item.origin
            for item in self.importing.trial({}).resources.values()
            if item.key.kind == "record"
        }
        left = [Left(name, reason) for name, reason in found.left]
        records: list[ListedRecord] = []
        for item in found.records:
            origin = declared.get((_full(item.name, found.zone), item.type))
            if origin is None:
                records.append(item)
            else:
                left.append(Left(f"{_full(item.name, found.zone)} {item.type}", f"declared already at {origin}"))
        files: dict[str, bytes] = {}
        for number, part in enumerate(_parts(records), 1):
            document = domain(found.zone, self.via, part, number)
            path = file_of(Key("domain", document["name"]))
            if path in self.importing.paths():
                raise Refused(f"{path} exists already")
            files[path] = (SCHEMA_LINE.format("../") + self.importing.write(document)).encode()
        self.importing.trial(files)
        objects = tuple(Handle(str(record_key(_full(item.name, found.zone), item.type))) for item in records)
        return Sketch(files, {}, objects, tuple(left))


def _parts(records: list[ListedRecord]) -> Iterator[list[ListedRecord]]:
    """Records in documents of a size that can be read; one without any for an empty zone."""
    part: list[ListedRecord] = []
    room = _MOST
    for item in records:
        size = _FIELDS + len(item.values)
        if part and room < size:
            yield part
            part, room = [], _MOST
        part.append(item)
        room -= size
    yield part


def domain(zone: str, via: str, records: list[ListedRecord], number: int = 1) -> dict[str, Any]:
    """The document of a zone: the most common TTL stands once, the others at their records. A TTL of 0 cannot be
    declared, so that no TTL may be declared for all."""
    ttls = Counter(item.ttl for item in records)
    common = 0 if 0 in ttls or not ttls else ttls.most_common(1)[0][0]
    spec: dict[str, Any] = {"zone": zone, "via": via}
    if common:
        spec["ttl"] = common
    spec["records"] = [_record(item, common) for item in records]
    name = domain_key(zone).name
    return {"kind": "Domain", "name": f"{name}-{number}" if number > 1 else name, "spec": spec}


def domain_key(zone: str) -> Key:
    """The key under which an import declares a zone."""
    return Key("domain", record_key(zone, "A").name.removesuffix("-a")[:58].strip("-"))


def _record(item: ListedRecord, common: int) -> dict[str, Any]:
    values: dict[str, Any] = {"value": item.values[0]} if len(item.values) == 1 else {"values": list(item.values)}
    ttl = {} if item.ttl == common or not item.ttl else {"ttl": item.ttl}
    return {"name": item.name, "type": item.type, **values, **ttl}


def _full(name: str, zone: str) -> str:
    return zone if name == "@" else f"{name}.{zone}"
