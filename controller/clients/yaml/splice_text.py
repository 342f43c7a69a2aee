"""New values as YAML text in the manner of the file around them; what some reader would not take for text is quoted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from controller.clients.yaml.scalars import plain_scalar
from controller.clients.yaml.splice_tree import BREAK, Section

_FLAT = 80
"""Characters of a list or mapping in brackets that may stay on one line."""
_PLAIN = re.compile(r"""([^\s\-?:,\[\]{}#&*!|>'"%@`]|[-?:](?=[^\s,\[\]{}]))(.*\S)?""")
_ODD = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# Words that some reader of YAML takes for a truth or for nothing, in one spelling or another.
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"])
_OLDER = yaml.resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a file is laid out: columns that an inner mapping, and the dashes of an inner list, stand further right; line break.

    Text of several lines becomes a text block (`|`), or stands in quotes where no block can be."""

    step: int
    dash: int
    newline: str
    blocks: bool = True


def manner(text: str, parts: Iterable[Section]) -> Manner:
    """What most of a text does; two columns and \\n where it does nothing."""
    steps, dashes = Counter({2: 0}), Counter({2: 0})
    for span in (span for part in parts for span in part.root.all() if span.entries and span.is_block):
        column = span.column(text)
        for _, value in span.entries or ():
            if value.is_block and (value.entries or value.dashes):
                (steps if value.entries else dashes)[value.column(text) - column] += 1
    found = BREAK.search(text)
    return Manner(max(_usual(steps), 1), max(_usual(dashes), 0), "\r\n" if found and found[0] == "\r\n" else "\n")


def _usual(columns: Counter[int]) -> int:
    return columns.most_common(1)[0][0]


def scalar(value: Any, quote: str = "", *, flow: bool = False) -> str:
    """A value that is no list or mapping on one line; text in these quotes (' or ") where they can hold it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        shown = repr(value)
        return shown if "." in shown else shown.replace("e", ".0e")
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _ODD.search(text):
        return _double(text)
    if quote == "'":
        return "'" + text.replace("'", "''") + "'"
    return text if quote != '"' and _stays_text(text, flow) else _double(text)


def _double(value: str) -> str:
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _stays_text(value: str, flow: bool) -> bool:
    if not _PLAIN.fullmatch(value) or ": " in value or " #" in value or value.endswith(":") or value.lower() in _WORDS:
        return False
    if value.startswith(("---", "...")) or (flow and (value[0] in "-?:" or set(value) & set(",[]{}"))):
        return False
    try:
        kept = type(plain_scalar(value)) is str
    except ValueError:
        return False
    return bool(kept and _OLDER.resolve(yaml.ScalarNode, value, (True, False)) == _TEXT)  # type: ignore[no-untyped-call]


def flowing(value: Any, quote: str = "") -> str:
    """A value on one line, lists and mappings in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key, flow=True)}: {flowing(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flowing(item) for item in value) + "]"
    return scalar(value, quote, flow=True)


def is_flat(value: Any) -> bool:
    """True for what reads well in brackets: no list or mapping inside, and short."""
    inner = value.values() if isinstance(value, dict) else value
    return not any(isinstance(each, dict | list) for each in inner) and len(flowing(value)) <= _FLAT


def below_key(value: Any, column: int, how: Manner, quote: str = "") -> list[str]:
    """Lines of a value whose key stands in this column: the first goes after its colon, the others are whole."""
    if isinstance(value, dict) and value:
        return ["", *block(value, column + how.step, how)]
    if isinstance(value, list) and value:
        return ["", *block(value, column + how.dash, how)]
    return _leaf(value, column + how.step, quote if how.blocks else '"')


def after_dash(value: Any, column: int, how: Manner, quote: str = "") -> list[str]:
    """Lines of an entry of a list whose dash stands in this column: the first goes after it, the others are whole."""
    if isinstance(value, dict | list) and value:
        first, *others = block(value, column + 2, how)
        return [first.lstrip(" "), *others]
    return _leaf(value, column + 2, quote if how.blocks else '"')


def block(value: dict[str, Any] | list[Any], column: int, how: Manner) -> list[str]:
    """Whole lines of a list or mapping that is not empty, its keys or dashes in this column."""
    lines: list[str] = []
    pad = " " * column
    if isinstance(value, dict):
        for key, entry in value.items():
            first, *others = below_key(entry, column, how)
            lines += [f"{pad}{scalar(key)}:{first and ' '}{first}", *others]
    else:
        for item in value:
            first, *others = after_dash(item, column, how)
            lines += [f"{pad}- {first}", *others]
    return lines


def _leaf(value: Any, column: int, quote: str) -> list[str]:
    if isinstance(value, dict | list):
        return [flowing(value)]
    if not isinstance(value, str) or "\n" not in value or _ODD.search(value.replace("\n", "")) or quote in ("'", '"'):
        return [scalar(value, quote)]
    body = value.removesuffix("\n")
    if body[:1] in ("", "\n", " ") or body.endswith("\n") or any(line.isspace() for line in body.split("\n")):
        return [scalar(value)]
    return ["|" if value.endswith("\n") else "|-", *((" " * column + line) if line else "" for line in body.split("\n"))]
