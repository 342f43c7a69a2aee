"""What a record holds, as text in one canonical form: equal records are equal text, for zone files and for every server.

Two ways in: `declared` for what a person wrote (strict), `shown` for what a server or a zone file says (zone-file syntax). Names
in values are absolute, lower case and end in a dot. No value can end a line or a string: texts are taken apart and built anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from controller.clients.dns.names import Unwritable, host_name

_STRING = 255
_WORD, _BYTE = 0xFFFF, 0xFF
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)
_CAA = re.compile(r'\s*(\d+)\s+([A-Za-z0-9]{1,15})\s+(?:"((?:[^"\\]|\\.)*)"|([^\s";\\]+))\s*', re.DOTALL)
_FORMS = {
    "CNAME": "the full name of a host, such as server.example.net",
    "NS": "the full name of a name server, such as ns1.example.net",
    "MX": "priority and host, such as 10 mail.example.net",
    "SRV": "priority, weight, port and host, such as 0 5 5060 sip.example.net",
    "CAA": 'flags, tag and value, such as 0 issue "letsencrypt.org"',
    "A": "an IPv4 address, such as 192.0.2.7",
    "AAAA": "an IPv6 address, such as 2001:db8::7",
    "TXT": "the text itself",
}


def declared(record_type: str, text: str) -> str:
    """The canonical form of one value as a person wrote it. A TXT value is the text itself; one that starts with a double quote
    is read as the quoted strings of a zone file. Raises Unwritable."""
    if any(ord(each) < ord(" ") or ord(each) == 0x7F for each in text):
        raise Unwritable(f"a {record_type} value cannot hold a line break or another control character", "write it on one line")
    if record_type == "TXT":
        return _text(strings(text) if text.startswith('"') else _split(text.encode()))
    try:
        return _READERS[record_type](text.strip())
    except ValueError as error:
        hint = getattr(error, "hint", "") or f"write {_FORMS[record_type]}"
        said = str(error) if isinstance(error, Unwritable) else f"{_short(text)} is not {_FORMS[record_type].split(',')[0]}"
        raise Unwritable(said, hint) from error


def shown(record_type: str, text: str) -> str:
    """The canonical form of one value in zone-file syntax, of any record type. What cannot be read stays as it is: a server may
    hold anything."""
    if record_type in _READERS:
        with suppress(ValueError):
            return _READERS[record_type](text)
    with suppress(Unwritable):
        return _text(strings(text, strict=False)) if record_type == "TXT" else _by_library(record_type, text)
    return text


def _by_library(record_type: str, text: str) -> str:
    """For what no person here would write: names with escapes, types that are only passed on."""
    import dns.exception
    import dns.rdata
    import dns.rdatatype

    try:
        found = dns.rdata.from_text("IN", dns.rdatatype.from_text(record_type), text)
    except (dns.exception.DNSException, ValueError) as error:
        raise Unwritable(f"{_short(text)} is not a {record_type} value: {error}") from error
    return str(found.to_text().lower() if record_type in _READERS else found.to_text())


def written(record_type: str, value: str) -> str:
    """A canonical value as a person would write it: `declared` gives the value back. Raises Unwritable when nobody can."""
    text = value
    if record_type == "TXT":
        with suppress(UnicodeDecodeError):
            text = b"".join(strings(value)).decode()
    elif record_type in ("CNAME", "MX", "NS", "SRV") and not value.endswith(" ."):
        text = value.removesuffix(".")
    with suppress(Unwritable):
        if declared(record_type, text) == value:
            return text
    if declared(record_type, value) != value:
        raise Unwritable(f"{_short(value)} has another spelling here")
    return value


def joined(value: str) -> bytes | str:
    """The bytes of a TXT value whatever its strings are split into; any other value as it is."""
    with suppress(Unwritable):
        return b"".join(strings(value, strict=False)) if value.startswith('"') else value
    return value


def same_values(one: Iterable[str], other: Iterable[str]) -> bool:
    """True when two sets of canonical values mean the same: servers may split a long text elsewhere."""
    one, other = list(one), list(other)
    if len(one) != len(other):
        return False
    return one == other or sorted(map(str, map(joined, one))) == sorted(map(str, map(joined, other)))


def strings(text: str, *, strict: bool = True) -> tuple[bytes, ...]:
    """The strings of a TXT value in zone-file syntax. Raises Unwritable; with `strict` also for control characters."""
    found: list[bytes] = []
    at = 0
    for match in _QUOTED.finditer(text):
        if text[at : match.start()].strip():
            break
        found.append(_unescaped(match[1]))
        at = match.end()
    if text[at:].strip() or not found:
        hint = 'a text that starts with a double quote is read as quoted strings; write \\" for a quote inside'
        raise Unwritable(f"{_short(text)} is not a list of quoted strings", hint)
    if any(len(each) > _STRING for each in found):
        raise Unwritable(f"a quoted string has at most {_STRING} bytes", "split it into several, or leave the quotes out")
    if strict and any(byte < ord(" ") or byte == 0x7F for each in found for byte in each):
        raise Unwritable("a TXT value cannot hold a line break or another control character")
    return tuple(found)


def _text(parts: Sequence[bytes]) -> str:
    return " ".join(f'"{"".join(map(_escaped, part))}"' for part in parts)


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03}"


def _unescaped(text: str) -> bytes:
    def plain(match: re.Match[str]) -> str:
        word = match[1]
        if not word.isdigit() or len(word) < 3:
            return word
        if int(word) > _BYTE:
            raise Unwritable(f"\\{word} is not a byte")
        return chr(int(word))

    # Plain characters beyond ASCII are text in UTF-8, escaped ones are bytes: both become bytes first.
    raw = "".join(chr(byte) for byte in text.encode()) if not text.isascii() else text
    return _ESCAPE.sub(plain, raw).encode("latin-1")


def _split(content: bytes) -> tuple[bytes, ...]:
    return tuple(content[at : at + _STRING] for at in range(0, len(content), _STRING)) or (b"",)


def _address4(text: str) -> str:
    return str(IPv4Address(text))


def _address6(text: str) -> str:
    address = IPv6Address(text)
    if address.scope_id:
        raise Unwritable(f"{text!r} has a zone index", "write the address alone")
    if address.ipv4_mapped:
        raise Unwritable(f"{text!r} is an IPv4 address in disguise", "write it as an A record")
    return str(address)


def _target(text: str) -> str:
    return f"{host_name(text)}."


def _alias(text: str) -> str:
    return f"{host_name(text, underscores=True)}."


def _or_none(text: str) -> str:
    """A target that may say "there is none" (RFC 7505, RFC 2782)."""
    return "." if text == "." else _target(text)


def _numbered(count: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        words = text.split()
        if len(words) != count + 1:
            raise ValueError(text)
        numbers = [_number(word, _WORD) for word in words[:-1]]
        return " ".join([*map(str, numbers), _or_none(words[-1])])

    return read


def _number(word: str, most: int) -> int:
    if not (word.isascii() and word.isdigit()) or int(word) > most:
        raise Unwritable(f"{_short(word)} is not a number from 0 to {most}")
    return int(word)


def _authority(text: str) -> str:
    match = _CAA.fullmatch(text)
    if match is None:
        raise ValueError(text)
    value = _unescaped(match[3] if match[3] is not None else match[4])
    if any(byte < ord(" ") or byte >= 0x7F for byte in value):
        raise Unwritable("a CAA value is plain ASCII text")
    return f"{_number(match[1], _BYTE)} {match[2].lower()} {_text([value])}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}…")


_READERS: dict[str, Callable[[str], str]] = {
    "A": _address4,
    "AAAA": _address6,
    "CNAME": _alias,
    "NS": _target,
    "MX": _numbered(1),
    "SRV": _numbered(3),
    "CAA": _authority,
}
