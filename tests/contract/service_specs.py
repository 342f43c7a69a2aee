"""Generated Service specs: every family of fields in the spellings that people use, always valid together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Spec = dict[str, Any]
Values = SearchStrategy[Any]

HOST = "/HOST"
"""Stands for a folder that exists on the engine's machine; see `placed`."""
POLICY = json.dumps(
    {"kind": "Policy", "name": "house", "spec": {"rules": [{"name": "all", "match": {"concerns": ["*"]}, "verdict": "allow"}]}}
)
FILES = {
    "policy/house.yaml": POLICY,
    "conf/site.conf": "name one\n",
    "conf/pages/index.html": "page\n",
    "web.env": "F=1\nG='a b'\n",
}
AROUND: Mapping[str, Spec] = {"network/front": {"labels": {"a": "1"}}, "network/back": {"internal": True}, "volume/data": {}}


def of(*values: Any) -> Values:
    return st.sampled_from(values)


def some(*values: Any, most: int = 3) -> Values:
    return st.lists(st.sampled_from(values), unique_by=repr, min_size=1, max_size=most)


def part(fields: Mapping[str, Values], least: int, most: int) -> Values:
    """A map with some of the fields."""
    keys = st.lists(st.sampled_from(sorted(fields)), unique=True, min_size=least, max_size=most)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries({key: fields[key] for key in chosen}))


