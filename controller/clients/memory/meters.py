"""Meters of the simulated world: a house that uses most in the evening and has panels on its roof."""

from __future__ import annotations

from collections.abc import Sequence

from controller.clients.memory.provider import MemoryProvider
from controller.core.energy import Direction, Flow, Place, Source
from controller.core.errors import Transient

_HOUR, _DAY = 3600, 86_400
_PRICE, _PAID = 0.32, 0.08
_USED = (0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.7, 0.9, 0.6, 0.4, 0.4, 0.5, 0.7, 0.5, 0.4, 0.4, 0.6, 1.1, 1.6, 1.3, 1.0, 0.8, 0.5, 0.3)
_MADE = (0, 0, 0, 0, 0, 0, 0, 0.1, 0.3, 0.6, 0.9, 1.1, 1.2, 1.0, 0.7, 0.4, 0.1, 0, 0, 0, 0, 0, 0, 0)
"""Kilowatt hours used and made in each hour of a day."""


class MeteredProvider(MemoryProvider):
    """A `MemoryProvider` with the ability `core.energy.Measures`. Every hour that is over has been recorded."""

    def place(self) -> Place:
        """A house without summer time."""
        self._reached()
        return Place("UTC", "EUR")

    def flows(self, since: float, until: float) -> Sequence[Flow]:
        """What the grid gave and took, and what the panels made."""
        self._reached()
        begin, end = -int(-since // _HOUR), int(min(until, self._world.clock.now()) // _HOUR)
        hours = [each * _HOUR for each in range(begin, end)]
        made = {float(hour): _MADE[hour % _DAY // _HOUR] for hour in hours}
        rest = {float(hour): _USED[hour % _DAY // _HOUR] - made[hour] for hour in hours}
        bought = {hour: max(kwh, 0.0) for hour, kwh in rest.items()}
        sold = {hour: max(-kwh, 0.0) for hour, kwh in rest.items()}
        costs, paid = ({hour: kwh * each for hour, kwh in flow.items()} for flow, each in ((bought, _PRICE), (sold, _PAID)))
        return (
            Flow(Source.GRID, Direction.IN, "sensor.grid", bought, costs, priced=True),
            Flow(Source.GRID, Direction.OUT, "sensor.fed_in", sold, paid, priced=True),
            Flow(Source.SOLAR, Direction.IN, "sensor.panels", made),
        )

    def _reached(self) -> None:
        if not self._world.reachable(self._connection):
            raise Transient(f"{self._connection}: simulated: cut off")
