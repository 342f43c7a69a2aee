"""What is mounted into a service, by path inside: from the normal form into a create call, and back from what an engine shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from controller.core.state import State

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_NEEDS_THE_LONG_FORM = ("nocopy", "subpath", "labels")
SHARED = "shared"
_SCRATCH = "homelab.scratch"

Volumes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Roots:
    """Where our own folders are on an engine's machine: `content` of laid-out files ("" = that machine cannot see them, so
    contents are copied into containers) and `data` for the relative, writable folders of services."""

    content: str
    data: str

    def source(self, entry: Mapping[str, Any], address: str) -> str:
        """The path on that machine that an entry of the normal form stands for."""
        if entry["type"] == "data":
            return str(PurePosixPath(self.data) / entry["source"])
        if entry["type"] in ("file", "folder"):
            owner = SHARED if entry.get("read_only") else address
            return str(PurePosixPath(self.content) / owner / f"{entry['type']}-{entry['digest']}")
        return str(entry.get("source", ""))

    def entry(self, source: str) -> dict[str, Any]:
        """What a path on that machine stands for in the normal form."""
        if self.content and source.startswith(self.content + "/"):
            kind, _, digest = source.rpartition("/")[2].partition("-")
            return {"type": kind, "digest": digest}
        if self.data and source.startswith(self.data + "/"):
            return {"type": "data", "source": source[len(self.data) + 1 :]}
        return {"type": "bind", "source": source}


def payload(state: State, address: str, roots: Roots, inherited: Mapping[str, str]) -> dict[str, Any]:
    """`Binds` and `Mounts` of a create call. `inherited` are anonymous volumes of the predecessor, by path inside, so that
    their data stays."""
    binds: list[str] = []
    mounts: list[dict[str, Any]] = []
    volumes: Volumes = state.get("volumes") or {}
    for target, entry in volumes.items():
        if entry["type"] in ("file", "folder") and not roots.content:
            continue
        source = inherited.get(target, "") if _anonymous(entry) else roots.source(entry, address)
        short = _short(source, target, entry)
        if short:
            binds.append(short)
        else:
            mounts.append(_long(source, target, entry))
    for target, entry in (state.get("configs") or {}).items():
        if bound(entry, roots) and target not in volumes:
            source = roots.source({"type": "file", "digest": entry["digest"], "read_only": True}, address)
            binds.append(f"{source}:{target}:ro")
    mounts += [
        {"Type": "volume", "Source": name, "Target": target} for target, name in inherited.items() if target not in volumes
    ]
    return {"Binds": sorted(binds), "Mounts": sorted(mounts, key=lambda mount: str(mount["Target"]))}


def bound(entry: Mapping[str, Any], roots: Roots) -> bool:
    """True for a config that is mounted; those with an owner or a mode of their own are copied in."""
    return bool(roots.content) and not {"uid", "gid", "mode"} & entry.keys()


def shown(details: Mapping[str, Any], roots: Roots, delivered: Mapping[str, Any]) -> dict[str, Any]:
    """`volumes` and `configs` as an inspected container shows them."""
    volumes: dict[str, Any] = dict(delivered.get("volumes") or {})
    configs: dict[str, Any] = dict(delivered.get("configs") or {})
    long = {mount["Target"]: mount for mount in details["HostConfig"].get("Mounts") or ()}
    options = _bind_options(details["HostConfig"].get("Binds") or ())
    for mount in details.get("Mounts") or ():
        target = mount["Destination"]
        entry = _entry(mount, roots, options.get(target, ()), long.get(target, {}))
        volumes[target] = entry
        if entry["type"] == "file" and entry.get("read_only"):
            configs[target] = {"digest": entry["digest"]}
    for target, mount in long.items():
        if mount.get("Type") == "tmpfs" and target not in volumes:
            volumes[target] = _entry({"Type": "tmpfs", "RW": not mount.get("ReadOnly")}, roots, (), mount)
    return {name: found for name, found in (("volumes", volumes), ("configs", configs)) if found}


def scratch(target: str) -> dict[str, Any]:
    """A volume that holds only what is copied into one container."""
    return {"Type": "volume", "Target": target, "VolumeOptions": {"Labels": {_SCRATCH: "yes"}}}


def anonymous(details: Mapping[str, Any]) -> dict[str, str]:
    """Anonymous volumes of a container with data, by path inside."""
    # The next container gets scratch volumes of its own: its secrets must not appear in the one that may have to come back.
    ours = {
        mount["Target"]
        for mount in details["HostConfig"].get("Mounts") or ()
        if _SCRATCH in ((mount.get("VolumeOptions") or {}).get("Labels") or {})
    }
    return {
        mount["Destination"]: mount["Name"]
        for mount in details.get("Mounts") or ()
        if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(mount.get("Name", "")) and mount["Destination"] not in ours
    }


def _anonymous(entry: Mapping[str, Any]) -> bool:
    return entry["type"] == "volume" and not entry.get("source")


def _short(source: str, target: str, entry: Mapping[str, Any]) -> str:
    """The short form, in which the engine makes a missing folder; "" where it cannot say what is wanted."""
    if entry["type"] not in ("bind", "data", "file", "folder", "volume") or not source or ":" in source + target:
        return ""
    if entry.get("create_host_path") is False or any(name in entry for name in _NEEDS_THE_LONG_FORM):
        return ""
    words = ["ro" if entry.get("read_only") else "rw", entry.get("selinux", ""), entry.get("propagation", "")]
    return f"{source}:{target}:{','.join(word for word in words if word)}"


def _long(source: str, target: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = "bind" if entry["type"] in ("data", "file", "folder") else entry["type"]
    mount: dict[str, Any] = {"Type": kind, "Target": target, "ReadOnly": bool(entry.get("read_only"))}
    if source:
        mount["Source"] = source
    if kind == "bind" and entry.get("propagation"):
        mount["BindOptions"] = {"Propagation": entry["propagation"]}
    if kind == "volume":
        options = {"NoCopy": entry.get("nocopy"), "Subpath": entry.get("subpath"), "Labels": entry.get("labels")}
        mount["VolumeOptions"] = {name: value for name, value in options.items() if value}
    if kind == "tmpfs":
        options = {"SizeBytes": entry.get("size"), "Mode": entry.get("mode")}
        mount["TmpfsOptions"] = {name: value for name, value in options.items() if value}
    if kind == "image" and entry.get("subpath"):
        mount["ImageOptions"] = {"Subpath": entry["subpath"]}
    return mount


def _entry(mount: Mapping[str, Any], roots: Roots, options: tuple[str, ...], long: Mapping[str, Any]) -> dict[str, Any]:
    kind = mount["Type"]
    entry: dict[str, Any] = {"type": kind}
    if kind == "bind":
        entry = roots.entry(mount["Source"])
        entry["propagation"] = mount.get("Propagation") or "rprivate"
        relabel = [word for word in options if word in ("z", "Z")]
        entry.update({"selinux": relabel[0]} if relabel else {})
    elif kind == "volume":
        name = mount.get("Name", "")
        entry["source"] = "" if _ANONYMOUS.fullmatch(name) else name
        given = long.get("VolumeOptions") or {}
        wanted = {"nocopy": given.get("NoCopy"), "subpath": given.get("Subpath"), "labels": given.get("Labels")}
        entry.update({key: value for key, value in wanted.items() if value})
    elif kind == "tmpfs":
        given = long.get("TmpfsOptions") or {}
        wanted = {"size": given.get("SizeBytes"), "mode": given.get("Mode")}
        entry.update({key: value for key, value in wanted.items() if value})
    elif kind == "image":
        entry["source"] = long.get("Source", "")
        entry.update({"subpath": long["ImageOptions"]["Subpath"]} if long.get("ImageOptions") else {})
    entry["read_only"] = not mount.get("RW", True)
    return entry


def _bind_options(binds: tuple[str, ...] | list[str]) -> dict[str, tuple[str, ...]]:
    found = {}
    for bind in binds:
        parts = bind.split(":")
        if len(parts) == 3:
            found[parts[1]] = tuple(parts[2].split(","))
    return found
