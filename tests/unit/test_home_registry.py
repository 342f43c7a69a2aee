"""Areas, floors, labels, entities and helpers, as far as no Home Assistant is needed: ids, values, and what a change sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from controller.clients.homeassistant.lifecycle import carry_out, touched
from controller.clients.homeassistant.names import Unfit, first_title, icon, identified, in_words, slug
from controller.core.change import Action, Change
from controller.core.diff import FieldDiff, equal
from controller.core.errors import Conflict, Permanent, Transient
from controller.core.key import Key
from controller.core.state import State
from controller.kinds.helper import values
from controller.kinds.helper.fields import sent, shown
from controller.kinds.label.resolve import colour

KEY = Key("area", "it")


class Memory:
    """A shelf that does what it is told, or not."""

    def __init__(self, **things: State) -> None:
        self.things: dict[str, State] = dict(things)
        self.deaf = False
        self.completed: list[str] = []

    def look(self, address: str) -> State | None:
        return self.things.get(address)

    def create(self, address: str, wanted: State) -> None:
        if not self.deaf:
            self.things[address] = {"name": address, "icon": None, **wanted}

    def update(self, address: str, whole: State, wanted: State) -> None:
        if not self.deaf:
            self.things[address] = {**whole, **wanted}

    def remove(self, address: str) -> None:
        if not self.deaf:
            del self.things[address]

    def complete(self, address: str, wanted: State) -> None:
        self.completed.append(address)


def change(before: State | None, after: State | None, *fields: FieldDiff) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change(KEY, "local", "it", action, before, after, "test", fields)


def test_a_change_sets_what_it_names_and_an_undo_no_more() -> None:
    before = {"name": "A", "icon": "mdi:a", "floor": "x"}
    made = change(before, {"name": "B"}, FieldDiff("name", "A", "B"), FieldDiff("icon", "mdi:a", None))
    assert touched(made) == {"name": "B", "icon": None}
    assert touched(made.inverse()) == {"name": "A", "icon": "mdi:a"}, "the floor is nobody's business"
    assert touched(change(None, {"name": "B"})) == {"name": "B"}


def test_an_answer_alone_proves_nothing() -> None:
    for made, things, error in (
        (change(None, {"name": "A"}), {}, Permanent),
        (change({"name": "A"}, {"name": "B"}), {"it": {"name": "A"}}, Permanent),
        (change({"name": "A"}, None), {"it": {"name": "A"}}, Transient),
    ):
        shelf = Memory(**things)
        shelf.deaf = True
        with pytest.raises(error):
            carry_out(made, shelf, equal)


def test_what_is_there_already_is_only_completed_when_it_was_to_be_made() -> None:
    shelf = Memory(it={"name": "A", "icon": None})
    assert carry_out(change(None, {"name": "A"}), shelf, equal).state == {"name": "A", "icon": None}
    assert shelf.completed == ["it"], "a crash may have been between"
    carry_out(change({"name": "B"}, {"name": "A"}), shelf, equal)
    assert shelf.completed == ["it"]


def test_a_change_of_what_is_declared_is_a_conflict_and_of_anything_else_is_not() -> None:
    before = {"name": "A", "icon": "mdi:a"}
    fields = (FieldDiff("name", "A", "B"),)
    shelf = Memory(it={"name": "A", "icon": "mdi:hand"})
    assert (carry_out(change(before, {"name": "B"}, *fields), shelf, equal).state or {})["icon"] == "mdi:hand"
    shelf = Memory(it={"name": "C", "icon": "mdi:a"})
    with pytest.raises(Conflict, match="name"):
        carry_out(change(before, {"name": "B"}, *fields), shelf, equal)
    shelf = Memory(it={"name": "A", "icon": "mdi:hand"})
    with pytest.raises(Conflict, match="icon"):
        carry_out(change(before, {"name": "B", "icon": "mdi:a"}, *fields), shelf, equal)


def test_half_of_a_creation_is_gone_on_from_only_by_a_creation() -> None:
    half = {"name": "it", "icon": "mdi:a"}
    wanted = {"name": "Straße", "icon": "mdi:a"}
    assert (carry_out(change(None, wanted), Memory(it=half), equal).state or {})["name"] == "Straße"
    assert carry_out(change(wanted, None), Memory(it=half), equal).state is None
    with pytest.raises(Conflict):
        carry_out(change({"name": "Other"}, wanted), Memory(it=half), equal)
    with pytest.raises(Conflict):
        carry_out(change(None, {"name": "Straße", "icon": "mdi:b"}), Memory(it=half), equal)


@pytest.mark.parametrize(
    ("title", "id_", "reason"),
    [
        ("Living room", "living_room", "spaces are underscores"),
        ("Living  room - 2", "living_room_2", "what is between is one underscore"),
        ("Straße", None, "only Home Assistant knows how it spells letters beyond a-z"),
        ("O'Hara", None, "and what it does with an apostrophe"),
        (" - ", None, "nothing is left"),
    ],
)
def test_a_slug_is_known_only_where_it_is_sure(title: str, id_: str | None, reason: str) -> None:
    assert slug(title) == id_, reason


def test_an_object_is_made_under_its_own_title_where_that_gives_its_id() -> None:
    assert first_title("living_room", "Living Room") == "Living Room"
    assert first_title("living_room", "Salon") == "living_room"
    assert slug(first_title("a_1_b", "ß")) == "a_1_b", "an id is a title that gives itself"
    assert identified("living-room", "") == "living_room"
    assert in_words("living-room") == "Living room"


READERS: Mapping[str, Callable[[Any], Any]] = {
    "id": lambda text: identified("", text),
    "icon": icon,
    "colour": colour,
    "duration": values.duration,
    "moment": values.moment,
    "time": values.time_of_day,
    "number": values.number,
    "whole": values.whole,
    "truth": values.truth,
    "pattern": values.pattern,
}


@pytest.mark.parametrize(
    ("reader", "said", "read", "reason"),
    [
        ("duration", "00:05:00", "0:05:00", "as Home Assistant writes it"),
        ("duration", "0:5", "0:05:00", "hours and minutes"),
        ("duration", 90061, "25:01:01", "days are hours"),
        ("duration", {"days": 1, "minutes": 1}, "24:01:00", "as a map"),
        ("duration", "300", "0:05:00", "seconds in quotes"),
        ("duration", 0, "0:00:00", "nothing is a duration too"),
        ("moment", "2026-11-23", "2026-11-23", "a date"),
        ("moment", "2026-11-23T7:05", "2026-11-23 07:05:00", "a date and a time"),
        ("moment", "7:05", "07:05:00", "a time"),
        ("number", 5.0, 5, "a whole number has no fraction"),
        ("number", "5.5", 5.5, "in quotes"),
        ("truth", "on", True, "a word of Home Assistant"),
        ("colour", "#AABBCC", "#aabbcc", "one spelling"),
        ("icon", "", None, "empty is none"),
    ],
)
def test_a_value_has_one_form(reader: str, said: Any, read: Any, reason: str) -> None:
    found = READERS[reader](said)
    assert (found, type(found)) == (read, type(read)), reason


@pytest.mark.parametrize(
    ("reader", "said", "reason"),
    [
        ("id", "Living", "capitals"),
        ("id", "a__b", "two underscores are made one"),
        ("id", "_a", "an underscore at an end is dropped"),
        ("icon", "mdi:", "nothing behind the prefix"),
        ("icon", "mdi:a b", "a space"),
        ("colour", "#12345", "five digits"),
        ("duration", "-0:05", "below zero"),
        ("duration", 0.5, "Home Assistant drops the half"),
        ("duration", "soon", "not a duration"),
        ("duration", {"weeks": 1}, "an unknown unit"),
        ("duration", True, "true is not one second"),
        ("moment", "2026-02-30", "a day that does not exist"),
        ("moment", "tomorrow", "not a date"),
        ("time", "24:00", "not a time at which something begins"),
        ("time", "7", "an hour alone"),
        ("number", True, "true is not one"),
        ("number", "nan", "not a number, in the word's own sense"),
        ("number", float("inf"), "endless"),
        ("whole", 1.5, "half"),
        ("truth", "maybe", "neither"),
        ("pattern", "(", "not a regular expression"),
    ],
)
def test_what_home_assistant_would_not_take_is_refused(reader: str, said: Any, reason: str) -> None:
    with pytest.raises(Unfit):
        READERS[reader](said)
    assert reason


def test_what_home_assistant_holds_is_shown_even_where_we_would_refuse_it() -> None:
    odd = {"id": "x", "name": "X", "min": "low", "max": 3.0, "step": 1.0, "mode": "slider"}
    assert shown("input_number", odd)["min"] == "low"
    assert shown("input_number", odd)["max"] == 3
    assert sent("input_number", {"type": "input_number", "name": "X", "min": 0, "max": 3, "icon": None}) == {
        "name": "X",
        "min": 0,
        "max": 3,
    }
