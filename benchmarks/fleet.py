"""The same services in both languages: documents of a spec repository, and one compose file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

NETWORK = "home"
SLEEP = {"image": "lab/sleep:1", "stop_grace_period": "1s"}
WEB = {"image": "lab/web:1", "stop_grace_period": "5s"}
"""Ends at once on TERM; its health check passes about half a second after the start."""

Specs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Fleet:
    """Services by name, as entries of Compose's `services:` with a named volume each, all on one network."""

    services: Specs

    @classmethod
    def of(cls, count: int, *, web: int = 0, first: int = 0) -> Fleet:
        """So many services; the first `web` of them serve and have a health check."""
        return cls({f"s{i:05d}": _service(f"s{i:05d}", WEB if i < web else SLEEP) for i in range(first, first + count)})

    def changed(self, name: str, **words: Any) -> Fleet:
        """The same with other words for one service."""
        return replace(self, services={**self.services, name: {**self.services[name], **words}})

    def only(self, *names: str) -> Fleet:
        """Some of them."""
        return replace(self, services={name: self.services[name] for name in names})

    def documents(self) -> dict[str, str]:
        """Files of a spec repository."""
        found = {f"services/{name}.yaml": document("Service", name, spec) for name, spec in self.services.items()}
        if self.services:
            found["network.yaml"] = document("Network", NETWORK, {})
        return found

    def compose(self) -> str:
        """The compose file (JSON is YAML)."""
        volumes: dict[str, Any] = {source: {} for spec in self.services.values() for source in _sources(spec)}
        return json.dumps({"services": self.services, "networks": {NETWORK: {}}, "volumes": volumes}, indent=1)


def document(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    """One document, written as a person would."""
    lines = [f"kind: {kind}", f"name: {name}", "spec:" if spec else "spec: {}"]
    return "\n".join([*lines, *(f"  {word}: {json.dumps(value)}" for word, value in spec.items())]) + "\n"


def stack(count: int, name: str) -> dict[str, Any]:
    """The content of a compose file with its own network: so many sleeping services."""
    services = {f"{name}-{i}": {**SLEEP, "environment": {"A": "1"}} for i in range(count)}
    return {"services": services}


def _service(name: str, kind: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **kind,
        "restart": "unless-stopped",
        "environment": {"A": "1", "B": "x"},
        "labels": {"app": name},
        "volumes": [f"{name}-data:/data"],
        "networks": [NETWORK],
    }


def _sources(spec: Mapping[str, Any]) -> list[str]:
    return [str(each).partition(":")[0] for each in spec.get("volumes", ()) if not str(each).startswith("/")]
