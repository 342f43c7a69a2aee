"""The providers behind a connection to Home Assistant: all of them share one client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from controller.clients.homeassistant import Connection, Home
from controller.clients.homeassistant.items import ItemProvider
from controller.clients.homeassistant.registry import RegistryProvider
from controller.clients.homeassistant.sensors import Sensors
from controller.core.errors import Problem, Rejected
from controller.core.ports import Provider
from controller.kinds import area, device, entity, floor, helper, label
from controller.wire.kinds import Tools

PROVIDERS: Mapping[str, Callable[[Home, Tools], Provider]] = {
    "area": lambda home, _tools: RegistryProvider(home, area.REGISTRY),
    "automation": lambda home, tools: ItemProvider(home, "automation", tools.clock),
    "device": lambda home, tools: device.DeviceProvider(home, tools.vault, tools.clock),
    "entity": lambda home, _tools: entity.EntityProvider(home),
    "floor": lambda home, _tools: RegistryProvider(home, floor.REGISTRY),
    "helper": lambda home, _tools: helper.HelperProvider(home),
    "label": lambda home, _tools: RegistryProvider(home, label.REGISTRY),
    "scene": lambda home, tools: ItemProvider(home, "scene", tools.clock),
    "script": lambda home, tools: ItemProvider(home, "script", tools.clock),
}
"""What makes the provider of a kind."""


class HomeProviders(dict[str, Provider]):
    """The providers of one home, and the client and the sensors that end with them."""

    def __init__(self, home: Home, tools: Tools, sensors: Sensors | None = None) -> None:
        super().__init__({kind: make(home, tools) for kind, make in PROVIDERS.items()})
        self._home, self._sensors = home, sensors
        if sensors is not None:
            sensors.start()

    def close(self) -> None:
        """End the connection."""
        self._home.close()
        if self._sensors is not None:
            self._sensors.close()


def open_home(name: str, declared: Mapping[str, Any], tools: Tools) -> HomeProviders:
    """The providers of a connection as homelab.yaml declares it. Raises Rejected."""
    connection = Connection.parse(name, declared)
    home = Home(connection, tools.secret(declared, "token"), tools.clock)
    return HomeProviders(home, tools, Sensors(home, tools.clock, tools.sensors) if connection.sensors else None)


def home_problems(name: str, declared: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with a declaration."""
    try:
        Connection.parse(name, declared)
    except Rejected as error:
        return error.problems
    return ()
