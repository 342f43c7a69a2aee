"""What Compose adds to a project by itself: the default network, implied dependencies, names of resources, inherited hooks."""

from __future__ import annotations

import copy

from controller.clients.compose.data import Data
from controller.clients.compose.merge import merge
from controller.clients.compose.spec_container import CONTAINER

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_INHERITED = CONTAINER.keys() - {"volumes"}


def normalize(file: dict[str, Data], project: str) -> None:
    """Complete a file in long syntax, in place."""
    services: dict[str, dict[str, Data]] = file.setdefault("services", {})
    uses_default = [_attach(service) for service in services.values()]
    if any(uses_default):
        networks = file.get("networks") or {}
        networks.setdefault("default", None)
        file["networks"] = networks
    for service in services.values():
        if service.get("pull_policy") == "if_not_present":
            service["pull_policy"] = "missing"
        if isinstance(service.get("build"), dict):
            _complete_build(service["build"])
        _depend(service)
        if service.get("pre_start"):
            service["pre_start"] = [_inherit(service, hook) for hook in service["pre_start"]]
    for section in ("networks", "volumes", "configs", "secrets"):
        if file.get(section):
            file[section] = {name: _named(resource or {}, name, project) for name, resource in file[section].items()}


def _attach(service: dict[str, Data]) -> bool:
    """Attach a service without networks to the default one; True when it uses that."""
    if "provider" in service or "network_mode" in service:
        return False
    if not service.get("networks"):
        service["networks"] = {"default": None}
    return "default" in service["networks"]


def _complete_build(build: dict[str, Data]) -> None:
    if build.get("dockerfile") is None and build.get("dockerfile_inline") is None:
        build["dockerfile"] = "Dockerfile"


def _depend(service: dict[str, Data]) -> None:
    depends: dict[str, Data] = service.get("depends_on") or {}

    def add(name: str, *, restart: bool) -> None:
        depends.setdefault(name, {"condition": "service_started", "restart": restart, "required": True})

    for link in service.get("links") or []:
        parts = link.split(":")
        add(parts[0] if len(parts) == 2 else link, restart=True)
    for namespace in _NAMESPACES:
        reference = service.get(namespace)
        if isinstance(reference, str) and reference.startswith("service:"):
            add(reference.removeprefix("service:"), restart=True)
    for source in service.get("volumes_from") or []:
        if not source.startswith("container:"):
            add(source.partition(":")[0], restart=False)
    if depends:
        service["depends_on"] = depends


def _inherit(service: dict[str, Data], hook: dict[str, Data]) -> Data:
    base = copy.deepcopy({key: value for key, value in service.items() if key in _INHERITED})
    return merge(base, hook, ("services", "hook"))


def _named(resource: dict[str, Data], key: str, project: str) -> dict[str, Data]:
    if resource.get("name") is None:
        resource["name"] = key if resource.get("external") is True else f"{project}_{key}"
    return resource
