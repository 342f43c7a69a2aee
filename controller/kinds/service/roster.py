"""Which containers on a host belong to which service, and the snapshot that follows from a look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from threading import RLock
from typing import Any

from controller.clients.docker import DockerHost, Row, Seen, View
from controller.core.errors import Permanent
from controller.core.key import Key
from controller.core.state import ABSENT, Observed, Owner, Present, Snapshot, Target
from controller.kinds.service import names
from controller.kinds.service.health import judge
from controller.kinds.service.spot import Spot, ended, labels_of, made, running

Details = Mapping[str, Any]
_KIND = "service"


class Roster:
    """Keeps who was asked for, and the last answer for each container. Thread-safe."""

    def __init__(
        self, host: DockerHost, instance: str, show: Callable[[Details, str], dict[str, Any]], conceal: Callable[[str], str]
    ) -> None:
        self._host = host
        self._conceal = conceal
        self._instance = instance
        self._show = show
        self._lock = RLock()
        self._addresses: dict[str, Key] = {}
        self._handles: set[str] = set()
        self._view = View({}, {})
        self._known: dict[Key, tuple[Seen, Present]] = {}
        self._last: tuple[View, frozenset[Target], Snapshot] | None = None

    def wants(self, row: Row) -> bool:
        """True for a row of the list that must be looked at closely."""
        if (row.get("Labels") or {}).get(names.OWNER) == self._instance or row["Id"] in self._handles:
            return True
        return any(names.stem(name.lstrip("/")) in self._addresses for name in row.get("Names") or ())

    def widen(self, targets: Iterable[Target]) -> bool:
        """Remember who is asked for; True when somebody is new."""
        with self._lock:
            new = False
            for target in targets:
                if self._addresses.get(target.address) != target.key or (target.handle and target.handle not in self._handles):
                    self._addresses[target.address] = target.key
                    self._handles.add(target.handle)
                    new = True
            return new

    def snapshot(self, view: View, targets: Collection[Target]) -> Snapshot:
        """Every service of ours in a view, and the targets."""
        wanted = frozenset(targets)
        with self._lock:
            if self._last is not None and self._last[0] is view and self._last[1] == wanted:
                return self._last[2]
            self._view = view
            items: dict[Key, Observed] = {}
            spots = self._spots(view)
            for address, spot in spots.items():
                key = self._marked(spot)
                if key is not None:
                    items[key] = self._answer(key, address, spot.stands)
            for target in wanted:
                found = self._of(target, view, spots)
                items[target.key] = self._answer(target.key, target.address, found)
            self._last = view, wanted, Snapshot(items)
            return self._last[2]

    def called(self, container: str) -> str:
        """What a namespace of this container is called: `service:NAME` while it stands for a service of ours, else
        `container:NAME`."""
        with self._lock:
            seen = self._view.containers.get(container)
            if seen is not None:
                address = names.stem(seen.name)
                spot = self._spots(self._view).get(address, Spot())
                key = self._addresses.get(address) or self._marked(spot)
                if key is not None and spot.handle() == container:
                    return f"{_KIND}:{key.name}"
            known = {found: name for name, found in self._view.names.items()}
        return f"container:{known[container]}" if container in known else self._called_now(container)

    def _called_now(self, container: str) -> str:
        """The same for one that was made after the last look, in a rollout that is under way."""
        details = self._host.containers.inspect(container)
        if details is None:
            return f"container:{container}"
        name = str(details["Name"]).lstrip("/")
        with self._lock:
            key = self._addresses.get(names.stem(name))
        spot = Spot(*(self._host.containers.inspect(each) for each in names.family(names.stem(name)))) if key else Spot()
        return f"{_KIND}:{key.name}" if key is not None and spot.handle() == container else f"container:{name}"

    def called_then(self, container: str) -> str:
        """The same for what a parked container lived in, which may be parked too."""
        details = self._host.containers.inspect(container)
        if details is None:
            return f"container:{container}"
        name = str(details["Name"]).lstrip("/")
        with self._lock:
            key = self._addresses.get(names.stem(name)) or self._marked(Spot(current=details))
        return f"{_KIND}:{key.name}" if key is not None else f"container:{name}"

    def container_of(self, mode: str) -> str:
        """The id of the container that `service:NAME` or `container:NAME` means now. Raises Permanent when it does not run
        here."""
        kind, _, name = mode.partition(":")
        address = name
        if kind == _KIND:
            with self._lock:
                address = next((each for each, key in self._addresses.items() if key == Key(_KIND, name)), name)
        spot = Spot(*(self._host.containers.inspect(each) for each in names.family(address)))
        if spot.stands is None:
            raise Permanent(f"{mode}: there is no such container on {self._host.name}")
        return spot.handle()

    def leftovers(self, view: View, before: float) -> list[Details]:
        """Containers that carry our mark and were left behind before a time: stopped predecessors, and successors that never
        ran."""
        found = []
        for spot in self._spots(view).values():
            if spot.parked is not None and not running(spot.parked) and ended(spot.parked) < before:
                found.append(spot.parked)
            if spot.coming is not None and spot.handle() != spot.coming["Id"] and made(spot.coming) < before:
                found.append(spot.coming)
        return [each for each in found if labels_of(each).get(names.OWNER) == self._instance and not running(each)]

    def key_of(self, attributes: Mapping[str, str], container: str) -> Key | None:
        """The service that an event about a container is about, or None when it is not ours."""
        if attributes.get(names.OWNER) == self._instance:
            return _parsed(attributes.get(names.KEY, ""))
        with self._lock:
            return self._addresses.get(names.stem(attributes.get("name", ""))) if container else None

    def _spots(self, view: View) -> dict[str, Spot]:
        parts: dict[str, dict[str, Details]] = {}
        for seen in view.containers.values():
            parts.setdefault(names.stem(seen.name), {})[seen.name] = seen.details
        return {address: Spot(*(several.get(name) for name in names.family(address))) for address, several in parts.items()}

    def _of(self, target: Target, view: View, spots: Mapping[str, Spot]) -> Details | None:
        """The container of a target: by name, or by the handle that the ledger knows when somebody renamed it."""
        renamed = view.containers.get(target.handle)
        if renamed is not None and names.stem(renamed.name) != target.address:
            return renamed.details
        return spots.get(target.address, Spot()).stands

    def _marked(self, spot: Spot) -> Key | None:
        """The key on the mark of a container that stands."""
        labels = labels_of(spot.stands) if spot.stands is not None else {}
        return _parsed(labels.get(names.KEY, "")) if labels.get(names.OWNER) == self._instance else None

    def _answer(self, key: Key, address: str, details: Details | None) -> Observed:
        if details is None:
            return ABSENT
        seen = self._view.containers[str(details["Id"])]
        known = self._known.get(key)
        if known is not None and known[0] is seen and not _depends(details):
            return known[1]
        health, why = judge(details, self._conceal)
        labels = labels_of(details)
        ours = labels.get(names.OWNER) == self._instance and labels.get(names.KEY) == str(key)
        owner = Owner.OURS if ours else Owner.FOREIGN
        present = Present(self._show(details, address), str(details["Id"]), owner, health, why)
        if known is not None and known[1] == present:
            present = known[1]
        self._known[key] = seen, present
        return present


def _depends(details: Details) -> bool:
    """True when what a container shows depends on how another one is called."""
    host = details["HostConfig"]
    modes = [str(host.get(mode, "")) for mode in ("NetworkMode", "IpcMode", "PidMode")]
    return bool(host.get("VolumesFrom")) or any(mode.startswith("container:") for mode in modes)


def _parsed(text: str) -> Key | None:
    try:
        key = Key.parse(text)
    except ValueError:
        return None
    return key if key.kind == _KIND else None
