"""`homelab rollback`."""

from __future__ import annotations

import click

from controller.cli.apply import finish, telling
from controller.cli.house import looking, writing
from controller.cli.show_plan import plan_lines
from controller.cli.text import visible
from controller.cli.verbs import talk, verb


@verb(
    "rollback",
    examples=["homelab rollback", "homelab rollback service/web", "homelab rollback 3f2a9c1 --yes"],
    prints=True,
)
@click.argument("target", metavar="[KEY|REV]", default="")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--plan", "only_plan", is_flag=True, help="Only show what it would do.")
def rollback_verb(target: str, yes: bool, only_plan: bool) -> None:
    """Go back to an earlier revision, or take one key back.

    Without a target: to what was applied before. Shows the plan first, writes a new commit on top of the branch (history is never
    rewritten) and applies it. A key gets its files as they were when it was last applied differently."""
    with looking() if only_plan else writing() as house:
        way = house.way_back(target)
        if not talk().json:
            goal = f"{way['key']} as of {way['revision'][:10]}" if way["key"] else f"revision {way['revision'][:10]}"
            talk().lines([f"back to {visible(goal)}", "", *plan_lines(way["plan"], talk().paint), ""])
        if only_plan:
            talk().json_only({"rollback": way})
            return
        if not yes:
            talk().confirm("Write this as a commit and apply it?")
        went = house.go_back(target, way, telling())
        talk().say(f"committed {went['revision'][:10]}: {visible(way['message'].splitlines()[0])}")
        finish(house, went["done"], {"rollback": way, "revision": went["revision"], "pass": went["done"]})
