"""Automations, scripts and scenes on real Home Assistants: what comes back is what was meant, and a 200 proves nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.clients.homeassistant.bodies import NORMAL
from controller.core.change import Action, Change
from controller.core.errors import Conflict, Permanent
from controller.core.key import Key
from controller.core.limit import YES, Never
from controller.core.run import Outcome
from controller.core.state import Absent, Health, Target
from tests.contract.home_loft import Loft, loft_of
from tests.contract.yard import NO
from tests.support.home_bodies import Author
from tests.support.homeassistant import HomeAssistant
from tests.support.space import wait_until

SEEDS = st.integers(0, 2**32)
TURN_ON = {"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.t_one"}}
TURN_OFF = {"action": "input_boolean.turn_off", "target": {"entity_id": "input_boolean.t_one"}}


@pytest.fixture
def loft(home_assistant: HomeAssistant) -> Iterator[Loft]:
    with loft_of(home_assistant) as made:
        yield made


def started(event: str, *actions: Any, **more: Any) -> dict[str, Any]:
    """An automation that an event starts."""
    return {"triggers": {"trigger": "event", "event_type": event}, "actions": list(actions), **more}


def document(kind: str, name: str, spec: Mapping[str, Any], **envelope: Any) -> dict[str, Any]:
    return {"kind": kind.capitalize(), "name": name, "spec": spec, **envelope}


def test_what_anybody_writes_leaves_nothing_to_do(loft: Loft) -> None:
    """Automations, scripts and scenes of every form, in any spelling: after they are applied the plan is empty, also to somebody
    who never saw what was written; and another spelling of them is no change."""
    names = {kind: [loft.fresh(kind) for _ in range(count)] for kind, count in (("automation", 8), ("script", 4), ("scene", 4))}

    def written(meaning: int, style: int) -> list[dict[str, Any]]:
        found = []
        for kind, several in names.items():
            for number, name in enumerate(several):
                body = getattr(Author(meaning + number, style + number), kind)()
                found.append(document(kind, name.replace("_", "-"), {**body, "id": name}))
        return found

    @settings(max_examples=4, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(SEEDS, SEEDS, SEEDS)
    def check(meaning: int, style: int, other: int) -> None:
        assert loft.apply(*written(meaning, style)) in (Outcome.APPLIED, None), loft.reason()
        assert loft.plan() == ""
        for kind, several in names.items():
            for number, name in enumerate(several):
                meant = NORMAL[kind](getattr(Author(meaning + number, style + number), kind)())
                assert loft.look(kind, name)["body"] == meant, "without any memory of what was written"
        assert loft.apply(*written(meaning, other)) is None, "another spelling is nothing to do"
        assert loft.plan() == ""

    check()


def test_home_assistant_writes_back_other_words_than_it_was_given(loft: Loft) -> None:
    name = loft.fresh("automation")
    old = {"trigger": {"platform": "event", "event_type": "t"}, "action": {"service": "input_boolean.turn_on", **_at("t_one")}}
    assert loft.apply(document("automation", "old", {**old, "id": name})) is Outcome.APPLIED
    stored = loft.stored("automation", name)
    assert stored["actions"] == {"action": "input_boolean.turn_on", **_at("t_one")}
    assert (stored["id"], "trigger" in stored, "action" in stored) == (name, False, False)
    assert loft.plan() == ""


def _at(name: str) -> dict[str, Any]:
    return {"target": {"entity_id": f"input_boolean.{name}"}}


def test_a_hand_in_the_editor_is_named_by_its_field_and_put_back(loft: Loft) -> None:
    for kind, spec, edited, field in (
        ("automation", started("t", TURN_ON, alias="T hand"), started("t", TURN_OFF, alias="T hand"), "body.actions"),
        ("script", {"sequence": TURN_ON, "alias": "T hand"}, {"sequence": [TURN_ON], "alias": "Mine"}, "body.alias"),
        (
            "scene",
            {"entities": {"input_boolean.t_one": "on"}, "name": "T hand"},
            {"entities": {}, "name": "T hand"},
            "body.entities",
        ),
    ):
        name = loft.fresh(kind)
        declared = document(kind, "it", {**spec, "id": name})
        assert loft.apply(declared) is Outcome.APPLIED, loft.reason()
        loft.by_hand(kind, name, edited)
        assert f"~ {kind}/it  update: drift: {field}" in loft.plan()
        watched = {**declared, "mode": "observe"}
        assert loft.apply(watched) is None
        assert f"{kind}/it  Drifted: differs in {field}" in loft.plan()
        assert loft.apply(declared) is Outcome.APPLIED, loft.reason()
        assert loft.look(kind, name)["body"] == NORMAL[kind](spec)
        assert loft.plan() == ""


def test_what_a_person_made_is_adopted_as_it_is_and_given_back(loft: Loft) -> None:
    name = loft.fresh("automation")
    theirs = {"alias": "Theirs", "description": "mine", **started("t", TURN_ON, {"delay": {"seconds": "5"}})}
    loft.by_hand("automation", name, theirs)
    before = loft.stored("automation", name)
    ours = document("automation", "it", {"alias": "Ours", **started("t", TURN_OFF), "id": name})
    assert loft.apply(ours) is None
    assert "automation/it  Foreign" in loft.plan()
    assert loft.apply({**ours, "mode": "adopt"}) is Outcome.APPLIED
    assert loft.stored("automation", name) == before, "taken over without a change"
    assert loft.apply(ours) is Outcome.APPLIED
    assert loft.stored("automation", name)["alias"] == "Ours"


def test_an_undo_writes_back_what_was_there_to_the_letter(loft: Loft) -> None:
    name = loft.fresh("automation")
    theirs = {
        "alias": "T exact",
        "trace": {"stored_traces": 3},
        **started("t", {**TURN_ON, "metadata": {"a": 1}}),
    }
    loft.by_hand("automation", name, theirs)
    before = loft.stored("automation", name)
    change = loft.change("automation", {**started("t", TURN_OFF), "alias": "T other", "id": name}, loft.look("automation", name))
    provider = loft.items["automation"]
    provider.apply(change, NO)
    assert loft.stored("automation", name)["alias"] == "T other"
    provider.apply(change.inverse(), NO)
    assert loft.stored("automation", name) == before
    assert list(loft.stored("automation", name)) == list(before), "in its order"


BACK: Mapping[str, Mapping[str, Any]] = {
    "automation": started("t", TURN_ON, alias="T back automation"),
    "script": {"sequence": [TURN_ON], "alias": "T back script"},
    "scene": {"entities": {"input_boolean.t_one": "on"}, "name": "T back scene"},
}


@pytest.mark.parametrize("kind", BACK)
def test_what_was_deleted_comes_back_with_all_that_people_gave_it(loft: Loft, kind: str) -> None:
    name, spec, key = loft.fresh(kind), BACK[kind], Key(kind, "it")
    loft.by_hand(kind, name, spec)
    entity, renamed = loft.entity(kind, name), f"{kind}.{name}_renamed"
    given = {"name": "Given", "icon": "mdi:lamp", "hidden_by": "user", "new_entity_id": renamed}
    loft.server.ask("config/entity_registry/update", token=loft.server.person_token, entity_id=entity, **given)
    wait_until(lambda: loft.entity(kind, name) == renamed and loft.state(renamed) != "", renamed)
    if kind == "automation":
        loft.home.service("automation", "turn_off", {"entity_id": renamed}, {})
        wait_until(lambda: loft.state(renamed) == "off", "it to be off")
    before = loft.look(kind, name)
    gone = Change(key, "local", name, Action.DELETE, before, None, "test")
    provider = loft.items[kind]
    provider.apply(gone, NO)
    assert provider.apply(gone, NO).state is None, "what is gone is gone"
    assert isinstance(provider.observe([Target(key, name)]).of(key), Absent)
    provider.apply(gone.inverse(), NO)
    wait_until(lambda: loft.look(kind, name) == before, f"{kind} to be as before")


def test_only_what_a_document_says_is_switched(loft: Loft) -> None:
    name = loft.fresh("automation")
    spec = {**started("t", TURN_ON), "id": name, "alias": "T switched"}
    assert loft.apply(document("automation", "it", {**spec, "enabled": False})) is Outcome.APPLIED, loft.reason()
    entity = loft.entity("automation", name)
    assert loft.state(entity) == "off"
    loft.server.call("POST", "/api/services/automation/turn_on", {"entity_id": entity}, token=loft.server.person_token)
    wait_until(lambda: loft.state(entity) == "on", "it to be on")
    assert "drift: enabled" in loft.plan()
    assert loft.apply(document("automation", "it", {**spec, "enabled": False})) is Outcome.APPLIED, loft.reason()
    assert loft.state(entity) == "off"
    loft.apply(document("automation", "it", spec))
    assert (loft.plan(), loft.state(entity)) == ("", "off"), "nobody says any more, so it stays as it is"
    assert loft.apply(document("automation", "it", {**spec, "description": "changed"})) is Outcome.APPLIED, loft.reason()
    assert loft.state(entity) == "off", "and a changed body leaves it so"


def test_the_plan_says_that_a_change_ends_a_run(loft: Loft) -> None:
    name = loft.fresh("automation")
    spec = {**started(f"{name}_start", {"delay": {"hours": 1}}), "id": name, "alias": "T running"}
    assert loft.apply(document("automation", "it", spec)) is Outcome.APPLIED, loft.reason()
    entity = loft.entity("automation", name)
    loft.server.call("POST", f"/api/events/{name}_start", {})
    wait_until(lambda: loft.home.states()[entity].attributes.get("current") == 1, "it to run")
    loft.commit(document("automation", "it", {**spec, "description": "changed"}))
    assert "update: changed: body.description; it runs right now, and a changed body ends that" in loft.plan()
    loft.house.reconcile()
    wait_until(lambda: loft.home.states()[entity].attributes.get("current") == 0, "its run to be over")


UNKNOWN = (
    ({**TURN_ON, "action": "input_boolean.turn_onn"}, "did you mean `input_boolean.turn_on`", "a service of a domain"),
    ({**TURN_ON, "action": "imput_boolean.turn_on"}, "did you mean `input_boolean.turn_on`", "a domain"),
    ({**TURN_ON, **_at("t_onne")}, "did you mean `input_boolean.t_one`", "an entity"),
    ({**TURN_ON, "target": {"entity_id": "light.nowhere"}}, "no entity 'light.nowhere'", "nothing like it"),
    ({**TURN_ON, "target": {"area_id": "nowhere"}}, "no area 'nowhere'", "an area"),
    ({**TURN_ON, "target": {"label_id": "nowhere"}}, "no label 'nowhere'", "a label"),
    ({**TURN_ON, "target": {"floor_id": "nowhere"}}, "no floor 'nowhere'", "a floor"),
    ({**TURN_ON, "target": {"device_id": "0" * 32}}, "no device", "a device"),
    ({"repeat": {"sequence": [{"if": [], "then": [{**TURN_ON, **_at("t_onne")}]}], "count": 1}}, "t_one", "deep inside"),
    ({"wait_for_trigger": [{"trigger": "nonsense"}]}, "actions: ", "what Home Assistant's own check refuses"),
)


def test_what_is_not_there_is_refused_before_anything_is_written(loft: Loft) -> None:
    name = loft.fresh("automation")
    provider = loft.items["automation"]
    for action, words, reason in UNKNOWN:
        limit = provider.limit(loft.change("automation", {**started("t", action), "id": name}))
        assert isinstance(limit, Never), reason
        assert words in limit.why, reason
    odd = {"triggers": {"trigger": "state", "entity_id": "input_boolean.t_onne"}, "actions": [], "id": name}
    limit = provider.limit(loft.change("automation", odd))
    assert isinstance(limit, Never)
    assert "triggers[0].entity_id" in limit.why
    wide = {**started("t", {**TURN_ON, "target": {"entity_id": ["input_boolean.t_one", "{{ x }}", "none"]}}), "id": name}
    assert provider.limit(loft.change("automation", wide)) == YES
    change = loft.change("automation", {**started("t", {**TURN_ON, **_at("t_onne")}), "id": name})
    with pytest.raises(Permanent, match="t_onne"):
        provider.apply(change, NO)
    assert loft.stored("automation", name) is None


def test_what_the_same_commit_brings_may_be_spoken_of(loft: Loft) -> None:
    names = {kind: loft.fresh(kind) for kind in ("automation", "script", "scene", "input_boolean")}
    script, scene, switch = f"script.{names['script']}", f"scene.{names['scene']}", f"input_boolean.{names['input_boolean']}"
    calls = [{"action": script}, {"scene": scene}, {"action": "input_boolean.turn_on", "target": {"entity_id": switch}}]
    documents = [
        document("automation", "it", {**started("t", *calls), "id": names["automation"], "alias": "T speaks"}),
        document("script", "blink", {"sequence": calls[2], "id": names["script"]}),
        document("scene", "night", {"entities": {switch: "on"}, "id": names["scene"], "name": names["scene"]}),
        document("helper", "switch", {"type": "input_boolean", "id": names["input_boolean"]}),
    ]
    assert loft.apply(*documents) is Outcome.APPLIED, loft.reason()
    assert loft.plan() == ""
    assert {loft.state(each) for each in (switch, script)} == {"off"}


def test_what_home_assistant_refuses_is_taken_back_with_its_reason(loft: Loft) -> None:
    name = loft.fresh("automation")
    spec = {**started("t", TURN_ON), "id": name, "alias": "T refused"}
    assert loft.apply(document("automation", "it", spec)) is Outcome.APPLIED
    before = loft.stored("automation", name)
    missing = {"alias": "T refused", "use_blueprint": {"path": "t/nowhere.yaml", "input": {}}, "id": name}
    assert loft.apply(document("automation", "it", missing)) is Outcome.ROLLED_BACK
    assert "nowhere.yaml" in loft.reason()
    assert loft.stored("automation", name) == before
    assert loft.apply(document("automation", "it", missing)) is None, "what failed is not tried again"


BLUEPRINT = """\
blueprint:
  name: T blueprint
  domain: automation
  input:
    what: {selector: {action: {}}}
    event: {selector: {text: {}}}
