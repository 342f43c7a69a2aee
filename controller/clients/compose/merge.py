"""How a later compose file overrides an earlier one, and how `extends` completes a service.

Maps merge by key, lists append (identical entries once), everything else is replaced; the attributes below have rules of their
own. Both sides may be in short or long syntax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.text import text_of
from controller.clients.compose.unique import key_of, without_doubles

_Rule: TypeAlias = "Callable[[Data, Data, Path], Data]"


def merge(base: Data, over: Data, path: Path = ()) -> Data:
    """`base` overridden by `over`; may change and share both. Raises Invalid where the two do not fit together."""
    rule = _rule(path)
    if rule is not None:
        return rule(base, over, path)
    if over is None:
        return base
    if isinstance(base, dict):
        if not isinstance(over, dict):
            raise Invalid(f"`{path[-1]}` is a map below and cannot be overridden by something else", at=path)
        return _merge_maps(base, over, path)
    if isinstance(base, list):
        if not isinstance(over, list):
            raise Invalid(f"`{path[-1]}` is a list below and cannot be overridden by something else", at=path)
        return _appended(base, over)
    return over


def merge_files(base: dict[str, Data], over: dict[str, Data], findings: Findings) -> dict[str, Data]:
    """Two whole files; what cannot be merged is a finding and keeps the value of `over`."""
    try:
        return _merge_maps(base, over, ())
    except Invalid as error:
        findings.add_invalid((), error)
        return over


def _merge_maps(base: dict[str, Data], over: dict[str, Data], path: Path) -> dict[str, Data]:
    for key, value in over.items():
        base[key] = merge(base[key], value, (*path, key)) if key in base else value
    return base


def _appended(base: list[Data], over: list[Data]) -> list[Data]:
    merged = list(base)
    for entry in over:
        if not any(type(entry) is type(known) and entry == known for known in merged):
            merged.append(entry)
    return merged


def _replace(_base: Data, over: Data, _path: Path) -> Data:
    return over


def _sequence(value: Data) -> list[Data]:
    if isinstance(value, dict):
        found: list[Data] = []
        for key, one in value.items():
            found += [key] if one is None else [f"{key}={text_of(part)}" for part in (one if isinstance(one, list) else [one])]
        return sorted(found)
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _as_sequence(base: Data, over: Data, _path: Path) -> Data:
    return _appended(_sequence(base), _sequence(over))


def _by_key(base: Data, over: Data, path: Path) -> Data:
    return without_doubles(_sequence(base) + _sequence(over), key_of, path)


def _mapping(value: Data, default: dict[str, Data] | None, path: Path) -> dict[str, Data]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: None if default is None else dict(default) for name in value}
    raise Invalid(f"`{path[-1]}` must be a list of names or a map", at=path)


def _as_mapping(base: Data, over: Data, path: Path) -> Data:
    return _merge_maps(_mapping(base, None, path), _mapping(over, None, path), path)


def _dependencies(base: Data, over: Data, path: Path) -> Data:
    default: dict[str, Data] = {"condition": "service_started", "required": True}
    return _merge_maps(_mapping(base, default, path), _mapping(over, default, path), path)


def _logging(base: Data, over: Data, path: Path) -> Data:
    """Options merge only when both speak of the same driver."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        raise Invalid("`logging` must be a map", at=path)
    if "driver" in base and "driver" in over and base["driver"] != over["driver"]:
        return over
    return _merge_maps(base, over, path)


def _build(base: Data, over: Data, path: Path) -> Data:
    if not all(isinstance(side, str | dict | None) for side in (base, over)):
        raise Invalid("`build` must be text or a map", at=path)
    sides = [{"context": side} if isinstance(side, str) else dict(side or {}) for side in (base, over)]
    return _merge_maps(sides[0], sides[1], path)


def _ulimit(base: Data, over: Data, path: Path) -> Data:
    if isinstance(base, dict) and isinstance(over, dict):
        return _merge_maps(base, over, path)
    return over


def _address_pools(base: Data, over: Data, path: Path) -> Data:
    """Pools are the same when their subnet is."""
    if not (isinstance(base, list) and isinstance(over, list) and all(isinstance(pool, dict) for pool in base + over)):
        raise Invalid("`ipam.config` must be a list of maps", at=path)
    pools: list[dict[str, Any]] = []

    def position(subnet: Data) -> int:
        return next((index for index, pool in enumerate(pools) if pool.get("subnet") == subnet), -1)

    for original in base:
        for change in over:
            if change.get("subnet") != original.get("subnet") and position(change.get("subnet")) < 0:
                pools.append(change)
                continue
            merged = _merge_maps(original, change, path)
            place = position(merged.get("subnet"))
            if place >= 0:
                pools[place] = merged
            else:
                pools.append(merged)
    return pools


_SERVICE: dict[tuple[str, ...], _Rule] = {
    ("annotations",): _by_key,
    ("build",): _build,
    ("build", "args"): _by_key,
    ("build", "additional_contexts"): _by_key,
    ("build", "extra_hosts"): _as_sequence,
    ("build", "labels"): _by_key,
    ("command",): _replace,
    ("depends_on",): _dependencies,
    ("deploy", "labels"): _by_key,
    ("dns",): _as_sequence,
    ("dns_opt",): _as_sequence,
    ("dns_search",): _as_sequence,
    ("entrypoint",): _replace,
    ("env_file",): _as_sequence,
    ("label_file",): _as_sequence,
    ("environment",): _by_key,
    ("extra_hosts",): _as_sequence,
    ("healthcheck", "test"): _replace,
    ("labels",): _by_key,
    ("logging",): _logging,
    ("models",): _as_mapping,
    ("networks",): _as_mapping,
    ("sysctls",): _by_key,
    ("tmpfs",): _as_sequence,
}
_TOP: dict[tuple[str, ...], _Rule] = {
    ("networks", "ipam", "config"): _address_pools,
    ("networks", "labels"): _by_key,
    ("volumes", "labels"): _by_key,
    ("secrets", "labels"): _by_key,
    ("configs", "labels"): _by_key,
}


def _rule(path: Path) -> _Rule | None:
    if len(path) < 3:
        return None
    rest = tuple(str(part) for part in path[2:])
    if path[0] == "services":
        return _ulimit if len(rest) == 2 and rest[0] == "ulimits" else _SERVICE.get(rest)
    return _TOP.get((str(path[0]), *rest))
