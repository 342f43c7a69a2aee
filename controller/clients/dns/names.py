"""Domain names as people write them, in the one form that everything else works with: lower case, ASCII, no dot at the end."""

from __future__ import annotations

import re

LONGEST_NAME = 253
LONGEST_LABEL = 63
WILDCARD = "*."
"""How the name begins that stands for every name below."""
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")


class Unwritable(ValueError):
    """A name or value that cannot stand in DNS; `hint` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


def owner_name(text: str) -> str:
    """The full name of a record; its first label may be `*`. International names become punycode. Raises Unwritable."""
    name = _ascii(text)
    below = name.removeprefix(WILDCARD)
    if name == "*":
        raise Unwritable("'*' alone is not a full name", "write it with its zone, such as *.example.net")
    _check(below, text)
    return name


def host_name(text: str, *, underscores: bool = False) -> str:
    """The full name of a host that a record points to; never a wildcard. Only what an alias points to may have underscores.
    Raises Unwritable."""
    name = _ascii(text)
    _check(name, text)
    if not underscores:
        check_host(name)
    if "." not in name:
        raise Unwritable(f"{text!r} is not a full name", f"write it with its zone, such as {name}.example.net")
    return name


def visited_host(text: str) -> str:
    """The full name of a host that visitors ask for; the first label may be `*`. Raises Unwritable."""
    below = text.removeprefix(WILDCARD)
    name = host_name(below)
    if re.fullmatch(r"[\d.]+", name):
        raise Unwritable(f"{text!r} is an address, not a name", "write the name of a host")
    return text[: len(text) - len(below)] + name


def check_host(name: str) -> None:
    """Raises Unwritable for a name that no host can have: servers refuse address and mail records of such a name."""
    if "_" in name:
        raise Unwritable(f"{_short(name)} is not the name of a host: it has an underscore", "write a dash instead")


def _check(name: str, text: str) -> None:
    if not name:
        raise Unwritable("the name is empty", "write a full name, such as plex.example.net")
    for label in name.split("."):
        if len(label) > LONGEST_LABEL:
            raise Unwritable(
                f"{label[:20]}… in {_short(text)} has {len(label)} characters", f"a label has at most {LONGEST_LABEL}"
            )
        if not _LABEL.fullmatch(label):
            raise Unwritable(
                f"{_short(text)} is not a domain name: {label!r} cannot be a part of one",
                "use letters, digits, underscores and inner dashes between single dots",
            )


def _ascii(text: str) -> str:
    """Lower case, punycode, no dot at the end; not checked but for its length."""
    name = text.removesuffix(".")
    name = name.lower() if name.isascii() else _punycode(name)
    if len(name) > LONGEST_NAME:
        raise Unwritable(f"{_short(text)} has {len(name)} characters", f"a domain name has at most {LONGEST_NAME}")
    return name


def _punycode(text: str) -> str:
    import dns.exception
    import dns.name

    try:
        return dns.name.from_unicode(text, idna_codec=dns.name.IDNA_2008_Practical).to_text(omit_final_dot=True).lower()
    except dns.exception.DNSException as error:
        raise Unwritable(f"{_short(text)} is not a domain name: {error}", "write it in punycode (xn--…)") from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}…")
