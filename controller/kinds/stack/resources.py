"""Networks and volumes of a compose project as drafts. What is external belongs to somebody else: it is only referred to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.document import Draft
from controller.core.errors import Problem
from controller.kinds.stack.names import key
from controller.kinds.stack.project import Loaded


def drafts(loaded: Loaded) -> Iterator[Draft]:
    """A draft for each network and volume that the services use and that is the stack's own."""
    for kind, section in (("network", loaded.project.networks), ("volume", loaded.project.volumes)):
        for name, resource in section.items():
            if not resource.get("external"):
                spec = {part: value for part, value in resource.items() if value not in ({}, [], "", None)}
                spec["host"] = loaded.words["host"]
                yield Draft(kind, key(kind, loaded.stack, name).name, spec, **loaded.written.draft(f"{kind}s", name))


def problems(loaded: Loaded) -> Iterator[Problem]:
    """What of them cannot be honoured, and secrets where they would be seen."""
    for section in ("networks", "volumes"):
        resources: Mapping[str, Mapping[str, Any]] = getattr(loaded.project, section)
        for name, resource in resources.items():
            device = str((resource.get("driver_opts") or {}).get("device", ""))
            if loaded.repository.inside(device) is not None:
                message = "a volume cannot hold a folder of the repository"
                hint = "mount the folder in the service itself, or give an absolute path of the host"
                yield loaded.written.problem(section, name, ("driver_opts", "device"), message, hint)
            for path, ref in loaded.marks.inside(resource):
                message = f"the secret {ref} can only be the whole value of a variable in `environment`, or a file"
                yield loaded.written.problem(section, name, path, message)
