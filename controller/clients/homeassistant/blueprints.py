"""Who is made of a blueprint: what is loaded then is what the blueprint says, and only the stored body says what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.home import Home

KINDS = frozenset(["automation", "script"])
USE = "use_blueprint"


class Bodies:
    """The bodies of one kind as their editor shows them, by id; the same objects while nothing moved. For many threads: the worst
    that two can do to each other is to ask twice."""

    def __init__(self, home: Home, kind: str) -> None:
        self._home = home
        self._kind = kind
        self._stored: dict[str, tuple[object, dict[str, Any]]] = {}
        self._made: tuple[Mapping[str, object], frozenset[str]] = ({}, frozenset())

    def of(self, names: list[str]) -> Mapping[str, Mapping[str, Any]]:
        """Those that there are: as they are loaded, or as they are stored where nothing is loaded or a blueprint speaks. Raises
        Transient, Refused."""
        found = self._home.configs(self._kind, names)
        if self._kind not in KINDS or not found:
            return found
        made = self._made_of_blueprints(found)
        return {name: self._as_stored(name, body) if name in made else body for name, body in found.items()}

    def is_made_of(self, name: str, path: str) -> bool:
        """True when what is loaded under an id is made of a blueprint."""
        entity = self._home.entity_of(self._kind, name)
        return entity in self._users([path])

    def forget(self) -> None:
        """Believe nothing of what was read before."""
        self._stored, self._made = {}, ({}, frozenset())

    def _as_stored(self, name: str, loaded: Mapping[str, Any]) -> Mapping[str, Any]:
        known = self._stored.get(name)
        if known is not None and known[0] is loaded:
            return known[1]
        stored = self._home.config(self._kind, name)
        if stored is None:  # written in YAML by a person, who alone knows how
            return loaded
        self._stored[name] = loaded, stored
        return stored

    def _made_of_blueprints(self, bodies: Mapping[str, Any]) -> frozenset[str]:
        """The ids of these that are made of a blueprint; asked for again when one of them was loaded anew."""
        known, made = self._made
        if known.keys() == bodies.keys() and all(known[name] is body for name, body in bodies.items()):
            return made
        paths = self._home.call("blueprint/list", domain=self._kind)
        users = self._users(list(paths)) if paths else frozenset()
        made = frozenset(name for name in bodies if self._home.entity_of(self._kind, name) in users) if users else frozenset()
        self._made = dict(bodies), made
        return made

    def _users(self, paths: list[str]) -> frozenset[str]:
        """The entities that are made of blueprints."""
        asked = [{"type": "search/related", "item_type": f"{self._kind}_blueprint", "item_id": path} for path in paths]
        found: set[str] = set()
        for answer in self._home.calls(asked):
            if isinstance(answer, Refused):
                raise answer
            found.update(answer.get(self._kind, ()))
        return frozenset(found)
