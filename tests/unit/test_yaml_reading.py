"""What people write is read the way YAML 1.2 says, and nothing is changed silently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.compose.data import Override, Plain, Reset
from controller.clients.yaml import read_yaml, write_yaml
from controller.core.errors import SpecError


def read(text: str) -> Any:
    (parsed,) = read_yaml("a.yaml", text.encode())
    return parsed.data


@pytest.mark.parametrize(
    ("written", "meant", "reason"),
    [
        ("", None, "an empty value is null"),
        ("~", None, "null"),
        ("NULL", None, "null in capitals"),
        ("true", True, "a truth"),
        ("FALSE", False, "a truth in capitals"),
        ("yes", "yes", "YAML 1.1 made this true"),
        ("no", "no", "the country code of Norway"),
        ("on", "on", "YAML 1.1 made this true"),
        ("off", "off", "YAML 1.1 made this false"),
        ("y", "y", "a letter"),
        ("nUll", "nUll", "not one of the three spellings"),
        ("0", 0, "zero"),
        ("-17", -17, "a negative number"),
        ("+12", 12, "a signed number"),
        ("0x1F", 31, "hexadecimal"),
        ("0o14", 12, "octal of YAML 1.2"),
        ("18446744073709551615", 2**64 - 1, "the largest number of 64 bits"),
        ("-9223372036854775808", -(2**63), "the smallest number of 64 bits"),
        ("1.5", 1.5, "a fraction"),
        (".5", 0.5, "a fraction without a leading zero"),
        ("1e3", 1000.0, "an exponent"),
        ("12.", 12.0, "a trailing point"),
        ("22:22", "22:22", "YAML 1.1 made this 1342"),
        ("12:30:45", "12:30:45", "YAML 1.1 made this 45045"),
        ("8080:80", "8080:80", "a port mapping"),
        ("1.2.3", "1.2.3", "a version"),
        ("=", "=", "YAML 1.1 had a meaning for this"),
        ('"12"', "12", "quotes make text"),
        ("'true'", "true", "quotes make text"),
        ('""', "", "quotes make text"),
        ("'<<'", "<<", "quotes make text"),
        ("192.168.1.1", "192.168.1.1", "an address"),
        ("-", None, "an empty entry of a list"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: Any, reason: str) -> None:
    value = read(f"a:\n  {written}\n")["a"]
    if written == "-":
        value = value[0]
    assert value == meant, reason
    assert type(value) is type(meant), reason


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0777", "octal for Compose, decimal for YAML 1.2"),
        ("012", "octal for Compose, decimal for YAML 1.2"),
        ("089", "a number to both, but the zero would be lost"),
        ("1_000", "a number for Compose, text for YAML 1.2"),
        ("0b11", "a number for Compose, text for YAML 1.2"),
        ("-0x1F", "a number for Compose, text for YAML 1.2"),
        ("2026-11-22", "a date for Compose, text for YAML 1.2"),
        ("-0", "the sign would be lost"),
    ],
)
def test_what_readers_disagree_about_stays_as_written(written: str, reason: str) -> None:
    value = read(f"a: {written}")["a"]
    assert type(value) is Plain, reason
    assert value == written, reason
    assert type(read(f"a: '{written}'")["a"]) is str, "quotes settle it"


def test_documents_of_a_file() -> None:
    found = read_yaml("a.yaml", b"# only words\n---\na: 1\n---\n---\n# nothing\n...\n---\nb: 2\n---\n")
    assert [(parsed.data, parsed.origin.line) for parsed in found] == [({"a": 1}, 3), ({"b": 2}, 9)]
    assert read_yaml("a.yaml", b"") == ()
    assert read_yaml("a.yaml", b"# a comment\n") == ()
    assert [parsed.data for parsed in read_yaml("a.yaml", b"---\nnull\n---\n''\n")] == [None, ""]


def test_anchors_and_merges_are_written_out() -> None:
    text = """
base: &base {restart: always, environment: {A: 1}}
extra: &extra {restart: "no", user: me}
one: {<<: *base, image: x}
two:
  image: y
  restart: never
  <<: [*base, *extra]
three: *base
"""
    data = read(text)
    assert data["one"] == {"image": "x", "restart": "always", "environment": {"A": 1}}
    assert data["two"] == {"image": "y", "restart": "never", "environment": {"A": 1}, "user": "me"}
    assert data["three"] == data["base"]
    data["one"]["environment"]["A"] = 2
    data["three"]["environment"]["A"] = 3
    assert data["base"]["environment"] == {"A": 1}, "no object is shared"


def test_a_redefined_anchor_means_the_latest() -> None:
    assert read("- &a 1\n- *a\n- &a 2\n- *a\n") == [1, 1, 2, 2]


def test_compose_tags_become_markers() -> None:
    data = read("ports: !reset []\nuser: !reset null\nenvironment: !override {A: !override 022}\n")
    assert isinstance(data["ports"], Reset)
    assert isinstance(data["user"], Reset)
    assert isinstance(data["environment"], Override)
    assert isinstance(data["environment"].value["A"].value, Plain)


def test_positions() -> None:
    text = b"""\
