"""`homelab notify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from controller.cli.exits import ERROR, OK
from controller.cli.house import looking
from controller.cli.text import Cell, counted, long, table, visible
from controller.cli.verbs import Verb, talk


@click.group("notify")
def notify_verb() -> None:
    """Show and test who is told what happens.

    Targets are declared under `notifications` in homelab.yaml; their addresses are secrets and never shown."""


@notify_verb.command("list", cls=Verb, examples=["homelab notify list", "homelab notify list -o json"], prints=True)
def list_verb() -> None:
    """List targets with what they hear of and whether messages arrive."""
    with looking() as house:
        found = list(house.notifications())
        now = house.now()
    talk().data({"targets": found}, _lines(found, now))


@notify_verb.command("test", cls=Verb, examples=["homelab notify test", "homelab notify test phone"], prints=True)
@click.argument("name", metavar="NAME", default="")
def test_verb(name: str) -> None:
    """Send a test message now, to one target or to all. Ends with 1 when one of them did not arrive."""
    with looking() as house:
        found = list(house.test_notifications(name))
    lines = [f"{item['name']}: {'arrived' if item['arrived'] else 'did not arrive: ' + visible(item['error'])}" for item in found]
    talk().data({"results": found}, lines)
    talk().end(OK if all(item["arrived"] for item in found) else ERROR)


def _lines(found: Sequence[Mapping[str, Any]], now: float) -> Iterator[str]:
    if not found:
        yield "nobody is told anything: no target is declared under `notifications` in homelab.yaml"
        return
    rows = [(item["name"], _events(item), item["quiet"], _last(item, now), _state(item, now)) for item in found]
    yield from table(("NAME", "EVENTS", "QUIET", "LAST SENT", "STATE"), rows, talk().paint)


def _events(item: Mapping[str, Any]) -> str:
    return ", ".join(item["events"])


def _last(item: Mapping[str, Any], now: float) -> str:
    return f"{long(now - item['sent'])} ago" if item["sent"] else "never"


def _state(item: Mapping[str, Any], now: float) -> Cell:
    if item["error"]:
        return f"fails since {long(now - item['failing'])}: {item['error']}", "red"
    return f"{counted(item['waiting'], 'message')} to send" if item["waiting"] else ("ok", "green")
