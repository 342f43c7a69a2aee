"""What an automation may not do by the way, and what it may not hold: asked of real Home Assistants, which know what is what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from controller.core.errors import Conflict
from controller.core.key import Key
from controller.core.limit import YES, Never
from controller.core.resource import Risk
from controller.core.run import Outcome
from controller.core.state import Target, Unknown
from tests.contract.home_loft import Loft, loft_of
from tests.contract.yard import NO
from tests.support.devices import Cover
from tests.support.homeassistant import HomeAssistant
from tests.support.space import wait_until

CANARY = "hunter2-canary"


class Garage(Cover):
    """A cover behind which somebody may get hurt or robbed."""

    def description(self) -> dict[str, object]:
        return {**super().description(), "device_class": "garage"}


@pytest.fixture
def loft(home_assistant: HomeAssistant) -> Iterator[Loft]:
    with loft_of(home_assistant) as made:
        yield made


def test_a_garage_is_opened_by_no_automation_unasked(loft: Loft) -> None:
    name = loft.fresh("automation")
    provider = loft.items["automation"]
    with Garage(loft.server, f"{name}_garage") as garage, Cover(loft.server, f"{name}_blind") as blind:
        wait_until(lambda: {garage.entity_id, blind.entity_id} <= loft.home.states().keys(), "the covers")
        device = loft.home.entities()[garage.entity_id]["device_id"]
        room = loft.server.ask("config/area_registry/create", name=name)["area_id"]
        loft.server.ask("config/device_registry/update", device_id=device, area_id=room)
        wait_until(lambda: loft.home.devices()[device]["area_id"] == room, "the garage to be in its room")
        reaching: tuple[tuple[Mapping[str, Any], str], ...] = (
            ({"entity_id": garage.entity_id}, "by its name"),
            ({"device_id": device}, "by its device"),
            ({"area_id": room}, "by its room"),
        )
        for target, reason in reaching:
            change = loft.change("automation", _opening(name, target))
            limit = provider.limit(change)
            assert isinstance(limit, Never), reason
            assert f"reaches {garage.entity_id}, a garage cover, about which a person is asked" in limit.why, reason
            allowed = replace(change, risks=(Risk(f"home-target:{garage.entity_id}", "a rule allows it"),))
            assert provider.limit(allowed) == YES, reason
        assert loft.apply(_document(_opening(name, {"entity_id": garage.entity_id}))) is None, "no run was started"
        assert f"reaches {garage.entity_id}" in loft.plan()
        assert loft.stored("automation", name) is None
        closing = {**_opening(name, {"entity_id": garage.entity_id}), "alias": "T closes"}
        closing["actions"] = [{**closing["actions"][0], "action": "cover.close_cover"}]
        assert provider.limit(loft.change("automation", closing)) == YES, "closing needs nobody"
        assert provider.limit(loft.change("automation", _opening(name, {"entity_id": blind.entity_id}))) == YES
        loft.server.ask("config/area_registry/delete", area_id=room)


def _opening(name: str, target: Mapping[str, Any]) -> dict[str, Any]:
    actions = [{"action": "cover.open_cover", "target": dict(target)}]
    return {"id": name, "alias": "T opens", "triggers": {"trigger": "event", "event_type": name}, "actions": actions}


def _document(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "Automation", "name": "it", "spec": spec}


def test_a_secret_that_a_person_wrote_is_neither_kept_nor_touched(loft: Loft) -> None:
    name = loft.fresh("automation")
    plain = {"alias": "T code", "triggers": {"trigger": "event", "event_type": name}, "actions": []}
    secret = {**plain, "actions": [{"event": name, "event_data": {"api_key": CANARY}}]}
    declared = _document({**plain, "id": name})
    assert loft.apply(declared) is Outcome.APPLIED, loft.reason()
    change = loft.change("automation", {**plain, "id": name, "description": "ours"}, loft.look("automation", name))
    loft.by_hand("automation", name, secret)
    key = Key("automation", "it")
    snapshot = loft.items["automation"].observe([Target(key, name)])
    found = snapshot.of(key)
    assert snapshot.complete
    assert isinstance(found, Unknown)
    assert "looks like a secret" in found.reason
    plan = loft.plan()
    assert "looks like a secret" in plan
    assert loft.apply(declared) is None, "nothing is done to it"
    with pytest.raises(Conflict, match="was changed meanwhile"):
        loft.items["automation"].apply(change, NO)
    assert loft.stored("automation", name)["actions"] == secret["actions"]
    told = [repr(each) for each in (*loft.house.store.events(limit=1000), *loft.house.store.rows().values(), snapshot, plan)]
    assert not [each for each in told if CANARY in each]
    loft.by_hand("automation", name, plain)
    assert loft.plan() == "", "the secret is out again"
