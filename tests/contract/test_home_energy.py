"""Energy as real Home Assistants recorded it: both forms of preferences, prices, sums begun anew, days of 23 and 25 hours."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home
from controller.core.energy import Direction, Flow, Measures, Source
from controller.core.errors import Refused
from controller.kinds.entity import EntityProvider
from controller.usecases.energy import told
from tests.faces.command import empty
from tests.support.homeassistant import NEW, OLD, HomeAssistant, HomeAssistants
from tests.support.homeassistant import Refused as Said
from tests.support.space import wait_until

_numbers = itertools.count(1)
BEFORE: dict[str, str] = {}
"""What was said of each version before anybody had set up a dashboard there, which happens once."""


@dataclass
class House:
    """A Home Assistant with meters of this test alone. `day` is where its hours begin, in UTC."""

    server: HomeAssistant
    measures: Measures
    mark: str = field(default_factory=lambda: f"t_energy_{next(_numbers)}")
    known: dict[str, int] = field(default_factory=dict)
    """How many hours each statistic has."""

    def name(self, word: str) -> str:
        return f"sensor.{self.mark}_{word}"

    def record(self, word: str, start: str, sums: Sequence[float], *, unit: str = "kWh", source: str = "recorder") -> str:
        """Hourly sums from a moment in UTC on; the statistic's id."""
        statistic = self.name(word) if source == "recorder" else f"{source}:{self.mark}_{word}"
        rows = [{"start": each, "state": total, "sum": total} for each, total in zip(self._hours(start), sums, strict=False)]
        self._import(statistic, source, rows, unit, {"has_sum": True}, kind=0, unit_class="energy" if "Wh" in unit else None)
        return statistic

    def average(self, word: str, start: str, means: Sequence[float], unit: str) -> None:
        """Hourly means of something that goes up and down."""
        rows = [
            {"start": each, "mean": mean, "min": mean, "max": mean} for each, mean in zip(self._hours(start), means, strict=False)
        ]
        self._import(self.name(word), "recorder", rows, unit, {"has_sum": False}, kind=1, unit_class=None)

    def prefer(self, *sources: Mapping[str, Any]) -> None:
        """What a person sets up under Energy."""
        self.server.ask("energy/save_prefs", token=self.server.person_token, energy_sources=list(sources))

    def grid(self, meter: str = "", sold: str = "", **prices: Any) -> dict[str, Any]:
        """A grid as this version wants to have it: `price`, `price_entity` and `cost` of what is bought; `paid` and `paid_stat`
        of what is sold."""
        buys = {
            "stat_energy_from": meter or None,
            "stat_cost": prices.get("cost"),
            "entity_energy_price": prices.get("price_entity"),
            "number_energy_price": prices.get("price"),
        }
        sells = {"stat_energy_to": sold or None, "stat_compensation": prices.get("paid_stat")}
        if self.server.which == NEW:
            export = {"entity_energy_price_export": None, "number_energy_price_export": prices.get("paid")}
            return {"type": "grid", **buys, **sells, **export, "cost_adjustment_day": 0}
        flows = {"entity_energy_price": None, "number_energy_price": prices.get("paid")}
        return {
            "type": "grid",
            "flow_from": [buys] if meter else [],
            "flow_to": [{**sells, **flows}] if sold else [],
            "cost_adjustment_day": 0,
        }

    def flows(self, start: str, end: str) -> list[Flow]:
        """What the provider says of some hours, once every meter of this test has been recorded."""
        since, until = (datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp() for each in (start, end))
        wait_until(self._recorded, "the statistics to be recorded")
        return list(self.measures.flows(since, until))

    def clear(self) -> None:
        self.prefer()
        self.server.ask("recorder/clear_statistics", token=self.server.person_token, statistic_ids=list(self.known))

    def _hours(self, start: str) -> Iterator[str]:
        first = datetime.fromisoformat(start).replace(tzinfo=UTC)
        return ((first + timedelta(hours=each)).isoformat() for each in itertools.count())

    def _recorded(self) -> bool:
        long_ago = "2020-01-01T00:00:00+00:00"
        asked: dict[str, Any] = {"start_time": long_ago, "period": "hour", "statistic_ids": list(self.known)}
        rows = self.server.ask("recorder/statistics_during_period", **asked)
        return {name: len(rows.get(name, ())) for name in self.known} == self.known

    def _import(
        self,
        statistic: str,
        source: str,
        rows: Sequence[Mapping[str, Any]],
        unit: str,
        about: Mapping[str, Any],
        *,
        kind: int,
        unit_class: str | None,
    ) -> None:
        newer = {"mean_type": kind, "unit_class": unit_class} if self.server.which == NEW else {"has_mean": bool(kind)}
        metadata = {"source": source, "statistic_id": statistic, "name": None, "unit_of_measurement": unit, **about, **newer}
        self.server.ask("recorder/import_statistics", metadata=metadata, stats=list(rows))
        self.known[statistic] = len(rows)


