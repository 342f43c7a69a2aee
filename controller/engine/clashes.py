"""Clashes: what only one resource of a revision can have, and two claim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from controller.core.document import Path
from controller.core.errors import Diagnostic
from controller.core.key import Claim, Key
from controller.core.resource import Resource
from controller.engine.load import Spot
from controller.engine.understand import diagnostic, where

_PORT = re.compile(r"port:(?:(?P<address>.*):)?(?P<number>\d+)/(?P<protocol>\w+)@(?P<host>.*)")
_HOME = re.compile(r"home:(?P<connection>[^:]*):(?P<kind>[^:]*):(?P<address>.*)")
_HOST, _BELOW, _SLOT = "host:", "below:*.", "slot:"
_EVERY = ("", "0.0.0.0", "[::]", "::")  # noqa: S104 (what others write, not what is listened on)


def clashes(resources: Sequence[tuple[Resource, Spot]]) -> Iterable[Diagnostic]:
    """A finding for each claim that an earlier resource has already, with where both are written."""
    holders: dict[Claim, Resource] = {}
    ports: dict[Claim, list[tuple[Claim, Resource]]] = {}
    for resource, spot in resources:
        for claim in resource.claims:
            if claim.startswith(_BELOW):
                continue
            if claim.startswith("port:"):
                other = _port_holder(claim, resource, ports.setdefault(_family(claim), []))
            else:
                other = holders.setdefault(claim, resource)
            if other is None or other.key == resource.key:
                continue
            message = _clash(claim, f"by {resource.key} and by {other.key} ({other.origin})")
            place = _place(spot.parsed.data, spot.at, claim)
            yield diagnostic(spot.parsed, place, message, _hint(claim, resource))
    yield from _covered(resources)


def _port_holder(claim: Claim, resource: Resource, known: list[tuple[Claim, Resource]]) -> Resource | None:
    """Who has a port already; when nobody has, it is this one's from now on."""
    other = next((held for at, held in known if held.key != resource.key and _overlap(at, claim)), None)
    if other is None:
        known.append((claim, resource))
    return other


def _covered(resources: Sequence[tuple[Resource, Spot]]) -> Iterable[Diagnostic]:
    """A finding for each host of one resource that a wildcard of another wants as well."""
    wild: dict[str, tuple[Resource, Spot]] = {}
    for resource, spot in resources:
        for claim in resource.claims:
            if claim.startswith(_BELOW):
                wild.setdefault(claim.removeprefix(_BELOW), (resource, spot))
    told: set[tuple[Key, str]] = set()
    for resource, _ in resources if wild else ():
        for claim in resource.claims:
            host = claim.removeprefix(_HOST).partition("/")[0]
            label, _, parent = host.partition(".")
            found = wild.get(parent) if claim.startswith(_HOST) and label != "*" else None
            if found is None or found[0].key == resource.key or (resource.key, host) in told:
                continue
            told.add((resource.key, host))
            spot = found[1]
            place = where(spot.parsed.data, spot.at, f"*.{parent}")
            message = f"*.{parent} also covers {host} of {resource.key} ({resource.origin})"
            hint = "add `fallback: true` here if it is to serve what no other route names"
            yield diagnostic(spot.parsed, place, message, hint)


def _family(claim: Claim) -> Claim:
    """Claims that can clash have the same: a port of every address takes that port of each."""
    match = _PORT.fullmatch(claim)
    return Claim(f"port:{match['number']}/{match['protocol']}@{match['host']}") if match else claim


def _overlap(one: Claim, other: Claim) -> bool:
    first, second = _PORT.fullmatch(one), _PORT.fullmatch(other)
    if first is None or second is None:
        return one == other
    addresses = (first["address"] or "", second["address"] or "")
    return addresses[0] == addresses[1] or any(address in _EVERY for address in addresses)


def _clash(claim: Claim, who: str) -> str:
    found = _HOME.fullmatch(claim)
    if found is None:
        return f"{_words(claim)} is claimed {who}"
    kind = "" if "." in found["address"] else f"{found['kind'].replace('-', ' ')} "
    return f"{kind}{found['address']} of {found['connection']} is declared twice: {who}"


def _words(claim: Claim) -> str:
    """A claim as people say it."""
    match = _PORT.fullmatch(claim)
    if match is None:
        return claim
    where = f" of {match['address']}" if match["address"] else ""
    return f"port {match['number']}/{match['protocol']}{where} on {match['host']}"


def _hint(claim: Claim, resource: Resource) -> str:
    if claim.startswith(_SLOT):
        name = resource.key.name
        return f"in homelab.yaml, add `slots: {{{name}: 2}}` to the connection of Caddy: the second choice of a place for {name}"
    return "only one of them can have it: change one"


def _place(data: Any, at: Path, claim: Claim) -> Path:
    """Where a claim is written: the text that holds its number or name, else the whole spec."""
    match = _PORT.fullmatch(claim)
    home = _HOME.fullmatch(claim)
    token = match["number"] if match else home["address"] if home else claim.partition(":")[2].partition("@")[0]
    return where(data, at, token)
