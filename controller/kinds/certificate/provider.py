"""All certificates of one Caddy: those that it orders itself, and those that are ordered here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from typing import Protocol

from controller.clients.acme import Authority
from controller.clients.caddy import CaddyDoor, Connection
from controller.core.change import Change
from controller.core.errors import Transient
from controller.core.limit import YES, Limit
from controller.core.ports import Clock, Provider, Providers
from controller.core.renewal import Renewal
from controller.core.state import Health, Receipt, Snapshot, State, Target
from controller.kinds.certificate.by_dns import host_of
from controller.kinds.certificate.caddy import CertificateProvider
from controller.kinds.certificate.ordered import OrderedCertificates
from controller.kinds.certificate.proofs import Proofs
from controller.kinds.certificate.shelf import Shelf

PROOF = "dns-01"
"""How authorities call the proof (RFC 8555, section 8.4)."""


class Tools(Protocol):
    """What the provider is given."""

    @property
    def clock(self) -> Clock:
        """The teller of time."""

    @property
    def state(self) -> Path:
        """A private folder; every file in it starts with the name of its connection."""

    @property
    def others(self) -> Callable[[], Providers]:
        """The providers of every connection, asked for when records are written."""


def open_certificates(connection: Connection, tools: Tools) -> CertificateProvider:
    """The provider of a Caddy's certificates."""
    return Certificates(connection, tools.clock, tools.state, tools.others)


class Certificates(CertificateProvider):
    """Each is looked after by the way it comes (its address tells)."""

    def __init__(self, connection: Connection, clock: Clock, state: Path, others: Callable[[], Providers]) -> None:
        super().__init__(connection, clock, state / f"{connection.name}-issued.json")

        def records(via: str) -> Provider:
            found = others().get(("record", via))
            if found is None:
                raise Transient(f"there is no connection {via!r} that holds records")
            return found

        acme, name = connection.acme, connection.name
        self._ordered = OrderedCertificates(
            connection,
            CaddyDoor(connection.admin),
            Authority(acme.ca, acme.email, acme.roots, state / f"{name}-acme", clock),
            Proofs(records, state / f"{name}-proofs.json", clock),
            Shelf(state / f"{name}-certificates", Path(connection.certificates)),
            self._asked,
            self.permitted.shown,
            clock,
        )

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets: nothing lists certificates."""
        ours = [target for target in targets if host_of(target.address)]
        found = super().observe([target for target in targets if not host_of(target.address)])
        return Snapshot({**found.items, **self._ordered.observe(ours)}, found.complete, found.reason)

    def limit(self, change: Change) -> Limit:
        """What the authority says of one that is to be ordered here; of those that Caddy orders the Route asks."""
        host = host_of(change.address)
        if not host or change.after is None:
            return YES
        with suppress(Transient):  # what cannot be read is told by the change itself
            if self._ordered.keeps(host, change.after):
                return YES
        return self.permitted(change.after["names"], [PROOF])

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Order one, or vouch for one that Caddy orders."""
        return self._ordered.apply(change, interrupt) if host_of(change.address) else super().apply(change, interrupt)

    def health(self, target: Target) -> tuple[Health, str]:
        """How it stands now. Raises Transient."""
        return self._ordered.health(target) if host_of(target.address) else super().health(target)

    def renew(self, target: Target, state: State, interrupt: Flag) -> Renewal:
        """Have one anew, now. Raises Transient, Permanent, Interrupted, Deferred (a rate limit)."""
        host = host_of(target.address)
        if not host:
            return super().renew(target, state, interrupt)
        self._require(self.permitted(state["names"], [PROOF]))
        return self._ordered.renew(host, state, interrupt)

    def audit(self) -> None:
        """Ask for every certificate again at the next look."""
        super().audit()
        self._ordered.audit()

    def tidy(self, now: float) -> None:
        """Take away what orders left behind. Raises Transient."""
        self._ordered.tidy(now)
