"""An approval that is killed anywhere, or that somebody else is faster than, leaves nothing half done."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from controller.clients.yaml import splice
from controller.core.edit import Edit, SetValue
from controller.core.errors import Refused, SourceError
from controller.core.key import Key
from controller.core.proposal import MergeByHand, NotTaken, Stale
from controller.source import GitSource, Signers
from controller.usecases.proposing_files import Change
from controller.usecases.rollback import Rollback
from controller.usecases.rollback_proposal import instead
from tests.contract.git_server import serve
from tests.contract.source_repository import Repository
from tests.support.dying_approval import house_in
from tests.support.house import box
from tests.support.proposing import ADA, BO, ProposingHouse, proposing

ROOT = Path(__file__).resolve().parents[2]
ASKS = '{"kind": "Policy", "name": "mine", "spec": {"rules": [{"name": "ask", "match": {"names": ["web"]}, "verdict": "hold"}]}}'
BOUNDARIES = 10


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house in which a proposal waits whose rollout the rules hold."""
    folder = tmp_path_factory.mktemp("prepared")
    house = house_in(folder)
    house.work.commit({"policy/mine.yaml": ASKS, "web.yaml": f"{box('web', {'image': 'web:1'})}\n"})
    house.reconcile()
    house.sync.approve([house.reconciler.survey().plan.rollouts[0].digest], "Ada")
    house.reconcile()
    assert house.boxes() == {"web": ("web:1", 1, "running")}
    assert [item.verdict for item in house.open(web={"image": "web:2"}).rollouts] == ["hold"]
    return folder