@pytest.fixture(params=[OLD, NEW])
def house(request: pytest.FixtureRequest, home_assistants: HomeAssistants) -> Iterator[House]:
    server = home_assistants.get(request.param)
    home = Home(Connection("home", server.url), lambda: server.token, SystemClock())
    made = House(server, EntityProvider(home))
    if server.which not in BEFORE:
        with pytest.raises(Said, match="not_found"):
            server.ask("energy/get_prefs")
        with pytest.raises(Refused) as caught:
            made.measures.flows(0.0, 1.0)
        BEFORE[server.which] = str(caught.value)
    try:
        yield made
    finally:
        made.clear()
        home.close()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_without_a_dashboard_a_person_reads_what_to_set_up(house: House) -> None:
    assert BEFORE[house.server.which].startswith("Home Assistant has no energy dashboard yet: open Settings")
    house.prefer()
    with pytest.raises(Refused, match="has no meter of electricity: open Settings, Dashboards, Energy"):
        house.measures.flows(0.0, 1.0)


def test_the_house_says_where_it_is_and_how_it_pays(house: House) -> None:
    place = house.measures.place()
    assert (place.zone, place.currency) == ("Europe/Berlin", "EUR")


def test_every_meter_of_the_dashboard_is_a_flow(house: House) -> None:
    start, hours = "2026-06-01T00:00", [10.0, 11.5, 14.0]
    names = {word: house.record(word, start, hours) for word in ("bought", "sold", "made", "taken", "kept")}
    solar = {"type": "solar", "stat_energy_from": names["made"], "config_entry_solar_forecast": None}
    battery = {"type": "battery", "stat_energy_from": names["taken"], "stat_energy_to": names["kept"]}
    house.prefer(house.grid(names["bought"], names["sold"], price=0.4, paid=0.1), solar, battery)
    flows = house.flows("2026-06-01T01:00", "2026-06-01T03:00")
    one, two = at("2026-06-01T01:00"), at("2026-06-01T02:00")
    assert {(flow.source, flow.direction): flow.meter for flow in flows} == {
        (Source.GRID, Direction.IN): names["bought"],
        (Source.GRID, Direction.OUT): names["sold"],
        (Source.SOLAR, Direction.IN): names["made"],
        (Source.BATTERY, Direction.IN): names["taken"],
        (Source.BATTERY, Direction.OUT): names["kept"],
    }
    assert {flow.meter: dict(flow.kwh) for flow in flows} == {name: {one: 1.5, two: 2.5} for name in names.values()}
    money = {flow.meter: flow.money for flow in flows if flow.priced}
    assert money.keys() == {names["bought"], names["sold"]}
    assert money[names["bought"]] == pytest.approx({one: 0.6, two: 1.0}), "the price that somebody typed in"
    assert money[names["sold"]] == pytest.approx({one: 0.15, two: 0.25})


def test_a_cost_that_is_recorded_counts_and_not_what_it_would_be(house: House) -> None:
    start = "2026-06-02T00:00"
    bought = house.record("bought", start, [0.0, 1.0, 3.0], source="lab")
    cost = house.record("cost", start, [0.0, 0.7, 0.9], unit="EUR", source="lab")
    house.prefer(house.grid(bought, cost=cost))
    (flow,) = [each for each in house.flows("2026-06-02T01:00", "2026-06-02T03:00") if each.direction is Direction.IN]
    assert flow.kwh == pytest.approx({at("2026-06-02T01:00"): 1.0, at("2026-06-02T02:00"): 2.0})
    assert flow.money == pytest.approx({at("2026-06-02T01:00"): 0.7, at("2026-06-02T02:00"): 0.2})


