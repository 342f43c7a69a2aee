"""Runs, events and single resources as people read them, from their JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.cli.show_plan import MARKS
from controller.cli.text import Cell, Paint, counted, long, table, visible, visible_lines, when

_OUTCOMES = {
    "Applied": "green",
    "Unchanged": "green",
    "Held": "yellow",
    "Denied": "red",
    "Waiting": "yellow",
    "Superseded": "dim",
    "RolledBack": "red",
    "Stuck": "red bold",
    "Failed": "red bold",
    "Running": "cyan",
}
_BODIES, _REPEATED = frozenset(["automation", "script", "scene"]), frozenset(["raw", "promised"])
"""Kinds whose state says, for the machine, the same thing more than once, and under which names."""
_SEVERITIES = {"warning": "yellow", "error": "red"}


def history_lines(runs: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    """One line per run, newest first."""
    if not runs:
        return ["nothing was done yet"]
    rows: list[Sequence[Cell]] = [
        (
            run["id"],
            when(run["started"]),
            _took(run),
            _outcome(run["outcome"]),
            run["revision"][:10],
            f"{run['cause']} by {run['by']}" if run["by"] else run["cause"],
            _did(run),
        )
        for run in runs
    ]
    return table(("RUN", "STARTED", "TOOK", "OUTCOME", "REVISION", "CAUSE", "CHANGES"), rows, paint)


def _took(run: Mapping[str, Any]) -> str:
    return long(run["finished"] - run["started"]) if run["finished"] else "-"


def _outcome(outcome: str) -> Cell:
    return outcome, _OUTCOMES.get(outcome, "")


def _did(run: Mapping[str, Any]) -> str:
    changes = run.get("changes", ())
    shown = ", ".join(f"{MARKS.get(action, ('*', ''))[0]}{key}" for key, action, _ in changes[:3])
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    reason = f"; {run['reason']}" if run["reason"] else ""
    return shown + more + reason


def run_lines(run: Mapping[str, Any], paint: Paint) -> list[str]:
    """One run with its rollouts and every step that was taken."""
    outcome = run["outcome"]
    lines = [
        f"run {paint(visible(run['id']), 'bold')}  {paint(visible(outcome), _OUTCOMES.get(outcome, ''))}",
        f"  revision  {visible(run['revision'])}",
        f"  cause     {visible(run['cause'])}" + (f" by {visible(run['by'])}" if run["by"] else ""),
        f"  started   {when(run['started'])}, took {_took(run)}",
    ]
    if run["reason"]:
        lines.append(f"  reason    {visible(run['reason'])}")
    for digest, ended, reason in run["rollouts"]:
        lines.append(f"  rollout   {visible(digest)[:12]} {visible(ended)}" + (f": {visible(reason)}" if reason else ""))
    rows = [
        (str(step["number"]), when(step["at"])[11:], step["key"], step["action"], step["step"], step["note"] or step["cause"])
        for step in run.get("steps", ())
    ]
    return [*lines, "", *table(("#", "AT", "KEY", "ACTION", "STEP", "NOTE"), rows, paint)] if rows else lines


def event_line(event: Mapping[str, Any], paint: Paint) -> str:
    """One event on one line."""
    style = _SEVERITIES.get(event["severity"], "")
    key = f" {visible(event['key'])}" if event["key"] else ""
    return f"{when(event['at'])} {paint(visible(event['reason']), style or 'bold')}{key}: {visible(event['message'])}"


def resource_lines(found: Mapping[str, Any], paint: Paint) -> list[str]:
    """Everything known about one key: how it stands, what is declared, what is there, what was applied last."""
    status = found.get("status") or {}
    stands = f"{visible(status.get('sync', ''))} {visible(status.get('health', ''))}"
    lines = [f"{paint(visible(status.get('key', 'resource')), 'bold')}  {stands}"]
    facts = (
        ("why", status.get("why", "")),
        ("declared at", found["origin"]),
        ("address", status.get("address", "")),
        ("held by", status.get("provider", "")),
        ("handle", found["handle"]),
        ("needs", ", ".join(found["needs"])),
        ("claims", ", ".join(found["claims"])),
        ("applied", status.get("applied", "")),
    )
    lines += [f"  {name:<12}{visible(text)}" for name, text in facts if text]
    shown: dict[str, Any] = {}
    for title, name in (("desired", "desired"), ("observed", "observed"), ("applied last", "applied")):
        state = _for_people(found[name], status.get("key", ""))
        same = next((before for before, other in shown.items() if state is not None and state == other), "")
        shown[title] = state
        told = [f"  the same as {same}"] if same else _tree(state, "  ") if state is not None else ["  nothing"]
        lines += ["", paint(title, "bold"), *told]
    return lines


def _for_people(state: Any, key: str) -> Any:
    """A state without what only repeats, for the machine, what other fields of it say."""
    if isinstance(state, Mapping) and key.partition("/")[0] in _BODIES:
        return {name: item for name, item in state.items() if name not in _REPEATED}
    return state


def _tree(data: Any, indent: str) -> Iterable[str]:
    """Data as indented lines, in the look of YAML."""
    if isinstance(data, Mapping) and data:
        for name, item in data.items():
            yield from _branch(f"{indent}{visible(name)}:", item, indent)
    elif isinstance(data, (list, tuple)) and data:
        for item in data:
            yield from _branch(f"{indent}-", item, indent)
    else:
        yield f"{indent}{visible(json.dumps(data, ensure_ascii=False))}"


def _branch(head: str, item: Any, indent: str) -> Iterable[str]:
    if isinstance(item, (Mapping, list, tuple)) and item:
        yield head
        yield from _tree(item, indent + "  ")
    elif isinstance(item, str) and "\n" in item:
        yield f"{head} |"
        yield from (f"{indent}  {line}" for line in visible_lines(item))
    else:
        text = item if isinstance(item, str) and item else json.dumps(item, ensure_ascii=False)
        yield f"{head} {visible(text)}"


def revision_lines(revision: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    """One commit and what was done for it."""
    lines = [
        f"revision {paint(visible(revision['id']), 'bold')}",
        f"  author   {visible(revision['author'])}",
        f"  at       {when(revision['at'])}",
        *(f"  {line}" for line in visible_lines(revision["message"])),
        "",
    ]
    if not runs:
        return [*lines, "no run was made for it"]
    return [*lines, f"{counted(len(runs), 'run')}:", *history_lines(runs, paint)]
