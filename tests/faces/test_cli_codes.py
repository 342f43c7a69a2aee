"""The published exit codes, each brought about for real."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.cli.exits import MEANING
from controller.clients.clock import SystemClock
from controller.store.sql import SqlStore
from tests.faces.command import BINARY, Home, empty
from tests.support.space import wait_until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing declared."""
    return empty(tmp_path)


def _applied(home: Home) -> None:
    home.service("app:1")
    assert home("apply").code == 0


def _invalid(home: Home) -> None:
    home.commit("typo", {"services/web.yaml": "kind: Service\nname: web\nspec: {imgae: nginx}\n"})


def _bad(home: Home) -> None:
    _applied(home)
    home.service("app:bad")


def _not_to_be_undone(home: Home) -> None:
    home.commit("first", {"services/web.yaml": "kind: Service\nname: web\nspec: {image: 'app:1', rollback: never}\n"})
    assert home("apply").code == 0
    home.commit("second", {"services/web.yaml": "kind: Service\nname: web\nspec: {image: 'app:bad', rollback: never}\n"})


def _quarantined(home: Home) -> None:
    _bad(home)
    assert home("apply").code == 5


def _denied(home: Home) -> None:
    rule = "{name: none, match: {kinds: [service]}, verdict: deny, reason: not here}"
    home.commit("rule", {"policy/house.yaml": f"kind: Policy\nname: house\nspec: {{rules: [{rule}]}}\n"})
    home.service("app:1")


def _led_by_another(home: Home) -> None:
    home.service("app:1")
    assert home("plan").code == 0
    store = SqlStore(f"sqlite:///{home.state / 'memory' / 'state.db'}", SystemClock())
    assert store.claim("another machine", 600)
    store.close()


def _cut(home: Home) -> None:
    _applied(home)
    world = home.state / "memory" / "world.json"
    world.write_text(json.dumps({**json.loads(world.read_text()), "unreachable": ["local"]}))
    home.service("app:2")


@pytest.mark.parametrize(
    ("code", "prepare", "arguments", "reason"),
    [
        (0, _applied, ["status"], "all is well"),
        (0, _applied, ["plan", "--detailed-exitcode"], "there is nothing to do"),
        (0, _bad, ["plan"], "changes are no error without --detailed-exitcode"),
        (1, _applied, ["show", "HEAD", "--nonsense"], "an unknown flag"),
        (1, _applied, ["plan", "--repo", "/nowhere"], "a repository that is not there"),
        (1, _applied, ["plan", "--branch", "nope"], "a branch that is not there"),
        (1, _applied, ["apply", "--branch", "nope"], "a branch that is not there is not the world as git wants it"),
        (1, _applied, ["apply", "--path", "nope"], "a folder that is not there"),
        (2, _bad, ["plan", "--detailed-exitcode"], "there are changes"),
        (3, _invalid, ["plan"], "the specification is invalid"),
        (3, _invalid, ["validate"], "the specification is invalid"),
        (3, _invalid, ["apply"], "an invalid specification is not applied"),
        (4, _applied, ["approve", "0123456789ab"], "an approval of what is not there"),
        (4, _applied, ["retry", "all"], "nothing to try again"),
        (4, _applied, ["renew", "service/web"], "only certificates can be renewed"),
        (4, _applied, ["renew", "certificate/nobodys"], "nothing of that name is declared"),
        (4, _denied, ["apply"], "the rules deny it"),
        (4, _applied, ["detach", "--all"], "nobody can answer the question"),
        (5, _bad, ["apply"], "it did not get healthy and was taken back"),
        (5, _quarantined, ["apply"], "it failed before and is not tried again"),
        (6, _not_to_be_undone, ["apply"], "it may not be taken back: a person must look"),
        (7, _led_by_another, ["apply"], "another controller holds the lease, and not here"),
        (8, _cut, ["apply"], "a backend cannot be reached"),
        (8, _cut, ["plan"], "a backend cannot be reached, so the plan is not whole"),
    ],
)
def test_exit_codes(home: Home, code: int, prepare: Callable[[Home], None], arguments: list[str], reason: str) -> None:
    prepare(home)
    said = home.binary(*arguments)
    assert said.code == code, f"{reason}: {said.out}{said.err}"
    if code in (1, 3, 4, 7) and arguments[0] != "validate":
        assert said.err or "error" in said.out or "nope" in said.out, "an error must say something"


def test_an_apply_that_read_nothing_does_not_say_that_all_is_well(home: Home) -> None:
    _applied(home)
    said = home("apply", "--branch", "nope")
    assert said.out.count("no branch nope") == 2, "in the plan and in the result"
    assert "everything is as git wants it" not in said.out


def test_an_interrupted_apply_says_so_and_the_next_one_goes_on(home: Home) -> None:
    home.service("app:never")
    process = subprocess.Popen(
        [BINARY, "apply"], cwd=home.repo, env=home.settings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    world = home.state / "memory" / "world.json"
    wait_until(lambda: world.exists() and "app:never" in world.read_text(), "the service to be made")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert "interrupted" in err
    home.service("app:1")
    assert home("apply").code == 0
    assert home("plan", "--detailed-exitcode").code == 0


def test_every_published_code_has_a_meaning() -> None:
    assert sorted(MEANING) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]


def test_errors_for_programs_are_json(home: Home) -> None:
    _invalid(home)
    said = home("plan", "--worktree", "-o", "json")
    assert said.code == 3
    told = json.loads(said.err)["error"]
    assert (told["code"], told["meaning"]) == (3, "invalid spec")
    assert told["diagnostics"][0]["file"] == "services/web.yaml"
    assert told["diagnostics"][0]["line"] == 3
