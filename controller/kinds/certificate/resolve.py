"""What a Certificate means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.clients.caddy import caddy_called
from controller.clients.dns.names import Unwritable, host_name
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate
from controller.kinds.certificate.model import CertificateSpec

ANY = "any"
WILDCARD = "*."


def resolve(_name: str, spec: CertificateSpec, around: Surroundings) -> Desired:
    """The desired certificate. Raises Rejected."""
    below = spec.host.removeprefix(WILDCARD)
    try:
        host = spec.host[: len(spec.host) - len(below)] + host_name(below)
    except Unwritable as error:
        raise Rejected([Problem(("host",), str(error), error.hint)]) from error
    connection = caddy_called(spec.via, around.connections)
    return Desired(
        state={"host": host, "issuer": spec.issuer},
        provider=connection.name,
        address=host,
        claims=(f"certificate:{host}@{connection.name}",),
        gate=Gate(timeout=spec.timeout),
    )


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal; `any` is content with every issuer."""
    return equal(path, desired, observed) or (path == ("issuer",) and desired == ANY)


def verb(_changes: Sequence[FieldDiff]) -> Action:
    """A certificate of the wrong authority is waited for, not made anew: the Route says who issues it."""
    return Action.UPDATE
