"""A compose file as a Stack on real engines: in order, quiet, only what changed is touched, and the same as Compose makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from controller.clients.docker import DockerHost
from controller.core.run import Outcome
from controller.kinds import stack
from tests.contract.docker_house import DockerHouse, docker_house
from tests.support.engines import Engine
from tests.support.space import wait_until

COMPOSE = Path(sys.executable).with_name("docker-compose")
MEDIA = """\
services:
  web:
    image: lab/web:1
    restart: unless-stopped
    ports: ["8080:80", "127.0.0.1:8081:80/tcp"]
    environment:
      DATABASE: db
      TITLE: ${TITLE:-Films} and ${MORE}
    configs:
      - site
      - {source: banner, target: /etc/banner.txt}
    labels: {team: home}
    networks:
      default:
      edge: {aliases: [films], priority: 10}
    depends_on:
      db: {condition: service_healthy, restart: true}
      migrate: {condition: service_completed_successfully}
    mem_limit: 64m
    cpus: 0.5
    cap_add: [NET_ADMIN]
    ulimits: {nofile: {soft: 1024, hard: 2048}}
    extra_hosts: ["nas.home:192.168.1.5"]
    tmpfs: /scratch
    init: true
    stop_grace_period: 2s
    logging: {driver: json-file, options: {max-size: 1m}}
  db:
    image: lab/web:1
    command: ["/bin/sh", "-c", "echo ready > /data/state; exec /bin/serve"]
    user: "0:0"
    volumes: ["data:/data", "./seed:/seed:ro"]
    secrets: [key]
    stop_grace_period: 2s
    healthcheck: {test: ["CMD", "test", "-s", "/data/state"], interval: 1s, retries: 5}
  migrate:
    image: lab/once:1
    network_mode: service:db
    depends_on: [log]
  log:
    image: lab/sleep:1
    hostname: logger
    read_only: true
    working_dir: /tmp
    sysctls: {net.core.somaxconn: 1024}
    stop_grace_period: 1s
  side:
    image: lab/sleep:1
    network_mode: service:db
    stop_grace_period: 1s
  debug:
    image: lab/sleep:1
    profiles: [debug]
networks:
  edge:
    internal: true
    labels: {zone: outer}
    ipam: {config: [{subnet: 172.29.7.0/24}]}
volumes:
  data:
    labels: {kept: "yes"}
configs:
  site: {content: "title = ${TITLE:-Films}\\n"}
  banner: {file: ./banner.txt}
secrets:
  key: {file: ./key.txt}
