"""Files of the kind that people paste from READMEs, read exactly as Compose reads them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.compose.judge import Scenario, assert_alike, compose, ours, scenario

HERE = Path(__file__).parent


def blocks(file: Path) -> list[Scenario]:
    """The scenarios of a file that holds several: each starts with `=== reason`."""
    return [scenario(text) for text in re.split(r"(?m)^=== ", file.read_bytes().decode())[1:]]


APPS = {file.stem: scenario(file.read_text()) for file in sorted((HERE / "corpus").glob("*.txt"))}
SCENARIOS = {f"{file.stem}: {case.reason}": case for file in sorted((HERE / "scenarios").glob("*.txt")) for case in blocks(file)}


@pytest.mark.parametrize("case", APPS.values(), ids=APPS.keys())
def test_an_app_with_every_profile(case: Scenario, tmp_path: Path) -> None:
    case = replace(case, profiles=["*"])
    theirs = compose(case, tmp_path)
    assert not theirs.refusal, theirs.refusal
    assert_alike(ours(case, tmp_path), theirs)


@pytest.mark.parametrize("case", APPS.values(), ids=APPS.keys())
def test_an_app_as_it_starts_by_itself(case: Scenario, tmp_path: Path) -> None:
    assert_alike(ours(case, tmp_path), compose(case, tmp_path))


@pytest.mark.parametrize("case", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_a_scenario(case: Scenario, tmp_path: Path) -> None:
    assert_alike(ours(case, tmp_path), compose(case, tmp_path))


def test_the_scenarios_hold_both_verdicts(tmp_path: Path) -> None:
    refused = [case for case in SCENARIOS.values() if ours(case, tmp_path).refusal]
    assert len(refused) > 30
    assert len(SCENARIOS) - len(refused) > 80
