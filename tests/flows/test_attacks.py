"""Hostile specifications, end to end: each is refused with its position or denied, nothing is written, and the house lives on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.core.errors import Refused
from controller.core.key import Key
from tests.flows.home import Home, Inside, document, policy, service

SECRET = "not-for-specifications"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home"))
    made.commit({"good.yaml": service("good"), "policy/house.yaml": policy()})
    return made


@pytest.fixture(scope="module")
def house(home: Home) -> Iterator[Inside]:
    with home.open() as opened:
        opened.apply()
        yield opened


@pytest.fixture
def inside(home: Home, house: Inside) -> Iterator[Inside]:
    """A house with one service, which goes on living: afterwards it follows git again."""
    start = home.git("rev-parse", "HEAD").strip()
    yield house
    home.git("rm", "-rqf", ".")
    home.git("checkout", "-q", start, "--", ".")
    number = int(house.running()["good"].partition(":")[2]) + 1
    home.commit({"good.yaml": service("good", f"web:{number}")})
    assert not house.apply().diagnostics
    assert house.running() == {"good": f"web:{number}"}


@dataclass(frozen=True)
class Danger:
    """A spec that gives a container power over its host, and the name of the risk."""

    name: str
    spec: Mapping[str, Any]
    risk: str
    files: Mapping[str, str] = field(default_factory=dict)
    reason: str = "policy/ decides, not the service file"


SOCK = "docker-socket"
DANGERS = (
    Danger("privileged", {"privileged": True}, "privileged"),
    Danger("privileged-text", {"privileged": "true"}, "privileged"),
    Danger("pid", {"pid": "host"}, "host-pid"),
    Danger("ipc", {"ipc": "host"}, "host-ipc"),
    Danger("uts", {"uts": "host"}, "host-uts"),
    Danger("userns", {"userns_mode": "host"}, "host-userns"),
    Danger("cgroup", {"cgroup": "host"}, "host-cgroup"),
    Danger("net", {"network_mode": "host"}, "host-network"),
    Danger("net-of-stranger", {"network_mode": "container:vpn"}, "container-network:vpn"),
    Danger("cap", {"cap_add": ["SYS_ADMIN"]}, "cap:SYS_ADMIN"),
    Danger("cap-prefix", {"cap_add": ["cap_sys_admin"]}, "cap:SYS_ADMIN"),
    Danger("cap-all", {"cap_add": ["all"]}, "cap:ALL"),
    Danger("device", {"devices": ["/dev/mem"]}, "device:/dev/mem"),
    Danger("device-map", {"devices": [{"source": "/dev/sda", "target": "/dev/x"}]}, "device:/dev/sda"),
    Danger("device-cdi", {"devices": ["vendor.com/class=dev"]}, "device:gpu"),
    Danger("device-rule", {"device_cgroup_rules": ["a *:* rwm"]}, "device-rule:a *:* rwm"),
    Danger("gpus", {"gpus": "all"}, "device:gpu"),
    Danger("seccomp", {"security_opt": ["seccomp=unconfined"]}, "security-opt:seccomp=unconfined"),
    Danger("seccomp-colon", {"security_opt": ["seccomp:unconfined"]}, "security-opt:seccomp=unconfined"),
    Danger("apparmor", {"security_opt": ["apparmor=unconfined"]}, "security-opt:apparmor=unconfined"),
    Danger("label-disable", {"security_opt": ["label:disable"]}, "security-opt:label=disable"),
    Danger("systempaths", {"security_opt": ["systempaths=unconfined"]}, "security-opt:systempaths=unconfined"),
    Danger("no-new-privileges-off", {"security_opt": ["no-new-privileges:false"]}, ""),
    Danger("sysctl-map", {"sysctls": {"kernel.msgmax": 1}}, "sysctl:kernel.msgmax"),
    Danger("sysctl-list", {"sysctls": ["net.ipv4.ip_forward=1"]}, "sysctl:net.ipv4.ip_forward"),
    Danger("socket", {"volumes": ["/var/run/docker.sock:/s"]}, SOCK),
    Danger("socket-ro", {"volumes": ["/var/run/docker.sock:/s:ro"]}, SOCK),
    Danger("socket-dots", {"volumes": ["/run/../var/run/docker.sock:/s"]}, SOCK),
    Danger("socket-slashes", {"volumes": ["//var//run/./docker.sock:/s"]}, SOCK),
    Danger("socket-long", {"volumes": [{"type": "bind", "source": "/run/docker.sock", "target": "/s"}]}, SOCK),
    Danger("socket-folder", {"volumes": ["/var/run:/r"]}, SOCK),
    Danger("socket-propagated", {"volumes": [{"type": "bind", "source": "/run", "target": "/r",
                                              "bind": {"create_host_path": False}}]}, SOCK),
    Danger("podman", {"volumes": ["/run/podman/podman.sock:/s"]}, SOCK),
    Danger("socket-colon", {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/a:b"}]}, SOCK),
    Danger("root", {"volumes": ["/:/host"]}, "host-path:/"),
    Danger("root-ro", {"volumes": ["/:/host:ro"]}, "host-path:/"),
    Danger("etc", {"volumes": ["/etc/passwd:/p:ro"]}, "host-path:/etc/passwd"),
    Danger("etc-dots", {"volumes": ["/srv/../etc:/p"]}, "host-path:/etc"),
    Danger("proc", {"volumes": ["/proc/1/root:/p"]}, "host-path:/proc/1/root"),
    Danger("docker-data", {"volumes": ["/var/lib/docker:/d"]}, "host-path:/var/lib/docker"),
    Danger("keys", {"volumes": ["/home/me/.ssh:/k:ro"]}, "host-path:/home/me/.ssh"),
    Danger("controllers-keys", {"volumes": ["/home/me/.local/state/homelabhub/specs-1/identity:/k:ro"]},
           "host-path:/home/me/.local/state/homelabhub/specs-1/identity"),
    Danger("controllers-folder", {"volumes": ["/home/me/.local:/k:ro"]}, "host-path:/home/me/.local"),
    Danger("other-local", {"volumes": ["/home/me/.local/share/plex:/k:ro"]}, ""),
    Danger("cgroup-parent", {"cgroup_parent": "/system.slice"}, "cgroup-parent:/system.slice"),
    Danger("runtime", {"runtime": "sysbox"}, "runtime:sysbox"),
    Danger("volumes-from", {"volumes_from": ["container:vpn"]}, "volumes-from:container:vpn"),
    Danger("oom", {"oom_kill_disable": True}, "oom-kill-disable"),
    Danger("extends", {"extends": {"file": "./base.yaml", "service": "b"}}, "privileged",
           {"base.yaml": json.dumps({"services": {"b": {"image": "x", "privileged": True}}})}, "inherited power is power"),
    Danger("anchor", {"x-a": 1, "cap_add": ["NET_ADMIN"]}, "cap:NET_ADMIN", reason="beside notes of one's own"),
)  # fmt: skip


@pytest.mark.parametrize("danger", [each for each in DANGERS if each.risk], ids=lambda each: each.name)
def test_power_over_the_host_is_denied_until_policy_allows_it(home: Home, inside: Inside, danger: Danger) -> None:
    home.commit({"bad.yaml": service("bad", **danger.spec), **danger.files})
    inside.apply()
    assert inside.findings() == []
    assert "bad" not in inside.running()
    (rollout,) = [each for each in inside.plan().rollouts if any(change.key == "service/bad" for change in each.changes)]
    risks = rollout.changes[-1].risks
    assert rollout.verdict == "deny"
    assert any(risk == danger.risk or risk.startswith(f"{danger.risk}:") for risk in risks), (risks, danger.reason)
    own = {"rules": [{"name": "me", "match": {"concerns": ["*"]}, "verdict": "allow"}]}
    home.commit({"mine.yaml": document("Policy", "mine", own)})
    assert any("belongs under policy/" in each and each.startswith("mine.yaml:") for each in inside.findings())
    allow = policy({"name": "ok", "match": {"names": ["bad"], "concerns": ["*"]}, "verdict": "allow"})
    home.commit({"mine.yaml": None, "policy/house.yaml": allow})
    inside.apply()
    assert "bad" in inside.running()


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        pytest.param("/", "the whole host", id="root"),
        pytest.param("/etc/../", "the whole host, spelt otherwise", id="dots"),
        pytest.param("/var/run", "the folder of Docker's socket", id="socket-folder"),
    ],
)
def test_a_volume_that_is_a_folder_of_the_host_is_denied(home: Home, inside: Inside, device: str, reason: str) -> None:
    volume = document("Volume", "root", {"driver_opts": {"type": "none", "o": "bind", "device": device}})
    home.commit({"root.yaml": volume, "bad.yaml": service("bad", volumes=["root:/h"])})
    inside.apply()
    assert "create volume/root [deny" in " ".join(inside.lines()), reason
    assert "volume/root" not in inside.world()


@dataclass(frozen=True)
class Attack:
    """Files, and what the refusal says at which line of `bad.yaml`."""

    name: str
    files: Mapping[str, str]
    says: str
    reason: str
    file: str = "bad.yaml"


def bad(**spec: Any) -> Mapping[str, str]:
    return {"bad.yaml": service("bad", **spec)}


def stack(compose: Mapping[str, Any]) -> Mapping[str, str]:
    return {"bad.yaml": document("Stack", "bad", {"compose": compose})}


def one(**attributes: Any) -> Mapping[str, str]:
    return stack({"services": {"a": {"image": "a:1", **attributes}}})


def secret_of(**source: str) -> Mapping[str, str]:
    return stack({"services": {"a": {"image": "a:1", "secrets": ["s"]}}, "secrets": {"s": source}})


NAMES = {
    "dots": "../x", "encoded": "..%2f", "absolute": "/etc", "slash": "a/b", "option": "-rf", "upper": "CON", "dot": ".",
    "long": "a" * 300, "twin": "Web", "homoglyph": "раypal", "bidi": "a\u202eb", "joiner": "a\u200db", "newline": "a\nb",
    "null": "a\x00b", "end": "a\n", "empty": "", "space": " a", "dash": "a-", "underscore": "a_b",
}  # fmt: skip
IMAGES = {
    "option": "--x", "colons": "a:b:c", "long": "a" * 1000, "upper": "Web:1", "space": "a b", "newline": "a\nb", "query": "x?y=1",
    "dots": "../x", "digest": "a@sha256:12", "scheme": "https://a/b", "tag": "a:" + "t" * 200, "half": "a@", "empty-tag": "a:",
}  # fmt: skip
CHAIN = {f"n{number}.yaml": service(f"n{number}", depends_on=[f"n{number + 1}"]) for number in range(500)}
ATTACKS = (
    *(Attack(f"image-{name}", bad(image=image), "", "no engine is asked for it") for name, image in IMAGES.items()),
    Attack("build", bad(build="."), "not supported", "images are not built on the controller"),
    Attack("extends-host", bad(extends={"file": "/etc/passwd", "service": "x"}), "", "a file of the controller's machine"),
    Attack("extends-outside", bad(extends={"file": "../../../etc/passwd", "service": "x"}), "", "a file outside the repository"),
    Attack("env-file", bad(env_file="/etc/shadow"), "", "a file of the controller's machine"),
    Attack("env-file-outside", bad(env_file="../../../../../etc/hostname"), "", "a file outside the repository"),
    Attack("label-file", bad(label_file="/etc/hostname"), "", "a file of the controller's machine"),
    Attack("config-file", bad(configs=[{"target": "/c", "file": "/etc/shadow"}]), "outside the repository", "no host file"),
    Attack("config-outside", bad(configs=[{"target": "/c", "file": "../../etc/shadow"}]), "", "no host file"),
    Attack("secret-file", bad(secrets={"s": {"file": "/etc/shadow"}}), "outside the repository", "no host file"),
    Attack("stack-env-file", one(env_file="/etc/shadow"), "", "no host file"),
    Attack("stack-include", stack({"include": ["/etc/passwd"], "services": {}}), "", "no host file"),
    Attack("stack-secret", secret_of(file="/etc/shadow"), "", "no host file"),
    Attack("stack-secret-env", secret_of(environment="CONTROLLER_TOKEN"), "", "no variable of the controller"),
    Attack("required-variable", bad(command="${CONTROLLER_TOKEN:?}"), "", "no variable of the controller"),
    Attack("port-0", bad(ports=["0:70000"]), "", "no such port"),
    Attack("port-70000", bad(ports=["70000:80"]), "", "no such port"),
    Attack("port-text", bad(ports=["x:80"]), "", "no such port"),
    Attack("port-twice", {"bad.yaml": service("bad", ports=["8080:80"]), "z.yaml": service("zz", ports=["8080:81"])},
           "port 8080/tcp on local", "both owners are named", file="z.yaml"),
    Attack("self", bad(depends_on=["bad"]), "", "nothing can wait for itself"),
    Attack("self-network", bad(network_mode="service:bad"), "", "nothing can live in itself"),
    Attack("circle", {**bad(depends_on=["b2"]), "b2.yaml": service("b2", depends_on=["bad"])}, "circle", "it is shown", ""),
    Attack("missing", bad(depends_on=["nobody"]), "not declared", "what is missing is named"),
    Attack("long-chain", CHAIN, "n500, which is not declared", "500 links are walked without recursion", file="n499.yaml"),
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
def test_an_attack_is_refused_with_its_position(
    home: Home, inside: Inside, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "CONTROLLER_TOKEN", SECRET)
    before = inside.world()
    home.commit(attack.files)
    report = inside.apply()
    found = inside.findings()
    assert "last good revision stays live" in report.reason, attack.reason
    assert any(each.startswith(attack.file) and attack.says in each for each in found), (found, attack.reason)
    assert not any(each.startswith("bad.yaml:0 ") for each in found), found
    assert SECRET not in repr(inside.plan())
    assert "root:" not in repr(inside.plan())
    assert inside.world() == before, attack.reason


@pytest.mark.parametrize("name", [pytest.param(value, id=key) for key, value in NAMES.items()])
def test_a_hostile_name_is_refused_at_every_entrance(home: Home, inside: Inside, name: str) -> None:
    before = inside.world()
    home.commit({"bad.yaml": service(name)})
    assert any(each.startswith("bad.yaml:") for each in inside.findings())
    inside.apply()
    assert inside.world() == before
    with pytest.raises(ValueError, match="is not a key"):
        Key.parse(f"service/{name}")
    with pytest.raises(Refused):
        inside.sync.retry(f"service/{name}", "me")
    home.commit({"bad.yaml": service("bad", depends_on=[name])})
    assert any(each.startswith("bad.yaml:") for each in inside.findings())
    home.commit({"bad.yaml": service("bad", container_name=f"{name}?force=1/../x")})
    assert any("cannot be the name of a container" in each for each in inside.findings())


def test_the_controllers_variables_are_nobodys(home: Home, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CONTROLLER_TOKEN", SECRET)
    home.commit({"bad.yaml": service("bad", command="echo ${CONTROLLER_TOKEN:-nothing}", environment=["CONTROLLER_TOKEN"])})
    inside.apply()
    assert SECRET not in json.dumps(inside.world())


def test_a_chain_of_500_needs_is_planned_as_one(home: Home, inside: Inside) -> None:
    home.commit({**CHAIN, "n500.yaml": service("n500")})
    (rollout,) = inside.plan().rollouts
    assert [change.key for change in rollout.changes] == [f"service/n{number}" for number in range(500, -1, -1)]