# a comment
---
kind: Service
---
  spec:
    image: &image nginx
    ports: ["80:80",
            "443:443"]
    base: &base
      user: me
    merged: {<<: *base, again: *image}
"""
    _, parsed = read_yaml("specs/a.yaml", text, revision="abc")
    places = {
        (): (5, 3),
        ("spec",): (5, 3),
        ("spec", "image"): (6, 5),
        ("spec", "ports"): (7, 5),
        ("spec", "ports", 0): (7, 13),
        ("spec", "ports", 1): (8, 13),
        ("spec", "ports", 7): (7, 5),
        ("spec", "missing", "deeper"): (5, 3),
        ("spec", "merged", "user"): (10, 7),
        ("spec", "merged", "again"): (11, 25),
    }
    assert {path: (parsed.locate(path).line, parsed.locate(path).column) for path in places} == places
    origin = parsed.locate(("spec", "ports", 1))
    assert str(origin) == "specs/a.yaml:8:13"
    assert origin.revision == "abc"
    assert parsed.snippet(origin) == '            "443:443"]\n            ^'


@pytest.mark.parametrize(
    ("line", "path", "shown", "reason"),
    [
        ("a: \u202e b", ("a",), "a: \\u202e b\n^", "text that runs backwards is shown as an escape"),
        ("{漢字: 1, b: 2}", ("b",), "{漢字: 1, b: 2}\n          ^", "wide characters take two columns"),
        ("{a:\t1, b: 2}", ("b",), "{a:  1, b: 2}\n        ^", "a tab is shown as two blanks"),
        (
            "{a: " + "x" * 300 + ", b: 2}",
            ("b",),
            "…" + "x" * 53 + ", b: 2}\n" + " " * 56 + "^",
            "a long line is cut around the place",
        ),
    ],
)
def test_the_caret_stands_below_the_place(line: str, path: tuple[str, ...], shown: str, reason: str) -> None:
    (parsed,) = read_yaml("a.yaml", line.encode())
    assert parsed.snippet(parsed.locate(path)) == shown, reason


def test_every_problem_is_reported_at_once_in_order() -> None:
    text = "a: 1\na: 2\nb: .inf\nc: !foo x\n8: x\nd: *nope\ne: [1, 2\n"
    with pytest.raises(SpecError) as caught:
        read_yaml("a.yaml", text.encode())
    found = [(str(item.origin), item.message) for item in caught.value.diagnostics]
    assert found == [
        ("a.yaml:2:1", "`a` is written twice; the first is on line 1"),
        ("a.yaml:4:4", "the tag !foo is not allowed (only !reset and !override are)"),
        ("a.yaml:5:1", "the key `8` is a number, not text"),
        ("a.yaml:6:4", "*nope names no anchor above it"),
        ("a.yaml:7:4", "this `[` is not closed where it should be"),
    ]
    assert all(item.hint and item.snippet.endswith("^") for item in caught.value.diagnostics)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "yes",
        "0777",
        "22:22",
        "1_000",
        "<<",
        "null",
        "1e3",
        "0o7",
        ".inf",
        "- x",
        "a: b",
        "#",
        "",
        "=",
        "2026-11-22",
        "a\nb\n",
        " x\n",
        "\ufeff",
    ]
)
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(_TEXT, children, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(_TEXT, _DATA, min_size=1, max_size=4), max_size=3))
def test_what_is_written_reads_back_equal(documents: list[dict[str, Any]]) -> None:
    found = read_yaml("a.yaml", write_yaml(*documents).encode())
    assert [json.dumps(parsed.data) for parsed in found] == [json.dumps(document) for document in documents]


def test_written_text_is_made_for_people() -> None:
    service = {"kind": "Service", "spec": {"command": ["a", "no"], "script": "one\ntwo\n", "mode": "0440"}}
    written = "kind: Service\nspec:\n  command:\n  - a\n  - 'no'\n  script: |\n    one\n    two\n  mode: '0440'\n"
    assert write_yaml(service) == written


@pytest.mark.parametrize(
    ("spelling", "reason"),
    [
        ("022", "Compose reads an octal number"),
        ("2026-11-22", "Compose reads a date"),
        ("1_000", "Compose reads a number"),
    ],
)
def test_a_spelling_that_compose_reads_in_its_own_way_is_written_as_it_was(spelling: str, reason: str) -> None:
    text = f"environment:\n  UMASK: {spelling}\n"
    assert write_yaml(read(text)) == text, reason
