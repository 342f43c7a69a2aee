"""Proposals on a real repository and the simulated world: opened, shown, decided about, and recognised when git decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.edit import AddDocument, RemoveDocument, SetValue
from controller.core.errors import Refused, SourceError
from controller.core.key import Key
from controller.core.proposal import Author, AuthorKind, NoProposal, Proposal, Stale, Standing
from controller.source import FolderSource
from controller.usecases.proposal_effects import Effects
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change
from tests.contract.source_repository import Repository
from tests.support.house import box
from tests.support.proposing import ADA, BO, CI, JARVIS, ProposingHouse, ShiftedClock, proposing

NO_SECOND = '{"kind": "Policy", "name": "mine", "spec": {"proposals": {"second": []}}}'
NO_DELETION = '{"kind": "Policy", "name": "brake", "spec": {"deletions": {"count": 0}, "proposals": {"second": ["deletions"]}}}'
LOOSE = b'{"kind": "Policy", "name": "brake", "spec": {"deletions": {"count": 100, "share": 1}, "proposals": {"second": []}}}'
FAMILY = b"""{"kind": "Homelab", "name": "home", "spec": {"signIn": {"oidc": {
    "issuer": "https://id.example.org", "clientId": "homelab", "scopes": {"family": ["admin"]}}}}}
