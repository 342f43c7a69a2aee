"""A failure beside real servers is looked at a second time: told when it does not come again, and a failure otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.run_tests import main

FOLDER = """
import pathlib
import pytest


@pytest.fixture(autouse=True)
def torn(case):
    yield
    assert not fails("torn", case), "what went wrong at the end"


def fails(how, case):
    word, _, name = case.partition(" ")
    seen = pathlib.Path(__file__).with_name(name)
    if word != how or seen.exists():
        return word == how == "always"
    seen.touch()
    return True


@pytest.mark.parametrize("case", {cases})
def test_it(case):
    assert not fails("once", case), "what went wrong"
    assert not fails("always", case)
"""


@dataclass
class Ended:
    """What a run came to: whether it was good, and what it wrote."""

    good: bool
    out: str

    @property
    def unsteady(self) -> list[str]:
        return [line for line in self.out.splitlines() if line.startswith("UNSTEADY")]

    @property
    def totals(self) -> str:
        return self.out.splitlines()[-1]


def ran(root: Path, capfd: pytest.CaptureFixture[str], folders: Mapping[str, list[str]]) -> Ended:
    """Runs everything over folders of such cases."""
    (root / "scripts").mkdir()
    (root / "scripts" / "lint").write_text("#!/bin/sh\n")
    (root / "scripts" / "lint").chmod(0o755)
    for folder, cases in folders.items():
        (root / "tests" / folder).mkdir(parents=True)
        (root / "tests" / folder / "test_cases.py").write_text(FOLDER.format(cases=cases))
    status = main(tuple(folders), with_servers=False, root=root)
    return Ended(status == 0, capfd.readouterr().out)


@pytest.fixture(autouse=True)
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WORKERS", "1")


def test_what_fails_once_is_told_and_counts_as_passed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stale = tmp_path / ".cache" / "tests" / "contract" / "v" / "cache" / "lastfailed"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"tests/contract/test_cases.py::test_it[never c]": true}')
    ended = ran(tmp_path, capfd, {"contract": ["once a", "torn b", "never c"], "faces": ["never a", "once c"]})
    assert ended.good, ended.out
    assert ended.unsteady == [
        "UNSTEADY  tests/contract/test_cases.py::test_it[once a]",
        "UNSTEADY  tests/contract/test_cases.py::test_it[torn b]",
        "UNSTEADY  tests/faces/test_cases.py::test_it[once c]",
    ]
    assert ended.totals == "5 passed, 0 failed"
    assert "ok    tests/contract      3 passed    0 failed  2 unsteady" in ended.out
    for said in ("what went wrong", "what went wrong at the end"):
        assert f"AssertionError: {said}\n" in ended.out, "the first failure is in the log"


WRONG = {
    "unit": ["once a", "never b"],  # nothing there depends on a server
    "house": ["once a"],  # nor there
    "faces": ["always a", "once b", "never c"],  # one of two comes again
    "flows": ["once a", "once b", "once c", "once d"],  # more than three are no coincidence
}


def test_all_else_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ended = ran(tmp_path, capfd, WRONG)
    assert not ended.good
    assert ended.unsteady == []
    told = re.findall(r"^FAIL +tests/(\w+) +(\d+) passed +(\d+) failed +[\d.]+ s$", ended.out, re.MULTILINE)
    assert told == [("unit", "1", "1"), ("house", "0", "1"), ("faces", "1", "2"), ("flows", "0", "4")]
    assert ended.totals == "2 passed, 8 failed"


def test_three_are_for_the_whole_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ended = ran(tmp_path, capfd, {"contract": ["once a", "once b"], "flows": ["once c", "once d"]})
    assert not ended.good
    assert len(ended.unsteady) == 2
    assert ended.totals == "2 passed, 2 failed"
