"""A way to a Home Assistant on which a test can sit: count who comes, withhold answers, cut everything, put TLS around it."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from pathlib import Path
from threading import Event, Lock, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_RESET = struct.pack("ii", 1, 0)


class Tap:
    """Leads a port of loopback to another one. `came` counts connections. Ends with `close`."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.came = 0
        self.listening = Event()
        """Set while answers pass."""
        self.listening.set()
        self._behind = port
        self._context = context
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        Thread(target=self._serve, daemon=True).start()

    def withhold(self) -> None:
        """What is said arrives, what is answered does not."""
        self.listening.clear()

    def cut(self) -> None:
        """Every connection breaks; answers that were withheld are lost."""
        with self._lock:
            broken, self._open = self._open, []
        for each in broken:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
        self.listening.set()

    def close(self) -> None:
        """Nobody is let in any more."""
        self._server.close()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.came += 1
            if self._context is not None:
                near = self._context.wrap_socket(near, server_side=True)
            far = socket.create_connection(("127.0.0.1", self._behind))
            with self._lock:
                self._open += [near, far]
            Thread(target=self._pump, args=(far, near, True), daemon=True).start()
            self._pump(near, far, False)
            return
        near.close()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65_536):
                if answers:
                    while not self.listening.wait(60):
                        pass
                    with self._lock:
                        if source not in self._open:
                            break
                sink.sendall(block)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            if answers:
                each.close()


def server_side(folder: Path, name: str = "authority") -> tuple[ssl.SSLContext, Path]:
    """TLS for a server on 127.0.0.1, and the PEM file of the private authority that vouches for it."""
    authority, key = _certificate(f"{name} of a test", None, None)
    leaf, leaf_key = _certificate("127.0.0.1", authority, key)
    pem = folder / f"{name}.pem"
    pem.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    chain = folder / f"{name}-server.pem"
    secret = leaf_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, pem


def _certificate(
    name: str, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return made.sign(signer or key, hashes.SHA256()), key
