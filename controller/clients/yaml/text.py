"""The text of one YAML file: decoded, checked for what no editor shows, and quoted line by line for people."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from controller.core.errors import Diagnostic, Origin, SpecError
from controller.core.veil import veiled

MOST_BYTES = 1 << 20
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WIDTH = 110
_TAB = 2


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says. Bytes are kept (not the decoded text): they are shared with the source and smaller."""

    path: str
    content: bytes
    revision: str = ""

    def decoded(self) -> str:
        """The characters. Raises SpecError for too large a file, another encoding than UTF-8, and characters YAML forbids."""
        if len(self.content) > MOST_BYTES:
            size = len(self.content) / MOST_BYTES
            raise self._refused(0, f"the file has {size:.1f} MiB; a YAML file may have 1 MiB", "split it into several files")
        self._check_encoding()
        try:
            text = self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = self.content[error.start]
            raise self._refused(error.start, f"byte 0x{byte:02x} is not valid UTF-8", "save the file as UTF-8") from None
        if found := _FORBIDDEN.search(text):
            at = len(text[: found.start()].encode())
            raise self._refused(
                at, f"the character {_named(found[0])} is not allowed in YAML", "remove it or write it as an escape"
            )
        return text

    def _check_encoding(self) -> None:
        head = self.content[:4]
        if head[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(head) == 4 and 0 in (head[0], head[1]) and head.count(0) >= 2):
            raise self._refused(0, "the file is not UTF-8 (it looks like UTF-16 or UTF-32)", "save the file as UTF-8")
        if head[:3] == b"\xef\xbb\xbf":
            raise self._refused(0, "the file starts with a byte order mark", "save it as UTF-8 without a byte order mark (BOM)")

    def _refused(self, offset: int, message: str, hint: str) -> SpecError:
        before = _BREAK.split(self.content[:offset].decode("utf-8", "replace"))
        return SpecError([self.diagnostic(len(before), len(before[-1]) + 1, message, hint)])

    def diagnostic(self, line: int, column: int, message: str, hint: str = "") -> Diagnostic:
        """A finding at a place of this file (both count from 1), with its snippet."""
        origin = self.origin(line, column)
        return Diagnostic(message, origin, hint, self.snippet(origin), code="yaml")

    def origin(self, line: int, column: int) -> Origin:
        """A place of this file; both count from 1."""
        return Origin(self.path, line, column, self.revision)

    def snippet(self, origin: Origin) -> str:
        """The line at a place with a caret below the column, invisible characters as escapes; "" for an unknown line."""
        lines = _lines(self.content[: MOST_BYTES + 1])
        if not 1 <= origin.line <= len(lines):
            return ""
        line = veiled(lines, origin.line - 1)
        column = min(max(origin.column, 1) - 1, len(line))
        start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
        shown, cut = line[start : start + _WIDTH], "…" if start else ""
        more = "…" if start + _WIDTH < len(line) else ""
        caret = " " * sum(_columns(character) for character in cut + line[start:column])
        return f"{cut}{''.join(map(_visible, shown))}{more}\n{caret}^"


@lru_cache(maxsize=2)
def _lines(content: bytes) -> list[str]:
    return _BREAK.split(content.decode("utf-8", "replace"))


def _visible(character: str) -> str:
    if character == "\t":
        return " " * _TAB
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def _columns(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.combining(character) else len(_visible(character))


def _named(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'control character').lower()})"
