"""Uptime and history by day as people read them, from their JSON form. Each word of a day is a sign of its own, in any colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.cli.text import Cell, Paint, counted, long, table, visible

_SIGNS = {"good": ("|", "green"), "degraded": ("!", "yellow"), "down": ("x", "red"), "unseen": (".", "dim")}
_LEGEND = "| good   ! degraded   x down   . not looked at"
_A_LINE = 30
_SHOWN = 30
"""Days that are drawn of each of many keys."""


def uptime_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """One key: a sentence, a sign for each day, and the days on which it was not good all the time."""
    days = found["days"]
    span = f"{counted(len(days), 'day')} in {_zone(found)}"
    yield f"{paint(visible(found['key']), 'bold')}  {_percent(found)} in {span}"
    for start in range(0, len(days), _A_LINE):
        part = days[start : start + _A_LINE]
        yield f"  {part[0]['date']}  {_bars([day['stands'] for day in part], paint)}"
    yield f"  {_LEGEND}"
    worse = [day for day in days if day["degraded"] or day["down"]]
    if worse:
        yield ""
        rows = [(day["date"], *map(_span, (day["good"], day["degraded"], day["down"], day["unseen"]))) for day in worse]
        yield from table(("DAY", "GOOD", "DEGRADED", "DOWN", "NOT LOOKED AT"), rows, paint)


def uptimes_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """One line per key, worst first."""
    if not found["items"]:
        yield "nothing is recorded yet: a running controller does it"
        return
    rows: list[Sequence[Cell]] = [
        (
            item["key"],
            "" if item["percent"] is None else f"{item['percent']:.2f} %",
            _span(item["degraded"]),
            _span(item["down"]),
            "".join(_SIGNS[word][0] for word in item["days"][-_SHOWN:]),
        )
        for item in found["items"]
    ]
    yield f"of the time that was observed from {found['first']} to {found['last']} in {_zone(found)}"
    yield ""
    shown = min(_SHOWN, len(found["items"][0]["days"]))
    yield from table(("KEY", "GOOD", "DEGRADED", "DOWN", f"LAST {counted(shown, 'DAY').upper()}"), rows, paint)
    yield f"  {_LEGEND}"


def history_days_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """A line per day on which something was done, and all of them."""
    whole = found["whole"]
    if not whole["runs"]:
        yield f"nothing was done in {counted(len(found['days']), 'day')}"
        return
    days = [day for day in found["days"] if day["runs"]]
    rows = [(day["date"], *_runs(day)) for day in reversed(days)]
    rows.append((("all", "bold"), *_runs(whole)))
    yield from table(("DAY", "RUNS", "APPLIED", "ROLLED BACK", "FAILED", "OTHER", "USUALLY TOOK", "LONGEST"), rows, paint)
    quiet = len(found["days"]) - len(days)
    if quiet:
        yield f"on {counted(quiet, 'day')} nothing was done; days are those of {_zone(found)}"


def _runs(day: Mapping[str, Any]) -> tuple[Cell, ...]:
    counts = (("runs", ""), ("applied", "green"), ("rolled_back", "yellow"), ("failed", "red"), ("other", "dim"))
    return (
        *((str(day[name]) if day[name] else "-", style if day[name] else "dim") for name, style in counts),
        *("" if day[name] is None else long(day[name]) for name in ("median", "longest")),
    )


def _percent(found: Mapping[str, Any]) -> str:
    if found["percent"] is None:
        return "nobody looked at it"
    return f"{found['percent']:.2f} % good of the {long(found['good'] + found['degraded'] + found['down'])} that were observed"


def _span(seconds: float) -> str:
    return long(seconds) if seconds else "-"


def _bars(words: Sequence[str], paint: Paint) -> str:
    return "".join(paint(*_SIGNS[word]) for word in words)


def _zone(found: Mapping[str, Any]) -> str:
    return visible(found["zone"]) or "local time"
