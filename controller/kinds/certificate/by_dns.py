"""What a certificate means that the controller orders with proofs in the DNS. Pure."""

from __future__ import annotations

from typing import Any

from controller.clients.acme import LETS_ENCRYPT
from controller.clients.caddy import FOLDER_HINT, Connection
from controller.clients.dns.names import WILDCARD, Unwritable, owner_name, visited_host
from controller.core.dns import is_inside
from controller.core.errors import Problem, Rejected
from controller.core.kind import Surroundings
from controller.kinds.certificate.model import CertificateSpec

CHALLENGE = "_acme-challenge"
_MARK = "dns-01 "
_FROM = " via "


def by_dns(host: str) -> str:
    """The address of a certificate that is ordered here: the way to it is another than a handshake."""
    return f"{_MARK}{host}"


def host_of(address: str) -> str:
    """The host of such an address, "" for one that Caddy orders."""
    return address.removeprefix(_MARK) if address.startswith(_MARK) else ""


def proof_at(name: str) -> str:
    """Where the proof for a name stands (RFC 8555, section 8.4): a wildcard's beside that of the name below it."""
    return f"{CHALLENGE}.{name.removeprefix(WILDCARD)}"


def holder(text: str) -> tuple[str, str]:
    """Zone and connection of an entry of `proofs`."""
    zone, _, via = text.partition(_FROM)
    return zone, via


def canonical(text: str, at: tuple[str | int, ...]) -> str:
    """A host name in its one form; the first label may be `*`. Raises Rejected."""
    try:
        return visited_host(text)
    except Unwritable as error:
        raise Rejected([Problem(at, str(error), error.hint)]) from error


def ordered(host: str, spec: CertificateSpec, connection: Connection, around: Surroundings) -> dict[str, Any]:
    """The state of one. `proofs` says in which zone, behind which connection, each proof stands. Raises Rejected."""
    problems: list[Problem] = []
    if spec.issuer != "acme":
        problems.append(Problem(("issuer",), "only a public authority takes proofs in the DNS", "leave `issuer` out"))
    if not connection.certificates:
        problems.append(
            Problem(("challenge",), f"the connection {connection.name!r} names no folder for certificates", FOLDER_HINT)
        )
    names = {host: ("host",)} | {canonical(text, ("names", at)): ("names", at) for at, text in enumerate(spec.names)}
    proofs: dict[str, str] = {}
    for name, at in names.items():
        found = _domain(proof_at(name), around)
        if found is None:
            hint = "declare its zone: `kind: Domain` with `zone:` and `via:`"
            problems.append(Problem(at, f"no Domain holds {name}, where the proof has to stand", hint))
        else:
            proofs[proof_at(name)] = f"{found[0]}{_FROM}{found[1]}"
    if problems:
        raise Rejected(problems)
    return {
        "host": host,
        "issuer": "acme",
        "challenge": "dns",
        "names": sorted(names),
        "authority": connection.acme.ca or LETS_ENCRYPT,
        "proofs": proofs,
        "renewal": IN_TIME,
        "served": True,
    }


IN_TIME, DUE = "in time", "due"


def _domain(name: str, around: Surroundings) -> tuple[str, str] | None:
    """Zone and connection of the Domain with the longest zone around a name."""
    found: list[tuple[int, str, str]] = []
    for each in around.others("domain").values():
        try:
            zone = owner_name(str(getattr(each, "zone", "")))
        except Unwritable:
            continue  # told where it is written
        if is_inside(name, zone):
            found.append((len(zone), zone, str(getattr(each, "via", ""))))
    return max(found)[1:] if found else None
