"""What a person can go to: every view of the page in the order of its navigation. A view whose path has no route is not shown."""

from __future__ import annotations

from dataclasses import dataclass

from controller.usecases.access import Scope


@dataclass(frozen=True, slots=True)
class View:
    """One entry of the navigation. `letter` is pressed after `g`; `icon` is a name in `icons.html`; `scope` is what its path
    asks for."""

    name: str
    path: str
    title: str
    letter: str
    icon: str
    scope: Scope = Scope.READ


VIEWS = (
    View("overview", "/", "Overview", "o", "orbit"),
    View("plan", "/plan", "Plan", "p", "plan", Scope.PLAN),
    View("proposals", "/proposals", "Proposals", "r", "inbox"),
    View("history", "/history", "History", "h", "clock"),
    View("domains", "/domains", "Domains", "d", "globe"),
    View("topology", "/topology", "Topology", "t", "graph"),
    View("audit", "/audit", "Audit", "a", "list"),
    View("settings", "/settings", "Settings", "s", "gear"),
)
