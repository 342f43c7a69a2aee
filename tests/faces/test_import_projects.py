"""Compose projects as people have them: taken over as they are, changed in one place, let go of, taken back."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faces.command import Home, empty
from tests.faces.test_cli_import import compose, identities, written
from tests.support.engines import Engine

PROJECTS = Path(__file__).parent / "projects"


@dataclass(frozen=True)
class Project:
    """A project below `projects/`: what is changed in one of its imported files, and which containers that may touch."""

    name: str
    file: str
    change: tuple[str, str, str]
    variable: str
    touches: frozenset[str]
    files: frozenset[str]
    reason: str
    up: tuple[str, ...] = ()


CASES = [
    Project(
        "photos",
        "docker-compose.yml",
        ("docker-compose.yml", "MODE: fast", "MODE: slow"),
        "MODE",
        frozenset(["photos_server"]),
        frozenset(["docker-compose.yml", "more.env", ".env"]),
        "values from .env and env files, secrets among them, a list of variables, data at a path that is a variable",
    ),
    Project(
        "vpn",
        "compose.yaml",
        ("compose.override.yaml", "8085", "8086"),
        "WEBUI_PORT",
        frozenset(["vpn-torrent-1"]),
        frozenset(["compose.yaml", "compose.override.yaml"]),
        "an override that Compose finds by itself, a profile that runs, a shared namespace, rights that need a rule",
        ("--profile", "arr"),
    ),
    Project(
        "forge",
        "docker-compose.yaml",
        ("common.yml", "MODE: fast", "MODE: slow"),
        "MODE",
        frozenset(["forge-web-1"]),
        frozenset(["docker-compose.yaml", "common.yml", "db/compose.yaml", "db/db.env", "forge.ini"]),
        "included and extended files in other folders, a one-shot that ended, a secret that is a file, an image built by hand",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_project_is_taken_over_changed_and_let_go(tmp_path: Path, engine_new: Engine, case: Project) -> None:
    project, home = tmp_path / case.name, empty(tmp_path)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=engine_new.url)
    shutil.copytree(PROJECTS / case.name, project)
    compose(engine_new, project, *case.up, "up", "-d", "--quiet-pull", "--no-build")
    before, values = identities(engine_new), _values(engine_new)

    said = home("import", "compose", str(project / case.file), "-o", "json")
    assert said.code == 0, said.err
    assert said.json["plan"]["rollouts"] == []
    ours = {path.removeprefix(f"stacks/{case.name}/") for path in said.json["files"]} - {"stack.yaml"}
    assert ours == case.files
    assert identities(engine_new) == before, "nothing was recreated or restarted"
    assert not re.search(r"canary-\w+-\d", written(home) + said.out + said.err), "secrets are in the vault and nowhere else"
    if said.json["policy"]:
        home.commit("house rules")

    path, old, new = case.change
    file = home.repo / "stacks" / case.name / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    home.commit("a change")
    done = home("apply")
    assert done.code == 0, done.err + done.out
    after = identities(engine_new)
    assert {name.lstrip("/") for name, each in before.items() if after.get(name) != each} == case.touches, case.reason
    for name in case.touches:
        assert {line.partition("=")[0] for line in values[name] ^ _values(engine_new)[name]} == {case.variable}, (
            "secrets are the same"
        )

    _let_go_and_back(home, engine_new)
    _import_again(home, engine_new, project / case.file)


def _values(engine: Engine) -> dict[str, set[str]]:
    """The variables of every container by its name."""
    found = {}
    for row in engine.api.containers(all=True):
        details = engine.api.inspect_container(row["Id"])
        found[details["Name"].lstrip("/")] = set(details["Config"]["Env"] or ())
    return found


def _let_go_and_back(home: Home, engine: Engine) -> None:
    """Nothing but what waited for an undo goes, and everything can be taken back."""
    kept = {name: each for name, each in identities(engine).items() if not name.endswith(".prev")}
    gone = home("detach", "--all", "--yes", "-o", "json")
    assert gone.code == 0, gone.err
    assert all(name.endswith(".prev") for name in gone.json["removed"])
    assert gone.json["removed"], "what an update had set aside"
    assert identities(engine) == kept
    assert home("apply").code == 0
    assert identities(engine) == kept, "it stays let go of"
    assert home("adopt", *gone.json["detached"]).code == 0
    assert home("plan", "--detailed-exitcode").code == 0
    assert identities(engine) == kept


def _import_again(home: Home, engine: Engine, file: Path) -> None:
    """What was let go of and is not declared any more is found again, also where we made the container meanwhile."""
    before = identities(engine)
    assert home("detach", "--all", "--yes").code == 0
    home.git("rm", "-rq", "stacks")
    home.commit("declared no more")
    said = home("import", "compose", str(file), "-o", "json")
    assert said.code == 0, said.err
    assert said.json["plan"]["rollouts"] == said.json["plan"]["notes"] == []
    assert said.json["left"] == []
    assert identities(engine) == before
