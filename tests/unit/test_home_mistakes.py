"""First mistakes with documents of a home: each is told with what to write, and no code of a door is repeated."""

from __future__ import annotations

import pytest

from controller.clients.memory import MemoryWorld
from controller.core.errors import SpecError
from controller.kinds import automation, device, entity, helper, script
from tests.support.clock import HandClock
from tests.support.house import House

KINDS = {kind.KIND.name: kind.KIND for kind in (automation, device, entity, helper, script)}
HOUSE = "kind: Homelab\nname: home\nspec: {connections: {home: {type: homeassistant}}}\n"
UNDER_DESIRED = "write it under `desired: {state: …}`"
A_DEVICES = "states are wanted by a Device: `kind: Device` with `entity:` and `desired: {state: …}`"
SET_UP_THERE = "template and group helpers are set up in Home Assistant; they cannot be declared"
IMPORT = "this looks like Home Assistant's automations.yaml: `homelab import homeassistant` writes documents of it"
CODE = "keep it with `homelab secret set home/front-door`, then write `code: {ref: home/front-door}`"
DEVICE = "kind: Device\nname: it\nspec:\n  entity: light.desk\n"
LOCK = "kind: Device\nname: it\nspec:\n  entity: lock.front\n  desired: {state: locked}\n"

MISTAKES = [
    (f"{DEVICE}  state: 'on'\n", "5:3 unknown key 'state'", UNDER_DESIRED, "a state beside the entity"),
    (f"{DEVICE}  desired: {{state: 'on'}}\n  brightness_pct: 20\n", "6:3 unknown key 'brightness_pct'",
     "write it under `desired: {brightness_pct: …}`", "a value beside what is desired"),
    (f"{DEVICE.replace('Device', 'Entity')}  state: 'on'\n  name: Desk\n", "5:3 unknown key 'state'", A_DEVICES,
     "a state in what only says how an entity is called"),
    ("kind: Light\nname: it\nspec: {entity: light.desk}\n", "1:1 unknown kind 'Light'",
     "a light is a Device with `entity: light.…`", "a domain for a kind"),
    ("kind: Lamp\nname: it\nspec: {}\n", "1:1 unknown kind 'Lamp'", "a lamp is a Device with `entity: light.…`",
     "a word of everyday for a kind"),
    ("kind: input_boolean\nname: it\nspec: {}\n", "1:1 unknown kind 'input_boolean'",
     "that is a Helper with `type: input_boolean`", "a type of helpers for a kind"),
    ("kind: Helper\nname: it\nspec: {type: template}\n", "3:8 `type` must be", SET_UP_THERE, "a helper that is an integration"),
    ("kind: Helper\nname: it\nspec: {type: group}\n", "3:8 `type` must be", SET_UP_THERE, "a group"),
    ("kind: Helper\nname: it\nspec: {type: input_bolean}\n", "3:8 `type` must be", "did you mean `input_boolean`?",
     "a slip is answered as before"),
    ("kind: Script\nname: it\nspec:\n  good_night:\n    alias: Good night\n    sequence: []\n",
     "4:3 the script stands below its id 'good_night'", "paste what stands below `good_night:`", "a script pasted with its id"),
    ("- id: '17'\n  alias: Hall\n  trigger: []\n  action: []\n", "1:1 this is not a homelab document", IMPORT,
     "Home Assistant's own file"),
    (f'{LOCK}  code: "1234"\n', "6:3 `code` must be a map, not text", CODE, "the code of a door in git"),
    (f"{LOCK}  code: 1234\n", "6:3 `code` must be a map, not a number", CODE, "the code of a door as a number"),
    (f"{LOCK[:-1].replace('state: locked', 'state: shut, pin: 1234')}\n", "5:13 state of lock.front is one of", "",
     "a code beside what is wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "finding", "hint", "reason"), [pytest.param(*each, id=each[-1]) for each in MISTAKES])
def test_a_first_mistake_is_answered_with_what_to_write(written: str, finding: str, hint: str, reason: str) -> None:
    clock = HandClock()
    house = House(clock=clock, world=MemoryWorld(clock), kinds=KINDS)
    house.book.write({"homelab.yaml": HOUSE, "it.yaml": written})
    with pytest.raises(SpecError) as caught:
        house.reconciler.linker.estate(house.book.head(), house.book.read(house.book.tip))
    found = caught.value.diagnostics
    said = [(f"{item.origin.line}:{item.origin.column} {item.message}", item.hint) for item in found]
    assert [each for each in said if each[0].startswith(finding) and each[1] == hint], (reason, said)
    assert "1234" not in repr(found), "a finding is shown to everybody"
