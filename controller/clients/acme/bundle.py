"""A certificate with its chain and its private key in one PEM file: replaced at once, its halves can never differ."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.core.errors import Permanent

_ORIGIN = "authority: "
"""How the line begins that says who issued it. What stands before the first block is passed over (RFC 7468, section 2)."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one file holds. `names` are its DNS names, sorted; `authority` the directory of who issued it; `serial` is in hex, and
    it is valid from `since` to `until` (seconds since the epoch). `content` is the file, never to be shown."""

    names: tuple[str, ...]
    issuer: str
    authority: str
    serial: str
    since: float
    until: float
    content: bytes = field(repr=False)


def sealed(authority: str, key: bytes, chain: str) -> Bundle:
    """A new one. Raises Permanent when the authority sent something else than certificates."""
    return read_bundle(f"{_ORIGIN}{authority}\n".encode() + key + chain.encode())


def read_bundle(content: bytes) -> Bundle:
    """What a file says. Raises Permanent for a damaged one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import NameOID

    try:
        leaf = x509.load_pem_x509_certificates(content)[0]
        key = load_pem_private_key(content, None)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except (ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise Permanent("it is not a certificate with its private key") from error
    if key.public_key() != leaf.public_key():
        raise Permanent("the private key is that of another certificate")
    first = content.partition(b"\n")[0].decode(errors="replace")
    issuers = [str(each.value) for each in leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return Bundle(
        names=tuple(sorted(names)),
        issuer=issuers[0] if issuers else "",
        authority=first.removeprefix(_ORIGIN) if first.startswith(_ORIGIN) else "",
        serial=f"{leaf.serial_number:x}",
        since=leaf.not_valid_before_utc.timestamp(),
        until=leaf.not_valid_after_utc.timestamp(),
        content=content,
    )
