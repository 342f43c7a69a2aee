"""Killed at every boundary of a replacement: a new process goes on, forward or back, from what stands on the engine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from controller.clients.docker import DockerHost
from controller.core.change import Change
from controller.core.state import Absent, Present
from tests.contract.yard import NO, STORIES, DockerHands, Specs, Yard, docker_provider
from tests.support.engines import Engine

FIRST = STORIES["service"][0]
SECOND = {
    **(STORIES["service"][1] or {}),
    "environment": {"GREETING": "hello"},
    "healthcheck": {"test": ["CMD", "true"], "interval": "200ms"},
}
BESIDE = {**SECOND, "deploy": {"update_config": {"order": "start-first"}}}
EXPOSE = {"expose": {"host": "it.example.net", "port": 80}}
WRITES = {"create", "start", "stop", "update", "rename", "remove", "connect", "disconnect", "put_archive"}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Dying:
    """The calls on containers, until the process dies before write number `at` (0 = never)."""

    calls: Any
    at: int = 0
    count: int = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = cast(Callable[..., Any], getattr(self.calls, name))
        if name not in WRITES:
            return call

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                raise Killed
            return call(*args, **kwargs)

        return counted


@contextmanager
def process(engine: Engine, specs: Specs, at: int = 0) -> Iterator[tuple[Yard, Dying]]:
    """A controller process that dies before write number `at`."""
    host = DockerHost("local", engine.url)
    dying = Dying(host.containers, at)
    host.containers = cast(Any, dying)
    yield Yard("service", specs, docker_provider("service", host, specs), DockerHands(engine), FIRST, SECOND, None), dying
    host.close()


@dataclass(frozen=True)
class Scenario:
    """What was there, what is asked, and why dying in the middle of it must be harmless."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str


SCENARIOS = (
    Scenario("create", None, dict(SECOND), "a container that never ran must not count as there"),
    Scenario("replace", dict(FIRST), dict(SECOND), "the old one may be stopped, parked, or replaced"),
    Scenario("beside", dict(FIRST), BESIDE, "two containers run for a while, and one of them only counts"),
    Scenario("exposed", {**FIRST, **EXPOSE}, {**SECOND, **EXPOSE}, "one that a proxy does not find yet stands for nothing"),
    Scenario("exposed-beside", {**FIRST, **EXPOSE}, {**BESIDE, **EXPOSE}, "the old one made room on the edge for the new one"),
    Scenario("delete", dict(FIRST), None, "a stopped container that is not yet parked must not be lost"),
)


def prepared(engine: Engine, specs: Specs, scenario: Scenario) -> Change:
    engine.clean()
    with process(engine, specs) as (yard, _):
        if scenario.before is not None:
            yard.make(scenario.before)
        return yard.change(scenario.after)


def deaths(engine: Engine, specs: Specs, scenario: Scenario) -> Iterator[tuple[int, Change]]:
    """The scenario killed before each of its writes in turn, ending when it ran through."""
    at = 0
    while True:
        at += 1
        change = prepared(engine, specs, scenario)
        with process(engine, specs, at) as (yard, _):
            try:
                receipt = yard.provider.apply(change, NO)
                yard.commit(change, receipt)
            except Killed:
                pass
            else:
                return
        yield at, change


def only(engine: Engine, expected: str) -> None:
    """Exactly one container runs for `it`, or none, and nothing waits to become it."""
    standing = {name: state for name, state in engine.containers().items() if not name.endswith(".prev")}
    assert standing == ({"it": expected} if expected else {})
    assert "running" not in [state for name, state in engine.containers().items() if name.endswith(".prev")]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_goes_on_forward(engine: Engine, scenario: Scenario, tmp_path: Path) -> None:
    specs = Specs(tmp_path)
    for at, change in deaths(engine, specs, scenario):
        with process(engine, specs) as (yard, _):
            receipt = yard.provider.apply(change, NO)
            yard.commit(change, receipt)
            assert yard.differing(change.after) == [] if change.after is not None else isinstance(yard.look(), Absent), at
            only(engine, "running" if change.after is not None else "")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_goes_back(engine: Engine, scenario: Scenario, tmp_path: Path) -> None:
    specs = Specs(tmp_path)
    for at, change in deaths(engine, specs, scenario):
        with process(engine, specs) as (yard, _):
            found = yard.look()
            handle = found.handle if isinstance(found, Present) else change.handle
            back = replace(change.inverse(), handle=handle)
            yard.commit(back, yard.provider.apply(back, NO))
            assert yard.differing(change.before) == [] if change.before is not None else isinstance(yard.look(), Absent), at
            only(engine, "running" if change.before is not None else "")


def test_killed_on_the_way_back(engine: Engine, tmp_path: Path) -> None:
    """An undo that is killed at any boundary is finished by asking for it again."""
    specs = Specs(tmp_path)
    scenario = SCENARIOS[1]
    at = 0
    while True:
        at += 1
        change = prepared(engine, specs, scenario)
        with process(engine, specs) as (yard, _):
            receipt = yard.provider.apply(change, NO)
        back = replace(change.inverse(), handle=receipt.handle)
        with process(engine, specs, at) as (yard, _):
            try:
                yard.provider.apply(back, NO)
            except Killed:
                pass
            else:
                break
        with process(engine, specs) as (yard, _):
            yard.commit(back, yard.provider.apply(back, NO))
            assert yard.differing(change.before or {}) == [], at
            only(engine, "running")
    assert at > 4
