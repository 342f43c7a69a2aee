"""Environment files: Compose's dotenv dialect and the `raw` format of `docker run --env-file`."""

from __future__ import annotations

import re
from collections.abc import Callable

from controller.clients.compose.findings import Invalid
from controller.clients.compose.substitute import Variables, substitute

Lookup = Callable[[str], str | None]

_BLANK = "\t\v\f\r \x85\xa0"
_ESCAPE = re.compile(r"\\(?:[abcfnrtv$\"\\]|0[0-9]{0,3})")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$$"}
_EXPORT = re.compile(r"export[\t\n\f\r ]+")


def parse_env_file(content: bytes, lookup: Lookup, known: dict[str, str], *, raw: bool = False) -> None:
    """Read `content` into `known`; values see `lookup` first, then what `known` already holds. Raises Invalid with the line."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"it is not UTF-8 text (byte {error.start})") from None
    text = text.removeprefix("\ufeff")
    if raw:
        _parse_raw(text, lookup, known)
    else:
        _Reader(text, lookup, known).read()


def _parse_raw(text: str, lookup: Lookup, known: dict[str, str]) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.removesuffix("\r").lstrip()
        if not entry or entry.startswith("#"):
            continue
        key, equals, value = entry.partition("=")
        if not key or any(sign in " \t" for sign in key):
            raise Invalid(f"line {number}: `{key}` is not a variable name")
        if equals:
            known[key] = value
        elif (inherited := lookup(key)) is not None:
            known[key] = inherited


class _Reader:
    def __init__(self, text: str, lookup: Lookup, known: dict[str, str]) -> None:
        self.text, self.at, self.lookup, self.known = text, 0, lookup, known

    def read(self) -> None:
        while self._skip_to_statement():
            key, inherited = self._key()
            if inherited:
                if (value := self.lookup(key)) is not None:
                    self.known[key] = value
            else:
                self.known[key] = self._value()

    def _broken(self, what: str) -> Invalid:
        return Invalid(f"line {self.text.count(chr(10), 0, self.at) + 1}: {what}", "write NAME=value")

    def _skip_to_statement(self) -> bool:
        while self.at < len(self.text):
            if self.text[self.at].isspace():
                self.at += 1
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return True
        return False

    def _key(self) -> tuple[str, bool]:
        if match := _EXPORT.match(self.text, self.at):
            self.at = match.end()
        start = self.at
        for position in range(start, len(self.text)):
            sign = self.text[position]
            if sign in "=:\n":
                self.at = position + 1
                self._skip_blanks()
                return self._name(self.text[start:position]), sign == "\n"
            if not (sign in _BLANK or sign in "_.-[]" or sign.isalpha() or sign.isnumeric()):
                raise self._broken(f"`{sign}` cannot be part of a variable name")
        self.at = len(self.text)
        return self._name(self.text[start:]), True

    def _name(self, written: str) -> str:
        name = written.rstrip()
        if " " in name:
            raise self._broken(f"`{name}` is not a variable name: it holds a space")
        return name

    def _skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1

    def _value(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote in ("'", '"') and quote:
            value = self._quoted(quote)
            return self._expanded(_ESCAPE.sub(_unescaped, value)) if quote == '"' else value
        end = self.text.find("\n", self.at)
        line = self.text[self.at :] if end < 0 else self.text[self.at : end]
        self.at = len(self.text) if end < 0 else end + 1
        return self._expanded(line.partition(" #")[0].rstrip())

    def _quoted(self, quote: str) -> str:
        start, signs, position = self.at, [], self.at + 1
        while position < len(self.text):
            sign = self.text[position]
            if sign == "\\" and position + 1 < len(self.text):
                following = self.text[position + 1]
                signs.append(following if following == quote else sign + following)
                position += 2
                continue
            if sign == quote:
                self.at = position + 1
                return "".join(signs)
            signs.append(sign)
            position += 1
        self.at = start
        raise self._broken("a quoted value has no end")

    def _expanded(self, value: str) -> str:
        return substitute(value, _Chain(self.lookup, self.known))


class _Chain(Variables):
    def __init__(self, lookup: Lookup, known: dict[str, str]) -> None:
        super().__init__({})
        self.lookup, self.known = lookup, known

    def get(self, name: str) -> str | None:
        found = self.lookup(name)
        return self.known.get(name) if found is None else found


def _unescaped(match: re.Match[str]) -> str:
    sign = match[0][1]
    if sign != "0":
        return _ESCAPED.get(sign, match[0])
    # Compose drops the zero and needs exactly three octal digits after it.
    digits = match[0][2:]
    return chr(int(digits, 8)) if len(digits) == 3 and set(digits) <= set("01234567") and int(digits, 8) < 256 else match[0]
