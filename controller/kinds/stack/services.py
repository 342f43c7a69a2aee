"""A compose service as the draft of a Service: names of Docker, needs, and files instead of references into the compose file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.clients.compose.filled import filled
from controller.core.document import Draft
from controller.core.errors import Problem
from controller.core.key import Key
from controller.core.state import fingerprint
from controller.kinds.stack.files import delivered, misplaced
from controller.kinds.stack.names import key
from controller.kinds.stack.project import Loaded

RESTARTS_WITH = "restarts-with."
"""Label for each service that this one restarts with: it changes when the declaration of that one does."""
_NAMESPACES = ("network_mode", "ipc", "pid")
_DROPPED = ("depends_on", "develop", "links", "profiles", "scale")
_REWRITTEN = (*_DROPPED, *_NAMESPACES, "environment", "volumes", "volumes_from", "networks", "configs", "secrets")
_COMPLETED = "service_completed_successfully"
_ENDING = ("no", "none", "on-failure")
_SHOWN = 12

Canonical = dict[str, Any]


@dataclass
class Expansion:
    """The services of one stack on their way to drafts; problems are collected."""

    loaded: Loaded
    problems: list[Problem] = field(default_factory=list)
    _awaited: set[str] = field(default_factory=set)
    """Services that others wait for to complete."""
    _links: dict[str, list[str]] = field(default_factory=dict)
    """The names by which links of other services call one."""

    def drafts(self) -> list[Draft]:
        """A draft for each service that is to run."""
        services = {name: each for name, each in self.loaded.project.services.items() if self._runs(name, each)}
        for canonical in services.values():
            self._survey(canonical)
        specs = {name: self._spec(name, each) for name, each in services.items()}
        plain = {name: fingerprint(spec)[:_SHOWN] for name, spec in specs.items()}
        drafts = []
        for name, canonical in services.items():
            spec = specs[name]
            labels = {
                f"{RESTARTS_WITH}{other}": plain[other]
                for other, dependency in (canonical.get("depends_on") or {}).items()
                if other in plain and dependency.get("restart")
            }
            if labels:
                spec["labels"] = {**(spec.get("labels") or {}), **labels}
            needs = tuple(self._needs(name, canonical, services))
            place = self.loaded.written.draft("services", name)
            drafts.append(Draft("service", self._key(name).name, spec, needs, **place))
        return drafts

    def _survey(self, canonical: Canonical) -> None:
        for other, dependency in (canonical.get("depends_on") or {}).items():
            self._awaited |= {other} if dependency.get("condition") == _COMPLETED else set()
        for link in canonical.get("links") or ():
            target, _, alias = link.partition(":")
            self._links.setdefault(target, []).extend([alias] if alias else [])

    def _spec(self, name: str, canonical: Canonical) -> dict[str, Any]:
        files = delivered(name, canonical, self.loaded)
        self.problems += files.problems
        self._refuse(name, canonical)
        spec = {part: value for part, value in canonical.items() if part not in _REWRITTEN and value is not None}
        if "deploy" in spec:
            spec["deploy"] = {part: value for part, value in spec["deploy"].items() if part != "replicas"}
        if name in self._awaited:
            spec["completes"] = True
            spec.setdefault("restart", "no")
        rewritten = {
            **{part: self._reference(str(canonical.get(part) or "")) for part in _NAMESPACES},
            "environment": {part: self._value(value) for part, value in (canonical.get("environment") or {}).items()},
            "volumes": [self._mount(mount) for mount in canonical.get("volumes") or ()],
            "volumes_from": [self._donor(each) for each in canonical.get("volumes_from") or ()],
            "networks": dict(self._networks(name, canonical)),
            "configs": files.configs,
            "secrets": files.secrets,
            **self._exposed(name),
            **self.loaded.words,
        }
        return {"canonical": True, **spec, **{part: value for part, value in rewritten.items() if value}}

    def _value(self, value: Any) -> Any:
        secret = self.loaded.marks.secret(value)
        return value if secret is None else dict(secret)

    def _exposed(self, name: str) -> dict[str, Any]:
        """`expose` as a map, with variables put in; without one Compose's list stays."""
        said: dict[str, Any] = {}
        for part, (value, (file, path)) in self.loaded.written.ours(name, "expose").items():
            said[part], found = filled(value, self.loaded.project.variables, path)
            local = self.loaded.repository.local(file)
            self.problems += [replace(problem, file=local) for problem in found]
            for inside, ref in self.loaded.marks.inside(said[part]):
                self.problems.append(Problem((*path, *inside), f"the secret {ref} would be seen here", file=local))
        return {"expose": said} if said else {}

    def _runs(self, name: str, canonical: Canonical) -> bool:
        replicas = (canonical.get("deploy") or {}).get("replicas")
        path: tuple[str, ...] = ("deploy", "replicas") if replicas is not None and canonical.get("scale") is None else ("scale",)
        count = canonical.get("scale") if canonical.get("scale") is not None else replicas
        if count is not None and count > 1:
            hint = "declare it once per container, or remove the number"
            self._problem(name, path, f"{count} containers of one service are not available yet", hint)
        return count != 0

    def _refuse(self, name: str, canonical: Canonical) -> None:
        environment = canonical.get("environment") or {}
        rest = {part: value for part, value in canonical.items() if part not in ("configs", "secrets")}
        for path, ref in self.loaded.marks.inside(rest):
            whole = path[0] == "environment" and self.loaded.marks.secret(environment.get(path[1])) is not None
            if not whole:
                self.problems.append(misplaced(name, path, ref, self.loaded))

    def _needs(self, name: str, canonical: Canonical, services: Mapping[str, Canonical]) -> Iterator[Key]:
        for other, dependency in (canonical.get("depends_on") or {}).items():
            if other in services:
                yield self._key(other)
                if dependency.get("condition") == _COMPLETED:
                    self._must_end(other, services[other], name)
            elif dependency.get("required", True):
                hint = "give it a container, or say `required: false`"
                self._problem(name, ("depends_on", other), f"the service `{other}` has no container to depend on", hint)

    def _must_end(self, name: str, canonical: Canonical, waiting: str) -> None:
        policy = (canonical.get("deploy") or {}).get("restart_policy") or {}
        place: tuple[str, ...] = ("deploy", "restart_policy") if policy else ("restart",)
        restart = str(policy.get("condition", "any") if policy else canonical.get("restart") or "no").partition(":")[0]
        if restart not in _ENDING:
            message = f"`{waiting}` waits for `{name}` to end, and with the restart policy {restart!r} it starts again"
            self._problem(name, place, message, 'say `restart: "no"` or `restart: on-failure`')

    def _mount(self, mount: Mapping[str, Any]) -> dict[str, Any]:
        source = mount.get("source")
        if mount["type"] == "bind":
            return {**mount, "source": self.loaded.repository.mounted(str(source))}
        if mount["type"] == "volume" and source:
            volume = self.loaded.project.volumes.get(source)
            if volume is None:
                return {"type": "volume", "target": mount.get("target")}  # told already: it is not declared
            return {**mount, "source": volume["name"], **self._owner("volume", source, volume)}
        return dict(mount)

    def _networks(self, name: str, canonical: Canonical) -> Iterator[tuple[str, dict[str, Any]]]:
        aliases = [name, *self._links.get(name, ())]
        for each, attachment in (canonical.get("networks") or {}).items():
            network = self.loaded.project.networks.get(each)
            if network is None:
                continue  # told already: it is not declared
            given = attachment or {}
            names = list(dict.fromkeys([*aliases, *(given.get("aliases") or ())]))
            yield network["name"], {**given, "aliases": names, **self._owner("network", each, network)}

    def _owner(self, kind: str, name: str, resource: Mapping[str, Any]) -> dict[str, Any]:
        return {"external": True} if resource.get("external") else {"resource": str(key(kind, self.loaded.stack, name))}

    def _reference(self, text: str) -> str:
        """A namespace of another service by the name that the service has here."""
        return f"service:{self._key(text.removeprefix('service:')).name}" if text.startswith("service:") else text

    def _donor(self, text: str) -> str:
        """A service to take volumes from by its name here."""
        if text.startswith("container:"):
            return text
        service, colon, access = text.partition(":")
        return f"{self._key(service).name}{colon}{access}"

    def _key(self, name: str) -> Key:
        return key("service", self.loaded.stack, name)

    def _problem(self, name: str, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        self.problems.append(self.loaded.written.problem("services", name, path, message, hint))
