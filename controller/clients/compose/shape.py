"""Short syntax turned into long syntax, attribute by attribute; long syntax stays as it is, so that it can be done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Faults, Findings, Invalid
from controller.clients.compose.mounts import parse_mount
from controller.clients.compose.ports import parse_port
from controller.clients.compose.text import text_of

_Step: TypeAlias = Callable[[Data], Data]


def shape(file: dict[str, Data], findings: Findings) -> None:
    """Give every attribute of a checked file its long form, in place; what cannot be read is a finding and is dropped."""
    for name, service in (file.get("services") or {}).items():
        if isinstance(service, dict):
            _apply(service, _SERVICE, findings, ("services", name))
            for index, hook in enumerate(service.get("pre_start") or []):
                _apply(hook, _CONTAINER, findings, ("services", name, "pre_start", index))
    for section in ("networks", "volumes", "secrets", "configs"):
        for name, resource in (file.get(section) or {}).items():
            if isinstance(resource, dict) and isinstance(resource.get("external"), dict):
                _external(resource, findings, (section, name))


def _apply(owner: dict[str, Data], steps: dict[str, _Step], findings: Findings, path: tuple[str | int, ...]) -> None:
    for key in owner.keys() & steps.keys():
        try:
            owner[key] = steps[key](owner[key])
        except Invalid as error:
            findings.add_invalid((*path, key), error)
            del owner[key]


def _external(resource: dict[str, Data], findings: Findings, path: tuple[str | int, ...]) -> None:
    name = resource["external"].get("name")
    resource["external"] = True
    if name is not None and resource.setdefault("name", name) != name:
        findings.add(path, "`name` and `external.name` say different names", "keep only `name`")


def each(step: _Step) -> _Step:
    """The step for every entry of a list; says which entry is wrong."""

    def steps(entries: Data) -> Data:
        found, faults = [], Faults()
        for index, entry in enumerate(entries or []):
            try:
                found.append(step(entry))
            except Invalid as error:
                faults.add(index, error)
        faults.settle()
        return found

    return steps


def listed(value: Data) -> Data:
    """One text as a list of one."""
    return [value] if isinstance(value, str) else value


def _without_empty(value: Data) -> Data:
    return [entry for entry in listed(value) or [] if entry not in ("", None)]


def _mapped(value: Data) -> Data:
    return dict.fromkeys(value) if isinstance(value, list) else value


def _mount(entry: Data) -> Data:
    return parse_mount(entry) if isinstance(entry, str) else entry


def _device(entry: Data) -> Data:
    if not isinstance(entry, str):
        return entry
    source, *rest = entry.split(":")
    if len(rest) > 2:
        raise Invalid(f"`{entry}` has too many colons", "write SOURCE:TARGET:PERMISSIONS, or use the long syntax")
    target = rest[0] if rest and rest[0] else source
    return {"source": source, "target": target, "permissions": rest[1] if len(rest) == 2 else "rwm"}


def _file_mount(entry: Data) -> Data:
    return {"source": entry} if isinstance(entry, str) else entry


def _env_file(entry: Data) -> Data:
    return {"path": entry, "required": True} if isinstance(entry, str) else {"required": True} | entry


def _env_files(value: Data) -> Data:
    return each(_env_file)(listed(value))


def _gpus(value: Data) -> Data:
    return [{"count": "all"}] if isinstance(value, str) else value


def _ulimits(value: Data) -> Data:
    faults = Faults()
    for name, limit in value.items():
        if not isinstance(limit, dict) and type(limit) is not int:
            faults.add(name, Invalid(f"`{text_of(limit)}` is not a limit", "write a whole number"))
    faults.settle()
    return value


def _depends_on(value: Data) -> Data:
    if isinstance(value, list):
        return {name: {"condition": "service_started", "required": True} for name in value}
    return {name: {"condition": "service_started", "required": True} | dependency for name, dependency in value.items()}


def _ports(value: Data) -> Data:
    return [port for ports in each(_port)(value) for port in ports]


def _port(entry: Data) -> Data:
    return [entry] if isinstance(entry, dict) else parse_port(text_of(entry))


def _build(value: Data) -> Data:
    if isinstance(value, str):
        return {"context": value}
    return {"context": "."} | {key: _BUILD[key](part) if key in _BUILD else part for key, part in value.items()}


def _pairs(value: Data) -> Data:
    if not isinstance(value, list):
        return value
    return {name: part if equals else None for name, equals, part in (entry.partition("=") for entry in value)}


def _develop(value: Data) -> Data:
    for rule in (value or {}).get("watch") or []:
        for key in ("ignore", "include"):
            if key in rule:
                rule[key] = listed(rule[key])
    return value


_CONTAINER: dict[str, _Step] = {
    "env_file": _env_files,
    "label_file": listed,
    "gpus": _gpus,
    "networks": _mapped,
    "models": _mapped,
    "volumes": each(_mount),
    "dns": _without_empty,
    "devices": each(_device),
    "secrets": each(_file_mount),
    "configs": each(_file_mount),
    "ulimits": _ulimits,
}
_SERVICE: dict[str, _Step] = {
    **_CONTAINER,
    "depends_on": _depends_on,
    "ports": _ports,
    "build": _build,
    "develop": _develop,
}
_BUILD: dict[str, _Step] = {
    "secrets": each(_file_mount),
    "provenance": text_of,
    "sbom": text_of,
    "additional_contexts": _pairs,
    "ssh": _pairs,
    "ulimits": _ulimits,
}
