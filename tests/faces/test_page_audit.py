"""Actions and audit on the page: what waits, what failed, what is left alone, who did what; and what a form of it does."""

from __future__ import annotations

import pytest

from controller.core.decision import Approval, Quarantine, Suspension
from controller.usecases.access import Scope
from tests.faces.test_web_page import HOSTILE, Seen
from tests.support.webhouse import WebHouse

RULE = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [three]}, verdict: hold}]}\n"
THREE = "kind: Box\nname: three\nspec: {}\n"


def get(web: WebHouse, path: str = "/audit") -> Seen:
    answer = web.browser().get(path)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def commit(web: WebHouse, files: dict[str, str]) -> None:
    book = web.house.book
    book.write({**book.trees[book.tip].contents, **files})
    web.reconcile()


def test_a_calm_house_says_so(web: WebHouse) -> None:
    words = get(web).words()
    for expected in ("No rollout is held or denied.", "Failed and not tried again Nothing.", "Nothing that still counts."):
        assert expected in words, expected


def test_what_waits_and_what_was_said_is_told(web: WebHouse) -> None:
    commit(web, {"policy/house.yaml": RULE, "three.yaml": THREE})
    digest = next(status.rollout for status in web.house.reconciler.last.statuses if status.rollout)  # type: ignore[union-attr]
    assert f"Held {digest[:12]}" in get(web).words()
    assert web.browser().post("/plan/reject", data={"digest": digest, "reason": "not today"}).status_code == 303
    words = get(web).words()
    assert f"Rejected {digest[:12]}" in words
    assert "by owner: not today" in words
    view = web.client(web.token()).get("/api/v1/decisions").json()
    assert [item["digest"] for item in view["open"]] == [item["digest"] for item in view["said"]] == [digest]


def test_what_failed_is_tried_again_by_a_button(web: WebHouse) -> None:
    commit(web, {"one.yaml": "kind: Box\nname: one\nspec: {image: 'box:bad', timeout: 0.05}\n"})
    seen = get(web)
    assert "Failed box/one" in seen.words()
    target = next(str(about["value"]) for _, about in seen.elements if about.get("name") == "target")
    answer = web.browser().post("/audit/retry", data={"target": target})
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit?done=retried")
    assert not web.store.quarantined()
    assert web.kicks[-1] == "retry"
    assert web.browser().post("/audit/retry", data={"target": target}).status_code == 409


def test_what_is_left_alone_is_taken_up_again_by_a_button(web: WebHouse) -> None:
    browser = web.browser()
    assert browser.post("/resources/box/one/suspend", data={"reason": "the disk is full"}).status_code == 303
    words = get(web).words()
    assert "Suspended box/one" in words
    assert "by owner: the disk is full" in words
    answer = browser.post("/audit/resume", data={"key": "box/one"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit?done=resumed")
    assert not web.store.suspensions()
    assert "Resumed" in get(web, "/audit?done=resumed").words()


def test_the_trail_tells_what_was_tried_and_is_for_admins(web: WebHouse) -> None:
    commit(web, {"policy/house.yaml": RULE, "three.yaml": THREE})
    browser = web.browser()
    assert browser.post("/plan/approve", data={"digest": "0" * 64}).status_code == 409
    assert browser.post("/rollback", data={"plan": "0" * 64}).status_code == 409
    tried = [(row.action, row.outcome) for row in web.access.audit.list(10)]
    assert ("approve", "refused") in tried, "also where the page tells it itself"
    assert ("go-back", "refused") in tried
    assert "refused" in get(web).words()
    looks = web.client(web.token(Scope.READ))
    words = Seen(looks.get("/audit").text).words()
    assert "needs the right “admin”" in words
    assert "go-back" not in words


def test_the_trail_comes_in_pages(web: WebHouse) -> None:
    for number in range(120):
        web.access.audit.done(None, "192.0.2.1", f"tried-{number}", "", "ok")
    seen: list[str] = []
    path, pages = "/audit", 0
    while path:
        page = get(web, path)
        seen += [text for text in page.text if text.startswith("tried-")]
        links = [str(about["href"]) for tag, about in page.elements if tag == "a"]
        path = next((href for href in links if href.startswith("/audit?cursor=")), "")
        pages += 1
    assert len(seen) == len(set(seen)) == 120
    assert pages == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_in_it_becomes_markup(web: WebHouse, text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()

    def shape(note: str) -> list[tuple[str, list[str]]]:
        web.store.approve(Approval("a" * 64, True, note, 1.0, note))
        web.store.quarantine(Quarantine("b" * 64, {note: note}, note, note, note, 1.0))
        web.store.suspend(Suspension("box/one", note, 1.0, note))
        web.access.audit.done(None, note, note, note, note)
        shown = [(tag, sorted(about)) for tag, about in get(web).elements]
        web.store.absolve("b" * 64)
        # Signing in adds rows to the trail: their cells are left out.
        return [item for item in shown if item[0] not in ("tr", "td", "th", "time", "span", "code")]

    assert shape(clean) == shape("calm")
