"""Energy: daily and weekly consumption, what it cost, and when most was used, in the house's own days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.core.energy import Direction, Flow, Measures, Place
from controller.core.errors import Refused
from controller.core.suggest import did_you_mean
from controller.engine.wanted import Reading
from controller.usecases.look import Look

DAYS, MOST_DAYS = 7, 366
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class PeakView:
    """The hour in which most was used: its start in seconds since the epoch and as the house's clock showed it (`18:00`)."""

    start: float
    hour: str
    kwh: float


@dataclass(frozen=True, slots=True)
class DayView:
    """One day of the house (`2026-11-22`). `hours` of it are recorded; without any, nothing is known (null). `cost` is null where
    nothing has a price, and below zero on a day that brought money."""

    date: str
    hours: int
    kwh: float | None
    cost: float | None
    peak: PeakView | None


@dataclass(frozen=True, slots=True)
class FlowView:
    """One meter over all the days: `source` is grid, solar or battery, `direction` in or out."""

    source: str
    direction: str
    meter: str
    kwh: float
    cost: float | None


@dataclass(frozen=True, slots=True)
class EnergyView:
    """What the house used. `days` are oldest first, the last one is today; `until` is the end of the last recorded hour (null =
    none). `kwh`, `cost` and `peak` are over all days, `usual` is the hour of the day in which most is used on average. `notes`
    say what is not counted."""

    connection: str
    zone: str
    currency: str
    until: float | None
    days: tuple[DayView, ...]
    kwh: float | None
    cost: float | None
    peak: PeakView | None
    usual: str
    flows: tuple[FlowView, ...]
    notes: tuple[str, ...] = ()


def energy(look: Look, days: int = DAYS, via: str = "") -> EnergyView:
    """The last days with today. `via` is the connection that measures ("" = the only one). Raises Refused with what a person must
    set up, Transient."""
    name, measures = _measuring(look, via)
    place = measures.place()
    clock = _clock(place.zone)
    today = datetime.fromtimestamp(look.reconciler.bench.clock.now(), clock).date()
    wanted = [today - timedelta(days=back) for back in reversed(range(days))]
    flows = measures.flows(_midnight(wanted[0], clock), _midnight(today + timedelta(days=1), clock))
    return told(name, place, wanted, flows)


def told(connection: str, place: Place, wanted: Sequence[date], flows: Sequence[Flow]) -> EnergyView:
    """What flows come to on the wanted days, oldest first. Pure."""
    clock = _clock(place.zone)
    by_day: dict[date, dict[float, float]] = {day: {} for day in wanted}
    money: dict[date, float] = defaultdict(float)
    for flow in flows:
        sign = 1 if flow.direction is Direction.IN else -1
        for start, kwh in flow.kwh.items():
            hours = by_day.get(_local(start, clock).date())
            if hours is not None:
                hours[start] = hours.get(start, 0.0) + sign * kwh
        for start, amount in flow.money.items():
            money[_local(start, clock).date()] += sign * amount
    priced = any(flow.priced for flow in flows)
    every = {start: kwh for hours in by_day.values() for start, kwh in hours.items()}
    return EnergyView(
        connection=connection,
        zone=place.zone,
        currency=place.currency,
        until=max(every) + _HOUR if every else None,
        days=tuple(_day(day, hours, money[day] if priced else None, clock) for day, hours in by_day.items()),
        kwh=_energy(every.values()),
        cost=round(sum(money[day] for day in wanted), 2) if priced and every else None,
        peak=_peak(every, clock),
        usual=_usual(every, clock),
        flows=tuple(map(_flow, flows)),
        notes=tuple(_notes(flows)),
    )


def _measuring(look: Look, via: str) -> tuple[str, Measures]:
    """The connection that is asked. Raises Refused."""
    wanted = Reading(look.source, look.reconciler.linker, look.reconciler.lineage, {}).wanted()
    providers = look.reconciler.connect(wanted.estate.homelab)
    known = {name: provider for (_, name), provider in providers.items() if isinstance(provider, Measures)}
    if via and via not in known:
        hint = did_you_mean(via, known) or ("known: " + ", ".join(sorted(known)) if known else "none is declared")
        raise Refused(f"no connection {via!r} in homelab.yaml measures energy; {hint}")
    if not known:
        raise Refused("nothing measures energy here: declare a connection of the type homeassistant in homelab.yaml")
    if not via and len(known) > 1:
        raise Refused(f"several connections measure energy: {', '.join(sorted(known))}. Which one? Say it with --via NAME")
    name = via or next(iter(known))
    return name, known[name]


def _day(day: date, hours: Mapping[float, float], money: float | None, clock: ZoneInfo) -> DayView:
    cost = None if money is None or not hours else round(money, 2)
    return DayView(day.isoformat(), len(hours), _energy(hours.values()), cost, _peak(hours, clock))


def _flow(flow: Flow) -> FlowView:
    cost = round(sum(flow.money.values()), 2) if flow.priced else None
    return FlowView(flow.source, flow.direction, flow.meter, round(sum(flow.kwh.values()), 3), cost)


def _notes(flows: Iterable[Flow]) -> Iterator[str]:
    for flow in flows:
        if not flow.kwh:
            yield f"{flow.meter} has recorded nothing in these days; its hours appear when they are over"
        elif flow.direction is Direction.IN and flow.source == "grid" and not flow.priced:
            yield f"{flow.meter} has no price: what it costs is not counted"


def _energy(hours: Iterable[float]) -> float | None:
    found = list(hours)
    return round(sum(found), 3) if found else None


def _peak(hours: Mapping[float, float], clock: ZoneInfo) -> PeakView | None:
    """The hour with the most, the earlier one of equals; None where nothing was used."""
    start = max(sorted(hours), key=lambda each: hours[each], default=None)
    if start is None or hours[start] <= 0:
        return None
    return PeakView(start, f"{_local(start, clock):%H:%M}", round(hours[start], 3))


def _usual(hours: Mapping[float, float], clock: ZoneInfo) -> str:
    """The hour of the day in which most is used on average, "" where nothing is known."""
    seen: dict[str, list[float]] = defaultdict(list)
    for start in sorted(hours):
        seen[f"{_local(start, clock):%H:00}"].append(hours[start])
    means = {hour: sum(found) / len(found) for hour, found in seen.items()}
    most = max(sorted(means), key=lambda hour: means[hour], default="")
    return most if most and means[most] > 0 else ""


def _clock(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"this machine does not know the time zone {zone!r} of Home Assistant; install tzdata") from error


def _local(start: float, clock: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(start, clock)


def _midnight(day: date, clock: ZoneInfo) -> float:
    """The first moment of a day. One that has no midnight begins when its clocks do."""
    return datetime(day.year, day.month, day.day, tzinfo=clock).astimezone(UTC).timestamp()
