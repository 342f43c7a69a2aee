"""An edit changes what it names, in the manner of the file, and no byte more; or it is refused with place, reason and fix."""

from __future__ import annotations

from typing import Any

import pytest

from controller.clients.yaml import splice
from controller.core.edit import (
    AddDocument,
    AppendValue,
    Edit,
    Nth,
    RemoveDocument,
    RemoveValue,
    ReplaceSpec,
    SetValue,
    Splices,
)
from controller.core.errors import SpecError
from controller.core.key import Key

FILE = "a.yaml"
FIRST = Nth(FILE, 0)


def at(*path: str | int, to: Any) -> Edit:
    return SetValue(FIRST, path, to)


def drop(*path: str | int) -> Edit:
    return RemoveValue(FIRST, path)


def append(*path: str | int, to: Any) -> Edit:
    return AppendValue(FIRST, path, to)


SPLICE: Splices = splice


def edited(text: str, *edits: Edit) -> str:
    return SPLICE(FILE, text.encode(), edits).decode()


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        # Quotes and comments of what is replaced.
        ("a: old # why\n", at("a", to="new"), "a: new # why\n"),
        ("a: 'old' # why\n", at("a", to="it's"), "a: 'it''s' # why\n"),
        ('a: "old"\n', at("a", to='a "b" \\ é'), 'a: "a \\"b\\" \\\\ é"\n'),
        ("a: 'old'\n", at("a", to="x\ty"), 'a: "x\\ty"\n'),
        ('a: "5000"\n', at("a", to=5000), "a: 5000\n"),
        ("a: 1\n", at("a", to="1"), 'a: "1"\n'),
        ("a: one\n  two\nb: 1\n", at("a", to="three"), "a: three\nb: 1\n"),
        ("a: 1", at("a", to=2), "a: 2"),
        ("a:\nb:   # why\n", at("b", to=2), "a:\nb: 2   # why\n"),
        # Collections instead of scalars, and back.
        ("a: old # why\nb: 1\n", at("a", to={"x": [1, {"z": 2}]}), "a: # why\n  x:\n    - 1\n    - z: 2\nb: 1\n"),
        ("a: # why\n  # inner\n  x: 1 # x\n# below\n", at("a", to=5), "a: 5 # why\n  # inner\n# below\n"),
        ("a:\n  x: 1\nb: 1\n", at("a", to=[]), "a: []\nb: 1\n"),
        ("a:\n  - x\n  - y\n", at("a", 0, to={"k": 1, "l": [2]}), "a:\n  - k: 1\n    l:\n      - 2\n  - y\n"),
        ("a:\n- x\n-\n", at("a", 1, to={"k": [2]}), "a:\n- x\n- k:\n  - 2\n"),
        # Text blocks.
        ("a: |\n  x\n\n# c\nb: 1\n", at("a", to="y\n  z\n"), "a: |\n  y\n    z\n\n# c\nb: 1\n"),
        ("a: |-\n  x\nb: 1\n", at("a", to="z"), "a: z\nb: 1\n"),
        ("a: x # c\nb: 1\n", at("a", to="y\n\nz"), "a: |- # c\n  y\n\n  z\nb: 1\n"),
        ("a: x\n", at("a", to=" y\nz\n"), 'a: " y\\nz\\n"\n'),
        # New keys and entries.
        ("a: 1", at("b", to="x"), "a: 1\nb: x"),
        (
            "a:\n    b: 1 # c\n    # d\nz: 1\n",
            at("a", "c", to={"e": 1}),
            "a:\n    b: 1 # c\n    c:\n        e: 1\n    # d\nz: 1\n",
        ),
        ("a: |+\n  x\n\nb: 1\n", at("c", to=1), "a: |+\n  x\n\nb: 1\nc: 1\n"),
        ("a:\n  b: |+\n    x\n\nz: 1\n", at("a", "c", to=1), "a:\n  b: |+\n    x\n\n  c: 1\nz: 1\n"),
        ("a: {b: 1,}\n", at("a", "c", to={"d": ["x, y"]}), 'a: {b: 1, c: {d: ["x, y"]},}\n'),
        ("a: {b, c: }\n", at("a", "b", to=1), "a: {b: 1, c: }\n"),
        ("a: {}\n", at("a", "b", to="x"), "a: {b: x}\n"),
        ("a: {}\n", at("a", "b", to={"x": 1}), "a:\n  b:\n    x: 1\n"),
        ("a:\n  - 'x' # c\n# d\n", append("a", to="y"), "a:\n  - 'x' # c\n  - 'y'\n# d\n"),
        ("a:\n- x\n- y: 1\n  z: 2\nb: 1\n", append("a", to={"k": "v"}), "a:\n- x\n- y: 1\n  z: 2\n- k: v\nb: 1\n"),
        ("a: [x, y] # c\n", append("a", to="z"), "a: [x, y, z] # c\n"),
        ("a: [] # c\n", append("a", to="z"), "a: [z] # c\n"),
        ("- - x\n", append(0, to="z"), "- - x\n  - z\n"),
        # What goes takes its line along and no other.
        ("# a\na: 1 # a\n# b\nb: 2\n", drop("a"), "# a\n# b\nb: 2\n"),
        ("a: 1\nb: 2", drop("b"), "a: 1\n"),
        ("a:\n  b: 1\nc: 2\n", drop("a", "b"), "a: {}\nc: 2\n"),
        ("a: # c\n  - 1\n", drop("a", 0), "a: [] # c\n"),
        ("- a: 1\n  b: 2\n", drop(0, "a"), "- b: 2\n"),
        ("- a: 1\n  # c\n  b: 2\n", drop(0, "a"), "- \n  # c\n  b: 2\n"),
        ("- - x\n  - y\n- z\n", drop(0, 0), "- - y\n- z\n"),
        ("a: [1, 2, 3,]\n", drop("a", 1), "a: [1, 3,]\n"),
        ("a: [1, 2, 3,]\n", drop("a", 2), "a: [1, 2,]\n"),
        ("a: {b: 1, c: 2}\n", drop("a", "b"), "a: {c: 2}\n"),
        ("a: {b: 1}\n", drop("a", "b"), "a: {}\n"),
        ("a: |+\n  x\n\n\nb: 1\n", drop("a"), "b: 1\n"),
        # Line breaks of the file.
        ("a:\r\n  - x # c\r\n", append("a", to={"k": "1\n2\n"}), "a:\r\n  - x # c\r\n  - k: |\r\n      1\r\n      2\r\n"),
        ("a: 1\r\nb: 2\r\n", drop("a"), "b: 2\r\n"),
        ("a:\r\n  - 1\r\n", at("a", to=2), "a: 2\r\n"),
        # `<<` stays; what it brings may be said anew.
        ("m: &m {a: 1}\nn:\n  <<: *m\n", at("n", "a", to=2), "m: &m {a: 1}\nn:\n  <<: *m\n  a: 2\n"),
        ("m: &m {a: 1}\nn: {<<: *m, b: 1}\n", drop("n", "b"), "m: &m {a: 1}\nn: {<<: *m}\n"),
        ("m: &m {a: 1}\nn: *m\n", drop("n"), "m: &m {a: 1}\n"),
        ("m: &unused\n  a: 1 # c\n", at("m", "b", to=2), "m: &unused\n  a: 1 # c\n  b: 2\n"),
        # Nothing to do is nothing done, also for a spelling that readers take differently.
        ("a: 0777\nb: 'x'\n", SetValue(FIRST, (), {"b": "x", "a": "0777"}), "a: 0777\nb: 'x'\n"),
        # Only what differs is written where data replaces data.
        (
            "kind: A\nname: x\nspec:\n  # i\n  image: old # pin\n  ports: # p\n    - '1' # 1\n    - '2' # 2\n    - '3' # 3\n",
            ReplaceSpec(Key("a", "x"), {"ports": ["1", "3", "4"], "image": "b", "u": "me"}),
            "kind: A\nname: x\nspec:\n  # i\n  image: b # pin\n  ports: # p\n    - '1' # 1\n    - '3' # 3\n    - '4'\n  u: me\n",
        ),
        (
            "spec:\n  l:\n    - a # one\n    - c # three\n",
            at("spec", to={"l": ["a", "b", "c"]}),
            "spec:\n  l:\n    - a # one\n    - b\n    - c # three\n",
        ),
        ("l: [b, c]\n", at("l", to=["a", "b", "c"]), "l: [a, b, c]\n"),
        ("l:\n  - b\n", at("l", to=["a", "b"]), "l:\n  - a\n  - b\n"),
        ("l:\n  - a # one\n  - b # two\n  - c # three\n", at("l", to=["a", "c"]), "l:\n  - a # one\n  - c # three\n"),
        ("kind: A\nname: x\n", ReplaceSpec(Key("a", "x"), {"k": "v"}), "kind: A\nname: x\nspec:\n  k: v\n"),
        # What cannot be replaced alone is written anew with the little that is around it.
        ("z: 1 # c\nx:\n  ? a\n  : 1\n", at("x", "b", to=2), "z: 1 # c\nx:\n    a: 1\n    b: 2\n"),
        ("z: 1 # c\na:\n  b: |\n    x", at("a", "c", to=2), "z: 1 # c\na:\n  b: x\n  c: 2"),
        ("a: 1", at("a", to="x\ny\n"), "a: |\n  x\n  y\n"),
    ],
)
def test_an_edit_changes_what_it_names(before: str, edit: Edit, after: str) -> None:
    assert edited(before, edit) == after


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *(
            (word, f'"{word}"')
            for word in ("on", "Off", "YES", "no", "y", "N", "true", "null", "Null", "~", "", "nUll", "=", "<<", "---", "- x")
        ),
        *(
            (word, f'"{word}"')
            for word in (
                "22:22",
                "12:30:45",
                "0777",
                "010",
                "1_000",
                "0x1F",
                "1e3",
                ".5",
                ".inf",
                "2026-11-22",
                "+1",
                "0b11",
                "1",
            )
        ),
        *(
            (word, f'"{word}"')
            for word in ("a: b", "a:", "a #b", "#a", "*a", "&a", "!a", "@a", "`a", "%a", "[a", "{a", " a", "a ", "?")
        ),
        *((word, word) for word in ("nginx:1.29", "8080:80", "1.2.3", "a#b", "/srv/x", "-v", "10.0.0.1", "é", "a, b", "it's")),
        ("a\u2028b", '"a\\u2028b"'),
        ("\x07", '"\\u0007"'),
        ("\ufeff", '"\\ufeff"'),
        ("\U0001f600", "\U0001f600"),
        (None, "null"),
        (True, "true"),
        (-1, "-1"),
        (2**64 - 1, "18446744073709551615"),
        (1.5, "1.5"),
        (1e16, "1.0e+16"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_a_new_value_means_the_same_to_every_reader(value: Any, written: str) -> None:
    assert edited("a: old\n", at("a", to=value)) == f"a: {written}\n"
    assert edited("a: [old]\n", at("a", 0, to=value)).startswith("a: [")


TWO = "# about all\n\n# yaml-language-server: x\n# one\nkind: A\nname: x\n---\n# two\nkind: A\nname: y # y\n"


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (TWO, RemoveDocument(Key("a", "x")), "# about all\n\n# yaml-language-server: x\n---\n# two\nkind: A\nname: y # y\n"),
        (TWO, RemoveDocument(Key("a", "y")), "# about all\n\n# yaml-language-server: x\n# one\nkind: A\nname: x\n"),
        (TWO, RemoveDocument(Nth(FILE, 1)), "# about all\n\n# yaml-language-server: x\n# one\nkind: A\nname: x\n"),
        ("a: 1\n---\nb: 1\n...\n---\nc: 1\n", RemoveDocument(Nth(FILE, 1)), "a: 1\n---\nc: 1\n"),
        ("a: 1\n---\n# nothing\n---\nc: 1\n", RemoveDocument(Nth(FILE, 1)), "a: 1\n---\n# nothing\n"),
        ("# all\na: 1\n", RemoveDocument(FIRST), ""),
        (TWO, SetValue(Key("a", "y"), ("spec",), {"on": ["x"]}), TWO + 'spec:\n  "on":\n    - x\n'),
        ("", AddDocument(FILE, {"kind": "B", "spec": {"l": []}}), "kind: B\nspec:\n  l: []\n"),
        ("# only\n", AddDocument(FILE, {"kind": "B"}), "# only\nkind: B\n"),
        ("a: 1\n", AddDocument(FILE, {"kind": "B"}), "a: 1\n---\nkind: B\n"),
        ("a: 1\r\n", AddDocument(FILE, {"kind": "B"}), "a: 1\r\n---\r\nkind: B\r\n"),
        ("a: 1", AddDocument(FILE, {"kind": "B"}), "a: 1\n---\nkind: B"),
        ("a: 1", AddDocument(FILE, {"t": "x\ny\n"}), "a: 1\n---\nt: |\n  x\n  y\n"),
        ("a: 1\n---\n", AddDocument(FILE, {"kind": "B"}), "a: 1\n---\nkind: B\n"),
        ("a: 1\n...\n", AddDocument(FILE, {"kind": "B"}), "a: 1\n...\n---\nkind: B\n"),
        ("a:\n    - b:\n          c: 1\n", AddDocument(FILE, {"l": [{"m": {"o": 1}}]}), None),
    ],
)
def test_whole_documents_come_and_go(before: str, edit: Edit, after: str | None) -> None:
    found = edited(before, edit)
    assert found == (after if after is not None else before + "---\nl:\n    - m:\n          o: 1\n")


