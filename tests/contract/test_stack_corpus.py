"""The compose corpus as Stacks: what is accepted expands into documents that are applied once and leave nothing to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from controller.clients.memory import MemoryWorld
from controller.core.errors import SpecError
from controller.core.estate import Estate
from controller.core.run import Outcome
from controller.kinds import network, service, stack, volume
from tests.contract.compose.judge import Scenario, scenario
from tests.support.clock import HandClock
from tests.support.house import House

KINDS = {kind.KIND.name: kind.KIND for kind in (network, service, stack, volume)}
APPS = {file.stem: scenario(file.read_text()) for file in sorted((Path(__file__).parent / "compose" / "corpus").glob("*.txt"))}
ALLOWED = {
    "policy/all.yaml": json.dumps(
        {
            "kind": "Policy",
            "name": "all",
            "spec": {"rules": [{"name": "all", "verdict": "allow", "match": {"concerns": ["*"]}}]},
        }
    )
}
# Apps that a Stack cannot honour, each with words of the reason. Nothing else of the corpus may be refused.
REFUSED = {
    "build": "`build` is not supported",
    "hooks": "`post_start` is not supported",
    "models": "`models` is not supported",
    "namespaces": "`external_links` is not supported",
    "nas-volumes": "a volume cannot hold a folder of the repository",
    "resources": "2 containers of one service are not available yet",
    "swarm-stack": "2 containers of one service are not available yet",
}
# What an app's README tells its reader to provide: a value, a file beside the compose file, a home.
_UNSET = re.compile(r"the variable (\w+) is not set")
_MISSING = re.compile(r"'\./([^']+)' (?:is not|does not exist) in the repository")
_GENEROUS = 20


def provided(case: Scenario, profiles: list[str]) -> tuple[House, Estate]:
    """A house with the app, completed by what is missing in it. Raises SpecError for what cannot be completed."""
    variables = dict(case.variables)
    files = {f"app/{path}": content.replace("~/", "/home/somebody/") for path, content in case.files.items()}
    for _ in range(_GENEROUS):
        spec = {
            "file": f"app/{case.entries[0]}",
            "files": [f"app/{entry}" for entry in case.entries[1:]],
            "variables": variables,
            "profiles": profiles,
        }
        clock = HandClock()
        house = House(clock=clock, world=MemoryWorld(clock), kinds=KINDS)
        house.book.write({"demo.yaml": json.dumps({"kind": "Stack", "name": "demo", "spec": spec}), **ALLOWED, **files})
        try:
            return house, house.reconciler.linker.estate(house.book.head(), house.book.read(house.book.tip))
        except SpecError as error:
            said = "\n".join(item.message for item in error.diagnostics)
            unset, missing = _UNSET.findall(said), _MISSING.findall(said)
            if not unset and not missing:
                raise
            variables.update(dict.fromkeys(unset, "1000"))
            files.update(dict.fromkeys(missing, "content"))
    raise AssertionError("it never ends")


@pytest.mark.parametrize("profiles", [["*"], []], ids=["every profile", "no profile"])
@pytest.mark.parametrize("name", sorted(APPS.keys() - REFUSED.keys()))
def test_an_app_is_applied_once_and_leaves_nothing_to_do(name: str, profiles: list[str]) -> None:
    house, estate = provided(APPS[name], profiles)
    assert any(key.kind == "service" for key in estate.resources)
    report = house.reconcile()
    assert report.diagnostics == ()
    run = house.store.runs()[0]
    assert run.outcome is Outcome.APPLIED, (run.reason, run.rollouts)
    assert house.plan() == ""
    standing = {(kind, address) for kind in KINDS for address in house.world.things(kind, "local")}
    assert standing == {(key.kind, resource.address) for key, resource in estate.resources.items()}


@pytest.mark.parametrize(("name", "reason"), REFUSED.items(), ids=REFUSED)
def test_an_app_that_cannot_be_honoured_says_why_and_where(name: str, reason: str) -> None:
    with pytest.raises(SpecError) as caught:
        provided(APPS[name], ["*"])
    found = [item for item in caught.value.diagnostics if reason in item.message]
    assert found
    for item in found:
        path = item.origin.file.removeprefix("app/")
        line = APPS[name].files[path].splitlines()[item.origin.line - 1]
        key = next(iter(re.findall(r"`(\w+)`", item.message)), "")
        assert item.snippet
        assert not key or line[item.origin.column - 1 :].startswith(key), "the position is exact"
