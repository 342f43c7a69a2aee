"""A Domain as the Records that it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from controller.clients.dns.names import Unwritable, owner_name
from controller.core.dns import is_inside, record_key
from controller.core.document import Draft
from controller.core.errors import Problem, Rejected
from controller.core.kind import Surroundings
from controller.kinds.domain.model import DomainRecord, DomainSpec

LOCAL = "local"


def expand(name: str, spec: DomainSpec, around: Surroundings) -> Sequence[Draft]:
    """One Record for each name and type. Raises Rejected with every problem."""
    problems: list[Problem] = []
    try:
        zone = owner_name(spec.zone)
    except Unwritable as error:
        raise Rejected([Problem(("zone",), str(error), error.hint)]) from error
    if zone.startswith("*."):
        problems.append(Problem(("zone",), f"{spec.zone!r} is not a zone", "write the zone, and `*` as the name of a record"))
    if spec.via != LOCAL and spec.via not in around.connections:
        problems.append(Problem(("via",), f"there is no connection {spec.via!r} in homelab.yaml"))
    others = cast(Mapping[str, DomainSpec], around.others("domain"))
    zones = {_plain(each.zone): other for other, each in sorted(others.items()) if other != name}
    if zone in zones and others[zones[zone]].via != spec.via:
        message = f"domain/{name} and domain/{zones[zone]} both are {zone}, by different connections"
        problems.append(Problem(("via",), message, "name the same connection in both, or write one Domain"))
    drafts: list[Draft] = []
    seen: dict[str, dict[str, int]] = {}
    for at, record in enumerate(spec.records):
        try:
            full = full_name(record.name, zone)
        except Unwritable as error:
            problems.append(Problem(("records", at, "name"), str(error), error.hint))
            continue
        problems += _misplaced(record, full, zone, zones, at)
        types = seen.setdefault(full, {})
        problems += _clash(full, record.type, types, at)
        types.setdefault(record.type, at)
        drafts.append(Draft("record", record_key(full, record.type).name, _spec(record, full, spec), at=("records", at)))
    if problems:
        raise Rejected(problems)
    return drafts


def full_name(name: str, zone: str) -> str:
    """The full name of a name as it stands in a Domain. Raises Unwritable for one that seems to be full already."""
    if name == "@":
        return zone
    if name.endswith(".") or is_inside(_plain(name), zone):
        short = _plain(name).removesuffix(zone).rstrip(".") or "@"
        raise Unwritable(f"{name!r} is written below {zone}: it would be {name.rstrip('.')}.{zone}", f"write {short}")
    return owner_name(f"{name}.{zone}")


def _spec(record: DomainRecord, name: str, domain: DomainSpec) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": name, "type": record.type, "ttl": record.ttl or domain.ttl}
    spec |= {"value": record.value, "values": list(record.values)}
    return {field: value for field, value in spec.items() if value not in (None, [])}


def _misplaced(record: DomainRecord, name: str, zone: str, zones: Mapping[str, str], at: int) -> list[Problem]:
    path = ("records", at, "name")
    if record.type == "NS" and name == zone:
        hint = "the name servers of a zone itself belong to its server; an NS record here delegates a zone below"
        return [Problem(path, f"the NS records of {zone} itself are not declared here", hint)]
    for other, domain in zones.items():
        inner = other != zone and is_inside(other, zone) and is_inside(name, other)
        if inner and not (record.type == "NS" and name == other):
            return [Problem(path, f"{name} belongs to the zone {other} (domain/{domain})", "write it there")]
    return []


def _clash(name: str, record_type: str, types: Mapping[str, int], at: int) -> list[Problem]:
    """Twice the same, or an alias beside something. `types` are those of the name before this one, with their places."""
    path = ("records", at)
    if record_type in types:
        message = f"{name} has two {record_type} records here, this and number {types[record_type] + 1}"
        return [Problem(path, message, "write one with several `values`")]
    if types and (record_type == "CNAME" or "CNAME" in types):
        first = types.get("CNAME", min(types.values()))
        message = f"{name} cannot be an alias (CNAME) and have other records: this one and number {first + 1}"
        return [Problem(path, message, "keep one of them")]
    return []


def _plain(name: str) -> str:
    try:
        return owner_name(name)
    except Unwritable:
        return name
