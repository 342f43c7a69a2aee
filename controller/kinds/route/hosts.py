"""Host names and paths as people write them, in the form in which they are compared. Pure."""

from __future__ import annotations

import re

from controller.clients.dns.names import WILDCARD, Unwritable, visited_host
from controller.core.errors import Problem, Rejected

_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()+,;=:@%/-]*")
Place = tuple[str | int, ...]


def canonical_host(text: str, at: Place) -> str:
    """Lower case, punycode, no dot at the end; the first label may be `*`. Raises Rejected."""
    try:
        return visited_host(text)
    except Unwritable as error:
        raise Rejected([Problem(at, str(error), error.hint)]) from error


def canonical_path(text: str, at: Place) -> str:
    """A prefix without a slash at its end ("" = everything). Raises Rejected."""
    if not _PATH.fullmatch(text) or "//" in text or any(part in (".", "..") for part in text.split("/")):
        hint = "write a plain prefix such as /api; everything at and below it is meant"
        raise Rejected([Problem(at, f"{text!r} is not a path", hint)])
    return text.rstrip("/")


def covers(wildcard: str, host: str) -> bool:
    """True when a wildcard host is also an answer for `host`: one label stands for the star."""
    return wildcard.startswith(WILDCARD) and host != wildcard and host.partition(".")[2] == wildcard.removeprefix(WILDCARD)


def order(hosts: list[str], paths: list[str], name: str) -> tuple[bool, int, str]:
    """Sort key of a route among others: names before wildcards, longer paths before shorter ones."""
    return any(host.startswith(WILDCARD) for host in hosts), -max((len(path) for path in paths), default=0), name
