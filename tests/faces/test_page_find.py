"""What a person can go to and do from anywhere, and the pass that they ask for."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from controller.usecases.access import Scope
from tests.faces.test_page_views import FORM, attributes, words
from tests.support.webhouse import WebHouse


def offered(answer: httpx2.Response) -> dict[str, str]:
    """The group of each offer, by its text."""
    assert answer.status_code == 200, answer.text
    return {about["data-offer"]: about["data-group"] for about in attributes(answer, "li") if "data-offer" in about}


def forms(answer: httpx2.Response) -> list[str]:
    return [about["action"] for about in attributes(answer, "form") if about.get("method") == "post"]


EVERYBODY = {"Overview", "History", "box/one", "box/two"}
DOING: dict[Scope, set[str]] = {
    Scope.READ: set(),
    Scope.PLAN: {"Plan", "Roll everything back…", "Roll back box/one…"},
    Scope.PROPOSE: {"Propose a change…", "Change box/one…"},
    Scope.APPLY: {"Look now", "Suspend box/one…", "Resume box/two", "Try again box/three"},
}


@pytest.fixture(scope="module")
def lived(still: WebHouse) -> WebHouse:
    """One box that waits for nothing, one that is suspended, one that failed."""
    still.house.commit({"one": {"size": 1}, "two": {"size": 2}, "three": {"image": "box:bad"}})
    still.reconcile()
    assert still.desk.sync is not None
    still.browser().post("/resources/box/two/suspend", data={"reason": "x"})
    still.reconcile()
    return still


@pytest.mark.parametrize("scope", DOING)
def test_everybody_is_offered_what_they_may(lived: WebHouse, scope: Scope) -> None:
    found = set(offered(lived.client(lived.token(scope)).get("/find?all=yes")))
    assert found >= EVERYBODY
    for other, texts in DOING.items():
        assert (texts & found) == (texts if other == scope else set()), other


def test_what_is_offered_is_there(lived: WebHouse) -> None:
    browser = lived.browser()
    page = browser.get("/find?all=yes")
    links = [about["href"] for about in attributes(page, "a") if about["href"].startswith("/")]
    for link in dict.fromkeys(link.partition("#")[0] for link in links):
        # What never had another version has no way back, and says so.
        answers = (200, 409) if link.endswith("/rollback") else (200,)
        assert browser.get(link).status_code in answers, link
    assert {"/look", "/resources/box/two/resume", "/resources/box/three/retry"} <= set(forms(page))


@pytest.mark.parametrize(
    ("query", "found"),
    [("TWO", {"box/two", "Resume box/two", "Change box/two…", "Roll back box/two…"}), ("resume two", {"Resume box/two"})],
)
def test_words_find_by_name(lived: WebHouse, query: str, found: set[str]) -> None:
    shown = offered(lived.browser().get("/find", params={"q": query}))
    assert {text for text in shown if not text.startswith("Run ")} == found


def test_what_grows_with_the_house_is_shown_when_it_is_asked_for(lived: WebHouse) -> None:
    groups = set(offered(lived.browser().get("/find")).values())
    assert {"View", "Do", "Run"} <= groups
    assert not groups & {"Resource", "Act"}


def test_what_is_not_there_is_not_found(lived: WebHouse) -> None:
    assert "Nothing is called that." in words(lived.browser().get("/find?q=nowhere"))


def test_what_only_looks_offers_only_looking(tmp_path_factory: pytest.TempPathFactory) -> None:
    web = WebHouse(tmp_path_factory.mktemp("follower"), writes=False)
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.start()
    try:
        browser = web.browser()
        assert (
            set(offered(browser.get("/find?all=yes"))) & {*DOING[Scope.APPLY], *DOING[Scope.PROPOSE], "Roll back box/one…"}
            == set()
        )
        assert "/look" not in forms(browser.get("/")) + forms(browser.get("/plan"))
    finally:
        web.end()


# Looking now


@pytest.mark.parametrize(("back", "there"), [("overview", "/"), ("plan", "/plan")])
def test_a_pass_is_asked_for_and_told(web: WebHouse, back: str, there: str) -> None:
    browser = web.browser()
    assert "/look" in forms(browser.get(there))
    answer = browser.post("/look", data={"back": back})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{there}?asked=")
    assert web.kicks == ["asked"]
    assert web.access.audit.list(1)[0].action == "sync"
    place = answer.headers["location"]
    assert "A pass was asked for." in words(browser.get(place))
    web.reconcile()
    told = words(browser.get(place))
    assert "A pass was asked for." not in told
    assert "everything is as git wants it" in told
    web.house.world.cut("local")
    web.reconcile()
    assert "No answer from local" in words(browser.get(place))


def test_who_may_not_apply_cannot_ask_for_a_pass(still: WebHouse) -> None:
    looking = still.client(still.token(Scope.PLAN))
    assert "/look" not in forms(looking.get("/")) + forms(looking.get("/plan"))
    assert looking.post("/look", data={"back": "overview"}).status_code == 403


@pytest.mark.parametrize("asked", ["x", "-1", "inf", "nan", "1e999"])
def test_a_moment_that_is_none_is_refused(still: WebHouse, asked: str) -> None:
    assert still.browser().get("/", params={"asked": asked}).status_code == 422


def test_what_failed_is_tried_again_from_its_own_page(web: WebHouse) -> None:
    web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    web.reconcile()
    browser = web.browser()
    assert "/resources/box/one/retry" in forms(browser.get("/resources/box/one"))
    assert "/resources/box/one/retry" in forms(browser.get("/plan/now"))
    assert "/resources/box/one/retry" not in forms(web.client(web.token(Scope.PLAN)).get("/plan/now"))
    answer = browser.post("/resources/box/one/retry", content=b"", headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/resources/box/one?done=retried")
    assert web.kicks == ["retry"]
    page: Any = browser.get(answer.headers["location"])
    assert "tried again in the next pass" in words(page)
    assert "/resources/box/one/retry" not in forms(page)
    assert "nothing is quarantined" in words(browser.post("/resources/box/one/retry", content=b"", headers=FORM), 409)
