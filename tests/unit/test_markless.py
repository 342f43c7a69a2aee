"""Kinds whose backend cannot keep an owner mark: what is there as declared is taken over, and outlives its declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.memory import MemoryWorld
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Desired, Surroundings
from tests.support.house import BOX, House


def digest(image: str) -> str:
    """What the simulated registry says."""
    return MemoryWorld(SystemClock()).digest(image)


PLACE = (Key("box", "web"), "local")
STATE: dict[str, Any] = {"image": "box:1", "size": 1, "status": "running", "image_digest": digest("box:1")}
OTHERS: dict[str, Any] = {f"other-{number}": {} for number in range(4)}


def house(**found: Any) -> House:
    """A house of a markless kind where `web` stands already, as declared but for `found`."""
    made = House(kinds={"box": replace(BOX, markless=True)})
    made.world.put("box", "local", "web", {**STATE, **found})
    made.commit({**OTHERS, "web": {}})
    return made


def test_what_is_there_as_declared_is_adopted_and_not_written() -> None:
    made = house()
    handle = made.world.at("box", "local", "web").handle  # type: ignore[union-attr]
    assert "adopt box/web: is there already, as declared [allow]" in made.plan()
    made.reconcile()
    assert made.plan() == ""
    assert made.store.rows()[PLACE].found
    assert made.world.at("box", "local", "web").handle == handle  # type: ignore[union-attr]


def test_what_was_there_before_is_forgotten_and_stays() -> None:
    made = house()
    made.reconcile()
    made.commit(OTHERS)
    assert made.plan() == "forget box/web: removed from git; it was there before and stays [allow]"
    made.reconcile()
    assert "web" in made.boxes()
    assert PLACE not in made.store.rows()
    assert made.plan() == ""


def test_what_differs_stays_foreign_until_a_person_says_so() -> None:
    made = house(size=3)
    made.reconcile()
    report = made.reconciler.last
    assert report is not None
    line = next(item for item in report.statuses if item.key == PLACE[0])
    assert (line.sync, "is not ours" in line.why) == (Sync.FAILED, True)
    assert made.boxes()["web"][1] == 3
    made.commit({**OTHERS, "web": {}}, web={"mode": "adopt"})
    made.reconcile()
    made.reconcile()
    assert made.boxes()["web"][1] == 1
    made.commit(OTHERS)
    assert made.plan() == "delete box/web: removed from git [allow]", "a person took it over: it is ours"


def test_what_we_gave_another_meaning_is_ours() -> None:
    made = house()
    made.reconcile()
    made.world.edit("box", "local", "web", size=9)
    made.reconcile()
    assert made.store.rows()[PLACE].found, "a repair gives back what was there before"
    made.commit({**OTHERS, "web": {"size": 2}})
    made.reconcile()
    assert not made.store.rows()[PLACE].found
    made.commit(OTHERS)
    assert made.plan() == "delete box/web: removed from git [allow]"


def test_a_kind_with_marks_asks_as_before() -> None:
    made = House()
    made.world.put("box", "local", "web", STATE)
    made.commit({**OTHERS, "web": {}})
    assert "box/web" not in made.plan()


def test_another_object_in_the_same_document_is_refused() -> None:
    def resolve(name: str, spec: Any, around: Surroundings) -> Desired:
        assert BOX.resolve is not None
        return replace(BOX.resolve(name, spec, around), address=f"{name}-{spec.size}")

    made = House(kinds={"box": replace(BOX, markless=True, resolve=resolve)})
    made.commit({"web": {}})
    made.reconcile()
    made.commit({"web": {"size": 2}})
    report = made.reconcile()
    line = next(item for item in report.statuses if item.key == PLACE[0])
    assert (line.sync, list(made.boxes())) == (Sync.FAILED, ["web-1"])
    assert "stood for 'web-1' and now means 'web-2': give the document another name" in line.why
    made.commit({"web2": {"size": 2}})
    made.reconcile()
    assert list(made.boxes()) == ["web2-2"], "the old one goes with the old document"
