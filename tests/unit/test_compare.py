"""Two revisions held against each other: what is wanted otherwise, the lines of files, and that no secret is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from controller.clients.yaml import read_yaml
from controller.core.errors import Refused, SourceError
from controller.usecases.compare import ComparisonView, commits, compare, differing_fields
from controller.usecases.compare_files import FileView, differing_files, patch
from controller.usecases.compare_states import state_hunks, yaml_lines
from controller.usecases.concealing import concealed
from controller.usecases.look import Look
from tests.support.house import House, Tree, box

SECRET = "correct-horse-battery"


def look(house: House) -> Look:
    return Look(house.reconciler, house.book, house.store)


def compared(house: House, old: str, new: str = "") -> ComparisonView:
    return compare(look(house), old, new)


@pytest.mark.parametrize(
    ("old", "new", "shown", "reason"),
    [
        ({"a": 1}, {"a": 1}, [], "the same"),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)], "a value"),
        ({"a": {"b": {"c": 1, "d": 1}}}, {"a": {"b": {"c": 2, "d": 1}}}, [("a.b.c", 1, 2)], "only what is inside"),
        ({"a": {"b": 1}}, {"a": 1}, [("a", {"b": 1}, 1)], "another shape"),
        ({}, {"a": {"b": 1}}, [("a", None, {"b": 1})], "what is new is told whole"),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("a[1]", 2, 3)], "an entry"),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 2}, 2]}, [("a[0].b", 1, 2)], "inside of an entry"),
        ({"a": [1, 2]}, {"a": [1, 9, 2]}, [("a[1]", None, 9)], "an entry came"),
        ({"a": [1, 9, 2]}, {"a": [1, 2]}, [("a[1]", 9, None)], "an entry went"),
        ({"a": [1, 2, 3]}, {"a": [4, 5]}, [("a", [1, 2, 3], [4, 5])], "all of it is new"),
    ],
)
def test_fields_are_compared_as_deep_as_they_are_alike(old: Any, new: Any, shown: Any, reason: str) -> None:
    assert [(item.path, item.old, item.new) for item in differing_fields(old, new)] == shown, reason


def test_every_key_tells_what_is_wanted_otherwise_and_where_it_is_written() -> None:
    house = House()
    old = house.commit({"one": {"size": 1}, "two": {}, "gone": {"port": 80}})
    new = house.commit({"one": {"size": 2}, "two": {}, "fresh": {}}, two={"protect": True, "labels": {"room": "attic"}})
    found = compared(house, old, new)
    assert (found.old.revision.id, found.new.revision.id, found.understood) == (old, new, True)
    told = {item.key: (item.change, item.origin, [(f.path, f.old, f.new) for f in item.fields]) for item in found.keys}
    assert told["box/one"] == ("changed", "one.yaml:1:1", [("size", 1, 2)])
    assert told["box/two"][2] == [("document.protect", None, True), ("document.labels", None, {"room": "attic"})]
    assert told["box/gone"][0] == "removed"
    assert ("port", 80, None) in told["box/gone"][2]
    assert told["box/fresh"][0] == "added"
    assert ("image", None, "box:1") in told["box/fresh"][2]
    assert [(item.path, item.change) for item in found.files] == [
        ("fresh.yaml", "added"),
        ("gone.yaml", "removed"),
        ("one.yaml", "changed"),
        ("two.yaml", "changed"),
    ]


def test_the_same_revision_differs_in_nothing() -> None:
    house = House()
    tip = house.commit({"one": {}})
    found = compared(house, tip)
    assert (found.keys, found.files, found.new.revision.id) == ((), (), tip)


def test_a_file_may_move_without_a_key_that_does() -> None:
    house = House()
    old = house.book.write({"a.yaml": box("one", {})})
    new = house.book.write({"b.yaml": box("one", {})})
    found = compared(house, old, new)
    assert [item.key for item in found.keys] == []
    assert [(item.path, item.change) for item in found.files] == [("a.yaml", "removed"), ("b.yaml", "added")]


def test_what_is_deployed_is_the_old_side_unless_said() -> None:
    house = House()
    house.commit({"one": {}})
    with pytest.raises(Refused, match="nothing is deployed yet"):
        compared(house, "")
    house.reconcile()
    deployed = house.book.tip
    house.commit({"one": {"size": 3}})
    assert compared(house, "").old.revision.id == deployed
    with pytest.raises(SourceError):
        compared(house, "f" * 40)


def test_files_of_a_revision_that_is_not_valid_are_compared_all_the_same() -> None:
    house = House()
    old = house.commit({"one": {}})
    new = house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    found = compared(house, old, new)
    assert (found.understood, found.keys) == (False, ())
    assert found.old.findings == ()
    assert "sise" in found.new.findings[0].message
    assert [item.path for item in found.files] == ["one.yaml"]


def test_commits_are_listed_newest_first() -> None:
    house = House()
    first, second = house.commit({"one": {}}), house.commit({"two": {}})
    assert [item.id for item in commits(look(house))] == [second, first]
    assert [item.id for item in commits(look(house), 1)] == [second]


@dataclass
class Bytes:
    """Files that are no text, or may not be read."""

    contents: Mapping[str, bytes]

    def paths(self) -> list[str]:
        return sorted(self.contents)

    def identity(self, path: str) -> str | None:
        return self.contents[path].hex() if path in self.contents else None

    def read(self, path: str) -> bytes | None:
        if path == "refused":
            raise SourceError("refused is too large")
        return self.contents.get(path)


def files(old: str | None, new: str | None, path: str = "a.yaml") -> FileView:
    def tree(text: str | None) -> Tree:
        return Tree({} if text is None else {path: text})

    return differing_files(tree(old), tree(new), lambda text: text.replace(SECRET, "•••"))[0]


def test_lines_are_numbered_on_both_sides() -> None:
    found = files("a\nb\nc\n", "a\nB\nc\nd\n")
    assert [(line.sign, line.old, line.new, line.text) for line in found.hunks[0]] == [
        (" ", 1, 1, "a"),
        ("-", 2, None, "b"),
        ("+", None, 2, "B"),
        (" ", 3, 3, "c"),
        ("+", None, 4, "d"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "text", "reason"),
    [
        ("a\nb\n", "a\nc\n", "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "a line"),
        (None, "a\n", "--- /dev/null\n+++ b/a.yaml\n@@ -0,0 +1,1 @@\n+a\n", "a file came"),
        ("a\n", None, "--- a/a.yaml\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n", "a file went"),
        (
            "a\n",
            "a",
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file\n",
            "only the end of the last line",
        ),
        ("", None, "# a.yaml: removed, empty\n", "an empty file"),
    ],
)
def test_a_patch_is_as_git_writes_it(old: str | None, new: str | None, text: str, reason: str) -> None:
    assert patch([files(old, new)]) == text, reason


def test_far_apart_places_are_shown_apart() -> None:
    lines = [f"line {number}" for number in range(40)]
    other = ["first", *lines[1:-1], "last"]
    found = files("\n".join(lines) + "\n", "\n".join(other) + "\n")
    assert [(hunk[0].old, hunk[-1].old, len(hunk)) for hunk in found.hunks] == [(1, 4, 5), (37, None, 5)]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("spec: {}\n", f"spec:\n  DB_PASSWORD: {SECRET}x\n", "beside its name"),
        (f"API_TOKEN={SECRET}y\n", "API_TOKEN=other-secret-value\n", "both sides"),
        ("a: 1\n", f"a: 1\npassword: |\n  first\n  {SECRET}z\n", "a text of several lines"),
        ("a: 1\n", f"a: {SECRET}\n", "a value that the vault keeps, where nobody expects one"),
        (f"key: {SECRET}\nb: 1\n", f"key: {SECRET}\nb: 2\n", "in a line that only stands beside"),
    ],
)
def test_no_secret_stands_in_a_line(old: str, new: str, reason: str) -> None:
    found = files(old, new)
    text = json.dumps([line.text for hunk in found.hunks for line in hunk], ensure_ascii=False) + patch([found])
    assert SECRET not in text, reason
    assert "other-secret-value" not in text
    assert "•••" in text


def test_what_cannot_be_shown_says_why() -> None:
    old = Bytes({"image": b"\xff\xd8", "nul": b"a\x00b", "refused": b"1", "long": b"x\n" * 4001, "many": b"a\n"})
    new = Bytes({"image": b"\xff\xd9", "nul": b"a\x00c", "refused": b"2", "long": b"y\n" * 4001, "many": b"b\n"})
    found = {item.path: item for item in differing_files(old, new, str)}
    assert {path: item.note for path, item in found.items()} == {
        "image": "not text",
        "nul": "not text",
        "refused": "refused is too large",
        "long": "not shown: more than 4000 lines",
        "many": "",
    }
    assert patch(found.values()).splitlines()[0] == "# image: changed, not text"


def test_a_comparison_shows_so_many_lines_and_names_the_rest() -> None:
    old = Bytes({})
    new = Bytes({f"file{number}": b"x\n" * 3500 for number in range(3)})
    notes = [item.note for item in differing_files(old, new, str)]
    assert notes == ["", "not shown: this comparison has too many lines", "not shown: this comparison has too many lines"]


@pytest.mark.parametrize(
    ("data", "shown", "reason"),
    [
        ("a secret", "a •••", "a text"),
        ({"a": ["secret", 1, None], "secret": True}, {"a": ["•••", 1, None], "secret": True}, "inside"),
        (["a\x00secret", "b"], ["a\x00•••", "b"], "whatever else is in a text"),
        ([], [], "nothing"),
    ],
)
def test_known_values_are_taken_out_of_data(data: Any, shown: Any, reason: str) -> None:
    assert concealed(data, lambda text: text.replace("secret", "•••")) == shown, reason


@pytest.mark.parametrize(
    "data",
    [
        {"image": "a/b:1@sha256:ff", "n": 1, "on": True, "list": ["a", {"b": [1]}], "empty": {}, "none": None, "text": "a\nb: c"},
        ["yes", "null", "1", "1.5", "", " a", "#c", "- x", "{a", "a: b", "a #b", "12:30", "\u202e", "~", "2026-01-01"],
        {"yes": {"a b": "x"}, "1": [[], {}]},
    ],
)
def test_states_are_told_as_yaml_that_says_the_same(data: Any) -> None:
    text = "\n".join(yaml_lines(data)) + "\n"
    assert read_yaml("state.yaml", text.encode())[0].data == data


def test_a_state_that_is_made_is_shown_whole_and_a_changed_one_where_it_differs() -> None:
    many = {f"field{number}": number for number in range(30)}
    assert [len(hunk) for hunk in state_hunks(None, many)] == [30]
    assert [len(hunk) for hunk in state_hunks(many, None)] == [30]
    changed = state_hunks(many, {**many, "field15": "other"})
    assert [(line.sign, line.text) for line in changed[0] if line.sign != " "] == [("-", "field15: 15"), ("+", "field15: other")]
    assert len(changed[0]) == 8
