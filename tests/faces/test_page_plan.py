"""The plan on the page: every verdict and state of it, decisions about exactly what was shown, nothing hostile in it."""

from __future__ import annotations

import re

import pytest

from controller.core.limit import YES, Ask
from controller.usecases.access import Scope
from tests.faces.test_web_page import HOSTILE, Seen
from tests.support.webhouse import WebHouse

RULE = (
    "kind: Policy\nname: house\nspec: {rules: [{name: family, match: {names: [three]}, verdict: VERDICT, reason: they watch}]}\n"
)
THREE = "kind: Box\nname: three\nspec: {image: 'box:3', environment: {TZ: Europe/Berlin}}\n"


def commit(web: WebHouse, files: dict[str, str]) -> None:
    """One more revision, on top of what is there."""
    book = web.house.book
    book.write({**book.trees[book.tip].contents, **files})


def held(web: WebHouse, verdict: str = "hold") -> None:
    commit(web, {"policy/house.yaml": RULE.replace("VERDICT", verdict), "three.yaml": THREE})
    web.reconcile()


def plan(web: WebHouse, path: str = "/page/plan") -> Seen:
    answer = web.browser().get(path)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def digest_of(seen: Seen) -> str:
    return next(str(about["value"]) for tag, about in seen.elements if tag == "input" and about.get("name") == "digest")


def test_the_page_is_there_at_once_and_the_plan_comes_by_itself(web: WebHouse) -> None:
    web.house.world.cut("local")
    seen = plan(web, "/plan")
    assert "Looking at every backend." in seen.words()
    assert ("div", "/page/plan") in [(tag, about.get("data-part")) for tag, about in seen.elements]
    assert any(tag == "a" and about.get("href") == "/plan/now" for tag, about in seen.elements), "for who has no script"
    assert "local does not answer" in plan(web).words()
    assert "Not everything could be looked at." in plan(web).words()


def test_nothing_to_do_is_told(web: WebHouse) -> None:
    shown = plan(web).words()
    assert "Nothing to do" in shown
    assert "The world is as git wants it." in shown


def test_a_held_rollout_tells_all_that_a_decision_needs(web: WebHouse) -> None:
    held(web)
    commit(web, {"one.yaml": "kind: Box\nname: one\nspec: {size: 5}\n"})
    shown = plan(web).words()
    for words in (
        "1 to create",
        "1 to update",
        "Held",
        "family: they watch",
        "Nobody need approve it",
        "can be undone exactly",
        "create box/three",
        "update box/one",
        "was 1",
        "becomes 5",
        "TZ: Europe/Berlin",
    ):
        assert words in re.sub(r"[−+]\s", "", shown), words


def test_what_replaces_says_that_it_is_away(web: WebHouse) -> None:
    commit(web, {"one.yaml": "kind: Box\nname: one\nspec: {image: 'box:2'}\n"})
    assert "is away for a moment" in plan(web).words()


@pytest.mark.parametrize(("word", "said"), [("approve", "Approved"), ("reject", "Rejected")])
def test_a_word_counts_for_exactly_what_was_shown(web: WebHouse, word: str, said: str) -> None:
    held(web)
    browser = web.browser()
    digest = digest_of(plan(web))
    answer = browser.post(f"/plan/{word}", data={"digest": digest, "reason": "looks right"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/plan?done={said.lower()}")
    assert said in Seen(browser.get(answer.headers["location"]).text).words()
    approval = web.store.approvals()[digest]
    assert (approval.approved, approval.reason) == (word == "approve", "looks right")
    assert web.kicks[-1:] == ["approval" if word == "approve" else "rejection"]


def test_what_moved_since_is_refused_and_shown_anew(web: WebHouse) -> None:
    held(web)
    digest = digest_of(plan(web))
    commit(web, {"three.yaml": THREE.replace("box:3", "box:4")})
    answer = web.browser().post("/plan/approve", data={"digest": digest, "reason": ""})
    assert answer.status_code == 409
    seen = Seen(answer.text)
    assert "Nothing was decided" in seen.words()
    assert "moved since it was shown" in seen.words()
    assert any(about.get("data-part") == "/page/plan" for _, about in seen.elements), "the new plan comes"
    assert digest not in web.store.approvals()
    assert digest_of(plan(web)) != digest


def test_no_form_can_lift_what_is_denied_or_done_by_hand(web: WebHouse) -> None:
    held(web, "deny")
    seen = plan(web)
    assert "No approval lifts this" in seen.words()
    assert not any(tag == "form" for tag, _ in seen.elements)
    web.house.world.limit = lambda change: Ask("enter it at the provider") if change.key.name == "three" else YES
    commit(web, {"policy/house.yaml": "kind: Policy\nname: house\nspec: {rules: []}\n"})
    seen = plan(web)
    assert "enter it at the provider" in seen.words()
    assert "Do this by hand" in seen.words()
    assert not any(tag == "form" for tag, _ in seen.elements)


def test_who_may_not_decide_is_told_so(web: WebHouse) -> None:
    held(web)
    looks = web.client(web.token(Scope.READ, Scope.PLAN))
    seen = Seen(looks.get("/page/plan").text)
    assert "Deciding needs the right “approve”" in seen.words()
    assert not any(tag == "form" for tag, _ in seen.elements)
    assert web.client(web.token(Scope.READ)).get("/plan").status_code == 403


def test_findings_and_notes_are_told(web: WebHouse) -> None:
    commit(web, {"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    shown = plan(web).words()
    assert "one.yaml:3:8" in shown
    assert "did you mean" in shown
    assert "is not valid; the last good revision stays live" in shown
    commit(web, {"one.yaml": "kind: Box\nname: one\nsuspend: true\nspec: {size: 7}\n"})
    shown = plan(web, "/plan/now").words()
    assert "Left alone" in shown
    assert "Suspended" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_in_a_plan_becomes_markup(web: WebHouse, text: str) -> None:
    import json

    clean = text.encode("utf-8", "replace").decode().replace("\x00", "")

    def shape(note: str) -> list[tuple[str, list[str]]]:
        spec = {"image": f"box:{note}", "environment": {"NOTE": note}}
        commit(web, {"three.yaml": f"kind: Box\nname: three\nspec: {json.dumps(spec)}\n"})
        return [(tag, sorted(about)) for tag, about in plan(web).elements]

    assert shape(clean) == shape("calm")