triggers:
  - trigger: event
    event_type: !input event
actions: !input what
"""


def test_a_blueprint_is_filled_in(loft: Loft) -> None:
    name = loft.fresh("automation")
    folder = loft.server.config / "blueprints" / "automation" / "t"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(BLUEPRINT)
    filled: dict[str, Any] = {
        "path": f"t/{name}.yaml",
        "input": {"event": "t", "what": [{"service": "input_boolean.turn_on", **_at("t_one")}]},
    }
    spec = {"use_blueprint": filled, "id": name, "alias": "T blueprint"}
    assert loft.apply(document("automation", "it", spec)) is Outcome.APPLIED, loft.reason()
    assert loft.plan() == ""
    assert loft.state(loft.entity("automation", name)) == "on"
    filled["input"]["event"] = "other"
    assert loft.apply(document("automation", "it", spec)) is Outcome.APPLIED, loft.reason()
    assert loft.stored("automation", name)["use_blueprint"]["input"]["event"] == "other"


def test_somebody_who_was_quicker_is_not_written_over(loft: Loft) -> None:
    name = loft.fresh("script")
    loft.by_hand("script", name, {"sequence": [TURN_ON], "alias": "T quick"})
    change = loft.change("script", {"sequence": [TURN_OFF], "alias": "T quick", "id": name}, loft.look("script", name))
    loft.by_hand("script", name, {"sequence": [TURN_OFF], "alias": "T quicker"})
    with pytest.raises(Conflict, match=r"body\.alias"):
        loft.items["script"].apply(change, NO)
    assert loft.stored("script", name)["alias"] == "T quicker"


def test_names_that_are_meant_to_do_harm_are_shown_as_text(loft: Loft) -> None:
    name = loft.fresh("automation")
    spec = {**started("t", TURN_ON), "id": name, "alias": "T harmless"}
    assert loft.apply(document("automation", "it", spec)) is Outcome.APPLIED
    loft.by_hand("automation", name, {**spec, "id": name, "alias": "\x1b[31m<script>alert(1)</script>\x07\u202e"})
    plan = loft.plan()
    assert "body.alias" in plan
    assert not {each for each in plan if each != "\n" and not each.isprintable()}, ascii(plan)
    assert json.loads(json.dumps(loft.look("automation", name)))["body"]["alias"].startswith("\x1b"), "kept as it is"


def test_health_is_what_is_loaded(loft: Loft) -> None:
    name = loft.fresh("automation")
    change = loft.change("automation", {**started("t", TURN_ON), "id": name, "alias": "T health"})
    provider = loft.items["automation"]
    provider.apply(change, NO)
    target = Target(change.key, name)
    assert provider.health(target) == (Health.HEALTHY, "")
    assert change.gate is not None
    entity = loft.entity("automation", name)
    loft.server.ask("config/entity_registry/update", entity_id=entity, disabled_by="user")
    wait_until(lambda: loft.state(entity) == "", "it to be disabled")
    found = provider.observe([target]).of(change.key)
    assert getattr(found, "health", None) is Health.DEGRADED
    assert "disabled" in getattr(found, "why", "")


def take_out(loft: Loft, kind: str, name: str) -> None:
    """A person takes it out of Home Assistant's file, and has that read anew: its entity stays, and nothing stands behind it."""
    file, entity = loft.server.config / f"{kind}s.yaml", loft.entity(kind, name)
    first = f"{name}:" if kind == "script" else f"- id: {name}"
    text, found = re.subn(rf"^{first}\n( .*\n)*", "", file.read_text(), flags=re.MULTILINE)
    assert found == 1, file.read_text()
    file.write_text(text)
    loft.server.call("POST", f"/api/services/{kind}/reload", {}, token=loft.server.person_token)
    wait_until(lambda: entity in loft.home.states() and loft.home.states()[entity].restored, f"nothing to stand behind {entity}")


