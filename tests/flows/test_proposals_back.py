"""After an automatic rollback a proposal waits that takes git back too, for as long as git wants what failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.errors import Refused
from controller.core.proposal import Author, Standing
from controller.usecases.propose import MOST_PENDING
from tests.support.house import box
from tests.support.proposing import ADA, ProposingHouse, proposing


def waiting(house: ProposingHouse) -> list[str]:
    return [f"{item.id} {item.author_kind} {item.title}" for item in house.propose.list()]


def test_a_commit_that_failed_is_taken_back_by_a_proposal(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1"}, other={})
    bad = house.put(web={"image": "web:bad"}, extra={})
    house.follow()
    assert house.boxes()["web"] == ("web:1", 1, "running"), "rolled back by itself"
    assert waiting(house) == ["p1 controller Take back box/web"]
    shown = house.propose.show("p1", ADA)
    assert shown.proposal.reason.startswith(f"box/web failed in {bad[:10]} and was rolled back:")
    assert [(file.path, file.change) for file in shown.files] == [("web.yaml", "changed")], "what went well stays"
    assert (shown.problem, shown.objection, shown.rollouts) == ("", "", ()), "the world is so already"
    house.follow()
    assert waiting(house) == ["p1 controller Take back box/web"], "one for each failure"
    house.approve(shown)
    house.follow()
    assert house.work.read("web.yaml") == f"{box('web', {'image': 'web:1'})}\n"
    assert house.plan() == ""
    assert waiting(house) == []
    assert house.propose.show("p1").proposal.standing == "merged"


def test_a_full_shelf_keeps_out_people_and_not_what_takes_a_failure_back(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    one = house.open(web={"image": "web:2"}).proposal
    for number in range(MOST_PENDING - 1):
        house.shelf.put(replace(house.shelf.get(one.id), id=f"full{number}"))
    with pytest.raises(Refused, match="100 proposals wait already: decide about some of them first"):
        house.open(web={"image": "web:3"})
    house.review.reject(one.id, ADA)
    assert house.open(web={"image": "web:3"}).proposal.id == "p2"
    house.put(web={"image": "web:bad"})
    house.reconcile()
    house.reverting.tend()
    assert waiting(house)[0] == "p3 controller Take back box/web"


def test_a_repository_that_does_not_take_it_now_is_asked_again(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(web={"image": "web:bad"})
    house.reconcile()
    heads = house.work.folder / ".git/refs/heads"
    (heads / "homelab").write_text("")  # no folder for its branches can be made
    house.reverting.tend()
    assert waiting(house) == []
    (heads / "homelab").unlink()
    house.reverting.tend()
    assert [each.split()[1:] for each in waiting(house)] == [["controller", "Take", "back", "box/web"]]


def test_what_was_never_there_before_goes_again(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(fresh={"image": "fresh:bad"})
    house.follow()
    shown = house.propose.show("p1", ADA)
    assert [(file.path, file.change) for file in shown.files] == [("fresh.yaml", "removed")]
    assert shown.problem == ""
    house.approve(shown)
    house.follow()
    assert not (house.work.folder / "fresh.yaml").exists()
    assert house.plan() == ""


def test_two_bad_commits_at_once_go_back_to_what_was_applied(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(web={"image": "web:bad"})
    house.put(web={"image": "web:bad2", "size": 2})
    house.follow()
    house.approve(house.propose.show("p1"))
    assert house.work.read("web.yaml") == f"{box('web', {'image': 'web:1'})}\n"


def test_it_is_withdrawn_when_git_is_mended(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(web={"image": "web:bad"})
    house.follow()
    assert waiting(house) == ["p1 controller Take back box/web"]
    house.put(web={"image": "web:2"})
    house.follow()
    assert house.boxes()["web"][0] == "web:2"
    assert waiting(house) == []
    line = house.propose.show("p1").proposal
    assert (line.standing, line.note) == ("expired", "git no longer holds what failed")
    assert house.work.git("branch", "--list", "homelab/*") == ""


def test_one_that_was_rejected_does_not_come_again(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(web={"image": "web:bad"})
    house.follow()
    house.review.reject("p1", ADA, "I mend it myself")
    house.follow()
    house.work.commit({"README.md": "# Ours\n"})
    house.follow()
    assert waiting(house) == []
    assert [item.id for item in house.propose.list(tuple(Standing))] == ["p1"]


def test_a_new_failure_is_a_new_proposal(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.put(web={"image": "web:bad"})
    house.follow()
    house.put(web={"image": "web:bad", "size": 3})
    house.follow()
    assert waiting(house) == ["p2 controller Take back box/web"]
    assert house.propose.show("p1").proposal.standing == "expired"


def test_a_merged_proposal_that_failed_is_taken_back_too(tmp_path: Path) -> None:
    house = proposing(tmp_path)
    house.approve(house.open(web={"image": "web:bad"}))
    house.follow()
    assert waiting(house) == ["p2 controller Take back box/web"]
    house.approve(house.propose.show("p2"), Author("Cy"))
    house.follow()
    assert house.work.git("log", "--format=%s", "-1") == "Merge proposal p2: Take back box/web"
    assert house.plan() == ""


def test_a_file_that_went_with_it_comes_back(tmp_path: Path) -> None:
    house = proposing(tmp_path, web={"image": "web:1", "uses": ["box/base"]}, base={"port": 80}, more={})
    house.put(web={"image": "web:bad", "uses": ["box/next"]}, next={"port": 80}, base=None)
    house.follow()
    assert house.boxes()["web"][0] == "web:1"
    shown = house.propose.show("p1")
    assert {file.path: file.change for file in shown.files} == {
        "base.yaml": "added",
        "next.yaml": "removed",
        "web.yaml": "changed",
    }
    house.approve(shown)
    house.follow()
    assert house.plan() == ""
