"""Topology: what hangs on what, drawn and as a table that says the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controller.usecases.topology import EdgeView, NodeView, TopologyView
from controller.usecases.topology import topology as topology_seen
from controller.web import page
from controller.web.bodies import Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.views.layout import HIGH, WIDE, laid_out

MOST_DRAWN = 300
"""Things that are drawn; with more the table alone tells all."""


class PartQuery(Query):
    """Which part is shown: what hangs together with `around` ("" = everything)."""

    around: Annotated[str, Field(max_length=100)] = ""


def show(face: Face, call: Call) -> Reply:
    """The drawing and the table."""
    found = topology_seen(face.desk.look)
    nodes, edges = part(found, call.query.around) if found is not None else ((), ())
    ends = {edge.source for edge in edges} | {edge.target for edge in edges}
    drawn = tuple(node for node in nodes if node.id in ends)
    after: dict[str, list[EdgeView]] = {}
    before: dict[str, list[EdgeView]] = {}
    for edge in edges:
        after.setdefault(edge.source, []).append(edge)
        before.setdefault(edge.target, []).append(edge)
    about = {
        "found": found,
        "nodes": nodes,
        "after": after,
        "before": before,
        "names": {node.id: node for node in nodes},
        "drawing": laid_out(drawn, edges) if drawn and len(drawn) <= MOST_DRAWN else None,
        "many": len(drawn),
        "wide": WIDE,
        "high": HIGH,
        "around": call.query.around,
        "starts": tuple(node.id for node in found.nodes if node.kind in ("zone", "service")) if found is not None else (),
    }
    return page.render(face, call, "topology.html", about, title="Topology", view="topology", pace=5)


def part(found: TopologyView, around: str) -> tuple[tuple[NodeView, ...], tuple[EdgeView, ...]]:
    """What comes before and after one thing on its ways, or everything. Pure."""
    if not around:
        return found.nodes, found.edges
    forth: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for edge in found.edges:
        forth.setdefault(edge.source, []).append(edge.target)
        back.setdefault(edge.target, []).append(edge.source)
    kept = _reached(around, forth) | _reached(around, back)
    nodes = tuple(node for node in found.nodes if node.id in kept)
    return nodes, tuple(edge for edge in found.edges if edge.source in kept and edge.target in kept)


def _reached(start: str, ways: dict[str, list[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for name in ways.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


ROUTES: Routes = {"/topology": {"GET": page.looks(show, "What hangs on what.", query=PartQuery)}}
