"""`homelab events` and `homelab logs`."""

from __future__ import annotations

import re

import click

from controller.cli.house import looking
from controller.cli.show_history import event_line
from controller.cli.text import visible, visible_lines
from controller.cli.verbs import talk, verb

_PAGE = 500
_MOST, _FEW = 10_000, 100
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3_600, 60, 1)


def _span(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """A span of time such as `90s`, `10m` or `1d12h` in seconds; "" is none."""
    match = _SPAN.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{visible(value)!r} is not a span of time; write it like 90s, 10m, 2h or 1d12h")
    return float(sum(int(part) * seconds for part, seconds in zip(match.groups(), _SECONDS, strict=True) if part))


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


@verb(
    "logs",
    examples=["homelab logs service/web", "homelab logs service/web -f", "homelab logs service/web --since 2h -n 500"],
)
@click.argument("key", metavar="KEY")
@click.option("-f", "--follow", is_flag=True, help="Go on with what it says, until Ctrl-C; also when it is replaced.")
@click.option("-n", "--tail", type=click.IntRange(1, _MOST), help="The last so many lines; default 100, with --since all.")
@click.option("--since", metavar="SPAN", callback=_span, default="", help="Only of this last time: 90s, 10m, 2h, 1d12h.")
def logs_verb(key: str, follow: bool, tail: int | None, since: float) -> None:
    """Show what a service says. Secrets that it was given are masked."""
    lines = tail or (_MOST if since else _FEW)
    with looking() as house:
        if not follow:
            talk().lines(visible_lines(house.log(key, lines, since)))
            return
        left = ""
        for text in house.follow_log(key, lines, since):
            *whole, left = f"{left}{text}".split("\n")
            for line in whole:
                talk().lines(visible_lines(line) or [""])
