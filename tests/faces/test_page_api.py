"""The API as people read it: all of it, true of what is there, and with examples that are understood."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from controller.usecases.access import Scope
from controller.web.openapi import document, programs
from controller.web.reference import Call, reference
from controller.web.routes import routes
from tests.faces.test_page_views import attributes, words
from tests.support.webhouse import WebHouse

DOCUMENT = document(routes(), "cookie")
FOUND = reference(DOCUMENT, "http://house.test:8080")
CALLS: tuple[Call, ...] = tuple(call for subject in FOUND for call in subject.calls)


def test_every_operation_is_told_once() -> None:
    wanted = [(method, path) for path, methods in programs(routes()).items() for method in methods]
    assert sorted((call.method, call.path) for call in CALLS) == sorted(wanted)
    assert all(call.about and call.answers for call in CALLS)


def test_who_may_is_what_the_table_says() -> None:
    table = programs(routes())
    assert {(call.path, call.method): call.may for call in CALLS} == {
        (path, method): str(item.scope or "") for path, methods in table.items() for method, item in methods.items()
    }


@pytest.mark.parametrize("call", [call for call in CALLS if call.example], ids=lambda call: f"{call.method} {call.path}")
def test_an_example_is_understood(call: Call) -> None:
    arguments = shlex.split(call.example.replace("\\\n", " "))
    assert arguments[:2] == ["curl", "--fail-with-body"]
    place = arguments[-1].removeprefix("http://house.test:8080")
    assert re.fullmatch(re.sub(r"\\{\w+\\}", "[^/{}]+", re.escape(call.path)), place)
    assert ("Authorization: Bearer $HOMELAB_TOKEN" in arguments) == bool(call.may)
    assert (arguments[arguments.index("-X") + 1] if "-X" in arguments else "GET") == call.method
    item = programs(routes())[call.path][call.method]
    assert ("-d" in arguments) == (item.body is not None)
    if item.body is not None:
        assert "Content-Type: application/json" in arguments
        item.body.model_validate_json(arguments[arguments.index("-d") + 1])


def test_what_no_command_line_can_call_says_who_can() -> None:
    bare = {(call.path, call.note) for call in CALLS if not call.example}
    table = programs(routes())
    for path, note in bare:
        items = table[path].values()
        assert note, path
        assert any(item.socket or item.page or item.scope is None for item in items), path
    assert all(call.note == "" for call in CALLS if call.example)


def test_types_are_words() -> None:
    members = {field.kind for subject in FOUND for item in subject.kinds for field in item.fields}
    kinds = {field.kind for call in CALLS for field in call.fields} | members
    assert {"text", "whole number", "true or false", "list of text"} <= kinds
    assert not any(word in kind for kind in kinds for word in ("{", "$ref", "#/"))
    for subject in FOUND:
        named = {answer.name for call in subject.calls for answer in call.answers if answer.name}
        assert named <= {item.name for item in subject.kinds}, "every link leads somewhere"


def test_the_pages_are_for_everybody_who_may_look(still: WebHouse) -> None:
    client = still.client(still.token(Scope.READ))
    first = client.get("/settings/api")
    assert f"{still.address}/api/v1/me" in words(first)
    assert "/settings/api" in [about["href"] for about in attributes(still.browser().get("/"), "a")]
    links = [about["href"] for about in attributes(first, "a") if about["href"].startswith("/settings/api/")]
    assert links == [f"/settings/api/{subject.name}" for subject in FOUND]
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200, link
        ids = [about["id"] for about in attributes(answer, "h3")]
        targets = {about["href"][6:] for about in attributes(answer, "a") if about["href"].startswith("#type-")}
        assert {f"type-{target}" for target in targets} <= set(ids), link
        assert len(ids) == len(set(ids)), link
    steering = words(client.get("/settings/api/steering"))
    assert "POST /api/v1/sync" in steering
    assert "Needs the right “apply”" in steering
    assert client.get("/settings/api/nothing").status_code == 404


def test_what_is_shown_is_the_document(still: WebHouse) -> None:
    sent = json.loads(still.client(still.token(Scope.READ)).get("/api/openapi.json").text)
    assert set(sent["paths"]) == {call.path for call in CALLS}
