"""Interpolation of a whole compose file, and the types that Compose gives to text in places where a number or a flag belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.substitute import Variables, substitute
from controller.clients.compose.text import boolean_of, decimal_of, integer_of

_Cast: TypeAlias = Callable[[str], Data]
_Tree: TypeAlias = Mapping[str, "_Cast | _Tree"]
"""What to read text as, by key; `*` stands for every key or every list entry."""

_ulimits: _Tree = {"*": {"": integer_of, "hard": integer_of, "soft": integer_of}}
_rollout: _Tree = {"parallelism": integer_of, "max_failure_ratio": decimal_of}
_CONTAINER: _Tree = {
    "cpu_count": integer_of,
    "cpu_percent": decimal_of,
    "cpu_period": integer_of,
    "cpu_quota": integer_of,
    "cpu_rt_period": integer_of,
    "cpu_rt_runtime": integer_of,
    "cpus": decimal_of,
    "cpu_shares": integer_of,
    "init": boolean_of,
    "oom_kill_disable": boolean_of,
    "oom_score_adj": integer_of,
    "pids_limit": integer_of,
    "privileged": boolean_of,
    "read_only": boolean_of,
    "ulimits": _ulimits,
    "volumes": {"*": {"read_only": boolean_of, "volume": {"nocopy": boolean_of}}},
}
_SERVICE: _Tree = {
    **_CONTAINER,
    "depends_on": {"*": {"required": boolean_of, "restart": boolean_of}},
    "healthcheck": {"retries": integer_of, "disable": boolean_of},
    "ports": {"*": {"target": integer_of}},
    "stdin_open": boolean_of,
    "tty": boolean_of,
    "deploy": {
        "replicas": integer_of,
        "update_config": _rollout,
        "rollback_config": _rollout,
        "restart_policy": {"max_attempts": integer_of},
        "placement": {"max_replicas_per_node": integer_of},
    },
    "scale": integer_of,
    "pre_start": {"*": _CONTAINER},
}
_external: _Tree = {"*": {"external": boolean_of}}
_FILE: _Tree = {
    "services": {"*": _SERVICE},
    "networks": {
        "*": {
            "external": boolean_of,
            "internal": boolean_of,
            "attachable": boolean_of,
            "enable_ipv4": boolean_of,
            "enable_ipv6": boolean_of,
        }
    },
    "volumes": _external,
    "secrets": _external,
    "configs": _external,
}


def interpolate(file: dict[str, Data], variables: Variables, findings: Findings) -> None:
    """Replace the variables in every value of `file` (never in a key) and read text as the type that its place wants, in place.

    A value that cannot be read is a finding and is dropped, so that it does not cause a second one."""
    _substitute_in(file, variables, findings, ())
    _cast_in(file, _FILE, findings, ())


def _substitute_in(data: dict[str, Data] | list[Data], variables: Variables, findings: Findings, path: Path) -> None:
    pairs: Any = list(data.items()) if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        kind = type(value)
        if kind is str:
            if "$" in value:
                try:
                    data[key] = substitute(value, variables)
                except Invalid as error:
                    findings.add_invalid((*path, key), error)
                    data[key] = ""
        elif kind is dict or kind is list:
            _substitute_in(value, variables, findings, (*path, key))


def _cast_in(data: Data, tree: _Tree, findings: Findings, path: Path) -> None:
    everything = tree.get("*")
    if everything is not None:
        for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
            _cast_one(data, key, everything, findings, path)
    elif isinstance(data, dict):
        for key in data.keys() & tree.keys():
            _cast_one(data, key, tree[key], findings, path)


def _cast_one(data: Data, key: Any, wanted: _Cast | _Tree, findings: Findings, path: Path) -> None:
    value = data[key]
    if isinstance(wanted, Mapping):
        if not isinstance(value, str):
            return _cast_in(value, wanted, findings, (*path, key))
        wanted = wanted.get("", _as_is)
    if isinstance(value, str) and callable(wanted):
        try:
            data[key] = wanted(value)
        except Invalid as error:
            findings.add_invalid((*path, key), error)
            data[key] = None
            if isinstance(data, dict):
                del data[key]
    return None


def _as_is(value: str) -> Data:
    return value