@pytest.mark.parametrize(
    ("kind", "spec", "state"),
    [
        ("automation", {**started("t", TURN_ON), "enabled": False, "alias": "T taken out"}, "off"),
        ("script", {"sequence": TURN_ON, "alias": "T taken out"}, "off"),
        ("scene", {"entities": {"input_boolean.t_one": "on"}, "name": "T taken out"}, "unknown"),
    ],
)
def test_what_home_assistant_only_remembers_is_made_again(loft: Loft, kind: str, spec: dict[str, Any], state: str) -> None:
    name = loft.fresh(kind)
    provider, declared = loft.items[kind], document(kind, "it", {**spec, "id": name})
    assert loft.apply(declared) is Outcome.APPLIED, loft.reason()
    made, seen, stored = loft.change(kind, {**spec, "id": name}), loft.look(kind, name), loft.stored(kind, name)
    entity = loft.entity(kind, name)
    removal = replace(made, action=Action.DELETE, before=seen, after=None, gate=None)

    take_out(loft, kind, name)
    assert f"+ {kind}/it" in loft.plan()
    assert loft.apply(declared) is Outcome.APPLIED, loft.reason()
    assert (loft.plan(), loft.state(entity), loft.stored(kind, name)) == ("", state, stored)

    take_out(loft, kind, name)
    provider.apply(removal.inverse(), NO)
    assert (loft.look(kind, name), loft.state(entity), loft.stored(kind, name)) == (seen, state, stored)

    take_out(loft, kind, name)
    assert provider.apply(made.inverse(), NO).state is None, "it is gone already"
    provider.apply(made, NO)
    provider.apply(replace(made, after=loft.look(kind, name)).inverse(), NO)
    assert (loft.stored(kind, name), loft.entity(kind, name)) == (None, ""), "and so is its entity"
