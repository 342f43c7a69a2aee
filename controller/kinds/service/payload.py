"""The create call for a service: its normal form in an engine's words. Pure; secrets are revealed and ids found by the caller."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.compose import parse_duration
from controller.core.errors import Permanent
from controller.core.secret import SecretVersion, secret_in
from controller.core.state import State
from controller.kinds.service import endpoints, fields, mounts
from controller.kinds.service.projection import BLKIO_DEVICES, HEALTH_TIMES, NANO

START_INTERVAL = (1, 44)
_EAGER = "1s"
_NAMESPACES = {"ipc": "IpcMode", "pid": "PidMode"}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a create call needs beside the normal form: the negotiated API version, the reference that names the image, our
    folders, anonymous volumes to go on with, the revealer of secrets, the finder of container ids, and our labels."""

    api: tuple[int, int]
    image: str
    roots: mounts.Roots
    inherited: Mapping[str, str]
    reveal: Callable[[SecretVersion], str]
    container_id: Callable[[str], str]
    labels: Mapping[str, str]


def create(state: State, address: str, around: Circumstances, *, quiet: bool = False) -> dict[str, Any]:
    """The body of a create call. The restart policy is `no`: the real one comes after the probation. A `quiet` container has no
    aliases. More than one network goes into the call only where the engine takes it (API 1.44)."""
    host: dict[str, Any] = {
        **fields.written(state, fields.HOST),
        **limits(state),
        **mounts.payload(state, address, around.roots, around.inherited),
        "RestartPolicy": {"Name": "no"},
        "PortBindings": _port_bindings(state),
        "CapAdd": state.get("cap_add"),
        "CapDrop": state.get("cap_drop"),
        "Devices": _devices(state),
        "DeviceRequests": [_request(each) for each in state.get("device_requests") or ()] or None,
        "Ulimits": [
            {"Name": name, "Soft": each["soft"], "Hard": each["hard"]} for name, each in (state.get("ulimits") or {}).items()
        ],
        "ExtraHosts": [each.replace("=", ":", 1) for each in state.get("extra_hosts") or ()],
        "LogConfig": _logging(state),
        "VolumesFrom": endpoints.donors(state, around.container_id) or None,
        **_namespaces(state, around.container_id),
    }
    body: dict[str, Any] = {
        **fields.written(state, fields.CONFIG),
        "Image": around.image,
        "Env": environment(state, around.reveal),
        "Labels": {**(state.get("labels") or {}), **around.labels},
        "ExposedPorts": {port: {} for port in (*(state.get("expose") or ()), *(state.get("ports") or ()))},
        "Healthcheck": _healthcheck(state, around.api),
        "StopTimeout": stop_timeout(state),
        "HostConfig": {name: value for name, value in host.items() if value is not None},
    }
    body.update(_networks(state, around, body["HostConfig"], quiet))
    return {name: value for name, value in body.items() if value is not None}


def limits(state: State) -> dict[str, Any]:
    """Limits that have a form of their own, for create and update."""
    found: dict[str, Any] = {}
    if "cpus" in state:
        found["NanoCpus"] = round(state["cpus"] * NANO)
    blkio: Mapping[str, Any] = state.get("blkio_config") or {}
    if "weight" in blkio:
        found["BlkioWeight"] = blkio["weight"]
    for name, key in BLKIO_DEVICES.items():
        if name in blkio:
            amount = "Weight" if name == "weight_device" else "Rate"
            found[key] = [{"Path": path, amount: value} for path, value in blkio[name].items()]
    return found


def restart_policy(text: str) -> dict[str, Any]:
    """`on-failure:3` in an engine's words."""
    name, _, count = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count)} if count else {"Name": name}


def stop_timeout(state: State) -> int | None:
    """Whole seconds between asking a container to stop and killing it, or None for the engine's default."""
    text = state.get("stop_grace_period")
    return math.ceil(parse_duration(text) / NANO) if text else None


def environment(state: State, reveal: Callable[[SecretVersion], str]) -> list[str]:
    """Variables as an engine takes them. A variable without a value removes the image's. Raises Permanent for a value that no
    variable can hold."""
    lines = []
    for name, value in sorted((state.get("environment") or {}).items()):
        version = secret_in(value)
        text = reveal(version) if version is not None else value
        if version is not None and (any("\ud800" <= each <= "\udfff" for each in text) or "\0" in text):
            raise Permanent(f"the value of {name} is not text, which no variable can hold: give it to the service as a file")
        lines.append(name if text is None else f"{name}={text}")
    return lines


def extra_networks(state: State, api: tuple[int, int]) -> list[str]:
    """Networks that must be attached after the create call, and before the start."""
    names = sorted(endpoints.early(state))
    return [] if api >= START_INTERVAL else [name for name in names if name != endpoints.primary(state)]


def _networks(state: State, around: Circumstances, host: dict[str, Any], quiet: bool) -> dict[str, Any]:
    mode = state.get("network_mode")
    if mode:
        host["NetworkMode"] = _namespace(str(mode), around.container_id)
        return {}
    networks = endpoints.early(state)
    first = endpoints.primary(state)
    host["NetworkMode"] = first
    late = extra_networks(state, around.api)
    config = {name: endpoints.endpoint(entry, quiet=quiet) for name, entry in networks.items() if name not in late}
    body: dict[str, Any] = {"NetworkingConfig": {"EndpointsConfig": config}} if config else {}
    if around.api < START_INTERVAL and networks.get(first, {}).get("mac_address"):
        body["MacAddress"] = networks[first]["mac_address"]
    return body


def _namespaces(state: State, container_id: Callable[[str], str]) -> dict[str, str]:
    return {key: _namespace(str(state[name]), container_id) for name, key in _NAMESPACES.items() if state.get(name)}


def _namespace(mode: str, container_id: Callable[[str], str]) -> str:
    return f"container:{container_id(mode)}" if mode.startswith(("service:", "container:")) else mode


def _port_bindings(state: State) -> dict[str, list[dict[str, str]]] | None:
    found = {}
    for port, several in (state.get("ports") or {}).items():
        found[port] = [_binding(each) for each in several]
    return found or None


def _binding(text: str) -> dict[str, str]:
    address, _, port = text.rpartition(":")
    return {"HostIp": address.strip("[]"), "HostPort": port}


def _devices(state: State) -> list[dict[str, str]] | None:
    return [
        {"PathInContainer": target, "PathOnHost": each["source"], "CgroupPermissions": each["permissions"]}
        for target, each in (state.get("devices") or {}).items()
    ] or None


def _request(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "Driver": given.get("driver", ""),
        "Count": given.get("count", 0),
        "DeviceIDs": given.get("device_ids"),
        "Capabilities": [given.get("capabilities") or ["gpu"]],
        "Options": given.get("options"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _logging(state: State) -> dict[str, Any] | None:
    given: Mapping[str, Any] = state.get("logging") or {}
    return {"Type": given.get("driver", ""), "Config": dict(given.get("options") or {})} if given else None


def _healthcheck(state: State, api: tuple[int, int]) -> dict[str, Any] | None:
    given: Mapping[str, Any] = state.get("healthcheck") or {}
    if not given:
        return None
    found: dict[str, Any] = {"Test": given.get("test") or []}
    found.update({key: parse_duration(given[name]) for key, name in HEALTH_TIMES.items() if name in given})
    if "retries" in given:
        found["Retries"] = given["retries"]
    # Without it an engine checks only every 5 s while the service starts, and a good one waits for its gate.
    if api >= START_INTERVAL and "start_interval" not in given and found["Test"] != ["NONE"]:
        found["StartInterval"] = parse_duration(_EAGER)
    return found
