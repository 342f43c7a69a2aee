"""Where a browser is told that nothing is there, or that it may not go there: a page, with nothing of what was sent."""

from __future__ import annotations

import pytest

from controller.usecases.access import Scope
from controller.web.views.near import alike
from tests.faces.test_page_views import attributes, words
from tests.support.webhouse import WebHouse

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGE, PROBLEM = "text/html; charset=utf-8", "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "says", "meant"),
    [
        ("GET", "/nothing", 404, "There is nothing here", []),
        ("GET", "/plam", 404, "Did you mean Plan ?", ["/plan"]),
        ("GET", "/box/onee", 404, "Did you mean box/one ?", ["/resources/box/one"]),
        ("GET", "/resources/box/twoo", 404, "Did you mean box/two ?", ["/resources/box/two"]),
        ("GET", "/resources/bax/two", 404, "Did you mean box/two ?", ["/resources/box/two"]),
        ("GET", "/history/2020", 404, "there is no run", []),
        ("GET", "/look", 405, "where a form of the page goes", []),
        ("GET", "/plan/approve", 405, "where a form of the page goes", []),
        ("POST", "/history", 405, "where a form of the page goes", []),
        ("DELETE", "/", 405, "where a form of the page goes", []),
    ],
)
def test_a_person_is_shown_the_way_on(still: WebHouse, method: str, path: str, status: int, says: str, meant: list[str]) -> None:
    answer = still.browser().request(method, path, headers=HTML)
    shown = words(answer, status)
    assert says in shown
    assert "Views" in [about.get("aria-label") for about in attributes(answer, "nav")]
    links = [
        about["href"] for about in attributes(answer, "a") if about["href"].startswith("/resources/") or about["href"] in meant
    ]
    assert set(links) == set(meant)
    assert "Find it" in shown
    assert (answer.headers.get("allow") is not None) == (status == 405)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/look", 405), ("/box/onee", 404)])
@pytest.mark.parametrize("who", ["stranger", "another site"])
def test_a_stranger_is_told_nothing_of_the_house(still: WebHouse, path: str, status: int, who: str) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in still.browser().cookies.items())
    sent = {"Cookie": cookies, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"} if who == "another site" else {}
    answer = still.client().get(path, headers={**HTML, **sent})
    shown = words(answer, status)
    assert "To the door" in shown
    assert not attributes(answer, "nav")
    assert "box" not in shown


def test_who_may_not_is_told_what_they_may(still: WebHouse) -> None:
    browser = still.browser(Scope.READ)
    shown = words(browser.get("/plan", headers=HTML), 403)
    assert "This is not for you" in shown
    assert "may: read" in shown
    assert "Overview" in shown


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/look", 405), ("PUT", "/plan", 405)])
def test_a_program_gets_a_problem(still: WebHouse, accept: str, method: str, path: str, status: int) -> None:
    answer = still.client(still.token(*Scope)).request(method, path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/static/nothing", "/metrics/x", "/badge/box", "/hooks/x"])
def test_what_is_for_programs_answers_as_ever(still: WebHouse, path: str) -> None:
    answer = still.browser().get(path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    wrong = still.browser().put("/api/v1/status", headers=HTML)
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, PROBLEM)


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..;/admin",
        "//evil.example/",
        "/plan%00",
        "/plan/%00/",
        "/plan;x=1",
        "/plan/",
        "/PLAN",
        "/resources/box/one/..%2f..%2fplan",
        "/<script>alert(1)</script>",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/resources/box/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/resources/%3Cb%3E/one",
        "/" + "a" * 4000,
        "/" + "/".join("abcdefgh" for _ in range(400)),
    ],
)
def test_a36_a_path_is_right_or_it_is_not_for_browsers_too(still: WebHouse, path: str) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in still.browser().cookies.items())
    head = ["Host: localhost", "Accept: text/html", f"Cookie: {cookies}", "Connection: close", "", ""]
    answer = still.raw("\r\n".join([f"GET {path} HTTP/1.1", *head]).encode())
    assert answer.startswith(b"HTTP/1.1 404 "), answer[:200]
    assert not any(
        word in answer for word in (b"<script>alert", b"onerror=alert(1)>", b"<b>", b"root:", b"evil.example", b"aaaaaaaa")
    )
    assert b"text/html" in answer


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/service/plexx", ["service/plex"]),
        ("/plex", ["service/plex"]),
        ("/PLEX", ["service/plex"]),
        ("/service/", ["service/plex"]),
        ("/", []),
        ("/a/b/c/service/plex", ["service/plex"]),
        ("/zzzzzz", []),
        ("/x/" + "p" * 5000, []),
    ],
)
def test_what_is_near(path: str, found: list[str]) -> None:
    assert list(alike(path, ["service/plex", "stack/media", "record/example-net-a"])) == found
