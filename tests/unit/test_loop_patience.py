"""Patience: what failed waits, what never converges is stopped, what works is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.change import Action, Change
from controller.core.document import Revision
from controller.core.key import Key
from controller.core.plan import Plan, Rollout
from controller.core.run import Outcome
from controller.engine.patience import OFTEN, VAIN, Patience
from tests.support.clock import HandClock

CHANGE = Change(
    Key("box", "web"), "local", "web", Action.UPDATE, {"size": 1}, {"size": 2}, "drift: size", digest="wanted", drift=True
)
ROLLOUT = Rollout.of([CHANGE], "policy")
NOTHING = Plan(Revision("1"))
STILL = Plan(Revision("1"), (Rollout.of([replace(CHANGE, before={"size": 3})], "policy"),))


def patience() -> tuple[Patience, HandClock]:
    clock = HandClock()
    return Patience(clock, jitter=lambda: 0.5), clock


@pytest.mark.parametrize(
    ("outcome", "waits", "reason"),
    [
        (Outcome.WAITING, True, "a backend that did not answer is not hammered"),
        (Outcome.ROLLED_BACK, True, "a repair that failed its gate may work later"),
        (Outcome.FAILED, True, "whatever it was, not at once again"),
        (Outcome.SUPERSEDED, False, "it was called off by a person, not by a failure"),
        (Outcome.APPLIED, False, "it worked: when it is lost again it is repaired at once"),
    ],
)
def test_what_failed_waits_before_it_is_tried_again(outcome: Outcome, waits: bool, reason: str) -> None:
    known, _ = patience()
    known.ended(ROLLOUT, outcome)
    assert (known.ready([ROLLOUT]) == ()) is waits, reason
    assert (known.next() is not None) is waits


def test_pauses_grow_until_it_works() -> None:
    known, clock = patience()
    pauses = []
    for _ in range(4):
        known.ended(ROLLOUT, Outcome.WAITING)
        due = known.next()
        assert due is not None
        pauses.append(due - clock.monotonic())
        clock.advance(pauses[-1])
        assert known.ready([ROLLOUT]) == (ROLLOUT,)
    assert pauses == [pytest.approx(expected) for expected in (1, 2, 4, 8)]
    known.ended(ROLLOUT, Outcome.APPLIED)
    known.ended(ROLLOUT, Outcome.WAITING)
    due = known.next()
    assert due is not None
    assert due - clock.monotonic() == pytest.approx(1)


def test_another_desired_state_does_not_wait() -> None:
    known, _ = patience()
    known.ended(ROLLOUT, Outcome.WAITING)
    other = Rollout.of([replace(CHANGE, digest="another")], "policy")
    assert known.ready([ROLLOUT, other]) == (other,)


def test_what_is_planned_again_after_every_apply_is_named_after_the_third() -> None:
    known, clock = patience()
    for _ in range(VAIN - 1):
        known.ended(ROLLOUT, Outcome.APPLIED)
        assert known.vain(STILL) == ()
        assert known.vain(STILL) == (), "only a look after an apply counts"
        clock.advance(60)
    known.ended(ROLLOUT, Outcome.APPLIED)
    assert known.vain(STILL) == STILL.rollouts


def test_what_somebody_undoes_converges_and_is_repaired_at_once() -> None:
    known, clock = patience()
    for _ in range(3 * VAIN):
        known.ended(ROLLOUT, Outcome.APPLIED)
        assert known.vain(Plan(Revision("1"), (ROLLOUT,))) == ()
        assert known.ready([ROLLOUT]) == (ROLLOUT,)
        clock.advance(1)


def test_one_look_without_it_is_convergence() -> None:
    known, clock = patience()
    for _ in range(3 * VAIN):
        known.ended(ROLLOUT, Outcome.APPLIED)
        assert known.vain(STILL) == ()
        known.ended(ROLLOUT, Outcome.APPLIED)
        assert known.vain(NOTHING) == ()
        clock.advance(20)


def test_somebody_who_works_against_us_is_not_fought_at_full_speed() -> None:
    known, clock = patience()
    for _ in range(OFTEN):
        assert known.ready([ROLLOUT]) == (ROLLOUT,)
        known.ended(ROLLOUT, Outcome.APPLIED)
        known.vain(NOTHING)
        clock.advance(1)
    assert known.ready([ROLLOUT]) == ()
    clock.advance(60)
    assert known.ready([ROLLOUT]) == (ROLLOUT,)


def test_what_is_long_settled_is_forgotten() -> None:
    known, clock = patience()
    known.ended(ROLLOUT, Outcome.WAITING)
    clock.advance(3600)
    known.vain(NOTHING)
    known.ended(ROLLOUT, Outcome.WAITING)
    due = known.next()
    assert due is not None
    assert due - clock.monotonic() == pytest.approx(1)
