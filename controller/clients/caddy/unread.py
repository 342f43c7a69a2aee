"""Refusals that are about a certificate file which Caddy could not read, and what a person can do when it stays so. Pure.

Caddy stores a certificate, its key and a note about them one after the other, 2.6 each of them in place (certmagic, `storeTx` and
`FileStorage.Store`), and whoever renews files of a person swaps them one by one. A configuration that is loaded at that moment is
refused, and a moment later it is taken. The words are those of 2.6.2 and 2.11 with each file empty, cut and of another host."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WAYS = (
    (
        re.compile(r"\S+: caching certificate: .*"),
        "if it stays so, remove the files of this host below `certificates/` in Caddy's data folder: Caddy makes them anew",
    ),
    (
        re.compile(r"provisioning CA '[^']*': (?:decoding|parsing) .*"),
        "if it stays so, put the files below `pki/authorities/` in Caddy's data folder back from a backup",
    ),
    (
        re.compile(r"loading certificates: tls: .*"),
        "if it stays so, put right the files that `tls` names in a Route: a certificate and the key that belongs to it",
    ),
)


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, in Caddy's words from there on, and what to do about it."""

    what: str
    remedy: str


def unread(reason: str) -> Unread | None:
    """Which file a refusal is about; None for one that is about the configuration."""
    for words, remedy in _WAYS:
        if found := words.search(reason):
            return Unread(found.group(), remedy)
    return None
