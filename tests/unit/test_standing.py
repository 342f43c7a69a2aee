"""Kinds whose objects are there before us and move by themselves, as lamps do: to declare one is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event as Flag
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault, MemoryProvider
from controller.core.change import Change
from controller.core.decision import Approval
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Heed, Kind
from controller.core.state import Present, Receipt
from tests.support.house import BOX, House

LAMP = Key("box", "lamp")
PLACE = (LAMP, "local")
OTHERS: dict[str, Any] = {f"other-{number}": {} for number in range(4)}


class Restless(MemoryProvider):
    """A backend where somebody may be quicker: `meanwhile` happens once, before the next write."""

    meanwhile: Callable[[Change], None] | None = None

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens(change)
        return super().apply(change, interrupt)


def house(heed: Heed = Heed.REPAIR, attended: str = "", **kind: Any) -> House:
    """A house where a lamp stands that nobody declared yet, of size 3."""
    lamps: Kind = replace(
        BOX,
        standing=True,
        volatile=True,
        lasting=True,
        heeds=lambda _state: heed,
        attended=lambda _before, _after: attended,
        **kind,
    )
    made = House(kinds={"box": lamps})
    made.providers = {("box", "local"): Restless(lamps, made.world)}
    image = made.world.digest("box:1")
    made.world.put("box", "local", "lamp", {"image": "box:1", "size": 3, "status": "running", "image_digest": image})
    return made


def size(made: House) -> int:
    found: int = made.boxes()["lamp"][1]
    return found


def meanwhile(made: House, happens: Callable[[Change], None]) -> None:
    provider = made.providers["box", "local"]
    assert isinstance(provider, Restless)
    provider.meanwhile = happens


def test_declaring_it_is_enough() -> None:
    made = house()
    made.commit({**OTHERS, "lamp": {"size": 1}})
    assert "update box/lamp: new: size [allow]" in made.plan()
    made.reconcile()
    assert (size(made), made.plan()) == (1, "")
    made.commit(OTHERS)
    assert made.plan() == "forget box/lamp: removed from git [allow]"
    made.reconcile()
    assert (size(made), PLACE in made.store.rows()) == (1, False), "it stays as it is"


def test_one_that_is_as_declared_is_adopted_without_a_question() -> None:
    made = house()
    made.commit({"lamp": {"size": 3}})
    assert made.plan() == "adopt box/lamp: is there already, as declared [allow]"


def test_only_once() -> None:
    made = house(Heed.ONCE)
    made.commit({"lamp": {"size": 1}})
    made.reconcile()
    made.world.edit("box", "local", "lamp", size=7)
    made.reconcile()
    assert (size(made), made.plan()) == (7, ""), "what moves in the world is left to it"
    made.commit({"lamp": {"size": 2}})
    made.reconcile()
    assert size(made) == 2, "another declaration is another once"


def test_only_told() -> None:
    made = house(Heed.REPORT)
    made.commit({"lamp": {"size": 1}})
    report = made.reconcile()
    line = next(item for item in report.statuses if item.key == LAMP)
    assert (size(made), line.sync) == (3, Sync.DRIFTED)
    assert "differs in size; it is only observed" in line.why
    assert PLACE not in made.store.rows()


def test_what_is_only_told_is_never_made() -> None:
    made = house(Heed.REPORT)
    made.commit({"other": {}})
    made.reconcile()
    line = next(item for item in made.reconcile().statuses if item.key == Key("box", "other"))
    assert ("other" in made.boxes(), "does not exist" in line.why) == (False, True)


@pytest.mark.parametrize("drift", [False, True], ids=["first", "repair"])
def test_what_a_person_must_agree_to_is_held_each_time(drift: bool) -> None:
    made = house(attended="a door")
    made.commit({"lamp": {"size": 1}})
    if drift:
        made.store.approve(Approval(made.reconciler.survey().plan.rollouts[0].digest, True, "me", made.clock.now()))
        made.reconcile()
        assert size(made) == 1
        made.world.edit("box", "local", "lamp", size=5)
    before = size(made)
    made.reconcile()
    survey = made.reconciler.survey()
    (decision,) = survey.decisions.values()
    assert (size(made), decision.rule, decision.reason) == (before, "attended", "a door")


def test_a_move_between_plan_and_write_is_no_conflict() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}})
    meanwhile(made, lambda _change: made.world.edit("box", "local", "lamp", size=9))
    report = made.reconcile()
    assert (size(made), made.plan()) == (1, "")
    assert all(line.sync is Sync.SYNCED for line in report.statuses)


def test_an_undo_brings_back_what_was_there_at_the_write() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}, "late": {"uses": ["box/lamp"]}})
    meanwhile(made, lambda _change: made.world.edit("box", "local", "lamp", size=9))
    made.world.faults.add(Fault(Effect.REFUSE, key=Key("box", "late")))
    made.reconcile()
    assert size(made) == 9


def test_an_undo_leaves_what_changed_since_it_was_written() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}, "late": {"uses": ["box/lamp"]}})

    def written(change: Change) -> None:
        assert change.key == LAMP
        meanwhile(made, lambda _late: made.world.edit("box", "local", "lamp", size=8))

    meanwhile(made, written)
    made.world.faults.add(Fault(Effect.REFUSE, key=Key("box", "late")))
    made.reconcile()
    assert size(made) == 8
    assert "LeftAsItIs" in {event.reason for event in made.said}
    assert not made.store.open_entries()
    assert "Stuck" not in {event.reason for event in made.said}


def test_who_changed_it_is_told() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}})
    made.reconcile()
    made.world.edit("box", "local", "lamp", size=5)
    provider = made.providers["box", "local"]
    look = provider.observe

    def observe(targets: Any) -> Any:
        found = look(targets)
        lamp = found.items[LAMP]
        assert isinstance(lamp, Present)
        return replace(found, items={LAMP: replace(lamp, by="a person")})

    provider.observe = observe  # type: ignore[method-assign]
    assert made.plan() == "update box/lamp: drift: size (by a person) [allow]"
