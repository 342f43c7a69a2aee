"""How the house stands, as people read it, from its JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.cli.show_findings import backend_lines, finding_lines
from controller.cli.show_plan import world
from controller.cli.show_reasons import Reasons
from controller.cli.text import Cell, Paint, long, table, visible, width, wrapped

_SYNC = {
    "Synced": "green",
    "Drifted": "yellow",
    "Pending": "cyan",
    "Held": "yellow",
    "Failed": "red",
    "Suspended": "dim",
    "Unknown": "magenta",
}
_HEALTH = {
    "Healthy": "green",
    "Progressing": "cyan",
    "Degraded": "red",
    "Suspended": "dim",
    "Missing": "yellow",
    "Unknown": "magenta",
}


_HEAD = ("KEY", "SYNC", "HEALTH", "ON")
_NARROW = 24


def status_lines(status: Mapping[str, Any], now: float, paint: Paint) -> list[str]:
    """World, revisions and age in one line; what is wrong; one line per key; the counts."""
    lines = [_headline(status, now, paint)]
    lines += backend_lines(status.get("backends", {}), paint)
    lines += finding_lines(status.get("diagnostics", ()), paint)
    lines += _reason_lines(status, paint)
    for name, why in sorted(status.get("untold", {}).items()):
        said = f"! messages to {name} do not arrive: {visible(why)}"
        lines += [paint(line, "yellow") for line in wrapped(said, paint.columns, "  ")]
    items = status.get("items", ())
    if not items:
        return [*lines, "", "nothing is declared and nothing is ours"]
    lines += ["", *_table(items, status, paint)]
    counts = ", ".join(f"{number} {name}" for name, number in sorted(status.get("counts", {}).items()))
    return [*lines, "", f"{len(items)} in all: {counts}"]


def _reason_lines(status: Mapping[str, Any], paint: Paint) -> list[str]:
    reason = status.get("reason")
    return [paint(line, "yellow") for line in wrapped(f"! {visible(reason)}", paint.columns, "  ")] if reason else []


def _headline(status: Mapping[str, Any], now: float, paint: Paint) -> str:
    revision, live = visible(status["revision"]), visible(status["live"])
    parts = [f"world: {paint(world(status['world']), 'bold')}", f"git: {revision[:10] or 'no revision'}"]
    if live != revision:
        parts.append(f"reconciled: {live[:10] or 'nothing yet'}")
    parts.append(f"seen {long(now - status['at'])} ago")
    if status.get("leader"):
        parts.append(f"led by {visible(status['leader'])}")
    return "  ".join(parts)


def _table(items: Sequence[Mapping[str, Any]], status: Mapping[str, Any], paint: Paint) -> list[str]:
    """One short line per key, and below them what several have in common or what would not fit."""
    facts = [_facts(item) for item in items]
    room = 0
    if paint.columns:
        columns = [[_text(cells[index]) for cells in facts] for index in range(len(_HEAD))]
        taken = [max(map(width, (head, *texts))) + 2 for head, texts in zip(_HEAD, columns, strict=True) if any(texts)]
        room = max(paint.columns - sum(taken), _NARROW)
    reasons = Reasons(items, status.get("backends", {}), room)
    rows = [(*cells, reasons.short(item)) for cells, item in zip(facts, items, strict=True)]
    return [*table((*_HEAD, "WHY"), rows, paint), *reasons.notes(paint)]


def _facts(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    sync, health = item["sync"], item["health"]
    return (
        item["key"],
        (sync, _SYNC.get(sync, "")),
        (health, _HEALTH.get(health, "")),
        "" if item["provider"] == "local" else item["provider"],
    )


def _text(cell: Cell) -> str:
    return visible(cell if isinstance(cell, str) else cell[0])


def standing_lines(status: Mapping[str, Any], paint: Paint, told: Mapping[str, str] | None = None) -> list[str]:
    """Only what is not as git wants it, with why; one good line when everything is. `told` is what was said of
    backends before."""
    backends = {name: reason for name, reason in status.get("backends", {}).items() if reason != (told or {}).get(name)}
    lines = backend_lines(backends, paint) + finding_lines(status.get("diagnostics", ()), paint)
    items = [item for item in status.get("items", ()) if item["sync"] != "Synced"]
    if items:
        return [*lines, "", *_table(items, status, paint)]
    if status.get("reason"):
        return [*lines, *_reason_lines(status, paint)]
    return lines or [paint("everything is as git wants it", "green")]
