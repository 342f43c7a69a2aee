"""Whom a change of a route lets in. Pure."""

from __future__ import annotations

from controller.core.state import State
from controller.kinds.route.render import EVERYBODY


def widens(before: State, after: State) -> str:
    """Why a person is asked before a route is opened to everybody, "" when it is not or was open before."""
    if after.get("allow") != EVERYBODY or before.get("allow") in (None, EVERYBODY):
        return ""
    return f"opens {', '.join(after.get('hosts') or ())}, so far not public, to everybody"
