"""Hostile YAML is refused with a sentence at a place; the process lives and no consumer meets more than the limits."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest

from controller.clients.yaml import read_yaml, write_yaml
from controller.core.errors import Diagnostic, SpecError

_LETTERS = "abcdefghi"


def refusal(content: bytes) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        read_yaml("specs/evil.yaml", content)
    first: Diagnostic = caught.value.diagnostics[0]
    assert first.origin.file == "specs/evil.yaml"
    assert first.origin.line > 0
    assert first.origin.column > 0
    assert len(str(caught.value)) < 50_000
    return first


def alias_bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for below, name in itertools.pairwise(_LETTERS):
        lines.append(f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]")
    return "\n".join(lines)


def merge_bomb() -> str:
    lines = ["a: &a {" + ", ".join(f"k{number}: x" for number in range(9)) + "}"]
    for below, name in itertools.pairwise(_LETTERS):
        lines.append(f"{name}: &{name} {{<<: [{', '.join([f'*{below}'] * 9)}]}}")
    return "\n".join(lines)


_TOO_MUCH = "the document has more than 10,000 values once its aliases are written out"
_TOO_DEEP = "lists and mappings are nested more than 40 deep"
_NOT_UTF8 = "the file is not UTF-8 (it looks like UTF-16 or UTF-32)"


@pytest.mark.parametrize(
    ("content", "place", "message", "reason"),
    [
        (alias_bomb(), "5:8", _TOO_MUCH, "A01: nine levels of nine aliases mean 387 million values"),
        (merge_bomb(), "4:33", _TOO_MUCH, "A02: nine levels of nine merges hang a loader that copies"),
        ("a: &a " + "x" * 900_000 + "\nb: [*a, *a, *a, *a, *a]", "2:17", "more than 4 MiB of text", "A01: few values, much text"),
        ("[" * 200_000, "1:41", _TOO_DEEP, "A03: crashes the whole process in a recursive loader"),
        ("- " * 200_000, "1:81", _TOO_DEEP, "A03: the same in block style"),
        ("? " * 200_000, "1:81", _TOO_DEEP, "A03: the same with keys"),
        ("{a: " * 100_000, "1:161", _TOO_DEEP, "A03: the same with mappings"),
        (
            "a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 20 + "*a" + "]" * 20,
            "2:24",
            _TOO_DEEP,
            "A03: depth hidden behind an alias",
        ),
        ("a: &a [*a]", "1:8", "*a stands inside the value it names", "A04: a list that contains itself"),
        ("a: &a {<<: *a}", "1:12", "*a stands inside the value it names", "A04: a mapping merged into itself"),
        ("a: &a\n  b: {c: [*a]}", "2:11", "*a stands inside the value it names", "A04: the same, deeper"),
        ("a: *b", "1:4", "*b names no anchor above it", "an alias of nothing"),
        ("a: 1\nb: &b 2\n---\nc: *b", "4:4", "*b names no anchor above it", "anchors end with their document"),
        ("a: !!python/object/apply:os.system [id]", "1:4", "the tag !!python/object/apply:os.system is not allowed", "A04: code"),
        ("a: !custom x", "1:4", "the tag !custom is not allowed", "A04: a tag of someone else"),
        ("a: !!binary aGk=", "1:4", "the tag !!binary is not allowed", "A04: a standard tag"),
        ("a: !<tag:yaml.org,2002:str> 1", "1:4", "the tag !!str is not allowed", "A04: a verbatim tag"),
        ("!reset a: 1", "1:1", "the tag !reset cannot stand before a key", "a tag where it means nothing"),
        ("%TAG ! tag:evil,2000:\n---\na: !x 1", "3:4", "the tag tag:evil,2000:x is not allowed", "A04: a tag under another name"),
        ("a: !secret db", "1:4", "the tag !secret is not allowed", "Home Assistant's tag"),
        (b"\xef\xbb\xbfa: 1", "1:1", "the file starts with a byte order mark", "A04"),
        ("a: 1".encode("utf-16"), "1:1", _NOT_UTF8, "A04: with a byte order mark"),
        ("a: 1".encode("utf-16-be"), "1:1", _NOT_UTF8, "A04: without"),
        ("a: 1".encode("utf-32-le"), "1:1", _NOT_UTF8, "A04"),
        (b"a: 1\nb: \xff", "2:4", "byte 0xff is not valid UTF-8", "A04"),
        (b"a: \xed\xa0\x80", "1:4", "byte 0xed is not valid UTF-8", "A04: a lone surrogate"),
        (b"a: \xc0\xaf", "1:4", "byte 0xc0 is not valid UTF-8", "an overlong slash"),
        ('a: "\\ud800"', "1:7", "this escape is not a character", "A04: a lone surrogate as an escape"),
        ('a: "\\U00110000"', "1:7", "this escape is not a character", "beyond Unicode"),
        ("a: x\0y", "1:5", "the character U+0000 (control character) is not allowed in YAML", "A04"),
        ("a: \x1b[2J", "1:4", "the character U+001B (control character) is not allowed in YAML", "a terminal escape"),
        ("a: x\n\ufeff", "2:1", "the character U+FEFF (zero width no-break space) is not allowed in YAML", "A04: invisible"),
        ("a: " + "9" * 1_000_000, "1:4", "this number does not fit into 64 bits", "A04: a million digits"),
        ("a: 0x" + "f" * 100_000, "1:4", "this number does not fit into 64 bits", "A04: the same in hexadecimal"),
        ("a: -9223372036854775809", "1:4", "this number does not fit into 64 bits", "one less than the smallest"),
        ("a: .inf", "1:4", ".inf is not a number that can be kept", "A04"),
        ("a: -.INF", "1:4", "-.INF is not a number that can be kept", "A04"),
        ("a: .nan", "1:4", ".nan is not a number that can be kept", "A04"),
        ("a: 1e999", "1:4", "this number is too large", "A04: infinity in disguise"),
        ("a: 1\nb: 2\na: 3", "3:1", "`a` is written twice; the first is on line 1", "A05"),
        ('a: {"b": 1, b: 2}', "1:13", "`b` is written twice; the first is on line 1", "A05: quotes do not make another key"),
        ("<<: {a: 1}\n<<: {b: 1}", "2:1", "`<<` is written twice; the first is on line 1", "A05"),
        ("<<: 1", "1:5", "`<<` takes a mapping, or a list of mappings", "nothing to merge"),
        ("<<: [1]", "1:5", "`<<` takes a mapping, or a list of mappings", "nothing to merge"),
        ("8080: x", "1:1", "the key `8080` is a number, not text", "A05"),
        ("1e3: x", "1:1", "the key `1e3` is a number, not text", "A05"),
        (".nan: x", "1:1", "the key `.nan` is a number, not text", "A05"),
        ("0777: x", "1:1", "the key `0777` is a number or a date to some readers, not text", "A05"),
        ("true: x", "1:1", "the key `true` is true or false, not text", "A05"),
        ("~: x", "1:1", "the key `~` is empty (null), not text", "A05"),
        ("?\n: x", "1:2", "the key `` is empty (null), not text", "A05"),
        ("? [a, b]\n: x", "1:3", "a list or a mapping cannot be a key", "A05"),
        ("? {a: b}\n: x", "1:3", "a list or a mapping cannot be a key", "A05"),
        ("&a [1]: x", "1:1", "a list or a mapping cannot be a key", "A05"),
        (b"#" * (1 << 20) + b"\n", "1:1", "the file has 1.0 MiB; a YAML file may have 1 MiB", "A06"),
        (b"#" * (100 << 20), "1:1", "the file has 100.0 MiB; a YAML file may have 1 MiB", "A06"),
        ("- x\n" * 10_000, "10000:3", _TOO_MUCH, "A06: a list of ten thousand"),
        ("--- a\n" * 10_001, "10001:1", "the file has more than 10,000 documents", "A06"),
        (
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n",
            "2:1",
            "a merge conflict is not resolved here",
            "seen in a home",
        ),
        ("a:\n\tb: 1", "2:1", "a tab cannot indent YAML", "a tab"),
        ("a: b: c", "1:5", "a `:` stands where no key may be", "a colon"),
        ("a: @b", "1:4", "a value cannot start with `@`", "a reserved character"),
        ("a: 'b", "1:4", "this quote is never closed", "an open quote"),
        ("a: [b", "1:4", "this `[` is not closed where it should be", "an open bracket"),
        ("a: {b", "1:4", "this `{` is not closed where it should be", "an open brace"),
        ("a:\n  b: 1\n c: 2", "3:2", "the indentation does not fit the lines above", "indentation"),
        ("- a\nb: 1", "2:1", "this is not an entry of the list above", "a mapping after a list"),
        ("%YAML 3.0\n---\na: 1", "1:1", "only YAML 1.1 and 1.2 are read", "a version from the future"),
    ],
)
def test_refused_with_a_sentence_at_its_place(content: str | bytes, place: str, message: str, reason: str) -> None:
    found = refusal(content if isinstance(content, bytes) else content.encode())
    assert message in found.message, reason
    assert f"{found.origin.line}:{found.origin.column}" == place, reason
    assert found.hint, "every refusal says what to do"
    assert found.snippet.count("\n") == 1


def test_a_file_of_nothing_but_problems_is_cut_short() -> None:
    with pytest.raises(SpecError) as caught:
        read_yaml("a.yaml", b"a: 1\n" * 5_000)
    assert len(caught.value.diagnostics) == 100


def test_the_process_lives_where_a_recursive_loader_crashes() -> None:
    program = """
