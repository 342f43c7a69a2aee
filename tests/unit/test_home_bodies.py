"""Bodies of Home Assistant in their one form, what they speak of, and what they may not do without a rule."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.homeassistant.allowed import risks_of_actions, risks_of_scene
from controller.clients.homeassistant.bodies import NORMAL, normal_automation, normal_scene, normal_script
from controller.clients.homeassistant.mentions import mentions
from controller.clients.yaml import read_yaml
from controller.core.errors import SpecError
from tests.support.home_bodies import Author

SEEDS = st.integers(0, 2**32)
KINDS = st.sampled_from(sorted(NORMAL))


@settings(max_examples=150)
@given(KINDS, SEEDS, SEEDS, SEEDS)
def test_the_same_meaning_is_the_same_form(kind: str, meaning: int, one: int, other: int) -> None:
    first, second = (getattr(Author(meaning, style), kind)() for style in (one, other))
    untouched = deepcopy(first)
    form = NORMAL[kind](first)
    assert form == NORMAL[kind](second)
    assert NORMAL[kind](form) == form, "the form of a form is itself"
    assert first == untouched, "what was written is not touched"


@settings(max_examples=100)
@given(KINDS, SEEDS, SEEDS)
def test_another_meaning_is_another_form(kind: str, one: int, other: int) -> None:
    """Two bodies that are spelled in one way are the same form only when they are the same."""
    first, second = (getattr(Author(meaning, 1), kind)() for meaning in (one, other))
    assert (NORMAL[kind](first) == NORMAL[kind](second)) == (first == second)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=20,
)
WORDS = st.sampled_from(
    [
        *(
            "triggers",
            "trigger",
            "conditions",
            "condition",
            "actions",
            "action",
            "sequence",
            "choose",
            "if",
            "then",
            "else",
            "repeat",
        ),
        *(
            "parallel",
            "delay",
            "for",
            "entity_id",
            "target",
            "data",
            "entities",
            "fields",
            "use_blueprint",
            "input",
            "at",
            "enabled",
        ),
        *(
            "device_id",
            "domain",
            "type",
            "state",
            "to",
            "max",
            "trace",
            "wait_for_trigger",
            "data_template",
            "service",
            "and",
            "id",
        ),
    ]
)
ODD = st.recursive(JSON, lambda inner: st.dictionaries(WORDS, inner, max_size=4) | st.lists(inner, max_size=3), max_leaves=12)


@settings(max_examples=150)
@given(st.dictionaries(WORDS, ODD, max_size=5))
def test_nothing_that_anybody_writes_is_too_odd(body: dict[str, Any]) -> None:
    for normal in NORMAL.values():
        form = normal(body)
        assert normal(form) == form
        list(mentions(form))
    risks_of_actions(body)
    risks_of_scene(body)


def doing(*actions: Any) -> dict[str, Any]:
    return {"triggers": [], "actions": list(actions)}


def when(*conditions: Any) -> dict[str, Any]:
    return {"triggers": [], "conditions": list(conditions), "actions": []}


def on(**trigger: Any) -> dict[str, Any]:
    return {"triggers": [{"trigger": "state", **trigger}], "actions": []}


SAME: tuple[tuple[Any, Any, str], ...] = (
    ({"trigger": [], "action": []}, {"triggers": [], "actions": []}, "the old words of the top level"),
    (doing({"service": "A.b"}), doing({"action": "a.b"}), "an action is called in small letters"),
    (doing({"service_template": "{{ x }}"}), doing({"action": "{{ x }}"}), "the oldest word for it"),
    ({"triggers": {"platform": "sun"}, "actions": []}, {"triggers": [{"trigger": "sun"}], "actions": []}, "a single trigger"),
    (
        {"triggers": [{"triggers": [{"trigger": "a"}, {"trigger": "b"}]}], "actions": []},
        {"triggers": [{"trigger": "a"}, {"trigger": "b"}], "actions": []},
        "a list of triggers inside of the list",
    ),
    (on(**{"for": "00:05:00"}), on(**{"for": {"minutes": 5}}), "a duration as text and by its parts"),
    (on(**{"for": "00:05"}), on(**{"for": 300}), "hours and minutes, and seconds"),
    (on(**{"for": "300"}), on(**{"for": 300.0}), "seconds in quotes and with a fraction"),
    (on(offset="-00:00:30"), on(offset={"seconds": -30}), "backwards"),
    (doing({"delay": {"milliseconds": 1500}}), doing({"delay": "0:0:1.5"}), "parts of a second"),
    (on(entity_id="light.a, Light.B"), on(entity_id=["light.a", "light.b"]), "ids with a comma between them"),
    (on(to="on"), on(to=["on"]), "one state or a list of states"),
    (on(enabled="yes"), on(), "what is on by default, in any word"),
    (on(alias="", enabled=True), on(), "an empty name"),
    (when("{{ a }}"), when({"condition": "template", "value_template": "{{ a }}"}), "a template alone"),
    (when({"or": ["{{ a }}"]}), when({"condition": "or", "conditions": ["{{ a }}"]}), "logic in short"),
    (when({"condition": ["{{ a }}"]}), when({"condition": "and", "conditions": ["{{ a }}"]}), "a list of conditions is an and"),
    (doing({"condition": "{{ a }}"}), doing({"condition": "template", "value_template": "{{ a }}"}), "the same as an action"),
    (when({"condition": "state", "state": "on", "match": "all"}), when({"condition": "state", "state": ["on"]}), "all is meant"),
    (when({"condition": "time", "after": "7:05"}), when({"condition": "time", "after": "07:05:00"}), "a time"),
    (
        doing({"parallel": [{"action": "a.b"}, [{"action": "c.d"}]]}),
        doing({"parallel": [{"sequence": [{"action": "a.b"}]}, {"sequence": {"service": "c.d"}}]}),
        "a branch is a sequence",
    ),
    (
        doing({"if": "{{ a }}", "then": {"service": "a.b"}}),
        doing({"if": ["{{ a }}"], "then": [{"action": "a.b"}], "else": []}),
        "if",
    ),
    (
        doing({"repeat": {"count": "5", "sequence": {"service": "a.b"}}}),
        doing({"repeat": {"count": 5.0, "sequence": [{"action": "a.b"}]}}),
        "how often",
    ),
    (
        doing({"wait_for_trigger": {"platform": "event"}, "timeout": 5, "continue_on_timeout": "true"}),
        doing({"wait_for_trigger": [{"trigger": "event"}], "timeout": "0:00:05"}),
        "a trigger that is waited for",
    ),
    (doing({"action": "a.b", "data_template": {"x": 1.0}}), doing({"action": "a.b", "data": {"x": 1}}), "data with templates"),
    (
        doing({"action": "a.b", "data": {"x": 1}, "data_template": {"y": 2}}),
        doing({"action": "a.b", "data": {"y": 2, "x": 1}}),
        "both kinds of data are joined",
    ),
    (doing({"action": "a.b", "data": {}, "metadata": {"x": 1}, "target": {}}), doing({"action": "a.b"}), "what the editor adds"),
    ({**doing(), "mode": "single", "max": 10, "max_exceeded": "warning", "trace": {}, "description": ""}, doing(), "defaults"),
    ({**doing(), "conditions": [], "variables": {}, "id": "x"}, doing(), "nothing in lists and maps, and the id"),
    (
        {"use_blueprint": {"path": "a.yaml", "input": {"x": [{"service": "a.b", "data": {"y": 1.0}}]}}},
        {"use_blueprint": {"path": "a.yaml", "input": {"x": [{"action": "a.b", "data": {"y": 1}}]}}},
        "Home Assistant rewrites what a blueprint is given, too",
    ),
)
DIFFERENT: tuple[tuple[Any, Any, str], ...] = (
    (on(to="on"), on(to="off"), "another state"),
    (on(to=None), on(), "any state at all is not the same as any change at all"),
    (doing({"delay": {"minutes": "{{ 5 }}"}}), doing({"delay": 300}), "nobody knows what a template will say"),
    (doing({"action": "a.b", "data": {"x": "5"}}), doing({"action": "a.b", "data": {"x": 5}}), "data is handed on as it is"),
    (doing({"action": "a.b", "data": {"x": "on"}}), doing({"action": "a.b", "data": {"x": True}}), "so text is no truth in it"),
    (doing({"action": "a.b", "enabled": False}), doing({"action": "a.b"}), "what is switched off"),
    (doing({"action": "a.b"}, {"action": "c.d"}), doing({"action": "c.d"}, {"action": "a.b"}), "the order of actions"),
    (doing({"action": "a.b", "note": "x"}), doing({"action": "a.b"}), "what is not known is kept"),
    ({**doing(), "mode": "queued"}, doing(), "the mode"),
    (
        doing({"wait_template": "{{ a }}", "continue_on_timeout": False}),
        doing({"wait_template": "{{ a }}"}),
        "a default turned around",
    ),
)


@pytest.mark.parametrize(("one", "other", "reason"), SAME)
def test_what_means_the_same(one: Any, other: Any, reason: str) -> None:
    assert normal_automation(one) == normal_automation(other), reason


@pytest.mark.parametrize(("one", "other", "reason"), DIFFERENT)
def test_what_means_something_else(one: Any, other: Any, reason: str) -> None:
    assert normal_automation(one) != normal_automation(other), reason


def test_scripts_and_scenes() -> None:
    fields = {"who": {"required": False, "advanced": "no", "selector": {"text": None}}}
    assert normal_script({"sequence": {"service": "a.b"}, "fields": fields}) == {
        "sequence": [{"action": "a.b"}],
        "fields": {"who": {"selector": {"text": None}}},
    }
    entities = {"light.A": True, "light.b": "off", "light.c": {"state": False, "brightness": 20.0}}
    assert normal_scene({"name": "x", "id": "y", "entities": entities, "metadata": {"light.a": {}}}) == {
        "name": "x",
        "entities": {"light.a": {"state": "on"}, "light.b": {"state": "off"}, "light.c": {"state": "off", "brightness": 20}},
    }


DENIED: tuple[tuple[Any, tuple[str, ...], str], ...] = (
    ({"action": "shell_command.x"}, ("home-action:shell_command.x",), "a command of the machine"),
    ({"service": "homeassistant.restart"}, ("home-action:homeassistant.restart",), "the old word"),
    ({"service": " HomeAssistant.Stop "}, ("home-action:homeassistant.stop",), "letters and spaces do not hide it"),
    ({"action": "homeassistant.reload_all"}, ("home-action:homeassistant.reload_all",), "all of its configuration"),
    ({"action": "automation.reload"}, ("home-action:automation.reload",), "a domain's configuration"),
    ({"action": "light.reload"}, ("home-action:light.reload",), "also of a domain that may do everything"),
    ({"action": "hassio.host_shutdown"}, ("home-action:hassio.host_shutdown",), "the machine"),
    ({"action": "python_script.x"}, ("home-action:python_script.x",), "programs"),
    ({"action": "rest_command.x"}, ("home-action:rest_command.x",), "the network"),
    ({"action": "mqtt.publish"}, ("home-action:mqtt.publish",), "a message may open a door"),
    ({"action": "conversation.process"}, ("home-action:conversation.process",), "and so may words"),
    ({"action": "lock.unlock"}, ("home-action:lock.unlock",), "a lock"),
    ({"action": "alarm_control_panel.alarm_disarm"}, ("home-action:alarm_control_panel.alarm_disarm",), "an alarm"),
    ({"action": "valve.open_valve"}, ("home-action:valve.open_valve",), "water may run out, not be stopped"),
    ({"action": "nonsense"}, ("home-action:nonsense.",), "no service at all"),
    ({"action": "{{ x }}"}, ("home-action:template",), "nobody knows"),
    ({"service_template": "light.{% if a %}turn_on{% endif %}"}, ("home-action:template",), "in the oldest word, too"),
    ({"action": "light.turn_off", "target": {"entity_id": "all"}}, ("home-target:all",), "everything at once"),
    ({"action": "light.turn_off", "entity_id": ["light.a", "ALL"]}, ("home-target:all",), "among others"),
    ({"action": "light.turn_off", "data": {"entity_id": "light.a, all"}}, ("home-target:all",), "in its data"),
    ({"action": "light.turn_off", "data_template": {"entity_id": "all"}}, ("home-target:all",), "in its old data"),
    ({"action": "scene.apply", "data": {"entities": {"lock.door": "unlocked"}}}, ("home-action:lock.scene",), "by the way"),
    ({"action": "scene.create", "data": {"snapshot_entities": ["lock.door"]}}, ("home-action:lock.scene",), "to set it later"),
    ({"action": "scene.apply", "data": {"entities": "{{ x }}"}}, ("home-action:template",), "nobody knows which"),
    ({"action": "scene.apply", "data": "{{ x }}"}, ("home-action:template",), "all of its data"),
    ({"action": "scene.apply", "data_template": "{{ x }}"}, ("home-action:template",), "all of its old data"),
    ({"action": "light.turn_on", "service_data": "{{ x }}"}, ("home-action:template",), "entities may stand in it"),
    (
        {"action": "scene.apply", "data": {"entities": {"{{ 'lock.front' }}": "unlocked"}}},
        ("home-action:template",),
        "Home Assistant renders names, too",
    ),
    ({"action": "scene.apply", "data": {"{{ 'entities' }}": {}}}, ("home-action:template",), "the name of an entry of its data"),
    ({"action": "scene.create", "data": {"snapshot_entities": ["{{ x }}"]}}, ("home-action:template",), "one of a list"),
    (
        {"action": "scene.create", "data": {"snapshot_entities": "light.a, lock.door"}},
        ("home-action:lock.scene",),
        "with a comma between them",
    ),
    ({"action": "scene.apply", "data": {"entities": {"group.doors": "on"}}}, ("home-action:group.scene",), "what is in a group"),
    ({"action": "scene.create", "data": {"snapshot_entities": ["group.a"]}}, ("home-action:group.scene",), "to set it later"),
    ({"action": "light.turn_off", "target": "{{ x }}"}, ("home-target:template",), "whatever it is aimed at"),
    (
        {"action": "homeassistant.turn_off", "target": {"entity_id": "{{ 'all' }}"}},
        ("home-target:template",),
        "everything, where a service reaches everything",
    ),
    (
        {"action": "homeassistant.toggle", "data": {"entity_id": ["light.a", "{{ x }}"]}},
        ("home-target:template",),
        "one of several",
    ),
    ({"action": "scene.turn_on", "entity_id": "{{ x }}"}, ("home-target:template",), "all scenes at once"),
    (
        {"action": "lock.lock", "target": {"entity_id": "{{ x }}"}},
        ("home-action:lock.lock", "home-target:template"),
        "to allow one lock is not to allow all",
    ),
    ({"event": "homeassistant_stop"}, ("home-action:event.homeassistant_stop",), "it stops as by the service"),
    ({"event": " Homeassistant_final_write"}, ("home-action:event.homeassistant_final_write",), "it writes what it holds"),
    ({"event": "call_service", "event_data": {}}, ("home-action:event.call_service",), "as if something had been called"),
    ({"event": "{{ x }}"}, ("home-action:template",), "nobody knows which"),
    ({"device_id": "a", "domain": "lock", "type": "unlock"}, ("home-action:lock.unlock",), "a device by its id"),
    (
        {"device_id": "a", "domain": "zwave_js", "type": "x", "trigger": "y"},
        ("home-action:zwave_js.x",),
        "a word more hides nothing",
    ),
)
ALLOWED: tuple[tuple[Any, str], ...] = (
    ({"action": "light.turn_on", "target": {"area_id": "all"}}, "an area may be called so"),
    ({"action": "homeassistant.turn_off", "target": {"entity_id": "light.a"}}, "turning off"),
    ({"action": "script.reload_the_lights"}, "a script may be called so"),
    ({"action": "notify.phone", "data": {"data": {"actions": [{"action": "UNLOCK", "title": "x"}]}}}, "a button is no action"),
    ({"action": "light.turn_on", "target": {"entity_id": "{{ trigger.entity_id }}"}}, "lights, whichever"),
    ({"action": "notify.phone", "data": {"message": "{{ x }}"}}, "what is said"),
    ({"action": "homeassistant.turn_off", "target": {"area_id": "{{ x }}"}}, "an area, whichever"),
    ({"action": "scene.apply", "data": {"entities": {"light.a": "{{ x }}"}}}, "what a light is set to"),
    ({"event": "homeassistants_night", "event_data": {"x": "{{ x }}"}}, "an event of the person's own"),
    ({"event": "x", "event_data": {"action": "lock.unlock"}}, "data of an event"),
    ({"variables": {"service": "lock.unlock"}}, "a variable"),
    ({"wait_for_trigger": [{"trigger": "device", "device_id": "a", "domain": "lock", "type": "unlocked"}]}, "waiting for a lock"),
    ({"condition": "device", "device_id": "a", "domain": "lock", "type": "is_locked"}, "asking a lock"),
    ({"device_id": "a", "domain": "mobile_app", "type": "notify"}, "a message to a telephone"),
    ({"scene": "scene.night"}, "a scene"),
)
PLACES: tuple[tuple[Any, str], ...] = (
    (lambda action: {"actions": [action]}, "an automation"),
    (lambda action: {"action": action}, "a single one, in the old word"),
    (lambda action: {"sequence": [action]}, "a script"),
    (lambda action: doing({"choose": [{"conditions": [], "sequence": action}], "default": []}), "a choice"),
    (lambda action: doing({"choose": [], "default": action}), "the other choice"),
    (lambda action: doing({"if": [], "then": [], "else": [action]}), "otherwise"),
    (lambda action: doing({"repeat": {"until": [], "sequence": [action]}}), "again and again"),
    (lambda action: doing({"parallel": [{"sequence": [action]}, [action]]}), "at the same time"),
    (lambda action: doing({"sequence": [{"sequence": [action]}]}), "deeper"),
    (lambda action: doing({"something_new": {"then": [action]}}), "a form that is still to come"),
    (lambda action: {"use_blueprint": {"path": "a.yaml", "input": {"x": {"y": [action]}}}}, "what a blueprint is given"),
)


@pytest.mark.parametrize(("place", "where"), PLACES)
@pytest.mark.parametrize(("action", "names", "reason"), DENIED)
def test_what_no_rule_allows(action: Any, names: tuple[str, ...], reason: str, place: Any, where: str) -> None:
    assert [risk.name for risk in risks_of_actions(place(action))] == list(names), f"{reason}, in {where}"
    assert all(risk.reason for risk in risks_of_actions(place(action)))


@pytest.mark.parametrize(("action", "reason"), ALLOWED)
def test_what_needs_no_rule(action: Any, reason: str) -> None:
    assert risks_of_actions(doing(action)) == (), reason


def test_a_word_that_a_blueprint_calls() -> None:
    given = {"say": "shell_command.x", "door": "lock.front", "open": ["Lock.Unlock"], "file": "a.yaml"}
    found = risks_of_actions({"use_blueprint": {"path": "x.yaml", "input": given}})
    assert [risk.name for risk in found] == ["home-action:lock.unlock", "home-action:shell_command.x"]


@pytest.mark.parametrize("name", ["target", "data", "trigger", "variables", "fields", "event_data", "x"])
def test_a_blueprint_calls_its_inputs_as_it_likes(name: str) -> None:
    given = {name: [{"device_id": "x", "domain": "lock", "type": "unlock"}]}
    found = risks_of_actions({"use_blueprint": {"path": "x.yaml", "input": given}})
    assert [risk.name for risk in found] == ["home-action:lock.unlock"]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("mqtt.publish", ["home-action:mqtt.publish"]),
        ("{{ x }}", ["home-action:template"]),
        ("UNLOCK", []),
        ("light.turn_on", []),
    ],
)
def test_an_input_that_is_called_action_may_be_one(word: str, names: list[str]) -> None:
    found = risks_of_actions({"use_blueprint": {"path": "x.yaml", "input": {"action": word}}})
    assert [risk.name for risk in found] == names


def test_a_scene_sets_no_lock_in_a_group() -> None:
    found = risks_of_scene({"entities": {"group.doors": "unlocked", "light.group": "on"}})
    assert [risk.name for risk in found] == ["home-action:group.scene"]


def test_a_scene_sets_no_lock() -> None:
    found = risks_of_scene({"entities": {"Lock.door": "unlocked", "alarm_control_panel.a": {"state": "x"}, "light.a": "on"}})
    assert [risk.name for risk in found] == ["home-action:alarm_control_panel.scene", "home-action:lock.scene"]


def test_what_a_body_speaks_of() -> None:
    body = normal_automation(
        {
            "trigger": [
                {"platform": "state", "entity_id": ["light.a", "{{ no }}"]},
                {"platform": "time", "at": ["07:00", "input_datetime.b", {"entity_id": "sensor.c", "offset": "-1:00"}]},
                {"platform": "zone", "entity_id": "person.d", "zone": "zone.e"},
            ],
            "condition": [{"condition": "numeric_state", "entity_id": "sensor.f", "above": "input_number.g", "below": 1.5}],
            "action": [
                {
                    "service": "scene.turn_on",
                    "target": {"entity_id": "scene.h", "area_id": "i", "label_id": ["j"], "floor_id": "k"},
                },
                {"service": "{{ no }}", "data": {"entity_id": "light.l", "message": "light.no"}},
                {"device_id": "m", "domain": "light", "type": "x"},
                {"variables": {"entity_id": "light.no"}},
                {"scene": "scene.n"},
                {"service": "light.turn_off", "target": {"entity_id": "all"}},
                {"service": "scene.apply", "data": {"entities": {"light.o": "on"}}},
            ],
        }
    )
    assert [(each.kind, each.id) for each in mentions(body)] == [
        ("entity", "light.a"),
        ("entity", "input_datetime.b"),
        ("entity", "sensor.c"),
        ("entity", "person.d"),
        ("entity", "zone.e"),
        ("entity", "sensor.f"),
        ("entity", "input_number.g"),
        ("service", "scene.turn_on"),
        ("entity", "scene.h"),
        ("area", "i"),
        ("label", "j"),
        ("floor", "k"),
        ("entity", "light.l"),
        ("device", "m"),
        ("entity", "scene.n"),
        ("service", "light.turn_off"),
        ("service", "scene.apply"),
        ("entity", "light.o"),
    ]
    assert next(each.path for each in mentions(body) if each.id == "scene.h") == "actions[0].target.entity_id"


@pytest.mark.parametrize(
    ("tag", "hint"),
    [("!input motion", "use_blueprint"), ("!secret key", "{ref: name/of/secret}"), ("!include a.yaml", "leave it out")],
)
def test_tags_of_home_assistant_are_refused_with_what_to_write(tag: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_yaml("a.yaml", f"kind: Automation\nspec: {{triggers: {tag}}}\n".encode())
    assert hint in caught.value.diagnostics[0].hint
