"""Entries of a list that mean the same thing: the last one takes the place of the first.

Which part of an entry names it depends on the attribute: the target of a mount, the name of a variable, host and port."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.mounts import parse_mount
from controller.clients.compose.text import text_of

_Key: TypeAlias = Callable[[Data, Path], str]


_ANY_ADDRESS = "0.0.0.0"  # noqa: S104  (what Compose takes for an unnamed address when it compares ports)


def without_doubles(entries: list[Data], key: _Key, path: Path) -> list[Data]:
    """`entries` with each key once, at its first place with its last value; raises Invalid for an entry without a key."""
    found: dict[str, Data] = {}
    for index, entry in enumerate(entries):
        found[key(entry, (*path, index))] = entry
    return list(found.values())


def unify(file: dict[str, Data], findings: Findings | None = None) -> None:
    """Remove doubles from every list of a file whose entries have keys, in place.

    A list with an entry without a key is a finding and is dropped; without `findings` it is left alone for later checks."""
    for name, service in _maps(file.get("services")):
        for attribute in service.keys() & _SERVICE.keys():
            _unify_one(service, attribute, _SERVICE[attribute], ("services", name), findings)
        for parent in service.keys() & _NESTED.keys():
            for attribute, key in _NESTED[parent].items():
                _unify_one(service[parent], attribute, key, ("services", name, parent), findings)
        for network, attachment in _maps(service.get("networks")):
            for attribute in ("aliases", "link_local_ips"):
                _unify_one(attachment, attribute, key_of, ("services", name, "networks", network), findings)
    for name, resource in _maps(file.get("networks")):
        _unify_one(resource, "labels", key_of, ("networks", name), findings)


def _maps(section: Data) -> list[tuple[str, dict[str, Data]]]:
    return [(name, value) for name, value in section.items() if isinstance(value, dict)] if isinstance(section, dict) else []


def _unify_one(owner: Data, attribute: str, key: _Key, path: Path, findings: Findings | None) -> None:
    entries = owner.get(attribute) if isinstance(owner, dict) else None
    if isinstance(entries, list) and entries:
        try:
            owner[attribute] = without_doubles(entries, key, (*path, attribute))
        except Invalid as error:
            if findings is not None:
                findings.add_invalid((), error)
                del owner[attribute]


def key_of(entry: Data, path: Path) -> str:
    """The name in `NAME=value`."""
    if not isinstance(entry, str):
        raise Invalid(
            f"`{text_of(entry)}` must be text", "write it in quotes" if not isinstance(entry, dict | list) else "", path
        )
    return entry.partition("=")[0]


def _mount_target(entry: Data, path: Path) -> str:
    if isinstance(entry, dict):
        if not isinstance(entry.get("target"), str):
            raise Invalid("a mount without a target", "say `target:`, the path inside the container", path)
        return str(entry["target"])
    try:
        return str(parse_mount(entry)["target"]) if isinstance(entry, str) else ""
    except Invalid as error:
        raise Invalid(error.message, error.hint, path) from None


def _device_target(entry: Data, path: Path) -> str:
    if isinstance(entry, dict):
        if not isinstance(entry.get("target"), str):
            raise Invalid("a device without a target", "say `target:`, the path inside the container", path)
        return str(entry["target"])
    parts = str(entry).split(":")
    return parts[0] if len(parts) == 1 else parts[1]


def _exposed(entry: Data, path: Path) -> str:
    if not isinstance(entry, str | int) or isinstance(entry, bool):
        raise Invalid(f"`{text_of(entry)}` is not a port", "write a port or a range in quotes", path)
    return text_of(entry)


def _file_target(folder: str) -> _Key:
    def key(entry: Data, path: Path) -> str:
        if isinstance(entry, dict):
            return str(entry["target"]) if "target" in entry else f"{folder}/{entry.get('source')}"
        if not isinstance(entry, str):
            raise Invalid(f"`{text_of(entry)}` must be a name or a map", at=path)
        return f"{folder}/{entry}"

    return key


def _port(entry: Data, path: Path) -> str:
    if isinstance(entry, dict):
        if "target" not in entry:
            raise Invalid("a port without a target", "say `target:`, the port inside the container", path)
        published = entry.get("published")
        host, protocol = entry.get("host_ip", _ANY_ADDRESS), entry.get("protocol", "tcp")
        return f"{host}:{published}:{entry['target']}/{protocol}"
    return text_of(entry)


def _env_file(entry: Data, path: Path) -> str:
    if isinstance(entry, dict):
        if "path" not in entry:
            raise Invalid("an env_file entry without a path", "say `path:`", path)
        return str(entry["path"])
    return text_of(entry)


_NAMED = "annotations cap_add cap_drop dns dns_opt dns_search environment labels links profiles sysctls tmpfs"
_SERVICE: dict[str, _Key] = {
    **dict.fromkeys(_NAMED.split(), key_of),
    "configs": _file_target(""),
    "devices": _device_target,
    "env_file": _env_file,
    "expose": _exposed,
    "ports": _port,
    "secrets": _file_target("/run/secrets"),
    "volumes": _mount_target,
}
_NESTED: dict[str, dict[str, _Key]] = {
    "build": dict.fromkeys(["args", "additional_contexts", "tags", "labels"], key_of),
    "deploy": {"labels": key_of},
}
