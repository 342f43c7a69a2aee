"""The few replacements of text that make one step true. Nothing here is believed: `splice` reads the result again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controller.clients.yaml.splice_text import Manner, after_dash, below_key, block, flowing, is_flat
from controller.clients.yaml.splice_tree import Span, line_end, line_start, next_line

_COMMA = re.compile("[ \t]*,")

Change = tuple[int, int, str]
"""From and to (characters of the old text), and what stands there instead. None overlaps another."""


def changed(text: str, changes: Iterable[Change]) -> str:
    """The text after the changes; those at one place in the order given."""
    parts, reached = [], 0
    for start, end, new in sorted(changes, key=lambda change: change[0]):
        parts += [text[reached:start], new]
        reached = end
    return "".join([*parts, text[reached:]])


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a text: its span, and the list or mapping it is an entry of (None for a whole document)."""

    text: str
    how: Manner
    span: Span
    parent: Span | None = None
    index: int = 0

    def put(self, value: Any) -> list[Change]:
        """Write another value here."""
        span, parent, style = self.span, self.parent, self.span.style
        if parent is not None and parent.flow:
            return [self._here(flowing(value, style))]
        if span.flow and isinstance(value, dict | list) and is_flat(value):
            return [self._here(flowing(value))]
        lines = self._lines(value, style)
        if parent is None or parent.entries is None or not self._is_below():
            return [self._here(lines[0]), *self._below(line_end(self.text, span.end), lines)]
        colon = self.text.index(":", parent.entries[self.index][0].end) + 1
        first = line_start(self.text, span.start)
        before = first - (2 if self.text[:first].endswith("\r\n") else 1)
        gone = (before, line_end(self.text, span.end), "")
        head = (colon, colon, f" {lines[0]}") if lines[0] else (colon, colon, "")
        return [head, *self._below(line_end(self.text, colon), lines), gone]

    def insert(self, name: str | int, value: Any) -> list[Change]:
        """Write one more entry into the list or mapping here: a key last, an item before the one with its number."""
        span = self.span
        entries, count = span.entries, len(span.entries if span.entries is not None else span.items or ())
        if not count:
            return self.put({name: value} if entries is not None else [value])
        if span.flow:
            new = flowing(value, self._manner_of_items()) if entries is None else flowing({str(name): value})[1:-1]
            if name == 0 and entries is None:
                return [(span.child(0).start, span.child(0).start, f"{new}, ")]
            before = span.child(name - 1 if isinstance(name, int) and entries is None else count - 1)
            return [(before.end, before.end, f", {new}")]
        column = span.column(self.text)
        if entries is not None:
            lines = block({str(name): value}, column, self.how)
            return [self._after(entries[-1][1].end, lines)]
        first, *others = after_dash(value, column, self.how, self._manner_of_items())
        if name == 0:
            dash = span.dashes[0]
            return [(dash, dash, self.how.newline.join([f"- {first}", *others, " " * column]))]
        return [self._after(span.child(int(name) - 1).end, [f"{' ' * column}- {first}", *others])]

    def drop(self) -> list[Change]:
        """Take the entry here out of its list or mapping, which has others."""
        text, parent, at = self.text, self.parent, self.index
        if parent is None:
            return []
        start, end = self._start(at), self.span.end
        count = len(parent.entries if parent.entries is not None else parent.items or ())
        first = line_start(text, start)
        if parent.flow:
            comma = _COMMA.match(text, end)
            stop = comma.end() if comma else end
            if not text[first:start].strip(" \t") and text[stop : line_end(text, stop)].lstrip(" \t")[:1] in ("", "#"):
                return [(first, next_line(text, stop), "")]
            whole = (start, self._start(at + 1)) if at + 1 < count else (parent.child(at - 1).end, end)
            return [(start, stop, "") if "#" in text[whole[0] : start] + text[stop : whole[1]] else (*whole, "")]
        if not text[first:start].strip(" "):
            return [(first, next_line(text, end), "")]
        if at + 1 == count:  # behind a `?`
            return []
        following = self._start(at + 1)
        return [(start, line_end(text, end) if "#" in text[line_end(text, end) : following] else following, "")]

    def _start(self, index: int) -> int:
        """Where an entry of the parent begins, with its key or dash."""
        parent = self.parent or self.span
        if parent.entries is not None:
            return parent.entries[index][0].start
        return parent.child(index).start if parent.flow else parent.dashes[index]

    def _is_below(self) -> bool:
        """True for a block collection that begins on a later line than its key."""
        return self.span.is_block and not self.text[line_start(self.text, self.span.start) : self.span.start].strip(" ")

    def _lines(self, value: Any, quote: str) -> list[str]:
        parent, text = self.parent, self.text
        if parent is not None and parent.entries is not None:
            column = parent.column(text)
            if (
                self._is_below()
                and isinstance(value, dict | list)
                and value
                and bool(self.span.entries) == isinstance(value, dict)
            ):
                return ["", *block(value, self.span.column(text), self.how)]
            return below_key(value, column, self.how, quote)
        if parent is not None:
            return after_dash(value, parent.column(text), self.how, quote)
        return block(value, 0, self.how) if isinstance(value, dict | list) and value else [flowing(value, quote)]

    def _here(self, new: str) -> Change:
        """The new text in place of the old, on the same line."""
        text, start, end = self.text, self.span.start, self.span.end
        before = text[:start].rstrip(" \t")
        if not new:
            return (len(before), end, "")
        if self.span.is_empty and self.parent is not None:
            space = "" if text[start - 1] in " \t" else " "
            return (start, end, space + new if before[-1:] in (":", "-", "[", ",") else f": {new}")
        return (start, end, new)

    def _below(self, at: int, lines: list[str]) -> list[Change]:
        return [(at, at, "".join(self.how.newline + line for line in lines[1:]))] if lines[1:] else []

    def _after(self, end: int, lines: list[str]) -> Change:
        at = line_end(self.text, end)
        return (at, at, "".join(self.how.newline + line for line in lines))

    def _manner_of_items(self) -> str:
        """The quotes that all items of the list here have."""
        styles = {item.style for item in self.span.items or ()}
        return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""
