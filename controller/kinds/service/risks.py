"""What a container could do to its host, judged on the very call that would create it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from controller.core.resource import Risk

_SENSITIVE = (
    "/etc", "/proc", "/sys", "/boot", "/root", "/dev", "/run", "/var/run", "/usr", "/bin", "/sbin", "/lib", "/lib64",
    "/var/lib/docker", "/var/lib/containerd", "/var/lib/homelabhub", "/var/spool/cron",
)  # fmt: skip
_HARMLESS_TO_READ = ("/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/usr/share/zoneinfo", "/usr/share/ca-certificates")
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock")
_SOCKET_FOLDERS = ("/", "/run", "/var/run", "/var")
_HARMLESS_CAPABILITIES = frozenset(
    ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",
     "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "SYS_NICE"]
)  # fmt: skip
_HOST_MODES = {"NetworkMode": "host-network", "PidMode": "host-pid", "IpcMode": "host-ipc", "UTSMode": "host-uts",
               "UsernsMode": "host-userns", "CgroupnsMode": "host-cgroup"}  # fmt: skip
_STRANGER = "container:container:"
"""A namespace of a container that no Service declares; ids are not looked up when a specification is judged."""
_HOME_DEPTH = 3
_KEYS = (".ssh", ".gnupg", ".config", ".docker", ".aws", ".kube")
_STATE = [".local", "state", "homelabhub"]


def risks(body: Mapping[str, Any], ours: str = "") -> tuple[Risk, ...]:
    """Every risk in the body of a create call, sorted by name. `ours` is the folder whose contents we put there ourselves."""
    host = body["HostConfig"]
    found = [*_rights(host), *_paths(host, ours)]
    return tuple(sorted({risk.name: risk for risk in found}.values(), key=lambda risk: risk.name))


def path_risks(source: str, *, read_only: bool) -> Iterable[Risk]:
    """The risks of giving a container a path of the host."""
    # Two leading slashes are a different path to POSIX and the same one to Linux.
    path = posixpath.normpath("/" + source.lstrip("/"))
    if posixpath.basename(path) in _SOCKETS or path in _SOCKET_FOLDERS:
        yield Risk("docker-socket", f"{path} gives control over every container and so over the host")
    if read_only and any(_within(path, each) for each in _HARMLESS_TO_READ):
        return
    if path == "/" or any(_within(path, each) or _within(each, path) for each in _SENSITIVE) or _home(path):
        yield Risk(f"host-path:{path}", f"{path} belongs to the host itself")


def _rights(host: Mapping[str, Any]) -> Iterable[Risk]:
    if host.get("Privileged"):
        yield Risk("privileged", "all rights on the host")
    for key, name in _HOST_MODES.items():
        if host.get(key) == "host":
            yield Risk(name, f"shares the {name.removeprefix('host-')} namespace of the host")
        elif str(host.get(key, "")).startswith(_STRANGER):
            owner = str(host[key]).removeprefix(_STRANGER)
            yield Risk(f"container-{name.removeprefix('host-')}:{owner}", f"shares a namespace with the container {owner}")
    for capability in host.get("CapAdd") or ():
        name = str(capability).upper().removeprefix("CAP_")
        if name not in _HARMLESS_CAPABILITIES:
            yield Risk(f"cap:{name}", f"the capability {name}")
    for device in host.get("Devices") or ():
        yield Risk(f"device:{device['PathOnHost']}", f"the device {device['PathOnHost']}")
    for request in host.get("DeviceRequests") or ():
        kind = ",".join((request.get("Capabilities") or [["device"]])[0])
        yield Risk(f"device:{kind}", f"devices of the host by request ({kind})")
    for rule in host.get("DeviceCgroupRules") or ():
        yield Risk(f"device-rule:{rule}", f"devices by rule {rule}")
    for option in host.get("SecurityOpt") or ():
        text = str(option).replace(":", "=", 1)
        if text.endswith(("unconfined", "=disable")) or text.startswith(("label=", "systempaths=")):
            yield Risk(f"security-opt:{text}", f"weaker confinement ({text})")
    for name in sorted(host.get("Sysctls") or {}):
        yield Risk(f"sysctl:{name}", f"the kernel parameter {name}")
    for key, name in (("CgroupParent", "cgroup-parent"), ("Runtime", "runtime")):
        if host.get(key) and host[key] != "runc":
            yield Risk(f"{name}:{host[key]}", f"{name} {host[key]}")
    for donor in host.get("VolumesFrom") or ():
        yield Risk(f"volumes-from:{donor}", f"everything that {donor} has mounted")
    if host.get("OomKillDisable"):
        yield Risk("oom-kill-disable", "it may take the host's last memory")


def _paths(host: Mapping[str, Any], ours: str) -> Iterable[Risk]:
    for bind in host.get("Binds") or ():
        source, _, rest = str(bind).partition(":")
        if source.startswith("/") and not (ours and _within(source, ours)):
            yield from path_risks(source, read_only="ro" in rest.partition(":")[2].split(","))
    for mount in host.get("Mounts") or ():
        source = str(mount.get("Source", ""))
        if mount.get("Type") == "bind" and not (ours and _within(source, ours)):
            yield from path_risks(source, read_only=bool(mount.get("ReadOnly")))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _home(path: str) -> bool:
    """True for all homes, a whole home, and the keys in one, the controller's among them."""
    parts = path.strip("/").split("/")
    if parts[0] != "home":
        return False
    inside = parts[2:5]
    return len(parts) < _HOME_DEPTH or parts[2] in _KEYS or inside == _STATE[: len(inside)]
