"""Laws of the engine over generated houses and faults."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.clients.memory import Effect, Fault
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.run import Step
from tests.support.house import House

NAMES = ("aa", "bb", "cc", "dd", "ee")
GOOD = ("x:1", "x:2", "x:3")
IMAGES = (*GOOD, "x:bad", "x:crash")


@st.composite
def estates(draw: st.DrawFn, images: tuple[str, ...] = GOOD, least: int = 0) -> dict[str, dict[str, Any]]:
    """Boxes whose needs point to earlier names, so that there is no circle."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=least))
    boxes: dict[str, dict[str, Any]] = {}
    for name in sorted(names):
        uses = draw(st.lists(st.sampled_from(sorted(boxes)), unique=True)) if boxes else []
        environment = draw(st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")))
        size, image = draw(st.integers(1, 3)), draw(st.sampled_from(images))
        boxes[name] = {"image": image, "size": size, "environment": environment, "uses": [f"box/{used}" for used in uses]}
    return boxes


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    effect = draw(st.sampled_from([Effect.FAIL, Effect.REFUSE, Effect.LOSE, Effect.HALF]))
    operation = "observe" if effect is Effect.HALF else draw(st.sampled_from(["apply", "health", "release", "adapt"]))
    if operation in ("health", "adapt", "release") and effect in (Effect.REFUSE, Effect.LOSE):
        effect = Effect.FAIL
    return Fault(effect, operation, nth=draw(st.integers(1, 4)), times=draw(st.integers(1, 3)))


def pinned(boxes: dict[str, dict[str, Any]]) -> dict[str, tuple[str, int, str]]:
    return {name: (spec["image"], spec["size"], "running") for name, spec in boxes.items()}


laws = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PADDING: dict[str, dict[str, Any]] = {f"pad-{number:02}": {} for number in range(24)}


@laws
@given(st.lists(estates(), min_size=1, max_size=4))
def test_the_plan_converges_and_is_empty_afterwards(revisions: list[dict[str, dict[str, Any]]]) -> None:
    house = House()
    for boxes in revisions:
        house.commit({**boxes, **PADDING})
        house.reconcile()
        assert house.plan() == ""
        assert {name: box for name, box in house.boxes().items() if name in NAMES} == pinned(boxes)
        version = house.world.version
        house.reconcile()
        assert house.world.version == version, "a converged world is not written"


@laws
@given(estates(least=1), estates(IMAGES, least=1), st.lists(faults(), max_size=3))
def test_whatever_fails_each_rollout_is_applied_or_exactly_undone(
    before: dict[str, Any], after: dict[str, Any], mishaps: list[Fault]
) -> None:
    house = House()
    house.commit({**before, **PADDING})
    house.reconcile()
    house.commit({**after, **PADDING})
    for mishap in mishaps:
        house.world.faults.add(mishap)
    for _ in range(6):
        house.reconcile()
    house.world.faults.clear()
    for item in house.store.quarantined():
        if not any(key for key in item.wanted if after.get(Key.parse(key).name, {}).get("image", "x:1") not in GOOD):
            house.store.absolve(item.digest)
    for _ in range(3):
        house.reconcile()
    assert not house.store.open_entries()
    old, new = pinned(before), pinned(after)
    entries = [entry for run in house.store.runs() for entry in house.store.entries(run.id)]
    stuck = {entry.change.key.name for entry in entries if entry.step is Step.STUCK}
    assert not stuck or any(mishap.effect is Effect.REFUSE for mishap in mishaps), "only a refused undo needs a person"
    for name, box in house.boxes().items():
        if name in stuck:
            continue
        assert box in (old.get(name), new.get(name), ("box:1", 1, "running")), "a box is as before or as wanted"
        assert box[0] in GOOD or box[0] == "box:1", "nothing unhealthy stays"
    bad = {name for name, spec in after.items() if spec["image"] not in GOOD}
    report = house.reconciler.last
    assert report is not None
    if not bad and not stuck:
        assert house.plan() == ""
        assert {name: box for name, box in house.boxes().items() if name in NAMES} == new
    for line in report.statuses:
        kept = bool(bad) and line.sync is Sync.PENDING and ("is still used by" in line.why or "waits for" in line.why)
        assert line.sync in (Sync.SYNCED, Sync.FAILED) or kept, line


@laws
@given(estates(least=1), st.data())
def test_any_hand_edit_is_repaired(boxes: dict[str, Any], data: st.DataObject) -> None:
    house = House()
    house.commit({**boxes, **PADDING})
    house.reconcile()
    name = data.draw(st.sampled_from(sorted(boxes)))
    field, value = data.draw(st.sampled_from([("size", 9), ("image", "y:9"), ("status", "exited"), ("status", "paused")]))
    house.world.edit("box", "local", name, **{field: value})
    plan = house.plan()
    assert f"box/{name}: drift: {field}" in plan
    house.reconcile()
    assert house.plan() == ""
    assert house.boxes()[name] == pinned(boxes)[name]
