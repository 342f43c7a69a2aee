"""`homelab backup` and `homelab restore`."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.house import settings, user
from controller.cli.recorded import row
from controller.cli.text import visible
from controller.cli.verbs import talk, verb
from controller.usecases.access import local


@verb("backup", examples=["homelab backup state-2026-11-22.db"])
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_verb(file: Path) -> None:
    """Write the state of the controller to a file: ledger, journal, history, approvals. Also while it runs.

    Secrets are not in it: save `identity` and `vault.age` of the state folder as well."""
    from controller.wire import open_house

    found = settings()
    with open_house(found, write=False) as house:
        # Afterwards: the copy is of what was there before.
        with row(house.access(), local(user(), "cli"), "backup", str(file)):
            house.store.backup(file.absolute())
        vault = house.vault
    talk().say(f"wrote {visible(file)}; save {visible(vault.identity_path)} and vault.age beside it as well")


@verb("restore", examples=["homelab restore state-2026-11-22.db --yes"])
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do it without asking.")
def restore_verb(file: Path, yes: bool) -> None:
    """Replace the state of the controller by a backup; what was there is kept as a copy beside it. No controller may run."""
    from controller.wire import open_house

    if not yes:
        talk().confirm(f"Replace everything that the controller knows by {visible(file)}?")
    with open_house(settings(), write=True) as house, row(house.access(), local(user(), "cli"), "restore", str(file)):
        house.store.restore(file.absolute())
    talk().say("restored; `homelab plan` shows how it stands to the world")