"""
FILES = {"compose.yaml": MEDIA, "banner.txt": "hello\n", "key.txt": "s3cret\n", "seed/a.sql": "select 1\n", ".env": "MORE=more\n"}
SERVICES = ("db", "log", "migrate", "side", "web")
POLICY = {
    "rules": [{"name": "media", "verdict": "allow", "match": {"concerns": ["cap:NET_ADMIN", "shared-*", "sysctl:*"]}}],
}


@contextmanager
def media(engine: Engine, folder: Path) -> Iterator[DockerHouse]:
    """A controller whose repository holds the stack `media`."""
    with docker_house(engine, folder) as home:
        linker = home.house.reconciler.linker
        home.house.reconciler.linker = replace(linker, kinds={**linker.kinds, "stack": stack.KIND})
        home.files["policy/media.yaml"] = json.dumps({"kind": "Policy", "name": "media", "spec": POLICY})
        home.commit({"stack/media": {"file": "compose.yaml"}}, **FILES)
        yield home


@contextmanager
def happenings(engine: Engine) -> Iterator[list[tuple[str, str]]]:
    """Which containers start and get healthy while the block runs, in order: id and action."""
    told: list[tuple[str, str]] = []
    stop, opened = Flag(), Flag()
    host = DockerHost("watching", engine.url)
    wanted = {"container": ["start", "health_status"]}
    follow = (wanted, opened.set, lambda found: told.append((found.id, found.action)), stop)
    thread = Thread(target=host.events.follow, args=follow)
    thread.start()
    opened.wait()
    try:
        yield told
    finally:
        stop.set()
        thread.join()
        host.close()


def applied(home: DockerHouse) -> None:
    run = home.run()
    assert run.outcome is Outcome.APPLIED, (run.reason, [rollout.reason for rollout in run.rollouts])


def inspect(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.api.inspect_container(name)
    return found


def ids(engine: Engine) -> dict[str, str]:
    return {name: inspect(engine, f"media-{name}")["Id"] for name in SERVICES}


def said(engine: Engine, container: str, *command: str) -> str:
    """What a command in a container prints."""
    made = engine.api.exec_create(container, list(command))
    text: str = engine.api.exec_start(made["Id"]).decode()
    return text


def test_it_comes_up_in_order_and_stays_quiet(engine: Engine, tmp_path: Path) -> None:
    with media(engine, tmp_path) as home:
        with happenings(engine) as told:
            home.reconcile()
            applied(home)
            healthy, started = (ids(engine)["db"], "health_status: healthy"), (ids(engine)["web"], "start")
            wait_until(lambda: {healthy, started} <= set(told), "both to be told")
        assert home.plan() == ""
        assert engine.containers() == {
            "media-web": "running",
            "media-db": "running",
            "media-log": "running",
            "media-migrate": "exited",
            "media-side": "running",
        }
        assert engine.health("media-web") == engine.health("media-db") == "healthy"
        migrate, web = (inspect(engine, f"media-{name}")["State"] for name in ("migrate", "web"))
        assert told.index(healthy) < told.index(started), "healthy before its dependent starts"
        assert migrate["FinishedAt"] < web["StartedAt"], "completed before its dependent starts"
        assert migrate["ExitCode"] == 0
        assert engine.get(8080) == (200, "v1\n")
        assert said(engine, "media-web", "wget", "-q", "-O", "-", "http://db/") == "v1\n", "found by its name in the file"
        assert said(engine, "media-web", "cat", "/site", "/etc/banner.txt") == "title = Films\nhello\n"
        assert said(engine, "media-db", "cat", "/run/secrets/key", "/seed/a.sql") == "s3cret\nselect 1\n"
        before = ids(engine)
        home.reconcile()
        assert ids(engine) == before


@pytest.mark.parametrize(
    ("old", "new", "touched", "reason"),
    [
        ("hostname: logger", "hostname: scribe", {"log"}, "what only starts after it is not touched"),
        ("DATABASE: db", "DATABASE: db2", {"web"}, "a change of an end of the chain touches only that"),
        (
            '"./seed:/seed:ro"',
            '"./seed:/seed2:ro"',
            {"db", "web", "migrate", "side"},
            "web restarts with db, migrate lives in its network",
        ),
    ],
    ids=["log", "web", "db"],
)
def test_a_change_touches_one_service_and_its_declared_dependents(
    engine_new: Engine, tmp_path: Path, old: str, new: str, touched: set[str], reason: str
) -> None:
    with media(engine_new, tmp_path) as home:
        home.reconcile()
        before = ids(engine_new)
        assert MEDIA.count(old) == 1
        home.write("compose.yaml", MEDIA.replace(old, new))
        home.reconcile()
        applied(home)
        after = ids(engine_new)
        assert {name for name in SERVICES if before[name] != after[name]} == touched, reason
        assert home.plan() == ""
        assert engine_new.get(8080) == (200, "v1\n")
        assert said(engine_new, "media-side", "wget", "-q", "-O", "-", "http://127.0.0.1/") == "v1\n", "it lives where db does"


def test_a_broken_change_is_taken_back_as_a_whole(engine_new: Engine, tmp_path: Path) -> None:
    with media(engine_new, tmp_path) as home:
        home.reconcile()
        before = ids(engine_new)
        broken = MEDIA.replace("image: lab/web:1\n    restart", "image: lab/web:bad\n    restart")
        home.write("compose.yaml", broken.replace("retries: 5", "retries: 6"))
        home.reconcile()
        assert home.run().outcome is Outcome.ROLLED_BACK, home.run()
        assert ids(engine_new) == before, "the very containers, also those that live in another's network"
        assert said(engine_new, "media-side", "wget", "-q", "-O", "-", "http://127.0.0.1/") == "v1\n", "and they reach it"
        assert engine_new.get(8080) == (200, "v1\n")


# What we do otherwise than Compose, on purpose: field of `inspect` → reason. Whatever is not here must be equal.
DIFFERENCES = {
    "Name": "one key is one container: no number at its end",
    "Config.Labels": "our marks instead of Compose's",
    "Config.Healthcheck.StartInterval": "a good container is found healthy at once, not after 5 s",
    "HostConfig.Binds": "files of the repository are brought to the host by content",
    "HostConfig.Mounts": "Compose writes the long form where we write the short one, and the other way round",
    "Config.AttachStdout": "nobody is attached to a service",
    "Config.AttachStderr": "nobody is attached to a service",
    "Mounts./run/secrets/key": "a secret is copied in, so that no folder of the host holds it",
    "Mounts./site": "an inline config is mounted like a file, where Compose copies it",
}
_VOLATILE = {
    "AppArmorProfile", "Created", "ExecIDs", "GraphDriver", "HostnamePath", "HostsPath", "Id", "Image", "LogPath", "MountLabel",
    "Path", "Args", "ProcessLabel", "ResolvConfPath", "RestartCount", "State", "SizeRw", "SizeRootFs", "Storage",
}  # fmt: skip
_VOLATILE_NETWORK = {
    "DNSNames", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen", "IPv6Gateway",
    "MacAddress", "NetworkID",
}  # fmt: skip


def flat(data: Any, path: str = "") -> dict[str, Any]:
    """Leaves by dotted path; what is empty counts as not there."""
    if isinstance(data, dict):
        found: dict[str, Any] = {}
        for name, value in data.items():
            found.update(flat(value, f"{path}.{name}" if path else name))
        return found
    empty = data in (None, "", 0, False, [])
    return {} if empty else {path: sorted(map(json.dumps, data)) if isinstance(data, list) else data}


def comparable(details: Mapping[str, Any]) -> dict[str, Any]:
    """A container's inspect without what differs between any two runs: ids, addresses, its own name where it stands again."""
    own = details["Name"].lstrip("/")
    networks = {
        name: {
            **{key: value for key, value in settings.items() if key not in _VOLATILE_NETWORK},
            "Aliases": [each for each in settings["Aliases"] or () if each != own],
        }
        for name, settings in details["NetworkSettings"]["Networks"].items()
    }
    host = dict(details["HostConfig"])
    host["CapAdd"] = [each.removeprefix("CAP_") for each in host["CapAdd"] or ()]
    shares = host["NetworkMode"].startswith("container:")
    host["NetworkMode"] = "container" if shares else host["NetworkMode"]
    own_host = not shares and details["Config"]["Hostname"] != details["Id"][:12]
    config = {key: value for key, value in details["Config"].items() if key != "Hostname" or own_host}
    mounts = {
        each["Destination"]: {"Type": each["Type"], "RW": each["RW"], "Name": each.get("Name")} for each in details["Mounts"]
    }
    rest = {key: value for key, value in details.items() if key not in _VOLATILE}
    return flat({**rest, "Config": config, "HostConfig": host, "Mounts": mounts, "NetworkSettings": {"Networks": networks}})


