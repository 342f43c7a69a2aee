"""The ratio table as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from math import isfinite

from benchmarks.peers import NEW, OLD
from benchmarks.timing import Row

_HEAD = (
    "measure",
    "engine",
    "ours",
    "floor",
    f"Compose {NEW}",
    f"Compose {OLD}",
    "÷ floor",
    f"× faster than {NEW}",
    f"× faster than {OLD}",
    "goal",
    "",
)


def render(rows: Sequence[Row], *, quick: bool) -> str:
    """The table with what is needed to read it."""
    cells = [_HEAD, tuple("---" for _ in _HEAD), *(_cells(row) for row in rows)]
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    met = [row.met for row in rows if row.met is not None]
    notes = list(dict.fromkeys(f"- {row.measure}: {row.note}" for row in rows if row.note))
    kernel = platform.release().partition("-")[0]
    head = [
        "# Measured" + (" (quick run)" if quick else ""),
        "",
        f"`make bench` on {os.cpu_count()} cores, Linux {kernel}, Python {platform.python_version()}.",
        "Values are best / median; ratios and goals use medians. Floor: the bare calls to the engine, to Caddy or to the name",
        "server, from Python; for records octoDNS. Floor, peers and ours take turns within one run, so that a busy machine",
        "slows all of them.",
        "",
    ]
    return "\n".join([*head, *lines, "", f"{sum(met)} of {len(met)} goals met.", *([""] if notes else []), *notes])


def _cells(row: Row) -> tuple[str, ...]:
    floor = f"{row.over_floor:.2f}" if row.over_floor is not None else ""
    verdict = "" if row.met is None else ("met" if row.met else "**missed**")
    peers = [str(row.peers[name]) if name in row.peers else "" for name in (NEW, OLD)]
    ratios = [row.under_peer(name) for name in (NEW, OLD)]
    faster = [f"{ratio:.1f}" if ratio is not None and isfinite(ratio) else "" for ratio in ratios]
    return (
        row.measure,
        row.engine,
        str(row.ours),
        str(row.floor) if row.floor is not None else "",
        *peers,
        floor,
        *faster,
        row.goal,
        verdict,
    )
