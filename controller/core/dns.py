"""DNS records as every kind names them: key, claims, the address of one record on its backend, and the list of a zone."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Protocol, get_args, runtime_checkable

from pydantic import BeforeValidator, Field

from controller.core.key import Claim, Key

RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"]
RECORD_TYPES: tuple[str, ...] = get_args(RecordType)


def _known(value: object) -> object:
    word = str(value).upper()
    if word not in RECORD_TYPES:
        raise ValueError(f"{value!r} is not a record type that can be declared: {', '.join(RECORD_TYPES)}")
    return word


LONGEST_TTL = 2**31 - 1
"""Seconds (RFC 2181, section 8)."""
DeclaredType = Annotated[RecordType, BeforeValidator(_known)]
"""A type as people write it, in either case."""
DeclaredValue = Annotated[
    str | None,
    Field(description="The one value: an address, publicIP, a full host name, `10 mail.example.net`, the text of a TXT, …"),
]
DeclaredValues = Annotated[tuple[str, ...], Field(description="Several values.")]
Ttl = Annotated[int, Field(ge=1, le=LONGEST_TTL)]
PUBLIC_ADDRESS = "publicIP"
"""The value of an A or AAAA record that follows the address under which the home is seen from outside."""
WILDCARD = "wildcard"
_LONGEST = 63
_PLAIN = re.compile(r"[a-z0-9.-]+")


class RecordPlace(NamedTuple):
    """Where one set of records stands: full name (lower case, no dot at the end), type and zone."""

    name: str
    type: str
    zone: str

    def __str__(self) -> str:
        return f"{self.name} {self.type} in {self.zone}"

    @classmethod
    def parse(cls, address: str) -> RecordPlace:
        """Read `plex.example.net A in example.net`. Raises ValueError."""
        parts = address.split(" ")
        if len(parts) != 4 or parts[2] != "in" or parts[1] not in RECORD_TYPES:
            raise ValueError(f"{address!r} is not the address of a DNS record")
        return cls(parts[0], sys.intern(parts[1]), sys.intern(parts[3]))


def record_key(name: str, record_type: str) -> Key:
    """The key of the record of a full name: `record/plex-example-net-a`.

    Different names have different keys: a dash of the name is written twice, `*` is `wildcard`, and what cannot be written so, or
    would be too long, ends in a digest."""
    return Key("record", _written(name, f"-{record_type.lower()}"))


def certificate_key(host: str) -> Key:
    """The key of the certificate of a host: `certificate/plex-example-net`. Different hosts have different ones."""
    return Key("certificate", _written(host, ""))


def _written(name: str, tail: str) -> str:
    plain = name.removeprefix("*.")
    text = plain.replace("-", "--").replace(".", "-")
    if plain != name:
        text = f"{WILDCARD}-{text}"
    exact = _PLAIN.fullmatch(plain) and not name.startswith(f"{WILDCARD}.")
    key = f"{text}{tail}"
    if not exact or len(key) > _LONGEST:
        tail += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        key = re.sub(r"[^a-z0-9-]", "", text)[: _LONGEST - len(tail)].strip("-") + tail
    return key


def record_claims(name: str, record_type: str) -> tuple[Claim, ...]:
    """What a record holds alone: its name and type. A CNAME holds every type: nothing may stand beside it."""
    types = RECORD_TYPES if record_type == "CNAME" else (record_type,)
    return tuple(f"dns:{each}:{name}" for each in types)


def is_inside(name: str, zone: str) -> bool:
    """True when a full name is the zone's own or below it."""
    return name == zone or name.endswith(f".{zone}")


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """Records of one name and type as a person would declare them: the name below the zone (`@` = the zone itself)."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ZoneListing:
    """Everything that is in a zone. `left` is what no document can declare: (name and type, reason)."""

    zone: str
    records: tuple[ListedRecord, ...]
    left: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class ListsZones(Protocol):
    """A provider whose backend tells everything that is in a zone."""

    def zone(self, zone: str) -> ZoneListing:
        """Everything in a zone. Read-only; raises Transient, Permanent."""
