"""A container as an engine shows it, in the normal form of a service: every field, so that any declared one can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.compose import format_duration
from controller.clients.docker import LOCAL, ImageName, digest_of, parse_image
from controller.kinds.service import endpoints, fields, mounts, names
from controller.kinds.service.secrets import is_sensitive
from controller.kinds.service.spot import EDITED

HEALTH_TIMES = {"Interval": "interval", "Timeout": "timeout", "StartPeriod": "start_period", "StartInterval": "start_interval"}
BLKIO_DEVICES = {
    "weight_device": "BlkioWeightDevice",
    "device_read_bps": "BlkioDeviceReadBps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}
NANO = 1_000_000_000
Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Eyes:
    """What reading a container needs: the keyed fingerprint for secret values, our folders, the engine's images by id, what a
    container's id is called now, and what it was called before a replacement parked it."""

    fingerprint: Callable[[str], str]
    roots: mounts.Roots
    image: Callable[[str], Details | None]
    name_of: Callable[[str], str]
    name_then: Callable[[str], str]


def project(details: Details, address: str, eyes: Eyes) -> dict[str, Any]:
    """The normal form that a container shows as the one that stands for `address`."""
    config, host = details["Config"], details["HostConfig"]
    name_of = eyes.name_then if str(details["Name"]).endswith(names.PREV) else eyes.name_of
    labels = config.get("Labels") or {}
    given = _delivered(details, labels)
    found: dict[str, Any] = {
        "status": status(details),
        "container_name": _name(details, address),
        "restart": _restart(details, labels, address),
        **_image(details, eyes),
        **fields.shown(details),
        "environment": _environment(config.get("Env") or (), labels, eyes),
        "labels": names.without_marks(labels),
        "healthcheck": _healthcheck(config.get("Healthcheck") or {}),
        "cap_add": capabilities(host.get("CapAdd") or ()),
        "cap_drop": capabilities(host.get("CapDrop") or ()),
        "devices": _devices(host.get("Devices") or ()),
        "device_requests": [_request(each) for each in host.get("DeviceRequests") or ()],
        "ulimits": {each["Name"]: {"soft": each["Soft"], "hard": each["Hard"]} for each in host.get("Ulimits") or ()},
        "extra_hosts": sorted("{}={}".format(*_host(each)) for each in host.get("ExtraHosts") or ()),
        "logging": _logging(host.get("LogConfig") or {}),
        "ports": _ports(host.get("PortBindings") or {}),
        "expose": dict.fromkeys(sorted(config.get("ExposedPorts") or {}), True),
        "blkio_config": _blkio(host),
        "ipc": endpoints.referenced(host.get("IpcMode") or "", name_of),
        "pid": endpoints.referenced(host.get("PidMode") or "", name_of),
        "volumes_from": endpoints.donated(host.get("VolumesFrom"), name_of),
        "secrets": given.get("secrets") or {},
        "edge": names.edge(labels),
        **mounts.shown(details, eyes.roots, given),
        **endpoints.shown(details, name_of),
    }
    if host.get("NanoCpus"):
        found["cpus"] = host["NanoCpus"] / NANO
    if config.get("StopTimeout") is not None:
        found["stop_grace_period"] = format_duration(config["StopTimeout"] * NANO)
    if found.get("hostname") == details["Id"][:12]:
        del found["hostname"]
    if str(host.get("NetworkMode", "")).startswith("container:"):
        # It shows the names of the container whose network it lives in, and ports of its image that no create call may repeat.
        found = {name: value for name, value in found.items() if name not in ("hostname", "domainname", "expose")}
    return {name: value for name, value in found.items() if value not in ("", [], {}, None) or name == "networks"}


def _delivered(details: Details, labels: Mapping[str, str]) -> dict[str, Any]:
    """Copied contents; one that was changed inside shows only that."""
    edited = details.get(EDITED) or ()
    given = names.delivered(labels)
    return {
        part: {target: "changed by hand" if target in edited else entry for target, entry in entries.items()}
        for part, entries in given.items()
    }


def status(details: Details) -> str:
    """`running` (also while its policy restarts it), `paused`, `created`, `dead`, or `exited (CODE)`."""
    state = details["State"]
    word = str(state.get("Status", ""))
    if word == "exited":
        return f"exited ({state.get('ExitCode', 0)})"
    return "running" if word == "restarting" else word


