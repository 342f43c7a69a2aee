"""What Home Assistant's energy dashboard is made of: its preferences in both of their forms, and hours from the recorder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from controller.clients import homeassistant
from controller.clients.homeassistant import Home
from controller.core.energy import Direction, Flow, Place, Source
from controller.core.errors import Refused

_NO_DASHBOARD = (
    "Home Assistant has no energy dashboard yet: open Settings, Dashboards, Energy there and add the meter of the grid; "
    "its hours appear from the next full hour on"
)
_NO_METER = (
    "Home Assistant's energy dashboard has no meter of electricity: open Settings, Dashboards, Energy there and add the grid, "
    "the solar panels or the battery"
)
_NO_RECORDER = "Home Assistant records no statistics: add `recorder:` (or `default_config:`) to its configuration.yaml"
_UNKNOWN = ("unknown_command", "not_found")
_PER_KWH = {"Wh": 1000.0, "kWh": 1.0, "MWh": 0.001}
"""What a price for one unit is for a kilowatt hour, by the unit behind its slash."""
_RESET = 0.9
"""A sum below this part of the last one began anew, as Home Assistant judges its own meters; above, it was corrected."""

Hours = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Meter:
    """One statistic of the preferences: `money` is the statistic of its cost, `price` what a person typed in, `priced_by` the
    entity that knows the price."""

    source: Source
    direction: Direction
    statistic: str
    money: str = ""
    price: float | None = None
    priced_by: str = ""


class Meters:
    """The ability `core.energy.Measures`, for a provider that has a `Home`."""

    _home: Home

    def place(self) -> Place:
        """Home Assistant's own time zone and currency."""
        config = self._home.call("get_config")
        return Place(str(config["time_zone"]), str(config.get("currency") or ""))

    def flows(self, since: float, until: float) -> Sequence[Flow]:
        """Every meter of the energy dashboard."""
        meters = self._meters()
        rows = self._rows([name for meter in meters for name in (meter.statistic, meter.money) if name], since, until, _SUMS)
        asked = [meter.priced_by for meter in meters if meter.priced_by]
        means = self._rows(asked, since, until, _MEANS) if asked else {}
        return [self._flow(meter, rows, means) for meter in meters]

    def _meters(self) -> list[Meter]:
        try:
            prefs = self._home.call("energy/get_prefs")
        except homeassistant.Refused as error:
            if error.code in _UNKNOWN:
                raise Refused(_NO_DASHBOARD) from error
            raise
        found = list(meters_of(prefs))
        if not found:
            raise Refused(_NO_METER)
        made: Mapping[str, str] = self._home.call("energy/info").get("cost_sensors", {})
        return [replace(meter, money=meter.money or made.get(meter.statistic, "")) for meter in found]

    def _rows(self, statistics: Sequence[str], since: float, until: float, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = self._home.call(
                "recorder/statistics_during_period",
                start_time=datetime.fromtimestamp(since, UTC).isoformat(),
                end_time=datetime.fromtimestamp(until, UTC).isoformat(),
                statistic_ids=sorted(set(statistics)),
                period="hour",
                **fields,
            )
        except homeassistant.Refused as error:
            if error.code in _UNKNOWN:
                raise Refused(_NO_RECORDER) from error
            raise
        return found

    def _flow(self, meter: Meter, rows: Mapping[str, Any], means: Mapping[str, Any]) -> Flow:
        kwh = growth(rows.get(meter.statistic, ()))
        money = dict(growth(rows.get(meter.money, ())))
        price, scale = meter.price, 1.0
        hourly: Hours = {}
        if meter.priced_by:
            price, scale = self._price(meter.priced_by)
            hourly = {row["start"] / 1000: row["mean"] for row in means.get(meter.priced_by, ()) if row.get("mean") is not None}
        for start, used in kwh.items():
            each = hourly.get(start, price)
            if start not in money and each is not None:
                money[start] = used * each * scale
        return Flow(meter.source, meter.direction, meter.statistic, kwh, money, bool(money) or price is not None)

    def _price(self, entity: str) -> tuple[float | None, float]:
        """What the entity shows now, and what makes its unit one for kilowatt hours."""
        shown = self._home.states().get(entity)
        if shown is None:
            return None, 1.0
        unit = str(shown.attributes.get("unit_of_measurement", "")).rpartition("/")[2]
        try:
            return float(shown.state), _PER_KWH.get(unit, 1.0)
        except ValueError:
            return None, _PER_KWH.get(unit, 1.0)


_SUMS: Mapping[str, Any] = {"types": ["change", "sum"], "units": {"energy": "kWh"}}
_MEANS: Mapping[str, Any] = {"types": ["mean"]}


def meters_of(prefs: Mapping[str, Any]) -> Iterator[Meter]:
    """The meters of electricity in `energy/get_prefs`. Since 2026.3 a grid has its two directions side by side, before it had a
    list for each."""
    for each in prefs.get("energy_sources", ()):
        kind = each.get("type")
        if kind == "grid":
            for flow in each.get("flow_from", [each]):
                yield from _meter(Source.GRID, Direction.IN, flow, "stat_energy_from", "stat_cost")
            export = "_export" if "flow_to" not in each else ""
            for flow in each.get("flow_to", [each]):
                yield from _meter(Source.GRID, Direction.OUT, flow, "stat_energy_to", "stat_compensation", export)
        elif kind in (Source.SOLAR, Source.BATTERY):
            yield from _meter(Source(kind), Direction.IN, each, "stat_energy_from")
            yield from _meter(Source(kind), Direction.OUT, each, "stat_energy_to")


def _meter(
    source: Source, direction: Direction, flow: Mapping[str, Any], statistic: str, money: str = "", suffix: str = ""
) -> Iterator[Meter]:
    if flow.get(statistic):
        price, entity = (flow.get(f"{name}_energy_price{suffix}") if money else None for name in ("number", "entity"))
        yield Meter(source, direction, flow[statistic], (flow.get(money) if money else "") or "", price, entity or "")


def growth(rows: Sequence[Mapping[str, Any]]) -> dict[float, float]:
    """What a sum grew by, by the start of the hour. A sum that began anew counts from zero; one that was corrected counts as it
    was corrected. Hours without a row grew in the next one that has one."""
    found: dict[float, float] = {}
    for row in rows:
        change, total = row.get("change"), row.get("sum")
        if change is None or total is None:
            continue
        before = total - change
        found[row["start"] / 1000] = float(total) if change < 0 <= total < _RESET * before else float(change)
    return found
