"""Whom a change of a service lets in. Pure."""

from __future__ import annotations

from controller.core.state import State

_INSIDE = ("127.", "[::1]", "localhost:")


def widens(before: State, after: State) -> str:
    """Why a person is asked before a port that only this machine could reach is published to others, "" when none is."""
    was, wanted = before.get("ports") or {}, after.get("ports") or {}
    opened = [port for port in wanted if was.get(port) and _inside(was[port]) and not _inside(wanted[port])]
    return f"publishes {', '.join(sorted(opened))}, so far for this machine only, to others" if opened else ""


def _inside(bindings: list[str]) -> bool:
    return all(binding.startswith(_INSIDE) for binding in bindings)
