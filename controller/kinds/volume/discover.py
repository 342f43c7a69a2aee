"""Volumes that exist without being ours, as the documents that would declare them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.discovery import Discovery
from controller.core.key import Key

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_CREDENTIALS = re.compile(r"pass(?:word|wd)?\s*=|credential|://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)
_OWNER, _KEY = "homelab.owner", "homelab.key"
_NOT_OURS_TO_SAY = ("homelab.", "com.docker.compose.", "com.docker.volume.anonymous")


def discover(host: DockerHost, instance: str) -> list[Discovery]:
    """Every volume with a name; the caller knows which ones are ours. Raises Transient."""
    found: dict[Key, Discovery] = {}
    for details in sorted(host.volumes.all(), key=lambda each: str(each["Name"])):
        labels = details.get("Labels") or {}
        if _ANONYMOUS.fullmatch(details["Name"]):
            continue
        key = _key(str(details["Name"]), labels, instance)
        spec = _spec(details, key.name, host.name)
        group = str(labels.get("com.docker.compose.project", ""))
        found.setdefault(key, Discovery(key, spec, str(details["Name"]), str(details["Name"]), group=group))
    return list(found.values())


def _key(name: str, labels: Mapping[str, str], instance: str) -> Key:
    """One that was ours is called as it was."""
    if labels.get(_OWNER) == instance and labels.get(_KEY, "").startswith("volume/"):
        return Key.parse(labels[_KEY])
    return Key("volume", _slug(name))


def _spec(details: Mapping[str, Any], name: str, host: str) -> dict[str, Any]:
    """One whose options hold a password is declared as somebody else's: there is no other place for its value yet."""
    options = dict(details.get("Options") or {})
    hidden = any(_CREDENTIALS.search(f"{key}={value}") for key, value in options.items())
    labels = {key: value for key, value in (details.get("Labels") or {}).items() if not key.startswith(_NOT_OURS_TO_SAY)}
    spec: dict[str, Any] = {
        "host": "" if host == "local" else host,
        "name": "" if details["Name"] == name else details["Name"],
        "external": hidden,
        "driver": "" if hidden or details["Driver"] == "local" else details["Driver"],
        "driver_opts": {} if hidden else options,
        "labels": {} if hidden else labels,
    }
    return {key: value for key, value in spec.items() if value}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "unnamed"
