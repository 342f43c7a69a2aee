"""How the house stands, as people read it, from its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.cli.show_findings import backend_lines, finding_lines
from controller.cli.show_plan import world
from controller.cli.text import Cell, Paint, long, table, visible

_SYNC = {"Synced": "green", "Drifted": "yellow", "Pending": "cyan", "Held": "yellow", "Failed": "red", "Unknown": "magenta"}
_HEALTH = {
    "Healthy": "green",
    "Progressing": "cyan",
    "Degraded": "red",
    "Suspended": "dim",
    "Missing": "yellow",
    "Unknown": "magenta",
}


def status_lines(status: Mapping[str, Any], now: float, paint: Paint) -> list[str]:
    """World, revisions and age in one line; what is wrong; one line per key; the counts."""
    lines = [_headline(status, now, paint)]
    lines += backend_lines(status.get("backends", {}), paint)
    lines += finding_lines(status.get("diagnostics", ()), paint)
    if status.get("reason"):
        lines.append(paint(f"! {visible(status['reason'])}", "yellow"))
    items = status.get("items", ())
    if not items:
        return [*lines, "", "nothing is declared and nothing is ours"]
    rows = [_row(item) for item in items]
    lines += ["", *table(("KEY", "SYNC", "HEALTH", "ON", "WHY"), rows, paint)]
    counts = ", ".join(f"{number} {name}" for name, number in sorted(status.get("counts", {}).items()))
    return [*lines, "", f"{len(items)} in all: {counts}"]


def _headline(status: Mapping[str, Any], now: float, paint: Paint) -> str:
    revision, live = visible(status["revision"]), visible(status["live"])
    parts = [f"world: {paint(world(status['world']), 'bold')}", f"git: {revision[:10] or 'no revision'}"]
    if live != revision:
        parts.append(f"reconciled: {live[:10] or 'nothing yet'}")
    parts.append(f"seen {long(now - status['at'])} ago")
    if status.get("leader"):
        parts.append(f"led by {visible(status['leader'])}")
    return "  ".join(parts)


def _row(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    sync, health = item["sync"], item["health"]
    return (
        item["key"],
        (sync, _SYNC.get(sync, "")),
        (health, _HEALTH.get(health, "")),
        "" if item["provider"] == "local" else item["provider"],
        _why(item),
    )


def _why(item: Mapping[str, Any]) -> str:
    """The reason, led by both truths where they differ."""
    attempted, applied = item["attempted"], item["applied"]
    truths = ""
    if item["sync"] not in ("Synced", "Drifted", "Unknown") and applied != attempted:
        running = applied[:10] if applied else "nothing of ours"
        truths = f"git wants {attempted[:10] or 'nothing'}, running {running}"
    held = f"homelab approve {item['rollout'][:12]}" if item["sync"] == "Held" and item.get("rollout") else ""
    return "; ".join(part for part in (truths, item["why"], held) if part)


def standing_lines(status: Mapping[str, Any], paint: Paint) -> list[str]:
    """Only what is not as git wants it, with why; one good line when everything is."""
    lines = backend_lines(status.get("backends", {}), paint) + finding_lines(status.get("diagnostics", ()), paint)
    rows = [_row(item) for item in status.get("items", ()) if item["sync"] != "Synced"]
    if rows:
        return [*lines, "", *table(("KEY", "SYNC", "HEALTH", "ON", "WHY"), rows, paint)]
    if status.get("reason"):
        return [*lines, paint(f"! {visible(status['reason'])}", "yellow")]
    return lines or [paint("everything is as git wants it", "green")]
