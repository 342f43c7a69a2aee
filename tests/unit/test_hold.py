"""What cannot be done now is split off with what needs it, and the rest goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from controller.cli.show_plan import plan_lines
from controller.cli.text import Paint
from controller.clients.memory import MemoryWorld
from controller.core.change import Action, Change
from controller.core.codec import to_data
from controller.core.decision import Suspension, Verdict
from controller.core.errors import Refused
from controller.core.event import Status, Sync
from controller.core.key import Key
from controller.core.limit import YES, Ask, Limit, Never, Wait
from controller.usecases.look import Look
from controller.usecases.sync import Sync as Syncing
from tests.support.clock import HandClock
from tests.support.house import BOX, House, box

TEXT = "enter at the provider: dns A 198.51.100.7\nthe lines below say where"
CHAIN: Mapping[str, Any] = {"dns": {}, "db": {}, "web": {"uses": ["box/dns", "box/db"]}, "page": {"uses": ["box/web"]}}


def house(limit: Limit = YES, name: str = "dns", **boxes: Any) -> House:
    """A house whose backend says `limit` to every change of one box."""
    clock = HandClock()

    def answer(change: Change) -> Limit:
        later = isinstance(limit, Wait) and clock.now() >= limit.until
        return limit if change.key.name == name and not later else YES

    made = House(world=MemoryWorld(clock, limit=answer), clock=clock, kinds={"box": replace(BOX, markless=True)})
    if boxes:
        made.commit(boxes)
    return made


def stand(made: House, name: str) -> None:
    """A person makes a box as it is declared."""
    state = {"image": "box:1", "size": 1, "status": "running", "image_digest": made.world.digest("box:1")}
    made.world.put("box", "local", name, state)


def status(made: House, name: str) -> Status:
    report = made.reconciler.last
    assert report is not None
    return next(item for item in report.statuses if item.key == Key("box", name))


def test_what_only_a_person_can_do_holds_what_needs_it_and_nothing_else() -> None:
    made = house(Ask(TEXT), **CHAIN)
    assert made.plan() == (
        "ask box/dns: new [hold]\ncreate box/db: new [allow]\ncreate box/page: new [hold]\ncreate box/web: new [hold]"
    )
    found = made.reconciler.survey()
    asked = next(rollout for rollout in found.plan.rollouts if len(rollout.changes) > 1)
    assert [str(key) for key in asked.keys] == ["box/dns", "box/web", "box/page"]
    decision = found.decisions[asked.digest]
    assert (decision.verdict, decision.rule) == (Verdict.HOLD, "ask")
    assert decision.reason == "waits for box/dns: enter at the provider: dns A 198.51.100.7"
    made.reconcile()
    assert set(made.boxes()) == {"db"}
    assert status(made, "web").sync is Sync.HELD
    assert "waits for box/dns: enter at the provider" in status(made, "web").why
    assert TEXT in status(made, "dns").why


def test_the_plan_says_what_to_do_and_offers_no_approval() -> None:
    made = house(Ask(TEXT), **CHAIN)
    shown = Look(made.reconciler, made.book, made.store).plan()
    lines = plan_lines(to_data(shown), Paint(False))
    text = "\n".join(lines)
    assert "      enter at the provider: dns A 198.51.100.7\n      the lines below say where" in text
    assert "it goes on by itself as soon as the world shows it" in text
    assert "homelab approve" not in text


def test_an_ask_turns_green_by_itself_and_what_waited_goes_on() -> None:
    made = house(Ask(TEXT), **CHAIN)
    made.reconcile()
    stand(made, "dns")
    assert "adopt box/dns: is there already, as declared [allow]" in made.plan()
    made.reconcile()
    assert set(made.boxes()) == {"db", "dns", "web", "page"}
    assert made.plan() == ""


def test_an_asked_update_is_over_when_the_world_shows_it() -> None:
    made = house(Ask(TEXT), dns={})
    stand(made, "dns")
    made.reconcile()
    made.commit({"dns": {"size": 2}})
    assert made.plan() == "ask box/dns: changed: size [hold]"
    made.reconcile()
    made.world.edit("box", "local", "dns", size=2)
    assert made.plan() == ""
    made.reconcile()
    assert (made.store.rows()[Key("box", "dns"), "local"].applied or {})["size"] == 2
    made.world.edit("box", "local", "dns", size=1)
    assert made.plan() == "ask box/dns: drift: size [hold]"


def test_nobody_can_approve_what_only_a_person_can_do() -> None:
    made = house(Ask(TEXT), dns={})
    sync = Syncing(made.reconciler, made.book, made.store, made.clock, lambda cause, by: made.reconcile(cause))
    (rollout,) = made.reconciler.survey().plan.rollouts
    with pytest.raises(Refused, match="waits for what only a person can do \\(box/dns\\)"):
        sync.approve([rollout.digest], "me")
    assert made.store.approvals() == {}
    made.reconcile()
    assert made.boxes() == {}


def test_what_must_wait_is_done_when_it_may() -> None:
    clock = HandClock()
    made = house(Wait(clock.now() + 600, "one update in ten minutes"), **CHAIN)
    assert made.plan() == "create box/db: new [allow]"
    made.reconcile()
    assert re.fullmatch(r"one update in ten minutes; waits until \d\d:\d\d:\d\d", status(made, "dns").why)
    assert status(made, "page").why.startswith("waits for box/dns: one update in ten minutes; waits until ")
    due = made.reconciler.patience.expected()
    assert due is not None
    assert due - made.clock.monotonic() == pytest.approx(600)
    before = made.world.version
    for _ in range(20):
        made.reconcile()
    assert made.world.version == before
    made.clock.advance(600)  # type: ignore[attr-defined]
    made.reconcile()
    assert set(made.boxes()) == {"db", "dns", "web", "page"}
    assert made.reconciler.patience.expected() is None


def test_what_can_never_be_is_told_and_the_rest_goes_on() -> None:
    made = house(Never("this provider has no such records"), **CHAIN)
    made.reconcile()
    assert set(made.boxes()) == {"db"}
    assert (status(made, "dns").sync, status(made, "dns").why) == (Sync.FAILED, "create: this provider has no such records")
    assert status(made, "web").sync is Sync.PENDING
    assert "waits for box/dns: create: this provider has no such records" in status(made, "web").why


def test_a_deletion_that_only_a_person_can_do_is_asked_for_and_forgotten_when_done() -> None:
    made = house(YES, **CHAIN)
    made.reconcile()
    made.world.limit = lambda change: Ask(TEXT) if change.key.name == "dns" else YES
    made.commit({"db": {}, "web": {"uses": ["box/db"]}, "page": {"uses": ["box/web"]}})
    assert made.plan() == "ask box/dns: removed from git [hold]"
    made.reconcile()
    assert "dns" in made.boxes()
    made.world.remove("box", "local", "dns")
    made.reconcile()
    assert (Key("box", "dns"), "local") not in made.store.rows()
    assert made.plan() == ""


def test_repairs_do_not_wait_for_what_they_need() -> None:
    made = house(YES, **CHAIN)
    made.reconcile()
    made.world.limit = lambda change: Ask(TEXT) if change.key.name == "dns" else YES
    made.world.edit("box", "local", "dns", size=9)
    made.world.edit("box", "local", "web", size=9)
    assert made.plan() == "ask box/dns: drift: size [hold]\nupdate box/web: drift: size [allow]"
    made.reconcile()
    assert made.boxes()["web"][1] == 1


@pytest.mark.parametrize(
    ("wall", "told", "reason"),
    [
        pytest.param("unknown", "no connection 'local' that holds fars", "it may not be there", id="unknown"),
        pytest.param("foreign", "exists and is not ours", "a stranger's object is not the one that is needed", id="foreign"),
        pytest.param("quarantined", "quarantined: far/net failed", "the version that is needed failed", id="quarantined"),
        pytest.param("missing", "does not exist, and mode is observe", "somebody else must make it first", id="missing"),
        pytest.param("suspended", "suspended by me", "a person keeps it from being made", id="suspended"),
    ],
)
def test_nothing_starts_on_what_is_not_there(wall: str, told: str, reason: str) -> None:
    made = House(kinds={"box": BOX, "far": replace(BOX, name="far")})
    net = {"kind": "Far", "name": "net", "spec": {"image": "x:bad" if wall == "quarantined" else "x:1"}}
    if wall == "missing":
        net["mode"] = "observe"
    match wall:
        case "foreign":
            made.world.put("far", "local", "net", {"image": "other:1", "size": 1, "status": "running"})
        case "unknown":
            made.providers = {place: each for place, each in made.providers.items() if place[0] == "box"}
        case "suspended":
            made.store.suspend(Suspension("far/net", "me", 0.0))
        case "quarantined":
            made.book.write({"net.json.yaml": json.dumps(net)})
            made.reconcile()
    boxes = {"web": {"uses": ["far/net"]}, "page": {"uses": ["box/web"]}, "lone": {}}
    made.book.write({"net.json.yaml": json.dumps(net), **{f"{name}.yaml": box(name, spec) for name, spec in boxes.items()}})
    made.reconcile()
    assert set(made.boxes()) == {"lone"}, reason
    assert "waits for far/net: " in status(made, "page").why
    assert told in status(made, "page").why


def test_what_is_still_used_stays_until_its_user_lets_go() -> None:
    made = House()
    made.commit({"old": {}, "web": {"uses": ["box/old"]}, "xx": {}, "yy": {}})
    made.reconcile()
    made.commit({"new": {}, "web": {"image": "x:bad", "uses": ["box/new"]}, "xx": {}, "yy": {}})
    made.reconcile()
    made.reconcile()
    assert "old" in made.boxes(), "the last good version of web uses it"
    assert "is still used by box/web: quarantined" in status(made, "old").why
    made.commit({"new": {}, "web": {"image": "x:2", "uses": ["box/new"]}, "xx": {}, "yy": {}})
    made.reconcile()
    assert set(made.boxes()) == {"new", "web", "xx", "yy"}


def test_adoption_waits_for_nothing() -> None:
    made = house(Ask(TEXT), **CHAIN)
    stand(made, "web")
    actions = {str(change.key): change.action for change in made.reconciler.survey().plan.changes}
    assert actions["box/web"] is Action.ADOPT
    made.reconcile()
    assert (Key("box", "web"), "local") in made.store.rows()
