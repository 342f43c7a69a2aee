"""A primary server that takes changes by RFC 2136: whole-zone reads, and updates that name what they expect to find."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.clients.dns.authority import canonical_set
from controller.clients.dns.servers import Server, Servers
from controller.clients.tally import OK, REFUSED, asking
from controller.core.dns import RECORD_TYPES
from controller.core.errors import Conflict, Permanent, ProviderError, Transient

if TYPE_CHECKING:
    import dns.update
    import dns.zone

_TIMEOUT = 10.0
_LARGEST = 48_000
"""Bytes of one update by a generous estimate; a message ends at 65,535."""
_PER_RECORD = 40
_MOST = 500
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha1", "hmac-sha224", "hmac-md5.sig-alg.reg.int")


class TransferRefused(Permanent):
    """The server does not hand out the zone."""


@dataclass(frozen=True, slots=True)
class Tsig:
    """A shared key: `secret` gives it in base64 each time it is needed."""

    name: str
    secret: Callable[[], str]
    algorithm: str = "hmac-sha256"


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All records of one name and type: canonical values, sorted, and their TTL in seconds (0 = whatever it is)."""

    values: tuple[str, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One set of records before and after (None = not there); `ttl` is the TTL to write."""

    name: str
    type: str
    before: RecordSet | None
    after: RecordSet | None
    ttl: int

    @property
    def size(self) -> int:
        """Bytes in a message, estimated from above."""
        texts = [*(self.before.values if self.before else ()), *(self.after.values if self.after else ()), ""]
        return sum(len(text) + len(self.name) + _PER_RECORD for text in texts) + 3 * (len(self.name) + _PER_RECORD)


class Primary:
    """One server, the first of `where`. Every method raises Transient (no answer), Permanent (it refuses) or Conflict (not as
    expected)."""

    def __init__(self, where: Servers, key: Tsig | None = None) -> None:
        self._where = where
        self._key = key

    @property
    def server(self) -> Server:
        """Its address. Raises Transient when it cannot be found."""
        return self._where.of("")[0]

    def transfer(self, zone: str, types: Container[str] = RECORD_TYPES) -> dict[tuple[str, str], RecordSet]:
        """Every set of records of a zone of these types, by full name and type. Raises TransferRefused."""
        import dns.name
        import dns.query
        import dns.xfr
        import dns.zone

        origin = dns.name.from_text(zone)
        content = dns.zone.Zone(origin, relativize=False)
        with _Translated(self.server, zone), asking("rfc2136"):
            query, _ = dns.xfr.make_query(content, **self._signed())
            try:
                dns.query.inbound_xfr(self.server.address, content, query, self.server.port, _TIMEOUT, _TIMEOUT * 6)
            except dns.xfr.TransferError as error:
                raise TransferRefused(f"{self.server} does not hand out the zone {zone}: {error}") from error
        return sets_of(content, types)

    def exists(self, zone: str, name: str, record_type: str) -> bool:
        """True when the very name has records of the type: no wildcard answers this. Changes nothing."""
        message = self._message(zone)
        message.present(_absolute(name), record_type)
        try:
            self._send(message, zone)
        except Conflict:
            return False
        return True

    def update(self, zone: str, edits: Sequence[Edit]) -> None:
        """Make all edits, or none: Conflict when one set is not what its edit expects. They must fit (`fits`)."""
        message = self._message(zone)
        names: dict[str, list[Edit]] = {}
        for edit in edits:
            names.setdefault(edit.name, []).append(edit)
        for name, several in names.items():
            _expect(message, name, several)
        for edit in edits:
            if edit.before is not None:
                message.delete(_absolute(edit.name), edit.type)
        for edit in edits:
            if edit.after is not None:
                message.add(_absolute(edit.name), edit.ttl, *_rdatas(edit.type, edit.after.values))
        self._send(message, zone)

    def _message(self, zone: str) -> dns.update.UpdateMessage:
        import dns.update

        return dns.update.UpdateMessage(_absolute(zone), **self._signed())

    def _send(self, message: dns.update.UpdateMessage, zone: str) -> None:
        import dns.query
        import dns.rcode

        with _Translated(self.server, zone), asking("rfc2136") as ended:
            reply = dns.query.tcp(message, self.server.address, _TIMEOUT, self.server.port)
            ended(OK if reply.rcode() == dns.rcode.NOERROR else REFUSED)
        code = reply.rcode()
        if code == dns.rcode.NOERROR:
            return
        said = f"{self.server} answers {dns.rcode.to_text(code)} to a change of {zone}"
        if code in (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN):
            raise Conflict(said)
        if code == dns.rcode.SERVFAIL:
            raise Transient(said)
        raise Permanent(f"{said}: {_HINTS.get(dns.rcode.to_text(code), 'it cannot do this')}")

    def _signed(self) -> dict[str, Any]:
        if self._key is None:
            return {}
        import binascii

        import dns.tsig

        try:
            key = dns.tsig.Key(f"{self._key.name.rstrip('.')}.", self._key.secret().strip(), self._key.algorithm)
        except (binascii.Error, ValueError) as error:
            raise Permanent(f"the key {self._key.name!r} is not base64") from error
        except KeyError as error:
            raise Transient(f"the secret of the key {self._key.name!r} is not in the vault") from error
        return {"keyring": key}


def sets_of(content: dns.zone.Zone, types: Container[str]) -> dict[tuple[str, str], RecordSet]:
    """The sets of records of a zone as the library holds it, by full name and type."""
    import dns.rdatatype

    found: dict[tuple[str, str], RecordSet] = {}
    for name, node in content.nodes.items():
        owner = name.to_text(omit_final_dot=True).lower()
        for rdataset in node:
            kind = dns.rdatatype.to_text(rdataset.rdtype)
            if kind in types:
                found[owner, kind] = RecordSet(canonical_set(kind, rdataset), int(rdataset.ttl))
    return found


_HINTS = {
    "REFUSED": "the key may not change this zone (allow-update, update-policy, acl)",
    "NOTAUTH": "it does not serve the zone, or does not know the key",
    "NOTZONE": "a name is not in the zone",
    "NOTIMP": "it takes no changes",
}


class _Translated:
    """The library's errors in our words."""

    def __init__(self, server: Server, zone: str) -> None:
        self._where = f"{server} ({zone})"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        import dns.exception
        import dns.message
        import dns.tsig

        if error is None or isinstance(error, ProviderError):
            return
        if isinstance(error, dns.tsig.PeerBadTime):
            raise Transient(f"{self._where}: its clock and ours differ too much for signed requests") from error
        if isinstance(error, (dns.tsig.PeerError, dns.tsig.BadSignature, dns.message.UnknownTSIGKey)):
            raise Permanent(f"{self._where}: the key is not accepted: {error}") from error
        if isinstance(error, dns.exception.TooBig):
            raise Permanent(f"{self._where}: so many or so long values do not fit into one DNS message") from error
        if isinstance(error, dns.exception.Timeout):
            raise Transient(f"{self._where}: no answer") from error
        if isinstance(error, (OSError, EOFError)):
            raise Transient(f"{self._where}: {getattr(error, 'strerror', '') or str(error) or 'the connection ended'}") from error
        if isinstance(error, dns.exception.DNSException):
            raise Transient(f"{self._where}: {error}") from error


def _expect(message: dns.update.UpdateMessage, name: str, edits: Sequence[Edit]) -> None:
    """The prerequisites of all edits of one name. Servers pass over an alias beside other records, and the other way round,
    without a word: that nothing of the kind is there is one of them."""
    touched = {edit.type for edit in edits}
    leaving = any(edit.before is not None for edit in edits)
    made = {edit.type for edit in edits if edit.after is not None}
    absent = {edit.type for edit in edits if edit.before is None}
    for edit in edits:
        if edit.before is not None:
            message.present(_absolute(name), *_rdatas(edit.type, edit.before.values))
    if "CNAME" in made and not leaving:
        message.absent(_absolute(name))
        return
    if "CNAME" in made:
        absent |= set(RECORD_TYPES) - touched
    elif made and "CNAME" not in touched:
        absent.add("CNAME")
    for kind in sorted(absent):
        message.absent(_absolute(name), kind)


def fitting(units: Iterable[Sequence[Edit]]) -> list[list[Sequence[Edit]]]:
    """Units (edits that belong together) packed, in order, into as few updates as hold them."""
    packed: list[list[Sequence[Edit]]] = []
    room, count = 0, 0
    for unit in units:
        size = sum(edit.size for edit in unit)
        if not packed or room < size or count >= _MOST:
            packed.append([])
            room, count = _LARGEST, 0
        packed[-1].append(unit)
        room, count = room - size, count + len(unit)
    return packed


def _rdatas(record_type: str, values: Iterable[str]) -> list[Any]:
    import dns.exception
    import dns.rdata

    try:
        return [dns.rdata.from_text("IN", record_type, value) for value in values]
    except (dns.exception.DNSException, ValueError) as error:
        raise Permanent(f"a {record_type} record holds what cannot be written: {error}") from error


def _absolute(name: str) -> str:
    return f"{name}."
