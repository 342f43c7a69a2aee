"""What a Certificate means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.clients.caddy import caddy_called
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.certificate.by_dns import by_dns, canonical, ordered
from controller.kinds.certificate.model import CertificateSpec

ANY = "any"


def resolve(_name: str, spec: CertificateSpec, around: Surroundings) -> Desired:
    """The desired certificate. Raises Rejected."""
    host = canonical(spec.host, ("host",))
    connection = caddy_called(spec.via, around.connections)
    if spec.challenge == "dns":
        state, address = ordered(host, spec, connection, around), by_dns(host)
    elif spec.names:
        hint = "Caddy orders one for each host; write `challenge: dns` for one with several names"
        raise Rejected([Problem(("names",), "names are for certificates that the controller orders", hint)])
    else:
        state, address = {"host": host, "issuer": spec.issuer}, host
    return Desired(
        state=state,
        provider=connection.name,
        address=address,
        claims=(f"certificate:{host}@{connection.name}",),
        gate=Gate(timeout=spec.timeout),
    )


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal; `any` is content with every issuer, where proofs were shown says nothing about a certificate, and one that was not
    served may be served again."""
    if path == ("served",) and desired is False:
        return True
    return equal(path, desired, observed) or path[:1] == ("proofs",) or (path == ("issuer",) and desired == ANY)


def verb(_changes: Sequence[FieldDiff]) -> Action:
    """A certificate of the wrong authority is waited for, not made anew: the Route says who issues it."""
    return Action.UPDATE
