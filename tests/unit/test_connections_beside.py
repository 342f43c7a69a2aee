"""Specifications that are only looked at: their connections are neither opened nor do they end those that are in use."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event as Flag
from typing import Any

import pytest

from controller.core.change import Change
from controller.core.errors import Transient
from controller.core.estate import HomelabSpec
from controller.core.ports import Provider
from controller.core.state import Snapshot
from controller.wire.backends import Connections

NAS = {"type": "docker", "url": "ssh://me@nas"}
ELSEWHERE = {"type": "docker", "url": "ssh://me@elsewhere"}


class Open:
    """A provider that is open."""

    visible_within = 0.0

    def observe(self, _targets: object) -> Snapshot:
        return Snapshot({}, complete=True)

    def apply(self, _change: Change, _interrupt: Flag) -> Any:
        raise AssertionError("nothing is applied here")


class Doors:
    """What was opened and what was closed."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.connections = Connections(self._open, lambda _declared: ("service",))

    def _open(self, name: str, declared: Mapping[str, Any]) -> Any:
        where = f"{name} {declared.get('url', '')}".strip()
        self.opened.append(where)
        provider: Provider = Open()
        return {"service": provider}, lambda: self.closed.append(where)


def spec(**connections: dict[str, Any]) -> HomelabSpec:
    return HomelabSpec(connections=connections)


def test_another_address_is_not_opened_and_the_present_one_stays_open() -> None:
    doors = Doors()
    live = doors.connections.connect(spec(nas=NAS))
    found = doors.connections.beside(spec(nas=ELSEWHERE, new=NAS))
    assert doors.opened == ["local", "nas ssh://me@nas"]
    assert doors.closed == []
    assert found["service", "local"] is live["service", "local"], "what is declared alike is shared"
    for name in ("nas", "new"):
        seen = found["service", name].observe(())
        assert (seen.complete, "declared otherwise" in seen.reason) == (False, True)
        with pytest.raises(Transient):
            found["service", name].apply(None, Flag())  # type: ignore[arg-type]
    assert doors.connections.providers() is live


def test_where_nothing_is_open_it_is_opened() -> None:
    doors = Doors()
    found = doors.connections.beside(spec(nas=NAS))
    assert doors.opened == ["local", "nas ssh://me@nas"]
    assert doors.connections.providers() is found
