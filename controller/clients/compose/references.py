"""Rules between the parts of a project: what a service refers to exists, and its attributes do not contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Path, suggestion

_LIMITS = (
    ("cpus", "limits", "cpus", 0),
    ("mem_limit", "limits", "memory", ""),
    ("mem_reservation", "reservations", "memory", ""),
    ("pids_limit", "limits", "pids", 0),
)


class Names:
    """The names that services may refer to, by section; a section of None is not checked."""

    def __init__(self, file: dict[str, Data], *, open_sections: Collection[str] = ()) -> None:
        self.known = {
            section: None if section in open_sections else frozenset(file.get(section) or {})
            for section in ("services", "networks", "volumes", "configs", "secrets", "models")
        }
        self.disabled: frozenset[str] = frozenset()

    def disable(self, services: Collection[str]) -> None:
        """Take services out: they exist, but in no active profile."""
        self.disabled = frozenset(services)
        known = self.known["services"]
        self.known["services"] = None if known is None else known - self.disabled


def check_service(name: str, service: dict[str, Data], names: Names, findings: Findings) -> None:
    """Findings about one canonical service."""
    path: Path = ("services", name)
    if not service.get("image") and "build" not in service and "provider" not in service:
        findings.add(path, f"`{name}` has no image", "say `image:`, such as `image: nginx:1.29`")
    for section, what, place, reference in _references(service):
        known = names.known[section]
        if known is not None and reference not in known:
            hint = suggestion(reference, known) or f"declare it below the top-level `{section}:`"
            findings.add((*path, *place), f"the {what} `{reference}` does not exist", hint)
    for reference, dependency in (service.get("depends_on") or {}).items():
        _check_dependency(path, reference, dependency, names, findings)
    _check_targets(path, service, findings)
    _check_alone(path, service, findings)
    _check_limits(path, service, findings)


def used_names(services: Iterable[dict[str, Data]]) -> dict[str, set[str]]:
    """The names that services refer to, by section."""
    used: dict[str, set[str]] = {section: set() for section in ("networks", "volumes", "configs", "secrets", "models")}
    for service in services:
        for section, _, _, reference in _references(service):
            used[section].add(reference)
    return used


def _references(service: dict[str, Data]) -> Iterator[tuple[str, str, Path, str]]:
    for network in service.get("networks") or {}:
        yield "networks", "network", ("networks", network), network
    for index, mount in enumerate(service.get("volumes") or []):
        if mount.get("type") == "volume" and mount.get("source"):
            yield "volumes", "volume", ("volumes", index), mount["source"]
    for section in ("configs", "secrets"):
        for index, mount in enumerate(service.get(section) or []):
            yield section, section[:-1], (section, index), mount.get("source", "")
    for index, mount in enumerate((service.get("build") or {}).get("secrets") or []):
        yield "secrets", "secret", ("build", "secrets", index), mount.get("source", "")
    for model in service.get("models") or {}:
        yield "models", "model", ("models", model), model


def _check_dependency(path: Path, reference: str, dependency: Data, names: Names, findings: Findings) -> None:
    known = names.known["services"]
    if known is None or reference in known:
        return
    if reference in names.disabled and not (dependency or {}).get("required", True):
        return
    if reference in names.disabled:
        findings.add(
            (*path, "depends_on", reference), f"the service `{reference}` is in no active profile", "activate its profile"
        )
    else:
        hint = suggestion(reference, known)
        findings.add((*path, "depends_on", reference), f"the service `{reference}` does not exist", hint)


def _check_targets(path: Path, service: dict[str, Data], findings: Findings) -> None:
    taken: set[str] = set()
    mounts = [("tmpfs", index, entry.partition(":")[0]) for index, entry in enumerate(service.get("tmpfs") or [])]
    mounts += [("volumes", index, mount.get("target", "")) for index, mount in enumerate(service.get("volumes") or [])]
    for attribute, index, target in mounts:
        if target in taken:
            findings.add((*path, attribute, index), f"something else is mounted on `{target}` already", "keep one of them")
        taken.add(target)


def _check_alone(path: Path, service: dict[str, Data], findings: Findings) -> None:
    if service.get("network_mode") and service.get("networks"):
        findings.add((*path, "network_mode"), "`network_mode` and `networks` exclude each other", "keep one of them")
    test = (service.get("healthcheck") or {}).get("test")
    if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        findings.add((*path, "healthcheck", "test"), f"a test cannot start with `{test[0]}`", "put CMD or CMD-SHELL before it")
    replicas = (service.get("deploy") or {}).get("replicas")
    scale = service.get("scale")
    if scale is not None and replicas is not None and scale != replicas:
        findings.add((*path, "scale"), "`scale` and `deploy.replicas` say different numbers", "keep one of them")
    count = replicas if scale is None else scale
    if count is not None and count > 1 and service.get("container_name"):
        findings.add((*path, "container_name"), "several containers cannot have one name", "remove `container_name`")
    for index, rule in enumerate((service.get("develop") or {}).get("watch") or []):
        if rule.get("action") != "rebuild" and not rule.get("target"):
            findings.add((*path, "develop", "watch", index), "a watch rule without a target", "say `target:`")
    build = service.get("build") or {}
    if build.get("dockerfile") and build.get("dockerfile_inline"):
        findings.add((*path, "build"), "`dockerfile` and `dockerfile_inline` exclude each other", "keep one of them")
    if build.get("platforms") and service.get("platform") and service["platform"] not in build["platforms"]:
        findings.add((*path, "build", "platforms"), f"the platforms do not include `{service['platform']}`")


def _check_limits(path: Path, service: dict[str, Data], findings: Findings) -> None:
    resources = (service.get("deploy") or {}).get("resources") or {}
    for key, group, name, nothing in _LIMITS:
        if service.get(key) and group in resources and resources[group].get(name, nothing) != service[key]:
            findings.add((*path, key), f"`{key}` and `deploy.resources.{group}.{name}` say different things", "keep one of them")


def check_cycles(services: dict[str, dict[str, Data]], findings: Findings) -> None:
    """A finding for the first circle of dependencies."""
    try:
        TopologicalSorter({name: service.get("depends_on") or () for name, service in services.items()}).prepare()
    except CycleError as error:
        circle: list[str] = list(reversed(error.args[1]))
        findings.add(("services", circle[0], "depends_on"), "services depend on each other: " + " → ".join(circle))


def check_container_names(services: dict[str, dict[str, Data]], findings: Findings) -> None:
    """A finding for each container name that a second service takes."""
    owners: dict[str, str] = {}
    for name, service in services.items():
        container = service.get("container_name")
        if container and owners.setdefault(container, name) != name:
            findings.add(
                ("services", name, "container_name"),
                f"`{owners[container]}` already has the container name `{container}`",
                "use another name, or none",
            )
