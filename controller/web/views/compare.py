"""Compare: two revisions held against each other, by fields and by lines."""

from __future__ import annotations

from controller.core.errors import Refused
from controller.web import page
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.reads_estate import CompareQuery, compared
from controller.web.views.diffs import Group, groups

_MOST_KEYS = 200


def show(face: Face, call: Call) -> Reply:
    """What differs; a form for two others stays with it, also when one of them is unknown."""
    found, wrong, status = None, "", 200
    try:
        found = compared(face, call)
    except Refused as error:
        wrong, status = str(error), 409
    except Problem as error:
        if error.status != 404:
            raise
        wrong, status = error.detail, 404
    lines: dict[str, tuple[tuple[Group, ...], ...]] = {}
    if found is not None:
        lines = {file.path: tuple(tuple(groups(hunk)) for hunk in file.hunks) for file in found.files}
    about = {"found": found, "wrong": wrong, "lines": lines, "query": call.query, "most": _MOST_KEYS}
    crumbs = (("History", "/history"),)
    return page.render(
        face, call, "compare.html", about, title="Compare", view="history", crumbs=crumbs, status=status, live=False
    )


ROUTES: Routes = {"/compare": {"GET": page.looks(show, "What differs.", query=CompareQuery, lane=Lane.SLOW)}}
