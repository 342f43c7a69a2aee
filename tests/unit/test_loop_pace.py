"""Laws of the pace: at once at first, then less and less often, and the last report is never lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.loop.pace import FIRST, LONGEST, QUIET, Pace
from tests.support.clock import HandClock

SETTLE = 0.005
gaps = st.lists(st.floats(0.0, 90.0), min_size=1, max_size=60)


def passes(gaps: list[float], thing: str = "lamp") -> tuple[list[float], list[float]]:
    """When a thing reports, and when a pass is due for each report."""
    clock = HandClock()
    pace = Pace(clock)
    reports, due = [], []
    for gap in gaps:
        clock.advance(gap)
        reports.append(clock.monotonic())
        due.append(clock.monotonic() + pace.delay(thing, SETTLE))
    return reports, due


@given(gaps)
def test_every_report_is_followed_by_a_pass_within_the_longest_pause(gaps: list[float]) -> None:
    reports, due = passes(gaps)
    for at, served in zip(reports, due, strict=True):
        assert at <= served <= at + LONGEST + SETTLE


@given(gaps)
def test_the_time_of_a_pass_is_never_taken_back(gaps: list[float]) -> None:
    _, due = passes(gaps)
    for earlier, later in pairwise(due):
        assert later >= earlier - 1e-9


@given(gaps)
def test_two_passes_without_a_quiet_minute_are_further_and_further_apart(gaps: list[float]) -> None:
    reports, due = passes(gaps)
    pause = FIRST
    for number in range(1, len(due)):
        if reports[number] - reports[number - 1] > QUIET:
            pause = FIRST
        elif due[number] > due[number - 1] + 1e-9:
            assert due[number] - due[number - 1] >= pause - 1e-9
            pause = min(2 * pause, LONGEST)


def test_what_flaps_gets_few_passes_and_after_a_quiet_minute_one_at_once() -> None:
    reports, due = passes([0.01] * 60_000)
    assert due[0] - reports[0] == pytest.approx(SETTLE)
    seen = sorted(set(due))
    assert len([at for at in seen if at < 60]) <= 12
    assert [later - earlier for earlier, later in pairwise(seen)][-5:] == [pytest.approx(LONGEST, abs=0.02)] * 5
    reports, due = passes([0.01] * 60_000 + [QUIET + 1])
    assert due[-1] - reports[-1] == pytest.approx(SETTLE)


def test_one_thing_does_not_slow_another() -> None:
    clock = HandClock()
    pace = Pace(clock)
    for _ in range(1000):
        pace.delay("lamp", SETTLE)
        clock.advance(0.01)
    assert pace.delay("lamp", SETTLE) > 1
    assert pace.delay("door", SETTLE) == SETTLE


def test_what_was_repaired_is_quiet_again() -> None:
    clock = HandClock()
    pace = Pace(clock)
    for _ in range(1000):
        pace.delay("lamp", SETTLE)
        clock.advance(0.01)
    pace.forgive("lamp")
    assert pace.delay("lamp", SETTLE) == SETTLE


def test_names_from_outside_are_forgotten() -> None:
    clock = HandClock()
    pace = Pace(clock)
    for number in range(10_000):
        pace.delay(f"lamp-{number}", SETTLE)
        clock.advance(1)
    assert len(pace._known) < 200
