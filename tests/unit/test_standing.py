"""Kinds whose objects are there before us and move by themselves, as lamps do: to declare one is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault, MemoryProvider
from controller.core.change import Change
from controller.core.decision import Approval
from controller.core.errors import Permanent, Severity, Transient
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Desired, Heed, Kind, Surroundings
from controller.core.limit import Limit, Wait
from controller.core.run import Step
from controller.core.state import Present, Receipt, Snapshot, Unknown
from tests.support.house import BOX, House
from tests.support.space import wait_until

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


class Simple(MemoryProvider):
    """A backend that keeps nothing of what it replaced."""

    release = None  # type: ignore[assignment]


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


def test_a_document_may_turn_to_another_one() -> None:
    called = {"lamp": "lamp"}

    def resolve(name: str, spec: Any, around: Surroundings) -> Desired:
        assert BOX.resolve is not None
        return replace(BOX.resolve(name, spec, around), address=called[name])

    made = house(markless=True, resolve=resolve)
    made.world.put("box", "local", "desk", dict(made.world.at("box", "local", "lamp").state))  # type: ignore[union-attr]
    made.commit({"lamp": {"size": 1}})
    made.reconcile()
    called["lamp"] = "desk"
    made.commit({"lamp": {"size": 1, "timeout": 0.3}})
    assert made.plan() == "update box/lamp: new: size [allow]"
    made.reconcile()
    assert {name: each[1] for name, each in made.boxes().items()} == {"lamp": 1, "desk": 1}, "the first stays as it is"


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


def test_a_repair_whose_lamp_moved_meanwhile_is_planned_anew() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}})
    made.reconcile()
    made.world.edit("box", "local", "lamp", size=5)
    seen: list[int] = []

    def person(_change: Change) -> None:
        made.world.edit("box", "local", "lamp", size=9)

    meanwhile(made, person)
    made.reconcile()
    seen.append(size(made))
    made.reconcile()
    assert [*seen, size(made)] == [9, 1], "left to the next plan, which may know a reason to wait"
    assert not {"RolloutFailed", "LeftAsItIs", "Stuck"} & {
        event.reason for event in made.said if event.severity is not Severity.INFO
    }


def test_what_moved_to_where_it_may_not_be_written_from_waits_for_another_plan() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}})
    provider = made.providers["box", "local"]
    assert isinstance(provider, Restless)
    limit = provider.limit

    def limited(change: Change) -> Limit:
        moved = change.before is not None and change.before["size"] == 9
        return Wait(made.clock.now() + 600, "a person changed it") if moved else limit(change)

    provider.limit = limited  # type: ignore[method-assign]
    meanwhile(made, lambda _change: made.world.edit("box", "local", "lamp", size=9))
    made.reconcile()
    assert size(made) == 9
    assert not made.store.open_entries()


def test_a_lamp_that_is_away_holds_up_no_undo() -> None:
    made = house()
    made.commit({"lamp": {"size": 1}, "beside": {"uses": ["box/lamp"]}, "late": {"uses": ["box/beside"]}})
    provider = made.providers["box", "local"]
    assert isinstance(provider, Restless)
    look = provider.observe
    away: list[bool] = []

    def observe(targets: Any) -> Snapshot:
        found = look(targets)
        return Snapshot({**found.items, LAMP: Unknown("it is unavailable")}) if away else found

    provider.observe = observe  # type: ignore[method-assign]

    def refused(change: Change) -> None:
        meanwhile(made, refused)
        if change.key.name == "late":
            away.append(True)
            raise Permanent("refused")
        if away and change.key == LAMP:
            raise Transient("it is unavailable")

    meanwhile(made, refused)
    made.reconcile()
    assert (set(made.boxes()), size(made)) == ({"lamp"}, 1), "what it was needed by is taken back, it is left as it is"
    assert not made.store.open_entries()
    told = next(event for event in made.said if event.reason == "LeftAsItIs")
    assert "it is unavailable" in told.message


def test_a_difference_that_is_left_alone_does_not_become_a_spelling() -> None:
    made = house(Heed.ONCE)
    made.commit({"lamp": {"size": 1}})
    made.reconcile()
    made.world.edit("box", "local", "lamp", size=7)
    made.commit({"lamp": {"size": 1, "timeout": 0.3}}, lamp={"protect": True})
    made.reconcile()
    row = made.store.rows()[PLACE]
    assert (row.protect, row.applied["size"], row.shown["size"]) == (True, 1, 1)  # type: ignore[index]


def test_what_moved_while_the_controller_was_dead_is_drift_and_no_spelling() -> None:
    made = house()
    made.world.delay = 3600
    made.commit({"lamp": {"size": 1, "timeout": 3600}})
    passing = Thread(target=made.reconcile)
    passing.start()
    wait_until(lambda: [entry.step for entry in made.store.open_entries()] == [Step.DONE], "the lamp to be written")
    made.reconciler.flights.close()
    passing.join()
    made.world.delay = 0
    made.world.edit("box", "local", "lamp", size=6)
    again = made.restarted()
    again.providers = {("box", "local"): Simple(made.kinds["box"], made.world)}
    again.reconcile()
    again.reconcile()
    assert (size(again), again.plan()) == (1, "")
