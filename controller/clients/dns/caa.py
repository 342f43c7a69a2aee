"""Who may issue certificates for a name: CAA records (RFC 8659), as an authority reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.clients.dns.servers import read_server
from controller.core.errors import Transient

if TYPE_CHECKING:
    import dns.resolver

_LIFETIME = 3.0
_ALIASES = 8
_CRITICAL = 128
_KNOWN = frozenset(["issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc"])
"""Registered properties: one that is none of them and marked critical forbids every authority that does not know it."""


@dataclass(frozen=True, slots=True)
class Property:
    """One CAA record: flags, tag (lower case) and value."""

    flags: int
    tag: str
    value: str

    def __str__(self) -> str:
        return f'{self.flags} {self.tag} "{self.value}"'

    def permits(self, authorities: Collection[str], methods: Collection[str]) -> bool:
        """True when one of the authorities (their names in CAA records) may issue by one of the methods (RFC 8657)."""
        domain, *rest = (part.strip() for part in self.value.split(";"))
        if domain.rstrip(".").lower() not in authorities:
            return False
        named = dict(part.partition("=")[::2] for part in rest if "=" in part)
        allowed = {each.strip() for each in named.get("validationmethods", "").split(",") if each.strip()}
        return not allowed or not allowed.isdisjoint(methods)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Nobody of those that were asked for may issue: the record that says so, and the name where it stands."""

    at: str
    record: str
    critical: bool = False


def judged(
    at: str, found: Sequence[Property], authorities: Collection[str], methods: Collection[str], *, wildcard: bool
) -> Forbidden | None:
    """What the relevant set of records at a name means: a `Forbidden`, or None (RFC 8659, section 4)."""
    strange = next((each for each in found if each.flags & _CRITICAL and each.tag not in _KNOWN), None)
    if strange is not None:
        return Forbidden(at, str(strange), critical=True)
    wild = [each for each in found if each.tag == "issuewild"]
    counts = wild if wildcard and wild else [each for each in found if each.tag == "issue"]
    if not counts or any(each.permits(authorities, methods) for each in counts):
        return None
    return Forbidden(at, " and ".join(map(str, counts)))


class Silent(Transient):
    """No resolver answers at all."""


class Caa:
    """CAA records by the resolvers of this machine, or by those that are named (`host` or `host:port`)."""

    def __init__(self, resolvers: Sequence[str] = ()) -> None:
        self._resolvers = resolvers

    def relevant(self, host: str) -> tuple[str, tuple[Property, ...]]:
        """The records that count for a host and where they stand: its own, else those of the nearest name above that has any;
        an alias is followed for each name that is asked, and never climbed from ("" and nothing = nobody says anything).
        Raises Silent, Transient when it cannot be told."""
        import dns.exception

        try:
            resolver = self._resolver()
            name = host.removeprefix("*.")
            while name:
                if found := self._set(resolver, name):
                    return name, found
                name = name.partition(".")[2]
        except dns.exception.Timeout as error:
            raise Silent(f"nobody answers for the CAA records of {host}") from error
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise Transient(f"the CAA records of {host} cannot be read: {error}") from error
        return "", ()

    def _set(self, resolver: dns.resolver.Resolver, name: str) -> tuple[Property, ...]:
        import dns.resolver

        asked = f"{name}."
        for _ in range(_ALIASES):
            try:
                answer = resolver.resolve(asked, "CAA", raise_on_no_answer=False, search=False, lifetime=_LIFETIME)
            except dns.resolver.NXDOMAIN:
                return ()
            if answer.rrset is not None:
                return tuple(sorted((_property(each) for each in answer.rrset), key=str))
            if str(answer.canonical_name) == asked:
                return ()
            asked = str(answer.canonical_name)  # the alias leads to a zone of another server
        return ()

    def _resolver(self) -> dns.resolver.Resolver:
        import dns.nameserver
        import dns.resolver

        if not self._resolvers:
            return dns.resolver.Resolver()
        made = dns.resolver.Resolver(configure=False)
        made.nameservers = [dns.nameserver.Do53Nameserver(*read_server(text)) for text in self._resolvers]
        return made


def _property(rdata: Any) -> Property:
    return Property(int(rdata.flags), rdata.tag.decode("ascii", "replace").lower(), rdata.value.decode("utf-8", "replace"))
