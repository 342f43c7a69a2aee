"""Whatever helper is declared and however it is written: once it is applied nothing is left to do, and nothing else moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.key import Key
from controller.core.state import Present, State, Target
from controller.kinds.helper import KIND, HelperProvider
from tests.contract.home_yard import Door, HomeSpecs, fresh, registries
from tests.contract.yard import NO
from tests.support.homeassistant import HomeAssistant

TITLES = st.sampled_from(["Wohnzimmer", "Küche №2", "  guest mode ", "日本", "a_b", "Ü", "🙂"])
WORDS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
TEXTS = st.one_of(WORDS, st.sampled_from(["°C", "Größe", "{{ x }}", "on", "null", "1e3", "a: b"]))
WHOLE = st.integers(-1000, 1000)
NUMBERS = st.one_of(WHOLE, st.floats(-1000, 1000, allow_nan=False).map(lambda each: round(each, 3)))
TIMES = st.integers(0, 86399).map(lambda each: f"{each // 3600}:{each // 60 % 60:02}" + (f":{each % 60:02}" if each % 60 else ""))


def fields(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2, unique_by=float)))
    more = draw(fields(step=st.sampled_from([1, 0.1, 5.0]), mode=st.sampled_from(["slider", "box"]), unit_of_measurement=TEXTS))
    initial = {"initial": draw(st.sampled_from([low, high]))} if draw(st.booleans()) else {}
    return {"type": "input_number", "min": low, "max": high, **more, **initial}


@st.composite
def choices(draw: st.DrawFn) -> dict[str, Any]:
    options = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    initial = {"initial": draw(st.sampled_from(options))} if draw(st.booleans()) else {}
    return {"type": "input_select", "options": options, **initial}


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(0, 255), st.integers(1, 255))))
    more = draw(fields(mode=st.sampled_from(["text", "password"]), unit_of_measurement=TEXTS))
    return {"type": "input_text", "min": low, "max": max(high, 1), **more}


@st.composite
def dates(draw: st.DrawFn) -> dict[str, Any]:
    date, time = draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    words = [draw(st.dates()).isoformat()] if date else []
    value = " ".join([*words, *([draw(TIMES)] if time else [])])
    initial = {"initial": value} if draw(st.booleans()) else {}
    return {"type": "input_datetime", "has_date": date, "has_time": time, **initial}


@st.composite
def counters(draw: st.DrawFn) -> dict[str, Any]:
    initial = draw(st.integers(0, 1000))  # 2025.4 takes none below zero
    low, high = draw(st.integers(-1000, initial)), draw(st.integers(initial, 2000))
    more = draw(fields(step=st.integers(1, 9), restore=st.booleans()))
    return {"type": "counter", "minimum": low, "maximum": high, "initial": initial, **more}


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, Any]:
    week: dict[str, Any] = {"type": "schedule"}
    for day in draw(st.lists(st.sampled_from(["monday", "wednesday", "sunday"]), unique=True)):
        hours = sorted(draw(st.lists(st.integers(0, 24), min_size=2, max_size=6, unique=True)))
        pairs = list(zip(hours[::2], hours[1::2], strict=False))
        data = draw(st.sampled_from([{}, {"data": {"brightness": 5, "mode": "cozy"}}]))
        week[day] = draw(st.permutations([{"from": f"{a}:00", "to": f"{b}:00", **data} for a, b in pairs]))
    return week


DURATIONS = st.one_of(
    st.integers(0, 200_000),
    st.integers(0, 5999).map(lambda each: f"{each // 60:02}:{each % 60:02}"),
    st.integers(0, 300_000).map(lambda each: f"{each // 3600}:{each // 60 % 60:02}:{each % 60:02}"),
    fields(hours=st.integers(0, 50), minutes=st.integers(0, 99), seconds=st.integers(0, 99)).filter(bool),
)
SWITCHES = fields(initial=st.one_of(st.booleans(), st.sampled_from(["on", "off"])))
OF_A_TYPE = (
    SWITCHES.map(lambda each: {"type": "input_boolean", **each}),
    numbers(),
    choices(),
    texts(),
    dates(),
    st.just({"type": "input_button"}),
    counters(),
    fields(duration=DURATIONS, restore=st.booleans()).map(lambda each: {"type": "timer", **each}),
    weeks(),
)
SHOWN = fields(name=TITLES, icon=st.sampled_from(["mdi:lamp", "mdi:abacus", ""]))
TWO = st.one_of(*(st.tuples(*[st.builds(lambda own, shown: {**own, **shown}, each, SHOWN)] * 2) for each in OF_A_TYPE))


@pytest.fixture
def door(home_assistant: HomeAssistant) -> Iterator[Door]:
    made = Door(home_assistant)
    yield made
    made.close()


@settings(derandomize=True, max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(two=TWO)
def check(door: Door, specs: HomeSpecs, two: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before = registries(door.server)
    provider, name = HelperProvider(door.home), fresh("any")
    shown: State | None = None
    address = f"{two[0]['type']}.{name}"
    for spec in (*two, None):
        wanted = specs.resolve("helper", "it", {**spec, "id": name}).state if spec is not None else None
        action = Action.DELETE if wanted is None else Action.CREATE if shown is None else Action.UPDATE
        receipt = provider.apply(Change(Key("helper", "it"), "local", address, action, shown, wanted, "test"), NO)
        shown = receipt.state
        if wanted is not None:
            found = provider.observe([Target(Key("helper", "it"), address)]).of(Key("helper", "it"))
            assert isinstance(found, Present)
            assert compare(wanted, found.state, same=KIND.same) == ()
            assert found.state == shown
    assert registries(door.server) == before


def test_after_a_helper_is_applied_nothing_is_left_to_do(door: Door, tmp_path: Path) -> None:
    check(door, HomeSpecs(tmp_path))
