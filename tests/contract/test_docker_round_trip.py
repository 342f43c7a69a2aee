"""Whatever can be declared: after it was applied there is nothing left to do, on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import docker.types
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.core.diff import compare
from controller.kinds.service import KIND
from tests.contract.yard import NO, Yard, docker_yard
from tests.support.engines import Engine

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0$"), max_size=12)
NAMES = st.from_regex(r"[A-Z][A-Z_]{0,8}", fullmatch=True)
MEBIBYTES = st.integers(64, 256).map(lambda number: f"{number}m")
PORTS = st.integers(20_000, 40_000)
ADDRESSES = st.ip_addresses(v=4).map(str)
CAPABILITIES = st.sets(st.sampled_from(["NET_ADMIN", "cap_sys_time", "SYS_PTRACE", "chown", "CAP_KILL"])).map(sorted)
TARGETS = st.sampled_from(["/opt/one", "/two/three", "/var/lib/four", "/srv/five"])


def volumes() -> st.SearchStrategy[list[Any]]:
    entry = st.one_of(
        st.builds("{}:{}".format, WORDS.map(lambda word: f"v{word}"), TARGETS),
        st.builds("{}:{}:ro".format, WORDS.map(lambda word: f"v{word}"), TARGETS),
        st.builds("./{}:{}".format, WORDS, TARGETS),
        st.builds("/tmp/{}:{}:ro".format, WORDS, TARGETS),
        TARGETS,
        st.builds(lambda target, size: {"type": "tmpfs", "target": target, "tmpfs": {"size": size}}, TARGETS, MEBIBYTES),
    )
    return st.lists(entry, max_size=3, unique_by=_target)


def _target(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return str(entry["target"])
    parts = entry.removesuffix(":ro").split(":")
    return str(parts[-1])


OPTIONAL: Mapping[str, st.SearchStrategy[Any]] = {
    "command": st.just(["sleep", "1000000"]),
    "environment": st.dictionaries(NAMES, st.one_of(VALUES, st.integers(), st.booleans()), max_size=4),
    "labels": st.dictionaries(WORDS, VALUES, max_size=3),
    "restart": st.sampled_from(["no", "always", "unless-stopped", "on-failure", "on-failure:3"]),
    "mem_limit": MEBIBYTES,
    "cpus": st.sampled_from([0.5, "1.5", 1, 0.25]),
    "cpu_shares": st.integers(2, 2048),
    "cpuset": st.sampled_from(["0", "0,1", "0-1"]),
    "pids_limit": st.integers(100, 1000),
    "oom_score_adj": st.integers(1, 500),
    "shm_size": MEBIBYTES,
    "stop_grace_period": st.sampled_from(["0s", "1s", "1m30s", "2h"]),
    "stop_signal": st.sampled_from(["SIGINT", "SIGKILL"]),
    "user": st.sampled_from(["0", "1000", "1000:1000", "app"]),
    "working_dir": st.sampled_from(["/", "/srv"]),
    "hostname": WORDS,
    "domainname": WORDS,
    "tty": st.booleans(),
    "stdin_open": st.booleans(),
    "init": st.booleans(),
    "read_only": st.booleans(),
    "cap_add": CAPABILITIES,
    "cap_drop": CAPABILITIES,
    "dns": st.lists(ADDRESSES, max_size=2),
    "dns_search": st.lists(WORDS, max_size=2, unique=True),
    "extra_hosts": st.dictionaries(WORDS, ADDRESSES, max_size=3),
    "ports": st.lists(st.builds("{}:80".format, PORTS) | st.builds("127.0.0.1:{}:53/udp".format, PORTS), max_size=2, unique=True),
    "expose": st.lists(PORTS.map(str), max_size=2, unique=True),
    "tmpfs": st.sets(st.sampled_from(["/scratch", "/work:size=1m", "/tmp2:mode=1777"])).map(sorted),
    "ulimits": st.dictionaries(
        st.sampled_from(["nofile", "core"]), st.integers(1024, 2048) | st.just({"soft": 1024, "hard": 4096}), max_size=2
    ),
    "sysctls": st.sampled_from([{"net.core.somaxconn": 1024}, ["net.ipv4.ip_forward=1"]]),
    "security_opt": st.sampled_from([["no-new-privileges:true"], ["apparmor=unconfined", "no-new-privileges"]]),
    "group_add": st.lists(st.integers(1000, 2000), max_size=2, unique=True),
    "devices": st.sampled_from([["/dev/null:/dev/other"], ["/dev/zero:/dev/y:r", "/dev/null"]]),
    "device_cgroup_rules": st.just(["c 1:3 mr"]),
    "logging": st.sampled_from([{"driver": "none"}, {"driver": "json-file", "options": {"max-size": "10m", "max-file": 3}}]),
    "healthcheck": st.sampled_from(
        [
            {"test": "true", "interval": "1m30s", "retries": 5},
            {"test": ["CMD", "true"], "timeout": "3s", "start_period": "10s"},
            {"disable": True},
            {"interval": "10s"},
            {"test": ["NONE"]},
        ]
    ),
    "ipc": st.sampled_from(["private", "shareable", "host"]),
    "cgroup": st.just("host"),
    "volumes": volumes(),
    "configs": st.lists(
        st.builds(
            lambda target, content, mode: {"target": f"{target}.conf", "content": content, **mode},
            TARGETS,
            VALUES,
            st.sampled_from([{}, {"mode": "0400"}, {"uid": "1000", "gid": "1000"}]),
        ),
        max_size=2,
        unique_by=lambda config: config["target"],
    ),
    "networks": st.sampled_from(
        [
            {"front": None, "back": {"aliases": ["other", "site"]}},
            ["front"],
            {"back": {"ipv4_address": "10.77.77.9"}},
            {"front": {"priority": 10}, "back": {"priority": 100}},
        ]
    ),
}
SPECS = st.fixed_dictionaries({"image": st.just("lab/sleep:1")}, optional=OPTIONAL)


def external(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same spec with its networks as ones that exist already."""
    networks = spec.get("networks")
    if networks is None:
        return dict(spec)
    named = dict.fromkeys(networks) if isinstance(networks, list) else networks
    return {**spec, "networks": {name: {**(entry or {}), "external": True} for name, entry in named.items()}}


def left_to_do(yard: Yard, spec: Mapping[str, Any]) -> list[str]:
    """What a plan right after an apply would still want, as the engine compares it."""
    change = yard.change(spec)
    assert change.after is not None
    receipt = yard.commit(change, yard.provider.apply(change, NO))
    return [
        each.path for each in compare(change.after, yard.shown(), change.after, receipt.state, same=KIND.same, whole=KIND.whole)
    ]


# No shrinking: each example costs seconds, and what fails is named by its field.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=SPECS, second=SPECS)
def test_after_an_apply_there_is_nothing_to_do(
    engine: Engine, tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    engine.clean()
    engine.api.create_network("front")
    pool = docker.types.IPAMPool(subnet="10.77.77.0/24")
    engine.api.create_network("back", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    with docker_yard("service", engine, tmp_path) as yard:
        for spec in (first, second):
            quick = external({**spec, "stop_grace_period": "0s"}) if spec is first else external(spec)
            assert left_to_do(yard, quick) == []
