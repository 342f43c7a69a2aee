"""What is remembered of entities: who changed them, when they were away, what stands behind them. Values only."""

from __future__ import annotations

from typing import Any

import pytest

from controller.clients.homeassistant import Shown
from controller.core.state import ABSENT, Present, Unknown
from controller.kinds.device.seen import Glimpse, Memory
from tests.support.clock import HandClock

ME, SOMEBODY = "me", "somebody"


def shown(state: str = "on", at: float = 0.0, **more: Any) -> Shown:
    context = {word: more.pop(word) for word in ("user_id", "parent_id", "context_id") if word in more}
    return Shown("light.a", state, more, at, at, **context)


class Seen:
    """A memory of one lamp."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.memory = Memory(self.clock)

    def take(self, what: Shown | None, entry: Any = None) -> Glimpse:
        return self.memory.take("light.a", what, entry, {})

    def who(self, glimpse: Glimpse) -> str:
        return self.memory.who(glimpse, ME)


@pytest.mark.parametrize(
    ("context", "who", "reason"),
    [
        ({"user_id": SOMEBODY}, "a person", "another user"),
        ({"user_id": SOMEBODY, "parent_id": "script"}, "a person", "a script that a person runs is that person"),
        ({"parent_id": "trigger"}, "an automation", "nobody, but something before it"),
        ({}, "the device", "nobody at all"),
        ({"user_id": ME}, "us", "ours from before this controller began"),
    ],
)
def test_who_it_was(context: dict[str, str], who: str, reason: str) -> None:
    seen = Seen()
    assert seen.who(seen.take(shown(at=seen.clock.now() - 1, **context))) == who, reason


def test_our_own_user_may_be_a_person_while_we_run() -> None:
    seen = Seen()
    seen.memory.sent("ours")
    later = seen.clock.now() + 1
    assert seen.who(seen.take(shown("on", later, user_id=ME, context_id="ours"))) == "us"
    assert seen.who(seen.take(shown("off", later, user_id=ME, context_id="theirs"))) == "a person"


def test_what_a_device_says_after_it_followed_is_its_own() -> None:
    seen = Seen()
    seen.memory.sent("ours")
    seen.take(shown("on", user_id=ME, context_id="ours", brightness=180))
    seen.memory.done(["ours"])
    moved = seen.take(shown("on", user_id=ME, context_id="ours", brightness=20))
    assert seen.who(moved) == "the device", "Home Assistant gives our name to whatever it says within seconds"


def test_what_nobody_can_want_changes_neither_the_object_nor_who_it_was() -> None:
    seen = Seen()
    first = seen.take(shown("on", user_id=SOMEBODY, brightness=20, friendly_name="Lamp"))
    second = seen.take(shown("on", brightness=20, friendly_name="Desk lamp"))
    assert second.observed is first.observed
    assert seen.who(second) == "a person"
    named = seen.memory.named("light.a", second, ME)
    assert isinstance(named, Present)
    assert named.by == "a person"
    assert seen.memory.named("light.a", second, ME) is named


@pytest.mark.parametrize(
    ("what", "why", "reason"),
    [
        (shown("unavailable"), "light.a is unavailable; it is written when it is back", "away"),
        (shown("unknown"), "light.a shows no state yet; it is written when it does", "not heard of yet"),
        (
            shown("unavailable", restored=True),
            "light.a has not been back since Home Assistant started; ",
            "from before a restart",
        ),
    ],
)
def test_what_is_not_known_is_unknown_with_its_reason(what: Shown, why: str, reason: str) -> None:
    found = Seen().take(what).observed
    assert isinstance(found, Unknown)
    assert found.reason.startswith(why), reason


def test_without_a_state_the_registry_says_why() -> None:
    seen = Seen()
    assert seen.take(None).observed == ABSENT
    disabled, idle = seen.take(None, {"disabled_by": "user"}).observed, seen.take(None, {"disabled_by": None}).observed
    assert isinstance(disabled, Unknown)
    assert "is disabled in Home Assistant (by user); `disabled: false` enables it" in disabled.reason
    assert isinstance(idle, Unknown)
    assert "its integration does not provide it now" in idle.reason


def test_one_that_never_tells_its_state_is_present() -> None:
    assert isinstance(Seen().take(shown("unknown", assumed_state=True)).observed, Present)


def test_a_group_is_guarded_when_one_of_it_is() -> None:
    memory = Memory(HandClock())
    garage = Shown("cover.garage", "closed", {"device_class": "garage"}, 0, 0)
    group = Shown("cover.all_doors", "closed", {"entity_id": ["cover.blind", "cover.garage"]}, 0, 0)
    plain = Shown("cover.blinds", "closed", {"entity_id": ["cover.blind"]}, 0, 0)
    blind = Shown("cover.blind", "closed", {"device_class": "blind"}, 0, 0)
    others = {each.entity_id: each for each in (blind, garage, group, plain)}
    guards = {}
    for each in others.values():
        found = memory.take(each.entity_id, each, None, others).observed
        assert isinstance(found, Present)
        guards[each.entity_id] = found.state["guard"]
    assert guards == {
        "cover.blind": "",
        "cover.garage": "cover.garage is a garage cover: a person agrees to every change of it",
        "cover.all_doors": "cover.all_doors is a garage cover: a person agrees to every change of it",
        "cover.blinds": "",
    }


def cover(name: str, *members: str, of: str = "") -> Shown:
    return Shown(f"cover.{name}", "closed", {"entity_id": list(members)} if members else {"device_class": of}, 0, 0)


@pytest.mark.parametrize(
    ("others", "guard", "reason"),
    [
        ([cover("inner", "cover.a"), cover("a", of="garage")], "is a garage cover", "a group in the group holds it"),
        ([cover("inner", "cover.it"), cover("a", of="blind")], "", "groups that hold each other end"),
        ([], "is a group, and cover.inner of it is not there to see", "what is not there may be anything"),
        ([cover("inner", "cover.a")], "is a group, and cover.a of it is not there to see", "also in the inner group"),
    ],
)
def test_a_group_is_followed_to_what_stands_behind_it(others: list[Shown], guard: str, reason: str) -> None:
    memory, it = Memory(HandClock()), cover("it", "cover.inner")
    found = memory.take("cover.it", it, None, {each.entity_id: each for each in (it, *others)}).observed
    assert isinstance(found, Present)
    assert found.state["guard"] == (f"cover.it {guard}: a person agrees to every change of it" if guard else ""), reason


def test_a_group_is_looked_at_anew_when_only_a_member_moved() -> None:
    memory, it = Memory(HandClock()), cover("it", "cover.a")
    first = memory.take("cover.it", it, None, {"cover.it": it, "cover.a": cover("a", of="blind")})
    second = memory.take("cover.it", it, None, {"cover.it": it, "cover.a": cover("a", of="blind")})
    assert second.observed is first.observed
    third = memory.take("cover.it", it, None, {"cover.it": it, "cover.a": cover("a", of="gate")}).observed
    assert isinstance(third, Present)
    assert third.state["guard"] == "cover.it is a gate cover: a person agrees to every change of it"


def test_lamps_of_a_group_that_are_not_there_ask_nobody() -> None:
    group = Shown("light.all_lamps", "on", {"entity_id": ["light.a"]}, 0, 0)
    found = Memory(HandClock()).take("light.all_lamps", group, None, {"light.all_lamps": group}).observed
    assert isinstance(found, Present)
    assert found.state["guard"] == ""


def test_what_was_made_a_moment_ago_did_not_come_back() -> None:
    seen, entry = Seen(), {"id": "abc", "disabled_by": None}
    seen.take(None)
    seen.take(None, entry)
    assert seen.take(shown("off"), entry).back_at is None, "it waits for nothing"
    seen.take(shown("unavailable"), entry)
    assert seen.take(shown("off"), entry).back_at is not None
    seen.take(None, entry)
    assert seen.take(shown("off"), entry).returns == 1, "it was there before it was gone"


def test_the_handle_is_that_of_the_registry() -> None:
    seen = Seen()
    found = seen.take(shown(), {"id": "abc", "entity_id": "light.a"}).observed
    assert isinstance(found, Present)
    assert found.handle == "abc"
