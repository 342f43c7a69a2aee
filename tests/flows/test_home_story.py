"""The story of the home: one commit changes a service, its route and an automation, and they stand or fall together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from unittest.mock import patch

import pytest

from tests.flows.smart_home import TOKEN, SmartHome
from tests.support import caddy as caddies
from tests.support import homeassistant
from tests.support.caddy import Caddy
from tests.support.engines import NEW, OLD, Engines, Kind
from tests.support.homeassistant import HomeAssistant, HomeAssistants
from tests.support.space import wait_until

TRIPLES = (
    pytest.param((OLD, caddies.OLD, homeassistant.OLD), id="oldest"),
    pytest.param((NEW, caddies.NEW, homeassistant.NEW), id="newest"),
)
"""Engine, Caddy and Home Assistant."""
FEW_INCLUDES = (
    homeassistant.CONFIGURATION.replace("script: !include scripts.yaml\n", "")
    + """\
automation by hand:
  - id: t_in_yaml
    alias: T in yaml
    triggers: []
    actions: []
"""
)


@pytest.fixture(scope="module", params=TRIPLES)
def homes(
    engines: Engines, home_assistants: HomeAssistants, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmartHome]:
    triple: tuple[Kind, str, str] = request.param
    with (
        engines.clean(triple[0]) as engine,
        closing(Caddy(triple[1], f"/proc/{engine.space.pid}/ns/net")) as edge,
        closing(SmartHome(engine, edge, home_assistants.get(triple[2]), tmp_path_factory.mktemp("home"))) as made,
    ):
        yield made
        with suppress(homeassistant.Refused):  # it never came so far
            made.server.call("DELETE", "/api/config/automation/config/t_story")


@pytest.fixture
def home(homes: SmartHome) -> SmartHome:
    """The home, in which one commit brought a service with a route and an automation."""
    declare(homes, "1")
    assert homes.apply() == 0, homes.said
    return homes


@pytest.fixture(scope="module")
def lonely(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmartHome]:
    """A home with a Home Assistant of its own, which loads no scripts and has an automation in its own YAML."""
    with patch.object(homeassistant, "CONFIGURATION", FEW_INCLUDES):
        server = HomeAssistant(homeassistant.NEW)
    with (
        closing(server),
        engines.clean(NEW) as engine,
        closing(Caddy(caddies.NEW, f"/proc/{engine.space.pid}/ns/net")) as edge,
        closing(SmartHome(engine, edge, server, tmp_path_factory.mktemp("home"))) as made,
    ):
        yield made


def turning(state: str) -> dict[str, Any]:
    """What the automation does."""
    say = {"action": "persistent_notification.create", "data": {"message": state, "notification_id": "t_story"}}
    return {"id": "t_story", "alias": "T story", "triggers": {"trigger": "event", "event_type": "t_story"}, "actions": say}


def missing(path: str) -> dict[str, Any]:
    """An automation that Home Assistant refuses when it is asked to take it. What failed is not tried again: each test
    has one of its own."""
    return {"id": "t_story", "alias": "T story", "use_blueprint": {"path": f"t/{path}.yaml", "input": {}}}


def declare(home: SmartHome, version: str, automation: dict[str, Any] | None = None, *needs: str) -> None:
    """A service, its route, and an automation that speaks of it."""
    hosts = [] if version == "1" else ["more.home.test"]
    expose = {"host": "web.home.test", "hosts": hosts, "port": 80, "tls": "off", "dns": "off"}
    home.declare("service", "web", {"image": f"lab/web:{version}", "stop_grace_period": "2s", "expose": expose})
    home.declare("automation", "story", automation or turning(version), needs=list(needs))


def standing(home: SmartHome) -> dict[str, Any]:
    """What stands of the three."""
    containers = {each["Id"]: each["Image"] for each in home.engine.api.containers()}
    return {
        "containers": containers,
        "caddy": json.dumps(home.caddy.document(), sort_keys=True),
        "automation": json.dumps(home.stored("automation", "t_story")),
    }


def test_an_automation_that_is_refused_takes_the_service_and_the_route_back(home: SmartHome) -> None:
    before = standing(home)
    assert home.get("web") == "v1"
    declare(home, "2", missing("nowhere"), "route/web-home-test")
    assert home.apply() != 0, home.said
    assert "nowhere.yaml" in home.said
    assert standing(home) == before
    assert home.get("web") == "v1"
    home.homelab("apply")
    assert standing(home) == before, "what failed is not tried again"
    assert home.homelab("plan") == 0
    assert "Quarantined" in home.said
    declare(home, "2", turning("2"), "route/web-home-test")
    assert home.apply() == 0, home.said
    after = standing(home)
    assert {name for name in after if after[name] == before[name]} == set(), "what is right brings all three"
    assert home.get("web") == "v2"


def test_without_a_need_it_takes_nothing_with_it(home: SmartHome) -> None:
    before = standing(home)
    declare(home, "2", missing("lost"))
    assert home.apply() != 0, home.said
    after = standing(home)
    assert after["automation"] == before["automation"]
    assert after["caddy"] != before["caddy"]
    assert home.get("web") == "v2"


def test_a_hand_edit_is_named_repaired_or_left_alone(home: SmartHome) -> None:
    theirs = {**turning("1"), "description": "by hand", "mode": "restart"}
    home.by_hand("automation", "t_story", {word: value for word, value in theirs.items() if word != "id"})
    assert home.homelab("plan", "--detailed-exitcode") == 2, home.said
    assert "drift: body.mode, body.description" in home.said or "drift: body.description, body.mode" in home.said, home.said
    home.declare("automation", "story", turning("1"), mode="observe")
    assert home.apply() == 0, home.said
    assert home.stored("automation", "t_story")["description"] == "by hand", "only told"
    assert home.homelab("plan") == 0
    assert "mode is observe" in home.said
    home.declare("automation", "story", turning("1"))
    assert home.apply() == 0, home.said
    assert "description" not in home.stored("automation", "t_story")
    assert home.homelab("plan", "--detailed-exitcode") == 0, home.said


def test_a_token_that_is_revoked_stops_nothing_else(home: SmartHome) -> None:
    lent = home.server.issue()
    home.give(lent)
    assert home.homelab("plan") == 0, home.said
    home.server.revoke(lent)
    declare(home, "2", turning("2"))
    home.apply()
    assert home.get("web") == "v2", "the service and its route go on"
    assert home.stored("automation", "t_story")["actions"]["data"]["message"] == "1"
    home.homelab("status")
    assert "token" in home.said, home.said
    assert TOKEN in home.said, home.said
    home.give(home.server.token)
    assert home.homelab("apply") == 0, home.said
    assert home.stored("automation", "t_story")["actions"]["data"]["message"] == "2"


MANY = [f"t_many_{number:02}" for number in range(20)]


def test_home_assistant_killed_in_the_middle_of_many_is_made_good(lonely: SmartHome) -> None:
    for name in MANY:
        lonely.declare("automation", name.replace("_", "-"), {**turning(name), "id": name, "alias": name})
    lonely.commit()
    lonely.way.lose_after(8)
    apply = lonely.begin("apply")
    assert lonely.way.lost.wait(120), "eight were answered, and the ninth was written"
    lonely.server.kill()
    assert lonely.end(apply) != 0, lonely.said
    lonely.server.start()
    lonely.way.open()
    there = [name for name, _ in lonely.items("automation")]
    assert 0 < len(set(there) & set(MANY)) < len(MANY), "in the middle"
    # What was sent in the last moment may still be carried out: until then an apply leaves it alone, and its exit code says so.
    wait_until(lambda: lonely.homelab("apply") == 0, "everything settled and made")
    assert lonely.items("automation") == sorted(
        [*((name, f"automation.{name}") for name in MANY), ("t_in_yaml", "automation.t_in_yaml")]
    )
    stored = (lonely.server.config / "automations.yaml").read_text()
    assert [stored.count(f"id: {name}\n") for name in MANY] == [1] * len(MANY), "nothing doubled"
    assert lonely.homelab("plan", "--detailed-exitcode") == 0, lonely.said


def test_what_is_accepted_and_never_loaded_is_told_and_not_tried_for_ever(lonely: SmartHome) -> None:
    lonely.declare("script", "unheard", {"id": "t_unheard", "sequence": []})
    assert lonely.apply() != 0
    assert "script: !include scripts.yaml" in lonely.said, lonely.said
    assert lonely.stored("script", "t_unheard") is None, "taken back"
    assert lonely.homelab("plan", "--detailed-exitcode") == 0, "and not tried again"
    assert "Quarantined" in lonely.said
    (lonely.specs / "script-unheard.yaml").unlink()


def test_what_is_written_in_yaml_is_a_persons(lonely: SmartHome) -> None:
    spec = {"id": "t_in_yaml", "alias": "T in yaml", "triggers": [], "actions": []}
    lonely.declare("automation", "in-yaml", spec)
    assert lonely.apply() == 0, lonely.said
    lonely.declare("automation", "in-yaml", {**spec, "description": "changed"})
    lonely.apply()
    assert lonely.homelab("plan") == 0
    assert "is written in Home Assistant's own YAML" in lonely.said, lonely.said
    (lonely.specs / "automation-in-yaml.yaml").unlink()
    assert lonely.apply() == 0, lonely.said
    assert ("t_in_yaml", "automation.t_in_yaml") in lonely.items("automation"), "it was there before, and stays"
