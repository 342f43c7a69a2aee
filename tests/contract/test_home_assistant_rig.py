"""What the tests of the home take for granted: Home Assistants that know three users, see devices, and survive a power cut."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import pytest

from tests.support.devices import Cover, Device, Light, Lock, Obeys, Switch, Thermostat
from tests.support.homeassistant import NEW, OLD, HomeAssistant, HomeAssistants, Refused
from tests.support.space import wait_until


class Case(NamedTuple):
    """A service and what it is called with, the thing before, the thing when it has obeyed, how often it is told something."""

    service: str
    content: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    orders: int = 1


CASES: dict[type[Device], Case] = {
    Light: Case("light/turn_on", {"brightness": 100}, {"on": False}, {"on": True, "brightness": 100}),
    Switch: Case("switch/turn_on", {}, {"on": False}, {"on": True}),
    Thermostat: Case(
        "climate/set_temperature",
        {"temperature": 21, "hvac_mode": "heat"},
        {"mode": "off", "target": 18.0},
        {"mode": "heat", "target": 21.0},
        orders=2,
    ),
    Cover: Case("cover/set_cover_position", {"position": 40}, {"position": 0}, {"position": 40, "moving": ""}),
    Lock: Case("lock/unlock", {}, {"is": "locked"}, {"is": "unlocked"}),
}


def order(device: Device, service: str, content: dict[str, Any], token: str = "") -> None:
    device.house.call("POST", f"/api/services/{service}", {"entity_id": device.entity_id, **content}, token=token)


def test_the_two_versions_are_two(home_assistants: HomeAssistants) -> None:
    old, new = (home_assistants.get(which).version.split(".") for which in (OLD, NEW))
    assert [int(part) for part in old] < [int(part) for part in new]


def test_it_is_alone_in_its_network(home_assistant: HomeAssistant) -> None:
    devices = home_assistant.space.run("cat", "/proc/net/dev").decode().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_each_user_may_do_what_its_group_may(home_assistant: HomeAssistant) -> None:
    tokens = (home_assistant.token, home_assistant.person_token, home_assistant.plain_token)
    users = [home_assistant.ask("auth/current_user", token=token) for token in tokens]
    assert [user["is_admin"] for user in users] == [True, True, False]
    known = [home_assistant.controller.id, home_assistant.person.id, home_assistant.plain.id]
    assert [user["id"] for user in users] == known
    with pytest.raises(Refused, match="unauthorized"):
        home_assistant.ask("config/area_registry/create", token=home_assistant.plain_token, name="Attic")


def test_a_revoked_token_opens_nothing_and_the_others_still_do(home_assistant: HomeAssistant) -> None:
    token = home_assistant.issue()
    assert home_assistant.ask("auth/current_user", token=token)["id"] == home_assistant.controller.id
    home_assistant.revoke(token)
    with pytest.raises(Refused, match="401"):
        home_assistant.get("/api/config", token)
    with pytest.raises(Refused, match="auth_invalid"):
        home_assistant.socket(token)
    assert home_assistant.get("/api/config")["version"] == home_assistant.version


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__.lower())
def test_a_thing_obeys_as_the_test_chooses(home_assistant: HomeAssistant, kind: type[Device]) -> None:
    case = CASES[kind]
    with kind(home_assistant) as device:
        outcomes = []
        for obeys in Obeys:
            device.obeys = obeys
            device.by_hand(**case.before)
            told = len(device.commands) + case.orders
            order(device, case.service, case.content)
            wait_until(lambda told=told: len(device.commands) == told, f"{device.entity_id} to be told")  # type: ignore[misc]
            if obeys is Obeys.LATE:
                assert not case.after.items() <= device.state.items()
                device.catch_up()
            device.wait_until_shown()
            outcomes.append(case.after.items() <= device.state.items())
        assert outcomes == [True, True, False, False]


def test_a_thing_without_power_is_told_nothing(home_assistant: HomeAssistant) -> None:
    with Light(home_assistant) as light:
        light.offline()
        order(light, "light/turn_on", {})
        assert light.live()["state"] == "unavailable"
        light.online()
        assert light.live()["state"] == "off"
        order(light, "light/turn_on", {"brightness": 7})
        wait_until(lambda: light.commands, "the light to be told")
        light.wait_until_shown()
        assert [what for what, _ in light.commands] == ["light"]
        assert light.missed == []
        assert light.live()["attributes"]["brightness"] == 7


def test_a_change_carries_who_made_it(home_assistant: HomeAssistant) -> None:
    for token, user in ((home_assistant.token, home_assistant.controller), (home_assistant.person_token, home_assistant.person)):
        with Switch(home_assistant) as switch:
            switch.by_hand(on=True)
            assert switch.live()["context"]["user_id"] is None
            order(switch, "switch/turn_off", {}, token)
            wait_until(lambda: switch.live()["state"] == "off", "the switch")
            assert switch.live()["context"]["user_id"] == user.id


def test_automations_and_things_survive_a_power_cut(home_assistant: HomeAssistant) -> None:
    def all_is_well(light: Light, name: str) -> None:
        light.wait_until_shown()
        assert home_assistant.get(path)["alias"] == name
        wait_until(lambda: home_assistant.get(f"/api/states/automation.{name}")["state"] == "on", "the automation")

    name = f"rig_{uuid.uuid4().hex}"
    path = f"/api/config/automation/config/{name}"
    body = {"alias": name, "triggers": [{"trigger": "time", "at": "03:00:00"}], "conditions": [], "actions": []}
    with Light(home_assistant) as light:
        light.by_hand(on=True)
        home_assistant.call("POST", path, body)
        home_assistant.restart()
        all_is_well(light, name)
        home_assistant.kill()
        with pytest.raises(OSError, match="refused"):
            home_assistant.get("/api/config")
        light.by_hand(on=False, wait=False)
        home_assistant.start()
        all_is_well(light, name)
    home_assistant.call("DELETE", path)


def test_errors_are_told_and_a_start_makes_none(home_assistant: HomeAssistant) -> None:
    word = uuid.uuid4().hex
    home_assistant.call("POST", "/api/services/system_log/write", {"message": word, "level": "error"})
    wait_until(lambda: any(word in line for line in home_assistant.errors()), "the error in the log")
    assert [line for line in home_assistant.errors() if "homeassistant.setup" in line or "bootstrap" in line] == []
