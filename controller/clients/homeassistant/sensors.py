"""Sensors of our own at a Home Assistant: states without an entry in its registry, kept as they are wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

from controller.core.errors import HomelabError
from controller.core.ports import Clock

if TYPE_CHECKING:
    from controller.clients.homeassistant.home import Home

LOOK, PAUSE = 2.0, 30.0
"""Seconds between two looks at what is shown, and until the next one after a failure."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sensor:
    """A state that is to be shown, with everything that stands beside it."""

    entity_id: str
    state: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Sensors:
    """Shows sensors at a home, on a thread of its own. What was posted is gone after a restart of Home Assistant, and anybody may
    overwrite it: so what it shows is compared with `wanted`, and written where it differs. While `wanted` names nothing (another
    controller leads, or no pass has ended) nothing is asked, connected or written."""

    def __init__(self, home: Home, clock: Clock, wanted: Callable[[], Sequence[Sensor]]) -> None:
        self._home, self._clock, self._wanted = home, clock, wanted
        self._stop = Flag()
        self._failed = False
        self._thread = Thread(target=self._run, name=f"sensors-{home.name}", daemon=True)

    def start(self) -> None:
        """Show them from now on."""
        self._thread.start()

    def close(self) -> None:
        """End; what is shown stays until Home Assistant restarts."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._clock.wait(self._stop, PAUSE if self._failed else LOOK):
            try:
                self._show()
            except HomelabError as error:
                if not self._failed:
                    _log.warning("sensors are not shown", extra={"connection": self._home.name, "error": str(error)})
                self._failed = True
            else:
                self._failed = False

    def _show(self) -> None:
        wanted = self._wanted()
        if not wanted:
            return
        states = self._home.states()
        for sensor in wanted:
            shown = states.get(sensor.entity_id)
            if shown is None or shown.state != sensor.state or dict(shown.attributes) != dict(sensor.attributes):
                self._home.show(sensor.entity_id, sensor.state, sensor.attributes)
