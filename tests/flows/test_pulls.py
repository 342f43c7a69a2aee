"""Pull requests at a forge and proposals here: opened, planned, merged and closed on either side, over one bare repository."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.clients.forge import RestForge
from controller.clients.memory import MemoryProvider
from controller.core.errors import Permanent, Severity, Transient
from controller.core.proposal import OURS
from controller.core.registers import Person
from controller.core.state import State
from controller.source import GitSource
from controller.usecases.pulls import Pulls, Rounds
from tests.contract.source_repository import Repository
from tests.support.forge import BOT, REPOSITORY, FakeForge
from tests.support.house import box
from tests.support.proposing import ADA, ProposingHouse

HOLD = '{"kind": "Policy", "name": "mine", "spec": {"deletions": {"count": 0}, "proposals": {"second": %s}}}'


@dataclass
class Shared:
    """A house whose repository is at a forge, and a person with a clone."""

    house: ProposingHouse
    forge: FakeForge
    door: RestForge
    pulls: Pulls

    @property
    def work(self) -> Repository:
        return self.house.work

    def push(self, branch: str, **boxes: Mapping[str, Any] | None) -> str:
        """A person's commit on a branch of the newest main, pushed."""
        self.work.git("fetch", "-q", "origin")
        self.work.git("checkout", "-q", "-B", branch, "origin/main")
        tip = self.house.put(**boxes)
        self.work.git("push", "-q", "--force", "origin", branch)
        return tip

    def push_on(self, branch: str, author: str, committer: str = "") -> str:
        """Somebody's commit on top of a branch that is there: who is `NAME <ADDRESS>`."""
        self.work.git("fetch", "-q", "origin")
        self.work.git("checkout", "-q", "-B", branch, f"origin/{branch}")
        name, _, email = (committer or author).removesuffix(">").partition(" <")
        (self.work.folder / "README.md").write_text(f"{author}\n")
        self.work.git("add", "README.md")
        who = f"GIT_COMMITTER_NAME={name}", f"GIT_COMMITTER_EMAIL={email}"
        self.work.git("-c", f"alias.by=!env {shlex.join(who)} git", "by", "commit", "-q", "-m", "more", f"--author={author}")
        self.work.git("push", "-q", "origin", branch)
        return self.work.git("rev-parse", "HEAD")

    def round(self) -> bool:
        """A pass, and what follows it in the controller. True when another pass is asked for."""
        self.house.follow()
        return self.pulls.keep()

    def comment(self, number: int) -> str:
        """What we said there."""
        said = [each["body"] for each in self.forge.comments.get(number, []) if each["user"]["login"] == BOT]
        assert len(said) <= 1, "one comment, that changes"
        return said[0] if said else ""

    def told(self) -> list[str]:
        return [event.reason for event in self.house.store.events(limit=500)]


