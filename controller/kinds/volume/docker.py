"""Volumes on a Docker host. Data is destroyed in one place only: the release of an approved delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from threading import Event as Flag
from threading import Lock
from typing import Any

from controller.clients.docker import DockerHost, Happening, Kept
from controller.core.change import Change
from controller.core.discovery import Discovery
from controller.core.errors import Conflict, Permanent, ProviderError
from controller.core.key import Key
from controller.core.state import ABSENT, Observed, Owner, Present, Receipt, Snapshot, State, Target
from controller.kinds.volume.discover import discover
from controller.kinds.volume.resolve import differences

OWNER, KEY, PREFIX = "homelab.owner", "homelab.key", "homelab."
_EVENTS = {"volume": ["create", "destroy"]}
_RETRY = 1.0
_PARKED = ".prev"
Details = Mapping[str, Any]


class VolumeProvider:
    """Volumes of one host. A delete only hides the volume until `release`, so that an undo brings it back with its data.
    `instance` is the owner mark."""

    visible_within = 3.0
    """An engine answers when it is done; but a request that a killed controller had sent is carried out all the same."""

    def __init__(self, host: DockerHost, instance: str = "home") -> None:
        self._host = host
        self._instance = instance
        self._listed = Kept(host.volumes.all)
        self._lock = Lock()
        self._going: set[str] = set()
        self._known: dict[Key, tuple[Details, Present]] = {}
        self._keys: dict[str, Key] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Every volume of ours and the targets."""
        try:
            listed = self._listed.get()
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        with self._lock:
            by_name = {details["Name"]: details for details in listed if details["Name"] not in self._going}
            items: dict[Key, Observed] = {}
            for details in by_name.values():
                key = self._marked(details)
                if key is not None:
                    items[key] = self._present(key, details)
            for target in targets:
                self._keys[target.address] = target.key
                found = by_name.get(target.address)
                items[target.key] = self._present(target.key, found) if found is not None else ABSENT
            return Snapshot(items)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:  # noqa: ARG002 (nothing here waits)
        """Create, or hide until the release; see the laws of the port. A volume that exists is never changed."""
        with self._listed.moving():
            return self._make(change)

    def _make(self, change: Change) -> Receipt:
        live = self._host.volumes.inspect(change.address)
        if change.after is None:
            return self._delete(change, live)
        if live is None and change.before is None:
            marks = {OWNER: self._instance, KEY: str(change.key)}
            self._host.volumes.create(payload(change.after, marks))
            live = self._host.volumes.inspect(change.address)
        elif live is not None and differences(change.after, shown(live)):
            if change.before is None:
                raise Conflict(f"{change.key}: a volume called {change.address} exists")
            raise Permanent(f"{change.key} cannot be changed without losing its data: make a new volume and copy it")
        if live is None:
            raise Conflict(f"{change.key} is gone")
        with self._lock:
            self._going.discard(change.address)
        return Receipt(change.address, shown(live))

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """Destroy the data of an approved delete."""
        with self._listed.moving():
            return self._release(change, receipt)

    def _release(self, change: Change, receipt: Receipt) -> Receipt:
        if change.after is None:
            for name in receipt.retained:
                self._host.volumes.remove(name)
            with self._lock:
                self._going.difference_update(receipt.retained)
            return Receipt(receipt.handle, None)
        return Receipt(receipt.handle, receipt.state)

    def audit(self) -> None:
        """Read the list anew next time."""
        self._listed.doubt()

    def discover(self) -> list[Discovery]:
        """Volumes that exist without being ours. Raises Transient."""
        return discover(self._host, self._instance)

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which volume moved."""

        def opened() -> None:
            self._listed.attach(True)
            moved(None)

        def told(happening: Happening) -> None:
            self._listed.doubt()
            key = self._keys.get(happening.id)
            if key is not None:
                moved(key)

        while not stop.is_set():
            with suppress(ProviderError):
                self._host.events.follow(_EVENTS, opened, told, stop)
            self._listed.attach(False)
            stop.wait(_RETRY)

    def _delete(self, change: Change, live: Details | None) -> Receipt:
        if live is None:
            return Receipt(change.address, None)
        if change.address not in self._going:
            strange = differences(change.before, shown(live)) if change.before is not None else ()
            if change.before is None or strange:
                raise Conflict(f"{change.key} is not what the change expects")
            users = [name for name in self._host.volumes.users(change.address) if not name.endswith(_PARKED)]
            if users:
                raise Permanent(f"{change.key} is still used by {', '.join(users)}")
            with self._lock:
                self._going.add(change.address)
        return Receipt(change.address, None, (change.address,))

    def _marked(self, details: Details) -> Key | None:
        labels = details.get("Labels") or {}
        if labels.get(OWNER) != self._instance:
            return None
        with suppress(ValueError):
            return Key.parse(labels.get(KEY, ""))
        return None

    def _present(self, key: Key, details: Details) -> Present:
        known = self._known.get(key)
        if known is not None and known[0] == details:
            return known[1]
        owner = Owner.OURS if self._marked(details) == key else Owner.FOREIGN
        present = Present(shown(details), str(details["Name"]), owner)
        self._known[key] = details, present
        return present


def payload(state: State, marks: Mapping[str, str]) -> dict[str, Any]:
    """The body of a create call."""
    return {
        "Name": state["name"],
        "Driver": state.get("driver", "local"),
        "DriverOpts": state.get("driver_opts") or {},
        "Labels": {**(state.get("labels") or {}), **marks},
    }


def shown(details: Details) -> dict[str, Any]:
    """The normal form that an engine shows."""
    labels = details.get("Labels") or {}
    return {
        "name": details["Name"],
        "driver": details["Driver"],
        "driver_opts": dict(details.get("Options") or {}),
        "labels": {name: value for name, value in labels.items() if not name.startswith(PREFIX)},
    }
