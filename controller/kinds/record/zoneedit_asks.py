"""What a person is asked to do at ZoneEdit: where to click and what to enter, in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.core.change import Change
from controller.core.dns import RecordPlace

PANEL = "https://cp.zoneedit.com"
DYN = "DYN"


def asked(change: Change, why: str) -> str:
    """The instructions for a change that only a person can make, the shortest form first. `why` says why it is not done here."""
    place = RecordPlace.parse(change.address)
    before = _values(change.before)
    after = _values(change.after)
    section = DYN if place.type == "A" and len(after) <= 1 else place.type
    lines = [
        _headline(place, before, after),
        f"Why: {why}.",
        f"Open {PANEL}, then Domains, {place.zone}, DNS settings, the wrench beside {section} records.",
    ]
    gone, new = [each for each in before if each not in after], [each for each in after if each not in before]
    if place.type == "A" and not gone and new and section == DYN:
        lines.append(
            "Make it a DYN record, not a plain A record: only the address of a DYN record can be changed from here later."
        )
    lines += [f"Remove: {_entered(place, value)}" for value in gone]
    lines += [f"Enter: {_entered(place, value)}" for value in new]
    lines.append(f"It is seen by itself once the name servers of {place.zone} answer so; nothing has to be confirmed here.")
    return "\n".join(lines)


def _values(state: object) -> Sequence[str]:
    return [str(each) for each in state.get("values", ())] if isinstance(state, dict) else []


def _headline(place: RecordPlace, before: Sequence[str], after: Sequence[str]) -> str:
    if not after:
        return f"At ZoneEdit, remove {place.type} {place.name} ({', '.join(before)})"
    word = "set" if before else "add"
    return f"At ZoneEdit, {word} {place.type} {place.name} to {', '.join(after)}"


def _entered(place: RecordPlace, value: str) -> str:
    """A value as the fields of the panel's form."""
    host = "@" if place.name == place.zone else place.name.removesuffix(f".{place.zone}")
    return ", ".join([f"Host {host}", *_FIELDS.get(place.type, _plain)(value)])


def _plain(value: str) -> list[str]:
    return [f"Value {value}"]


def _named(*names: str) -> Callable[[str], list[str]]:
    def fields(value: str) -> list[str]:
        words = value.split(" ", len(names) - 1)
        return [f"{name} {word.removesuffix('.') or '.'}" for name, word in zip(names, words, strict=False)]

    return fields


_FIELDS: dict[str, Callable[[str], list[str]]] = {
    "A": _named("IP address"),
    "AAAA": _named("IPv6 address"),
    "CNAME": _named("Points to"),
    "NS": _named("Name server"),
    "MX": _named("Priority", "Mail server"),
    "SRV": _named("Priority", "Weight", "Port", "Target"),
    "CAA": _named("Flags", "Tag", "Value"),
    "TXT": _named("Text"),
}
