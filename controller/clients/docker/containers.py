"""Containers of one engine, call by call."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from controller.clients.docker.door import QUICK, Door
from controller.clients.docker.names import archive_path, bearer, container_name, container_ref, object_ref

Payload = Mapping[str, Any]
_STOP_DEFAULT = 10


class Containers:
    """Calls on containers. A container is named by id or name, checked before the request leaves; errors as in `Door`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def listing(self) -> bytes:
        """Every container, running or not, as the engine's JSON text: newest first, ports, labels, state, networks, mounts."""
        return self._door.read("/containers/json", {"all": "1"})

    def on_network(self, network: str) -> list[dict[str, Any]]:
        """Rows of the containers that are attached to a network, running or not."""
        filters = json.dumps({"network": [object_ref(network, "network")]})
        found: list[dict[str, Any]] = self._door.get("/containers/json", {"all": "1", "filters": filters})
        return found

    def inspect(self, ref: str) -> dict[str, Any] | None:
        """Everything about one container, or None."""
        return bearer(self._door.find(f"/containers/{container_ref(ref)}/json"), ref)

    def create(self, name: str, payload: Payload, platform: str = "") -> str:
        """Create a stopped container; returns its id. Raises Conflict when the name is taken."""
        params = {"name": container_name(name), **({"platform": platform} if platform else {})}
        with self._door.making():
            made: str = self._door.post("/containers/create", payload, params).json()["Id"]
        return made

    def start(self, ref: str) -> None:
        """Start it; nothing happens when it runs. Raises Permanent with the engine's words when it cannot run (port taken, no
        such command, missing device)."""
        with self._door.making():
            self._door.post(f"/containers/{container_ref(ref)}/start", timeout=3 * QUICK)

    def stop(self, ref: str, timeout: int | None = None) -> None:
        """Ask it to end, kill it after `timeout` seconds (None = what the container itself says, 10 by default)."""
        if timeout is None:
            found = self.inspect(ref)
            own = found["Config"].get("StopTimeout") if found else None
            timeout = _STOP_DEFAULT if own is None else int(own)
        self._door.post(f"/containers/{container_ref(ref)}/stop", params={"t": str(timeout)}, timeout=timeout + QUICK)

    def pause(self, ref: str) -> None:
        """Hold all of its processes."""
        self._door.post(f"/containers/{container_ref(ref)}/pause", allowed=(409,))

    def unpause(self, ref: str) -> None:
        """Let a paused one go on."""
        self._door.post(f"/containers/{container_ref(ref)}/unpause", allowed=(409, 500))

    def update(self, ref: str, limits: Payload) -> None:
        """Change limits or the restart policy in place."""
        with self._door.making():
            self._door.post(f"/containers/{container_ref(ref)}/update", limits)

    def rename(self, ref: str, name: str) -> None:
        """Give it another name. Raises Conflict when it is taken."""
        self._door.post(f"/containers/{container_ref(ref)}/rename", params={"name": container_name(name)})

    def remove(self, ref: str, *, volumes: bool = False) -> bool:
        """Remove it, running or not, with `volumes` also its anonymous volumes; False when there is none."""
        params = {"force": "1", **({"v": "1"} if volumes else {})}
        with self._door.writing():
            return self._door.delete(f"/containers/{container_ref(ref)}", params)

    def connect(self, ref: str, network: str, endpoint: Payload) -> None:
        """Attach it to a network."""
        body = {"Container": container_ref(ref), "EndpointConfig": endpoint}
        with self._door.making():
            self._door.post(f"/networks/{object_ref(network, 'network')}/connect", body)

    def disconnect(self, ref: str, network: str) -> None:
        """Detach it from a network; nothing happens when either is not there."""
        body = {"Container": container_ref(ref), "Force": True}
        self._door.post(f"/networks/{object_ref(network, 'network')}/disconnect", body, allowed=(404,))

    def put_archive(self, ref: str, folder: str, archive: bytes) -> None:
        """Unpack a tar archive into a folder of it."""
        self._door.put(f"/containers/{container_ref(ref)}/archive", archive, {"path": archive_path(folder)})

    def changed_at(self, ref: str, path: str) -> str | None:
        """When a file in it was changed last (RFC 3339), or None when there is no such file."""
        headers = self._door.head(f"/containers/{container_ref(ref)}/archive", {"path": archive_path(path)})
        if headers is None:
            return None
        return str(json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))["mtime"])
