"""`homelab init` and `homelab new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.house import settings, user
from controller.cli.text import visible
from controller.cli.verbs import talk, verb
from controller.core.errors import Refused
from controller.settings import surroundings

if TYPE_CHECKING:
    from controller.usecases.scaffold import Scaffold


def scaffold() -> Scaffold:
    """The use case, with the schemas of every kind there is."""
    from controller.usecases.scaffold import Scaffold
    from controller.usecases.schemas import EVERYTHING, schemas
    from controller.wire import OwnGit, load_kinds

    return Scaffold(user(), schemas(load_kinds())[EVERYTHING], OwnGit(surroundings()))


@verb("init", examples=["homelab init ~/home", "homelab init . --here"])
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--here", is_flag=True, help="Also where the folder has content and is no repository yet.")
def init_verb(folder: Path, here: bool) -> None:
    """Make a spec repository that works as it is.

    With an example service, house rules and schemas for editors, as a first commit. Existing files stay as they are."""
    from controller.wire import open_house

    made = scaffold().init(folder, here=here)
    talk().flags["repo"] = str(folder)
    with open_house(settings(), write=False) as house:
        identity = house.vault.identity_path
    if made.files:
        talk().say(f"{'made' if made.repository else 'completed'} {visible(folder)}: {', '.join(made.files)}")
    else:
        talk().say(f"{visible(folder)} is complete already")
    talk().say(f"SAVE A COPY of {visible(identity)}: without it no secret of this home can be opened")
    talk().say(f"next: cd {visible(folder)} && homelab plan")


@verb("new", examples=["homelab new service media-server"])
@click.argument("kind", metavar="KIND")
@click.argument("name", metavar="NAME")
def new_verb(kind: str, name: str) -> None:
    """Write a document of a kind from its example, to be edited and committed."""
    from controller.usecases.scaffold import new

    found = settings()
    if found.remote:
        raise Refused("the spec repository is not on this machine; run this inside a clone of it")
    path = new(Path(found.repo) / found.path, kind.lower(), name)
    talk().lines([visible(path)])
    talk().say("edit it, look at `homelab plan --worktree`, then commit it")
