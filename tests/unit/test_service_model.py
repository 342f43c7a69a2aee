"""What a Service means: normal form, needs, claims, gate, risks, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.core.change import Action
from controller.core.diff import FieldDiff
from controller.core.errors import Rejected
from controller.core.kind import Desired
from controller.core.resource import Gate, Rollback
from controller.kinds import network, service, volume
from controller.kinds.service.judgement import same, verb
from controller.kinds.service.model import ServiceSpec
from tests.contract.yard import Specs

IMAGE = {"image": "nginx:1.29"}


@pytest.fixture
def specs(tmp_path: Path) -> Specs:
    return Specs(tmp_path)


def state(specs: Specs, spec: Mapping[str, Any], **files: str) -> Mapping[str, Any]:
    return desired(specs, spec, **files).state


def desired(specs: Specs, spec: Mapping[str, Any], **files: str) -> Desired:
    return specs.resolve("service", "web", {**IMAGE, **spec}, {name.replace("__", "/"): text for name, text in files.items()})


NORMAL: tuple[tuple[Mapping[str, Any], Mapping[str, Any], str], ...] = (
    ({"mem_limit": "1.5g", "shm_size": "64m"}, {"mem_limit": 1610612736, "shm_size": 67108864}, "sizes are bytes"),
    ({"cap_add": ["net_admin", "CAP_KILL"]}, {"cap_add": ["KILL", "NET_ADMIN"]}, "one spelling of capabilities, sorted"),
    ({"ulimits": {"nofile": 9}}, {"ulimits": {"nofile": {"soft": 9, "hard": 9}}}, "one number is both limits"),
    ({"ulimits": {"core": 0}}, {"ulimits": {"core": {"soft": 0, "hard": 0}}}, "no core dumps: zero is a limit, not nothing"),
    ({"ports": ["8096:8096", "127.0.0.1:53:53/udp", "[::1]:80:80"]},
     {"ports": {"53/udp": ["127.0.0.1:53"], "80/tcp": ["[::1]:80"], "8096/tcp": ["8096"]}}, "ports by what is inside"),
    ({"restart": "no"}, {"restart": "no", "status": "completed"}, "it is meant to end"),
    ({"restart": "on-failure:3"}, {"restart": "on-failure:3", "status": "completed"}, "it is meant to end"),
    ({"restart": "always"}, {"restart": "always", "status": "running"}, "it is meant to run"),
    ({"deploy": {"restart_policy": {"condition": "any"}}}, {"restart": "always", "status": "running"}, "deploy speaks too"),
    ({"deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "64m", "pids": 9}}}},
     {"cpus": 0.5, "mem_limit": 67108864, "pids_limit": 9}, "deploy's limits are the container's"),
    ({"healthcheck": {"test": "true", "interval": "1m30s"}},
     {"healthcheck": {"test": ["CMD-SHELL", "true"], "interval": "1m30s"}}, "a text is a shell command"),
    ({"healthcheck": {"disable": True}}, {"healthcheck": {"test": ["NONE"]}}, "off is a check that is none"),
    ({}, {"networks": {"bridge": {}}}, "without a network it is on the engine's own"),
    ({"networks": ["front"]}, {"networks": {"front": {"aliases": ["web"]}}}, "it is found by its name"),
    ({"network_mode": "host"}, {"network_mode": "host"}, "no network of its own"),
    ({"volumes": ["data:/data"]}, {"volumes": {"/data": {"type": "volume", "read_only": False, "source": "web_data"}}},
     "two services that paste `data:/data` must not share their data"),
    ({"volumes": ["/srv//media/../m:/m:ro"]}, {"volumes": {"/m": {"type": "bind", "read_only": True, "source": "/srv/m"}}},
     "paths are compared as what they are"),
    ({"volumes": ["./cache:/cache"]}, {"volumes": {"/cache": {"type": "data", "read_only": False, "source": "web/cache"}}},
     "what is not in the repository is the host's"),
    ({"gpus": "all"}, {"device_requests": [{"count": -1, "capabilities": ["gpu"]}]}, "all graphics processors"),
    ({"devices": ["nvidia.com/gpu=all"]}, {"device_requests": [{"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"]}]},
     "a device by name"),
    ({"environment": {"A": 1, "B": True, "C": None}}, {"environment": {"A": "1", "B": "true", "C": None}}, "values are text"),
    ({"deploy": {"update_config": {"order": "start-first"}}}, {"order": "start-first"}, "the order is ours, not Swarm's"),
)  # fmt: skip


@pytest.mark.parametrize(("spec", "expected", "reason"), NORMAL)
def test_normal_form(specs: Specs, spec: Mapping[str, Any], expected: Mapping[str, Any], reason: str) -> None:
    found = state(specs, spec)
    assert {name: found.get(name) for name in expected} == dict(expected), reason


def test_files_of_the_repository_stand_by_content(specs: Specs) -> None:
    spec = {"volumes": ["./site.conf:/etc/site.conf:ro", "./pages:/pages"], "configs": [{"target": "/c", "file": "site.conf"}]}
    one = state(specs, spec, **{"site.conf": "one", "pages__a.html": "a"})
    two = state(specs, spec, **{"site.conf": "two", "pages__a.html": "a"})
    assert one["volumes"]["/etc/site.conf"]["type"] == "file"
    assert one["volumes"]["/pages"]["type"] == "folder"
    assert one["volumes"]["/pages"] == two["volumes"]["/pages"]
    assert one["volumes"]["/etc/site.conf"]["digest"] != two["volumes"]["/etc/site.conf"]["digest"]
    assert one["configs"]["/c"]["digest"] == one["volumes"]["/etc/site.conf"]["digest"]
    assert specs.blobs.get(one["configs"]["/c"]["digest"]) == b"one"
    assert specs.blobs.folder(one["volumes"]["/pages"]["digest"]) == {"a.html": b"a"}


def test_sensitive_values_stand_by_reference(specs: Specs) -> None:
    spec = {
        "environment": {"DB_PASSWORD": "hunter2", "URL": "postgres://me:hunter2@db/x", "PASSWORD_FILE": "/run/x", "PLAIN": "y"},
        "env_file": ["web.env"],
    }
    found = state(specs, spec, **{"web.env": "API_TOKEN=hunter2\n"})
    assert "hunter2" not in str(found)
    environment = found["environment"]
    assert environment["PASSWORD_FILE"] == "/run/x"
    assert environment["PLAIN"] == "y"
    fingerprints = {environment[name]["fingerprint"] for name in ("DB_PASSWORD", "API_TOKEN")}
    assert fingerprints == {specs.vault.fingerprint("hunter2")}


def test_secrets_from_the_vault(specs: Specs) -> None:
    found = state(
        specs,
        {
            "environment": {"TOKEN": {"ref": "web/token", "generate": 20}},
            "secrets": {
                "SESSION": {"ref": "web/session", "generate": 48},
                "own": {"file": "own.txt", "target": "/own", "mode": "0440"},
            },
        },
        **{"own.txt": "mine"},
    )
    assert found["environment"]["TOKEN"]["ref"] == "web/token"
    assert found["secrets"]["/run/secrets/SESSION"]["content"]["ref"] == "web/session"
    assert found["secrets"]["/own"]["mode"] == "0440"
    assert "mine" not in str(found)


def test_needs_claims_and_what_holds_data(specs: Specs) -> None:
    found = desired(
        specs,
        {
            "ports": ["8096:8096", "127.0.0.1:53:53/udp", "9000"],
            "networks": {"front": None, "lan_home": {"external": True}, "old": {"resource": "network/other"}},
            "volumes": [{"type": "volume", "source": "m", "target": "/m", "resource": "volume/media"}],
            "depends_on": {"db": {"condition": "service_healthy"}, "maybe": {"condition": "service_started", "required": False}},
            "rollback": "if-stateless",
        },
    )
    assert {str(key) for key in found.references} == {"network/front", "network/other", "volume/media", "service/db"}
    assert set(found.claims) == {"container:web@local", "port:8096/tcp@local", "port:127.0.0.1:53/udp@local"}
    assert found.stateful
    assert found.rollback is Rollback.IF_STATELESS
    assert not desired(specs, {"volumes": ["/etc/localtime:/etc/localtime:ro"]}).stateful


@pytest.mark.parametrize(
    ("spec", "gate", "reason"),
    [
        ({"healthcheck": {"test": "x", "interval": "10s", "timeout": "5s", "retries": 4, "start_period": "30s"}}, Gate(105),
         "all tries that the check itself allows, and a margin"),
        ({"healthcheck": {"disable": True}}, Gate(15, 1), "nothing says when it is well: it must only go on running"),
        ({}, Gate(240, 1), "the image may have a check that the specification does not show"),
        ({"completes": True}, Gate(3600), "a migration may take long"),
    ],
)  # fmt: skip
def test_gate(specs: Specs, spec: Mapping[str, Any], gate: Gate, reason: str) -> None:
    assert desired(specs, spec).gate == gate, reason


RISKS: tuple[tuple[Mapping[str, Any], list[str], str], ...] = (
    ({"privileged": True}, ["privileged"], "all rights"),
    ({"network_mode": "host", "pid": "host", "ipc": "host", "uts": "host", "userns_mode": "host"},
     ["host-ipc", "host-network", "host-pid", "host-userns", "host-uts"], "namespaces of the host"),
    ({"cap_add": ["SYS_ADMIN", "cap_net_admin", "CHOWN", "ALL"]},
     ["cap:ALL", "cap:NET_ADMIN", "cap:SYS_ADMIN"], "rights in any spelling"),
    ({"devices": ["/dev/dri:/dev/dri"]}, ["device:/dev/dri"], "a device"),
    ({"device_cgroup_rules": ["c *:* rwm"]}, ["device-rule:c *:* rwm"], "every device"),
    ({"security_opt": ["seccomp:unconfined", "apparmor=unconfined", "label:disable", "no-new-privileges:true"]},
     ["security-opt:apparmor=unconfined", "security-opt:label=disable", "security-opt:seccomp=unconfined"], "weaker walls"),
    ({"sysctls": {"net.ipv4.ip_forward": 1}}, ["sysctl:net.ipv4.ip_forward"], "the kernel"),
    ({"volumes": ["/var/run/docker.sock:/s"]}, ["docker-socket", "host-path:/var/run/docker.sock"], "root by the front door"),
    ({"volumes": ["/run/../var/run/docker.sock:/s:ro"]},
     ["docker-socket", "host-path:/var/run/docker.sock"], "read-only changes nothing"),
    ({"volumes": ["//var/run//docker.sock:/s"]}, ["docker-socket", "host-path:/var/run/docker.sock"], "two slashes are one"),
    ({"volumes": [{"type": "bind", "source": "/run", "target": "/r"}]},
     ["docker-socket", "host-path:/run"], "the folder around it"),
    ({"volumes": ["/:/host"]}, ["docker-socket", "host-path:/"], "everything"),
    ({"volumes": ["/etc:/e:ro"]}, ["host-path:/etc"], "passwords, even read-only"),
    ({"volumes": ["/var/lib:/x"]}, ["host-path:/var/lib"], "the engine's own folder is inside"),
    ({"volumes": ["/home/me/.ssh:/k:ro"]}, ["host-path:/home/me/.ssh"], "keys"),
    ({"volumes": ["/home/me:/h"]}, ["host-path:/home/me"], "a whole home"),
    ({"volumes": ["/home/me/media:/m", "/srv/x:/x", "data:/d", "./own:/own", "/etc/localtime:/etc/localtime:ro"]},
     [], "what is harmless"),
    ({"volumes": ["/etc/localtime:/etc/localtime"]}, ["host-path:/etc/localtime"], "the host's clock, writable"),
    ({"volumes_from": ["db"]}, ["volumes-from:service:db"], "whatever that has mounted"),
    ({"network_mode": "service:vpn"}, [], "a namespace of our own"),
    ({"network_mode": "container:foreign"}, ["container-network:foreign"], "a namespace of a stranger"),
    ({"cgroup_parent": "/x"}, ["cgroup-parent:/x"], "out of its limits"),
    ({"runtime": "kata"}, ["runtime:kata"], "another program runs it"),
    ({"gpus": "all"}, ["device:gpu"], "devices by request"),
    ({"oom_kill_disable": True}, ["oom-kill-disable"], "the host's last memory"),
    ({"cgroup": "host"}, ["host-cgroup"], "the host's control groups"),
)  # fmt: skip


@pytest.mark.parametrize(("spec", "names", "reason"), RISKS)
def test_risks(specs: Specs, spec: Mapping[str, Any], names: list[str], reason: str) -> None:
    assert [risk.name for risk in desired(specs, spec).risks] == names, reason


def test_a_volume_may_be_a_folder_in_disguise(specs: Specs) -> None:
    options = {"type": "none", "o": "bind", "device": "/"}
    found = specs.resolve("volume", "it", {"driver_opts": options})
    assert [risk.name for risk in found.risks] == ["host-path:/"]


REFUSED: tuple[tuple[Mapping[str, Any], tuple[str | int, ...], str, str], ...] = (
    ({"image": "a:b:c"}, ("image",), "not an image reference", "A24"),
    ({"image": "--x"}, ("image",), "not an image reference", "A24"),
    ({"image": "a" * 1000}, ("image",), "longer than 255", "A24"),
    ({"image": "My/App"}, ("image",), "lower case", "A24"),
    ({"image": None, "command": "x"}, (), "has no image", "there is nothing to run"),
    ({"build": "."}, ("build",), "not supported", "images are built elsewhere"),
    ({"post_start": [{"command": "x"}]}, ("post_start",), "not supported", "hooks have no undo"),
    ({"expose": {"host": "a.example.net"}}, ("expose",), "needs `port`", "nobody can guess it"),
    ({"expose": {"host": "a.example.net", "port": 80, "prot": 1}}, ("expose", "prot"), "no word 'prot'", "a typing mistake"),
    ({"expose": {"host": "a.$ZONE", "port": 80}}, ("expose", "host"), "ZONE is not set", "half a name would be another host"),
    ({"expose": {"host": "a.example.net", "port": 80}, "network_mode": "none"}, ("network_mode",), "no address of its own",
     "a proxy cannot reach it"),
    ({"expose": {"host": "a.example.net", "port": 80}, "networks": {"homelab-edge-a": {"external": True}}},
     ("networks", "homelab-edge-a"), "joined by itself", "its address there is fixed"),
    ({"secrets": ["a"]}, ("secrets",), "top-level secrets", "a Service alone has no such section"),
    ({"configs": ["a"]}, ("configs", 0), "top-level config", "a Service alone has no such section"),
    ({"secrets": {"A": {}}}, ("secrets", "A"), "needs `ref` or `file`", "nothing says which"),
    ({"secrets": {"A": {"reff": "x"}}}, ("secrets", "A", "reff"), "unknown key 'reff'", "a misspelt word"),
    ({"environment": {"A": {"ref": "nowhere/to-be-found"}}}, ("environment", "A"), "does not exist", "a secret that nobody set"),
    ({"volumes": ["./no.conf:/etc/no.conf"]}, ("volumes", 0), "not in the repository", "Compose makes a folder of it"),
    ({"volumes": ["./no:/x:ro"]}, ("volumes", 0), "not in the repository", "an empty folder that nobody may fill"),
    ({"host": "nas"}, ("host",), "no connection 'nas'", "nobody declared it"),
    ({"container_name": "x"}, ("container_name",), "not possible here", "engines want two characters"),
    ({"container_name": "web.next"}, ("container_name",), "cannot be the name", "our own name for what comes"),
    ({"labels": {"homelab.owner": "me"}}, ("labels", "homelab.owner"), "are ours", "a label must not claim ownership"),
    ({"scale": 2}, ("scale",), "one container", "a Service is one container"),
    ({"deploy": {"replicas": 3}}, ("deploy", "replicas"), "one container", "a Service is one container"),
    ({"profiles": ["x"]}, ("profiles",), "of a Stack", "there is nothing to choose from"),
    ({"networks": ["my_net"]}, ("networks", "my_net"), "cannot be the name of a Network", "it cannot be declared"),
    ({"links": ["db:database"]}, ("links", 0), "differs", "an alias says the same and is seen"),
    ({"ports": ["80:80"], "deploy": {"update_config": {"order": "start-first"}}}, ("deploy", "update_config", "order"),
     "cannot both publish", "two containers cannot hold one port"),
    ({"depends_on": ["Bad_Name"]}, ("depends_on",), "is not the name of a Service", "it cannot be declared"),
)  # fmt: skip


@pytest.mark.parametrize(("spec", "path", "said", "reason"), REFUSED)
def test_refused(specs: Specs, spec: Mapping[str, Any], path: tuple[str | int, ...], said: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        desired(specs, spec)
    found = [(problem.path, problem.message) for problem in caught.value.problems]
    assert any(place == path and said in message for place, message in found), (reason, found)


def test_everything_that_is_wrong_is_said_at_once(specs: Specs) -> None:
    with pytest.raises(Rejected) as caught:
        desired(specs, {"image": "a:b:c", "host": "nas", "build": ".", "scale": 2, "volumes": ["./no:/x:ro"]})
    assert len(caught.value.problems) == 5


def test_every_word_is_described() -> None:
    properties = ServiceSpec.model_json_schema()["properties"]
    assert [name for name, each in properties.items() if not each.get("description")] == []
    assert {"image", "ports", "networks", "rollback", "host"} <= properties.keys()


def test_own_notes_are_left_out() -> None:
    assert ServiceSpec.model_validate({"image": "x", "x-note": {"a": 1}}).compose() == {"image": "x"}


@pytest.mark.parametrize(
    ("path", "wanted", "shown", "expected", "reason"),
    [
        ("status", "completed", "exited (0)", True, "it ended well"),
        ("status", "completed", "running", True, "it has not ended yet"),
        ("status", "completed", "exited (1)", False, "it failed"),
        ("status", "running", "exited (0)", False, "it was meant to run"),
        ("status", "exited (137)", "exited (0)", True, "an undo of a repair stops it, with another code"),
        ("image", "nginx:1", None, True, "a container made by id is compared by digest"),
        ("image", "nginx:1", "nginx:2", False, "another image"),
        ("networks.front", {}, None, False, "attached without more is not detached"),
        ("networks.front.mac_address", None, "02:42:ac:11:00:02", True, "made up by the engine"),
        ("networks.front.priority", 10, None, True, "it decides how, not what"),
        ("platform", "linux/arm64", "linux/arm64/v8", True, "the variant is the image's"),
        ("platform", "linux/arm64", "linux/amd64", False, "another machine"),
        ("entrypoint", [""], None, True, "Compose's word for none"),
        ("volumes./x.external", True, None, True, "it is no property of the container"),
        ("pull_policy", "always", None, True, "it says how to change a container"),
        ("mem_limit", 1, 2, False, "another limit"),
    ],
)
def test_same(path: str, wanted: Any, shown: Any, expected: bool, reason: str) -> None:
    assert same(tuple(path.split(".")), wanted, shown) is expected, reason


@pytest.mark.parametrize(
    ("paths", "action", "reason"),
    [
        ({"mem_limit": 1, "restart": "no"}, Action.UPDATE, "an engine changes these in place"),
        ({"mem_limit": None}, Action.REPLACE, "no engine takes a limit away"),
        ({"status": "running", "networks.front": {}}, Action.UPDATE, "in place"),
        ({"environment.A": "1", "status": "running"}, Action.REPLACE, "a container cannot change what it was made with"),
    ],
)
def test_verb(paths: Mapping[str, Any], action: Action, reason: str) -> None:
    assert verb([FieldDiff(path, None, new) for path, new in paths.items()]) is action, reason


def test_what_may_never_be_done_to_a_volume() -> None:
    assert volume.KIND.verb([FieldDiff("driver_opts.o", None, "x")]) is Action.ASK
    assert volume.KIND.reversal(Action.DELETE, {}, None) == "none"
    assert network.KIND.verb([FieldDiff("internal", False, True)]) is Action.REPLACE
    assert service.KIND.whole == {"networks"}
