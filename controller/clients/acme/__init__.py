"""The door to certificate authorities that speak ACME (RFC 8555), and the files with what they issued."""

from controller.clients.acme.authority import LETS_ENCRYPT, Authority, Prove
from controller.clients.acme.bundle import Bundle, read_bundle

__all__ = ["LETS_ENCRYPT", "Authority", "Bundle", "Prove", "read_bundle"]