from controller.clients.yaml import read_yaml
from controller.core.errors import SpecError
for part in ("[", "{a: ", "- ", "? ", "&a [", "!x [", "[{a: "):
    try:
        read_yaml("a.yaml", part.encode() * 200_000)
    except SpecError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["refused"] * 7, "")


def largest() -> Any:
    """What is legal, barely: 9,997 values by aliases, 39 deep."""
    deep = "[" * 37 + "x" + "]" * 37
    text = f"a: &a [{', '.join(['x'] * 99)}]\nb: [{', '.join(['*a'] * 96)}]\nc: {deep}\n"
    (parsed,) = read_yaml("a.yaml", text.encode())
    return parsed


def test_consumers_meet_no_more_than_the_limits() -> None:
    parsed = largest()
    assert len(json.dumps(parsed.data)) < 100_000
    assert len(write_yaml(parsed.data)) < 100_000
    assert parsed.data == parsed.data
    assert parsed.locate(("b", 95, 98)).line == 1
    assert parsed.locate(("c", *[0] * 100)).line == 3


def test_a_file_of_one_mebibyte_is_read() -> None:
    document = "---\nkind: Service\nname: name\nspec: {image: nginx, ports: ['80:80']}\n"
    content = (document * 9_999).encode()
    found = read_yaml("a.yaml", content)
    assert len(found) == 9_999
    assert found[-1].locate(("spec", "ports", 0)).line == 4 * 9_999
    single = b"a: |\n" + b"  0123456789\n" * 80_000
    assert len(read_yaml("a.yaml", single)[0].data["a"]) == 880_000
