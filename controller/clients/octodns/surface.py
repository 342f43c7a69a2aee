"""What of octoDNS is used, typed: it has no types of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol


class Rrset(Protocol):
    """A set of records as text."""

    rdatas: Sequence[str]


class Record(Protocol):
    """One set of records. `name` is the label below the zone, `octodns` what only its provider understands (proxied, …)."""

    name: str
    fqdn: str
    ttl: int
    octodns: dict[str, Any]
    _type: str

    def to_rrset(self) -> Rrset:
        """Its values in zone-file syntax."""


class Zone(Protocol):
    """The sets of records of a zone; `copy` shares them until one of both changes."""

    records: Collection[Record]

    def copy(self) -> Zone:
        """Another one with the same records."""

    def add_record(self, record: Record, replace: bool = False, lenient: bool = False) -> None:
        """Put one in."""

    def remove_record(self, record: Record) -> None:
        """Take one out."""


class Change(Protocol):
    """One set of records before and after (None = not there)."""

    existing: Record | None
    record: Record


class Plan(Protocol):
    """Changes of one zone."""

    existing: Zone
    desired: Zone
    changes: Sequence[Change]
    exists: bool | None


class Provider(Protocol):
    """A provider of a package. It may keep what it read: one is good for one read or one write."""

    log: Any
    SUPPORTS: Collection[str]
    SUPPORTS_ROOT_NS: bool

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool | None:
        """Read a zone into `zone`; False = there is no such zone."""

    def plan(self, desired: Zone) -> Plan | None:
        """What must change; None = nothing."""

    def apply(self, plan: Plan) -> int:
        """Change it."""


def new_zone(zone: str) -> Zone:
    """An empty one."""
    from octodns.zone import Zone as Made

    made: Zone = Made(f"{zone}.", [])
    return made


def new_record(zone: Zone, label: str, data: Mapping[str, Any]) -> Record:
    """A set of records, checked. Raises errors of octoDNS."""
    from octodns.record import Record as Made

    made: Record = Made.new(zone, label, dict(data))
    return made


def narrowed(plan: Plan, changes: Iterable[Change]) -> Plan:
    """The plan with only some of its changes. Its safety limits count shares of a zone and say nothing about so few."""
    from octodns.provider.plan import Plan as Made

    made: Plan = Made(plan.existing, plan.desired, list(changes), plan.exists, 1.0, 1.0)
    return made
