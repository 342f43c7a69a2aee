"""Fields: a large value is told where it differs, and an object stands side by side with its declaration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from controller.core.change import Action, Change
from controller.core.diff import FieldDiff
from controller.core.document import Revision
from controller.core.event import Report
from controller.core.key import Key
from controller.core.plan import Plan, Rollout
from controller.usecases.fields import differing, side_by_side
from controller.usecases.views import plan_view

LIGHTS = [{"action": "light.turn_on", "target": {"entity_id": f"light.room_{number}"}} for number in range(6)]


def test_every_face_is_told_the_field_and_not_the_whole_body() -> None:
    old = {"alias": "Evening", "actions": [*LIGHTS, {"data": {"brightness": 80}}], "mode": "single"}
    new = {"alias": "Evening", "actions": [*LIGHTS, {"data": {"brightness": 180}}], "mode": "queued"}
    change = Change(
        Key("automation", "evening"), "home", "evening", Action.UPDATE, {}, {}, "changed: body", (FieldDiff("body", old, new),)
    )
    plan = Plan(Revision("r"), (Rollout.of([change], ""),))
    fields = plan_view(plan, {}, Report(0.0, Revision("r"), "r")).rollouts[0].changes[0].fields
    assert [(field.path, field.old, field.new) for field in fields] == [
        ("body.actions[6].data.brightness", 80, 180),
        ("body.mode", "single", "queued"),
    ]


_values = st.recursive(
    st.integers(0, 3) | st.sampled_from(["", "a", "a" * 60, "b" * 120]),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from("abcd"), below, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(_values, _values)
def test_what_differs_is_told_and_nothing_else(one: Any, other: Any) -> None:
    assume(one != other)
    found = list(differing("it", one, other))
    assert found
    for path, old, new in found:
        assert path.startswith("it")
        assert old != new


@pytest.mark.parametrize(
    ("desired", "observed", "applied", "changed", "rows", "reason"),
    [
        ({"a": 1}, {"a": 2}, {"a": 1}, ["a"], [("a", 1, 2, 1, True)], "one field"),
        ({"a": 1}, None, None, [], [("a", 1, None, None, False)], "not there"),
        (None, {"a": 1}, {"a": 1}, [], [("a", None, 1, 1, False)], "no longer declared"),
        (
            {"e": {"x": 1, "y": 1}}, {"e": {"x": 2, "y": 1}}, None, ["e.x"],
            [("e.x", 1, 2, None, True), ("e.y", 1, 1, None, False)], "inside of a field",
        ),
        ({"e": {"x": 1}}, {}, None, ["e"], [("e.x", 1, None, None, True)], "all of a field"),
        ({"l": [1]}, {"l": [1, 2]}, None, ["l"], [("l", [1], [1, 2], None, True)], "a short list is one field"),
        ({"l": LIGHTS}, {"l": LIGHTS[:5]}, None, ["l[5]"], 12, "a long one is many"),
        ({"ex": 1}, {"ex": 1}, None, ["e"], [("ex", 1, 1, None, False)], "names that begin alike"),
        (None, None, None, [], [], "nothing is known"),
    ],
)  # fmt: skip
def test_side_by_side(desired: Any, observed: Any, applied: Any, changed: list[str], rows: Any, reason: str) -> None:
    found = [
        (row.path, row.desired, row.observed, row.applied, row.differs)
        for row in side_by_side(desired, observed, applied, changed)
    ]
    if isinstance(rows, int):
        assert len(found) == rows, reason
        assert [path for path, *_, differs in found if differs] == ["l[5].action", "l[5].target.entity_id"]
    else:
        assert found == rows, reason
