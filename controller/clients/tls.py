"""The door to TLS servers: the certificate that a visitor of a host gets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from controller.core.errors import Transient

_TIMEOUT = 5.0


class NoCertificate(Transient):
    """The server has none for the host: it said so (an alert, RFC 8446, section 6.2) or does not speak TLS."""


class Cut(Transient):
    """The connection stood and was ended before the handshake was over: it says nothing about the certificate. A server that
    takes a new configuration does that."""


@dataclass(frozen=True, slots=True)
class Served:
    """A certificate. `names` are its DNS names, `issuer` is the common name of who signed it, `serial` is in hex, and it is valid
    from `since` to `until` (seconds since the epoch); `self_signed` = nobody else stands for it."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    since: float
    until: float
    self_signed: bool = False

    def covers(self, host: str) -> bool:
        """True when it is good for a host; a star stands for one whole label (RFC 9525, section 6.3)."""
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names


def secured(made: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS for a host over a connection that was made. Whether the certificate can be trusted is not judged. Raises NoCertificate,
    Cut."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(made, server_hostname=host)
    except OSError as error:
        raise _told(host, error) from error


def served(address: str, port: int, host: str, timeout: float = _TIMEOUT) -> Served:
    """The certificate for a host at an address. Raises NoCertificate, Cut, Transient (nothing listens)."""
    try:
        made = socket.create_connection((address, port), timeout)
    except OSError as error:
        raise Transient(f"nothing answers at {address} port {port}: {error.strerror or error}") from error
    with made, secured(made, host) as visited:
        content = visited.getpeercert(binary_form=True)
    if content is None:
        raise NoCertificate(f"the server shows no certificate for {host}")
    return _read(content)


def distrust(address: str, port: int, host: str, roots: Sequence[str] = (), timeout: float = _TIMEOUT) -> str:
    """Why a visitor does not trust what a host serves, "" when it leads to one of the roots: those in PEM files, or (none) those
    of this machine, without which nothing is judged. Raises NoCertificate, Cut, Transient."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for path in roots:
            context.load_verify_locations(path)
    except OSError as error:
        raise Transient(f"the roots in {path} cannot be read: {error.strerror or error}") from error
    if not roots:
        places = ssl.get_default_verify_paths()
        if not (places.cafile or places.capath):
            return ""
        context.load_default_certs()
    try:
        made = socket.create_connection((address, port), timeout)
    except OSError as error:
        raise Transient(f"nothing answers at {address} port {port}: {error.strerror or error}") from error
    with made:
        try:
            context.wrap_socket(made, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            return error.verify_message or str(error)
        except OSError as error:
            raise _told(host, error) from error
    return ""


def _told(host: str, error: OSError) -> Transient:
    """What a handshake that failed says."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLSyscallError)):
        return NoCertificate(f"there is no certificate for {host} ({error.reason or error})")
    return Cut(f"{host} ended the connection: {error.strerror or error}")


@lru_cache(maxsize=1024)
def _read(content: bytes) -> Served:
    try:
        found = x509.load_der_x509_certificate(content)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    except ValueError as error:
        raise Transient(f"the certificate cannot be read: {error}") from error
    issuers = [str(each.value) for each in found.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return Served(
        names=tuple(names),
        issuer=issuers[0] if issuers else "",
        serial=f"{found.serial_number:x}",
        since=found.not_valid_before_utc.timestamp(),
        until=found.not_valid_after_utc.timestamp(),
        self_signed=found.issuer == found.subject,
    )
