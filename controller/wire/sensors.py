"""What a home is shown of the house: two sensors, made from the summary of the last pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.clients.homeassistant.sensors import Sensor
from controller.core.event import Report
from controller.core.ports import Store
from controller.usecases.summary import Summary, summary, waiting_proposals

_COUNTS = ("resources", "synced", "drifted", "pending", "held", "failed", "suspended", "unknown", "degraded", "backends_down")


class Board:
    """The sensors that every home shows which asked for them: none until `follow` says where they come from. For many threads."""

    def __init__(self) -> None:
        self._source: Callable[[], Sequence[Sensor]] = tuple

    def __call__(self) -> Sequence[Sensor]:
        """The sensors as they are to be shown now."""
        return self._source()

    def follow(self, last: Callable[[], Report | None], leads: Callable[[], bool], store: Store) -> None:
        """Show the last report, and how many proposals wait, while we lead."""

        def source() -> Sequence[Sensor]:
            report = last()
            if report is None or not leads():
                return ()
            return sensors_of(summary(report, waiting_proposals(store)))

        self._source = source


def sensors_of(found: Summary) -> tuple[Sensor, ...]:
    """A summary as sensors. No time is among the attributes: each change of one is a row in Home Assistant's database."""
    counts = {name: getattr(found, name) for name in _COUNTS}
    about = {"refused": found.refused, "world": found.world, "icon": "mdi:source-branch-sync", "friendly_name": "Homelab sync"}
    waiting = {"proposals": found.pending_proposals, "icon": "mdi:account-check", "friendly_name": "Homelab pending approvals"}
    return (
        Sensor("sensor.homelab_sync", found.sync, {**counts, **about}),
        Sensor("sensor.homelab_pending_approvals", str(found.pending_approvals), waiting),
    )
