"""`homelab status`."""

from __future__ import annotations

import click

from controller.cli.exits import OK, UNREACHABLE
from controller.cli.house import looking, settings
from controller.cli.show_status import status_lines
from controller.cli.verbs import talk, verb


@verb("status", examples=["homelab status", "homelab status --fresh", "homelab status -o json"], prints=True)
@click.option("--fresh", is_flag=True, help="Look again instead of asking the controller for its last look.")
def status_verb(fresh: bool) -> None:
    """Show how everything stands: what git wants against what runs, and how healthy it is.

    Exits with 8 when a backend cannot be reached."""
    if fresh:
        from controller.cli.own_house import OwnHouse
        from controller.wire import open_house

        with open_house(settings(), write=False) as house:
            own = OwnHouse(house)
            found, now = own.status(), own.now()
    else:
        with looking() as house:
            found, now = house.status(), house.now()
    talk().data(found, status_lines(found, now, talk().paint))
    talk().end(UNREACHABLE if any(found["backends"].values()) else OK)
