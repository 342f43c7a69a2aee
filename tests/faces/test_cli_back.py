"""Going back: to what was applied before, to a revision, or one key alone; and importing a compose file that does not run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faces.command import SERVICE, Home, empty


@pytest.fixture(scope="module")
def twice_applied(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two services in two versions each, applied one after the other; each takes a while to prove that it stays."""
    made = empty(tmp_path_factory.mktemp("twice"))
    made.commit("first", {f"services/{name}.yaml": SERVICE.format(name=name, image=f"{name}:1") for name in ("web", "db")})
    assert made("apply").code == 0
    made.service("web:2", "web")
    assert made("apply").code == 0
    made.service("db:2", "db")
    assert made("apply").code == 0
    return made


@pytest.fixture
def home(tmp_path: Path, twice_applied: Home) -> Home:
    """A copy of it."""
    shutil.copytree(twice_applied.folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Home(tmp_path, dict(twice_applied.environment))


def image(home: Home, name: str) -> str:
    """What runs for a service."""
    found: str = home("show", f"service/{name}", "-o", "json").json["observed"]["image"]
    return found


def test_back_to_what_was_applied_before_and_forth_again(home: Home) -> None:
    shown = home("rollback", "--plan")
    assert shown.code == 0
    assert "image: db:2 → db:1" in shown.out
    assert home.git("log", "--format=%s", "-1") == "db db:2\n", "--plan writes nothing"
    said = home("rollback", "--yes")
    assert said.code == 0, said.err
    assert (image(home, "web"), image(home, "db")) == ("web:2", "db:1")
    assert home.git("status", "--short") == ""
    assert home("rollback", "--yes").code == 0
    assert (image(home, "web"), image(home, "db")) == ("web:2", "db:2")


def test_one_key_alone(home: Home) -> None:
    home.commit("a note", {"README.md": "unrelated\n"})
    said = home("rollback", "service/web", "--yes")
    assert said.code == 0, said.err
    assert (image(home, "web"), image(home, "db")) == ("web:1", "db:2")
    assert home.git("show", "--stat", "--format=", "HEAD").count("|") == 1, "only its own file"
    assert (home.repo / "README.md").read_text() == "unrelated\n"


def test_a_key_whose_last_version_failed_goes_back_to_the_one_that_runs(home: Home) -> None:
    home.service("web:bad", "web")
    assert home("apply").code == 5
    said = home("rollback", "service/web", "--yes", "-o", "json")
    assert said.code == 0, said.err
    assert said.json["pass"]["runs"] == [], "what ran before still runs: nothing is touched"
    assert image(home, "web") == "web:2"
    assert {item["sync"] for item in home("status", "-o", "json").json["items"]} == {"Synced"}


def test_a_deleted_key_comes_back(home: Home) -> None:
    home.git("rm", "-q", "services/db.yaml")
    home.commit("without db")
    assert home("apply").code == 0
    assert home("rollback", "service/db", "--yes").code == 0
    assert image(home, "db") == "db:2"


def test_to_a_revision(home: Home) -> None:
    first = home.git("rev-parse", "HEAD~2").strip()
    said = home("rollback", first[:8], "--yes")
    assert said.code == 0, said.err
    assert (image(home, "web"), image(home, "db")) == ("web:1", "db:1")
    assert home.git("log", "--format=%s").splitlines()[0].startswith("Roll back to ")
    assert len(home.git("log", "--format=%s").splitlines()) == 5, "history is never rewritten"


@pytest.mark.parametrize(
    ("target", "word", "reason"),
    [
        ("HEAD", "nothing to go back to", "it is what is there"),
        ("0123456789", "no such commit", "an unknown revision"),
        ("--upload-pack=x", "No such option", "no option of git"),
        ("service/nothing", "was never applied differently", "an unknown key"),
        ("Service/Web", "not a key", "not a key"),
    ],
)
def test_what_is_no_way_back_is_refused(home: Home, target: str, word: str, reason: str) -> None:
    said = home("rollback", target, "--yes")
    assert said.code in (1, 4), reason
    assert word in said.err, reason


def test_where_the_repository_cannot_be_written_the_steps_are_told(home: Home) -> None:
    bare = home.folder / "bare.git"
    home.git("clone", "-q", "--bare", str(home.repo), str(bare))
    hook = bare / "hooks" / "update"
    home.environment["HOMELAB_REPO"] = f"file://{bare}"
    home.environment["HOMELAB_TRUSTED_HOSTS"] = "localhost"
    for path in (bare, *bare.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    said = home("rollback", "HEAD~1", "--yes")
    assert said.code != 0
    assert "git checkout" in said.err or "file" in said.err
    assert not hook.exists()


COMPOSE = """\
# my notes stay where nothing must change
services:
  app:
    image: app:1
    environment: ["DB_PASSWORD=${PW}", "URL=postgres://app:${PW}@db/app", "TITLE=${TITLE:-Home}", "EMPTY="]
    env_file: [app.env]
    volumes: ["./data:/data", "cache:/cache", {type: bind, source: conf, target: /conf}]
  db:
    build: .
    environment: {POSTGRES_PASSWORD: "${PW}", LANG: C}
volumes: {cache: {}}
"""


def project(home: Home, text: str = COMPOSE) -> Path:
    """A compose project outside of the repository."""
    folder = home.folder / "My Project"
    folder.mkdir()
    (folder / "compose.yaml").write_text(text)
    (folder / ".env").write_text("PW='canary-pw'  # secret\nTITLE=Hello World\nUNUSED_TOKEN=canary-unused\n")
    (folder / "app.env").write_text("MODE=fast\nexport API_KEY=canary-key\n# a comment\n")
    return folder / "compose.yaml"


def test_a_compose_file_becomes_a_stack_without_secrets(home: Home) -> None:
    file = project(home)
    said = home("import", "compose", str(file), "--dry-run", "-o", "json")
    assert said.code == 0, said.err
    files = said.json["files"]
    assert set(files) == {"stacks/myproject/stack.yaml", "stacks/myproject/compose.yaml", "stacks/myproject/app.env"}
    assert "canary" not in said.out + said.err
    assert said.json["secrets"] == ["myproject/app-api-key", "myproject/app-url", "myproject/pw"], "one for all who use ${PW}"
    stack, compose = files["stacks/myproject/stack.yaml"], files["stacks/myproject/compose.yaml"]
    assert "ref: myproject/app-url" in stack
    assert "TITLE: Hello World" in stack
    assert "UNUSED" not in stack
    assert f"- {file.parent}/data:/data" in compose
    assert f"source: {file.parent}/conf" in compose
    assert "image: myproject-db" in compose
    assert "build" not in compose
    assert files["stacks/myproject/app.env"] == "MODE=fast\n# a comment\n"
    assert home.git("status", "--short") == ""
    done = home("import", "compose", str(file), "--name", "mine")
    assert done.code == 0, done.err
    assert home("apply").code == 0
    assert "service/mine-app" in home("status").out
    assert "canary-pw" in home("secret", "export", "--yes").out
    assert "canary" not in home.git("log", "-p")


def test_a_compose_file_that_needs_no_change_is_kept_to_the_letter(home: Home) -> None:
    text = "# as I wrote it\nname: plain\nservices:\n  app: {image: 'app:1'}   # the app\n"
    file = project(home, text)
    said = home("import", "compose", str(file), "--dry-run", "-o", "json")
    assert said.json["files"]["stacks/plain/compose.yaml"] == text


@pytest.mark.parametrize(
    ("text", "code", "word", "reason"),
    [
        ("services: {app: {image: 'app:1', env_file: /etc/shadow}}\n", 4, "/etc/shadow", "a file outside of the project"),
        ("services: {app: {image: 'app:1', env_file: ../secret.env}}\n", 4, "secret.env", "a path that leads out"),
        ("services: {app: {extends: {file: ../x.yaml, service: y}}}\n", 3, "x.yaml", "another project"),
        ("just: data\n", 4, "services", "no compose file"),
        ("services: {app: {image: 'app:1', nonsense: 1}}\n", 3, "nonsense", "a word that Compose does not know"),
        ("services: {app: {image: 'app:1', command: ['${NOT_SET}']}}\n", 3, "NOT_SET", "a variable without a value"),
    ],
)
def test_a_compose_file_that_cannot_stand_alone_is_refused(home: Home, text: str, code: int, word: str, reason: str) -> None:
    (home.folder / "secret.env").write_text("A=canary\n")
    said = home("import", "compose", str(project(home, text)), "--name", "mine")
    assert said.code == code, f"{reason}: {said.err}"
    assert word in said.err
    assert "canary" not in said.err
    assert home.git("status", "--short") == ""
    assert home("secret", "list", "-o", "json").json["secrets"] == []
