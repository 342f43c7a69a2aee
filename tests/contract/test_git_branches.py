"""Branches that wait for a word: offered, looked at merged, merged and dropped, on every kind of repository, never by force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.document import Revision
from controller.core.errors import SourceError
from controller.core.proposal import Branched, Branches, Edits, MergeByHand, Moved, NotTaken
from controller.source import FolderSource, GitSource, Signers
from tests.contract.git_server import serve
from tests.contract.source_repository import Repository

FILES: dict[str, str | bytes | None] = {
    "specs/web.yaml": "version: 1\nname: web\nsize: 1\nport: 80\nlabel: none\n",
    "specs/old.yaml": "old: true\n",
    "README.md": "# Home\n",
}
BRANCH = "homelab/bakotu"


@dataclass
class Yard:
    """A source, and the repository in which people work on the same branch."""

    git: GitSource
    work: Repository
    remote: Repository | None = None

    @property
    def held(self) -> Repository:
        """Where the branches are."""
        return self.remote or self.work

    def push(self) -> None:
        if self.remote:
            self.work.git("push", "--quiet", "origin", "main")


@pytest.fixture(params=["work tree", "sha256", "bare", "remote"])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    work = Repository(tmp_path / "work", f"--object-format={'sha256' if request.param == 'sha256' else 'sha1'}")
    work.commit(FILES, "One")
    if request.param in ("work tree", "sha256"):
        yield Yard(GitSource(str(work.folder), path="specs"), work)
        return
    served = tmp_path / "served/home.git"
    work.git("clone", "--quiet", "--bare", str(work.folder), str(served))
    work.git("remote", "add", "origin", str(served))
    remote = Repository(served, make=False)
    if request.param == "bare":
        yield Yard(GitSource(str(served), path="specs"), work, remote)
        return
    with serve(tmp_path / "served") as server:
        yield Yard(
            GitSource(server.url(), path="specs", cache_dir=tmp_path / "cache", trusted_hosts=("127.0.0.1",)), work, remote
        )


def offer(git: GitSource, edits: Edits, message: str, author: str, *, on: str = "") -> Revision:
    """A commit on top of the branch, or of the followed one where it is new."""
    on = on or (git.branches.tip_of(BRANCH) or git.head()).id
    return git.branches.offer(BRANCH, edits, message, author, on=on)


def test_a_branch_is_offered_looked_at_merged_and_dropped(yard: Yard) -> None:
    git, branches = yard.git, yard.git.branches
    one = git.head()
    assert branches.tip_of(BRANCH) is None
    tip = offer(yard.git, {"web.yaml": b"version: 2\nname: web\nsize: 1\nport: 80\n", "old.yaml": None}, "Two\n\nWhy", "Bo")
    assert (git.head(), branches.tip_of(BRANCH)) == (one, tip)
    assert yard.held.git("rev-parse", BRANCH) == tip.id
    assert yard.held.git("rev-parse", f"{BRANCH}^", "main") == f"{one.id}\n{one.id}"
    assert (tip.author, tip.message) == ("Bo", "Two\n\nWhy")
    seen = branches.preview(tip.id)
    assert (seen.head, seen.conflicts, seen.same) == (one, (), False)
    assert list(seen.files.paths()) == ["web.yaml"]
    assert seen.files.read("web.yaml") == b"version: 2\nname: web\nsize: 1\nport: 80\n"
    made = branches.merge(tip.id, one.id, "Merge proposal bakotu\n\nApproved-by: Ada", "Ada")
    assert yard.held.git("rev-parse", "main", "main^1", "main^2") == f"{made.id}\n{one.id}\n{tip.id}"
    assert (made.author, made.message) == ("Ada", "Merge proposal bakotu\n\nApproved-by: Ada")
    assert git.head() == made
    assert list(git.read(made.id).paths()) == ["web.yaml"]
    assert branches.preview(tip.id).same, "nothing is left to merge"
    branches.drop(BRANCH)
    assert branches.tip_of(BRANCH) is None
    assert yard.held.git("branch", "--list", "homelab/*") == ""
    branches.drop(BRANCH)
    assert yard.held.git("fsck", "--strict") == ""


def test_a_second_commit_goes_on_top_of_the_first(yard: Yard) -> None:
    branches = yard.git.branches
    first = offer(yard.git, {"a.yaml": b"a: 1\n"}, "A", "Bo")
    second = offer(yard.git, {"a.yaml": b"a: 2\n"}, "A again", "Ada")
    assert yard.held.git("rev-parse", f"{BRANCH}^") == first.id
    assert branches.tip_of(BRANCH) == second
    with pytest.raises(SourceError, match="nothing is changed"):
        offer(yard.git, {"a.yaml": b"a: 2\n"}, "A again", "Ada")


def test_what_was_made_for_another_commit_is_not_put_on_top(yard: Yard) -> None:
    first = offer(yard.git, {"a.yaml": b"a: 1\n"}, "A", "Bo")
    second = offer(yard.git, {"a.yaml": b"a: 2\n"}, "A again", "Ada")
    with pytest.raises(Moved, match=f"somebody else has committed {second.id[:10]}"):
        offer(yard.git, {"a.yaml": b"a: 1\nb: 1\n"}, "B", "Bo", on=first.id)
    assert yard.held.git("rev-parse", BRANCH) == second.id


def test_a_new_branch_begins_where_its_contents_were_made_for(yard: Yard) -> None:
    one = yard.git.head()
    text = "version: 1\nname: web\nsize: 1\nport: 80\nlabel: some\n"
    two = yard.work.commit({"specs/web.yaml": text})
    yard.push()
    yard.git.fetch()
    edited = b"version: 2\nname: web\nsize: 1\nport: 80\nlabel: none\n"
    tip = offer(yard.git, {"web.yaml": edited}, "Two", "Bo", on=one.id)
    assert yard.held.git("rev-parse", f"{BRANCH}^") == one.id
    seen = yard.git.branches.preview(tip.id)
    assert (seen.head.id, seen.conflicts) == (two, ())
    assert seen.files.read("web.yaml") == text.replace("version: 1", "version: 2").encode(), "what came between stays"


def test_what_others_committed_meanwhile_is_merged_with(yard: Yard) -> None:
    branches, one = yard.git.branches, yard.git.head()
    tip = offer(yard.git, {"web.yaml": b"version: 2\nname: web\nsize: 1\nport: 80\nlabel: none\n"}, "Two", "Bo")
    two = yard.work.commit({"specs/web.yaml": "version: 1\nname: web\nsize: 1\nport: 80\nlabel: some\n", "README.md": "# Mine\n"})
    yard.push()
    yard.git.fetch()
    seen = branches.preview(tip.id)
    assert seen.head.id == two
    assert seen.files.read("web.yaml") == b"version: 2\nname: web\nsize: 1\nport: 80\nlabel: some\n"
    with pytest.raises(Moved, match=f"not at {one.id[:10]} any more"):
        branches.merge(tip.id, one.id, "Merge", "Ada")
    made = branches.merge(tip.id, two, "Merge", "Ada")
    assert yard.held.git("show", f"{made.id}:README.md") == "# Mine"
    if yard.remote is None:
        assert yard.work.status() == ""
        assert yard.work.read("specs/web.yaml") == "version: 2\nname: web\nsize: 1\nport: 80\nlabel: some\n"


def test_a_conflict_is_told_and_not_merged(yard: Yard) -> None:
    branches = yard.git.branches
    tip = offer(yard.git, {"web.yaml": b"version: 2\n"}, "Two", "Bo")
    two = yard.work.commit({"specs/web.yaml": "version: 3\n"})
    yard.push()
    yard.git.fetch()
    seen = branches.preview(tip.id)
    assert seen.conflicts == ("specs/web.yaml",)
    assert seen.files.read("web.yaml") == b"version: 2\n", "of the branch alone"
    with pytest.raises(SourceError, match=r"both sides changed specs/web\.yaml"):
        branches.merge(tip.id, two, "Merge", "Ada")
    assert yard.held.git("rev-parse", "main") == two


@pytest.mark.parametrize("path", ["../out.yaml", ".git/config", "a/.GIT/x", "a\u202e.yaml", "/etc/passwd", "a//b.yaml"])
def test_a_hostile_path_is_refused(tmp_path: Path, path: str) -> None:
    work = Repository(tmp_path / "work")
    work.commit(FILES)
    git = GitSource(str(work.folder), path="specs")
    with pytest.raises(SourceError, match="cannot be written"):
        offer(git, {path: b"x: 1\n"}, "Bad", "Bo")
    assert work.git("branch", "--list", "homelab/*") == ""


def test_a_push_that_lost_the_race_is_told_and_nothing_is_forced(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    work.commit(FILES, "One")
    served = tmp_path / "served/home.git"
    work.git("clone", "--quiet", "--bare", str(work.folder), str(served))
    work.git("remote", "add", "origin", str(served))
    with serve(tmp_path / "served") as server:
        git = GitSource(server.url(), path="specs", cache_dir=tmp_path / "cache", trusted_hosts=("127.0.0.1",))
        tip = offer(git, {"a.yaml": b"a: 1\n"}, "A", "Bo")
        one = git.head()
        two = work.commit({"README.md": "# Faster\n"})
        work.git("push", "--quiet", "origin", "main")
        with pytest.raises(NotTaken, match="did not take the commit"):
            git.branches.merge(tip.id, one.id, "Merge", "Ada")
        assert Repository(served, make=False).git("rev-parse", "main") == two
        git.fetch()
        made = git.branches.merge(tip.id, git.head().id, "Merge", "Ada")
        assert Repository(served, make=False).git("rev-parse", "main^1", "main^2") == f"{two}\n{tip.id}"
        assert git.head() == made
        foreign = work.commit({"specs/a.yaml": "a: 5\n"})
        work.git("push", "--quiet", "--force", "origin", f"{foreign}:refs/heads/{BRANCH}")
        with pytest.raises(NotTaken):
            offer(git, {"a.yaml": b"a: 2\n"}, "A", "Bo")
        assert Repository(served, make=False).git("rev-parse", BRANCH) == foreign


def test_a_work_tree_with_changes_of_its_own_keeps_them(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    one = work.commit(FILES)
    git = GitSource(str(work.folder), path="specs")
    tip = offer(git, {"web.yaml": b"version: 2\n"}, "Two", "Bo")
    (work.folder / "specs/web.yaml").write_text("version: mine\n")
    with pytest.raises(SourceError, match="changes that are not committed"):
        git.branches.merge(tip.id, one, "Merge", "Ada")
    assert work.git("rev-parse", "main") == one
    assert work.read("specs/web.yaml") == "version: mine\n"


def test_a_branch_that_somebody_works_on_stays(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    work.commit(FILES)
    git = GitSource(str(work.folder), path="specs", branch="main")
    tip = offer(git, {"web.yaml": b"version: 2\n"}, "Two", "Bo")
    work.git("checkout", "--quiet", BRANCH)
    git.branches.drop(BRANCH)
    assert git.branches.tip_of(BRANCH) == tip
    again = offer(git, {"web.yaml": b"version: 3\n"}, "Three", "Bo")
    assert (work.git("rev-parse", "HEAD"), work.read("specs/web.yaml"), work.status()) == (again.id, "version: 3\n", "")


def test_no_program_of_the_repository_merges(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    one = work.commit({**FILES, ".gitattributes": "*.yaml merge=evil\n"})
    work.git("config", "merge.evil.driver", f"touch {tmp_path / 'ran'}")
    (work.folder / ".git/info/attributes").write_text("*.yaml merge=evil\n")
    git = GitSource(str(work.folder), path="specs")
    text = str(FILES["specs/web.yaml"])
    tip = offer(git, {"web.yaml": text.replace("version: 1", "version: 2").encode()}, "Two", "Bo")
    two = work.commit({"specs/web.yaml": text.replace("none", "some")})
    assert two != one
    git.branches.merge(tip.id, two, "Merge", "Ada")
    assert not (tmp_path / "ran").exists()
    assert work.read("specs/web.yaml") == text.replace("version: 1", "version: 2").replace("none", "some")


def test_histories_without_a_common_start_are_told(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    one = work.commit(FILES)
    other = work.commit_tree(work.git("write-tree"), reference=f"refs/heads/{BRANCH}")
    git = GitSource(str(work.folder), path="specs")
    with pytest.raises(SourceError, match="cannot be merged: refusing to merge unrelated histories"):
        git.branches.preview(other)
    assert git.head().id == one


def test_a_git_that_is_too_old_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Repository(tmp_path / "work")
    work.commit(FILES)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(
        '#!/bin/sh\nfor word in "$@"; do [ "$word" = merge-tree ] && { echo "usage: git merge-tree" >&2; exit 129; }; done\n'
        'PATH=/usr/local/bin:/usr/bin:/bin exec git "$@"\n'
    )
    (tools / "git").chmod(0o755)
    git = GitSource(str(work.folder), path="specs", environment={"PATH": f"{tools}:/usr/bin:/bin"})
    tip = offer(git, {"a.yaml": b"a: 1\n"}, "A", "Bo")
    with pytest.raises(SourceError, match=r"git 2\.38 or newer is needed"):
        git.branches.preview(tip.id)


def test_where_commits_must_be_signed_a_person_merges(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    one = work.commit(FILES)
    (tmp_path / "signers").write_text("")
    git = GitSource(str(work.folder), path="specs", signers=Signers(tmp_path / "signers"))
    tip = offer(git, {"a.yaml": b"a: 1\n"}, "A", "Bo")
    with pytest.raises(MergeByHand, match="must be signed") as told:
        git.branches.merge(tip.id, one, "Merge proposal bakotu: it's\n\nWhy", "Ada")
    assert told.value.steps[1] == f"  git merge -S --no-ff -m 'Merge proposal bakotu: it'\\''s' {tip.id}"
    assert git.head().id == one


def test_only_git_has_branches(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    work.commit(FILES)
    source: object = GitSource(str(work.folder))
    assert isinstance(source, Branched)
    branches: Branches = source.branches
    assert branches.tip_of("main") is not None
    assert not isinstance(FolderSource(tmp_path), Branched)
