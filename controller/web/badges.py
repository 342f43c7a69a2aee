"""Badges and the summary: how things stand, for pages of others. Both answer from the last report."""

from __future__ import annotations

from html import escape

from controller.core.event import Report, Status, Sync
from controller.core.key import Key
from controller.core.state import Health
from controller.usecases.access import Scope
from controller.usecases.summary import Summary, summary, waiting_proposals
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.problem import Problem

SVG = "image/svg+xml"
_GOOD, _WAITS, _BAD, _QUIET = "#2e7d32", "#8a5a00", "#b3261e", "#5f6368"
_SYNC = {
    Sync.SYNCED: _GOOD,
    Sync.DRIFTED: _WAITS,
    Sync.PENDING: _WAITS,
    Sync.HELD: _WAITS,
    Sync.FAILED: _BAD,
    Sync.SUSPENDED: _QUIET,
    Sync.UNKNOWN: _QUIET,
}
_HEALTH = {Health.DEGRADED: _BAD, Health.MISSING: _BAD, Health.PROGRESSING: _WAITS, Health.UNKNOWN: _QUIET}
_LETTER, _PAD, _LONGEST = 7, 6, 60


def routes() -> Routes:
    """The operations, by path and method."""
    return {
        "/badge/{kind}/{name}.svg": {
            "GET": Operation(badge, "How one key stands, as a picture.", Scope.READ, media=SVG, etag=True, problems=(404, 503))
        },
        "/api/v1/summary": {
            "GET": Operation(sums, "The house in a few numbers, for dashboards.", Scope.READ, Summary, etag=True, problems=(503,))
        },
    }


def badge(face: Face, call: Call) -> Reply:
    """How one key stands."""
    try:
        key = Key.parse(f"{call.path['kind']}/{call.path['name']}")
    except ValueError as error:
        raise Problem(404, "not-found", str(error)) from error
    found = next((status for status in _report(face).statuses if status.key == key), None)
    if found is None:
        raise Problem(404, "not-found", f"{key} is neither declared nor ours")
    # Other pages of the house may show it; who may see it was asked before.
    return Reply(drawn(str(key), *_words(found)).encode(), media=SVG, headers={"Cross-Origin-Resource-Policy": "cross-origin"})


def sums(face: Face, _call: Call) -> Reply:
    """The house in a few numbers."""
    return Reply(summary(_report(face), waiting_proposals(face.desk.look.store)))


def _report(face: Face) -> Report:
    if face.report is None:
        raise Problem(503, "not-ready", "the first pass has not ended yet", {"Retry-After": "1"})
    return face.report


def _words(status: Status) -> tuple[str, str]:
    """What a badge says of a key, and in which colour."""
    if status.sync is Sync.SYNCED and status.health in _HEALTH:
        return status.health.value, _HEALTH[status.health]
    return status.sync.value, _SYNC[status.sync]


def drawn(label: str, word: str, colour: str) -> str:
    """A badge with two halves. Colours are attributes: a style would need leave of the content policy."""
    label = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
    left, right = len(label) * _LETTER + 2 * _PAD, len(word) * _LETTER + 2 * _PAD
    name, said = escape(label), escape(word)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}: {said}">'
        f"<title>{name}: {said}</title>"
        f'<rect width="{left + right}" height="20" rx="3" fill="#3c4043"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 2 * _PAD}" lengthAdjust="spacingAndGlyphs">{name}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 2 * _PAD}" lengthAdjust="spacingAndGlyphs">{said}</text>'
        "</g></svg>"
    )
