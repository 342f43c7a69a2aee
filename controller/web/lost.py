"""Lost: a browser that goes where nothing is, or where only a form goes: a page with the way on. Programs get problems."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from controller.core.errors import HomelabError
from controller.usecases.access import Actor, Denied, Throttled
from controller.web import page
from controller.web.call import Call, Face, Reply
from controller.web.gate import actor_of
from controller.web.problem import Problem

_PROGRAMS = ("/api/", "/static/", "/hooks/", "/metrics", "/livez", "/readyz", "/badge/")


def by_browser(request: Request) -> bool:
    """True for somebody who goes there with a browser, to a place that is for people."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_PROGRAMS)


def told(face: Face, call: Call, path: str, found: Problem) -> Reply:
    """The page. Whoever is not known, or was sent by another site, is a stranger on it."""
    return page.problem(face, replace(call, actor=_actor(face, call)), found, path)


def _actor(face: Face, call: Call) -> Actor | None:
    try:
        return actor_of(face, call, "")
    except (Denied, Throttled, Problem, HomelabError):
        return None
