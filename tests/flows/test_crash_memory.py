"""SIGKILL at every journal boundary and at random instants, on the simulated world with the real embedded store."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.clients.memory import Effect, Fault
from tests.support.crash import SCENARIOS, Scenario, boundaries, crash, prepare

RANDOM_INSTANTS = 90
"""Per scenario; with the boundaries more than a thousand crashes in all."""
BATCHED = tuple(item for item in SCENARIOS if item.gather is not None)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", [pytest.param(item, id=item.name) for item in SCENARIOS])
def test_killed_at_every_boundary_and_anywhere(scenario: Scenario, tmp_path: Path) -> None:
    base = tmp_path / "base"
    prepare(scenario, base)
    places = boundaries(scenario, base, tmp_path / "count")
    assert places > 10
    for boundary in range(1, places + 1):
        crash(scenario, base, tmp_path / f"boundary-{boundary}", boundary)
    for seed in range(RANDOM_INSTANTS):
        crash(scenario, base, tmp_path / f"seed-{seed}", seed=seed)


@pytest.mark.parametrize("scenario", [pytest.param(item, id=item.name) for item in BATCHED])
def test_killed_around_a_write_that_is_many_changes(scenario: Scenario, tmp_path: Path) -> None:
    base = tmp_path / "base"
    prepare(scenario, base)
    for effect in (Effect.KILL, Effect.TORN, Effect.LATE):
        for number in (1, 2, 3):
            crash(scenario, base, tmp_path / f"{effect}-{number}", faults=[Fault(effect, "batch", nth=number)])
