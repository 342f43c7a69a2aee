"""Kept: credentials as facts of the store. Each change is one transaction, also between several controllers on one store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any

from controller.core.errors import Refused
from controller.core.ports import Clock, Store
from controller.usecases.actors import Scope

Item = dict[str, Any]
Items = dict[str, Item]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class Kept:
    """Items by key under one fact; each has `until` in seconds since the epoch (0 = never ends). What has ended is not there."""

    def __init__(self, store: Store, clock: Clock, fact: str) -> None:
        self._store, self._clock, self._fact = store, clock, fact

    def alive(self) -> Items:
        """Every item that has not ended."""
        return self._living(self._store.fact(self._fact))

    def revise(self, change: Callable[[Items], Items]) -> None:
        """Store what `change` makes of them."""
        self._store.revise(self._fact, lambda found: change(self._living(found)))

    def add(self, secret: str, item: Mapping[str, Any], seconds: float, most: int) -> None:
        """Keep an item under the digest of its secret; of more than `most` those that end first go."""
        new = {digest(secret): {**item, "until": self._clock.now() + seconds}}
        self.revise(lambda known: _newest({**known, **new}, most))

    def drop(self, gone: Callable[[str, Item], bool]) -> None:
        """End every item for whose key and content `gone` is true."""
        self.revise(lambda known: {key: item for key, item in known.items() if not gone(key, item)})

    def take(self, secret: str) -> Item | None:
        """The item of a secret, which then is gone: nobody else gets it too."""
        key, found = digest(secret), list[Item]()
        if key not in self.alive():
            return None

        def without_it(known: Items) -> Items:
            found.extend([known.pop(key)] if key in known else [])
            return known

        self.revise(without_it)
        return found[0] if found else None

    def _living(self, found: Items | None) -> Items:
        now = self._clock.now()
        return {key: item for key, item in (found or {}).items() if not item["until"] or item["until"] > now}


def digest(secret: str) -> str:
    """How a random secret is kept."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def checked(name: str, scopes: Collection[Scope]) -> None:
    """Raises Refused for a name that cannot be shown, or no scope at all."""
    if not name or len(name) > 64 or not name.isprintable():
        raise Refused("a name has 1 to 64 printable characters")
    if not scopes:
        raise Refused(f"name at least one scope of: {', '.join(Scope)}")


def _newest(items: Items, count: int) -> Items:
    return dict(sorted(items.items(), key=lambda item: item[1]["until"])[-count:])
