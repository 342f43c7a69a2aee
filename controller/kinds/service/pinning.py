"""Which content an image reference means: resolved once, at plan time, through the engine, and kept while the reference stays."""

from __future__ import annotations

from threading import Event as Flag

from controller.clients.docker import LOCAL, DockerHost, EngineFailed, ImageName, Progress, parse_image
from controller.core.errors import Permanent, Transient
from controller.core.state import State

_REGISTRY_FIRST = ("always", "daily", "weekly", "every_")
_FEATURES = {
    "interface_name": ((1, 49), "networks.*.interface_name", "28.1"),
    "gw_priority": ((1, 48), "networks.*.gw_priority", "28.0"),
}


def pin(host: DockerHost, state: State, applied: State | None) -> State:
    """The state with `image_digest`. `applied` keeps its digest while the reference is the same, unless `pull_policy` asks to
    look again. Raises Transient when the registry cannot be asked, Permanent when the image is nowhere or the engine too old."""
    gate(host.api, host.name, state)
    text = str(state["image"])
    policy = str(state.get("pull_policy", "missing"))
    if applied is not None and applied.get("image") == text and "image_digest" in applied and policy != "always":
        return {**state, "image_digest": applied["image_digest"]}
    name = parse_image(text)
    try:
        digest = name.digest or _digest(host, name, policy)
    except EngineFailed as error:
        raise Transient(f"image {text} cannot be looked up: {error.said}") from error
    if not digest:
        where = "on the engine" if policy == "never" else "on the engine or in its registry"
        raise Permanent(f"image {text} is not {where}")
    return {**state, "image_digest": digest}


def provide(host: DockerHost, state: State, progress: Progress, interrupt: Flag) -> str:
    """Bring the pinned content to the engine unless it is there; what to write into a create call so that exactly this runs.
    Raises Permanent when it is nowhere."""
    digest = str(state["image_digest"])
    name = parse_image(str(state["image"])) if "image" in state else None
    if digest.startswith(LOCAL):
        return _built(host, digest.removeprefix(LOCAL), name)
    if name is None:
        raise Permanent(f"a container made by image id shows no name to pull {digest} by")
    if host.images.inspect(f"{name.name}@{digest}") is None:
        host.images.pull(name, digest, progress, interrupt, str(state.get("platform", "")))
    return name.pinned(digest)


def gate(api: tuple[int, int], host: str, state: State) -> None:
    """Refuse what the engine cannot do, naming the release that can. Raises Permanent."""
    wanted: list[tuple[tuple[int, int], str, str]] = []
    if "start_interval" in (state.get("healthcheck") or {}):
        wanted.append(((1, 44), "healthcheck.start_interval", "25.0"))
    if state.get("annotations"):
        wanted.append(((1, 43), "annotations", "24.0"))
    for entry in (state.get("networks") or {}).values():
        wanted += [feature for name, feature in _FEATURES.items() if name in entry]
    for entry in (state.get("volumes") or {}).values():
        if entry["type"] == "image":
            wanted.append(((1, 48), "a mount of type image", "28.0"))
        elif entry.get("subpath"):
            wanted.append(((1, 45), "volumes.*.subpath", "26.0"))
    for lowest, what, release in wanted:
        if api < lowest:
            raise Permanent(f"{what} needs Docker {release} or newer; {host} speaks API {api[0]}.{api[1]}")


def _built(host: DockerHost, image_id: str, name: ImageName | None) -> str:
    """The tag while it means this image, so that people see it; else its id."""
    tagged = host.images.inspect(name.tagged) if name is not None else None
    if name is not None and tagged is not None and tagged["Id"] == image_id:
        return name.tagged
    if host.images.inspect(image_id) is None:
        called = name.tagged if name is not None else "of no name"
        raise Permanent(f"image {called} ({LOCAL}{image_id[:18]}…) was built on this engine and is gone from it")
    return image_id


def _digest(host: DockerHost, name: ImageName, policy: str) -> str | None:
    if policy.startswith(_REGISTRY_FIRST):
        return host.images.there(name)
    here = host.images.here(name)
    return here if here is not None or policy == "never" else host.images.there(name)
