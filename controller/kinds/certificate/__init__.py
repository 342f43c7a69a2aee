"""Certificate: what visitors of a host are shown, who issued it and until when it is good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from controller.clients.caddy import Connection
from controller.core.kind import Kind
from controller.core.ports import Clock, Provider
from controller.kinds.certificate.caddy import CertificateProvider
from controller.kinds.certificate.model import CertificateSpec
from controller.kinds.certificate.resolve import resolve, same, verb

KIND = Kind(
    name="certificate",
    model=CertificateSpec,
    summary="The certificate that visitors of a host get: who issued it, until when, and why there is none.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
    lasting=True,
)


class Tools(Protocol):
    """What it takes to open a connection."""

    @property
    def clock(self) -> Clock:
        """The teller of time."""


def open_caddy(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """The certificates behind a connection of the type `caddy`. Never connects; raises Rejected for a wrong declaration."""
    return {"certificate": CertificateProvider(Connection.parse(name, declared), tools.clock)}


__all__ = ["KIND", "CertificateProvider", "CertificateSpec", "open_caddy"]
