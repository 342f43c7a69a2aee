"""The normal form of a service out of Compose's canonical form: bytes and counts as numbers, lists without order sorted, lists of
things with a name as maps by that name. Files, volumes and networks are done by `places` and `wiring`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.clients.compose import format_duration, parse_duration
from controller.kinds.service.projection import BLKIO_DEVICES, NANO, binding, capabilities

Canonical = Mapping[str, Any]
DISABLED = ["NONE"]
_CDI = "="


def _same(value: Any) -> Any:
    return value


def _number(value: Any) -> int:
    return int(value)


def _sorted(value: Any) -> list[str]:
    return sorted(str(each) for each in value)


def _ulimits(value: Mapping[str, Any]) -> dict[str, Any]:
    """Both limits of each; the canonical form leaves out a limit of zero."""
    return {
        name: {"soft": 0, "hard": 0, **each} if isinstance(each, Mapping) else {"soft": each, "hard": each}
        for name, each in value.items()
    }


def _tmpfs(value: Any) -> dict[str, str]:
    return dict(str(each).partition(":")[::2] for each in value)


def _expose(value: Any) -> dict[str, bool]:
    return {port if "/" in port else f"{port}/tcp": True for port in sorted(str(each) for each in value)}


def _ports(value: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for port in value:
        name = f"{port['target']}/{port.get('protocol', 'tcp')}"
        found.setdefault(name, []).append(binding(port.get("host_ip", ""), str(port.get("published", ""))))
    return {name: sorted(several) for name, several in sorted(found.items())}


def _whole_seconds(value: str) -> str:
    """Engines wait for whole seconds before they kill."""
    return format_duration(-(-parse_duration(value) // NANO) * NANO)


def _blkio(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"weight": int(value["weight"])} if value.get("weight") else {}
    for name in BLKIO_DEVICES:
        amount = "Weight" if name == "weight_device" else "Rate"
        found.update({name: {each["Path"]: int(each[amount]) for each in value[name]}} if value.get(name) else {})
    return found


def _healthcheck(value: Mapping[str, Any]) -> dict[str, Any]:
    if value.get("disable") or list(value.get("test") or ())[:1] == DISABLED:
        return {"test": DISABLED}
    return {name: each for name, each in value.items() if name != "disable" and each not in ("0s", 0, None)}


_FIELDS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        [
            "image", "pull_policy", "platform", "container_name", "command", "entrypoint", "user", "working_dir", "hostname",
            "domainname", "tty", "stdin_open", "stop_signal", "oom_kill_disable", "privileged", "read_only",
            "init", "uts", "userns_mode", "cgroup", "cgroup_parent", "runtime", "cpuset", "dns", "dns_opt", "dns_search",
            "storage_opt", "annotations", "sysctls", "labels", "logging", "restart", "cpus",
        ],
        _same,
    ),
    **dict.fromkeys(
        [
            "mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size", "cpu_shares", "cpu_quota",
            "cpu_period", "cpu_rt_runtime", "cpu_rt_period", "pids_limit", "oom_score_adj",
        ],
        _number,
    ),
    **dict.fromkeys(["device_cgroup_rules", "group_add", "security_opt"], _sorted),
    **dict.fromkeys(["cap_add", "cap_drop"], capabilities),
    "stop_grace_period": _whole_seconds,
    "ulimits": _ulimits,
    "tmpfs": _tmpfs,
    "extra_hosts": _sorted,
    "expose": _expose,
    "ports": _ports,
    "blkio_config": _blkio,
    "healthcheck": _healthcheck,
}  # fmt: skip


def normal(compose: Canonical) -> dict[str, Any]:
    """Everything of a canonical service that needs nothing from around it."""
    found = {name: convert(compose[name]) for name, convert in _FIELDS.items() if compose.get(name) is not None}
    found.update(_deployed(compose.get("deploy") or {}))
    found.update(_devices(compose))
    found["status"] = "running"
    return {
        name: value
        for name, value in found.items()
        if value not in ("", {}) and (value != [] or name in ("command", "entrypoint"))
    }


def _deployed(deploy: Mapping[str, Any]) -> dict[str, Any]:
    """What `deploy` says about one container."""
    resources = deploy.get("resources") or {}
    limits, reserved = resources.get("limits") or {}, resources.get("reservations") or {}
    found: dict[str, Any] = {}
    found.update({"cpus": limits["cpus"]} if "cpus" in limits else {})
    found.update({"mem_limit": int(limits["memory"])} if "memory" in limits else {})
    found.update({"pids_limit": int(limits["pids"])} if "pids" in limits else {})
    found.update({"mem_reservation": int(reserved["memory"])} if "memory" in reserved else {})
    policy = deploy.get("restart_policy") or {}
    if policy:
        condition = {"none": "no", "any": "always"}.get(policy.get("condition", "any"), policy.get("condition", "any"))
        tries = policy.get("max_attempts")
        found["restart"] = f"{condition}:{tries}" if condition == "on-failure" and tries else condition
    order = (deploy.get("update_config") or {}).get("order")
    found.update({"order": order} if order else {})
    return found


def _devices(compose: Canonical) -> dict[str, Any]:
    """Devices by path inside; what is requested by capability or by name (CDI) instead of by path."""
    listed = compose.get("devices") or ()
    paths = [each for each in listed if _CDI not in each["source"]]
    named = [each["source"] for each in listed if _CDI in each["source"]]
    reserved = ((compose.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    requests = [_request(each) for each in (*(compose.get("gpus") or ()), *(reserved.get("devices") or ()))]
    if named:
        requests.append({"driver": "cdi", "device_ids": named})
    found: dict[str, Any] = {
        "devices": {each["target"]: {"source": each["source"], "permissions": each.get("permissions") or "rwm"} for each in paths}
    }
    return {**found, "device_requests": requests}


def _request(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given[name] for name in ("driver", "count", "device_ids", "options") if given.get(name)}
    if found.get("count") == "all":
        found["count"] = -1
    return {**found, "capabilities": sorted({*(given.get("capabilities") or ()), "gpu"})}
