"""Revisions that do not descend from the deployed one: nothing is taken from them without a person, not even their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.errors import Refused
from controller.core.key import Key
from tests.flows.home import Home, Inside, document, service
from tests.flows.test_brakes import simulated

LIVE = "live-revision"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.commit({"s0.yaml": document("Service", "s0", {"image": "web:2"}, protect=True)})
    return made


@pytest.fixture
def inside(home: Home) -> Iterator[Inside]:
    with home.open() as opened:
        opened.apply()
        yield opened


def deployed(inside: Inside) -> str:
    return str(inside.house.desk.look.store.fact(LIVE))


def beside(home: Home) -> str:
    """An older commit that declares the same as the deployed one; its id."""
    old = home.git("rev-parse", "HEAD").strip()
    home.commit({"README": "newer\n"})
    home.git("branch", "newer")
    home.git("reset", "-q", "--hard", old)
    return old


def test_an_older_commit_that_changes_nothing_is_no_step_to_one_that_does(home: Home, inside: Inside) -> None:
    old = beside(home)
    home.git("reset", "-q", "--hard", "newer")
    inside.apply()
    newest = deployed(inside)
    home.git("reset", "-q", "--hard", old)
    for _ in range(2):
        report = inside.apply()
        assert f"{old[:10]} does not descend from the deployed {newest[:10]}" in report.reason
        assert inside.lines() == []
    home.commit({"s0.yaml": service("s0", "web:1")})
    inside.apply()
    assert inside.lines() == ["replace service/s0 [hold history]"], "on top of the older one"
    assert (deployed(inside), inside.running()) == (newest, {"s0": "web:2"})
    home.git("reset", "-q", "--hard", newest)
    assert inside.apply().reason == ""


def test_a_person_accepts_it_by_its_name(home: Home, inside: Inside) -> None:
    old = beside(home)
    home.git("reset", "-q", "--hard", "newer")
    inside.apply()
    with pytest.raises(Refused, match="is not in the plan"):
        inside.sync.approve([deployed(inside)], "me")
    home.git("reset", "-q", "--hard", old)
    assert f"`homelab approve {old[:10]}` accepts it" in inside.apply().reason
    assert inside.sync.approve([old[:10]], "me", "amended") == (old,)
    assert inside.apply().reason == ""
    assert deployed(inside) == old
    home.commit({"s0.yaml": service("s0", "web:3")})
    inside.apply()
    assert inside.running() == {"s0": "web:3"}, "what descends from it is not held any more"


def test_what_is_accepted_is_the_revision_and_nothing_that_its_plan_holds(home: Home, inside: Inside) -> None:
    old = home.git("rev-parse", "HEAD").strip()
    home.commit({"s0.yaml": service("s0", "web:3")})
    inside.apply()
    newest = deployed(inside)
    home.git("reset", "-q", "--hard", old)
    inside.apply()
    assert inside.sync.approve([old], "me") == (old,)
    inside.apply()
    assert inside.lines() == ["replace service/s0 [hold history]"]
    assert (deployed(inside), inside.running()) == (newest, {"s0": "web:3"})


def test_it_unprotects_nothing_and_what_breaks_is_repaired(home: Home, inside: Inside) -> None:
    home.commit({"README": "newer\n"})
    inside.apply()
    home.git("reset", "-q", "--hard", "HEAD~1")
    home.commit({"s0.yaml": service("s0", "web:2")})  # the same object, with `protect` gone
    inside.apply()
    assert inside.lines() == []
    assert inside.house.desk.look.store.rows()[Key("service", "s0"), "local"].protect
    simulated(inside).remove("service", "local", "s0")
    inside.apply()
    assert inside.running() == {"s0": "web:2"}


def test_a_word_for_a_revision_is_for_once(home: Home, inside: Inside) -> None:
    old = beside(home)
    home.git("reset", "-q", "--hard", "newer")
    inside.apply()
    home.git("reset", "-q", "--hard", old)
    inside.apply()
    inside.sync.approve([old], "me")
    inside.apply()
    home.commit({"README": "on top\n"})
    inside.apply()
    newest = deployed(inside)
    home.git("reset", "-q", "--hard", old)
    assert f"`homelab approve {old[:10]}` accepts it" in inside.apply().reason
    assert deployed(inside) == newest


def test_what_cannot_be_seen_now_is_not_taken_for_done(home: Home, inside: Inside) -> None:
    old = home.git("rev-parse", "HEAD").strip()
    home.commit({"s0.yaml": service("s0", "web:3")})
    inside.apply()
    newest = deployed(inside)
    home.git("reset", "-q", "--hard", old)
    simulated(inside).cut("local")
    assert f"`homelab approve {old[:10]}` accepts it" in inside.apply().reason
    inside.sync.approve([old], "me")
    inside.apply()
    assert deployed(inside) == newest