@pytest.fixture(params=["forgejo", "github"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    work = Repository(tmp_path / "clone")
    files = {f"{name}.yaml": f"{box(name, {'image': f'{name}:1'})}\n" for name in ("web", "cache")}
    work.commit({"policy/mine.yaml": HOLD % '["deletions"]', **files})
    bare = tmp_path / "specs.git"
    work.git("clone", "-q", "--bare", str(work.folder), str(bare))
    work.git("remote", "add", "origin", str(bare))
    house = ProposingHouse(work, GitSource(str(bare), branch="main"))
    house.reconcile()
    forge = FakeForge(request.param, bare)
    door = RestForge(request.param, forge.url, REPOSITORY, lambda: forge.token)
    yield Shared(house, forge, door, Pulls(house.shelf, house.reconciler, lambda: door, lambda: "main"))
    door.close_connections()
    forge.close()


def test_a_persons_pull_request_gets_its_plan_and_their_merge_approves(shared: Shared) -> None:
    tip = shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    said = shared.comment(number)
    assert "**Plan** 1 change in 1 rollout, 1 held, undo: exact" in said
    assert "delete box/cache" in said
    assert "A merge here does not approve what is held: it takes a second person (deletions), and it is ada's own" in said
    assert shared.forge.statuses[tip][-1]["state"] == "success"
    assert shared.house.propose.list() == (), "what people review there stands there"
    shared.forge.merge(number, by="bo")
    assert shared.round()
    assert {word.by for word in shared.house.store.approvals().values()} == {"bo"}
    shared.house.reconcile()
    assert set(shared.house.boxes()) == {"web"}


@pytest.mark.parametrize(
    ("by", "moved", "reason"),
    [("ada", False, "its own author, where a second person is wanted"), ("bo", True, "it was pushed to after its plan was told")],
)
def test_a_merge_that_approves_nothing_leaves_what_is_held(shared: Shared, by: str, moved: bool, reason: str) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    if moved:
        shared.push("without-cache", cache=None, web={"image": "web:2"})
        assert shared.door.pull(number) is not None
    shared.forge.merge(number, by=by)
    assert not shared.round()
    assert shared.house.store.approvals() == {}, reason
    assert "MergeApprovesNothing" in shared.told()
    shared.house.reconcile()
    assert "cache" in shared.house.boxes(), reason


def merged_without_a_word(shared: Shared, number: int, by: str) -> None:
    """A merge there that approves nothing: the commit is applied but for what it holds."""
    shared.forge.merge(number, by=by)
    assert not shared.round()
    assert shared.house.store.approvals() == {}
    shared.house.reconcile()
    assert "cache" in shared.house.boxes()


def test_a_pull_request_does_not_choose_the_rules_of_its_own_merge(shared: Shared) -> None:
    shared.push("mine", cache=None)
    shared.work.commit({"policy/mine.yaml": HOLD % "[]"})
    shared.work.git("push", "-q", "origin", "mine")
    number = shared.forge.by_hand("mine", "Mine", author="ada")
    shared.round()
    assert "it is ada's own" in shared.comment(number)
    merged_without_a_word(shared, number, "ada")


BO, EVE, NOBODY = "Bo <bo@example.net>", "Eve <eve@example.net>", "Nobody <nobody@nowhere.example>"


@pytest.mark.parametrize(
    ("author", "committer", "by", "said"),
    [
        pytest.param(BO, "", "bo", "it is bo's own", id="bo pushed to it"),
        pytest.param(EVE, BO, "bo", "it is bo's own", id="bo committed what eve wrote"),
        pytest.param(EVE, "", "BO", "", id="eve wrote at it, and bo did not"),
        pytest.param(NOBODY, BO, "eve", "is by nobody whom the forge knows", id="a name without an account"),
        pytest.param(BO, NOBODY, "eve", "is by nobody whom the forge knows", id="an address without an account"),
    ],
)
def test_who_pushed_to_it_is_no_second_person(shared: Shared, author: str, committer: str, by: str, said: str) -> None:
    shared.forge.accounts["eve@example.net"] = "eve"
    shared.push("without-cache", cache=None)
    shared.push_on("without-cache", author, committer)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    assert "written by ada" in shared.comment(number)
    assert ("is by nobody whom the forge knows" in shared.comment(number)) is (NOBODY in (author, committer))
    shared.forge.merge(number, by=by)
    assert shared.round() is (not said)
    assert {word.by for word in shared.house.store.approvals().values()} == (set() if said else {by})
    told = [event.message for event in shared.house.store.events(limit=500) if event.reason == "MergeApprovesNothing"]
    assert [said in message for message in told] == ([True] if said else [])


def test_what_is_done_on_the_pages_of_github_is_by_whoever_did_it(shared: Shared) -> None:
    shared.push("without-cache", cache=None)
    shared.push_on("without-cache", "Ada <ada@example.net>", "GitHub <noreply@github.com>")
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    shared.forge.merge(number, by="bo")
    assert shared.round() is (shared.forge.kind == "github"), "elsewhere it is an address like another"


def test_a_list_of_commits_that_is_not_whole_is_a_doubt(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.push("without-cache", cache=None)
    tip = shared.push_on("without-cache", EVE)
    shared.forge.accounts["eve@example.net"] = "eve"
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    whole = shared.door.commits
    monkeypatch.setattr(shared.door, "commits", lambda number: tuple(each for each in whole(number) if each.id != tip))
    shared.round()
    assert "does not list all of its commits" in shared.comment(number)
    merged_without_a_word(shared, number, "bo")


def test_an_older_record_says_nothing_of_its_writers(shared: Shared) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    kept = [json.loads(text) for text in shared.house.store.fact("pulls.tracked") or ()]
    before = [{key: value for key, value in each.items() if key != "writers"} for each in kept]
    shared.house.store.remember("pulls.tracked", [json.dumps(each) for each in before])
    merged_without_a_word(shared, number, "bo")


@pytest.mark.parametrize(("scopes", "may"), [(("admin",), True), (("approve", "apply"), False), (None, False)], ids=str)
def test_rules_are_changed_by_who_may_do_everything(shared: Shared, scopes: tuple[str, ...] | None, may: bool) -> None:
    if scopes is not None:
        shared.house.store.people.revise("bo", lambda _known: Person("bo", scopes))
    shared.push("mine", cache=None)
    shared.work.commit({"policy/mine.yaml": HOLD % "[]"})
    shared.work.git("push", "-q", "origin", "mine")
    number = shared.forge.by_hand("mine", "Mine", author="ada")
    shared.round()
    shared.forge.merge(number, by="Bo")
    assert shared.round() is may
    assert bool(shared.house.store.approvals()) is may
    told = [event.message for event in shared.house.store.events(limit=500) if event.reason == "MergeApprovesNothing"]
    assert ["scope admin" in message for message in told] == ([] if may else [True])


def test_rules_that_somebody_merged_who_may_not_are_told(shared: Shared) -> None:
    shared.push("rules")
    shared.work.commit({"policy/mine.yaml": HOLD % "[]"})
    shared.work.git("push", "-q", "origin", "rules")
    number = shared.forge.by_hand("rules", "Rules", author="ada")
    shared.round()
    shared.forge.merge(number, by="bo")
    assert not shared.round()
    told = [event.message for event in shared.house.store.events(limit=500) if event.reason == "MergeApprovesNothing"]
    assert len(told) == 1
    assert "git has it all the same" in told[0]


def test_a_proposals_own_commits_are_by_who_proposed(shared: Shared) -> None:
    shared.house.open(cache=None, author=ADA)
    shared.round()
    (number,) = shared.forge.pulls
    assert "A merge here approves what is held" in shared.comment(number)
    shared.forge.merge(number, by="bo")
    assert shared.round()


def test_whoever_pushes_in_the_name_of_the_proposer_is_not_believed(shared: Shared) -> None:
    shown = shared.house.open(cache=None, author=ADA)
    shared.push_on(shown.proposal.branch, f"Ada <{OURS}>", f"HomeLabHub <{OURS}>")
    shared.round()
    (number,) = shared.forge.pulls
    assert "is by nobody whom the forge knows" in shared.comment(number)
    merged_without_a_word(shared, number, "bo")


def test_who_pushed_to_a_proposal_is_no_second_person_for_it(shared: Shared) -> None:
    shown = shared.house.open(cache=None, author=ADA)
    shared.push_on(shown.proposal.branch, BO)
    shared.round()
    (number,) = shared.forge.pulls
    merged_without_a_word(shared, number, "bo")


def test_a_merge_into_another_branch_says_nothing(shared: Shared) -> None:
    shown = shared.house.open(cache=None)
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache")
    shared.round()
    shared.work.git("push", "-q", "origin", "origin/main:refs/heads/scratch")
    for item in shared.forge.pulls.values():
        item["base"] = {**item["base"], "ref": "scratch"}
    own = next(each for each, item in shared.forge.pulls.items() if item["head"]["ref"] == shown.proposal.branch)
    shared.forge.merge(number, by="bo")
    shared.forge.pulls[own] |= {"state": "closed", "merged": True, "merged_at": "now", "merge_commit_sha": "0" * 40}
    assert not shared.round()
    assert shared.house.store.approvals() == {}
    assert shared.house.shelf.get("p1").standing == "open"


def test_what_nobody_could_read_is_not_approved(shared: Shared) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache")
    shared.forge.silenced = True
    with pytest.raises(Permanent, match="422"):
        shared.round()
    merged_without_a_word(shared, number, "bo")


def test_a_plan_that_cannot_be_told_whole_is_not_approved(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    adapt = MemoryProvider.adapt

    def asked(provider: MemoryProvider, state: State, applied: State | None) -> State:
        if state["image"] == "silent:1":
            raise Transient("its registry does not answer")
        return adapt(provider, state, applied)

    monkeypatch.setattr(MemoryProvider, "adapt", asked)
    tip = shared.push("without-cache", cache=None, new={"image": "silent:1"})
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    said = shared.comment(number)
    assert "what it would do cannot be told now: box/new: its registry does not answer" in said
    assert "delete box/cache" in said, "what is known of it is shown"
    assert "A merge here approves" not in said
    assert shared.forge.statuses[tip][-1]["state"] == "failure"
    merged_without_a_word(shared, number, "bo")


def test_a_comment_that_comes_later_counts(shared: Shared) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache")
    shared.forge.silenced = True
    with pytest.raises(Permanent):
        shared.round()
    shared.forge.silenced = False
    shared.round()
    assert "it is ada's own" in shared.comment(number)
    shared.forge.merge(number, by="bo")
    assert shared.round()


@pytest.mark.parametrize(("letters", "read"), [(100, True), (3000, False)])
def test_what_is_too_long_to_be_read_is_not_approved(shared: Shared, letters: int, read: bool) -> None:
    rule = {"name": "ask", "match": {"names": ["web"]}, "verdict": "hold"}
    shared.push("rules")
    shared.work.commit({"policy/ask.yaml": json.dumps({"kind": "Policy", "name": "ask", "spec": {"rules": [rule]}})})
    shared.work.git("push", "-q", "origin", "rules:main")
    shared.house.reconcile()
    shared.push("long", web={"image": "web:2", "environment": {"A": "x" * letters}}, extra={"image": "extra:1"})
    number = shared.forge.by_hand("long", "Long")
    shared.round()
    said = shared.comment(number)
    assert said.index("replace box/web") < said.index("create box/extra"), "what is held stands first"
    assert ("does not stand here in full" in said) is not read
    shared.forge.merge(number, by="bo")
    assert shared.round() is read
    assert bool(shared.house.store.approvals()) is read
    shared.house.reconcile()
    assert (shared.house.boxes()["web"][0] == "web:2") is read


def test_one_that_git_cannot_read_hides_no_other(shared: Shared) -> None:
    shared.push("link", web={"image": "web:2"})
    (shared.work.folder / "link.yaml").symlink_to("/etc/passwd")
    shared.work.git("add", "link.yaml")
    shared.work.git("commit", "-q", "-m", "link")
    shared.work.git("push", "-q", "origin", "link")
    bad = shared.forge.by_hand("link", "Link")
    shared.push("good", web={"image": "web:2"})
    good = shared.forge.by_hand("good", "Good")
    shared.round()
    assert "1 change" in shared.comment(good)
    assert "cannot be made" in shared.comment(bad)


@pytest.mark.parametrize("by", ["renovate[bot]", BOT, ""])
def test_a_program_is_no_second_person(shared: Shared, by: str) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    shared.forge.merge(number, by=by or "x")
    shared.forge.pulls[number]["merged_by"] = {"login": by} if by else None
    assert not shared.round()
    assert shared.house.store.approvals() == {}


def test_a_word_that_was_used_does_not_come_back(shared: Shared) -> None:
    shared.push("without-cache", cache=None)
    number = shared.forge.by_hand("without-cache", "No cache", author="ada")
    shared.round()
    shared.forge.merge(number, by="bo")
    shared.house.follow()
    held = [line.rollout for line in shared.house.sync.apply("ada").statuses if line.rollout]
    shared.house.sync.approve([*{*held}], "ada")
    shared.house.reconcile()
    assert set(shared.house.boxes()) == {"web"}
    assert not shared.pulls.keep(), "it is done already"
    assert shared.house.store.approvals() == {}


def test_a_proposal_has_a_pull_request_and_ends_with_it(shared: Shared) -> None:
    shown = shared.house.open(web={"image": "web:2"}, title="Second @ada <b>web</b>")
    shared.round()
    (number,) = shared.forge.pulls
    item = shared.forge.pulls[number]
    assert (item["head"]["ref"], item["title"]) == (shown.proposal.branch, "Second @ada <b>web</b>")
    assert "> Because" in item["body"]
    assert shared.house.shelf.get("p1").link == item["html_url"]
    assert "image: web:1 → web:2" in shared.comment(number)
    assert list(shared.forge.pulls) == [number], "one pull request"
    shared.forge.merge(number, by="ada")
    shared.round()
    ended = shared.house.shelf.get("p1")
    assert ended.standing == "merged"
    shared.house.reconcile()
    assert shared.house.boxes()["web"][0] == "web:2"


def test_closed_there_is_rejected_here(shared: Shared) -> None:
    shared.house.open(web={"image": "web:2"})
    shared.round()
    (number,) = shared.forge.pulls
    shared.forge.shut(number)
    shared.round()
    assert shared.house.shelf.get("p1").standing == "rejected"
    assert "ProposalRejected" in shared.told()
    shared.round()
    assert list(shared.forge.pulls) == [number]


@pytest.mark.parametrize("approve", [True, False])
def test_decided_here_is_closed_there(shared: Shared, approve: bool) -> None:
    shown = shared.house.open(web={"image": "web:2"})
    shared.round()
    (number,) = shared.forge.pulls
    if approve:
        shared.house.approve(shown)
    else:
        shared.house.review.reject("p1", ADA, "not now")
    shared.round()
    assert shared.forge.pulls[number]["state"] == "closed"
    assert f"This proposal is {'merged' if approve else 'rejected'}" in shared.comment(number)
    shared.round()
    assert shared.house.store.approvals() == {}
    assert "MergeApprovesNothing" not in shared.told()


def test_what_cannot_be_planned_is_a_failed_check(shared: Shared) -> None:
    tip = shared.push("broken", web={"image": "web:2", "sise": 3})
    number = shared.forge.by_hand("broken", "Broken")
    shared.round()
    assert shared.forge.statuses[tip][-1]["state"] == "failure"
    assert "sise" in shared.comment(number)
    better = shared.push("broken", web={"image": "web:2", "size": 3})
    shared.round()
    assert shared.forge.statuses[better][-1]["state"] == "success"
    assert "size: 1 → 3" in shared.comment(number)


def test_words_of_others_are_no_markup(shared: Shared) -> None:
    shared.push("odd", web={"image": "web:2", "environment": {"NOTE": "```\n@ada [x](javascript:alert(1)) <img src=x> \u202e"}})
    number = shared.forge.by_hand("odd", "Odd")
    shared.round()
    said = shared.comment(number)
    block = said[said.index("````") : said.rindex("````")]
    assert "@ada" in block, "inside of the block, which is longer than any fence in it"
    assert "@ada" not in said.replace(block, "")
    assert "\u202e" not in said


def test_a_fork_is_not_planned(shared: Shared) -> None:
    shared.push("fork", cache=None)
    number = shared.forge.by_hand("fork", "From outside", "mallory")
    shared.forge.pulls[number]["head"]["repo"] = {"full_name": "mallory/specs"}
    shared.round()
    assert "another repository" in shared.comment(number)
    shared.forge.merge(number, by="mallory")
    shared.round()
    assert shared.house.store.approvals() == {}


def test_a_forge_that_is_away_is_told_once_and_holds_up_nothing(shared: Shared) -> None:
    said: list[str] = []

    def tell(reason: str, _message: str, _severity: Severity) -> None:
        said.append(reason)

    rounds = Rounds(shared.pulls.keep, tell)
    shared.forge.failing = 503
    assert not rounds()
    assert not rounds()
    with pytest.raises(Transient):
        shared.pulls.keep()
    shared.forge.failing = 0
    rounds()
    rounds()
    assert said == ["ForgeDown", "ForgeUp"]


def test_nothing_is_said_twice_while_nothing_moves(shared: Shared) -> None:
    shared.push("second", web={"image": "web:2"})
    shared.forge.by_hand("second", "Second")
    shared.round()
    before = len(shared.forge.calls)
    shared.round()
    assert {call.split()[0] for call in shared.forge.calls[before:]} == {"GET"}
    again = Pulls(shared.house.shelf, shared.house.reconciler, lambda: shared.door, lambda: "main")
    before = len(shared.forge.calls)
    again.keep()
    assert {call.split()[0] for call in shared.forge.calls[before:]} == {"GET"}, "also after a restart"
