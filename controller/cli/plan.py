"""`homelab plan` and `homelab validate`."""

from __future__ import annotations

from typing import Any

import click

from controller.cli.exits import CHANGES, ERROR, INVALID, OK, UNREACHABLE
from controller.cli.house import looking
from controller.cli.show_findings import finding_lines, has_errors
from controller.cli.show_plan import plan_lines
from controller.cli.text import counted
from controller.cli.verbs import talk, verb

WORKTREE = "Of the files as they are on disk, committed or not. Never applied."


@verb(
    "plan",
    examples=["homelab plan", "homelab plan --worktree", "homelab plan --detailed-exitcode -o json"],
    prints=True,
)
@click.option("--worktree", is_flag=True, help=WORKTREE)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
def plan_verb(worktree: bool, detailed_exitcode: bool) -> None:
    """Show what an apply would do.

    Changes that stand or fall together are one rollout with a digest, which is what an approval names."""
    with looking() as house:
        found = house.plan(worktree=worktree)
    talk().data(found, plan_lines(found, talk().paint))
    talk().end(plan_code(found, detailed=detailed_exitcode))


def plan_code(found: Any, *, detailed: bool) -> int:
    """The exit code for a plan."""
    if has_errors(found["diagnostics"]):
        return INVALID
    if found["rollouts"]:
        return CHANGES if detailed else OK
    if any(found["backends"].values()):
        return UNREACHABLE
    return ERROR if found["reason"] else OK  # git could not be read: a branch or a folder that is not there


@verb("validate", examples=["homelab validate", "homelab validate --worktree -o json"], prints=True)
@click.option("--worktree", is_flag=True, help=WORKTREE)
def validate_verb(worktree: bool) -> None:
    """Check the specification without looking at any backend.

    Every finding is shown at once, with file, line, column and how to fix it."""
    from controller.cli.house import settings
    from controller.core.codec import to_data
    from controller.wire import open_house

    with open_house(settings(), write=False) as house:
        found: list[Any] = [to_data(item) for item in house.desk.look.validate(worktree=worktree)]
    errors = sum(1 for item in found if item["severity"] == "error")
    said = (
        f"invalid: {counted(errors, 'error')}" if errors else "valid" + (f", {counted(len(found), 'warning')}" if found else "")
    )
    style = "red bold" if errors else "green"
    if not worktree:
        talk().say("of what is committed; `--worktree` checks the files as they are on disk")
    talk().data({"findings": found, "valid": not errors}, [*finding_lines(found, talk().paint), talk().paint(said, style)])
    talk().end(INVALID if errors else OK)
