"""What a Record means: its zone, and its values in canonical form. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

from controller.clients.dns.names import Unwritable, check_host, owner_name
from controller.clients.dns.values import declared, same_values
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.dns import PUBLIC_ADDRESS, RecordPlace, is_inside, record_claims
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.record.model import RecordSpec

PROPAGATION = 600.0
"""Seconds that the servers of a zone may take to agree, where the connection does not say another number (`propagation`)."""
_ALONE = "CNAME"
_OF_HOSTS = ("A", "AAAA", "MX")


class DomainLike(Protocol):
    """What a Record must know of a Domain."""

    zone: str
    via: str


def resolve(_name: str, spec: RecordSpec, around: Surroundings) -> Desired:
    """The desired records. Raises Rejected with every problem."""
    problems: list[Problem] = []
    values = _values(spec, problems)
    place: RecordPlace | None = None
    via = ""
    try:
        name = owner_name(spec.name)
        if spec.type in _OF_HOSTS:
            check_host(name)
    except Unwritable as error:
        problems.append(Problem(("name",), str(error), error.hint))
    else:
        domain = find_domain(name, spec.type, cast(Mapping[str, DomainLike], around.others("domain")))
        if domain is None:
            problems.append(_strange(name, spec.type, around))
        else:
            place, via = RecordPlace(name, spec.type, _zone(domain.zone)), domain.via
            problems += _misplaced(place)
    if problems or place is None:
        raise Rejected(problems)
    state: dict[str, Any] = {"zone": place.zone, "name": place.name, "type": place.type, "values": values}
    if spec.ttl is not None:
        state["ttl"] = spec.ttl
    patience = around.connections.get(via, {}).get("propagation", PROPAGATION)
    return Desired(
        state=state,
        provider=via,
        address=str(place),
        claims=record_claims(place.name, place.type),
        gate=_gate(float(patience)),
    )


def find_domain(name: str, record_type: str, domains: Mapping[str, DomainLike]) -> DomainLike | None:
    """The Domain that holds a name: the one with the longest zone. A delegation stands in the zone above."""
    found: tuple[int, DomainLike] | None = None
    for domain in domains.values():
        zone = _zone(domain.zone)
        fits = zone and is_inside(name, zone) and not (record_type == "NS" and name == zone)
        if fits and (found is None or len(zone) > found[0]):
            found = len(zone), domain
    return found[1] if found else None


@lru_cache(maxsize=16)
def _gate(patience: float) -> Gate:
    """One for all records of a connection."""
    return Gate(timeout=patience)


@lru_cache(maxsize=256)
def _zone(text: str) -> str:
    """The zone in its one form, "" for what is none: that is told where it is written."""
    try:
        return owner_name(text)
    except Unwritable:
        return ""


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; a long text may be split elsewhere."""
    if equal(path, desired, observed):
        return True
    return path == ("values",) and isinstance(observed, Sequence) and same_values(desired, observed)


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """Records change in place."""
    return Action.UPDATE


def _values(spec: RecordSpec, problems: list[Problem]) -> list[str]:
    if (spec.value is None) == (not spec.values):
        message = "write either `value` or `values`" if spec.values else "it has no value"
        problems.append(
            Problem(() if spec.value is None else ("value",), message, "write `value:` for one, `values:` for several")
        )
        return []
    written = [(("value",), spec.value)] if spec.value is not None else [(("values", at), v) for at, v in enumerate(spec.values)]
    found: dict[str, None] = {}
    for path, text in written:
        try:
            value = _value(spec.type, text)
        except Unwritable as error:
            problems.append(Problem(path, str(error), error.hint))
            continue
        if value in found:
            problems.append(Problem(path, f"{text!r} is written twice", "remove one"))
        found[value] = None
    if len(found) > 1 and spec.type == _ALONE:
        problems.append(Problem(("values",), "a name is an alias of one other name only", "keep one value"))
    if len(found) > 1 and PUBLIC_ADDRESS in found:
        problems.append(Problem(("values",), f"{PUBLIC_ADDRESS} stands alone", f"write `value: {PUBLIC_ADDRESS}`"))
    return sorted(found)


def _value(record_type: str, text: str) -> str:
    if text != PUBLIC_ADDRESS:
        return declared(record_type, text)
    if record_type not in ("A", "AAAA"):
        raise Unwritable(f"{PUBLIC_ADDRESS} is an address: it stands in A and AAAA records")
    return text


def _misplaced(place: RecordPlace) -> list[Problem]:
    if place.name == place.zone and place.type == _ALONE:
        hint = "write its addresses as A and AAAA records (value: publicIP follows yours)"
        return [Problem(("type",), f"{place.name} is the top of its zone, which cannot be an alias (CNAME)", hint)]
    return []


def _strange(name: str, record_type: str, around: Surroundings) -> Problem:
    zones = sorted(str(getattr(each, "zone", "")) for each in around.others("domain").values())
    if record_type == "NS" and name in zones:
        hint = "the name servers of a zone itself belong to its server; an NS record here delegates a zone below"
        return Problem(("name",), f"{name} is the top of a zone: its NS records are not declared here", hint)
    hint = f"declared zones: {', '.join(zones)}" if zones else "declare it: `kind: Domain` with `zone:` and `via:`"
    return Problem(("name",), f"no Domain holds {name}", hint)
