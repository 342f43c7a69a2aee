"""Every value of every YAML file of this repository can be set, removed and given a sibling, each by the fewest lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest

from controller.clients.yaml import read_yaml, splice
from controller.core.document import Path
from controller.core.edit import AppendValue, Nth, RemoveValue, SetValue
from controller.core.errors import SpecError

ROOT = File(__file__).resolve().parents[2]
FILES = sorted(
    file.relative_to(ROOT).as_posix()
    for folder in ("specs", "examples", "controller/kinds", "tests/faces/projects")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in (".yaml", ".yml")
)
NEW = "12:30:45"
SHARING = {"tests/faces/projects/vpn/compose.yaml"}
"""Files with anchors, of which some edits are refused."""


def test_the_corpus_is_here() -> None:
    assert len(FILES) > 100


def places(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, data
    if isinstance(data, dict | list):
        for part, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*path, part))


def touched(before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came between what both files begin and end with."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    least = min(len(old), len(new))
    head = next((at for at in range(least) if old[at] != new[at]), least)
    tail = next((at for at in range(least - head) if old[-1 - at] != new[-1 - at]), least - head)
    return old[head : len(old) - tail], new[head : len(new) - tail]


@pytest.mark.parametrize("name", FILES)
def test_every_value_can_be_edited(name: str) -> None:
    refused: Counter[str] = Counter()
    for content in re.split(rb"(?m)^---[^\n]*\n", (ROOT / name).read_bytes()):
        for parsed in read_yaml(name, content):
            for path, value in places(parsed.data):
                for edit in edits(Nth(name, 0), path, value):
                    try:
                        after = splice(name, content, [edit])
                    except SpecError as error:
                        refused[error.diagnostics[0].message] += 1
                    else:
                        judge(edit, value, *touched(content, after))
    assert all("anchor" in reason or "`<<`" in reason for reason in refused), refused
    assert not refused or name in SHARING


@pytest.mark.parametrize("name", FILES)
def test_what_one_document_gets_leaves_the_others_alone(name: str) -> None:
    content = (ROOT / name).read_bytes()
    for number, parsed in enumerate(read_yaml(name, content)):
        path: Path = ("sibling",) if isinstance(parsed.data, dict) else ()
        edit = SetValue(Nth(name, number), path, "12:30") if path else AppendValue(Nth(name, number), path, "12:30")
        went, came = touched(content, splice(name, content, [edit]))
        assert (went, came) == ([], ['sibling: "12:30"' if path else '- "12:30"'])


def edits(target: Nth, path: Path, value: Any) -> Iterator[SetValue | RemoveValue | AppendValue]:
    """What is tried with each value: to remove it, and to set it or to give it one more entry."""
    if path:
        yield RemoveValue(target, path)
    if isinstance(value, dict):
        yield SetValue(target, (*path, "sibling"), "on")
    elif isinstance(value, list):
        yield AppendValue(target, path, "12:30")
    elif path:
        yield SetValue(target, path, NEW)


def judge(edit: SetValue | RemoveValue | AppendValue, value: Any, went: list[str], came: list[str]) -> None:
    """Hold the lines that changed against what the edit names."""
    if isinstance(edit, RemoveValue):
        assert len(came) <= 1, (edit, came)
        assert len(came) <= len(went)
    elif isinstance(value, dict | list):
        # A line of its own, or one in brackets with a little more.
        assert len(came) == 1, (edit, came)
        assert len(went) == (1 if "[" in came[0] or "{" in came[0] else 0), (edit, went, came)
    else:
        assert len(came) == 1, (edit, came)
        forms = [f"'{value}'", f'"{value}"', str(value)]
        if len(went) == 1 and value and forms[2] in went[0] and not set(forms[2]) & set("\"'\\"):
            quoted = f"'{NEW}'" if f"'{NEW}'" in came[0] else f'"{NEW}"'
            assert went[0] in [came[0].replace(quoted, form) for form in forms], (edit, went, came)