def capabilities(given: Any) -> list[str]:
    """Capabilities in one spelling: sorted, upper case, without the prefix."""
    return sorted({str(each).upper().removeprefix("CAP_") for each in given})


def split_reference(text: str) -> ImageName | None:
    """An image as a container shows it, or None when it only shows an id."""
    try:
        return None if text.startswith("sha256:") else parse_image(text)
    except ValueError:
        return None


def _name(details: Details, address: str) -> str:
    name = str(details["Name"]).lstrip("/")
    return address if name in names.family(address) else name


def _restart(details: Details, labels: Mapping[str, str], address: str) -> str:
    policy = details["HostConfig"].get("RestartPolicy") or {}
    name = policy.get("Name") or "no"
    _, coming, parked = names.family(address)
    if name == "no" and str(details["Name"]).lstrip("/") in (coming, parked) and names.RESTART in labels:
        return labels[names.RESTART] or "no"
    count = policy.get("MaximumRetryCount") or 0
    return f"{name}:{count}" if name == "on-failure" and count else name


def _image(details: Details, eyes: Eyes) -> dict[str, Any]:
    text, image_id = str(details["Config"]["Image"]), str(details["Image"])
    image = eyes.image(image_id)
    found: dict[str, Any] = {"image_digest": LOCAL + image_id}
    name = split_reference(text)
    if name is not None:
        found["image"] = text.partition("@")[0] if name.tag and name.digest else text
        found["image_digest"] = name.digest or (digest_of(image, name) if image is not None else LOCAL + image_id)
    if image is not None:
        found["platform"] = "/".join(part for part in (image.get("Os"), image.get("Architecture"), image.get("Variant")) if part)
    return found


def _environment(given: Any, labels: Mapping[str, str], eyes: Eyes) -> dict[str, Any]:
    secret = names.secret_names(labels)
    found: dict[str, Any] = {}
    for line in given:
        name, equals, value = str(line).partition("=")
        hidden = equals and (name in secret or is_sensitive(name, value))
        found[name] = {"fingerprint": eyes.fingerprint(value)} if hidden else (value if equals else None)
    return found


def _healthcheck(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"test": given["Test"]} if given.get("Test") else {}
    found.update({name: format_duration(given[key]) for key, name in HEALTH_TIMES.items() if given.get(key)})
    if given.get("Retries"):
        found["retries"] = given["Retries"]
    return found


def _devices(given: Any) -> dict[str, Any]:
    return {each["PathInContainer"]: {"source": each["PathOnHost"], "permissions": each["CgroupPermissions"]} for each in given}


def _request(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "driver": given.get("Driver"),
        "count": given.get("Count"),
        "device_ids": given.get("DeviceIDs"),
        "capabilities": (given.get("Capabilities") or [[]])[0],
        "options": given.get("Options"),
    }
    return {name: value for name, value in found.items() if value}


def _host(given: str) -> tuple[str, str]:
    """Host and address of an entry such as `name:1.2.3.4`, `name:::1` or `name=::1`."""
    at = min(index for index in (given.find("="), given.find(":"), len(given)) if index >= 0)
    return given[:at], given[at + 1 :].strip("[]")


def _logging(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {"driver": given.get("Type"), "options": given.get("Config")}
    return {name: value for name, value in found.items() if value}


def _ports(given: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        port: sorted(binding(each.get("HostIp", ""), each.get("HostPort", "")) for each in several or ())
        for port, several in given.items()
    }


def binding(address: str, port: str) -> str:
    """A host port with its address: `8096`, `127.0.0.1:53`, `[::1]:53`; "" for a port that the engine chooses."""
    shown = f"[{address}]" if ":" in address else address
    return f"{shown}:{port}" if address else port


def _blkio(host: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"weight": host["BlkioWeight"]} if host.get("BlkioWeight") else {}
    for name, key in BLKIO_DEVICES.items():
        amount = "Weight" if name == "weight_device" else "Rate"
        found.update({name: {each["Path"]: each[amount] for each in host[key]}} if host.get(key) else {})
    return found
