"""The doors to Forgejo, Gitea and GitHub, against what they answer at the wire over a real repository."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.clients.forge import RestForge
from controller.core.errors import Permanent, SettingsError, Transient
from controller.core.forge import Check, Stage
from tests.support.forge import BOT, REPOSITORY, FakeForge


@dataclass
class Bench:
    """A forge, our door to it, and its repository."""

    forge: FakeForge
    door: RestForge

    def branch(self, name: str, text: str) -> str:
        """A branch with one commit that writes a file; its tip."""
        git = ["git", "-C", str(self.forge.git)]
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.net"]

        def run(*words: str, given: str = "") -> str:
            return subprocess.run([*git, *words], input=given, capture_output=True, text=True, check=True).stdout.strip()

        blob = run("hash-object", "-w", "--stdin", given=text)
        tree = run("mktree", given=f"100644 blob {blob}\ta.yaml\n")
        base = subprocess.run([*git, "rev-parse", "-q", "--verify", "main"], capture_output=True, text=True, check=False).stdout
        parents = ["-p", base.strip()] if base.strip() else []
        tip = run(*who, "commit-tree", *parents, "-m", text, tree)
        run("update-ref", f"refs/heads/{name}", tip)
        return tip


@pytest.fixture(params=["forgejo", "gitea", "github"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "specs.git"], check=True)
    forge = FakeForge(request.param, tmp_path / "specs.git")
    door = RestForge(request.param, forge.url, REPOSITORY, lambda: forge.token)
    made = Bench(forge, door)
    made.branch("main", "first")
    yield made
    door.close_connections()
    forge.close()


def test_a_pull_request_from_its_opening_to_the_merge(bench: Bench) -> None:
    tip = bench.branch("homelab/brave-fox", "second")
    made = bench.door.open("homelab/brave-fox", "main", "Use the second", "because")
    assert (made.branch, made.tip, made.base, made.stage) == ("homelab/brave-fox", tip, "main", Stage.OPEN)
    assert (made.author, made.title, made.body) == (BOT, "Use the second", "because")
    assert bench.door.open("homelab/brave-fox", "main", "again", "") == made, "the open one when there is one already"
    assert bench.door.pulls("main") == (made,)
    assert bench.door.pulls("other") == ()
    commit = bench.forge.merge(made.number, "ada")
    found = bench.door.pull(made.number)
    assert found is not None
    assert (found.stage, found.merge, found.by) == (Stage.MERGED, commit, "ada")
    assert bench.door.pulls("main") == ()
    again = bench.door.find("homelab/brave-fox", "main")
    assert again is not None
    assert again.stage is Stage.MERGED
    bench.door.close(made.number)
    assert bench.door.pull(made.number) == found, "what is merged is not closed"


def test_a_new_push_is_another_tip(bench: Bench) -> None:
    bench.branch("change", "second")
    made = bench.door.open("change", "main", "t", "")
    newer = bench.branch("change", "third")
    assert [each.tip for each in bench.door.pulls("main")] == [newer]
    bench.door.close(made.number)
    closed = bench.door.pull(made.number)
    assert closed is not None
    assert closed.stage is Stage.CLOSED
    bench.branch("change", "fourth")
    assert bench.door.open("change", "main", "t", "").number != made.number, "a closed one is not opened again"


def test_one_comment_is_ours_and_changes(bench: Bench) -> None:
    bench.branch("change", "second")
    number = bench.door.open("change", "main", "t", "").number
    bench.forge.say(number, "mallory", "<!-- homelab plan -->\nI write as you do")
    bench.forge.most = 3
    for index in range(7):
        bench.forge.say(number, "ada", f"chat {index}")
    bench.door.comment(number, "homelab plan", "1 change")
    bench.door.comment(number, "homelab plan", "2 changes")
    before = len(bench.forge.calls)
    bench.door.comment(number, "homelab plan", "2 changes")
    assert not [call for call in bench.forge.calls[before:] if not call.startswith("GET")], "said already"
    ours = [each["body"] for each in bench.forge.comments[number] if each["user"]["login"] == BOT]
    assert ours == ["<!-- homelab plan -->\n2 changes"]
    assert bench.forge.comments[number][0]["body"].endswith("I write as you do"), "what another wrote stays"


def test_a_commit_is_told_how_its_plan_stands(bench: Bench) -> None:
    tip = bench.branch("change", "second")
    bench.door.check(tip, Check.FAILURE, "x" * 500, "https://page.example.net/proposals/brave-fox")
    said = bench.forge.statuses[tip][-1]
    assert (said["state"], said["context"], len(said["description"])) == ("failure", "homelab/plan", 140)
    with pytest.raises(Permanent, match="422"):
        bench.door.check("0" * 40, Check.SUCCESS, "no such commit")


def test_whose_commits_a_pull_request_holds(bench: Bench) -> None:
    bench.branch("change", "second")
    number = bench.door.open("change", "main", "t", "").number
    bench.forge.most = 2
    git = ["git", "-C", str(bench.forge.git)]
    tips = [subprocess.run([*git, "rev-parse", "change"], capture_output=True, text=True, check=True).stdout.strip()]
    for name in ("bo", "nobody", "github"):
        email = "noreply@github.com" if name == "github" else f"{name}@example.net"
        who = [
            f"GIT_COMMITTER_NAME={name}",
            f"GIT_COMMITTER_EMAIL={email}",
            "GIT_AUTHOR_NAME=Ada",
            "GIT_AUTHOR_EMAIL=ada@example.net",
        ]
        made = ["commit-tree", "-p", tips[-1], "-m", name, f"{tips[-1]}^{{tree}}"]
        tips.append(subprocess.run(["env", *who, *git, *made], capture_output=True, text=True, check=True).stdout.strip())
    subprocess.run([*git, "update-ref", "refs/heads/change", tips[-1]], check=True)
    found = {each.id: each for each in bench.door.commits(number)}
    assert set(found) == set(tips), "every page"
    web = ("ada",) if bench.forge.kind == "github" else ("ada", "")
    assert [found[tip].by for tip in tips] == [("ada",), ("ada", "bo"), ("ada", ""), web]
    assert (found[tips[1]].name, found[tips[1]].email) == ("Ada", "bo@example.net")


def test_what_is_from_a_fork_has_no_branch_of_ours(bench: Bench) -> None:
    bench.branch("change", "second")
    number = bench.forge.by_hand("change", "from outside", "mallory")
    bench.forge.pulls[number]["head"]["repo"] = {"full_name": "mallory/specs"}
    assert [each.branch for each in bench.door.pulls("main")] == [""]
    bench.forge.pulls[number]["head"]["repo"] = None
    assert [each.branch for each in bench.door.pulls("main")] == [""], "the fork was deleted"


def test_every_page_is_read(bench: Bench) -> None:
    bench.forge.most = 3
    for index in range(7):
        bench.branch(f"change-{index}", f"second {index}")
        bench.forge.by_hand(f"change-{index}", f"t {index}")
    assert len(bench.door.pulls("main")) == 7
    assert bench.door.find("change-0", "main") is not None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(500, Transient, id="it is ill"),
        pytest.param(502, Transient, id="a proxy"),
        pytest.param(429, Transient, id="too often"),
        pytest.param(403, Permanent, id="no right"),
    ],
)
def test_refusals(bench: Bench, status: int, error: type[Exception]) -> None:
    bench.forge.failing = status
    with pytest.raises(error, match=str(status)):
        bench.door.pulls("main")


def test_who_is_not_there_or_has_no_token(bench: Bench) -> None:
    bench.forge.token = "another"
    nobody = RestForge(bench.forge.kind, "http://127.0.0.1:9", REPOSITORY, lambda: "t")
    with pytest.raises(Transient, match="does not answer"):
        nobody.pulls("main")
    nobody.close_connections()

    def none() -> str:
        raise KeyError("forge/token")

    without = RestForge(bench.forge.kind, bench.forge.url, REPOSITORY, none)
    with pytest.raises(Transient, match="not in the vault"):
        without.pull(1)
    without.close_connections()
    wrong = RestForge(bench.forge.kind, bench.forge.url, REPOSITORY, lambda: "canary-token")
    with pytest.raises(Permanent, match="401") as refused:
        wrong.pull(1)
    assert "canary" not in str(refused.value)
    wrong.close_connections()


@pytest.mark.parametrize(
    ("kind", "repository"), [("svn", "a/b"), ("gitea", "a"), ("gitea", "a/b/c"), ("gitea", "../x"), ("gitea", "a/b?c")]
)
def test_what_is_no_forge(kind: str, repository: str) -> None:
    with pytest.raises(SettingsError):
        RestForge(kind, "https://forge.example.net", repository, lambda: "t")