def row_of(path: str) -> str:
    """The row of the table that explains a difference, or ""."""
    return next((row for row in DIFFERENCES if path == row or path.startswith(f"{row}.")), "")


def compose(engine: Engine, folder: Path, *command: str) -> None:
    """Run Compose itself on the same files."""
    for path, content in FILES.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": engine.url}
    arguments = [str(COMPOSE), "-p", "media", "-f", "compose.yaml", *command]
    run = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def everything(engine: Engine, pattern: str) -> dict[str, dict[str, Any]]:
    """Comparable inspects of the containers, networks and volumes of the project."""
    found = {name: comparable(inspect(engine, pattern.format(name))) for name in SERVICES}
    for name in ("media_default", "media_edge"):
        network = engine.api.inspect_network(name)
        kept = ("Name", "Driver", "Options", "Internal", "Attachable", "Ingress", "EnableIPv4", "EnableIPv6", "IPAM", "Scope")
        found[name] = flat({key: network.get(key) for key in kept})
    volume = engine.api.inspect_volume("media_data")
    found["media_data"] = flat({key: volume.get(key) for key in ("Name", "Driver", "Options", "Scope")})
    return found


def test_what_compose_makes_of_the_same_file_is_what_we_make(engine_new: Engine, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    compose(engine_new, tmp_path / "theirs", "up", "-d", "--wait")
    theirs = everything(engine_new, "media-{}-1")
    contents = said(engine_new, "media-web-1", "sh", "-c", "cat /site /etc/banner.txt; ls -ld /site /etc/banner.txt")
    engine_new.clean()
    with media(engine_new, tmp_path) as home:
        home.reconcile()
        applied(home)
        ours = everything(engine_new, "media-{}")
        differing = {
            (name, path): (theirs[name].get(path), ours[name].get(path))
            for name in theirs
            for path in theirs[name].keys() | ours[name].keys()
            if theirs[name].get(path) != ours[name].get(path)
        }
        assert {place: values for place, values in differing.items() if not row_of(place[1])} == {}
        assert {row_of(path) for _, path in differing} == set(DIFFERENCES), "a row that explains nothing"
        text = said(engine_new, "media-web", "sh", "-c", "cat /site /etc/banner.txt; ls -ld /site /etc/banner.txt")
        assert text.split()[:4] == contents.split()[:4]
