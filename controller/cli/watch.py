"""`homelab events` and `homelab logs`."""

from __future__ import annotations

import click

from controller.cli.house import looking, settings
from controller.cli.show_history import event_line
from controller.cli.text import visible_lines
from controller.cli.verbs import talk, verb
from controller.core.errors import Refused

_PAGE = 500


@verb(
    "events",
    examples=["homelab events", "homelab events -f", "homelab events --key service/web -o json"],
    prints=True,
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens.")
@click.option("--key", default="", help="Only events of this key.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
def events_verb(follow: bool, key: str, limit: int) -> None:
    """Show what happened; with -o json one event per line."""
    with looking() as house:
        newest: list[object] = []
        after = 0
        while page := house.events(after, _PAGE, key):
            newest = [*newest, *page][-limit:]
            after = page[-1]["number"]
        for event in newest:
            talk().record(event, event_line(event, talk().paint))  # type: ignore[arg-type]
        if not follow:
            return
        for event in house.follow(after):
            if not key or event["key"] == key:
                talk().record(event, event_line(event, talk().paint))


@verb("logs", examples=["homelab logs service/web", "homelab logs service/web --tail 200"])
@click.argument("key", metavar="KEY")
@click.option("--tail", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The last so many lines.")
def logs_verb(key: str, tail: int) -> None:
    """Show what a service says. Secrets that it was given are masked."""
    from controller.core.key import Key
    from controller.wire import open_house

    try:
        wanted = Key.parse(key)
    except ValueError as error:
        raise Refused(str(error)) from error
    with open_house(settings(), write=False) as house:
        text = house.desk.look.log(wanted, tail)
    talk().lines(visible_lines(text))
