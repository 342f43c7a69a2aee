"""The fields of a service that an engine stores as they are: one row each, read in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONFIG, HOST = "Config", "HostConfig"


@dataclass(frozen=True, slots=True)
class Plain:
    """A field `name` of the normal form that stands in `section` of a container under `key`. `ordered` is False for lists whose
    order means nothing: they are kept sorted. Empty values of the engine (none, zero, no text) read as not set."""

    name: str
    section: str
    key: str
    ordered: bool = True


PLAIN = (
    Plain("command", CONFIG, "Cmd"),
    Plain("entrypoint", CONFIG, "Entrypoint"),
    Plain("user", CONFIG, "User"),
    Plain("working_dir", CONFIG, "WorkingDir"),
    Plain("hostname", CONFIG, "Hostname"),
    Plain("domainname", CONFIG, "Domainname"),
    Plain("tty", CONFIG, "Tty"),
    Plain("stdin_open", CONFIG, "OpenStdin"),
    Plain("stop_signal", CONFIG, "StopSignal"),
    Plain("mem_limit", HOST, "Memory"),
    Plain("mem_reservation", HOST, "MemoryReservation"),
    Plain("memswap_limit", HOST, "MemorySwap"),
    Plain("mem_swappiness", HOST, "MemorySwappiness"),
    Plain("cpu_shares", HOST, "CpuShares"),
    Plain("cpu_quota", HOST, "CpuQuota"),
    Plain("cpu_period", HOST, "CpuPeriod"),
    Plain("cpu_rt_runtime", HOST, "CpuRealtimeRuntime"),
    Plain("cpu_rt_period", HOST, "CpuRealtimePeriod"),
    Plain("cpuset", HOST, "CpusetCpus"),
    Plain("pids_limit", HOST, "PidsLimit"),
    Plain("oom_score_adj", HOST, "OomScoreAdj"),
    Plain("oom_kill_disable", HOST, "OomKillDisable"),
    Plain("privileged", HOST, "Privileged"),
    Plain("read_only", HOST, "ReadonlyRootfs"),
    Plain("init", HOST, "Init"),
    Plain("uts", HOST, "UTSMode"),
    Plain("userns_mode", HOST, "UsernsMode"),
    Plain("cgroup", HOST, "CgroupnsMode"),
    Plain("cgroup_parent", HOST, "CgroupParent"),
    Plain("runtime", HOST, "Runtime"),
    Plain("shm_size", HOST, "ShmSize"),
    Plain("dns", HOST, "Dns"),
    Plain("dns_opt", HOST, "DnsOptions"),
    Plain("dns_search", HOST, "DnsSearch"),
    Plain("device_cgroup_rules", HOST, "DeviceCgroupRules", ordered=False),
    Plain("group_add", HOST, "GroupAdd", ordered=False),
    Plain("security_opt", HOST, "SecurityOpt", ordered=False),
    Plain("storage_opt", HOST, "StorageOpt"),
    Plain("sysctls", HOST, "Sysctls"),
    Plain("annotations", HOST, "Annotations"),
    Plain("tmpfs", HOST, "Tmpfs"),
)

LIMITS = frozenset(
    [
        "mem_limit",
        "mem_reservation",
        "memswap_limit",
        "cpu_shares",
        "cpu_quota",
        "cpu_period",
        "cpu_rt_runtime",
        "cpu_rt_period",
        "cpuset",
        "pids_limit",
        "cpus",
    ]
)
"""Fields that an engine can change on a container that exists, from one value to another (never to none)."""


def written(state: Mapping[str, Any], section: str, only: Iterable[str] | None = None) -> dict[str, Any]:
    """The plain fields of a state that belong into a section of a create or update call."""
    wanted = set(state) if only is None else set(only)
    return {row.key: state[row.name] for row in PLAIN if row.section == section and row.name in wanted and row.name in state}


def shown(details: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields that an inspected container shows."""
    found: dict[str, Any] = {}
    for row in PLAIN:
        value = details[row.section].get(row.key)
        if not value and not (row.name == "init" and value is False):
            continue
        found[row.name] = value if row.ordered else sorted(value)
    return found
