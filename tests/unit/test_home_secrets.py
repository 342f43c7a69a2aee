"""A body that holds a secret: it is not declared, nothing of it is kept when it is seen, and a plan never tells it."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event as Flag
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.clients.homeassistant import Home
from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.declaring import BODY, RAW, written
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.memory import MemoryWorld
from controller.core.change import Action, Change
from controller.core.errors import Conflict, SpecError
from controller.core.key import Key
from controller.core.state import Present, Target, Unknown
from controller.kinds import automation, scene, script
from controller.kinds.helper import HelperProvider
from tests.support.clock import HandClock
from tests.support.house import House

KINDS = {kind.KIND.name: kind.KIND for kind in (automation, scene, script)}
HOUSE = "kind: Homelab\nname: home\nspec: {connections: {home: {type: homeassistant}}}\n"
CANARY = "hunter2-canary"
PLAIN = {"alias": "It", "triggers": [], "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.a"}}]}
SECRET = {**PLAIN, "actions": [{"action": "alarm_control_panel.alarm_disarm", "data": {"code": CANARY}}]}

DECLARED = [
    ("Automation", "triggers: []\n  actions:\n    - action: lock.unlock\n      data: {code: 'hunter2-canary'}\n", "7:14",
     "an automation cannot hold a secret, and `code` looks like one", "the code of a lock"),
    ("Automation", "triggers: []\n  actions:\n    - action: notify.x\n      data:\n        data: {api_key: hunter2-canary}\n",
     "8:16", "an automation cannot hold a secret, and `api_key` looks like one", "a key of somebody"),
    ("Script", "sequence:\n    - action: notify.x\n      data: {url: 'https://u:hunter2-canary@example.net/'}\n", "6:14",
     "a script cannot hold a secret, and `url` looks like one", "a password in an address"),
    ("Scene", "entities:\n    input_text.password: hunter2-canary\n", "5:5",
     "a scene cannot hold a secret, and `input_text.password` looks like one", "a state that is one"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "place", "message", "reason"), [pytest.param(*each, id=each[-1]) for each in DECLARED])
def test_what_looks_secret_is_refused_where_it_stands(kind: str, spec: str, place: str, message: str, reason: str) -> None:
    clock = HandClock()
    house = House(clock=clock, world=MemoryWorld(clock), kinds=KINDS)
    house.book.write({"homelab.yaml": HOUSE, "it.yaml": f"kind: {kind}\nname: it\nspec:\n  {spec}"})
    with pytest.raises(SpecError) as caught:
        house.reconciler.linker.estate(house.book.head(), house.book.read(house.book.tip))
    (found,) = caught.value.diagnostics
    assert (f"{found.origin.line}:{found.origin.column}", found.message) == (place, message), reason
    assert "leave what needs another secret in Home Assistant" in found.hint
    assert CANARY not in repr(found), "a finding is shown to everybody"


def provider(body: Mapping[str, Any]) -> ItemProvider:
    """The automation `it`, loaded as it is stored."""
    shown = SimpleNamespace(state="on", attributes={})
    home = SimpleNamespace(
        configs=lambda _kind, names: dict.fromkeys(names, body),
        config=lambda _kind, _name: body,
        call=lambda _type, **_fields: {},
        entity_of=lambda _platform, _name: "automation.it",
        states=lambda: {"automation.it": shown},
        entities=lambda: {"automation.it": {"entity_id": "automation.it"}},
    )
    return ItemProvider(cast(Home, home), "automation", HandClock())


def test_nothing_is_kept_of_what_holds_a_secret() -> None:
    target = Target(Key("automation", "it"), "it")
    assert isinstance(provider(PLAIN).observe([target]).of(target.key), Present)
    snapshot = provider(SECRET).observe([target])
    found = snapshot.of(target.key)
    assert isinstance(found, Unknown)
    assert snapshot.complete, "the others are looked at"
    assert "actions.0.data.code looks like a secret" in found.reason
    assert CANARY not in repr(snapshot)


@pytest.mark.parametrize("after", [{**PLAIN, "alias": "Other"}, None], ids=["changed", "deleted"])
def test_what_got_a_secret_since_the_plan_is_left_alone(after: Mapping[str, Any] | None) -> None:
    action = Action.DELETE if after is None else Action.UPDATE
    before = {BODY: NORMAL["automation"](PLAIN), RAW: written(PLAIN)}
    wanted = None if after is None else {BODY: NORMAL["automation"](after), RAW: written(after)}
    change = Change(Key("automation", "it"), "home", "it", action, before, wanted, "test")
    with pytest.raises(Conflict) as caught:
        provider(SECRET).apply(change, Flag())
    assert CANARY not in str(caught.value)
    assert "was changed meanwhile" in str(caught.value)


HELPERS = [
    ("input_text.it", {"mode": "password", "initial": CANARY}, True, "it is entered as a password"),
    ("input_text.radio_token", {"mode": "text", "initial": CANARY}, True, "it is called so"),
    ("input_text.it", {"mode": "text", "initial": f"https://me:{CANARY}@example.net/"}, True, "a password in an address"),
    ("input_text.it", {"mode": "password", "initial": None}, False, "Home Assistant keeps what is entered"),
    ("input_text.it", {"mode": "text", "initial": "good morning"}, False, "any text"),
    ("input_select.radio_token", {"options": ["a", "b"], "initial": "a"}, False, "a choice among what everybody sees"),
]


@pytest.mark.parametrize(("address", "fields", "secret", "reason"), [pytest.param(*each, id=each[-1]) for each in HELPERS])
def test_nothing_is_kept_of_a_helper_that_holds_a_secret(
    address: str, fields: Mapping[str, Any], secret: bool, reason: str
) -> None:
    kind, _, name = address.partition(".")
    item = {"id": name, "name": "It", "min": 0, "max": 100, **fields}
    home = SimpleNamespace(helpers=lambda each: {name: item} if each == kind else {}, states=dict)
    helpers, key = HelperProvider(cast(Home, home)), Key("helper", "it")
    snapshot = helpers.observe([Target(key, address)])
    assert snapshot.complete
    assert isinstance(snapshot.of(key), Unknown if secret else Present), reason
    assert CANARY not in repr(snapshot)
    (found,) = helpers.discover()
    assert bool(found.obstacle) is secret, reason
    if secret:
        assert "initial looks like a secret" in str(snapshot.of(key))
        assert "initial looks like a secret" in found.obstacle
