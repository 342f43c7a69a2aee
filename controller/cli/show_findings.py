"""Findings about the specification, and backends that do not answer, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.cli.text import Paint, visible, visible_lines, wrapped

_STYLES = {"error": "red bold", "warning": "yellow", "info": "cyan"}


def finding_lines(findings: Iterable[Mapping[str, Any]], paint: Paint) -> list[str]:
    """Each finding: where, what, the source line, how to fix it."""
    lines: list[str] = []
    for item in findings:
        where = ":".join(visible(part) for part in (item["file"], item["line"], item["column"]) if part)
        severity = paint(visible(item["severity"]), _STYLES.get(item["severity"], ""))
        told = f"{severity}: {visible(item['message'])}"
        lines.append(f"{paint(where, 'bold')}: {told}" if where else told)
        lines += [f"    {line}" for line in visible_lines(item.get("snippet", ""))]
        if item.get("hint"):
            lines.append(f"  fix: {visible(item['hint'])}")
    return lines


def has_errors(findings: Iterable[Mapping[str, Any]]) -> bool:
    """True when at least one finding makes the specification invalid."""
    return any(item["severity"] == "error" for item in findings)


def backend_lines(backends: Mapping[str, str], paint: Paint) -> list[str]:
    """What is to be said of each backend that could not be looked at."""
    lines: list[str] = []
    for name, reason in sorted(backends.items()):
        if reason:
            told = f"! {visible(unreachable(name))}: {visible(reason.removeprefix(f'{name}: '))}"
            lines += [paint(line, "red") for line in wrapped(told, paint.columns, "  ")]
    return lines


def unreachable(name: str) -> str:
    """The short word for a backend that does not answer, where why was told before."""
    return f"{name} cannot be reached"