words = of("a", "b c", "", "x=y", "ü", "1", "true", "$$HOME")
scalars = st.one_of(words, of(1, 2.5, True, None))
sleep = of("sleep 1000", "sh -c 'sleep 1000'", ["sleep", "1000"], ["sh", "-c", "exec sleep 1000"])
memory = of("64m", "67108864", 134217728, "96M", "0.125g")
ulimit = of(512, {"soft": 256, "hard": 512}, {"soft": "300", "hard": "1024"})
mounts = some(
    "/anonymous",
    "own:/own",
    "own2:/own2:ro",
    f"{HOST}/bound:/bound",
    f"{HOST}/a/../readable/:/readable:ro",
    "./conf/site.conf:/opt/site.conf:ro",
    "./conf/site.conf:/opt/own.conf",
    "./conf/pages:/pages:ro",
    "./state:/state",
    "./deep/er/:/deep",
    {"type": "volume", "source": "data", "target": "/data", "resource": "volume/data"},
    {"type": "volume", "source": "own3", "target": "/nocopy", "volume": {"nocopy": True}},
    {"type": "tmpfs", "target": "/ram"},
    {"type": "tmpfs", "target": "/ram2", "tmpfs": {"size": "8m", "mode": 0o700}},
    {"type": "bind", "source": f"{HOST}/long", "target": "/long", "bind": {"propagation": "private"}},
    {"type": "bind", "source": f"{HOST}/there", "target": "/there", "read_only": True, "bind": {"create_host_path": True}},
    most=5,
)
attached = of(
    ["front"],
    ["front", "back"],
    {"front": None},
    {"front": {}, "back": {"priority": 5}},
    {"front": {"aliases": ["site", "Site.local"]}, "back": {"aliases": ["site"]}},
    {"back": {"mac_address": "02:42:0a:4d:00:98"}},
)
FIELDS: Mapping[str, Values] = {
    "environment": st.one_of(
        st.dictionaries(of("A", "B", "C.d", "E_F"), scalars, min_size=1), some("A=1", "B", "C=", "D=x=y", 'E="q"')
    ),
    "env_file": of("./web.env", ["./web.env"], [{"path": "./none.env", "required": False}]),
    "labels": st.one_of(st.dictionaries(of("a", "b.c", "traefik.enable"), words, min_size=1), some("a=1", "b.c", "d=")),
    "annotations": of({"org.example.a": "1"}),
    "user": of("1000", "1000:1000", "app", "root", "0:5"),
    "working_dir": of("/srv", "/tmp/", "/new/place"),
    "hostname": of("box", "box.example", "UPPER"),
    "domainname": of("example", "home.arpa"),
    "tty": of(True, False),
    "stdin_open": of(True, "false"),
    "stop_signal": of("SIGINT", "TERM", "SIGRTMIN+3", "9"),
    "stop_grace_period": of("1s", "1ms", "900ms"),
    "init": of(True, False),
    "read_only": of(True, False),
    "privileged": of(False, "false"),
    "mem_limit": memory,
    "mem_reservation": of("32m", "16M"),
    "memswap_limit": of(-1, "1g"),
    "shm_size": of("16m", 67108864, "128M"),
    "cpus": of(0.5, "1.5", 1, 0.25),
    "cpu_shares": of(512, 2, "1024"),
    "cpuset": of("0", "0-1", "0,1"),
    "pids_limit": of(100, -1, 0, "50"),
    "oom_score_adj": of(500, 0),
    "oom_kill_disable": of(False, True),
    "blkio_config": of({"weight": 300}),
    "ulimits": st.dictionaries(of("nofile", "sigpending", "core", "memlock"), ulimit, min_size=1, max_size=3),
    "cap_add": some("NET_ADMIN", "CAP_SYS_CHROOT", "net_raw", "SYS_ADMIN"),
    "cap_drop": some("MKNOD", "cap_chown", "ALL"),
    "security_opt": some("no-new-privileges", "no-new-privileges:true", "seccomp:unconfined", "seccomp=unconfined", most=1),
    "devices": some("/dev/null:/dev/xnull", "/dev/zero:/dev/xzero:r", {"source": "/dev/full", "target": "/dev/f"}),
    "device_cgroup_rules": some("c 1:3 rwm", "c *:* m", "b 8:0 r"),
    "group_add": some(1000, "5"),
    "extra_hosts": of(["db:10.0.0.1", "db6=::1"], {"db": "10.0.0.1"}, {"db": ["10.0.0.1", "10.0.0.2"]}, ["gw:host-gateway"]),
    "dns": of("9.9.9.9", ["9.9.9.9", "1.1.1.1"]),
    "dns_opt": of(["ndots:2", "timeout:1"]),
    "dns_search": of("home.arpa", ["b.example", "a.example"], "."),
    "expose": some(9000, "9001/udp", "9002-9003"),
    "logging": of(
        {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
        {"driver": "none"},
        {"driver": "local"},
        {"options": {"max-size": "1m"}},
    ),
    "restart": of("always", "unless-stopped", "on-failure:3", "on-failure", "no"),
    "healthcheck": of(
        {"test": "true", "interval": "1s"},
        {"test": ["CMD", "true"], "interval": "1s", "timeout": "1500ms", "retries": 2, "start_period": "1m30s"},
        {"test": ["CMD-SHELL", "exit 0"], "interval": "500ms", "start_period": "2s", "start_interval": "250ms"},
        {"test": ["NONE"]},
        {"disable": True},
    ),
    "volumes": mounts,
    "tmpfs": of("/scratch", ["/scratch:size=4m", "/scratch2:mode=1777,uid=5"]),
    "configs": of(
        [{"target": "/opt/inline.conf", "content": "a $$HOME\n"}],
        [{"target": "/opt/owned.conf", "content": "", "uid": "1000", "gid": "5", "mode": "0640"}],
        [{"target": "/opt/file.conf", "file": "./conf/site.conf"}],
    ),
    "secrets": of(
        {"token": {"ref": "it/token", "generate": 20}}, {"k": {"ref": "it/k", "generate": 16, "target": "/k/k", "mode": "0440"}}
    ),
    "ipc": of("private", "shareable", "host"),
    "pid": of("host"),
    "uts": of("host"),
    "cgroup": of("private", "host"),
    "userns_mode": of("host"),
    "runtime": of("runc"),
    "platform": of("linux/amd64", "linux"),
    "pull_policy": of("missing", "never", "if_not_present"),
    "networks": attached,
    "network_mode": of("bridge", "host", "none", "front"),
    "mac_address": of("02:42:0a:4d:00:99"),
    "sysctls": of({"net.core.somaxconn": 1024}, ["net.ipv4.ip_unprivileged_port_start=0"], {"kernel.msgmax": "65536"}),
    "entrypoint": sleep,
    "command": sleep,
    "deploy": of(
        {"resources": {"limits": {"cpus": "0.5", "memory": "64m", "pids": 50}, "reservations": {"memory": "16m"}}},
        {"restart_policy": {"condition": "on-failure", "max_attempts": 2}},
        {"labels": {"swarm": "only"}, "replicas": 1},
        {"update_config": {"order": "start-first"}},
    ),
}
EDITS: Mapping[str, Any] = {
    "environment": {"EDITED": "yes"},
    "labels": {"edited": "yes"},
    "command": ["sleep", "2000"],
    "mem_limit": "80m",
    "cpu_shares": 300,
    "stop_signal": "SIGQUIT",
    "healthcheck": {"test": ["CMD", "true", "edited"], "interval": "1s"},
    "user": "1001",
    "volumes": [f"{HOST}/edited:/edited"],
    "logging": {"driver": "local", "options": {"max-size": "2m"}},
    "extra_hosts": ["edited:10.0.0.9"],
    "tmpfs": ["/edited"],
    "ulimits": {"nofile": 333},
    "cap_drop": ["SYS_CHROOT"],
    "restart": "on-failure:7",
}


@st.composite
def services(draw: st.DrawFn, number: int) -> Spec:
    """A valid service entry with the fields of many families; the ports that it publishes depend on its number."""
    port = 20_000 + 20 * number
    published = some(
        "80", 81, f"{port}:80", f"127.0.0.1:{port + 1}:82", f"{port + 2}:53/udp", f"{port + 3}-{port + 4}:90-91",
        {"target": 83, "published": str(port + 5), "host_ip": "127.0.0.1", "protocol": "tcp"},
    )  # fmt: skip
    image = draw(of("lab/sleep:1", "lab/sleep:1", "lab/sleep:2", "lab/base:1", "lab/web:1"))
    drawn = draw(part({**FIELDS, "ports": published}, 6, 14))
    return consistent({"image": image, "stop_grace_period": "0s", **drawn})


def batches(size: int) -> SearchStrategy[tuple[Spec, ...]]:
    """Several services for one repository."""
    return st.tuples(*(services(number) for number in range(size)))


def consistent(spec: Spec) -> Spec:
    """The spec without what engines and Compose refuse together."""
    mode = spec.get("network_mode")
    deploy = spec.get("deploy", {})
    dropped: set[str] = set()
    if mode:
        dropped |= {"networks"}
    if mode in ("host", "none"):
        dropped |= {"ports", "mac_address", "dns", "dns_opt", "dns_search", "extra_hosts", "hostname", "domainname"}
    if mode == "host" or spec.get("ipc") == "host":
        dropped |= {"sysctls"}
    if "uts" in spec:
        dropped |= {"hostname", "domainname"}
    if "resources" in deploy:
        dropped |= {"cpus", "mem_limit", "mem_reservation", "pids_limit", "memswap_limit"}
    if "restart_policy" in deploy:
        dropped |= {"restart"}
    if "update_config" in deploy:
        dropped |= {"ports", "mac_address", "networks"}
    if "mem_limit" not in spec:
        dropped |= {"memswap_limit"}
    if "entrypoint" in spec:
        dropped |= {"command"}
    kept = {name: value for name, value in spec.items() if name not in dropped}
    if "entrypoint" not in kept and kept["image"] != "lab/sleep:1":
        kept.setdefault("command", ["sleep", "1000"])
    if kept["image"] == "lab/web:1":
        kept.setdefault("healthcheck", {"disable": True})
    return kept


def edited(spec: Spec, field: str) -> Spec:
    """The spec with another value of one field."""
    more = {"entrypoint": None} if field == "command" else {}
    return consistent({name: value for name, value in {**spec, **more, field: EDITS[field]}.items() if value is not None})


def placed(spec: Spec, folder: str) -> Spec:
    """The spec with a real folder of the host."""
    found: Spec = json.loads(json.dumps(spec).replace(HOST, folder))
    return found
