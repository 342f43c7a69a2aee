"""`homelab adopt`, `homelab detach`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from controller.cli.exits import ERROR, OK
from controller.cli.house import writing
from controller.cli.text import visible
from controller.cli.verbs import talk, verb


def tell_taken(taken: Mapping[str, Any]) -> None:
    """What became ours, and what did not."""
    for item in taken["adopted"]:
        talk().say(f"took over {visible(item['key'])} ({_short(visible(item['handle']))})")
        fields = ", ".join(visible(field) for field in item["differs"] if field != "status")
        if "status" in item["differs"]:
            talk().warn(f"{visible(item['key'])} does not run; it stays so until it is started (`docker start`)")
        if fields:
            talk().warn(
                f"{visible(item['key'])} differs from its specification in {fields}; it stays as it runs until that changes"
            )
    for item in taken["left"]:
        talk().warn(f"not taken over: {visible(item['key'])}: {visible(item['reason'])}")


def _short(handle: str) -> str:
    """A handle as people recognise it: of long numbers the beginning is enough."""
    return handle[:12] if set(handle) <= set("0123456789abcdef") else handle


@verb("adopt", examples=["homelab adopt service/plex", "homelab adopt service/plex network/media"], prints=True)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
def adopt_verb(keys: tuple[str, ...]) -> None:
    """Take over what runs for a declared key, as it is: nothing is restarted."""
    with writing() as house:
        taken = house.adopt([{"key": key, "handle": ""} for key in keys])
    tell_taken(taken)
    talk().json_only(dict(taken))
    talk().end(ERROR if taken["left"] else OK)


@verb("detach", examples=["homelab detach service/plex", "homelab detach --all --yes"], prints=True)
@click.argument("keys", metavar="[KEY...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is ours.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
def detach_verb(keys: tuple[str, ...], everything: bool, yes: bool) -> None:
    """Let go of keys; everything keeps running. `homelab adopt KEY` takes them back."""
    if everything == bool(keys):
        raise click.UsageError("name keys, or say --all")
    if everything and not yes:
        talk().confirm("Let go of everything that is ours?")
    with writing() as house:
        gone = house.detach(None if everything else keys)
    for name in gone["removed"]:
        talk().say(f"removed {visible(name)}, which waited stopped for an undo")
    for text in gone["remains"]:
        talk().warn(visible(text))
    data = {"detached": gone["keys"], "removed": gone["removed"], "remains": gone["remains"]}
    talk().data(data, [f"let go of {visible(key)}; it keeps running" for key in gone["keys"]])