def approving(folder: Path, boundary: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.support.dying_approval", str(folder), str(boundary)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("boundary", range(1, BOUNDARIES + 1))
def test_a_killed_approval_is_all_or_nothing(prepared: Path, tmp_path: Path, boundary: int) -> None:
    folder = tmp_path / "house"
    shutil.copytree(prepared, folder)
    assert approving(folder, boundary).returncode == -signal.SIGKILL
    house = house_in(folder)
    merged = house.work.git("log", "-1", "--format=%s") == "Merge proposal p1: Two"
    house.follow()
    line = house.propose.show("p1").proposal
    if merged:
        assert (line.standing, line.note) == ("merged", "approved by Ada")
        assert house.boxes()["web"][0] == "web:2", "its word counts although the process that took it is gone"
    else:
        assert line.standing == "open"
        assert house.store.approvals() == {}, "no word is left of what did not happen"
        assert house.boxes()["web"][0] == "web:1"
        house.approve(house.propose.show("p1"))
        house.follow()
        assert house.boxes()["web"][0] == "web:2"
    assert house.store.approvals() == {}, "a word is used once"
    house.follow()
    assert house.work.git("branch", "--list", "homelab/*") == ""
    assert house.propose.list() == ()


def test_every_boundary_was_tried(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "house"
    shutil.copytree(prepared, folder)
    done = approving(folder, 0)
    assert (done.returncode, done.stdout.strip()) == (0, str(BOUNDARIES)), done.stderr


@dataclass
class Remote:
    """A house that follows a remote repository, and a person's clone."""

    house: ProposingHouse
    person: Repository
    bare: Repository
    url: str

    def push(self, files: dict[str, str | bytes | None]) -> str:
        commit = self.person.commit(files)
        self.person.git("push", "--quiet", "origin", "main")
        return commit


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    person = Repository(tmp_path / "person")
    person.commit({"web.yaml": f"{box('web', {'image': 'web:1'})}\n", "README.md": "# Home\n"})
    served = tmp_path / "served/home.git"
    person.git("clone", "--quiet", "--bare", str(person.folder), str(served))
    person.git("remote", "add", "origin", str(served))
    with serve(tmp_path / "served") as server:
        source = GitSource(server.url(), cache_dir=tmp_path / "cache", trusted_hosts=("127.0.0.1",))
        house = ProposingHouse(person, source)
        house.reconcile()
        yield Remote(house, person, Repository(served, make=False), server.url())


def pushing(house: ProposingHouse, push: Callable[[], object]) -> None:
    """Somebody pushes once, after the next proposal was made from the specs and before it is written."""

    def splices(path: str, content: bytes, edits: Sequence[Edit]) -> bytes:
        house.propose = house.review.propose
        push()
        return splice(path, content, edits)

    house.propose = replace(house.propose, splices=splices)


def test_a_push_while_a_proposal_is_made_is_not_taken_back(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, db={"image": "db:1"})
    base = house.work.git("rev-parse", "main")
    pushing(house, lambda: house.put(web={"image": "web:1", "size": 7}, db={"image": "db:2"}))
    change = Change(edits=[SetValue(Key("box", "web"), ("spec", "image"), "web:2")])
    shown = house.propose.open("Two", "", BO, change)
    assert (shown.proposal.base, house.work.git("rev-parse", "homelab/p1^")) == (base, base)
    assert shown.conflicts == ("web.yaml",), "both changed it, and it is told"
    pushing(house, lambda: house.put(db={"image": "db:3"}))
    other = house.propose.open("Size", "", BO, Change(edits=[SetValue(Key("box", "web"), ("spec", "size"), 8)]))
    assert [file.path for file in other.files] == ["web.yaml"], "what came between stays as it is"
    house.approve(other)
    assert '"db:3"' in house.work.read("db.yaml")


def test_a_push_to_a_proposal_while_it_is_revised_is_not_taken_back(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:2"})

    def push() -> None:
        text = f"{box('web', {'image': 'web:3'})}\n"
        house.work.git("checkout", "--quiet", "homelab/p1")
        house.work.commit({"web.yaml": text})
        house.work.git("checkout", "--quiet", "main")

    pushing(house, push)
    with pytest.raises(Stale, match=f"somebody else has committed .* which was at {shown.proposal.tip[:10]}"):
        house.propose.revise("p1", "", BO, Change(edits=[SetValue(Key("box", "web"), ("spec", "size"), 2)]))
    after = house.propose.show("p1")
    assert [(c.key, f.new) for r in after.rollouts for c in r.changes for f in c.fields if f.path == "image"] == [
        ("box/web", "web:3")
    ]
    again = house.propose.revise("p1", "", BO, Change(edits=[SetValue(Key("box", "web"), ("spec", "size"), 2)]))
    assert again.proposal.tip == house.work.git("rev-parse", "homelab/p1")
    assert '"web:3"' in house.work.git("show", "homelab/p1:web.yaml")


def test_a_remote_by_ssh_takes_proposals_and_their_merges(tmp_path: Path) -> None:
    person = Repository(tmp_path / "person")
    person.commit({"web.yaml": f"{box('web', {'image': 'web:1'})}\n", "README.md": "# Home\n"})
    served = tmp_path / "home.git"
    person.git("clone", "--quiet", "--bare", str(person.folder), str(served))
    person.git("remote", "add", "origin", str(served))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    (programs / "ssh").chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    house = ProposingHouse(
        person, GitSource(f"git@git.example.net:{served}", cache_dir=tmp_path / "cache", environment=environment)
    )
    house.reconcile()
    bare = Repository(served, make=False)
    shown = house.open(web={"image": "web:2"})
    assert bare.git("rev-parse", "homelab/p1") == shown.proposal.tip
    other = person.commit({"README.md": "# Our home\n"})
    person.git("push", "--quiet", "origin", "main")
    merged = house.approve(shown)
    assert bare.git("rev-parse", "main", "main^1", "main^2") == f"{merged.revision}\n{other}\n{shown.proposal.tip}"
    assert bare.git("branch", "--list", "homelab/*") == ""
    house.reconcile()
    assert house.boxes()["web"][0] == "web:2"


def test_a_push_that_came_first_is_merged_with(remote: Remote) -> None:
    shown = remote.house.open(web={"image": "web:2"})
    assert remote.bare.git("rev-parse", "homelab/p1") == shown.proposal.tip
    other = remote.push({"README.md": "# Our home\n"})
    merged = remote.house.approve(shown)
    assert remote.bare.git("rev-parse", "main", "main^1", "main^2") == f"{merged.revision}\n{other}\n{shown.proposal.tip}"
    assert remote.bare.git("branch", "--list", "homelab/*") == ""
    remote.house.reconcile()
    assert remote.house.boxes()["web"][0] == "web:2"


def test_a_push_that_changes_what_would_be_done_is_stale(remote: Remote) -> None:
    shown = remote.house.open({"new.yaml": f"{box('new', {'uses': ['box/web']})}\n".encode()})
    before = remote.push({"web.yaml": f"{box('web', {'image': 'web:1', 'size': 4})}\n"})
    remote.house.source.fetch()
    remote.house.world.edit("box", "local", "web", size=9)
    with pytest.raises(Stale):
        remote.house.approve(shown)
    assert remote.bare.git("rev-parse", "main") == before


def test_somebody_who_is_always_faster_wins(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = remote.house.open(web={"image": "web:2"})
    assert isinstance(remote.house.source, GitSource)
    branches = remote.house.source.branches
    tries: list[str] = []

    def raced(tip: str, head: str, message: str, author: str) -> Any:
        tries.append(remote.push({"README.md": f"# {len(tries)}\n"}))
        return type(branches).merge(branches, tip, head, message, author)

    object.__setattr__(branches, "merge", raced)
    try:
        with pytest.raises(Stale, match="others commit faster"):
            remote.house.approve(shown)
    finally:
        object.__delattr__(branches, "merge")
    assert len(tries) == 3
    assert remote.bare.git("rev-parse", "main") == tries[-1]
    assert remote.house.store.approvals() == {}
    assert remote.house.approve(remote.house.propose.show("p1")).proposal.standing == "merged"


def test_a_branch_that_nobody_may_push_to_is_told(remote: Remote) -> None:
    shown = remote.house.open(web={"image": "web:2"})
    closed(remote)
    before = remote.bare.git("rev-parse", "main")
    with pytest.raises(NotTaken, match="did not take the commit"):
        remote.house.approve(shown)
    assert remote.bare.git("rev-parse", "main") == before
    assert remote.house.store.approvals() == {}
    assert remote.house.propose.show("p1", ADA) == shown, "it waits as before"
    assert remote.house.open({"other.yaml": f"{box('other', {})}\n".encode()}).proposal.id == "p2", "its own branches are taken"


@pytest.mark.parametrize("target", ["box/web", ""])
def test_a_rollback_that_cannot_be_pushed_waits_as_a_proposal(remote: Remote, target: str) -> None:
    house = remote.house
    remote.push({"web.yaml": f"{box('web', {'image': 'web:2'})}\n"})
    house.source.fetch()
    house.reconcile()
    closed(remote)
    rollback = Rollback(house.reconciler, house.source, house.store)
    way = rollback.prepare(target)
    with pytest.raises(NotTaken) as told:
        rollback.commit(way, "Ada")
    why, steps = instead(house.propose, rollback, way, ADA, told.value)
    assert why.endswith("it waits as proposal p1")
    assert steps[0] == "homelab approve p1"
    shown = house.propose.show("p1")
    assert shown.proposal.title.startswith("Roll back ")
    assert [file.path for file in shown.files] == ["web.yaml"]
    assert shown.digests == tuple(sorted(rollout.digest for rollout in way.plan.rollouts)), "it would do what was shown"
    assert instead(None, rollback, way, ADA, told.value) == (str(told.value), rollback.by_hand(way))
    assert instead(house.propose, rollback, way, ADA, SourceError("it is away")) == ("it is away", rollback.by_hand(way))


def closed(remote: Remote) -> None:
    """Let nobody push to the followed branch any more."""
    hook = remote.bare.folder / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
    hook.chmod(0o755)


def test_an_answer_that_was_lost_is_no_second_merge(remote: Remote) -> None:
    shown = remote.house.open(web={"image": "web:2"})
    assert isinstance(remote.house.source, GitSource)
    branches = remote.house.source.branches

    def lost(tip: str, head: str, message: str, author: str) -> Any:
        type(branches).merge(branches, tip, head, message, author)
        raise NotTaken("the connection was cut")

    object.__setattr__(branches, "merge", lost)
    try:
        merged = remote.house.approve(shown)
    finally:
        object.__delattr__(branches, "merge")
    assert merged.proposal.note == "approved by Ada"
    assert remote.bare.git("log", "--format=%s", "-1", "main") == "Merge proposal p1: Two"


def test_a_remote_that_does_not_answer_is_told_and_its_branch_goes_later(remote: Remote, tmp_path: Path) -> None:
    remote.house.open(web={"image": "web:2"})
    served = tmp_path / "served"
    served.rename(tmp_path / "away")
    line = remote.house.review.reject("p1", ADA)
    assert line.standing == "rejected"
    (tmp_path / "away").rename(served)
    assert remote.bare.git("branch", "--list", "homelab/*") != ""
    remote.house.review.tend()
    assert remote.bare.git("branch", "--list", "homelab/*") == ""


def test_what_somebody_pushed_after_the_end_is_kept(remote: Remote) -> None:
    shown = remote.house.open(web={"image": "web:2"})
    remote.person.git("fetch", "--quiet", "origin", "homelab/p1")
    remote.person.git("checkout", "--quiet", "-b", "more", "FETCH_HEAD")
    more = remote.person.commit({"web.yaml": f"{box('web', {'image': 'web:3'})}\n"})
    remote.person.git("push", "--quiet", "origin", "more:homelab/p1")
    merged = remote.house.approve(shown)
    assert remote.bare.git("rev-parse", "main^2") == shown.proposal.tip, "exactly what was shown"
    assert remote.bare.git("rev-parse", "homelab/p1") == more, "and nothing of anybody is thrown away"
    remote.house.source.fetch()
    remote.house.review.tend()
    assert remote.bare.git("rev-parse", "homelab/p1") == more
    assert remote.house.propose.show("p1").proposal.merged == merged.revision


def test_where_commits_must_be_signed_the_word_counts_when_somebody_merged(tmp_path: Path) -> None:
    work = Repository(tmp_path / "home")
    work.commit({"web.yaml": f"{box('web', {'image': 'web:1'})}\n", "policy/mine.yaml": ASKS})
    (tmp_path / "signers").write_text("")
    plain = ProposingHouse(work)
    plain.reconcile()
    plain.sync.approve([plain.reconciler.survey().plan.rollouts[0].digest], "Ada")
    plain.reconcile()
    house = ProposingHouse(
        work, GitSource(str(work.folder), signers=Signers(tmp_path / "signers")), world=plain.world, store=plain.store
    )
    shown = house.open(web={"image": "web:2"})
    with pytest.raises(MergeByHand, match="merge it yourself"):
        house.approve(shown)
    line = house.propose.show("p1").proposal
    assert (line.standing, [word.word for word in line.reviews]) == ("open", ["approve"])
    assert house.store.approvals() == {}
    work.git("merge", "--quiet", "--no-ff", "-m", "Mine", "homelab/p1")
    plain.shelf, plain.propose, plain.review = house.shelf, house.propose, house.review
    plain.follow()
    assert house.propose.show("p1").proposal.note == "approved by Ada"
    assert house.boxes()["web"][0] == "web:2"


def test_what_is_revised_after_an_approval_by_hand_needs_another_one(tmp_path: Path) -> None:
    work = Repository(tmp_path / "home")
    work.commit({"web.yaml": f"{box('web', {'image': 'web:1'})}\n", "policy/mine.yaml": ASKS})
    house = ProposingHouse(work)
    house.reconcile()
    house.sync.approve([house.reconciler.survey().plan.rollouts[0].digest], "Ada")
    house.reconcile()
    shown = house.open(web={"image": "web:2"})
    house.propose.revise("p1", "", BO, Change({"web.yaml": f"{box('web', {'image': 'web:3'})}\n".encode()}))
    with pytest.raises(Refused):
        house.approve(shown)
    work.git("merge", "--quiet", "--no-ff", "-m", "Mine", "homelab/p1")
    house.follow()
    assert house.propose.show("p1").proposal.note == "merged in git"
    assert house.boxes()["web"][0] == "web:1", "held: nobody said a word about it"
