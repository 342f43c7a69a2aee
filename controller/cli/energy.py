"""`homelab energy`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from controller.cli.house import looking
from controller.cli.text import Cell, Paint, counted, table, visible
from controller.cli.verbs import talk, verb


@verb("energy", examples=["homelab energy", "homelab energy --days 30", "homelab energy -o json"], prints=True)
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="So many days, today among them.")
@click.option("--via", default="", metavar="CONNECTION", help="Home Assistant of homelab.yaml to ask; default: the only one.")
def energy_verb(days: int, via: str) -> None:
    """Show how much energy the house used, and what it cost, day by day with the hour in which most was used.

    From the statistics behind Home Assistant's energy dashboard, in its time zone; the hour that runs is not among them yet."""
    with looking() as house:
        found = house.energy(days, via)
    talk().data(found, energy_lines(found, talk().paint))
    for note in found["notes"]:
        talk().warn(visible(note))


def energy_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """Today and all days in two lines, then a table of the days and one of the meters."""
    today, span = found["days"][-1], counted(len(found["days"]), "day")
    yield from table(
        ("", "used", "cost", "most"),
        [
            (("today", "bold"), *_used(today, found), _peak(today["peak"])),
            ((span, "bold"), *_used(found, found), _peak(found["peak"], found)),
        ],
        paint,
    )
    if found["usual"]:
        yield f"most is usually used at {visible(found['usual'])} ({visible(found['zone'])})"
    if len(found["days"]) > 1:
        yield ""
        rows = [(day["date"], *_used(day, found), _peak(day["peak"])) for day in found["days"]]
        yield from table(("day", "used", "cost", "most"), rows, paint)
    yield ""
    flows = [(flow["source"], _way(flow), flow["meter"], *_used(flow, found)) for flow in found["flows"]]
    yield from table(("source", "way", "meter", "energy", "cost"), flows, paint)


def _used(item: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Cell, Cell]:
    kwh = "nothing recorded" if item["kwh"] is None else f"{item['kwh']:.2f} kWh"
    return kwh, "" if item["cost"] is None else f"{item['cost']:.2f} {found['currency']}".rstrip()


def _peak(peak: Mapping[str, Any] | None, found: Mapping[str, Any] | None = None) -> Cell:
    if peak is None:
        return ""
    day = next((each["date"] for each in found["days"] if each["peak"] == peak), "") if found else ""
    return f"{day} {peak['hour']} ({peak['kwh']:.2f} kWh)".strip()


def _way(flow: Mapping[str, Any]) -> Cell:
    return {"grid": {"in": "bought", "out": "sold"}, "battery": {"in": "taken", "out": "kept"}}.get(flow["source"], {}).get(
        flow["direction"], "made"
    )