"""
OWN_DENIED = '{"kind": "Policy", "name": "mine", "spec": {"proposals": {"own": "deny", "expires": 2}}}'


def test_a_proposal_is_shown_with_what_it_would_do_then_merged_and_applied(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    before = house.work.git("rev-parse", "main")
    shown = house.open(web={"image": "web:2"}, cache={"image": "cache:1"})
    line = shown.proposal
    assert (line.id, line.standing, line.author, line.branch, line.base) == ("p1", "open", "Bo", "homelab/p1", before)
    assert [(c.key, c.action) for r in shown.rollouts for c in r.changes] == [("box/cache", "create"), ("box/web", "replace")]
    fields = [(f.path, f.old, f.new) for r in shown.rollouts for c in r.changes for f in c.fields]
    assert ("image", "web:1", "web:2") in fields
    assert [(file.path, file.change) for file in shown.files] == [("cache.yaml", "added"), ("web.yaml", "changed")]
    assert '-{"kind": "Box", "name": "web", "spec": {"image": "web:1"}}' in shown.patch
    assert (shown.problem, shown.objection, shown.reversal, shown.head) == ("", "", "exact", before)
    assert house.boxes() == {"web": ("web:1", 1, "running")}, "showing it touches nothing"
    assert house.work.git("rev-parse", "main") == before
    assert house.propose.show("p1", ADA) == shown, "the same as long as nothing moves"
    merged = house.approve(shown)
    assert (merged.proposal.standing, merged.revision) == ("merged", house.work.git("rev-parse", "main"))
    message = house.work.git("log", "-1", "--format=%an%n%B")
    assert message.startswith("Ada\nMerge proposal p1: Two\n\nBecause\n\nProposed-by: Bo (person)\nApproved-by: Ada (person)")
    assert house.work.status() == "", "the work tree follows"
    house.reconcile()
    assert house.boxes() == {"web": ("web:2", 1, "running"), "cache": ("cache:1", 1, "running")}
    assert house.work.git("branch", "--list", "homelab/*") == ""
    ended = house.propose.show("p1")
    assert (ended.proposal.standing, ended.proposal.merged) == ("merged", merged.revision)
    assert [file.path for file in ended.files] == ["cache.yaml", "web.yaml"], "its difference stays to be seen"
    assert [event.reason for event in house.store.events(limit=500) if event.reason.startswith("Proposal")] == [
        "ProposalOpened",
        "ProposalApproved",
    ]


def test_a_change_of_fields_leaves_the_rest_of_the_file_alone(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    text = "# mine\nkind: Box\nname: shelf\nspec:\n  image: shelf:1  # pinned\n  size: 3\n---\n"
    text += "kind: Box\nname: tray\nspec: {image: 'tray:1'}\n"
    house.work.commit({"both.yaml": text})
    house.reconcile()
    grow, tray = SetValue(Key("box", "shelf"), ("spec", "size"), 4), RemoveDocument(Key("box", "tray"))
    new = AddDocument("new.yaml", {"kind": "Box", "name": "new"})
    shown = house.propose.open("Grow", "", BO, Change(edits=[grow, new, tray]))
    files = house.source.read(shown.proposal.tip)
    assert (files.read("both.yaml") or b"").decode() == text.replace("size: 3", "size: 4").partition("---")[0]
    assert sorted(f"{c.action} {c.key}" for r in shown.rollouts for c in r.changes) == [
        "create box/new",
        "delete box/tray",
        "update box/shelf",
    ]
    with pytest.raises(Refused, match="box/gone is written in no file"):
        house.propose.open("Grow", "", BO, Change(edits=[SetValue(Key("box", "gone"), ("spec",), {})]))


def test_held_rollouts_get_their_word_with_the_merge(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, one={}, two={}, three={})
    house.work.commit({"policy/mine.yaml": NO_SECOND})
    house.reconcile()
    shown = house.open(one=None, two=None)
    assert {(r.verdict, r.concerns) for r in shown.rollouts} == {("hold", ("deletions",))}
    merged = house.approve(shown)
    assert set(merged.digests) == set(shown.digests)
    assert set(house.store.approvals()) == set(shown.digests)
    house.reconcile()
    assert set(house.boxes()) == {"web", "three"}


def test_what_is_not_valid_is_kept_with_its_findings_and_can_be_mended(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open({"web.yaml": b'{"kind": "Box", "name": "web",\n "spec": {"image": "web:2", "sise": 2}}\n'})
    assert shown.proposal.standing == "open"
    assert [(d.file, d.line, d.column) for d in shown.diagnostics] == [("web.yaml", 2, 29)]
    assert shown.problem.startswith("it is not valid: web.yaml:2:29:")
    with pytest.raises(Refused, match="cannot be approved: it is not valid"):
        house.approve(shown)
    mended = house.propose.revise("p1", "Spelling", BO, Change({"web.yaml": f"{box('web', {'image': 'web:2'})}\n".encode()}))
    assert (mended.problem, mended.proposal.standing) == ("", "open")
    assert mended.proposal.tip != shown.proposal.tip
    with pytest.raises(Stale, match="it was revised since"):
        house.approve(shown, digests=mended.digests)
    house.approve(mended)
    house.reconcile()
    assert house.boxes()["web"][0] == "web:2"


@pytest.mark.parametrize("mover", ["world", "specification", "policy", "proposal"])
def test_a31_what_moved_since_it_was_shown_is_not_approved(tmp_path: Path, mover: str) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:2"})
    before = house.work.git("rev-parse", "main")
    if mover == "world":
        house.world.edit("box", "local", "web", size=7)
    elif mover == "specification":
        before = house.put(web={"image": "web:1", "size": 2})
    elif mover == "policy":
        before = house.work.commit({"policy/mine.yaml": '{"kind": "Policy", "name": "m", "spec": {"deletions": {"count": 1}}}'})
    else:
        house.propose.revise("p1", "", JARVIS, Change({"web.yaml": f"{box('web', {'image': 'web:3'})}\n".encode()}))
    with pytest.raises((Stale, Refused), match=r"not what was shown|conflicts with"):
        house.approve(shown)
    assert house.work.git("rev-parse", "main") == before
    assert house.store.approvals() == {}
    assert house.propose.show("p1").proposal.standing == "open"


def test_what_is_said_during_the_look_of_an_approval_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, looks = proposing(tmp_path), list[str]()
    shown, other = house.open(web={"image": "web:2"}), house.open(web={"image": "web:3"})
    look = Propose.effects

    def meanwhile(propose: Propose, proposal: Proposal) -> Effects:
        looks.append(proposal.id)
        if proposal.id == shown.proposal.id:
            house.shelf.put(replace(house.shelf.get(proposal.id), link="https://forge.example/pulls/1"))
        else:
            house.review.request_changes(proposal.id, JARVIS, "not yet")
        return look(propose, proposal)

    monkeypatch.setattr(Propose, "effects", meanwhile)
    with pytest.raises(Refused, match="jarvis asked for changes first"):
        house.approve(other)
    assert house.approve(shown).proposal.link == "https://forge.example/pulls/1"
    assert looks == ["p2", "p1"], "each is looked at once"


def test_somebody_who_was_faster_with_something_else_is_merged_with(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:2"})
    other = house.work.commit({"README.md": "# Our home\n"})
    merged = house.approve(shown)
    assert house.work.git("rev-parse", f"{merged.revision}^1") == other
    assert house.work.read("README.md") == "# Our home\n"


def test_a_conflict_is_told_and_a_revision_ends_it(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.open(web={"image": "web:2"})
    house.put(web={"image": "web:3"})
    shown = house.propose.show("p1", ADA)
    assert shown.conflicts == ("web.yaml",)
    assert "conflicts with" in shown.problem
    with pytest.raises(Refused, match="conflicts with"):
        house.approve(shown)


def test_words_about_it(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:2"})
    with pytest.raises(Refused, match="say what has to change"):
        house.review.request_changes("p1", ADA, " ")
    line = house.review.request_changes("p1", ADA, "Pin the digest")
    assert (line.standing, line.reviews[0].word, line.reviews[0].by) == ("changes-requested", "request-changes", "Ada")
    with pytest.raises(Refused, match="Ada asked for changes first"):
        house.approve(shown, Author("Cy"))
    revised = house.propose.revise("p1", "Pinned", BO, Change({"web.yaml": f"{box('web', {'image': 'web:2b'})}\n".encode()}))
    assert revised.proposal.standing == "open"
    line = house.review.reject("p1", ADA, "Not on a weekend")
    assert (line.standing, line.reviews[-1].reason) == ("rejected", "Not on a weekend")
    assert house.work.git("branch", "--list", "homelab/*") == ""
    for word in (lambda: house.approve(revised), lambda: house.review.reject("p1", ADA)):
        with pytest.raises(Refused, match="proposal p1 is rejected"):
            word()
    with pytest.raises(Refused, match="is rejected"):
        house.propose.revise("p1", "", BO, Change({"web.yaml": None}))
    with pytest.raises(NoProposal, match="no proposal 'p9'"):
        house.propose.show("p9")
    assert house.propose.list() == ()
    assert [item.id for item in house.propose.list(tuple(Standing))] == ["p1"]


def test_nobody_approves_their_own_where_the_rules_say_so(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.work.commit({"policy/mine.yaml": OWN_DENIED})
    house.reconcile()
    shown = house.open(web={"image": "web:2"})
    assert house.propose.show("p1", BO).objection.startswith("it is Bo's own, and the rules want somebody else's word")
    for same in (BO, Author("bo"), Author("Bo", AuthorKind.TOKEN)):
        with pytest.raises(Refused, match="own, and the rules want somebody else's word"):
            house.approve(shown, same)
    assert house.approve(shown, ADA).proposal.standing == "merged"


def test_what_destroys_takes_a_second_person(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, one={}, two={}, three={})
    shown = house.open(one=None, two=None)
    for other, why in ((BO, "a second person"), (CI, "ci is a token"), (JARVIS, "people decide"), (Author(""), "second person")):
        assert why in house.propose.show("p1", other).objection
        with pytest.raises(Refused, match=why):
            house.approve(shown, other)
    assert house.propose.show("p1", ADA).objection == ""
    house.propose.revise("p1", "Mine too", ADA, Change({"README.md": b"# Ours\n"}))
    shown = house.propose.show("p1", ADA)
    assert "a second person (deletions)" in shown.objection, "who changed it is an author too"
    assert house.approve(shown, Author("Cy")).proposal.standing == "merged"


@pytest.mark.parametrize("edits", [{}, {"policy/brake.yaml": LOOSE}, {"policy/brake.yaml": None}])
def test_a_proposal_does_not_loosen_the_brake_that_calls_for_a_second_person(
    tmp_path: Path, edits: dict[str, bytes | None]
) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, one={}, two={}, three={})
    house.work.commit({"policy/brake.yaml": NO_DELETION})
    house.reconcile()
    shown = house.open(edits, web=None)
    assert [(r.verdict, r.concerns) for r in shown.rollouts] == [("allow" if edits else "hold", ("deletions",))]
    assert shown.concerns == (("deletions", "rules") if edits else ("deletions",))
    with pytest.raises(Refused, match=r"a second person \(deletions\)"):
        house.approve(shown, BO, trusted=True)
    house.approve(shown, ADA, trusted=True)
    house.reconcile()
    assert set(house.boxes()) == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("path", "content"),
    [("policy/mine.yaml", NO_SECOND.encode()), ("homelab.yaml", FAMILY), ("actions/a.txt", b"a"), ("users/a.txt", b"a")],
)
def test_what_may_be_done_here_takes_a_second_person_who_may_everything(tmp_path: Path, path: str, content: bytes) -> None:
    house = proposing(tmp_path)
    shown = house.open({path: content})
    assert (shown.concerns, shown.rollouts) == (("rules",), ())
    for by, trusted, why in (
        (BO, True, r"a second person \(rules\)"),
        (ADA, False, "takes the scope admin: Ada does not have it"),
        (CI, True, "ci is a token"),
    ):
        with pytest.raises(Refused, match=why):
            house.approve(shown, by, trusted=trusted)
        assert house.propose.show("p1", by, trusted=trusted).objection != ""
    assert house.propose.show("p1", ADA, trusted=True).objection == ""
    assert house.approve(shown, ADA, trusted=True).proposal.standing == "merged"


def test_who_lives_alone_says_so_in_git_first(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.work.commit({"policy/mine.yaml": NO_SECOND})
    house.reconcile()
    shown = house.open({"policy/mine.yaml": OWN_DENIED.encode()})
    with pytest.raises(Refused, match="takes the scope admin: Bo does not have it"):
        house.approve(shown, BO)
    assert house.approve(shown, BO, trusted=True).proposal.standing == "merged"


def test_of_an_assistant_any_person_is_the_second(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, one={}, two={}, three={})
    shown = house.open(one=None, two=None, author=JARVIS)
    assert house.approve(shown, BO).proposal.standing == "merged"


@pytest.mark.parametrize(
    "path", ["policy/mine.yaml", "homelab.yaml", "HOMELAB.yaml", "actions/a.yaml", "users.yaml", "Policy/x.yaml"]
)
def test_protected_paths_are_for_people(tmp_path: Path, path: str) -> None:
    house = proposing(tmp_path)
    change = Change({path: b"# nothing\n"})
    for author, trusted in ((JARVIS, False), (JARVIS, True), (CI, False)):
        with pytest.raises(Refused, match=f"{path} says what may be done here"):
            house.propose.open("Mine", "", author, change, trusted=trusted)
    assert house.work.git("branch", "--list", "homelab/*") == ""
    assert house.propose.open("Mine", "", CI, change, trusted=True).proposal.id == "p1"
    assert house.propose.open("Mine", "", BO, change).proposal.id == "p2"


def test_limits(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    one = Change({"a.txt": b"a"})
    for title in ("", " ", "x" * 121, "a\nb", "a\u202eb", "\x1b[31m"):
        with pytest.raises(Refused, match="needs a title"):
            house.propose.open(title, "", BO, one)
    for reason in ("x" * 4001, "a\x1b[31m", "\u202e"):
        with pytest.raises(Refused, match="the reason of a proposal"):
            house.propose.open("Two", reason, BO, one)
    with pytest.raises(Refused, match="at most 50 files; this one changes 51"):
        house.propose.open("Two", "", BO, Change({f"{n}.txt": b"x" for n in range(51)}))
    with pytest.raises(Refused, match="at most 1 MiB"):
        house.propose.open("Two", "", BO, Change({f"{n}.txt": b"x" * (1 << 18) for n in range(5)}))
    with pytest.raises(Refused, match="nothing is changed"):
        house.propose.open("Two", "", BO, Change({"README.md": b"# Home\n"}))
    with pytest.raises(Refused, match="nothing is changed"):
        house.propose.open("Two", "", BO, Change({}))
    with pytest.raises(Refused, match="either files or edits"):
        house.propose.open("Two", "", BO, Change({}, [RemoveDocument(Key("box", "web"))]))
    for path in ("../out.yaml", ".git/hooks/post-commit", "a/../b.yaml", "/etc/x"):
        with pytest.raises(SourceError, match="cannot be written"):
            house.propose.open("Two", "", BO, Change({path: b"x"}))
    assert house.propose.list() == ()
    assert house.work.git("branch", "--list", "homelab/*") == ""


def test_one_that_nobody_decides_about_ends(tmp_path: Path) -> None:
    clock = ShiftedClock()
    house = proposing(tmp_path, clock=clock)
    house.work.commit({"policy/mine.yaml": OWN_DENIED})
    house.reconcile()
    shown = house.open(web={"image": "web:2"})
    assert shown.proposal.expires - shown.proposal.created == 2 * 86_400
    clock.ahead = 2 * 86_400.0
    assert house.propose.list() == ()
    assert [item.standing for item in house.propose.list([Standing.EXPIRED])] == ["expired"], "also before it was written down"
    with pytest.raises(Refused, match="proposal p1 is expired"):
        house.approve(shown)
    assert house.work.git("branch", "--list", "homelab/*") != ""
    assert not house.review.tend()
    assert house.propose.show("p1").proposal.note == "nobody decided in time"
    assert house.work.git("branch", "--list", "homelab/*") == ""


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_what_somebody_merges_in_git_is_recognised(tmp_path: Path, how: str) -> None:
    house = proposing(tmp_path)
    house.open(web={"image": "web:2"})
    house.work.commit({"README.md": "# Ours\n"})
    if how == "merge":
        house.work.git("merge", "--quiet", "--no-ff", "-m", "Mine", "homelab/p1")
    else:
        house.work.git("merge", "--quiet", "--squash", "homelab/p1")
        house.work.git("commit", "--quiet", "-m", "Mine")
    house.follow()
    line = house.propose.show("p1").proposal
    assert (line.standing, line.note, line.merged) == ("merged", "merged in git", house.work.git("rev-parse", "main"))
    assert house.boxes()["web"][0] == "web:2"
    assert house.work.git("branch", "--list", "homelab/*") == ""


def test_a_branch_that_somebody_pushes_to_is_revised_and_one_that_is_removed_ends(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:2"})
    house.open(web={"image": "web:5"}, title="Five")
    house.work.git("checkout", "--quiet", "homelab/p1")
    pushed = house.work.commit({"web.yaml": f"{box('web', {'image': 'web:3'})}\n"}, author="Cy")
    house.work.git("checkout", "--quiet", "main")
    assert house.propose.show("p1").proposal.tip == pushed
    with pytest.raises(Stale, match="it was revised since"):
        house.approve(shown)
    house.review.tend()
    assert house.propose.show("p1").proposal.revisers == ("Cy",)
    house.work.git("branch", "-D", "homelab/p2")
    assert house.propose.show("p2").problem == "its branch homelab/p2 is gone"
    house.review.tend()
    assert house.propose.show("p2").proposal.note == "its branch was removed"


@pytest.mark.parametrize(("second", "own"), [('["deletions"]', "allow"), ("[]", "deny"), ("[]", "allow")])
def test_a_name_in_a_commit_makes_nobody_a_second_person(tmp_path: Path, second: str, own: str) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, db={"image": "db:1"})
    rules = f'"deletions": {{"count": 0}}, "proposals": {{"second": {second}, "own": "{own}"}}'
    rules = f'{{"kind": "Policy", "name": "mine", "spec": {{{rules}}}}}'
    house.work.commit({"policy/mine.yaml": rules})
    house.reconcile()
    house.open(web=None, author=ADA)
    house.work.git("checkout", "--quiet", "homelab/p1")
    pushed = house.work.commit({"README.md": "and more\n"}, author="Ada")  # by Bo, who borrows a name
    house.work.git("checkout", "--quiet", "main")
    shown = house.propose.show("p1", BO)
    assert (shown.proposal.tip, shown.concerns) == (pushed, ("deletions",))
    if (second, own) == ("[]", "allow"):
        assert house.approve(shown, by=BO).proposal.standing == "merged"
        return
    assert f"commit {pushed[:10]} was pushed to its branch" in shown.objection
    for more in ("one", "two"):
        with pytest.raises(Refused, match="so it may be anybody's own"):
            house.approve(shown, by=BO)
        house.propose.revise("p1", "Nothing of it", ADA, Change({f"{more}.yaml": f"{box(more, {})}\n".encode()}))
        shown = house.propose.show("p1", BO)


def test_a_plain_folder_has_no_proposals(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(box("web", {}))
    house = ProposingHouse(Repository(tmp_path / "unused"), FolderSource(tmp_path))
    with pytest.raises(Refused, match=r"a plain folder has no branches.*git init"):
        house.open(web={"image": "web:2"})


def test_a_change_that_is_refused_by_the_rules_is_not_approved(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    shown = house.open(web={"image": "web:1", "risky": True, "size": 2})
    assert shown.concerns == ("privileged",)
    assert "is denied by privileged" in shown.problem
    with pytest.raises(Refused, match="an approval cannot lift that"):
        house.approve(shown)
