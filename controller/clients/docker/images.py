"""Images of one engine: what a reference means now, and pulling it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event as Flag
from threading import Lock
from typing import Any

from docker import auth

from controller.clients.docker.door import Door
from controller.clients.docker.names import ImageName, image_ref
from controller.core.errors import Interrupted, Permanent, Transient

Progress = Callable[[str], None]
LOCAL = "local:"
"""Marks a digest that is the id of an image which no registry knows; it means something on its engine only."""
_PULL_TIMEOUT = 600.0
_WORTH_RETRYING = (
    "timeout",
    "connection re",
    "no such host",
    "unexpected EOF",
    "TLS handshake",
    "toomanyrequests",
    "server misbehaving",
)


class Images:
    """Calls on images. A *digest* is `sha256:…` as a registry knows it, or `local:sha256:…` for an image that only the engine
    has."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[str, dict[str, Any]] = {}
        self._lock = Lock()

    def inspect(self, ref: str) -> dict[str, Any] | None:
        """An image by reference or id, or None."""
        found: dict[str, Any] | None = self._door.find(f"/images/{image_ref(ref)}/json")
        return found

    def by_id(self, image_id: str) -> dict[str, Any] | None:
        """An image by id, remembered until `forget`."""
        with self._lock:
            known = self._known.get(image_id)
        if known is None:
            known = self.inspect(image_id)
            if known is not None:
                with self._lock:
                    self._known[image_id] = known
        return known

    def forget(self) -> None:
        """Images have moved: look again."""
        with self._lock:
            self._known.clear()

    def here(self, name: ImageName) -> str | None:
        """The digest that a reference has on the engine itself, or None when it is not there."""
        found = self.inspect(name.tagged)
        return digest_of(found, name) if found is not None else None

    def there(self, name: ImageName) -> str | None:
        """The digest that the registry has for a reference, asked through the engine; None when it knows none. Raises Transient
        when the registry cannot be asked."""
        path = f"/distribution/{image_ref(name.tagged)}/json"
        try:
            digest: str = self._door.get(path, headers=self._credentials(name))["Descriptor"]["digest"]
        except Permanent:
            return None
        return digest

    def pull(self, name: ImageName, digest: str, progress: Progress, interrupt: Flag, platform: str = "") -> None:
        """Bring a content to the engine. Raises Permanent when the registry does not have it, Interrupted when called off."""
        params = {"fromImage": name.name, "tag": digest, **({"platform": platform} if platform else {})}
        try:
            reply, lines = self._door.stream("POST", "/images/create", params, self._credentials(name), _PULL_TIMEOUT)
        except Permanent as error:
            raise _pull_failed(name.pinned(digest), str(error)) from error
        try:
            for line in lines:
                if interrupt.is_set():
                    raise Interrupted(f"pull of {name.pinned(digest)} was called off")
                if "error" in line:
                    raise _pull_failed(name.pinned(digest), str(line["error"])[:200])
                progress(str(line.get("status", "")))
        finally:
            reply.close()
        self.forget()

    def _credentials(self, name: ImageName) -> dict[str, str]:
        registry, _ = auth.resolve_repository_name(name.name)
        found = auth.get_config_header(self._door.client, registry)
        return {"X-Registry-Auth": found.decode()} if found else {}


def digest_of(image: Mapping[str, Any], name: ImageName) -> str:
    """The digest of an inspected image under a repository name, or its own id when no registry knows it there."""
    for listed in image.get("RepoDigests") or ():
        repository, _, digest = str(listed).partition("@")
        if repository.removeprefix("docker.io/").removeprefix("library/") == name.repository:
            return digest
    return LOCAL + str(image["Id"])


def _pull_failed(image: str, said: str) -> Permanent | Transient:
    if any(word in said for word in _WORTH_RETRYING):
        return Transient(f"cannot pull {image}: {said}")
    return Permanent(f"cannot pull {image}: {said}")
