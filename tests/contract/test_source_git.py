"""A git repository as a source: what was committed is what is read, in every shape a repository comes in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.core.errors import SourceError
from controller.core.ports import Source
from controller.source import GitSource, find_repository
from tests.contract.source_repository import Repository

FILES: dict[str, str | bytes | None] = {
    "specs/web.yaml": "kind: Service\n",
    "specs/media/tv.yml": "kind: Stack\n",
    "specs/logo.png": b"\x89PNG",
    "README.md": "# Home\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "home")


def source(repository: Repository, path: str = "", branch: str = "") -> GitSource:
    return GitSource(str(repository.folder), path=path, branch=branch)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_commit_is_read_as_it_was_committed(tmp_path: Path, kind: str) -> None:
    repository = Repository(tmp_path / "home", f"--object-format={kind}")
    first = repository.commit(FILES, "Begin\n\nWith a body")
    git: Source = source(repository, path="specs")
    head = git.head()
    assert (head.id, head.author, head.message, head.at) == (first, "Ada", "Begin\n\nWith a body", 1700000100.0)
    files = git.read(head.id)
    assert list(files.paths()) == ["logo.png", "media/tv.yml", "web.yaml"]
    assert files.read("web.yaml") == b"kind: Service\n"
    assert files.read("logo.png") == b"\x89PNG"
    assert files.identity("web.yaml") == repository.git("rev-parse", "HEAD:specs/web.yaml")
    assert files.read("README.md") is None
    assert files.identity("nothing.yaml") is None


def test_files_of_a_revision_never_change(repository: Repository) -> None:
    git = source(repository, path="specs")
    old = git.read(repository.commit(FILES))
    new = git.read(repository.commit({"specs/web.yaml": "kind: Stack\n", "specs/logo.png": None}))
    assert old.read("web.yaml") == b"kind: Service\n"
    assert old.read("logo.png") == b"\x89PNG"
    assert new.read("web.yaml") == b"kind: Stack\n"
    assert new.read("logo.png") is None
    assert old.identity("media/tv.yml") == new.identity("media/tv.yml")
    assert old.identity("web.yaml") != new.identity("web.yaml")


def test_only_what_changed_is_read_again(repository: Repository) -> None:
    git = source(repository, path="specs")
    old = git.read(repository.commit({f"specs/{number}.yaml": f"a: {number}\n" for number in range(20)}))
    assert old.read("7.yaml") == b"a: 7\n"
    new = git.read(repository.commit({"specs/7.yaml": "a: seven\n"}))
    assert git.read(repository.commit({}, "Nothing")) is new, "the same tree is the same files"
    for blob in (repository.folder / ".git/objects").glob("??/*"):
        if blob.parent.name + blob.name == old.identity("8.yaml"):
            blob.unlink()
    assert new.read("7.yaml") == b"a: seven\n"
    assert new.read("8.yaml") == b"a: 8\n", "known from the revision before"


def test_the_folder_may_be_the_root(repository: Repository) -> None:
    commit = repository.commit(FILES)
    for path in ("", ".", "./"):
        assert "specs/web.yaml" in source(repository, path=path).read(commit).paths()


def loose(repository: Repository) -> None:
    """As a commit leaves it."""


def packed(repository: Repository) -> None:
    repository.git("gc", "--quiet")
    repository.git("pack-refs", "--all")


def alternate(repository: Repository) -> None:
    """Objects live in another repository."""
    other = repository.folder.parent / "other"
    shutil.copytree(repository.folder / ".git/objects", other / "objects")
    (repository.folder / ".git/objects/info").mkdir(exist_ok=True)
    for folder in (repository.folder / ".git/objects").glob("??"):
        shutil.rmtree(folder)
    (repository.folder / ".git/objects/info/alternates").write_text(f"{other / 'objects'}\n")


def symbolic(repository: Repository) -> None:
    repository.git("branch", "real")
    repository.git("symbolic-ref", "refs/heads/main", "refs/heads/real")


@pytest.mark.parametrize("shape", [loose, packed, alternate, symbolic], ids=lambda shape: str(shape.__name__))
def test_every_shape_of_a_repository(repository: Repository, shape: Callable[[Repository], None]) -> None:
    first, second = repository.commit(FILES, "One"), repository.commit({"specs/web.yaml": "a: 2\n"}, "Two")
    shape(repository)
    git = source(repository, path="specs")
    assert (git.head().id, git.head().message) == (second, "Two")
    assert git.read(second).read("web.yaml") == b"a: 2\n"
    assert git.read(first).read("web.yaml") == b"kind: Service\n"
    assert git.descends(second, first)
    third = repository.commit({"specs/web.yaml": "a: 3\n"}, "Three")
    assert git.head().id == third


def test_a_bare_repository_and_a_linked_work_tree(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(FILES)
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "bare.git"))
    assert GitSource(str(tmp_path / "bare.git")).head().id == commit
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = Repository(tmp_path / "side", make=False)
    newer = side.commit({"specs/web.yaml": "a: 2\n"})
    assert GitSource(str(side.folder)).head().id == newer
    assert GitSource(str(side.folder)).branch == "side"
    assert source(repository).head().id == commit
    assert source(repository, branch="side").head().id == newer


def test_a_shallow_clone_reads_what_it_has(repository: Repository, tmp_path: Path) -> None:
    first, second = repository.commit(FILES, "One"), repository.commit({"specs/web.yaml": "a: 2\n"}, "Two")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(tmp_path / "shallow"))
    git = GitSource(str(tmp_path / "shallow"), path="specs")
    assert git.read(git.head().id).read("web.yaml") == b"a: 2\n"
    assert not git.descends(second, first), "it cannot be seen, so it is not so"
    assert [revision.id for revision in git.log()] == [second]


def test_a_detached_head_is_followed_but_not_written(repository: Repository) -> None:
    first = repository.commit(FILES)
    repository.commit({"specs/web.yaml": "a: 2\n"})
    repository.git("checkout", "--quiet", "--detach", first)
    git = source(repository)
    assert git.head().id == first
    assert git.branch == ""
    with pytest.raises(SourceError, match=r"HEAD of .* is detached: name the branch"):
        git.commit({"a.yaml": b"a: 1\n"}, "Add", "Ada")


def test_switching_branches_in_the_work_tree_does_not_switch_the_source(repository: Repository) -> None:
    first = repository.commit(FILES)
    git = source(repository)
    assert git.head().id == first
    repository.git("checkout", "--quiet", "-b", "experiment")
    repository.commit({"specs/web.yaml": "a: 2\n"})
    assert git.head().id == first


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("{0}", "the id"),
        ("{0:.8}", "a prefix"),
        ("v1", "a tag"),
        ("v1-signed", "a tag with a message"),
        ("old/one", "a branch"),
        ("main~1", "one before a branch"),
        ("HEAD~1", "one before the branch that is followed"),
        ("HEAD^", "the same"),
        ("refs/tags/v1", "the full name of a tag"),
    ],
)
def test_a_revision_by_name(repository: Repository, name: str, reason: str) -> None:
    first = repository.commit(FILES)
    repository.git("tag", "v1")
    repository.git("tag", "-a", "v1-signed", "-m", "Version 1")
    repository.git("branch", "old/one")
    repository.commit({"specs/web.yaml": "a: 2\n"})
    assert source(repository).revision(name.format(first)).id == first, reason


def test_history(repository: Repository) -> None:
    first = repository.commit(FILES, "One")
    second = repository.commit({"README.md": "# House\n"}, "Two, elsewhere")
    third = repository.commit({"specs/web.yaml": "a: 2\n"}, "Three\n\nwith ümlaut", author="Grace")
    git = source(repository, path="specs")
    assert [(item.id, item.author, item.message) for item in git.log()] == [
        (third, "Grace", "Three\n\nwith ümlaut"),
        (first, "Ada", "One"),
    ]
    assert git.log()[0] == git.head()
    assert [item.id for item in source(repository).log(2)] == [third, second]


def test_descent(repository: Repository) -> None:
    first, second = repository.commit(FILES, "One"), repository.commit({}, "Two")
    git = source(repository)
    assert git.descends(second, first)
    assert git.descends(first, first)
    assert not git.descends(first, second)
    assert not git.descends(first, "f" * 40)
    repository.git("checkout", "--quiet", "--orphan", "other")
    unrelated = repository.commit({"specs/web.yaml": "b: 1\n"})
    assert not git.descends(unrelated, first)


@pytest.mark.parametrize(
    ("prepare", "path", "branch", "message", "reason"),
    [
        ([], "", "", "has no branch main, or no commit on it yet", "an empty repository"),
        ([{"specs/a.yaml": "a: 1\n"}], "", "release", "has no branch release, or no commit on it yet", "a wrong branch"),
        (
            [{"infra/a.yaml": "a: 1\n"}],
            "specs",
            "",
            r"the folder specs is not in revision \w{10}; at its top are infra$",
            "a moved folder",
        ),
        ([{"specs": "a: 1\n"}], "specs", "", r"specs is a file, not a folder, in revision", "a file in its place"),
        ([{"a.yaml": "a: 1\n"}, {"a.yaml": None}], "specs", "", "is empty: it has no folder specs", "everything deleted"),
    ],
)
def test_what_is_not_there_is_told_apart(
    repository: Repository, prepare: list[dict[str, str | bytes | None]], path: str, branch: str, message: str, reason: str
) -> None:
    for files in prepare:
        repository.commit(files)
    git = source(repository, path=path, branch=branch)
    with pytest.raises(SourceError, match=message):
        git.read(git.head().id)


def test_an_empty_root_is_an_empty_revision(repository: Repository) -> None:
    repository.commit({"a.yaml": "a: 1\n"})
    empty = repository.commit({"a.yaml": None})
    assert list(source(repository).read(empty).paths()) == []


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        GitSource(str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="is not a git repository; run `git init` there"):
        GitSource(str(tmp_path))
    top = Repository(tmp_path / "home").folder
    (top / "specs").mkdir()
    with pytest.raises(SourceError, match=f"it is inside of {top}"):
        GitSource(str(top / "specs"))
    assert find_repository(top / "specs") == top
    assert find_repository(tmp_path) is None


def test_a_new_commit_touches_a_watched_folder(repository: Repository) -> None:
    repository.commit(FILES)
    for branch in ("main", "feature/deep"):
        repository.git("checkout", "--quiet", "-B", branch)
        git = source(repository, branch=branch)
        for change in ("loose", "packed"):
            before = {path: sorted((item.name, item.stat().st_mtime_ns) for item in path.iterdir()) for path in git.watch_paths()}
            repository.commit({"specs/web.yaml": f"{branch}: {change}\n"})
            after = {path: sorted((item.name, item.stat().st_mtime_ns) for item in path.iterdir()) for path in before}
            assert any(path.name in ("heads", "feature") and before[path] != after[path] for path in before)
            repository.git("pack-refs", "--all")


def test_uncommitted_files(repository: Repository) -> None:
    repository.commit({**FILES, ".gitignore": "*.log\n"})
    (repository.folder / "specs/new.yaml").write_text("kind: Network\n")
    (repository.folder / "specs/web.yaml").write_text("kind: Stack\n")
    (repository.folder / "specs/noise.log").write_text("noise\n")
    (repository.folder / "specs/logo.png").unlink()
    git = source(repository, path="specs")
    files = git.worktree()
    assert list(files.paths()) == ["media/tv.yml", "new.yaml", "web.yaml"]
    assert files.read("web.yaml") == b"kind: Stack\n"
    assert files.identity("media/tv.yml") == git.read(git.head().id).identity("media/tv.yml")
    (repository.folder / "specs/web.yaml").write_text("changed: again\n")
    assert files.read("web.yaml") == b"kind: Stack\n", "what was looked at stays"
    (repository.folder / "specs/link.yaml").symlink_to("/etc/passwd")
    with pytest.raises(SourceError, match=r"link.yaml: it is a symbolic link"):
        git.worktree()
    (repository.folder / "specs/link.yaml").unlink()
    (repository.folder / "specs/media/tv.yml").unlink()
    (repository.folder / "specs/media").rmdir()
    (repository.folder / "specs/media").symlink_to("/etc")
    with pytest.raises(SourceError, match="symbolic link"):
        git.worktree()


def test_a_bare_repository_has_no_uncommitted_files(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "bare.git"))
    with pytest.raises(SourceError, match="has no work tree"):
        GitSource(str(tmp_path / "bare.git")).worktree()
    with pytest.raises(SourceError, match="there is no folder elsewhere"):
        source(repository, path="elsewhere").worktree()
