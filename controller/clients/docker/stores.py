"""Networks and volumes of one engine, call by call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from controller.clients.docker.door import Door
from controller.clients.docker.names import bearer, object_ref
from controller.core.errors import Transient


class Networks:
    """Calls on networks, named by id or name. Prefer ids: engine 20.10 lets two networks have one name."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def all(self) -> list[dict[str, Any]]:
        """Every network, without its containers."""
        found: list[dict[str, Any]] = self._door.get("/networks")
        return found

    def inspect(self, ref: str) -> dict[str, Any] | None:
        """One network with its containers, or None."""
        return bearer(self._door.find(f"/networks/{object_ref(ref, 'network')}"), ref)

    def create(self, payload: Mapping[str, Any]) -> str:
        """Create a network; returns its id. Raises Conflict when the name is taken."""
        object_ref(str(payload["Name"]), "network")
        with self._door.making():
            made: str = self._door.post("/networks/create", {**payload, "CheckDuplicate": True}).json()["Id"]
        return made

    def remove(self, ref: str) -> bool:
        """Remove one that nobody uses; False when there is none."""
        with self._door.writing():
            return self._door.delete(f"/networks/{object_ref(ref, 'network')}")


class Volumes:
    """Calls on volumes, by name."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def all(self) -> list[dict[str, Any]]:
        """Every volume. Raises Transient when a volume driver did not answer, because the list is then not complete."""
        reply = self._door.get("/volumes")
        if reply.get("Warnings"):
            raise Transient(f"{self._door.name}: the list of volumes is not complete: {str(reply['Warnings'][0])[:200]}")
        found: list[dict[str, Any]] = reply["Volumes"] or []
        return found

    def inspect(self, name: str) -> dict[str, Any] | None:
        """One volume, or None."""
        found: dict[str, Any] | None = self._door.find(f"/volumes/{object_ref(name, 'volume')}")
        return found

    def create(self, payload: Mapping[str, Any]) -> None:
        """Create a volume; one of that name and driver stays as it is."""
        object_ref(str(payload["Name"]), "volume")
        with self._door.making():
            self._door.post("/volumes/create", payload)

    def remove(self, name: str) -> bool:
        """Remove one that no container uses; False when there is none. Raises Conflict while it is used."""
        with self._door.writing():
            return self._door.delete(f"/volumes/{object_ref(name, 'volume')}")

    def users(self, name: str) -> list[str]:
        """Names of the containers that use a volume, running or not."""
        rows = self._door.get("/containers/json", {"all": "1", "filters": json.dumps({"volume": [object_ref(name, "volume")]})})
        return sorted(row["Names"][0].lstrip("/") for row in rows if row["Names"])