def test_a_price_that_moves_counts_by_the_hour(house: House) -> None:
    start = "2026-06-03T00:00"
    bought, price = house.record("bought", start, [0.0, 1.0, 2.0, 3.0]), house.name("price")
    shown = {"state": "500", "attributes": {"unit_of_measurement": "EUR/MWh", "state_class": "measurement"}}
    house.server.call("POST", f"/api/states/{price}", shown)
    house.average("price", start, [100.0, 200.0, 300.0], "EUR/MWh")
    house.prefer(house.grid(bought, price_entity=price))
    try:
        (flow,) = [each for each in house.flows("2026-06-03T01:00", "2026-06-03T04:00") if each.direction is Direction.IN]
    finally:
        house.server.call("DELETE", f"/api/states/{price}")
    hours = [at(f"2026-06-03T0{each}:00") for each in (1, 2, 3)]
    assert flow.money == pytest.approx(dict(zip(hours, [0.2, 0.3, 0.5], strict=True))), "the last one at what it shows now"


def test_a_meter_in_other_units_counts_in_kilowatt_hours(house: House) -> None:
    bought = house.record("bought", "2026-06-04T00:00", [0.0, 1500.0], unit="Wh")
    house.prefer(house.grid(bought))
    flows = house.flows("2026-06-04T01:00", "2026-06-04T02:00")
    assert [dict(flow.kwh) for flow in flows] == [{at("2026-06-04T01:00"): 1.5}]
    assert [flow.priced for flow in flows] == [False]


@pytest.mark.parametrize(
    ("sums", "grown", "reason"),
    [
        ([5.0, 6.0, 8.0], [1.0, 2.0], "a meter that goes on"),
        ([500.0, 2.0, 3.5], [2.0, 1.5], "a sum that began anew counts from zero"),
        ([500.0, 499.5, 500.0], [-0.5, 0.5], "a sum that was corrected takes an hour back"),
    ],
)
def test_a_sum_grows_from_hour_to_hour(sums: list[float], grown: list[float], reason: str, house: House) -> None:
    bought = house.record("bought", "2026-06-05T00:00", sums)
    house.prefer(house.grid(bought))
    (flow,) = house.flows("2026-06-05T01:00", "2026-06-05T03:00")
    assert [flow.kwh[each] for each in sorted(flow.kwh)] == pytest.approx(grown), reason


@pytest.mark.parametrize(
    ("day", "start", "count", "reason"),
    [
        ("2026-03-29", "2026-03-28T22:00", 23, "clocks go forward"),
        ("2025-10-26", "2025-10-25T21:00", 25, "clocks go back"),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(day: str, start: str, count: int, reason: str, house: House) -> None:
    bought = house.record("bought", start, [0.25 * each for each in range(60)])
    house.prefer(house.grid(bought, price=0.4))
    first = date.fromisoformat(day)
    flows = house.flows(start, (datetime.fromisoformat(start) + timedelta(hours=60)).isoformat())
    found = told("home", house.measures.place(), [first, first + timedelta(days=1)], flows)
    assert [each.hours for each in found.days] == [count, 24], reason
    assert found.days[0].kwh == pytest.approx(0.25 * count)
    assert found.days[0].cost == pytest.approx(0.1 * count)


def test_a_person_asks_at_the_command_line(house: House, tmp_path: Path) -> None:
    now, clock = datetime.now(UTC).replace(minute=0, second=0, microsecond=0), ZoneInfo("Europe/Berlin")
    first, count = now - timedelta(hours=72), 72
    bought = house.record("bought", first.replace(tzinfo=None).isoformat(), [0.5 * each for each in range(count)])
    house.prefer(house.grid(bought, price=0.4))
    house.flows("2026-01-01T00:00", "2026-01-01T01:00")
    home = empty(tmp_path)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    connection = {"type": "homeassistant", "url": house.server.url, "token": {"ref": "homeassistant/token"}}
    lacking = home("energy")
    assert (lacking.code, "nothing measures energy here" in lacking.err) == (4, True), lacking.err
    assert home("secret", "set", "homeassistant/token", stdin=house.server.plain_token).code == 0
    text = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"home": connection}}})
    home.commit("home", {"homelab.yaml": text})
    said = home("energy", "--days", "6", "-o", "json")
    assert said.code == 0, said.err
    yesterday = (now.astimezone(clock) - timedelta(days=1)).date()
    (day,) = [each for each in said.json["days"] if each["date"] == yesterday.isoformat()]
    whole = [first + timedelta(hours=each) for each in range(count)]
    known = sum(each.astimezone(clock).date() == yesterday for each in whole)
    assert known >= 23
    assert (day["hours"], day["kwh"]) == (known, 0.5 * known)
    assert day["cost"] == pytest.approx(0.2 * known, abs=0.011)
    read = home("energy", "--days", "6")
    assert read.code == 0
    assert f"{yesterday}  {0.5 * known:.2f} kWh" in read.out
    assert bought in read.out
