"""What an import leaves out, loses or may not allow by itself is said; which project a file runs as is found or asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faces.command import Home, empty
from tests.faces.test_cli_import import compose, identities, written
from tests.support.engines import Engine

TWO = "services:\n  web: {image: 'lab/web:1', environment: {VER: '1'}}\n  side: {image: 'lab/sleep:1', stop_grace_period: 1s}\n"

PAIR = """\
# Two that belong together.
services:

  web:  # the one
    # with a version
    image: lab/web:1
    environment: {VER: '1'}
  side:
    image: lab/sleep:1   # the other
    stop_grace_period: 1s
    network_mode: service:web
    pid: service:web
"""


@pytest.fixture
def home(tmp_path: Path, engine_new: Engine) -> Home:
    """A home without specs, for an empty engine."""
    made = empty(tmp_path)
    made.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=engine_new.url)
    return made


def made(engine: Engine, name: str, image: str = "lab/sleep:1", *, start: bool = True, **options: Any) -> str:
    """A container as `docker run` would make it; its id."""
    host = {word: options.pop(word) for word in list(options) if word in HOST}
    config = engine.api.create_host_config(**host)
    found = str(engine.api.create_container(image, name=name, host_config=config, **options)["Id"])
    if start:
        engine.api.start(found)
    return found


HOST = ("auto_remove", "publish_all_ports", "privileged", "binds", "links", "network_mode", "restart_policy")


@dataclass(frozen=True)
class Case:
    """Something on an engine, and what an import says of it; `taken` = it is imported all the same."""

    name: str
    make: Callable[[Engine], object]
    says: str
    reason: str
    taken: bool = False


def _exited(engine: Engine) -> None:
    engine.api.wait(made(engine, "ended", "lab/crash:1"))


def _by_id(engine: Engine) -> None:
    image = engine.api.commit(made(engine, "bare", start=False))["Id"]
    engine.api.remove_container("bare")
    made(engine, "nameless", image)


def _one_off(engine: Engine) -> None:
    made(engine, "task", labels={"com.docker.compose.oneoff": "True", "com.docker.compose.project": "p"})


def _linked(engine: Engine) -> None:
    made(engine, "store")
    made(engine, "linked", links={"store": "db"})


CASES = [
    Case("ended", _exited, "it does not run (it ended with code 3)", "a stopped container is no Service that runs"),
    Case("fresh", lambda e: made(e, "fresh", start=False), "it was created and never started", "created and forgotten"),
    Case("held", lambda e: e.api.pause(made(e, "held")), "it is paused", "paused by a person"),
    Case("brief", lambda e: made(e, "brief", auto_remove=True), "started with `--rm`", "the engine removes it at its end"),
    Case("task", _one_off, "one-off task of Compose", "`docker compose run` makes it anew each time"),
    Case("nameless", _by_id, "an image that has no name", "nothing could be declared that leads back to what runs"),
    Case(
        "telling",
        lambda e: made(e, "telling", command=["sh", "-c", "sleep 9999 --password hunter2-canary"]),
        "holds a secret (--password)",
        "a command has no place for a reference, and git must not hold the value",
    ),
    Case(
        "repeating",
        lambda e: made(
            e, "repeating", environment={"DB_PASSWORD": "s3-canary"}, healthcheck={"test": ["CMD", "true", "-ps3-canary"]}
        ),
        "its healthcheck repeats the secret repeating/db-password",
        "the value would stand in git beside the reference to it",
    ),
    Case(
        "same",
        lambda e: made(
            e, "same", environment={"DB_USER": "paper", "DB_PASSWORD": "paper"}, command=["sleep", "9999"], labels={"a": "paper"}
        ),
        "",
        "a password that is the user's name tells nothing",
        taken=True,
    ),
    Case(
        "open",
        lambda e: made(e, "open", "lab/web:1", ports=[80], publish_all_ports=True),
        "ports that the engine chose (`-P`) (80/tcp at ",
        "the next update would silently end them",
        taken=True,
    ),
    Case("linked", _linked, "its link to store as db", "links are names that no network knows", taken=True),
]


def test_what_is_left_out_is_said(home: Home, engine_new: Engine) -> None:
    for case in CASES:
        case.make(engine_new)
    engine_new.api.create_volume("spare")
    before = identities(engine_new)
    said = home("import", "docker", "-o", "json")
    assert said.code == 0, said.err
    told = {item["key"]: item["reason"] for item in (*said.json["left"], *said.json["lost"])}
    for case in CASES:
        assert case.says in told.get(f"service/{case.name}", ""), case.reason
        assert case.says in said.err, f"{case.name}: also in words"
        assert (f"services/{case.name}.yaml" in said.json["files"]) == case.taken, case.reason
    assert "nothing that was imported uses it" in told["volume/spare"]
    assert said.json["plan"]["rollouts"] == []
    assert identities(engine_new) == before
    assert "canary" not in written(home) + said.out + said.err
    refused = home("import", "docker", "--only", "service/nobody")
    assert refused.code == 4
    assert "nothing that could be imported fits 'service/nobody'" in refused.err


def test_a_project_is_found_by_the_file_it_was_started_from(home: Home, engine_new: Engine) -> None:
    file = home.folder / "media" / "compose.yaml"
    file.parent.mkdir()
    file.write_text(TWO)
    compose(engine_new, file.parent, "-p", "other", "up", "-d", "--quiet-pull")
    before = identities(engine_new)
    said = home("import", "compose", str(file), "--dry-run", "-o", "json")
    assert sorted(said.json["files"]) == ["stacks/other/compose.yaml", "stacks/other/stack.yaml"]
    compose(engine_new, file.parent, "-p", "third", "up", "-d", "--quiet-pull")
    asked = home("import", "compose", str(file))
    assert asked.code == 4
    assert "several projects were started from this file: other, third. Which one? Say it with --project NAME" in asked.err
    taken = home("import", "compose", str(file), "--project", "other", "--name", "media")
    assert taken.code == 0, taken.err
    assert "took over service/media-web" in taken.err
    assert "no changes" in taken.out
    assert {name: each for name, each in identities(engine_new).items() if name in before} == before
    split = home("import", "compose", str(file), "--project", "third", "--split")
    assert split.code == 0, split.err
    assert "took over service/third-web" in split.err


def test_rights_over_the_host_come_with_a_rule_that_a_person_commits(home: Home, engine_new: Engine) -> None:
    made(engine_new, "plain")
    made(engine_new, "strong", privileged=True, binds=["/etc/[a]*:/x:ro", "/var/run/docker.sock:/sock"], stop_signal="SIGKILL")
    before = identities(engine_new)
    said = home("import", "docker")
    assert said.code == 0, said.err
    assert "no changes" in said.out
    assert home.git("status", "--short", "-uall") == "?? policy/imported.yaml\n", "it lies there and is not committed"
    assert home("plan", "--detailed-exitcode").code == 0
    rule = (home.repo / "policy" / "imported.yaml").read_text()
    assert "privileged" in rule
    assert "plain" not in rule
    assert "privileged" in said.err

    spec = home.repo / "services" / "strong.yaml"
    spec.write_text(spec.read_text().replace("lab/sleep:1", "lab/sleep:2"))
    home.git("add", "services")
    home.git("-c", "user.name=me", "-c", "user.email=me@example.net", "commit", "-q", "-m", "newer")
    denied = home("apply")
    assert "denied" in (denied.out + denied.err).lower()
    assert identities(engine_new) == before
    home.commit("agreed")
    done = home("apply")
    assert done.code == 0, done.err + done.out
    assert identities(engine_new)["/plain"] == before["/plain"]
    assert identities(engine_new)["/strong"] != before["/strong"]


def test_what_an_update_set_aside_goes_when_it_is_let_go(home: Home, engine_new: Engine) -> None:
    made(engine_new, "mine", stop_signal="SIGKILL")
    made(engine_new, "mine2", stop_signal="SIGKILL")
    assert home("import", "docker").code == 0
    for name in ("mine", "mine2"):
        file = home.repo / "services" / f"{name}.yaml"
        file.write_text(file.read_text().replace("lab/sleep:1", "lab/sleep:2"))
    home.commit("newer")
    assert home("apply").code == 0
    assert {"mine.prev", "mine2.prev"} <= engine_new.containers().keys()
    gone = home("detach", "service/mine")
    assert gone.code == 0, gone.err
    assert "removed mine.prev, which waited stopped for an undo" in gone.err
    assert engine_new.containers() == {"mine": "running", "mine2": "running", "mine2.prev": "exited"}

    home.git("rm", "-q", "services/mine.yaml")
    home.commit("not declared any more")
    again = home("import", "docker", "-o", "json")
    assert again.code == 0, again.err
    assert sorted(again.json["files"]) == ["services/mine.yaml"], "only what is nobody's now, and no debris"
    assert again.json["adopted"][0]["differs"] == []
    assert home("plan", "--detailed-exitcode").code == 0


def test_pairs_that_share_a_namespace_are_as_declared(home: Home, engine_new: Engine) -> None:
    file = home.folder / "pair" / "compose.yaml"
    file.parent.mkdir()
    file.write_text(PAIR)
    compose(engine_new, file.parent, "up", "-d", "--quiet-pull")
    said = home("import", "compose", str(file), "-o", "json")
    assert said.code == 0, said.err
    assert {item["key"]: item["differs"] for item in said.json["adopted"]} == {
        "service/pair-web": [], "service/pair-side": [], "network/pair-default": []
    }  # fmt: skip
    imported = home.repo / "stacks" / "pair" / "compose.yaml"
    names = [f"    container_name: pair-{name}-1\n" for name in ("web", "side")]
    assert [line for line in imported.read_text().splitlines(True) if line not in names] == PAIR.splitlines(True), "comments stay"
    imported.write_text(imported.read_text().replace("VER: '1'", "VER: '2'"))
    home.commit("newer")
    assert home("apply").code == 0
    web, side = (engine_new.api.inspect_container(f"pair-{name}-1") for name in ("web", "side"))
    assert side["HostConfig"]["NetworkMode"] == f"container:{web['Id']}", "both are replaced in one rollout"
    assert home("plan", "--detailed-exitcode").code == 0

    before = {name: each.split()[0] for name, each in identities(engine_new).items()}
    failing = "image: lab/sleep:1\n    healthcheck: {test: 'false', interval: 1s, retries: 1}"
    imported.write_text(imported.read_text().replace("VER: '2'", "VER: '3'").replace("image: lab/sleep:1", failing))
    home.commit("what lives in the other one fails")
    assert home("apply").code == 5
    after = identities(engine_new)
    assert {name: each.split()[0] for name, each in after.items() if not name.endswith(".prev")} == {
        name: each for name, each in before.items() if not name.endswith(".prev")
    }, "both are put back, the one that lives in the other last"
    assert all(each.endswith("running") for name, each in after.items() if not name.endswith(".prev"))