def test_edits_follow_each_other() -> None:
    edits = (
        AddDocument(FILE, {"kind": "B", "name": "new"}),
        SetValue(Key("b", "new"), ("needs",), ["a/x"]),
        AppendValue(Key("b", "new"), ("needs",), "a/y"),
        RemoveDocument(Key("a", "x")),
        SetValue(FIRST, ("name",), "z"),
    )
    assert edited(TWO, *edits) == (
        "# about all\n\n# yaml-language-server: x\n---\n# two\nkind: A\nname: z # y\n"
        "---\nkind: B\nname: new\nneeds:\n  - a/x\n  - a/y\n"
    )


SPEC = "kind: A\nname: x\nspec:\n  image: a\n  ports: [1, 2]\n  none:\n"
SHARED = "m: &m\n  a: 1\n  b: {c: 1}\nn: *m\no:\n  <<: [*m, {d: 1}]\n  e: 1\n"


@pytest.mark.parametrize(
    ("text", "edit", "place", "message", "hint"),
    [
        (SPEC, at("spec", "imgae", "x", to=1), "3:1", "no key `imgae`", "did you mean `image`?"),
        (SPEC, drop("spec", "imgae"), "3:1", "no key `imgae`", "did you mean `image`?"),
        (SPEC, append("spec", "zzzzz", to=1), "3:1", "no key `zzzzz`", "its keys are image, ports, none"),
        (SPEC, at("spec", "image", "tag", to=1), "4:3", "this is a single value, there is no `tag` in it", "set the whole value"),
        (SPEC, at("spec", "none", "tag", to=1), "6:3", "this is empty, there is no `tag` in it", "set the whole value"),
        (SPEC, at("spec", "ports", 2, to=1), "5:3", "the list has 2 entries; there is no number 2", "count from 0"),
        (SPEC, at("spec", "ports", -1, to=1), "5:3", "there is no number -1", "count from 0"),
        (SPEC, drop("spec", "ports", "x"), "5:3", "this is a list and has no key `x`", "by its number"),
        (SPEC, drop("spec", 0), "3:1", "this is a mapping and has no entry number 0", "name one of its keys"),
        (SPEC, append("spec", to=1), "3:1", "this is not a list", "set the whole value"),
        (SPEC, drop(), "1:1", "has no entry without a name", "remove the document"),
        (SPEC, at("spec", "image", to=float("nan")), "4:3", "a number is not finite", "plain data"),
        (SPEC, at("spec", "image", to=2**64), "4:3", "does not fit into 64 bits", "plain data"),
        (SPEC, at("spec", "image", to={1: 2}), "4:3", "a key is not text", "plain data"),
        (SPEC, at("spec", "image", to={1, 2}), "4:3", "set is not plain data", "plain data"),
        (SPEC, at("spec", "image", to=["\ud800"]), "4:3", "half a character", "plain data"),
        (SPEC, at("spec", "new", to=["x"] * 10_000), "3:1", "more than 10,000 values", "by hand"),
        (SPEC, at("spec", "new", to="x" * (1 << 20)), "3:1", "may have 1 MiB", "by hand"),
        (SPEC, SetValue(Key("a", "y"), ("spec",), {}), "1:1", "a/y is not written in this file", "did you mean `a/x`?"),
        (SPEC, SetValue(Nth(FILE, 1), ("spec",), {}), "1:1", "the file has 1 document; there is no number 1", "count from 0"),
        (SPEC, SetValue(Nth("b.yaml", 0), ("spec",), {}), "1:1", "meant for b.yaml", "splice it into that file"),
        (SPEC, AddDocument("b.yaml", {"a": 1}), "1:1", "meant for b.yaml", "splice it into that file"),
        (SPEC, AddDocument(FILE, {}), "1:1", "it is empty", "plain data"),
        (SPEC, AddDocument(FILE, {"kind": "A", "name": "x"}), "1:1", "this document is there already", "another name"),
        (
            f"{SPEC}---\n{SPEC}",
            RemoveDocument(Key("a", "x")),
            "9:1",
            "a/x is written twice in this file; the first is on line 1",
            "remove",
        ),
        (
            "l: [1]\n",
            at("l", to=[[number] for number in range(300)]),
            "1:1",
            "300 values differ; one edit may change 200",
            "several",
        ),
        (SHARED, at("m", "a", to=2), "1:1", "has an anchor", "write the value out"),
        (SHARED, at("m", "b", "c", to=2), "1:1", "has an anchor", "write the value out"),
        (SHARED, at("m", to=2), "1:1", "has an anchor", "write the value out"),
        (SHARED, drop("m"), "1:1", "has an anchor", "write the value out"),
        (f"x: {{y: &m 1}}\n{'n: *m'}\n", drop("x"), "1:1", "has an anchor", "write the value out"),
        (SHARED, at("n", to=2), "4:1", "an alias stands here", "where its anchor is"),
        (SHARED, at("n", "a", to=2), "4:1", "an alias stands here", "where its anchor is"),
        (SHARED, at("o", "b", "c", to=2), "3:3", "`b` comes through `<<`", "set it here as a whole"),
        (SHARED, drop("o", "a"), "2:3", "`a` comes through `<<`, and would still be there", "set it to another value"),
        (SHARED, drop("o", "d"), "6:13", "`d` comes through `<<`, and would still be there", "set it to another value"),
        (SHARED, at("o", to={"e": 1}), "2:3", "`a` comes through `<<`", "set it to another value"),
        ("x:\n  ? a # c\n  : 1\n", at("x", "b", to=2), "1:1", "this cannot be edited alone", "by hand"),
        ("a: 1\na: 2\n", at("b", to=1), "2:1", "`a` is written twice", "remove one of them"),
        ("a: [1\n", at("b", to=1), "1:4", "not closed", "add the missing"),
        ("a: !!python/object:os.system x\n", at("b", to=1), "1:4", "the tag", "leave it out"),
        ("a: &a [*a]\n", at("b", to=1), "1:8", "stands inside the value it names", "cannot contain itself"),
        ("\ufeffa: 1\n", at("a", to=2), "1:1", "byte order mark", "save it as UTF-8"),
    ],
)
def test_what_cannot_be_done_says_where_why_and_what_to_do(text: str, edit: Edit, place: str, message: str, hint: str) -> None:
    with pytest.raises(SpecError) as refused:
        splice(FILE, text.encode(), [at("kind", to="A"), edit] if text == SPEC else [edit])
    found = refused.value.diagnostics[0]
    assert str(found.origin) == f"{FILE}:{place}"
    assert message in found.message
    assert hint in found.hint


def test_hostile_text_is_refused_as_fast_as_by_the_reader() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
    )
    with pytest.raises(SpecError, match="more than 10,000 values"):
        edited(bomb, at("z", to=1))
    with pytest.raises(SpecError, match="nested more than 40 deep"):
        edited("[" * 100_000, at("z", to=1))
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpecError, match="nested more than 40 deep"):
        edited("a: 1\n", at("a", to=deep))


def test_a_refusal_keeps_what_is_secret() -> None:
    with pytest.raises(SpecError) as refused:
        edited("spec:\n  password: hunter2\n", at("spec", "password", "x", to=1))
    assert "hunter2" not in str(refused.value)
