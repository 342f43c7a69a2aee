"""Generated compose services: every attribute in every syntax, mostly right, sometimes wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.contract.compose.judge import Scenario

Values = SearchStrategy[Any]

# What services may refer to, and the values that interpolation may see.
VARIABLES = {"SET": "value", "EMPTY": "", "NUMBER": "3", "SWITCH": "true"}
FILES = {
    "e.env": "A=1\nE=$SET\n",
    "f.env": "B=2\nA='3 $SET'\n",
    "shared/base.yaml": """
services:
  z: {image: ez, volumes: ["./e:/e"], labels: {q: r}, environment: [EX=1, A=ext], networks: [n]}
""",
}
AROUND: dict[str, Any] = {
    "networks": {"n": None, "m": {"driver": "bridge"}},
    "volumes": {"v": None, "w": {}},
    "secrets": {"s": {"file": "./s"}, "t": {"environment": "SET"}},
    "configs": {"k": {"content": "x$SET"}, "l": {"file": "./l"}},
}


def of(*values: Any) -> Values:
    return st.sampled_from(values)


def some(*values: Any, most: int = 3) -> Values:
    return st.lists(of(*values), unique_by=repr, max_size=most)


def part(fields: dict[str, Values], most: int = 3) -> Values:
    """A map with some of the fields."""
    keys = st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=most)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries({key: fields[key] for key in chosen}))


text = of("a", "b/c", "", "$SET", "x:y", "${UNSET:-d}")
scalar = of("a", "1", "", "true", 1, 0, 2.5, True, False, None, "$SET", "${UNSET:-d}", "x y", "a$$b")
pairs = st.one_of(
    st.dictionaries(of("A", "B", "C.d"), scalar, max_size=3), some("A=1", "B", "C=", "A=2", "D=$SET", "B=x=y", most=4)
)
duration = of("5s", "1m30s", "0s", "1h", "500ms", "1d", "1.5h", "5", "", 5)
size = of("1g", "512m", "0", "-1", "1.5G", "10 kb", "", 5, 0, 1048576, "x", "${NUMBER}m")
integer = of(0, 1, 5, "3", "$NUMBER", "x", -1, 1.0)
flag = of(True, False, "true", "no", "$SWITCH", "maybe")
port = of(
    *("80:80", "443", "8000-8001:9000-9001/udp", "127.0.0.1:1:2", 80, "53:53/udp", "$NUMBER:80", "9-8:1"),
    {"target": 80},
    {"target": 80, "published": "8080", "protocol": "udp"},
    {"target": "81", "mode": "host", "host_ip": "1.1.1.1", "name": "n", "app_protocol": "http"},
)
mount = of(
    *("v:/v", "./a:/a", "/b:/b:ro", "/anon", "w:/w:nocopy", "~/h:/h", "v:/a", "./x/../y:/z:z", "undeclared:/u"),
    {"type": "bind", "source": "./c", "target": "/c", "bind": {"create_host_path": False, "propagation": "rslave"}},
    {"type": "volume", "source": "v", "target": "/v2", "volume": {"nocopy": True, "subpath": "s"}, "read_only": "true"},
    {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "10m", "mode": 1777}},
    {"type": "image", "source": "i", "target": "/im", "image": {"subpath": "q"}},
)
attachment = of(
    None,
    {},
    {"aliases": ["p", "q"], "ipv4_address": "10.0.0.5", "priority": 1},
    {"gw_priority": 5, "mac_address": "m", "link_local_ips": ["l"], "interface_name": "eth1", "driver_opts": {"a": 1}},
)
dependency = of(
    {"condition": "service_started"},
    {"condition": "service_healthy", "restart": True, "required": False},
    {"condition": "service_completed_successfully", "restart": "no"},
)
request = of(
    {"capabilities": ["gpu"], "count": "all"},
    {"capabilities": ["gpu"], "device_ids": ["0"]},
    {"capabilities": ["gpu"], "driver": "nvidia", "options": {"a": 1}, "count": 2},
)
rollout = part(
    {
        "parallelism": integer,
        "delay": duration,
        "failure_action": text,
        "max_failure_ratio": of(0.5, "0.1", 0),
        "order": of("start-first", "stop-first"),
    }
)
deploy = part(
    {
        "replicas": integer,
        "mode": of("global", "replicated"),
        "labels": pairs,
        "resources": part(
            {
                "limits": part({"cpus": of(1, 0.5, "0.5"), "memory": of("1g", "50M"), "pids": integer}),
                "reservations": part({"memory": of("20M"), "devices": st.lists(request, max_size=2)}),
            }
        ),
        "restart_policy": part({"condition": of("any", "none"), "delay": duration, "max_attempts": integer}),
        "update_config": rollout,
        "placement": part({"constraints": some("a == b", "c"), "preferences": of([{"spread": "a"}])}),
    }
)
command = of("a b", '"x y" z', ["a", "b c"], [], None, "", "echo $SET", "sh -c 'a && b'", "a | b")
file_mounts = some("s", "t", {"source": "s", "target": "/x", "mode": 288}, {"source": "t", "uid": "1", "mode": "0440"})

ATTRIBUTES: dict[str, Values] = {
    **dict.fromkeys(("command", "entrypoint"), command),
    **dict.fromkeys(("environment", "labels", "annotations", "sysctls"), pairs),
    **dict.fromkeys(("mem_limit", "mem_reservation", "memswap_limit", "shm_size", "mem_swappiness"), size),
    **dict.fromkeys(("cpu_shares", "cpu_quota", "pids_limit", "oom_score_adj", "scale"), integer),
    **dict.fromkeys(("init", "privileged", "read_only", "tty", "stdin_open", "oom_kill_disable"), flag),
    **dict.fromkeys(("stop_signal", "hostname", "working_dir", "platform", "user"), text),
    "ports": st.lists(port, max_size=4, unique_by=repr),
    "volumes": st.lists(mount, max_size=4, unique_by=repr),
    "networks": st.one_of(some("n", "m", "default"), st.dictionaries(of("n", "m", "default"), attachment, max_size=2)),
    "depends_on": st.one_of(some("b", "c"), st.dictionaries(of("b", "c"), dependency, max_size=2)),
    "healthcheck": part(
        {
            "test": of("x", ["CMD", "a"], ["NONE"], []),
            "interval": duration,
            "timeout": duration,
            "retries": integer,
            "disable": flag,
        }
    ),
    "deploy": deploy,
    "gpus": st.one_of(of("all"), st.lists(request, max_size=2)),
    "dns": of("1.1.1.1", ["1.1.1.1", "2.2.2.2"], "", []),
    "dns_search": of("a", ["b", "c"]),
    "tmpfs": of("/t1", ["/t1:size=1m", "/t2"], []),
    "cap_add": some("A", "B"),
    "cap_drop": some("ALL"),
    "security_opt": some("a:b", "c"),
    "expose": some(80, "81", "82/udp"),
    "extra_hosts": of(["a:1.1.1.1", "b=::1"], {"a": "1.1.1.1", "b": ["1.1.1.1", "2.2.2.2"]}, ["a=[::1]"]),
    "ulimits": st.dictionaries(of("nofile", "core"), of(5, "6", {"soft": 1, "hard": "2"}, 0, -1), max_size=2),
    "logging": part({"driver": of("d", "e"), "options": of({"a": 1, "b": None}, {"a": "x"})}),
    "devices": some("/dev/a", "/dev/b:/dev/c", "/dev/d:/dev/e:r", {"source": "/dev/f", "target": "/dev/g"}),
    "secrets": file_mounts,
    "configs": of([], ["k"], ["k", {"source": "l", "target": "/y", "mode": "0444"}]),
    "cpus": of(1, 0.5, "0.5", 0, 1.23456789),
    "restart": of("always", "no", "on-failure:3", ""),
    "stop_grace_period": duration,
    "container_name": of("cn", "c_n.1"),
    "group_add": some("a", 1, "2"),
    "storage_opt": of({"size": "1g"}, {"size": 5}),
    "pull_policy": of("always", "if_not_present", "daily", "every_2d"),
    "network_mode": of("host", "none", "service:b"),
    "pid": of("host", "service:c"),
    "ipc": of("shareable", "service:b"),
    "links": some("b", "c:d"),
    "volumes_from": some("b", "container:z", "c:ro"),
    "profiles": some("p", "q"),
    "env_file": of("e.env", ["e.env", "f.env"], [{"path": "f.env"}, {"path": "nope.env", "required": False}]),
    "extends": of("b", {"service": "c"}, {"service": "z", "file": "shared/base.yaml"}),
    "post_start": of([{"command": "a b", "environment": ["X=1"]}], [{"command": ["a"], "privileged": True}]),
    "x-foo": of({"a": [1, {"b": 2}]}),
}


def attributes(most: int) -> Values:
    """Some attributes of a service."""
    return part(ATTRIBUTES, most)


def file(services: dict[str, Any]) -> dict[str, Any]:
    """A compose file with these services beside what they may refer to."""
    return {"services": {"b": {"image": "y"}, "c": {"image": "z"}, **services}, **AROUND}


def scenario_of(files: dict[str, str], profiles: Any = ()) -> Scenario:
    """A scenario out of compose files in their order."""
    return Scenario("generated", {**files, **FILES}, list(files), profiles, VARIABLES)
