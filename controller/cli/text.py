"""Text for terminals: nothing hostile gets through, columns line up, colours only where they are wanted."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
_WIDEST_VALUE = 100
_KEPT = 20
"""Characters that are shown of what two long values begin with in common."""


def visible(text: object) -> str:
    """Text on one line in which control characters, escape sequences and what reorders or hides text are written as escapes."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(character if character.isprintable() else _escaped(character) for character in plain)


def visible_lines(text: object) -> list[str]:
    """Each line of a text, visible; a tab counts as four spaces."""
    return [visible(line.replace("\t", "    ")) for line in str(text).splitlines()]


def _escaped(character: str) -> str:
    code = ord(character)
    named = {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e"}
    if code in named:
        return named[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Columns that a visible text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """A text that takes at most so many columns; what is left out leaves `…`."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    """A visible text as lines of at most so many columns (0 = one line), broken at spaces; lines after the first begin with
    `indent`. A word that is longer stays whole: it may be a path or a command."""
    if not columns or width(text) <= columns:
        return [text]
    lines, line, used = [], "", 0
    for word in text.split(" "):
        if line.strip() and used + 1 + width(word) > columns:
            lines.append(line)
            line, used = indent + word, width(indent) + width(word)
        else:
            line = f"{line} {word}" if lines or line else word
            used = width(line)
    return [*lines, line]


@dataclass(frozen=True)
class Paint:
    """Gives text a style where colours are on. `columns` is the width of the terminal, 0 where there is none and a line may be as
    long as it is."""

    on: bool
    columns: int = 0

    def __call__(self, text: str, style: str) -> str:
        if not self.on or not style or not text:
            return text
        codes = ";".join(_STYLES[name] for name in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"


Cell = str | tuple[str, str]
"""A text, or a text with a style."""


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], paint: Paint, indent: str = "") -> list[str]:
    """Aligned columns below a head; texts are made visible, the last column is never padded. An empty column is left out."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    used = [index for index in range(len(head)) if any(row[index][0] for row in cells)]
    lines = [[(head[index], "dim") for index in used]] if any(head) else []
    lines += [[row[index] for index in used] for row in cells]
    widths = [max((width(line[column][0]) for line in lines), default=0) for column in range(len(used))]
    return [(indent + "  ".join(_padded(cell, widths, column, paint) for column, cell in enumerate(line))).rstrip()
            for line in lines]  # fmt: skip


def _cell(cell: Cell) -> tuple[str, str]:
    text, style = (cell, "") if isinstance(cell, str) else cell
    return visible(text), style


def _padded(cell: tuple[str, str], widths: list[int], column: int, paint: Paint) -> str:
    text, style = cell
    space = " " * (widths[column] - width(text)) if column < len(widths) - 1 else ""
    return paint(text, style) + space


def value(data: Any) -> str:
    """A value of a state on one line, as short as it can be understood."""
    return cut(_whole(data), _WIDEST_VALUE)


def both(old: Any, new: Any) -> tuple[str, str]:
    """Two values that differ, each on one line: what long ones begin with in common is left out."""
    texts = _whole(old), _whole(new)
    alike = (at for at, (one, other) in enumerate(zip(*texts, strict=False)) if one != other)
    common = next(alike, min(map(len, texts)))
    if max(map(width, texts)) <= _WIDEST_VALUE or common <= 2 * _KEPT:
        return value(old), value(new)
    one, other = (cut("…" + text[common - _KEPT :], _WIDEST_VALUE) for text in texts)
    return one, other


def _whole(data: Any) -> str:
    if data is None:
        return "not set"
    if isinstance(data, str):
        text = data if data and data == data.strip() and "," not in data else json.dumps(data, ensure_ascii=False)
    else:
        text = json.dumps(data, ensure_ascii=False)
    return visible(text)


def when(at: float) -> str:
    """A moment in local time, `2026-11-22 21:04:05`; "" for none."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def long(seconds: float) -> str:
    """A span of time as people say it: `0.4 s`, `3 min`, `2 h`, `5 d`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    for size, unit, limit in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172800)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def counted(number: int, word: str) -> str:
    """`1 change`, `2 changes`, `2 entries`."""
    if number == 1:
        return f"1 {word}"
    return f"{number} {word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{number} {word}s"
