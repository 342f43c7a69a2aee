"""`homelab status`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from controller.cli.exits import OK, UNREACHABLE
from controller.cli.house import House, looking, settings
from controller.cli.show_days import uptimes_lines
from controller.cli.show_estate import decisions_lines, domains_lines, tree_lines
from controller.cli.show_status import status_lines
from controller.cli.verbs import talk, verb

_UPTIME_DAYS = 90


@verb(
    "status",
    examples=[
        "homelab status",
        "homelab status --fresh",
        "homelab status --domains",
        "homelab status --decisions",
        "homelab status --tree -o json",
    ],
    prints=True,
)
@click.option("--fresh", is_flag=True, help="Look again instead of asking the controller for its last look.")
@click.option("--domains", "shown", flag_value="domains", help="Every host: records, certificate, route and what answers.")
@click.option("--decisions", "shown", flag_value="decisions", help="What waits for a word, failed, or is left alone, and why.")
@click.option("--tree", "shown", flag_value="tree", help="What hangs on what, from the zone of a host to its volumes.")
@click.option("--uptime", "shown", flag_value="uptime", help="How much of the last 90 days each service did its work.")
def status_verb(fresh: bool, shown: str | None) -> None:
    """Show how everything stands: what git wants against what runs, and how healthy it is.

    Exits with 8 when a backend cannot be reached."""
    with _fresh() if fresh else looking() as house:
        if shown == "domains":
            found = house.domains()
            lines = list(domains_lines(found, talk().paint))
        elif shown == "tree":
            found = house.topology()
            lines = list(tree_lines(found, talk().paint))
        elif shown == "uptime":
            talk().data(found := house.uptimes(_UPTIME_DAYS), uptimes_lines(found, talk().paint))
            return
        elif shown == "decisions":
            talk().data(found := house.decisions(), decisions_lines(found, talk().paint))
            return
        else:
            found = house.status()
            lines = status_lines(found, house.now(), talk().paint)
    talk().data(found, lines)
    talk().end(UNREACHABLE if any(found["backends"].values()) else OK)


@contextmanager
def _fresh() -> Iterator[House]:
    """This process, whether a controller runs or not."""
    from controller.cli.own_house import OwnHouse
    from controller.wire import open_house

    with open_house(settings(), write=False) as house:
        yield OwnHouse(house)
