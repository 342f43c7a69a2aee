"""Beginning: a spec repository that works, new documents, schemas, the doctor and the demo."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller import kinds
from controller.usecases.scaffold import example, template
from controller.usecases.schemas import schemas
from controller.wire import load_kinds
from tests.faces.command import BINARY, Home, empty
from tests.support.space import wait_until

KINDS = load_kinds()


@pytest.fixture
def folder(tmp_path: Path) -> Home:
    """A home whose repository does not exist yet."""
    return Home(tmp_path)


def init(home: Home, *more: str) -> None:
    """Make the repository and check that it went well."""
    said = home("init", str(home.repo), *more, folder=home.folder)
    assert said.code == 0, said.err


def test_a_new_repository_works_as_it_is(folder: Home) -> None:
    init(folder)
    assert folder.git("log", "--format=%s %ae").split()[:3] == ["Start", "a", "home"]
    assert folder.git("status", "--short") == ""
    assert set(folder.git("ls-files").split()) == {*template(), "schemas/homelab.json"}
    assert folder("validate").out == "valid\n"
    assert folder("apply").code == 0
    assert folder("plan", "--detailed-exitcode").code == 0
    identity = folder.state / "memory" / "identity"
    assert stat.S_IMODE(identity.stat().st_mode) == 0o600
    for name in ("homelab.yaml", "services/hello.yaml", "policy/house.yaml"):
        first = (folder.repo / name).read_text().splitlines()[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert ((folder.repo / name).parent / schema).is_file(), "the editor finds the schema"
    assert folder.git("config", "--get-regexp", "user.*|core.*").count("user.") == 0, "nobody's name is left in the settings"


def test_a_second_init_changes_nothing_and_completes_what_is_missing(folder: Home) -> None:
    init(folder)
    folder.commit("mine", {"services/hello.yaml": "kind: Service\nname: hello\nspec: {image: 'mine:1'}\n"})
    head = folder.git("rev-parse", "HEAD")
    init(folder)
    assert folder.git("rev-parse", "HEAD") == head
    folder.git("rm", "-q", "schemas/homelab.json")
    folder.commit("no schema")
    folder.write("left.txt", "not to be committed")
    init(folder)
    assert folder.git("show", "--stat", "--format=", "HEAD").count("schemas/homelab.json") == 1
    assert folder.git("status", "--short") == "?? left.txt\n"
    assert "mine:1" in (folder.repo / "services" / "hello.yaml").read_text()


def test_a_folder_with_content_is_left_alone_unless_asked(folder: Home) -> None:
    folder.repo.mkdir()
    folder.write("notes.txt", "mine")
    said = folder("init", str(folder.repo), folder=folder.folder)
    assert said.code == 4
    assert "--here" in said.err
    assert sorted(path.name for path in folder.repo.iterdir()) == ["notes.txt"]
    init(folder, "--here")
    assert folder.git("status", "--short") == "?? notes.txt\n"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_new_writes_an_example_under_a_name_of_its_own(folder: Home, kind: str) -> None:
    init(folder)
    said = folder("new", kind, "my-own")
    assert said.code == 0, said.err
    assert said.out.strip() == str(folder.repo / f"{kind}s" / "my-own.yaml")
    text = (folder.repo / f"{kind}s" / "my-own.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../schemas/homelab.json\n")
    assert text.count("yaml-language-server") == 1
    assert "name: my-own\n" in text
    beside = Path(kinds.__path__[0]) / kind / "beside.yaml"
    if beside.exists():  # what an example of this kind cannot stand without
        text = beside.read_text()
        folder.write("homelab.yaml" if "kind: Homelab" in text else "beside.yaml", text)
    checked = folder("validate", "--worktree")
    assert checked.code == 0, checked.out
    again = folder("new", kind, "my-own")
    assert again.code == 4
    assert "exists already" in again.err


def test_new_knows_its_kinds(folder: Home) -> None:
    init(folder)
    said = folder("new", "servise", "x1")
    assert said.code == 4
    assert "service" in said.err
    assert example("service", "x1").count("name: x1") == 1


TEXTS = schemas(KINDS)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_schema_describes_every_field_and_refers_to_nothing_that_is_missing(name: str) -> None:
    schema = json.loads(TEXTS[name])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = set(_references(schema))
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])
    undescribed = [
        f"{owner}.{field}"
        for owner, definition in schema["$defs"].items()
        for field, about in definition.get("properties", {}).items()
        if "description" not in about and "$ref" not in about and "allOf" not in about
    ]
    assert undescribed == []


def _references(data: Any) -> list[str]:
    if isinstance(data, dict):
        found = [data["$ref"]] if isinstance(data.get("$ref"), str) else []
        return found + [each for value in data.values() for each in _references(value)]
    return [each for value in data for each in _references(value)] if isinstance(data, list) else []


def test_the_schema_for_any_document_has_a_branch_for_each_kind() -> None:
    schema = json.loads(TEXTS["homelab"])
    kinds = {branch["$ref"].rpartition("/")[2] for branch in schema["oneOf"]}
    assert kinds == {f"{name.capitalize()}Document" for name in (*KINDS, "policy", "homelab")}
    words = [schema["$defs"][kind]["properties"]["kind"]["enum"] for kind in kinds]
    assert len({word for pair in words for word in pair}) == 2 * len(kinds), "a document fits one branch only"


def test_stale_schemas_are_found_and_renewed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.repo.mkdir()
    assert home("schema", "--check").code == 1
    assert home("schema", "--write").code == 0
    assert home("schema", "--check").code == 0
    path = home.repo / "schemas" / "service.json"
    path.write_text(path.read_text().replace("container", "thing"))
    stale = home("schema", "--check")
    assert stale.code == 1
    assert "schemas/service.json is stale" in stale.err
    assert home("schema", "homelab", "--check").code == 0
    (home.repo / "schemas" / "old.json").write_text("{}")
    assert home("schema", "--write").code == 0
    assert home("schema", "--check").code == 0
    assert not (home.repo / "schemas" / "old.json").exists()
    assert json.loads(home("schema", "service").out)["title"] == "Service"
    assert "did you mean `service`?" in home("schema", "servce").err


def test_the_doctor_finds_what_is_wrong_and_says_how_to_fix_it(tmp_path: Path) -> None:
    home = empty(tmp_path)
    home.service("app:1")
    assert home("apply").code == 0
    well = home("doctor")
    assert well.code == 0, well.out
    assert "fix: " in well.out, "that no controller runs is worth a word"
    home.service("app:bad")
    assert home("apply").code == 5
    assert home("suspend", "service/web").code == 0
    other = home.state / "vault.age"
    other.write_text("not to be read by others")
    other.chmod(0o644)
    found = home("doctor", "-o", "json")
    assert found.code == 1
    bad = {item["what"]: item["fix"] for item in found.json["findings"] if item["level"] != "good"}
    assert any(f"chmod 600 {other}" == fix for fix in bad.values())
    assert any("homelab retry service/web" in fix for fix in bad.values())
    assert any("homelab resume service/web" in fix for fix in bad.values())
    assert all(bad.values()), "every finding has a fix"
    lost = home("doctor", folder=home.folder)
    assert lost.code == 1
    assert "homelab init" in lost.out


def test_the_demo_shows_a_simulated_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = {name: value for name, value in home.settings().items() if not name.startswith("HOMELAB")}
    log = tmp_path / "demo.log"
    command: list[str | Path] = [BINARY, "demo", "--listen", "127.0.0.1:0", "--state", str(tmp_path / "demo")]
    with log.open("w") as sink, subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=sink, stderr=sink) as process:
        try:
            home.environment.update(HOMELAB_STATE=str(tmp_path / "demo" / "state"), HOMELAB_REPO=str(tmp_path / "demo" / "specs"))
            wait_until(lambda: "page: http" in log.read_text(), "the page")

            def healthy() -> bool:
                shown = home("status", "-o", "json", folder=tmp_path)
                return (
                    shown.code == 0 and len(shown.json["items"]) >= 5 and {i["sync"] for i in shown.json["items"]} == {"Synced"}
                )

            wait_until(healthy, "the simulated home")
            items = home("status", "-o", "json", folder=tmp_path).json["items"]
            kinds = {item["key"].partition("/")[0] for item in items}
            house = {"area", "automation", "device", "entity", "floor", "helper", "label", "scene", "script"}
            assert kinds == house | {"certificate", "network", "record", "route", "service", "volume"}, "something of everything"
            assert home("energy", folder=tmp_path).out.startswith("        used"), "the simulated home measures"
            assert "memory (simulated)" in home("status", folder=tmp_path).out
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert "DEMO" in log.read_text()
    assert "simulated" in log.read_text()
