"""Near: what somebody may have meant who went where nothing is. Only what they may see, and never the words that they sent."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from urllib.parse import quote

from controller.usecases.access import Scope
from controller.web.call import Call, Face
from controller.web.views.table import VIEWS

_LONGEST, _MOST, _ALIKE = 64, 3, 0.6
_NEARLY = 0.15
"""How much less alike than the best is still offered."""


def near(face: Face, call: Call, path: str) -> tuple[tuple[str, str], ...]:
    """Views and resources whose names are like the last parts of a path: their names and addresses, the most alike first."""
    actor, report = call.actor, face.report
    if actor is None or not actor.may(Scope.READ):
        return ()
    views = {view.path: view.title for view in VIEWS if view.path in face.paths and actor.may(view.scope) and view.path != "/"}
    keys = [str(status.key) for status in report.statuses] if report is not None else []
    found = [(views[place], place) for place in alike(path, views)]
    return (*found, *((key, _page(key)) for key in alike(path, keys)))[:_MOST]


def alike(path: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names (`service/plex`, `/plan`) that the end of a path is like: as a whole, or by their last part. Pure."""
    steps = [step[:_LONGEST].lower() for step in path.split("/") if step][-2:]
    if not steps:
        return ()
    scores: dict[str, float] = {}
    for name in names:
        whole = name.strip("/").lower()
        last = whole.rpartition("/")[2]
        scores[name] = max(_ratio("/".join(steps), whole), _ratio(steps[-1], last) - 0.01)
    least = max(_ALIKE, max(scores.values(), default=0.0) - _NEARLY)
    good = sorted((name for name, score in scores.items() if score >= least), key=lambda name: (-scores[name], name))
    return tuple(good[:_MOST])


def _ratio(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other)
    return matcher.ratio() if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE else 0.0


def _page(key: str) -> str:
    kind, _, name = key.partition("/")
    return f"/resources/{quote(kind, safe='')}/{quote(name, safe='')}"
