"""Hostile repositories, names and surroundings: refused with a sentence, nothing run, the last good revision still read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.core.errors import SourceError
from controller.source import GitSource
from controller.source.command import Git
from controller.source.names import collisions
from tests.contract.source_repository import Repository
from tests.support.space import wait_until

GOOD: dict[str, str | bytes | None] = {"specs/web.yaml": "kind: Service\n"}
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "home")


def forged(repository: Repository, *entries: tuple[str, str | bytes, bytes | str]) -> str:
    """A commit whose folder specs holds exactly these entries (mode, name, content or object id)."""
    made = [(mode, name, repository.blob(item) if isinstance(item, bytes) else item) for mode, name, item in entries]
    return repository.commit_tree(repository.tree(("40000", "specs", repository.tree(*made))))


def hidden(repository: Repository, name: str | bytes) -> str:
    """A commit with a file inside of a folder of that name."""
    inner = repository.tree(("100644", "config", repository.blob(b"[core]\n")))
    return forged(repository, ("40000", name, inner))


_FILE = "100644"


@pytest.mark.parametrize(
    ("forge", "message", "reason"),
    [
        (lambda r: forged(r, ("120000", "a.yaml", b"/etc/passwd")), "a.yaml: it is a symbolic link", "a link to a file"),
        (lambda r: forged(r, ("120000", "etc", b"/etc")), "etc: it is a symbolic link", "a link to a folder"),
        (lambda r: forged(r, ("160000", "sub", "1" * 40)), "sub: it is a submodule", "another repository"),
        (lambda r: forged(r, (_FILE, ".git", b"gitdir: /")), "git's own folder", "a file that redirects git"),
        (lambda r: hidden(r, ".git"), "git's own folder", "settings for git"),
        (lambda r: hidden(r, ".GIT"), "git's own folder", "the same where case does not count"),
        (lambda r: hidden(r, "git~1"), "git's own folder", "the same by its short name"),
        (lambda r: hidden(r, ".git "), "git's own folder", "the same where blanks at the end do not count"),
        (lambda r: hidden(r, ".g\u200cit"), "an invisible character", "the same where invisible characters do not count"),
        (lambda r: hidden(r, "．ｇｉｔ"), "git's own folder", "the same in wide letters"),
        (lambda r: hidden(r, ".."), "leads out of its folder", "a way up"),
        (lambda r: hidden(r, "."), "leads out of its folder", "a way around"),
        (
            lambda r: forged(r, (_FILE, "a/b.yaml", b"a: 1\n"), (_FILE, "../c.yaml", b"")),
            "leads out",
            "a name with a way up in it",
        ),
        (lambda r: forged(r, (_FILE, "/etc/x.yaml", b"")), "leads out of its folder", "a name from the root"),
        (lambda r: forged(r, (_FILE, "a\\..\\b.yaml", b"")), "a backslash", "a way up elsewhere"),
        (lambda r: forged(r, (_FILE, "a\nerror: b.yaml", b"")), "a control character", "a line of its own in a log"),
        (lambda r: forged(r, (_FILE, "a\u202elmay.b", b"")), "an invisible character", "a name that reads backwards"),
        (lambda r: forged(r, (_FILE, b"a\xff.yaml", b"")), "an invisible character", "a name that is no text"),
        (lambda r: forged(r, (_FILE, "x" * 2000, b"")), "the name is too long", "a name without end"),
        (lambda r: forged(r, (_FILE, "A.yaml", b"a"), (_FILE, "a.yaml", b"b")), "a.yaml: its name differs from A.yaml", "twins"),
        (
            lambda r: forged(r, (_FILE, "\u00e9.yaml", b"a"), (_FILE, "e\u0301.yaml", b"b")),
            "its name differs",
            "twins in Unicode",
        ),
        (
            lambda r: forged(r, (_FILE, "a.yaml", b"a"), (_FILE, "a.yaml", b"b")),
            "a.yaml: it is there twice",
            "one name for two files",
        ),
        (lambda r: forged(r, (_FILE, "a.yaml", "2" * 40)), "a.yaml: its content is missing", "an object that is not there"),
        (lambda r: forged(r, ("40000", "sub", "3" * 40)), "git ls-tree failed", "a folder that is not there"),
        (lambda r: r.commit_tree(r.tree(("40000", "specs", "4" * 40))), "is not in revision", "a root whose folder is missing"),
    ],
)
def test_a09_what_may_not_be_in_the_folder(
    repository: Repository, forge: Callable[[Repository], str], message: str, reason: str
) -> None:
    good = repository.commit(GOOD)
    git = GitSource(str(repository.folder), path="specs")
    assert git.read(good).read("web.yaml") == b"kind: Service\n"
    bad = forge(repository)
    assert git.head().id == bad, reason
    with pytest.raises(SourceError, match=message) as caught:
        git.read(bad)
    assert str(caught.value).isprintable(), reason
    assert git.read(good).read("web.yaml") == b"kind: Service\n", "the last good revision stays"


def test_a09_links_outside_of_the_folder_do_not_matter(repository: Repository) -> None:
    (repository.folder / "link").symlink_to("/etc/passwd")
    commit = repository.commit(GOOD)
    assert list(GitSource(str(repository.folder), path="specs").read(commit).paths()) == ["web.yaml"]


@pytest.mark.parametrize(
    ("name", "content", "message", "reason"),
    [
        ("a.yaml", b"#" * ((1 << 20) + 1), "a.yaml has 1.0 MiB; a file of its kind may have 1 MiB", "YAML has a limit"),
        ("a.YML", b"#" * (2 << 20), "a.YML has 2.0 MiB; a file of its kind may have 1 MiB", "in capitals too"),
        ("a.bin", b"#" * (11 << 20), "a.bin has 11.0 MiB; a file of its kind may have 10 MiB", "anything has a limit"),
        ("a.yaml", LFS, "a.yaml is kept in Git LFS, which is not followed", "the content is elsewhere"),
        ("a.png", LFS, "a.png is kept in Git LFS, which is not followed", "for any file"),
    ],
)
def test_a09_one_file_that_may_not_be_read(repository: Repository, name: str, content: bytes, message: str, reason: str) -> None:
    commit = repository.commit({f"specs/{name}": content, "specs/other.yaml": "a: 1\n"})
    files = GitSource(str(repository.folder), path="specs").read(commit)
    with pytest.raises(SourceError, match=message):
        files.read(name)
    assert files.read("other.yaml") == b"a: 1\n", reason
    assert files.identity(name), reason


@pytest.mark.parametrize(
    ("breadth", "depth", "reason"), [(50_001, 1, "one flat folder"), (100, 3, "a million, from one small object")]
)
def test_a09_too_many_files(repository: Repository, breadth: int, depth: int, reason: str) -> None:
    item = repository.blob(b"")
    for level in range(depth):
        mode = _FILE if level == 0 else "40000"
        item = repository.tree(*((mode, f"{number:05}", item) for number in range(breadth)))
    commit = repository.commit_tree(repository.tree(("40000", "specs", item)))
    with pytest.raises(SourceError, match="has more than 50,000 files"):
        GitSource(str(repository.folder), path="specs").read(commit)


def test_a09_too_much_yaml_together(repository: Repository) -> None:
    blob = repository.blob(b"#" * (1 << 20))
    tree = repository.tree(*((_FILE, f"{number:02}.yaml", blob) for number in range(65)))
    commit = repository.commit_tree(repository.tree(("40000", "specs", tree)))
    with pytest.raises(SourceError, match="has 65 MiB of YAML; 64 MiB are read at most"):
        GitSource(str(repository.folder), path="specs").read(commit)


def test_a09_a_broken_object_is_told(repository: Repository) -> None:
    commit = repository.commit(GOOD)
    blob = repository.git("rev-parse", f"{commit}:specs/web.yaml")
    file = repository.folder / ".git/objects" / blob[:2] / blob[2:]
    git = GitSource(str(repository.folder), path="specs")
    files = git.read(commit)
    file.chmod(0o644)
    file.write_bytes(b"rubbish")
    with pytest.raises(SourceError):
        files.read("web.yaml")
    file.unlink()
    with pytest.raises(SourceError, match="is missing in the repository"):
        files.read("web.yaml")


def test_a09_a_branch_that_names_a_missing_commit(repository: Repository) -> None:
    repository.commit(GOOD)
    (repository.folder / ".git/refs/heads/main").write_text("5" * 40 + "\n")
    with pytest.raises(SourceError, match="is not a revision of"):
        GitSource(str(repository.folder)).head()


@pytest.mark.parametrize("content", ["rubbish", "ref: ../../../etc/passwd", "ref: refs/heads/main", "", "\0" * 40, "g" * 40])
def test_a09_a_reference_that_is_rubbish(repository: Repository, content: str) -> None:
    repository.commit(GOOD)
    (repository.folder / ".git/refs/heads/main").write_text(content)
    with pytest.raises(SourceError):
        GitSource(str(repository.folder)).head()


def test_replaced_objects_are_not_believed(repository: Repository) -> None:
    commit = repository.commit(GOOD)
    blob = repository.git("rev-parse", f"{commit}:specs/web.yaml")
    repository.git("replace", blob, repository.blob(b"kind: Evil\n"))
    assert GitSource(str(repository.folder), path="specs").read(commit).read("web.yaml") == b"kind: Service\n"


@pytest.mark.parametrize(
    ("paths", "pairs", "reason"),
    [
        (["a/x", "a/y", "b"], [], "nothing alike"),
        (["A/x", "a/y"], [("A", "a")], "folders"),
        (["a", "A/b"], [("a", "A")], "a file and a folder"),
        (["a/b/c", "a/B/d", "a/b/e"], [("a/b", "a/B")], "folders in a folder"),
        (["straße", "STRASSE"], [("straße", "STRASSE")], "letters that fold into two"),
    ],
)
def test_names_that_collide(paths: list[str], pairs: list[tuple[str, str]], reason: str) -> None:
    assert list(collisions(paths)) == pairs, reason


BAD_NAMES = [
    ("--output=x", "an option"),
    ("-h", "an option"),
    ("a..b", "a range"),
    ("a...b", "a range"),
    ("@{-1}", "the branch before"),
    ("@", "another name for HEAD"),
    ("main@{1}", "a moment of a branch"),
    ("main@{upstream}", "another branch"),
    ("main:specs/a.yaml", "a file"),
    (":/Fix", "a search"),
    ("^main", "an exclusion"),
    ("a b", "a blank"),
    ("a;id", "a command"),
    ("$(id)", "a command"),
    ("`id`", "a command"),
    ("a|b", "a pipe"),
    ("a\nb", "a line break"),
    ("a\0b", "a NUL"),
    ("a\x1b[2J", "a terminal escape"),
    ("a\u202eb", "text that runs backwards"),
    ("a*", "a pattern"),
    ("a\\b", "a backslash"),
    ("/a", "an empty part"),
    ("a//b", "an empty part"),
    ("a/", "an empty part"),
    ("a/.b", "a hidden part"),
    ("a/-b", "an option in a part"),
    ("a.lock", "git's own"),
    ("a.", "git refuses it"),
    ("x" * 300, "too long"),
    ("", "nothing"),
    ("main^{/x}", "a search"),
    ("main^{tree}", "not a commit"),
    ("main~99999999999", "a step too far"),
]


@pytest.mark.parametrize(("name", "reason"), BAD_NAMES)
def test_a11_names_that_are_no_revision(repository: Repository, name: str, reason: str) -> None:
    commit = repository.commit(GOOD)
    git = GitSource(str(repository.folder))
    for call in (git.revision, git.read, lambda text: git.descends(text, commit), lambda text: git.revert(text, "Back", "Ada")):
        with pytest.raises(SourceError, match="is not the name of a revision") as caught:
            call(name)
        assert str(caught.value).isprintable(), reason
    with pytest.raises(SourceError, match="is not the name of a revision"):
        git.descends(commit, name)
    assert sorted(path.name for path in repository.folder.iterdir()) == [".git", "specs"], "nothing was written"


@pytest.mark.parametrize(
    ("name", "reason"), [item for item in BAD_NAMES if item[0]] + [("HEAD", "not a branch"), ("main~1", "a step")]
)
def test_a11_names_that_are_no_branch(repository: Repository, name: str, reason: str) -> None:
    repository.commit(GOOD)
    with pytest.raises(SourceError, match="is not the name of a branch") as caught:
        GitSource(str(repository.folder), branch=name)
    assert str(caught.value).isprintable(), reason


@pytest.mark.parametrize("name", ["main", "feature/x", "release-1.2", "fix#12", "v1.0", "ünïcode", "a@b", "HEADS", "x/HEAD"])
def test_a11_names_that_are_good(repository: Repository, name: str) -> None:
    repository.commit(GOOD)
    repository.git("checkout", "--quiet", "-B", name)
    git = GitSource(str(repository.folder), branch=name)
    assert git.revision(name) == git.head()


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../b", "-x", ".git", "a/.GIT", "a\nb", "a\\b", "..", "x" * 2000])
def test_a_path_that_leads_elsewhere(repository: Repository, path: str) -> None:
    repository.commit(GOOD)
    with pytest.raises(SourceError, match="is not a folder inside the repository"):
        GitSource(str(repository.folder), path=path)


@pytest.mark.parametrize("path", [":/", ":(top)specs", ":!specs", "*", "[s]pecs", "specs?"])
def test_a_path_is_not_a_pattern(repository: Repository, path: str) -> None:
    repository.commit(GOOD)
    git = GitSource(str(repository.folder), path=path)
    with pytest.raises(SourceError, match="is not in revision"):
        git.read("HEAD")
    assert git.log() == []
    with pytest.raises(SourceError, match="there is no folder"):
        git.worktree()


def test_a30_a_forced_push_does_not_descend(repository: Repository) -> None:
    first, second = repository.commit(GOOD, "One"), repository.commit({"specs/web.yaml": "a: 2\n"}, "Two")
    git = GitSource(str(repository.folder), path="specs")
    repository.git("reset", "--quiet", "--hard", first)
    assert git.head().id == first
    assert not git.descends(first, second), "an older commit"
    repository.git("checkout", "--quiet", "--orphan", "fresh")
    unrelated = repository.commit({"specs/web.yaml": "b: 1\n"})
    repository.git("branch", "--force", "main", unrelated)
    assert git.head().id == unrelated
    assert not git.descends(unrelated, second), "another history"
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")
    assert not GitSource(str(repository.folder)).descends(unrelated, second), "a commit that is gone"


def test_a39_nothing_from_outside_reaches_git(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository.commit(GOOD)
    home, programs, seen = tmp_path / "user", tmp_path / "bin", tmp_path / "seen"
    home.mkdir()
    programs.mkdir()
    (home / ".gitconfig").write_text(
        f'[core]\n\tfsmonitor = touch {tmp_path}/run\n[url "https://evil.example/"]\n\tinsteadOf = /\n'
    )
    (programs / "git").write_text(f'#!/bin/sh\nenv >> {seen}\nexec /usr/bin/git "$@"\n')
    (programs / "git").chmod(0o755)
    hostile = {
        "LD_PRELOAD": "/nonexistent/evil.so",
        "GIT_SSH_COMMAND": f"touch {tmp_path}/run",
        "GIT_EXTERNAL_DIFF": f"touch {tmp_path}/run",
        "GIT_PAGER": f"touch {tmp_path}/run",
        "PAGER": f"touch {tmp_path}/run",
        "GIT_DIR": "/nonexistent",
        "GIT_WORK_TREE": "/nonexistent",
        "GIT_INDEX_FILE": "/nonexistent/index",
        "GIT_OBJECT_DIRECTORY": "/nonexistent/objects",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(programs),
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=touch x'",
        "GIT_EXEC_PATH": str(programs),
        "GIT_TRACE": str(tmp_path / "run"),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "HOMELAB_SECRET": "canary-4711",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    given = {**hostile, "PATH": f"{programs}:/usr/bin:/bin", "SSH_AUTH_SOCK": "/run/agent"}
    git = GitSource(str(repository.folder), path="specs", environment=given)
    assert git.read(commit).read("web.yaml") == b"kind: Service\n"
    git.commit({"web.yaml": b"a: 1\n"}, "Change", "Ada")
    assert len(git.log()) == 2
    told = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    assert not (tmp_path / "run").exists()
    assert "canary" not in seen.read_text()
    assert told["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert told["SSH_AUTH_SOCK"] == "/run/agent"
    assert told["GIT_SSH_COMMAND"].startswith("ssh -oBatchMode=yes")
    assert {name for name in hostile if told.get(name) == hostile[name]} == {"HOME"}, "HOME is where ssh looks for keys"


def test_a39_no_program_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(GOOD)
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 >> {ran}\n")
    program.chmod(0o755)
    for hook in ("reference-transaction", "post-index-change", "post-checkout", "post-commit", "pre-commit", "commit-msg"):
        (repository.folder / ".git/hooks").mkdir(exist_ok=True)
        (repository.folder / ".git/hooks" / hook).symlink_to(program)
    for name in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.askPass",
        "core.pager",
        "diff.external",
        "gpg.program",
        "credential.helper",
    ):
        repository.git("config", name, str(program))
    for name in ("commit.gpgSign", "log.showSignature"):
        repository.git("config", name, "true")
    repository.git("config", "core.hooksPath", str(repository.folder / ".git/hooks"))
    ran.unlink(missing_ok=True)
    git = GitSource(str(repository.folder), path="specs")
    assert git.read(commit).read("web.yaml") == b"kind: Service\n"
    git.commit({"web.yaml": b"a: 1\n"}, "Change", "Ada")
    git.revert(commit, "Go back", "Ada")
    assert len(git.log()) == 3
    assert list(git.worktree().paths()) == ["web.yaml"]
    assert not ran.exists()


def test_a_missing_object_is_never_fetched(repository: Repository, tmp_path: Path) -> None:
    """A partial clone fetches what is missing, by a program of its configuration: not here."""
    commit = repository.commit(GOOD)
    blob = repository.git("rev-parse", f"{commit}:specs/web.yaml")
    repository.git("config", "remote.origin.url", f"ext::touch {tmp_path}/ran")
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "extensions.partialClone", "origin")
    (repository.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError):
        GitSource(str(repository.folder), path="specs").read(commit).read("web.yaml")
    assert not (tmp_path / "ran").exists()


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/child\nwait\n")
    (tmp_path / "git").chmod(0o755)
    git = Git(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(SourceError, match="git fetch took longer than 3 seconds"):
        git("fetch", seconds=3)  # as long as a shell may take to start
    child = int((tmp_path / "child").read_text())

    def ended() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(ended, "the child to end")


def test_a_command_that_talks_without_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec yes\n")
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(SourceError, match="git log gave more than 1 MiB"):
        Git(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"})("log", most=1 << 20)


def test_many_complaints_do_not_block(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nhead -c 4000000 /dev/zero | tr '\\0' x >&2\necho 'fatal: \033[2Jno' >&2\nexit 3\n")
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(SourceError) as caught:
        Git(tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"})("log")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_no_git(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="git log failed"):
        Git(tmp_path, {"PATH": str(tmp_path)})("log")
    assert list(tmp_path.iterdir()) == []
