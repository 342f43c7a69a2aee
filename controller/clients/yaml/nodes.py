"""What a document consists of, with positions. Aliases share the node they name and `<<` is folded in: a graph without cycles."""

from __future__ import annotations

from controller.clients.yaml.scalars import Scalar, plain_scalar

RESET, OVERRIDE = "!reset", "!override"
MERGE = "<<"
SHOWN = 60
"""Characters of a name that a message repeats."""
_NOT_TEXT = {bool: "true or false", int: "a number", float: "a number", type(None): "empty (null)"}


class Node:
    """One value as it is written: a list (`items`), a mapping (`entries`: key node and value node by key), else `written` text.

    Lines and columns count from 1; `nodes`, `size` (characters) and `height` are what it and all below it add up to."""

    __slots__ = ("column", "entries", "height", "items", "line", "nodes", "open", "plain", "size", "tag", "written")

    def __init__(self, line: int, column: int, written: str = "", plain: bool = False) -> None:
        self.line = line
        self.column = column
        self.written = written
        self.plain = plain
        self.tag = ""
        self.items: list[Node] | None = None
        self.entries: dict[str, tuple[Node, Node]] | None = None
        self.nodes = 1
        self.size = len(written)
        self.height = 0
        self.open = False

    @property
    def is_text(self) -> bool:
        """Neither a list nor a mapping."""
        return self.items is None and self.entries is None

    @property
    def says_nothing(self) -> bool:
        """An empty document."""
        return self.plain and not self.written and not self.tag

    def scalar(self) -> Scalar:
        """The value of a text. Raises ValueError for a number that cannot be kept."""
        return plain_scalar(self.written) if self.plain else self.written


class Frame:
    """An open list or mapping: its node, the key that waits for a value, the mappings to fold in."""

    __slots__ = ("key", "merged", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key: Node | None = None
        self.merged: Node | None = None


def key_problem(key: Node) -> tuple[str, str] | None:
    """What is wrong with a key, and the fix; None when it is text."""
    if not key.is_text:
        return "a list or a mapping cannot be a key", "write the key as text"
    if key.tag:
        return f"the tag {key.tag} cannot stand before a key", "put it before the value"
    try:
        value = key.scalar()
    except ValueError:
        value = 0
    if type(value) is str:
        return None
    shown = key.written[:SHOWN]
    what = _NOT_TEXT.get(type(value), "a number or a date to some readers")
    return f"the key `{shown}` is {what}, not text", f'write it in quotes: "{shown}"'


def merge_problem(value: Node) -> str:
    """What is wrong with the value of `<<`, or ""."""
    if all(source.entries is not None and not source.tag for source in value.items or [value]):
        return ""
    return "`<<` takes a mapping, or a list of mappings"


def fold(target: Node, merged: Node) -> None:
    """Add the entries of the merged mappings; what the target says itself wins, then the earlier mapping."""
    entries = target.entries or {}
    for source in merged.items or [merged]:
        for name, entry in (source.entries or {}).items():
            entries.setdefault(name, entry)
    target.entries = entries
