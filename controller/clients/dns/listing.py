"""A zone as documents would declare it: from a server's own list, or from the text of a zone file."""

from __future__ import annotations

from collections.abc import Mapping

from controller.clients.dns.names import Unwritable, check_host, owner_name
from controller.clients.dns.primary import RecordSet, sets_of
from controller.clients.dns.values import written
from controller.core.dns import RECORD_TYPES, ListedRecord, ZoneListing, is_inside
from controller.core.errors import Refused

_SIGNATURES = ("RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "TYPE65534")
_HOSTS = ("A", "AAAA", "MX")


class _Every:
    """The set of every type."""

    def __contains__(self, _type: object) -> bool:
        return True


EVERY = _Every()


def listing(zone: str, sets: Mapping[tuple[str, str], RecordSet]) -> ZoneListing:
    """What a zone holds, sorted by name; what no document can declare is left out with the reason. SOA and signatures are the
    server's own and not spoken of."""
    records: list[ListedRecord] = []
    left: list[tuple[str, str]] = []
    for (name, kind), held in sorted(sets.items(), key=lambda item: (item[0][0] != zone, *item[0])):
        if kind == "SOA" or kind in _SIGNATURES:
            continue
        try:
            records.append(_listed(zone, name, kind, held))
        except Unwritable as error:
            left.append((f"{name} {kind}", str(error)))
    return ZoneListing(zone, tuple(records), tuple(left))


def read_zone_file(text: str, zone: str) -> ZoneListing:
    """A zone file in BIND's syntax; `zone` is its origin. Other files are never included. Raises Refused."""
    import dns.exception
    import dns.zone

    try:
        origin = owner_name(zone)
        content = dns.zone.from_text(text, origin=f"{origin}.", relativize=False, check_origin=False, allow_include=False)
    except Unwritable as error:
        raise Refused(str(error)) from error
    except (dns.exception.DNSException, ValueError, KeyError) as error:
        raise Refused(f"this is not a zone file of {zone}: {error}") from error
    return listing(origin, sets_of(content, EVERY))


def _listed(zone: str, name: str, kind: str, held: RecordSet) -> ListedRecord:
    if kind not in RECORD_TYPES:
        raise Unwritable("records of this type cannot be declared; they stay as they are")
    if kind == "NS" and name == zone:
        raise Unwritable("the name servers of the zone itself belong to its server")
    owner = owner_name(name)
    if kind in _HOSTS:
        check_host(owner)
    if owner != name or not is_inside(name, zone):
        raise Unwritable("its name is outside the zone, or has another spelling here")
    short = name.removesuffix(zone).rstrip(".") or "@"
    return ListedRecord(short, kind, held.ttl, tuple(written(kind, value) for value in held.values))
