"""From parser events to trees: flat, within limits, collecting every problem on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from controller.clients.yaml.nodes import MERGE, OVERRIDE, RESET, SHOWN, Frame, Node, fold, key_problem, merge_problem
from controller.clients.yaml.syntax import explain
from controller.clients.yaml.text import Text
from controller.core.errors import Diagnostic, SpecError

MOST_NODES = 10_000
MOST_DEPTH = 40
MOST_TEXT = 4 << 20
MOST_DOCUMENTS = 10_000
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Tree:
    """One document. `offset` is where it starts in the text and `before` the lines before that, to read it alone again."""

    root: Node
    offset: int
    before: int


class _Stop(Exception):
    """A limit is passed: nothing more of this file is read."""


@dataclass
class Grower:
    """Grows the trees of one text, of which `source` may be a later part that starts after `before` lines."""

    text: Text
    source: str
    before: int = 0
    problems: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def trees(self) -> Iterator[Tree]:
        """Every document that says something, in order. Raises SpecError, with all problems, at the end."""
        parser, count = yaml.CBaseLoader(self.source), 0
        try:
            while (kind := type(event := _next(parser))) is not yaml.StreamEndEvent:
                if kind is not yaml.DocumentStartEvent:
                    continue
                mark, count = event.start_mark, count + 1
                if count > MOST_DOCUMENTS:
                    line = self.before + mark.line + 1
                    self.add(line, 1, f"the file has more than {MOST_DOCUMENTS:,} documents", "split it into several files")
                    break
                root = _Branches(self).document(parser)
                if not root.says_nothing:
                    yield Tree(root, mark.index - mark.column, self.before + mark.line)
        except yaml.MarkedYAMLError as error:
            line, column, message, hint = explain(error, self.source)
            self.problems.append(self.text.diagnostic(self.before + line + 1, column + 1, message, hint))
        except _Stop:
            pass
        if self.problems:
            raise SpecError(self.problems)

    def add(self, line: int, column: int, message: str, hint: str = "") -> None:
        """Note a problem at a place of the file (both count from 1)."""
        self.problems.append(self.text.diagnostic(line, column, message, hint))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Stop

    def told(self, line: int, column: int) -> bool:
        """True when a problem at this place was noted already."""
        return any((item.origin.line, item.origin.column) == (line, column) for item in self.problems)


def _next(parser: yaml.CBaseLoader) -> Any:
    return parser.get_event()


class _Branches:
    """The growing of one document."""

    def __init__(self, grower: Grower) -> None:
        self._grower = grower
        self._stack: list[Frame] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._size = 0

    def document(self, parser: yaml.CBaseLoader) -> Node:
        """Take the events of one document up to its end."""
        while True:
            event = _next(parser)
            kind = type(event)
            if kind is yaml.ScalarEvent:
                # The same few keys stand in thousands of entries: one text for all.
                written = self._grower.texts.setdefault(event.value, event.value)
                done = self._place(self._node(event, written, not event.style))
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(self._node(event), kind is yaml.MappingStartEvent)
                continue
            elif kind is yaml.AliasEvent:
                done = self._place(self._aliased(event))
            else:
                done = self._close()
            if done is not None:
                return done

    def _node(self, event: Any, written: str = "", plain: bool = False) -> Node:
        mark = event.start_mark
        node = Node(self._grower.before + mark.line + 1, mark.column + 1, written, plain)
        if event.tag is not None:
            node.tag = self._tag(node, event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._count(node, node)
        return node

    def _tag(self, node: Node, tag: str) -> str:
        if tag in (RESET, OVERRIDE):
            return tag
        shown = tag.replace("tag:yaml.org,2002:", "!!")[:SHOWN]
        hint = "leave it out; put the value in quotes to make it text"
        if shown in ("!secret", "!env_var"):
            hint = "write {ref: name/of/secret} where the kind takes a secret; automations, scripts and scenes take none"
        if shown == "!input":
            hint = "a blueprint stays in Home Assistant; fill it in under `use_blueprint: {path: …, input: …}`"
        self._grower.add(node.line, node.column, f"the tag {shown} is not allowed (only {RESET} and {OVERRIDE} are)", hint)
        return ""

    def _aliased(self, event: Any) -> Node:
        line, column = self._grower.before + event.start_mark.line + 1, event.start_mark.column + 1
        here = Node(line, column)
        name = event.anchor[:SHOWN]
        node = self._anchors.get(event.anchor)
        if node is None:
            self._grower.add(line, column, f"*{name} names no anchor above it", f"write &{name} before the value it means")
            return here
        if node.open:
            self._grower.add(line, column, f"*{name} stands inside the value it names", "a value cannot contain itself")
            return here
        self._count(node, here)
        if len(self._stack) + node.height > MOST_DEPTH:
            self._too_deep(here)
        return node

    def _count(self, node: Node, at: Node) -> None:
        self._nodes += node.nodes
        self._size += node.size
        if self._nodes > MOST_NODES or self._size > MOST_TEXT:
            what = f"{MOST_NODES:,} values" if self._nodes > MOST_NODES else f"{MOST_TEXT >> 20} MiB of text"
            message = f"the document has more than {what} once its aliases are written out"
            self._grower.add(at.line, at.column, message, "split it into several documents, or use fewer aliases")
            raise _Stop

    def _open(self, node: Node, mapping: bool) -> None:
        if len(self._stack) >= MOST_DEPTH:
            self._too_deep(node)
        if mapping:
            node.entries = {}
        else:
            node.items = []
        node.open = True
        node.nodes, node.size = self._nodes - 1, self._size
        self._stack.append(Frame(node))

    def _too_deep(self, at: Node) -> None:
        self._grower.add(at.line, at.column, f"lists and mappings are nested more than {MOST_DEPTH} deep", "make it flatter")
        raise _Stop

    def _close(self) -> Node | None:
        frame = self._stack.pop()
        node = frame.node
        node.nodes, node.size, node.open = self._nodes - node.nodes, self._size - node.size, False
        node.height += 1
        if frame.merged is not None:
            fold(node, frame.merged)
        return self._place(node)

    def _place(self, node: Node) -> Node | None:
        """Put a finished node where it belongs; gives it back when it is the whole document."""
        if not self._stack:
            return node
        frame = self._stack[-1]
        parent = frame.node
        parent.height = max(parent.height, node.height)
        if parent.items is not None:
            parent.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key, frame.key = frame.key, None
            self._enter(frame, key, node)
        return None

    def _enter(self, frame: Frame, key: Node, node: Node) -> None:
        if found := key_problem(key):
            self._grower.add(key.line, key.column, *found)
            return
        name, entries = key.written, frame.node.entries
        merge = name == MERGE and key.plain
        first = frame.merged if merge else entries[name][0] if entries and name in entries else None
        if first is not None:
            hint = "give both mappings to one `<<` as a list: `<<: [*one, *two]`" if merge else "remove one of them"
            self._grower.add(key.line, key.column, f"`{name[:SHOWN]}` is written twice; the first is on line {first.line}", hint)
        elif not merge:
            frame.node.entries = entries if entries is not None else {}
            frame.node.entries[name] = (key, node)
        elif problem := merge_problem(node):
            if not self._grower.told(node.line, node.column):
                self._grower.add(node.line, node.column, problem, "for example `<<: *name`")
        else:
            frame.merged = node
