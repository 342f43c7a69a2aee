"""What is told of a key that was away with its backend: what it was before the outage counts."""

from __future__ import annotations

import pytest

from controller.core.document import Revision
from controller.core.event import Report, Status, Sync
from controller.core.key import Key
from controller.core.state import Health
from controller.engine.report import News

LAMP = Key("box", "lamp")
WELL = (Sync.SYNCED, Health.HEALTHY)
SICK = (Sync.SYNCED, Health.DEGRADED)
DRIFTED = (Sync.DRIFTED, Health.HEALTHY)
AWAY = (Sync.UNKNOWN, Health.UNKNOWN)


def report(sync: Sync, health: Health) -> Report:
    away = (sync, health) == AWAY
    status = Status(LAMP, sync, health, "why", "", "", "home")
    return Report(0.0, Revision("r"), "r", (status,), backends={"home": "it does not answer" if away else ""})


CASES = [
    pytest.param([WELL, AWAY, WELL], ["BackendDown", "BackendUp"], id="nothing happened to it"),
    pytest.param([WELL, AWAY, DRIFTED], ["BackendDown", "DriftFound", "BackendUp"], id="it moved meanwhile"),
    pytest.param([DRIFTED, AWAY, WELL], ["DriftFound", "BackendDown", "Synced", "BackendUp"], id="its recovery is told"),
    pytest.param([SICK, AWAY, AWAY, WELL], ["BackendDown", "HealthHealthy", "BackendUp"], id="also of its health"),
    pytest.param([AWAY, WELL], ["BackendDown", "BackendUp"], id="never seen before"),
    pytest.param([AWAY, DRIFTED], ["BackendDown", "DriftFound", "BackendUp"], id="first seen in disorder"),
]


@pytest.mark.parametrize(("happens", "told"), CASES)
def test_an_outage_is_told_once_and_hides_no_recovery(happens: list[tuple[Sync, Health]], told: list[str]) -> None:
    news, last, said = News(), None, list[str]()
    for sync, health in happens:
        now = report(sync, health)
        said += [event.reason for event in news(last, now)]
        last = now
    assert said == told
