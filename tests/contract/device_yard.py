"""A house with things in it, and the provider of Devices that looks at them and tells them what to be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event as Flag
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home
from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.errors import Transient
from controller.core.estate import HomelabSpec
from controller.core.key import Key
from controller.core.ports import Clock
from controller.core.state import Observed, Present, Receipt, State, Target
from controller.engine.surroundings import RepositorySurroundings
from controller.kinds.device import KIND, DeviceProvider
from tests.support.homeassistant import HomeAssistant
from tests.support.house import Drawer, OpenVault, Tree
from tests.support.space import wait_until

DECLARED = {"type": "homeassistant", "url": "http://192.0.2.5:8123", "token": {"ref": "homeassistant/token"}}
NO = Flag()
_numbers = itertools.count(1)


def fresh(word: str = "thing") -> str:
    """An object id that no other test of this process has."""
    return f"t_device_{word}_{next(_numbers)}"


def wanted_state(entity: str, desired: Mapping[str, Any], **rules: Any) -> State:
    """The normal form of a Device."""
    homelab = HomelabSpec(connections={"home": DECLARED})
    around = RepositorySurroundings(
        Tree({}), "", lambda _path, _content: (), OpenVault(), Drawer(), homelab, set(), (), {"helper": {}, "script": {}}
    )
    assert KIND.resolve is not None
    spec = KIND.model.model_validate({"entity": entity, "desired": desired, "confirm": 60, **rules})
    return KIND.resolve("it", spec, around).state


@dataclass
class DeviceYard:
    """One house, one provider."""

    house: HomeAssistant
    home: Home
    provider: DeviceProvider

    def look(self, entity: str) -> Observed:
        """An entity, with all that Home Assistant showed until now."""
        caught_up(self.home)
        key = key_of(entity)
        return self.provider.observe([Target(key, entity)]).of(key)

    def present(self, entity: str) -> Present:
        found: list[Observed] = []

        def seen() -> bool:
            found[:] = [self.look(entity)]
            return isinstance(found[0], Present)

        wait_until(seen, f"{entity} to be known: {found}")
        assert isinstance(found[0], Present)
        return found[0]

    def shows(self, entity: str) -> Mapping[str, Any]:
        """Everything that can be wanted of an entity, as it is."""
        values: Mapping[str, Any] = self.present(entity).state["desired"]
        return values

    def change(self, entity: str, desired: Mapping[str, Any], *, drift: bool = False, **rules: Any) -> Change:
        """The change from what is there now."""
        state, found = wanted_state(entity, desired, **rules), self.look(entity)
        before, handle = (found.state, found.handle) if isinstance(found, Present) else (None, "")
        action = Action.UPDATE if before is not None else Action.CREATE
        return Change(key_of(entity), "home", entity, action, before, state, "test", handle=handle, drift=drift)

    def make(self, entity: str, desired: Mapping[str, Any], **rules: Any) -> Change:
        """Tell an entity what to be; the change that was made."""
        change = self.change(entity, desired, **rules)
        self.provider.apply(change, NO)
        assert self.differing(change.after or {}) == []
        return change

    def undo(self, change: Change) -> Receipt:
        return self.provider.apply(replace(change.inverse(), handle=change.handle), NO)

    def differing(self, state: State) -> list[str]:
        return [each.path for each in compare(state, self.present(state["entity"]).state, same=KIND.same, whole=KIND.whole)]

    @contextmanager
    def applying(self, change: Change, interrupt: Flag = NO) -> Iterator[Future[Receipt]]:
        """The change while it is being made."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.provider.apply, change, interrupt)

    def person(self, service: str, entity: str, **data: Any) -> None:
        """Somebody uses Home Assistant; returns when the controller has heard of it."""
        since = self.home.states()[entity]
        self.house.call("POST", f"/api/services/{service}", {"entity_id": entity, **data}, token=self.house.person_token)
        wait_until(lambda: self.home.states()[entity] is not since, f"word of {service} of {entity}")

    def heard(self, entity: str, **values: Any) -> None:
        """Returns when the controller sees such values."""

        def seen() -> bool:
            found = self.look(entity)
            return isinstance(found, Present) and all(found.state["desired"].get(word) == each for word, each in values.items())

        wait_until(seen, f"word of {entity} being {values}")

    def lost(self, entity: str) -> None:
        """Returns when the controller sees that nothing is known of an entity."""
        wait_until(lambda: not isinstance(self.look(entity), Present), f"word of {entity} being away")


def key_of(entity: str) -> Key:
    return Key("device", entity.partition(".")[2].replace("_", "-"))


@contextmanager
def device_yard(house: HomeAssistant, clock: Clock | None = None, token: str = "") -> Iterator[DeviceYard]:
    """A provider of a house; `clock` is that of the provider (the connection's is always the real one)."""
    home = Home(Connection("home", house.url), lambda: token or house.token, SystemClock())
    try:
        caught_up(home)
        yield DeviceYard(house, home, DeviceProvider(home, OpenVault(), clock or SystemClock()))
    finally:
        home.close()


def caught_up(home: Home) -> None:
    """Returns when the connection has heard of everything that Home Assistant showed before: events come before the answer."""

    def answered() -> bool:
        try:
            home.call("ping")
        except Transient:
            return False
        return True

    wait_until(answered, "an answer")
