"""What stands against taking over a container that somebody else made, in words for that person."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.discovery import secret_option
from controller.kinds.service import names
from controller.kinds.service.projection import status
from controller.kinds.service.spot import labels_of

Details = Mapping[str, Any]
_ONE_OFF = "com.docker.compose.oneoff"
_SWARM_TASK = "com.docker.swarm.task"
_UNTAGGED = ("<none>:<none>", "<none>@<none>")
_WORDS = {"created": "it was created and never started", "paused": "it is paused", "dead": "the engine could not remove it"}


def stopped(details: Details) -> str:
    """Why it does not run; "" when it does, also between two tries of its restart policy."""
    word = status(details)
    if word == "running":
        return ""
    if word.startswith("exited"):
        return f"it ended with code {details['State'].get('ExitCode', 0)}"
    return _WORDS.get(word, f"it is {word}")


def obstacle(details: Details) -> str:
    """Why no Service can stand for it, or ""."""
    labels = labels_of(details)
    if details["Id"].startswith(socket.gethostname()):
        return "it is the container of this very controller"
    if labels.get(_ONE_OFF, "").lower() == "true":
        return "it is a one-off task of Compose (`docker compose run`)"
    if any(name.startswith(_SWARM_TASK) for name in labels):
        return "it is a task of a Swarm service, and Swarm would replace it"
    if details["HostConfig"].get("AutoRemove"):
        return "it was started with `--rm`: the engine removes it when it stops; start it without, then import again"
    config = details["Config"]
    option = secret_option([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    if option:
        return f"its command holds a secret ({option}), and git must not: give it as a variable or a file, then import again"
    return ""


def lost(details: Details, instance: str) -> Iterator[str]:
    """What it has and a Service cannot say. It keeps that until its next update."""
    host = details["HostConfig"]
    if host.get("PublishAllPorts"):
        shown = details["NetworkSettings"].get("Ports") or {}
        ports = [f"{port} at {each['HostPort']}" for port, several in sorted(shown.items()) for each in (several or ())[:1]]
        now = f" ({', '.join(ports)})" if ports else ""
        yield f"ports that the engine chose (`-P`){now}: declare those that are used in `ports:`, or its next update ends them"
    for link in host.get("Links") or ():
        source, _, alias = str(link).partition(":")
        name, alias = source.strip("/"), alias.rpartition("/")[2]
        yield f"its link to {name} as {alias} (`--link`): put both into one network, or its next update ends it"
    owner = labels_of(details).get(names.OWNER)
    if owner not in (None, instance):
        yield f"the mark of another controller ({owner}): that one must not run any more"


def reference(details: Details, text: str, image: Details) -> str:
    """The name of its image, or "" when that has none. One that was made by id bears the name that the image has now."""
    if text and not str(details["Image"]).startswith(f"sha256:{text}"):
        return text
    known = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
    return next((name for name in known if name not in _UNTAGGED), "")
