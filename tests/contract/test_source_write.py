"""Commits that the controller makes: exactly the folder changes, a person's work tree follows or nothing happens at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from controller.core.errors import SourceError
from controller.source import GitSource
from tests.contract.source_repository import Repository

FILES: dict[str, str | bytes | None] = {
    "specs/web.yaml": "version: 1\n",
    "specs/old.yaml": "old: true\n",
    "specs/media/tv.yaml": "tv: 1\n",
    "README.md": "# Home\n",
    "tools/run": "#!/bin/sh\n",
}
ADA = "Ada <ada@example.net>"


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "home", f"--object-format={request.param}")


def source(repository: Repository, branch: str = "main") -> GitSource:
    return GitSource(str(repository.folder), path="specs", branch=branch)


def test_a_revert_is_a_commit_with_the_folder_as_it_was(repository: Repository) -> None:
    first = repository.commit(FILES, "One")
    second = repository.commit(
        {"specs/web.yaml": "version: 2\n", "specs/old.yaml": None, "specs/new/a.yaml": "a: 1\n", "README.md": "# House\n"}, "Two"
    )
    git = source(repository)
    made = git.revert(first, "Go back\n\nIt did not start", ADA)
    assert repository.git("rev-parse", f"{made.id}:specs") == repository.git("rev-parse", f"{first}:specs")
    assert repository.git("show", f"{made.id}:README.md") == "# House", "what is outside of the folder stays"
    assert repository.git("rev-parse", f"{made.id}^") == second
    assert (made.author, made.message) == ("Ada", "Go back\n\nIt did not start")
    assert repository.git("log", "-1", "--format=%ae %cn %ce") == "ada@example.net HomeLabHub homelab@localhost"
    assert git.head() == made
    assert repository.git("rev-parse", "main") == made.id
    assert repository.status() == ""
    assert repository.read("specs/web.yaml") == "version: 1\n"
    assert not (repository.folder / "specs/new").exists()
    assert repository.git("fsck", "--strict") == ""


def test_a_revert_to_what_is_already_there_makes_no_commit(repository: Repository) -> None:
    first = repository.commit(FILES)
    second = repository.commit({"README.md": "# House\n"})
    assert source(repository).revert(first, "Go back", ADA).id == second


def test_edits_become_a_commit(repository: Repository) -> None:
    repository.commit(FILES)
    (repository.folder / "specs/web.yaml").chmod(0o755)
    repository.commit({})
    git = source(repository)
    made = git.commit(
        {"web.yaml": b"version: 3\n", "deep/er/b.yaml": b"b: 1\n", "old.yaml": None, "never.yaml": None}, "Change", "Ada"
    )
    assert list(git.read(made.id).paths()) == ["deep/er/b.yaml", "media/tv.yaml", "web.yaml"]
    assert repository.git("ls-tree", made.id, "specs/web.yaml").startswith("100755"), "the mode stays"
    assert repository.git("show", "--name-status", "--format=%an <%ae>", made.id).split("\n") == [
        "Ada <homelab@localhost>",
        "",
        "A\tspecs/deep/er/b.yaml",
        "D\tspecs/old.yaml",
        "M\tspecs/web.yaml",
    ]
    assert repository.status() == ""
    assert repository.read("specs/deep/er/b.yaml") == "b: 1\n"
    assert git.commit({"web.yaml": b"version: 3\n"}, "Again", "Ada") == made, "nothing changes, no commit"


def test_a_file_makes_room_for_a_folder_and_back(repository: Repository) -> None:
    repository.commit(FILES)
    git = source(repository)
    git.commit({"old.yaml": None, "old.yaml/a.yaml": b"a: 1\n"}, "Split", ADA)
    assert repository.status() == ""
    assert repository.read("specs/old.yaml/a.yaml") == "a: 1\n"
    git.commit({"old.yaml/a.yaml": None, "old.yaml": b"old: true\n"}, "Join", ADA)
    assert repository.status() == ""
    assert repository.read("specs/old.yaml") == "old: true\n"


def test_the_first_commit_of_a_repository(repository: Repository) -> None:
    git = source(repository)
    made = git.commit({"a.yaml": b"a: 1\n"}, "Begin", ADA)
    assert git.head() == made
    assert repository.git("rev-list", "--count", "HEAD") == "1"
    assert repository.status() == ""
    with pytest.raises(SourceError, match="nothing to commit"):
        GitSource(str(Repository(repository.folder.parent / "void").folder)).commit({}, "Nothing", ADA)


def test_a_bare_repository_is_written(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "bare.git"))
    git = GitSource(str(tmp_path / "bare.git"), path="specs")
    made = git.commit({"web.yaml": b"version: 2\n"}, "Change", ADA)
    assert git.head() == made
    assert git.read(made.id).read("web.yaml") == b"version: 2\n"


def test_a_linked_work_tree_follows_and_the_other_stays(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    made = source(repository, branch="side").commit({"web.yaml": b"version: 2\n"}, "Change", ADA)
    side = Repository(tmp_path / "side", make=False)
    assert side.git("rev-parse", "HEAD") == made.id
    assert (side.status(), side.read("specs/web.yaml")) == ("", "version: 2\n")
    assert (repository.status(), repository.read("specs/web.yaml")) == ("", "version: 1\n")


def test_what_is_not_checked_out_moves_alone(repository: Repository) -> None:
    repository.commit(FILES)
    repository.git("branch", "release")
    made = source(repository, branch="release").commit({"web.yaml": b"version: 2\n"}, "Change", ADA)
    assert repository.git("rev-parse", "release") == made.id
    assert (repository.status(), repository.read("specs/web.yaml")) == ("", "version: 1\n")


def test_changes_elsewhere_do_not_matter_and_survive(repository: Repository) -> None:
    repository.commit(FILES)
    (repository.folder / "README.md").write_text("# My notes\n")
    (repository.folder / "tools/new").write_text("staged\n")
    repository.git("add", "tools/new")
    (repository.folder / "specs/draft.yaml").write_text("draft: 1\n")
    before = repository.status()
    source(repository).commit({"web.yaml": b"version: 2\n"}, "Change", ADA)
    assert repository.status() == before
    assert repository.read("README.md") == "# My notes\n"
    assert repository.read("specs/web.yaml") == "version: 2\n"


def dirty(repository: Repository) -> None:
    (repository.folder / "specs/media/tv.yaml").write_text("tv: 2\n")


def staged(repository: Repository) -> None:
    dirty(repository)
    repository.git("add", "--all")
    (repository.folder / "specs/media/tv.yaml").write_text("tv: 1\n")


def deleted(repository: Repository) -> None:
    (repository.folder / "specs/old.yaml").unlink()


def in_the_way(repository: Repository) -> None:
    (repository.folder / "specs/added.yaml").write_text("mine: 1\n")


def ignored_in_the_way(repository: Repository) -> None:
    (repository.folder / ".git/info").mkdir(exist_ok=True)
    (repository.folder / ".git/info/exclude").write_text("added.yaml\n")
    in_the_way(repository)


def folder_in_the_way(repository: Repository) -> None:
    (repository.folder / "specs/added.yaml").mkdir()
    (repository.folder / "specs/added.yaml/mine").write_text("mine: 1\n")


def merging(repository: Repository) -> None:
    (repository.folder / ".git/MERGE_HEAD").write_text(repository.git("rev-parse", "HEAD") + "\n")


def locked(repository: Repository) -> None:
    (repository.folder / ".git/index.lock").touch()


@pytest.mark.parametrize(
    ("prepare", "message", "reason"),
    [
        (dirty, r"has changes that are not committed \(specs/media/tv.yaml\): commit or stash them first", "an edit"),
        (staged, r"has changes that are not committed \(specs/media/tv.yaml\)", "a staged edit, undone in the file"),
        (deleted, r"has changes that are not committed \(specs/old.yaml\)", "a deleted file"),
        (in_the_way, "specs/added.yaml is not committed yet and would be overwritten", "an own file of that name"),
        (ignored_in_the_way, "specs/added.yaml is not committed yet and would be overwritten", "the same, ignored by git"),
        (folder_in_the_way, "specs/added.yaml is not committed yet and would be overwritten", "a folder of that name"),
        (merging, "a merge is not finished", "the commit would be taken into the merge"),
        (locked, "cannot follow the new commit: .*index.lock", "git is at work there"),
    ],
)
def test_a_person_is_never_overwritten(repository: Repository, prepare: object, message: str, reason: str) -> None:
    commit = repository.commit(FILES)
    assert callable(prepare)
    prepare(repository)
    before = {path: path.read_bytes() for path in repository.folder.glob("specs/**/*") if path.is_file()}
    status = repository.status()
    with pytest.raises(SourceError, match=message):
        source(repository).commit({"web.yaml": b"version: 2\n", "added.yaml": b"a: 1\n"}, "Change", ADA)
    assert repository.git("rev-parse", "main") == commit, reason
    assert repository.status() == status, reason
    assert {path: path.read_bytes() for path in repository.folder.glob("specs/**/*") if path.is_file()} == before, reason


def test_a_link_in_the_work_tree_leads_nowhere(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository.folder / "specs/fresh").symlink_to(outside)
    with pytest.raises(SourceError):
        source(repository).commit({"fresh/a.yaml": b"a: 1\n"}, "Change", ADA)
    assert list(outside.iterdir()) == []


def test_a_branch_that_moves_meanwhile_is_not_overrun(repository: Repository) -> None:
    first = repository.commit(FILES)
    git = source(repository)
    (repository.folder / ".git/refs/heads/main.lock").touch()
    with pytest.raises(SourceError, match="the branch moved on or cannot be written"):
        git.commit({"web.yaml": b"version: 2\n"}, "Change", ADA)
    assert (repository.status(), repository.read("specs/web.yaml")) == ("", "version: 1\n")
    (repository.folder / ".git/refs/heads/main.lock").unlink()
    assert git.head().id == first


def test_commits_at_the_same_time_are_all_kept(repository: Repository) -> None:
    repository.commit(FILES)
    git = source(repository)
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            git.commit({f"{number}.yaml": b"a: 1\n"}, f"Add {number}", ADA)
        except SourceError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {f"{number}.yaml" for number in range(5)} <= set(git.read("HEAD").paths())
    assert repository.status() == ""


@pytest.mark.parametrize(
    ("edits", "message", "author", "sentence", "reason"),
    [
        ({"../README.md": b""}, "Change", ADA, "leads out of its folder", "A07"),
        ({"/etc/passwd": b""}, "Change", ADA, "leads out of its folder", "A07"),
        ({".git/config": b""}, "Change", ADA, "git's own folder", "A09"),
        ({"a/.GIT/hooks/x": b""}, "Change", ADA, "git's own folder", "A09"),
        ({"a\nb.yaml": b""}, "Change", ADA, "a control character", "A07"),
        ({"WEB.yaml": b""}, "Change", ADA, "differs from WEB.yaml only in upper and lower case", "A09: one file on some systems"),
        ({"big.yaml": b"x" * ((1 << 20) + 1)}, "Change", ADA, "may have 1 MiB", "A06"),
        ({"a.yaml": b"a"}, "", ADA, "needs a message", "nobody could tell why"),
        ({"a.yaml": b"a"}, "Change", "", "an author", "nobody could tell who"),
        ({"a.yaml": b"a"}, "Change", "Ada\nparent 0", "an author", "a forged header"),
        ({"a.yaml": b"a"}, "Change", "Ada <a> <b>", "an author", "two addresses"),
        ({"a.yaml": b"a"}, "Change\0", ADA, "needs a message", "git would cut it"),
    ],
)
def test_bad_edits_are_refused(
    tmp_path: Path, edits: dict[str, bytes | None], message: str, author: str, sentence: str, reason: str
) -> None:
    repository = Repository(tmp_path / "home")
    commit = repository.commit(FILES)
    with pytest.raises(SourceError, match=sentence):
        source(repository).commit(edits, message, author)
    assert (repository.git("rev-parse", "main"), repository.status()) == (commit, ""), reason


def test_a_revert_repairs_a_folder_that_may_not_be_read(repository: Repository) -> None:
    good = repository.commit(FILES)
    (repository.folder / "specs/passwd.yaml").symlink_to("/etc/passwd")
    bad = repository.commit({})
    git = source(repository)
    with pytest.raises(SourceError, match="symbolic link"):
        git.read(bad)
    made = git.revert(good, "Go back", ADA)
    assert list(git.read(made.id).paths()) == ["media/tv.yaml", "old.yaml", "web.yaml"]
    assert repository.status() == ""


def test_new_files_belong_to_the_owner_of_the_repository(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As root, git runs as the owner: what it leaves must stay theirs."""
    repository.commit(FILES)
    owner = 54321 if os.geteuid() == 0 else os.geteuid()
    for folder in repository.folder.parents:
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(folder.stat().st_mode | 0o011)  # the owner must be able to reach the repository
    for path in (repository.folder, *repository.folder.rglob("*")):
        os.chown(path, owner, -1)
    source(repository).commit({"new/web.yaml": b"version: 2\n"}, "Change", ADA)
    assert {path.stat().st_uid for path in (repository.folder, *repository.folder.rglob("*"))} == {owner}
