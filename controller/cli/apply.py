"""`homelab apply` and `homelab sync`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.cli.exits import ERROR, INVALID, NOT_ALLOWED, OK, ROLLED_BACK, UNREACHABLE
from controller.cli.house import Heard, House, running_house, writing
from controller.cli.show_findings import finding_lines, has_errors
from controller.cli.show_history import event_line, history_lines
from controller.cli.show_plan import plan_lines
from controller.cli.show_status import standing_lines
from controller.cli.text import Paint, visible
from controller.cli.verbs import talk, verb


@verb("apply", examples=["homelab apply", "homelab apply -o json"], prints=True)
def apply_verb() -> None:
    """Make the world follow git, as far as the rules allow.

    Prints the plan, applies what is allowed, and shows what is held with the command that approves it. What fails is undone as a
    whole and not tried again until something changes or `homelab retry` says so."""
    with writing() as house:
        before = house.plan()
        if has_errors(before["diagnostics"]):
            for line in finding_lines(before["diagnostics"], talk().paint_talk):
                talk().warn_plainly(line)
            talk().end(INVALID)
        if not talk().json:
            talk().lines([*plan_lines(before, talk().paint), ""])
        done = pass_with_events(house, "apply")
        finish(house, done, {"plan": before, "pass": done}, before["backends"])


def pass_with_events(house: House, cause: str) -> Mapping[str, Any]:
    """Make a pass and tell its events meanwhile."""
    try:
        return house.make_pass(cause, telling())
    except KeyboardInterrupt:
        if house.running:
            talk().say("the controller goes on with it; `homelab events -f` shows how it ends")
        raise


def telling() -> Heard:
    """Says every event that it hears, from any thread."""
    here = talk()
    return lambda event: here.say(event_line(event, here.paint_talk))


def finish(house: House, done: Mapping[str, Any], data: Mapping[str, Any], told: Mapping[str, str] | None = None) -> None:
    """Show how a pass ended and leave with its exit code. `told` is what was said of backends before."""
    talk().data(data, pass_lines(done, talk().paint, told))
    talk().end(_code(house, done))


def _code(house: House, done: Mapping[str, Any]) -> int:
    """The exit code for a pass: that of its runs; else what keeps the world from following git. What failed in an earlier run and
    is not tried again counts as failed now, so that a script need not know who was first to apply a commit."""
    code: int = done["exit_code"]
    if code == OK and done["status"]["reason"]:
        code = ERROR  # nothing failed because nothing was read: a branch or a folder that is not there
    if code not in (OK, UNREACHABLE) or all(item["sync"] != "Failed" for item in done["status"]["items"]):
        return code
    quarantined = any(note["reason"] == "Quarantined" for note in house.plan()["notes"])
    return ROLLED_BACK if quarantined else NOT_ALLOWED


def pass_lines(done: Mapping[str, Any], paint: Paint, told: Mapping[str, str] | None = None) -> list[str]:
    """What a pass did, and what is still not as git wants it."""
    lines = history_lines(done["runs"], paint) if done["runs"] else ["nothing was done"]
    for run in done["runs"]:
        if run["reason"]:
            lines.append(f"{visible(run['id'])}: {visible(run['reason'])}")
    return lines + standing_lines(done["status"], paint, told)


@verb("sync", examples=["homelab sync"])
def sync_verb() -> None:
    """Ask the running controller for a pass soon, without waiting for it."""
    running_house().kick()
    talk().say("asked; `homelab events -f` shows what happens")
