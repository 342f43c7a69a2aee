"""What of a valid service this product cannot honour. It is refused with a reason, never ignored."""

from __future__ import annotations

from collections.abc import Collection

from controller.clients.compose.data import Data
from controller.core.errors import Problem

_REASONS = {
    "build": ("images are not built here", "build it in CI, push it to a registry and say `image:`"),
    "provider": ("a provider runs a program on the controller", "run the service as a container"),
    "models": (
        "models come from Docker Model Runner, which is not supported",
        "declare a Model and give the service its address",
    ),
    "credential_spec": ("credential specifications exist only for Windows containers", "remove it"),
    "use_api_socket": (
        "it hands Docker's socket and the registry passwords to the container",
        "mount what it needs, if policy allows",
    ),
    "pre_start": ("hooks run commands that have no undo", "make it a service of its own and depend on its completion"),
    "post_start": ("hooks run commands that have no undo", "move the command into the image or into a service of its own"),
    "pre_stop": ("hooks run commands that have no undo", "handle the stop signal in the container"),
    "external_links": ("links to containers of others are not kept", "share a network with them"),
    "isolation": ("isolation exists only for Windows containers", "remove it"),
    "cpu_count": ("it exists only for Windows containers", "use `cpus`"),
    "cpu_percent": ("it exists only for Windows containers", "use `cpus`"),
}
_HARMLESS = {"isolation": "default"}


def unsupported(service: dict[str, Data], *, supported: Collection[str] = ()) -> list[Problem]:
    """A problem for each attribute of a canonical service that cannot be honoured, except those that the caller does support.

    `develop` is not among them: it describes what `docker compose watch` does, and `up` ignores it as well. Paths start in the
    service."""
    found = [
        Problem((key,), f"`{key}` is not supported: {reason}", hint)
        for key, (reason, hint) in _REASONS.items()
        if key in service and key not in supported and service[key] != _HARMLESS.get(key)
    ]
    for index, mount in enumerate(service.get("volumes") or []):
        if mount.get("type") in ("npipe", "cluster") and "volumes" not in supported:
            reason = "named pipes exist only on Windows" if mount["type"] == "npipe" else "cluster volumes need Swarm"
            found.append(
                Problem(("volumes", index), f"a mount of type {mount['type']} is not supported: {reason}", "use bind or volume")
            )
    return found
