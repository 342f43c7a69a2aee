"""Values on both sides: the canonical text of everything here, and the fields that octoDNS has for each type.

octoDNS does not say what a quote, a backslash or a byte beyond ASCII in a text is: its providers spell them differently. Such
values are shown as they are read and never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.clients.dns.primary import RecordSet
from controller.clients.dns.values import joined, same_values, shown, strings
from controller.clients.octodns.surface import Record, new_record, new_zone
from controller.core.dns import RECORD_TYPES

UNCLEAR = "octoDNS providers do not agree on quotes, backslashes and characters beyond ASCII in a text"
_ODD = frozenset('"\\')
_STRING = 255


def data_of(record_type: str, values: Sequence[str], ttl: int) -> dict[str, Any]:
    """A set of records as octoDNS is told of it."""
    fields = [_FIELDS[record_type](value) for value in values]
    several: dict[str, Any] = {"value": fields[0]} if record_type == "CNAME" else {"values": fields}
    return {"type": record_type, "ttl": ttl, **several}


def held(record: Record) -> RecordSet:
    """A set of records that octoDNS read. Of a type that cannot be declared here the values are only told."""
    kind = record._type
    if kind in RECORD_TYPES:
        found: Any = record
        values = [found.value] if kind == "CNAME" else found.values
        return RecordSet(tuple(sorted(_canonical(kind, value) for value in values)), record.ttl)
    try:
        texts = record.to_rrset().rdatas
    except Exception:  # noqa: BLE001 (types of a provider's own need not have a text)
        texts = []
    return RecordSet(tuple(sorted(shown(kind, text) for text in texts)), record.ttl)


def unclear(record_type: str, values: Sequence[str]) -> str:
    """Why values cannot be carried through octoDNS without loss, "" when they can."""
    if record_type not in ("TXT", "CAA"):
        return ""
    for value in values:
        text = joined(value if record_type == "TXT" else value.split(" ", 2)[-1])
        if not text:
            return "octoDNS has no empty text"
        plain = text.decode("latin-1") if isinstance(text, bytes) else text
        if _ODD & set(plain) or not plain.isascii() or not plain.isprintable():
            return UNCLEAR
    return ""


def objection(zone: str, name: str, record_type: str, values: Sequence[str], ttl: int) -> str:
    """Why octoDNS, whatever the provider, cannot hold a set of records, "" when it can. Asks nobody."""
    why = unclear(record_type, values)
    if why:
        return why
    try:
        made = new_record(new_zone(zone), label(name, zone), data_of(record_type, values, ttl))
    except Exception as error:  # noqa: BLE001 (its checks fail with anything)
        return f"octoDNS refuses it: {' '.join(str(error).split())}"
    return "" if same_values(held(made).values, values) else f"octoDNS would write {', '.join(held(made).values)} instead"


def label(name: str, zone: str) -> str:
    """The name below the zone, "" = the zone itself."""
    return "" if name == zone else name.removesuffix(f".{zone}")


def _text(value: str) -> str:
    content = joined(value)
    return (content.decode("latin-1") if isinstance(content, bytes) else content).replace(";", "\\;")


def _named(*names: str) -> Callable[[str], Mapping[str, Any]]:
    def fields(value: str) -> Mapping[str, Any]:
        *numbers, last = value.split(" ")
        return {name: int(word) for name, word in zip(names, numbers, strict=False)} | {names[-1]: last}

    return fields


def _authority(value: str) -> Mapping[str, Any]:
    flags, tag, text = value.split(" ", 2)
    return {"flags": int(flags), "tag": tag, "value": strings(text)[0].decode("latin-1")}


_MX = ("preference", "exchange")
_SRV = ("priority", "weight", "port", "target")
_FIELDS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("A", "AAAA", "CNAME", "NS"), str),
    "MX": _named(*_MX),
    "SRV": _named(*_SRV),
    "CAA": _authority,
    "TXT": _text,
}


def _quoted(content: bytes) -> str:
    parts = [content[at : at + _STRING] for at in range(0, len(content), _STRING)] or [b""]
    return " ".join(f'"{"".join(map(_escaped, part))}"' for part in parts)


def _escaped(byte: int) -> str:
    if chr(byte) in _ODD:
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03}"


def _canonical(kind: str, value: Any) -> str:
    if kind == "TXT":
        return _quoted(str(value).replace("\\;", ";").encode())
    if kind in ("MX", "SRV"):
        return shown(kind, " ".join(str(getattr(value, name)) for name in (_MX if kind == "MX" else _SRV)))
    if kind == "CAA":
        return shown(kind, f'{value.flags} {value.tag} "{value.value}"')
    return shown(kind, str(value))
