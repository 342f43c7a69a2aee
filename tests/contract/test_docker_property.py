"""Law: whatever a Service declares, the plan after its apply is empty, and an edit touches only what it edits."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.core.diff import FieldDiff, compare
from controller.core.run import Outcome
from controller.core.state import State
from tests.contract.docker_house import docker_house
from tests.contract.service_specs import AROUND, EDITS, FILES, Spec, batches, edited, placed
from tests.contract.yard import KINDS, Specs
from tests.support.clock import HandClock
from tests.support.engines import Engine
from tests.support.house import House

BATCH, BATCHES = 5, 5
KERNEL = frozenset(["blkio_config", "oom_kill_disable", "mem_swappiness"])
"""What a kernel may not know; the engine leaves it out with a warning."""
quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.large_base_example]

Commit = Callable[[Mapping[str, Spec]], object]


def documents(services: tuple[Spec, ...], folder: str) -> dict[str, Spec]:
    """Services `s0`, `s1`, … and what they may refer to."""
    return {**AROUND, **{f"service/s{number}": placed(spec, folder) for number, spec in enumerate(services)}}


def holds(house: House, commit: Commit, services: tuple[Spec, ...], field: str, folder: str) -> None:
    """The law, for one batch and an edit of its first service."""
    commit(documents(services, folder))
    report = house.reconcile()
    assert not report.diagnostics, report.diagnostics
    applied(house)
    commit(documents((edited(services[0], field), *services[1:]), folder))
    touched = {str(change.key) for change in house.reconciler.survey().plan.changes}
    assert touched <= {"service/s0"}, house.plan()
    house.reconcile()
    applied(house)


def applied(house: House) -> None:
    """Everything is applied, nothing is left to do, and no difference is only tolerated because it was there from the start."""
    bad = [run.reason for run in house.store.runs() if run.outcome is not Outcome.APPLIED]
    assert not bad, bad
    assert house.plan() == ""
    for (key, _), row in house.store.rows().items():
        if key.kind == "service":
            assert row.applied is not None
            assert row.shown is not None
            found = [each for each in _differing(row.applied, row.shown) if each.path.partition(".")[0] not in KERNEL]
            assert not found, f"{key}: {found}"


@settings(max_examples=100, deadline=None, suppress_health_check=quiet)
@given(batches(3), st.sampled_from(sorted(EDITS)))
def test_in_the_simulated_world(tmp_path_factory: Any, services: tuple[Spec, ...], field: str) -> None:
    house = House(clock=HandClock(), kinds=KINDS, vault=_vault(tmp_path_factory))

    def commit(given: Mapping[str, Spec]) -> None:
        house.book.write({**FILES, **written(given)})

    holds(house, commit, services, field, "/srv/host")


def test_on_every_engine(engine: Engine, tmp_path: Path) -> None:
    counter = itertools.count()

    @settings(max_examples=BATCHES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=quiet)  # fmt: skip
    @given(batches(BATCH), st.sampled_from(sorted(EDITS)))
    def law(services: tuple[Spec, ...], field: str) -> None:
        engine.clean()
        folder = tmp_path / str(next(counter))
        folder.mkdir()
        with docker_house(engine, folder) as made:
            made.files.update(FILES)
            holds(made.house, made.commit, services, field, str(folder / "host"))

    law()


def _differing(applied: State, shown: State) -> tuple[FieldDiff, ...]:
    """Differences without the tolerance for what was there from the start."""
    kind = KINDS["service"]
    return compare(applied, shown, same=kind.same, whole=kind.whole)


def written(documents: Mapping[str, Spec]) -> dict[str, str]:
    """Files with these documents."""
    found = {}
    for name, spec in documents.items():
        kind, _, own = name.partition("/")
        found[f"{kind}-{own}.yaml"] = json.dumps({"kind": kind.capitalize(), "name": own, "spec": spec})
    return found


def _vault(factory: Any) -> Any:
    """One vault for all examples: making its key takes longer than an example."""
    if not hasattr(factory, "vault_of_specs"):
        factory.vault_of_specs = Specs(factory.mktemp("vault")).vault
    return factory.vault_of_specs
