"""A plan as people read it, from its JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.cli.show_findings import backend_lines, finding_lines, unreachable
from controller.cli.text import Paint, both, counted, visible, visible_lines, wrapped

MARKS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "yellow"),
    "delete": ("-", "red"),
    "adopt": ("=", "cyan"),
    "forget": (".", "dim"),
    "ask": ("?", "magenta"),
}
_VERDICTS = {"allow": ("allowed", "green"), "hold": ("HELD", "yellow"), "deny": ("DENIED", "red")}
_MOST_FIELDS = 40
_PAGE = 100


def plan_lines(plan: Mapping[str, Any], paint: Paint) -> list[str]:
    """The whole plan: where from, what is wrong, every rollout, what is left alone, the sum."""
    lines = [_headline(plan, paint)]
    lines += backend_lines(plan.get("backends", {}), paint)
    lines += finding_lines(plan.get("diagnostics", ()), paint)
    if plan.get("reason"):
        lines += [paint(line, "yellow") for line in wrapped(f"! {visible(plan['reason'])}", paint.columns, "  ")]
    for rollout in plan.get("rollouts", ()):
        lines += ["", *rollout_lines(rollout, paint)]
    lines += _note_lines(plan.get("notes", ()), plan.get("backends", {}), paint)
    return [*lines, "", _sum(plan, paint)]


def _headline(plan: Mapping[str, Any], paint: Paint) -> str:
    revision, live = visible(plan["revision"]), visible(plan["live"])
    where = f"plan for {paint(revision[:10] or 'no revision', 'bold')}"
    if live and live != revision:
        where += f" (reconciled is {live[:10]})"
    return f"{where} on {world(plan['world'])}"


def world(name: str) -> str:
    """The world in plain words."""
    plain = visible(name) or "an unnamed world"
    return f"{plain} (simulated)" if plain.startswith("memory") and "simulated" not in plain else plain


def rollout_lines(rollout: Mapping[str, Any], paint: Paint) -> list[str]:
    """One rollout: verdict, digest, its changes with their fields, and what can be done about a held one."""
    word, style = _VERDICTS.get(rollout["verdict"], (visible(rollout["verdict"]), ""))
    digest = visible(rollout["digest"])[:12]
    why = f" by {visible(rollout['rule'])}: {visible(rollout['reason'])}" if rollout.get("reason") else ""
    head, *rest = wrapped(f"rollout {digest}  {word}{why}", paint.columns, "    ")
    start = f"rollout {digest}  {word}"
    lines = [head.replace(start, f"rollout {paint(digest, 'bold')}  {paint(word, style)}", 1), *rest]
    for change in rollout["changes"]:
        lines += change_lines(change, paint)
    if any(change["action"] == "ask" for change in rollout["changes"]):
        lines.append("  do this by hand, or take it back in git: it goes on by itself as soon as the world shows it")
    elif rollout["verdict"] == "hold":
        lines.append(f"  approve it with: {paint(f'homelab approve {digest}', 'bold')}")
    elif rollout["verdict"] == "deny":
        lines.append("  an approval cannot lift this; change the specification or the rules under policy/")
    return lines


def change_lines(change: Mapping[str, Any], paint: Paint) -> Iterable[str]:
    """One change: mark, key, cause, and each field old → new."""
    mark, style = MARKS.get(change["action"], ("*", ""))
    where = f" on {visible(change['provider'])}" if change.get("provider") not in ("", "local") else ""
    extra = f" ({change['reversal']} undo)" if change.get("reversal") not in ("exact", None) else ""
    key = paint(visible(change["key"]), style)
    yield f"  {paint(mark, style)} {key}{where}  {visible(change['action'])}: {visible(change['cause'])}{extra}"
    fields = change.get("fields", ())
    for field in fields[:_MOST_FIELDS]:
        old, new = both(field["old"], field["new"])
        yield f"      {visible(field['path'])}: {paint(old, 'red')} → {paint(new, 'green')}"
    if len(fields) > _MOST_FIELDS:
        yield f"      … and {counted(len(fields) - _MOST_FIELDS, 'more field')} (-o json shows all)"
    for line in visible_lines(change.get("instructions", "")):
        yield f"      {line}"
    if change.get("risks"):
        yield f"      risks: {', '.join(visible(risk) for risk in change['risks'])}"


def _note_lines(notes: Iterable[Mapping[str, Any]], backends: Mapping[str, str], paint: Paint) -> list[str]:
    """What is left alone: a reason that several keys have is told once."""
    told: dict[str, list[str]] = {}
    for note in notes:
        down = [name for name, reason in backends.items() if reason and note["reason"] == "Unknown" and reason in note["message"]]
        message = unreachable(down[0]) if down else note["message"]
        told.setdefault(f"{visible(note['reason'])}: {visible(message)}", []).append(visible(note["key"]))
    lines = []
    for reason, keys in told.items():
        first = f"{keys[0]}  {reason}" if len(keys) == 1 else reason
        head, *rest = wrapped(f"  ! {first}", paint.columns, "      ")
        lines += [head.replace("!", paint("!", "yellow"), 1), *rest]
        lines += wrapped(f"      {', '.join(keys)}", paint.columns or _PAGE, "      ") if len(keys) > 1 else []
    return ["", "left alone", *lines] if lines else []


def _sum(plan: Mapping[str, Any], paint: Paint) -> str:
    rollouts = plan.get("rollouts", ())
    if not rollouts:
        if plan.get("notes") or any(plan.get("backends", {}).values()) or plan.get("reason"):
            return "nothing to do for what could be planned"
        return paint("no changes: the world is as git wants it", "green")
    actions: dict[str, int] = {}
    for rollout in rollouts:
        for change in rollout["changes"]:
            actions[change["action"]] = actions.get(change["action"], 0) + 1
    verdicts: dict[str, int] = {}
    for rollout in rollouts:
        word = _VERDICTS.get(rollout["verdict"], (rollout["verdict"], ""))[0].lower()
        verdicts[word] = verdicts.get(word, 0) + 1
    does = ", ".join(f"{actions[action]} to {action}" for action in MARKS if action in actions)
    said = ", ".join(f"{number} {word}" for word, number in verdicts.items())
    return f"{does} in {counted(len(rollouts), 'rollout')}: {said}"
