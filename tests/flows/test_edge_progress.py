"""The steps of a host on its way to its visitors are told one after the other, and where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.clients.memory import Effect, Fault
from controller.core.key import Key
from controller.core.stage import Stage
from tests.flows.home import Home, Inside, document, service

STEPS = [stage.heading for stage in Stage]
HOST = "app.home.test"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a Caddy, a zone and a service behind them."""
    made = Home(tmp_path)
    connections: dict[str, Any] = {
        "caddy": {"type": "caddy", "admin": "http://127.0.0.1:2019"},
        "dns": {"type": "rfc2136", "server": "127.0.0.1:53", "key": {"name": "key", "secret": {"ref": "dns/key"}}},
    }
    made.commit(
        {
            "homelab.yaml": document("Homelab", "home", {"connections": connections}),
            "zone.yaml": document("Domain", "zone", {"zone": "home.test", "via": "dns"}),
            "app.yaml": service("app", expose={"host": HOST, "port": 80, "exposure": "public"}),
        }
    )
    return made


def ready(house: Inside) -> None:
    """The secret that the zone needs."""
    assert house.desk.secrets is not None
    house.desk.secrets.set("dns/key", "c2VjcmV0", "tester")


def told(house: Inside) -> list[str]:
    """What was told as progress."""
    return [event.message for event in house.house.store.events() if event.reason == "Progress"]


def heads(messages: list[str]) -> list[str]:
    return [message.partition(":")[0] for message in messages]


def test_all_eight_steps_of_one_rollout_in_order(home: Home) -> None:
    with home.open() as house:
        ready(house)
        house.apply()
        messages = told(house)
        passed = [head for head in heads(messages) if head in STEPS]
        assert passed == STEPS, messages
        assert len(house.house.store.runs()[0].rollouts) == 1
        assert any(HOST in message for message in messages)
        at = heads(messages).index("4/8 propagation")
        assert heads(messages)[at - 1] == "4/8 propagation waits", "that it waits is seen while it waits"
        keys = {event.message.partition(":")[0]: event.key for event in house.house.store.events() if event.reason == "Progress"}
        assert keys["6/8 load"] == "route/app-home-test"
        assert keys["3/8 record"].startswith("record/")
        house.apply()
        assert told(house) == messages, "a converged world tells nothing"


FAILING = (
    pytest.param("record", "apply", "3/8 record failed", "2/8 public IP", id="record"),
    pytest.param("route", "batch", "6/8 load failed", "5/8 route", id="route"),
    pytest.param("certificate", "health", "7/8 certificate failed", "6/8 load", id="certificate"),
)
"""The kind and operation that fail, what is told of it, and the last step behind it; reason: each stops at its own step."""


@pytest.mark.parametrize(("kind", "operation", "last", "before"), FAILING)
def test_a_step_that_fails_is_named(home: Home, kind: str, operation: str, last: str, before: str) -> None:
    with home.open() as house:
        ready(house)
        plan = house.plan()
        (key,) = {change.key for rollout in plan.rollouts for change in rollout.changes if change.key.startswith(f"{kind}/")}
        world = house.house.connections.providers()[kind, "caddy" if kind != "record" else "dns"]
        effect = Effect.REFUSE
        world._world.faults.add(Fault(effect, operation, None if operation == "batch" else Key.parse(key)))  # type: ignore[attr-defined]
        house.apply()
        found = [head for head in heads(told(house)) if not head.endswith("waits")]
        assert (found[-1], found[-2]) == (last, before), told(house)


def test_an_image_update_is_no_way_to_a_host(home: Home) -> None:
    with home.open() as house:
        ready(house)
        house.apply()
        messages = told(house)
        home.commit({"app.yaml": service("app", "web:2", expose={"host": HOST, "port": 80, "exposure": "public"})})
        house.apply()
        assert house.running() == {"app": "web:2"}
        assert told(house) == messages


def test_a_change_of_the_route_tells_only_its_steps(home: Home) -> None:
    with home.open() as house:
        ready(house)
        house.apply()
        messages = told(house)
        home.commit({"app.yaml": service("app", expose={"host": HOST, "port": 81, "exposure": "public"})})
        house.apply()
        passed = [head for head in heads(told(house)[len(messages) :]) if head in STEPS]
        assert passed == ["1/8 validate", "5/8 route", "6/8 load", "8/8 HTTPS check"]
