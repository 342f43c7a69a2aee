"""Where every value of a YAML text begins and ends: a tree of spans from the parser's marks.

For texts that `read_yaml` has accepted: its limits hold here too, and nothing is checked twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from controller.clients.yaml.nodes import MERGE

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LAST_BREAK = re.compile("(\r\n|[\n\r\x85\u2028\u2029])\\Z")
# Between the entries of a block list: white space, comments, and an anchor or tag of the list.
_BETWEEN = re.compile(r"(?:[&!]\S*|\s|#[^\n\r\x85\u2028\u2029]*)*")


@dataclass(slots=True, eq=False)
class Span:
    """One value as it is written, `start` (its anchor and tag included) to `end` in characters.

    A block collection ends where its last entry does. `dashes` are those of a block list; `means` is what an alias names, and
    `aliases` are the places where this one is named."""

    start: int
    end: int
    text: str = ""
    style: str = ""
    flow: bool = False
    marked: bool = False
    tagged: bool = False
    entries: list[tuple[Span, Span]] | None = None
    items: list[Span] | None = None
    dashes: list[int] = field(default_factory=list)
    means: Span | None = None
    aliases: list[int] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """A list or mapping that is written over lines, not in brackets."""
        return (self.entries is not None or self.items is not None) and not self.flow

    @property
    def is_empty(self) -> bool:
        """Nothing is written here."""
        return self.start == self.end

    def is_merge(self, key: Span) -> bool:
        """True for the `<<` among its keys."""
        return key.text == MERGE and not key.style

    def index(self, part: str | int) -> int | None:
        """Where an own entry (not one that `<<` brings) stands among the others, or None."""
        if self.entries is not None:
            found = (at for at, (key, _) in enumerate(self.entries) if key.text == part and not self.is_merge(key))
            return next(found, None)
        return part if self.items is not None and isinstance(part, int) and 0 <= part < len(self.items) else None

    def child(self, index: int) -> Span:
        """The value of its entry with that number."""
        return self.entries[index][1] if self.entries is not None else (self.items or [])[index]

    def all(self) -> Iterator[Span]:
        """It and every value and key below it, aliases not followed."""
        yield self
        for key, value in self.entries or ():
            yield key
            yield from value.all()
        for item in self.items or ():
            yield from item.all()

    def column(self, text: str) -> int:
        """Of the keys or dashes of a block collection with entries, from 0."""
        first = self.entries[0][0].start if self.entries else self.dashes[0]
        return first - line_start(text, first)


@dataclass(slots=True, eq=False)
class Section:
    """One document of a text, also one that says nothing. `start` is at its `---` or, without one, at its first value."""

    start: int
    root: Span
    separated: bool
    closed: bool = False

    @property
    def says_nothing(self) -> bool:
        """True for an empty one, which the reader leaves out."""
        root = self.root
        return root.entries is None and root.items is None and not (root.text or root.style or root.tagged)


def line_start(text: str, at: int) -> int:
    """Where the line of a place begins."""
    return max((text.rfind(mark, 0, at) for mark in "\n\r\x85\u2028\u2029"), default=-1) + 1


def line_end(text: str, at: int) -> int:
    """Where the line of a place ends, before its line break."""
    found = BREAK.search(text, at)
    return found.start() if found else len(text)


def next_line(text: str, at: int) -> int:
    """Where the line after that of a place begins, or the end of the text."""
    found = BREAK.search(text, at)
    return found.end() if found else len(text)


def sections(text: str) -> list[Section]:
    """Every document of a text, in order."""
    return _Parse(text).sections()


class _Parse:
    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CBaseLoader))
        self._anchors: dict[str, Span] = {}

    def sections(self) -> list[Section]:
        found: list[Section] = []
        for event in self._events:
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                self._anchors = {}
                found.append(Section(event.start_mark.index, self._value(next(self._events)), bool(event.explicit)))
            elif kind is yaml.DocumentEndEvent:
                found[-1].closed = bool(event.explicit)
        return found

    def _value(self, event: Any) -> Span:
        span = Span(event.start_mark.index, event.end_mark.index)
        if isinstance(event, yaml.AliasEvent):
            span.means = self._anchors[str(event.anchor)]
            span.means.aliases.append(span.start)
            return span
        if event.anchor is not None:
            self._anchors[event.anchor] = span
        span.marked = event.anchor is not None or event.tag is not None
        span.tagged = event.tag is not None
        if isinstance(event, yaml.ScalarEvent):
            span.text, span.style = event.value, event.style or ""
            if span.style in ("|", ">"):
                span.end = self._content_end(span)
        else:
            span.flow = bool(event.flow_style)
            self._fill(span, isinstance(event, yaml.MappingStartEvent))
        return span

    def _content_end(self, span: Span) -> int:
        written = self._text[span.start : span.end]
        header = written[: line_end(written, 0)].partition("#")[0]
        if "+" in header:
            last = _LAST_BREAK.search(written)
            return span.start + (last.start() if last else len(written))
        return span.start + line_end(written, len(written.rstrip(" \t\n\r\x85\u2028\u2029")))

    def _fill(self, span: Span, mapping: bool) -> None:
        reached = span.start
        items: list[Span] = []
        if mapping:
            span.entries = []
        else:
            span.items = items
        while type(event := next(self._events)) not in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            first = self._value(event)
            if span.entries is not None:
                span.entries.append((first, self._value(next(self._events))))
                reached = span.entries[-1][1].end
                continue
            if not span.flow and (dash := _BETWEEN.match(self._text, reached)) is not None:
                span.dashes.append(dash.end())
            items.append(first)
            reached = first.end
        span.end = event.end_mark.index if span.flow else reached
