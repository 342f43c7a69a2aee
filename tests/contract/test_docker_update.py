"""A new version of a service that is bad in every way a new version can be: what was there serves on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.core.run import Outcome
from tests.contract.docker_house import DockerHouse, docker_house
from tests.support.engines import Engine
from tests.support.space import wait_until

WEB: Mapping[str, Any] = {"image": "lab/web:1", "restart": "unless-stopped", "stop_grace_period": "1s"}
FAST_CHECK = {"test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/health"], "interval": "200ms", "retries": 3}
BESIDE = {"update_config": {"order": "start-first"}}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[DockerHouse]:
    with docker_house(engine, tmp_path) as made:
        yield made


def deploy(house: DockerHouse, spec: Mapping[str, Any]) -> None:
    """Commit the service `web` and let it be applied."""
    house.commit({"service/web": spec})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    assert house.plan() == ""


@dataclass(frozen=True)
class Bad:
    """A version that must not stay, and what is said about it."""

    name: str
    spec: Mapping[str, Any]
    says: str
    reason: str


NO_FOLDER = {"type": "bind", "source": "/no/such/folder", "target": "/x", "bind": {"create_host_path": False}}
BAD = (
    Bad("crashes", {"image": "lab/crash:1"}, "exited with code 3: boom", "Compose says 0 and leaves a crash loop"),
    Bad("no-command", {"command": ["/no-such-program"]}, "/no-such-program", "Compose has removed the old one by then"),
    Bad("never-healthy", {"image": "lab/web:bad"}, "unhealthy", "Compose serves the bad one"),
    Bad("bad-limit", {"mem_limit": "1m"}, "emory", "the engine refuses it: nothing may be touched"),
    Bad("no-network", {"networks": {"no-such-network": {"external": True}}}, "no-such-network",
        "engines notice a missing network only at the start"),
    Bad("no-source", {"volumes": [NO_FOLDER]},
        "/no/such/folder", "the engine refuses it: nothing may be touched"),
    Bad("no-image", {"image": "127.0.0.1:1/no/such:1"}, "127.0.0.1:1/no/such:1", "nothing may be touched before it is there"),
    Bad("port-taken", {"ports": ["7777:80"]}, "7777", "a stranger holds the port: seen only when the old one is stopped"),
    Bad("no-user", {"user": "nobody-at-all"}, "nobody-at-all", "the engine finds out at the start"),
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_version_is_taken_back(house: DockerHouse, bad: Bad) -> None:
    api = house.engine.api
    stranger = api.create_container("lab/web:1", name="stranger", host_config=api.create_host_config(port_bindings={80: 7777}))
    api.start(stranger["Id"])
    deploy(house, WEB)
    before = api.inspect_container("web")
    house.commit({"service/web": {**WEB, **bad.spec}})
    house.reconcile()
    planned = [note.message for note in house.house.reconciler.survey().plan.notes]
    said = "; ".join([house.run().reason, *planned])
    assert bad.says in said, bad.reason
    after = api.inspect_container("web")
    assert after["Id"] == before["Id"], "the very container that was there"
    assert after["State"]["Running"]
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert house.engine.containers() == {"web": "running", "stranger": "running"}
    runs = len(house.house.store.runs())
    for _ in range(3):
        house.reconcile()
    assert len(house.house.store.runs()) == runs, "a bad version is tried once"


@dataclass
class Probe:
    """Asks a service for its page through its name on a network, again and again."""

    engine: Engine
    patience: int = 60
    """Seconds for one answer."""
    answers: list[str] = field(default_factory=list)

    def ask(self) -> str:
        api = self.engine.api
        wait = ["busybox", "timeout", str(self.patience)]
        run = api.exec_create("probe", [*wait, "wget", "-q", "-O", "-", "http://web/"])["Id"]
        text = str(api.exec_start(run).decode()).strip()
        return text if api.exec_inspect(run)["ExitCode"] == 0 else f"failed: {text or 'no answer'}"


@contextmanager
def probed(engine: Engine, network: str, patience: int = Probe.patience) -> Iterator[Probe]:
    """Probe from a container on the same network while something happens."""
    api = engine.api
    config: Any = api.create_networking_config({network: api.create_endpoint_config()})  # type: ignore[arg-type]
    container = api.create_container(
        "lab/sleep:1", name="probe", networking_config=config, host_config=api.create_host_config(network_mode=network)
    )
    api.start(container["Id"])
    probe = Probe(engine, patience)
    stop = threading.Event()

    def ask_on() -> None:
        while not stop.is_set():
            probe.answers.append(probe.ask())

    thread = threading.Thread(target=ask_on)
    thread.start()
    wait_until(lambda: probe.answers, "the first answer")
    try:
        yield probe
    finally:
        stop.set()
        thread.join()
        api.remove_container("probe", force=True)


@pytest.mark.parametrize(
    "bad", [each for each in BAD if each.name in ("crashes", "no-command", "never-healthy")], ids=lambda bad: bad.name
)
def test_start_first_never_lets_a_bad_version_be_seen(house: DockerHouse, bad: Bad) -> None:
    spec = {**WEB, "networks": ["front"], "deploy": BESIDE}
    house.commit({"network/front": {}})
    deploy(house, spec)
    with probed(house.engine, "front") as probe:
        house.commit({"service/web": {**spec, **bad.spec}})
        house.reconcile()
        assert house.run().outcome is Outcome.ROLLED_BACK
        assert bad.says in house.run().reason
    assert set(probe.answers) == {"v1"}, bad.reason
    assert house.engine.containers() == {"web": "running"}


def test_start_first_hands_over_only_when_healthy(house: DockerHouse) -> None:
    spec = {**WEB, "networks": {"front": {"aliases": ["site"]}}, "deploy": BESIDE, "healthcheck": FAST_CHECK}
    house.commit({"network/front": {}})
    deploy(house, spec)
    with probed(house.engine, "front", patience=3) as probe:  # an address that is gone never answers
        deploy(house, {**spec, "image": "lab/web:2"})
        wait_until(lambda: probe.answers[-1] == "v2", "the new version to answer")
    # While the old one ends, a connection may be refused, reset or left without an answer, which a proxy tries again.
    cut = ("refused", "reset", "no answer", "unreachable")
    assert {each for each in probe.answers if not any(word in each for word in cut)} == {"v1", "v2"}
    shown = house.shown("web")["networks"]["front"]
    assert shown["aliases"] == ["site", "web"]
    assert house.engine.containers() == {"web": "running", "web.prev": "exited"}


def test_the_one_before_waits_a_day(house: DockerHouse) -> None:
    deploy(house, WEB)
    first = house.engine.api.inspect_container("web")["Id"]
    deploy(house, {**WEB, "image": "lab/web:2"})
    parked = house.engine.api.inspect_container("web.prev")
    assert parked["Id"] == first
    assert parked["HostConfig"]["RestartPolicy"]["Name"] == "no", "it must not come back with the engine"
    provider: Any = house.house.providers["service", "local"]
    now = house.house.clock.now()
    provider.tidy(now + 86_000)
    assert "web.prev" in house.engine.containers()
    provider.tidy(now + 87_000)
    assert house.engine.containers() == {"web": "running"}


def test_a_revert_starts_the_parked_one_again(house: DockerHouse) -> None:
    deploy(house, WEB)
    first = house.engine.api.inspect_container("web")["Id"]
    deploy(house, {**WEB, "image": "lab/web:2"})
    second = house.engine.api.inspect_container("web")["Id"]
    deploy(house, WEB)
    assert house.engine.api.inspect_container("web")["Id"] == first
    assert house.engine.api.inspect_container("web")["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert house.engine.api.inspect_container("web.prev")["Id"] == second


def test_anonymous_volumes_go_on_with_the_next_version(house: DockerHouse) -> None:
    spec = {"image": "lab/base:1", "command": ["sleep", "1000000"], "user": "0", "stop_grace_period": "0s", "init": True}
    deploy(house, spec)
    api = house.engine.api
    api.exec_start(api.exec_create("web", ["sh", "-c", "echo kept > /var/data/file"])["Id"])
    deploy(house, {**spec, "environment": {"A": "2"}})
    assert api.exec_start(api.exec_create("web", ["cat", "/var/data/file"])["Id"]).decode() == "kept\n"


def test_a_one_shot_that_ended_well_is_done(house: DockerHouse) -> None:
    deploy(house, {"image": "lab/once:1", "restart": "no"})
    wait_until(lambda: house.engine.containers() == {"web": "exited"}, "it to end")
    report = house.reconcile()
    assert [(each.sync, each.health) for each in report.statuses] == [("Synced", "Healthy")]
    assert house.plan() == ""


def test_a_service_that_ends_although_nobody_said_so_is_started_again(house: DockerHouse) -> None:
    deploy(house, {**WEB, "restart": "no", "image": "lab/web:1"})
    house.commit({"service/web": WEB})
    house.reconcile()
    house.engine.api.stop("web")
    assert house.plan() == "update service/web: drift: status [allow]"


def test_others_wait_for_a_job_to_end(house: DockerHouse) -> None:
    job = {"image": "lab/sleep:1", "command": ["sh", "-c", "sleep 1; echo done"], "restart": "no", "completes": True}
    house.commit({"service/job": job, "service/web": {**WEB, "depends_on": ["job"]}})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED
    api = house.engine.api
    ended = api.inspect_container("job")["State"]["FinishedAt"]
    assert api.inspect_container("web")["State"]["StartedAt"] > ended


def test_an_image_is_pulled_by_the_digest_of_the_plan(house: DockerHouse) -> None:
    engine = house.engine
    pinned = engine.push("lab/web:1", "pinned:1")
    engine.api.remove_image("127.0.0.1:5000/pinned:1")
    deploy(house, {**WEB, "image": "127.0.0.1:5000/pinned:1"})
    digest = pinned.partition("@")[2]
    assert house.shown("web")["image_digest"] == digest
    assert house.shown("web")["image"] == "127.0.0.1:5000/pinned:1"
    engine.push("lab/web:2", "pinned:1")
    house.house.reconciler.forget()
    assert house.plan() == "", "a tag that moves in the registry changes nothing by itself"
    engine.api.remove_container("web", force=True)
    house.reconcile()
    assert house.shown("web")["image_digest"] == digest, "what comes back is what was approved"
    deploy(house, {**WEB, "image": "127.0.0.1:5000/pinned:1", "pull_policy": "always"})
    assert house.shown("web")["image_digest"] != digest


def test_a_running_container_is_adopted_without_being_touched(house: DockerHouse) -> None:
    api = house.engine.api
    made = api.create_container(
        "lab/web:1", name="web", environment={"A": "1"}, host_config=api.create_host_config(restart_policy={"Name": "always"})
    )
    api.start(made["Id"])
    spec = {"image": "lab/web:1", "environment": {"A": "1"}, "restart": "always"}
    house.files["service-web.yaml"] = json.dumps({"kind": "Service", "name": "web", "mode": "adopt", "spec": spec})
    house.house.book.write(dict(house.files))
    house.reconcile()
    assert house.plan() == ""
    assert api.inspect_container("web")["Id"] == made["Id"]
    house.commit({"service/web": {**spec, "image": "lab/web:2", "stop_grace_period": "1s"}})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    assert api.inspect_container("web.prev")["Id"] == made["Id"]
    house.commit({"service/web": {**spec, "image": "lab/web:3", "stop_grace_period": "1s"}})
    house.reconcile()
    assert house.engine.containers() == {"web": "running", "web.prev": "exited"}


def test_a_strangers_container_is_never_touched(house: DockerHouse) -> None:
    api = house.engine.api
    for name in ("web.next", "web.prev"):
        api.create_container("lab/sleep:1", name=name)
    house.commit({"service/web": WEB})
    house.reconcile()
    assert "exists and is not ours" in "; ".join(note.message for note in house.house.reconciler.survey().plan.notes)
    assert set(house.engine.containers()) == {"web.next", "web.prev"}


def test_namespaces_follow_the_service_they_belong_to(house: DockerHouse) -> None:
    sidecar = {"image": "lab/sleep:1", "network_mode": "service:web", "stop_grace_period": "1s"}
    house.commit({"service/web": WEB, "service/sidecar": sidecar})
    house.reconcile()
    assert house.run().outcome is Outcome.APPLIED, house.run().reason
    assert house.plan() == ""
    house.commit({"service/web": {**WEB, "image": "lab/web:2"}})
    house.reconcile()
    assert house.plan() == "replace service/sidecar: drift: network_mode [allow]"
    house.reconcile()
    assert house.plan() == ""
    api = house.engine.api
    assert api.inspect_container("sidecar")["HostConfig"]["NetworkMode"] == "container:" + api.inspect_container("web")["Id"]
