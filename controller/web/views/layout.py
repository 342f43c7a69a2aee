"""A drawing of a graph in columns from left to right: places for nodes, curves for edges. The same graph has the same drawing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.usecases.topology import EdgeView, NodeView

WIDE, HIGH = 190, 52
"""Of the box of a node."""
_ACROSS, _DOWN, _MARGIN = 36, 12, 8
_SWEEPS = 4
_LINE = 20
"""Characters of a name that fit into a box."""
_FIRST = {"zone": 0, "record": 1, "certificate": 2, "route": 3}
_REST = 4


@dataclass(frozen=True, slots=True)
class Box:
    """A node with the place of its upper left corner, and its name cut to what fits."""

    node: NodeView
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge as a path of an SVG."""

    edge: EdgeView
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything with its place; `width` and `height` hold all of it."""

    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    width: int
    height: int


def laid_out(nodes: Sequence[NodeView], edges: Iterable[EdgeView]) -> Drawing:
    """Places for all nodes, in the order of their ways. Edges to what is not among the nodes are left out."""
    names = {node.id: node for node in nodes}
    kept = [edge for edge in edges if edge.source in names and edge.target in names]
    columns = _columns(names, kept)
    rows = _rows(columns, kept)
    places = {name: (column, rows[name]) for name, column in columns.items()}
    boxes = tuple(
        Box(names[name], _MARGIN + column * (WIDE + _ACROSS), _MARGIN + row * (HIGH + _DOWN), cut(names[name].name))
        for name, (column, row) in places.items()
    )
    at = {box.node.id: box for box in boxes}
    return Drawing(
        boxes=tuple(sorted(boxes, key=lambda box: (box.x, box.y))),
        curves=tuple(Curve(edge, _curve(at[edge.source], at[edge.target])) for edge in kept),
        width=max((box.x for box in boxes), default=0) + WIDE + _MARGIN,
        height=max((box.y for box in boxes), default=0) + HIGH + _MARGIN,
    )


def cut(text: str) -> str:
    """As much of a name as fits into a box."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"


def _columns(names: Mapping[str, NodeView], edges: Sequence[EdgeView]) -> dict[str, int]:
    """The column of each node: the way of a host has its own ones, everything else stands behind all that comes before it. What
    goes in a circle stays where it was first met."""
    found = {name: _FIRST.get(node.kind, _REST) for name, node in names.items()}
    after: dict[str, list[str]] = {}
    waits = dict.fromkeys(names, 0)
    for edge in edges:
        after.setdefault(edge.source, []).append(edge.target)
        waits[edge.target] += 1
    ready = deque(name for name in names if not waits[name])
    while ready:
        name = ready.popleft()
        for target in after.get(name, ()):
            if names[target].kind not in _FIRST:
                found[target] = max(found[target], found[name] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    used = {column: at for at, column in enumerate(sorted(set(found.values())))}
    return {name: used[column] for name, column in found.items()}


def _rows(columns: Mapping[str, int], edges: Sequence[EdgeView]) -> dict[str, int]:
    """The row of each node: beside what it hangs together with, as far as there is room. What does not hang together at all
    stands in bands of its own."""
    beside: dict[str, list[str]] = {name: [] for name in columns}
    for edge in edges:
        beside[edge.source].append(edge.target)
        beside[edge.target].append(edge.source)
    rows: dict[str, int] = {}
    top = 0
    for band in _bands(beside, columns):
        inner = _band_rows(band, columns, beside)
        rows |= {name: top + row for name, row in inner.items()}
        top += max(inner.values()) + 1
    return rows


def _bands(beside: Mapping[str, Sequence[str]], columns: Mapping[str, int]) -> list[list[str]]:
    """Nodes that hang together, each band from its leftmost node on."""
    found: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(beside, key=lambda name: (columns[name], name)):
        if start in seen:
            continue
        seen.add(start)
        band, waiting = [], [start]
        while waiting:
            name = waiting.pop()
            band.append(name)
            for other in sorted(beside[name], reverse=True):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        found.append(band)
    return found


def _band_rows(band: Sequence[str], columns: Mapping[str, int], beside: Mapping[str, Sequence[str]]) -> dict[str, int]:
    by_column: dict[int, list[str]] = {}
    for name in band:
        by_column.setdefault(columns[name], []).append(name)
    rows = {name: row for several in by_column.values() for row, name in enumerate(several)}
    for sweep in range(_SWEEPS):
        order = sorted(by_column, reverse=bool(sweep % 2))
        for column in order:
            _settle(by_column[column], rows, beside)
    lowest = min(rows.values())
    return {name: row - lowest for name, row in rows.items()}


def _settle(column: Sequence[str], rows: dict[str, int], beside: Mapping[str, Sequence[str]]) -> None:
    """Each node of a column at the middle of its neighbours, one below the other."""
    middles = {
        name: sum(rows[other] for other in beside[name]) / len(beside[name]) if beside[name] else rows[name] for name in column
    }
    free = 0
    for name in sorted(column, key=lambda name: (middles[name], rows[name], name)):
        rows[name] = free = max(free, round(middles[name]))
        free += 1


def _curve(one: Box, other: Box) -> str:
    start, end = (one.x + WIDE, one.y + HIGH // 2), (other.x, other.y + HIGH // 2)
    if one.x >= other.x:  # back, or within a column
        end = (other.x + WIDE, end[1])
        out = start[0] + _ACROSS // 2
        return f"M{start[0]} {start[1]}C{out} {start[1]} {out} {end[1]} {end[0]} {end[1]}"
    middle = (start[0] + end[0]) // 2
    return f"M{start[0]} {start[1]}C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}"
