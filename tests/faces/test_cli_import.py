"""Taking over what runs: the first plan is empty, nothing is recreated, no secret is written down; letting go changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from docker.types import IPAMConfig, IPAMPool, LogConfig, Ulimit

from tests.faces.command import BINARY, Home, empty
from tests.support.engines import Engine

COMPOSE = BINARY.parent / "docker-compose"
CANARY = "canary-9b1d-keep-this-out-of-git"

FILE = """\
# A project as people have it.
services:
  web:
    image: lab/web:1
    environment:
      VER: "1"
      TITLE: costs $$5
      API_TOKEN: ${WEB_TOKEN}
    ports: ["127.0.0.1:8080:80"]
    volumes: ["./site:/site", "data:/data"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    restart: unless-stopped
    mem_limit: 64m
    depends_on: [cache]
    labels: {note: "a $$ sign"}
  cache:
    image: lab/sleep:1
    stop_grace_period: 1s
    env_file: cache.env
    networks:
      default: {aliases: [store]}
      back: {}
    cap_drop: [NET_RAW]
    ulimits: {nofile: 1024}
networks:
  back: {internal: true}
volumes:
  data: {}
"""


@pytest.fixture
def home(tmp_path: Path, engine_new: Engine) -> Home:
    """A home without specs, for an engine on which a compose project and a lonely container run."""
    return lived_in(tmp_path, engine_new)


def lived_in(folder: Path, engine: Engine) -> Home:
    """The same for any engine."""
    made = empty(folder)
    made.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=engine.url)
    project = folder / "media"
    (project / "site").mkdir(parents=True)
    (project / "compose.yaml").write_text(FILE)
    (project / ".env").write_text(f"WEB_TOKEN={CANARY}-1\n")
    (project / "cache.env").write_text(f"MODE=fast\nCACHE_PASSWORD={CANARY}-2\n")
    compose(engine, project, "up", "-d", "--quiet-pull")
    lonely = engine.api.create_container("lab/sleep:1", name="lonely", command=["sleep", "7777"], environment={"TZ": "UTC"})
    engine.api.start(lonely["Id"])
    return made


def compose(engine: Engine, project: Path, *arguments: str) -> None:
    """Run Compose itself in a project's folder."""
    settings = {"PATH": os.environ["PATH"], "HOME": str(project), "DOCKER_HOST": engine.url}
    done = subprocess.run([COMPOSE, *arguments], cwd=project, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def identities(engine: Engine) -> dict[str, str]:
    """Every container with its id and when it started: what tells a recreated or restarted one."""
    found = {}
    for row in engine.api.containers(all=True):
        details = engine.api.inspect_container(row["Id"])
        found[details["Name"]] = f"{details['Id']} {details['State']['StartedAt']} {details['State']['Status']}"
    return found


def written(home: Home) -> str:
    """Everything that is in the repository, history included."""
    return home.git("log", "-p", "--all")


def test_what_runs_on_docker_is_taken_over_as_it_is(tmp_path: Path, engine: Engine) -> None:
    home = lived_in(tmp_path, engine)
    before = identities(engine)
    dry = home("import", "docker", "--dry-run")
    assert dry.code == 0, dry.err
    assert "services/media-web.yaml" in dry.out
    assert home.git("status", "--short") == "", "a dry run writes nothing"
    said = home("import", "docker")
    assert said.code == 0, said.err + said.out
    assert "no changes" in said.out, said.out
    assert home("plan", "--detailed-exitcode").code == 0
    assert identities(engine) == before, "nothing was recreated or restarted"
    assert CANARY not in written(home) + said.out + said.err
    assert {item["ref"] for item in home("secret", "list", "-o", "json").json["secrets"]} == {
        "media-web/api-token",
        "media-cache/cache-password",
    }
    status = home("status", "-o", "json").json
    assert {item["key"] for item in status["items"]} == {
        "service/media-web", "service/media-cache", "service/lonely", "network/media-default", "network/media-back",
        "volume/media-data",
    }  # fmt: skip
    assert {item["sync"] for item in status["items"]} == {"Synced"}
    assert home("import", "docker").out == "", "there is nothing left to import"


def test_what_was_taken_over_is_updated_from_git(home: Home, engine_new: Engine) -> None:
    assert home("import", "docker", "--only", "service/media-web").code == 0
    keys = {item["key"] for item in home("status", "-o", "json").json["items"]}
    assert "service/lonely" not in keys
    assert {"service/media-web", "service/media-cache", "volume/media-data"} <= keys, "with what it uses and needs"
    file = home.repo / "services" / "media-web.yaml"
    file.write_text(file.read_text().replace("lab/web:1", "lab/web:2"))
    others = {name: each for name, each in identities(engine_new).items() if "web" not in name}
    home.commit("newer")
    said = home("apply")
    assert said.code == 0, said.err + said.out
    web = engine_new.api.inspect_container("media-web-1")
    assert web["Config"]["Image"].startswith("lab/web:2") or web["Image"] == engine_new.api.inspect_image("lab/web:2")["Id"]
    assert f"API_TOKEN={CANARY}-1" in web["Config"]["Env"]
    assert "TITLE=costs $5" in web["Config"]["Env"]
    assert {name: each for name, each in identities(engine_new).items() if "web" not in name} == others
    assert home("plan", "--detailed-exitcode").code == 0


def test_letting_go_and_taking_back_touch_nothing(home: Home, engine_new: Engine) -> None:
    assert home("import", "docker").code == 0
    before = identities(engine_new)
    gone = home("detach", "--all", "--yes")
    assert gone.code == 0, gone.err
    assert home("apply").code == 0
    assert identities(engine_new) == before
    assert home("adopt", "service/lonely").code == 0
    assert home("plan", "--detailed-exitcode").code == 0
    assert identities(engine_new) == before


@pytest.mark.parametrize("split", [False, True], ids=["stack", "split"])
def test_a_compose_file_takes_over_its_project(home: Home, engine_new: Engine, split: bool) -> None:
    before = identities(engine_new)
    words = ["import", "compose", str(home.folder / "media" / "compose.yaml"), *(["--split"] if split else [])]
    dry = home(*words, "--dry-run", "-o", "json")
    assert dry.code == 0, dry.err
    assert dry.json["revision"] == ""
    said = home(*words)
    assert said.code == 0, said.err + said.out
    assert "no changes" in said.out, said.out + said.err
    assert home("plan", "--detailed-exitcode").code == 0
    assert identities(engine_new) == before
    assert CANARY not in written(home) + said.out + said.err
    assert "service/media-web" in home("status").out
    assert "lonely" not in home("status").out
    if not split:
        assert home("show", "service/media-web", "-o", "json").json["origin"].startswith("stacks/media/")
        compose_file = home.repo / "stacks" / "media" / "compose.yaml"
        compose_file.write_text(compose_file.read_text().replace("lab/web:1", "lab/web:2"))
        home.commit("newer")
        assert home("apply").code == 0
        values = engine_new.api.inspect_container("media-web-1" if "media-web-1" in engine_new.containers() else "media-web")[
            "Config"
        ]["Env"]
        assert f"API_TOKEN={CANARY}-1" in values
        assert home("plan", "--detailed-exitcode").code == 0


def test_a_project_that_does_not_run_is_imported_to_be_made(home: Home, engine_new: Engine) -> None:
    compose(engine_new, home.folder / "media", "down")
    said = home("import", "compose", str(home.folder / "media" / "compose.yaml"))
    assert said.code == 0, said.err
    assert "it does not exist: the next apply makes it" in said.err
    assert home("apply").code == 0
    assert sum(state == "running" for state in engine_new.containers().values()) == 3
    assert json.loads(home("plan", "-o", "json").out)["rollouts"] == []
    refused = home("import", "compose", str(home.folder / "media" / "compose.yaml"))
    assert refused.code == 4
    assert "exists already" in refused.err


def test_importing_through_a_running_controller(home: Home, engine_new: Engine) -> None:
    before = identities(engine_new)
    with home.controller():
        said = home("import", "docker")
        assert said.code == 0, said.err + said.out
        assert "no changes" in said.out
        assert home("logs", "service/lonely").code == 0
        assert home("detach", "service/lonely").code == 0
        assert home("adopt", "service/lonely").code == 0
    assert home("plan", "--detailed-exitcode").code == 0
    assert identities(engine_new) == before


def test_nothing_that_a_container_was_made_with_is_lost(tmp_path: Path, engine: Engine) -> None:
    home = empty(tmp_path)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=engine.url)
    made_with_everything(engine, tmp_path)
    said = home("import", "docker", "-o", "json")
    assert said.code == 0, said.err
    answer = said.json
    assert [item["differs"] for item in answer["adopted"]] == [[]] * 5, "what is declared is what runs, field by field"
    assert answer["plan"]["rollouts"] == []
    assert answer["plan"]["notes"] == []
    declared = answer["files"]["services/rich-one.yaml"]
    assert "s3cr3t" not in said.out
    for line in (
        "container_name: Rich_One",
        "- echo $$$$HOME; exec sleep 9999",
        "MONEY: a$$b$${c}",
        "ref: rich-one/url",
        "ref: rich-one/db-password",
        "- 127.0.0.1:8081:80/tcp",
        "ipv4_address: 10.77.0.44",
        "resource: volume/my-vol",
        "- /run:size=64k",
        "stop_signal: SIGINT",
    ):
        assert line in declared, line
    assert "PATH:" not in declared, "the image's own variables are not declared"
    anonymous = answer["files"]["services/anon.yaml"]
    assert "volumes" not in anonymous, "nor are the image's own volumes"
    home.service("lab/sleep:2", "other")
    assert home("apply").code == 0
    home.git("rm", "-q", "services/anon.yaml")
    home.commit("without it")
    assert "HELD by irreversible" in home("apply").out, "its volume would go with it"
    assert engine.containers()["anon"] == "running"
    digest = home("plan", "-o", "json").json["rollouts"][0]["digest"]
    assert home("approve", digest).code == 0
    assert engine.containers().get("anon") != "running"


def made_with_everything(engine: Engine, folder: Path) -> None:
    """A container with nearly every option there is, and one with none."""
    api = engine.api
    api.create_network(
        "my_net", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.77.0.0/24", gateway="10.77.0.9")]), labels={"a": "b"}
    )
    api.create_network("second", internal=True)
    api.create_volume("My.Vol", labels={"x": "y"})
    (folder / "files").mkdir()
    host = api.create_host_config(
        binds=[f"{folder}/files:/files:ro", "My.Vol:/vol"],
        port_bindings={"80/tcp": [("127.0.0.1", "8081"), ("", "8082")], "53/udp": ("::1", 5353)},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
        mem_limit="64m",
        memswap_limit="100m",
        cap_add=["NET_ADMIN"],
        cap_drop=["MKNOD"],
        dns=["9.9.9.9"],
        dns_search=["lan"],
        extra_hosts={"nas": "10.0.0.3"},
        tmpfs={"/run": "size=64k"},
        ulimits=[Ulimit(name="nofile", soft=100, hard=200)],
        log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
        read_only=True,
        init=True,
        sysctls={"net.ipv4.ip_forward": "1"},
        shm_size="128m",
        security_opt=["no-new-privileges"],
        pids_limit=77,
        cpu_shares=512,
        nano_cpus=500_000_000,
        group_add=["99"],
        network_mode="my_net",
    )
    endpoint: Any = {"my_net": api.create_endpoint_config(aliases=["alias1"], ipv4_address="10.77.0.44")}
    networks = api.create_networking_config(endpoint)
    made = api.create_container(
        "lab/web:1",
        name="Rich_One",
        entrypoint=["/bin/busybox", "env"],
        command=["/bin/sh", "-c", "echo $$HOME; exec sleep 9999"],
        environment={"EMPTY": "", "MONEY": "a$b${c}", "DB_PASSWORD": "s3cr3t$x", "URL": "postgres://u:s3cr3t@h/x"},
        labels={"traefik.http": "Host(`a$b`)"},
        hostname="richhost",
        user="0:0",
        working_dir="/tmp",
        tty=True,
        stdin_open=True,
        stop_signal="SIGINT",
        ports=[80, (53, "udp"), 9000],
        healthcheck={"test": ["CMD-SHELL", "true $$X"], "interval": 2_000_000_000, "retries": 4},
        host_config=host,
        networking_config=networks,
    )
    api.start(made["Id"])
    api.connect_container_to_network(made["Id"], "second", aliases=["two"])
    api.start(api.create_container("lab/base:1", name="anon", command=["sleep", "999"])["Id"])


def test_a_container_that_lives_in_another_one_follows_it(tmp_path: Path, engine_new: Engine) -> None:
    api, home = engine_new.api, empty(tmp_path)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=engine_new.url)
    rule = "{name: shared, match: {concerns: ['volumes-from:*']}, verdict: allow}"
    home.commit("rules", {"policy/house.yaml": f"kind: Policy\nname: house\nspec: {{rules: [{rule}]}}\n"})
    api.start(api.create_container("lab/web:1", name="tunnel", volumes=["/data"])["Id"])
    shared = api.create_host_config(network_mode="container:tunnel", pid_mode="container:tunnel", volumes_from=["tunnel:ro"])
    api.start(api.create_container("lab/sleep:2", name="inside", host_config=shared, stop_signal="SIGKILL")["Id"])
    before = identities(engine_new)

    said = home("import", "docker", "--only", "service/inside")
    assert said.code == 0, said.err + said.out
    spec = (home.repo / "services" / "inside.yaml").read_text()
    assert "network_mode: service:tunnel\n" in spec
    assert "pid: service:tunnel\n" in spec
    assert "volumes_from:\n  - tunnel:ro\n" in spec
    assert "no changes" in home("plan").out
    assert identities(engine_new) == before

    file = home.repo / "services" / "tunnel.yaml"
    file.write_text(file.read_text().replace("lab/web:1", "lab/web:2"))
    home.commit("newer")
    for _ in range(2):  # what shares its namespaces follows in the pass after
        said = home("apply")
        assert said.code == 0, said.err + said.out
    tunnel, inside = api.inspect_container("tunnel"), api.inspect_container("inside")
    assert inside["HostConfig"]["NetworkMode"] == f"container:{tunnel['Id']}"
    assert "no changes" in home("plan").out
