"""Reading everything anew: all at once, and nothing that was read is taken for what it no longer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controller.clients.homeassistant import Home
from tests.unit.test_home_line import Server, Skipping, Visit, at, usual


class Editor:
    """A server with one automation, which may be called something else, or be loaded anew, while everything is read."""

    def __init__(self, server: Server) -> None:
        self.asked: list[str] = []
        self.entity, self.alias = "automation.one", "first"
        self.late = self.reloads = False
        self._kept: list[tuple[Visit, dict[str, Any]]] = []
        server.reply = self

    def __call__(self, visit: Visit, message: dict[str, Any]) -> None:
        kind = message["type"]
        self.asked.append(kind)
        if kind == "get_states" and self.late:  # answered when the last of what is asked at once has come
            self._kept.append((visit, message))
        elif kind == "config/entity_registry/list":
            rows = [{"entity_id": self.entity, "platform": "automation", "unique_id": "1", "id": "a"}]
            self._say(visit, message, rows)
        elif kind == "automation/config":
            self._answer_kept()
            found = message["entity_id"] == self.entity
            self._say(visit, message, {"config": {"id": "1", "alias": self.alias}} if found else None, success=found)
            if self.reloads:
                self.reloads, self.alias = False, "reloaded"
                visit.say({"id": visit.followed["automation_reloaded"], "type": "event", "event": {"data": {}}})
        else:
            usual(visit, message)

    def alike(self, home: Home) -> str:
        """The alias of the automation as it is read."""
        return str(home.configs("automation", ["1"])["1"]["alias"])

    def _say(self, visit: Visit, message: dict[str, Any], result: Any, *, success: bool = True) -> None:
        said = {"result": result} if success else {"error": {"code": "not_found", "message": "Entity not found"}}
        visit.say({"id": message["id"], "type": "result", "success": success, **said})

    def _answer_kept(self) -> None:
        for visit, message in self._kept:
            usual(visit, message)
        self._kept.clear()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def home(server: Server) -> Iterator[Home]:
    made = at(server.url, Skipping())
    yield made
    made.close()


@pytest.fixture
def editor(server: Server, home: Home) -> Editor:
    made = Editor(server)
    assert made.alike(home) == "first"
    made.asked.clear()
    return made


def test_what_is_in_use_is_asked_for_at_once(home: Home, editor: Editor) -> None:
    editor.late, editor.alias = True, "second"
    home.audit()
    assert editor.alike(home) == "second"
    assert [editor.asked.count(kind) for kind in ("get_states", "config/entity_registry/list", "automation/config")] == [1, 1, 1]
    assert "config/device_registry/list" not in editor.asked, "nobody asked for it"
    assert editor.alike(home) == "second"
    assert editor.asked.count("automation/config") == 1, "nothing moved"


def test_what_nobody_asks_for_any_more_is_not_read(home: Home, editor: Editor) -> None:
    home.audit()
    home.states()
    editor.asked.clear()
    home.audit()
    home.states()
    assert "automation/config" not in editor.asked
    editor.alias = "third"
    assert editor.alike(home) == "third"


def test_one_that_is_called_something_else_is_asked_for_again(home: Home, editor: Editor) -> None:
    editor.entity, editor.alias = "automation.two", "second"
    home.audit()
    assert editor.alike(home) == "second"
    assert editor.asked.count("automation/config") == 2


def test_one_that_is_loaded_while_everything_is_read_is_asked_for_again(home: Home, editor: Editor) -> None:
    editor.reloads = True
    home.audit()
    home.states()
    home.call("get_config")  # the event was sent before this answer
    assert editor.alike(home) == "reloaded"
