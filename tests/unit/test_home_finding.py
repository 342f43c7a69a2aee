"""What an import makes of things in Home Assistant: names for documents, and values that no file may hold."""

from __future__ import annotations

from typing import Any

import pytest

from controller.clients.homeassistant.finding import document_name, said_of
from controller.clients.homeassistant.sensitive import secret_in_body
from controller.core.key import is_name


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("living_room", "living-room", "an id"),
        ("Küche & Flur", "kuche-flur", "letters with marks"),
        ("Straße", "strasse", "a letter that is none of a-z"),
        ("light.desk_2", "light-desk-2", "an entity"),
        ("  -- Lights --  ", "lights", "no dash at either end"),
        ("居間", "area-x", "nothing that can be written"),
        ("x" * 200, "x" * 60, "longer than a name may be"),
        ("a" * 59 + "-b", "a" * 59, "no dash where it is cut"),
    ],
)
def test_a_document_gets_a_name_that_it_may_have(text: str, name: str, reason: str) -> None:
    assert document_name(text, "area-x") == name, reason
    assert is_name(document_name(text, "area-x"))


def test_what_says_nothing_is_not_written() -> None:
    said: dict[str, Any] = {"icon": None, "labels": [], "name": "", "data": {}, "initial": False, "min": 0, "aliases": ["x"]}
    assert said_of(said) == {"initial": False, "min": 0, "aliases": ["x"]}


@pytest.mark.parametrize(
    ("body", "place", "reason"),
    [
        ({"actions": [{"data": {"api_key": "abc"}}]}, "actions.0.data.api_key", "a key of somebody"),
        ({"actions": [{"action": "lock.unlock", "data": {"code": 1234}}]}, "actions.0.data.code", "the code of a lock"),
        ({"triggers": [{"trigger": "webhook", "webhook_id": "-abc"}]}, "triggers.0.webhook_id", "who knows it may come in"),
        ({"actions": [{"data": {"url": "https://me:word@host/x"}}]}, "actions.0.data.url", "a password in an address"),
        ({"sequence": [{"choose": [{"sequence": [{"data": {"password": ["a"]}}]}]}]},
         "sequence.0.choose.0.sequence.0.data.password.0", "deep inside"),
        ({"actions": [{"data": {"token": "{{ states('input_text.token') }}"}}]}, "", "it is only known when it runs"),
        ({"actions": [{"data": {"code": ""}}]}, "", "there is none"),
        ({"triggers": [{"event_data": {"code": 5}}]}, "", "a number of a remote control, no code of a lock"),
        ({"actions": [{"target": {"entity_id": "input_text.password"}}]}, "", "the name of something is no value"),
        ({"actions": [{"data": {"secret": True}}]}, "", "a switch"),
        ({"entities": {"input_text.password": {"state": "abc"}}}, "entities.input_text.password.state", "a text"),
        ({"entities": {"switch.password_reset": "on"}}, "", "a switch that is called so"),
        ({"actions": [{"data": {"headers": {"Authorization": "Bearer x"}}}]}, "actions.0.data.headers.Authorization", "a header"),
        ({"alias": "my secret plan", "mode": "single"}, "", "words for people"),
    ],
)  # fmt: skip
def test_a_value_that_looks_secret_is_found(body: dict[str, Any], place: str, reason: str) -> None:
    assert secret_in_body(body) == place, reason
