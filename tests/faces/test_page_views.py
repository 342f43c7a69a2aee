"""The views of the page as a browser without JavaScript has them: what they show, what their forms do, and who may."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from controller.core.event import Event
from controller.usecases.access import Scope
from controller.web.page_files import contents, mark
from controller.web.views.overview import GridQuery
from controller.web.views.table import VIEWS
from tests.faces.test_web_page import Seen
from tests.support.post import recipient
from tests.support.webhouse import WebHouse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def words(answer: httpx2.Response, status: int = 200) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Seen(answer.text).words()


def attributes(answer: httpx2.Response, tag: str) -> list[dict[str, Any]]:
    return [about for name, about in Seen(answer.text).elements if name == tag]


# The shell


@pytest.mark.parametrize("path", ["/", "/settings", "/resources/box/one", "/resources/box/nothing"])
def test_every_page_has_one_heading_landmarks_and_a_way_past_them(still: WebHouse, path: str) -> None:
    shown = Seen(still.browser().get(path).text)
    tags = [tag for tag, _ in shown.elements]
    assert [tags.count(tag) for tag in ("h1", "main", "header")] == [1, 1, 1]
    assert ("a", {"class": "skip", "href": "#main"}) in shown.elements
    named = [about.get("aria-label") for tag, about in shown.elements if tag == "nav"]
    assert "Views" in named
    ids = [about["id"] for _, about in shown.elements if "id" in about]
    assert len(ids) == len(set(ids))


def test_only_what_has_a_route_is_in_the_navigation(still: WebHouse) -> None:
    links = attributes(still.browser().get("/"), "a")
    shown = [about["href"] for about in links if "data-letter" in about]
    app = still.app
    assert shown == [view.path for view in VIEWS if view.path in app.state.face.paths]
    assert {"/", "/settings"} <= set(shown)
    assert len({view.letter for view in VIEWS}) == len(VIEWS)


def test_a_right_that_is_missing_hides_what_it_is_for(still: WebHouse) -> None:
    looking = still.client(still.token(Scope.READ))
    page = looking.get("/resources/box/one")
    assert "Changing it needs the right apply" in words(page).replace("`", "")
    assert not [about for about in attributes(page, "form") if about.get("method") == "post"]
    assert "Tokens of programs" not in words(looking.get("/settings"))
    refused = looking.get("/resources/box/one/rollback")
    assert "Not allowed" in words(refused, 403)
    assert "not-allowed" in refused.text


def test_problems_of_a_page_are_pages(still: WebHouse) -> None:
    browser = still.browser()
    lost = browser.get("/resources/box/nothing")
    assert "not-found" in words(lost, 404)
    assert "invalid-query" in words(browser.get("/?colour=red"), 422)
    door = still.client().get("/resources/box/one")
    assert "Sign in" in words(door, 401)
    assert "box" not in door.text
    assert "www-authenticate" not in door.headers


# The overview


@pytest.mark.parametrize(
    ("query", "keys", "reason"),
    [
        ("", ["box/three", "box/one", "box/two"], "trouble first"),
        ("?sort=name", ["box/one", "box/three", "box/two"], "by name"),
        ("?q=TW", ["box/two"], "a word of the key"),
        ("?q=two+box", ["box/two"], "all of several words"),
        ("?sync=Synced", ["box/one", "box/two"], "one state"),
        ("?kind=box&sync=&health=Missing&q=&sort=trouble", ["box/three"], "as a form sends it"),
        ("?q=nowhere", [], "nothing"),
    ],
)
def test_the_grid_is_filtered_and_ordered(grid: WebHouse, query: str, keys: list[str], reason: str) -> None:
    answer = grid.browser().get(f"/{query}")
    tiles = answer.text.partition('class="tiles"')[2].partition("</ul>")[0]
    assert re.findall(r'<p class="name"><a class="key" href="[^"]*">([^<]*)<', tiles) == keys, reason
    if not keys:
        assert "Nothing like that." in words(answer)
    elif len(keys) < 3:
        assert f"{len(keys)} of 3 are shown" in words(answer)


@pytest.fixture(scope="module")
def grid(still: WebHouse) -> WebHouse:
    """A house in which one box waits for a person."""
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [three]}, verdict: hold}]}\n"
    contents = still.house.book.trees[still.house.book.tip].contents
    still.house.book.write({**contents, "policy/house.yaml": rule, "three.yaml": "kind: Box\nname: three\nspec: {}\n"})
    still.reconcile()
    return still


def test_what_is_unknown_in_an_order_is_refused() -> None:
    with pytest.raises(ValueError, match="sort"):
        GridQuery(sort="colour")


def test_what_hides_or_reorders_text_is_written_out(web: WebHouse) -> None:
    web.store.append([Event(web.clock.now(), "Happened", "caf\u00e9 evil\u202egnp.exe\x1b[2J\u200b")])
    page = web.browser().get("/").text
    assert "caf\u00e9 evil\\u202egnp.exe\\x1b[2J\\u200b" in page
    assert not {"\u202e", "\x1b", "\u200b"} & set(page)


# One resource


def test_a_resource_shows_where_the_world_is_not_as_declared(web: WebHouse) -> None:
    web.house.world.edit("box", "local", "one", size=7)
    page = web.browser().get("/resources/box/one")
    shown = words(page)
    assert "size Differs 1 7 1" in shown
    assert "image box:1 box:1 box:1" in shown
    assert "Rollout" in shown
    assert "was 7" in shown
    assert "becomes 1" in shown


def test_what_is_left_alone_still_shows_that_it_differs(web: WebHouse) -> None:
    web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    web.reconcile()
    shown = words(web.browser().get("/resources/box/one"))
    assert "image Differs box:bad box:1 box:1" in shown
    assert "Left alone Quarantined" in shown
    assert "RolledBack" in shown, "its runs"


def test_a_backend_that_does_not_answer_leaves_what_is_known(web: WebHouse) -> None:
    web.house.world.cut("local")
    shown = words(web.browser().get("/resources/box/one"))
    assert "image box:1 not set box:1" in shown
    assert "Unknown" in shown


def test_suspend_and_resume_by_forms(web: WebHouse) -> None:
    browser = web.browser()
    answer = browser.post("/resources/box/one/suspend", data={"reason": "the disk <b>is</b> replaced"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/resources/box/one?done=suspended")
    shown = words(browser.get(answer.headers["location"]))
    assert "left alone until it is resumed" in shown
    assert "the disk <b>is</b> replaced" in shown
    again = browser.post("/resources/box/one/resume", content=b"", headers=FORM)
    assert again.headers["location"] == "/resources/box/one?done=resumed"
    assert web.kicks[-2:] == ["suspend", "resume"]
    assert "box/one Synced Healthy" in words(browser.get("/resources/box/one"))


def test_a_rollback_does_exactly_what_was_shown(web: WebHouse) -> None:
    web.house.commit({"one": {"size": 5}, "two": {"size": 2}})
    web.reconcile()
    browser = web.browser()
    page = browser.get("/resources/box/one/rollback")
    shown = words(page)
    assert "was 5" in shown
    assert "becomes 1" in shown
    plan = next(about["value"] for about in attributes(page, "input") if about["name"] == "plan")
    other = browser.post("/resources/box/one/rollback", data={"plan": "0" * 64})
    assert "is not the one that was shown (any more)" in words(other, 409)
    before = web.house.book.tip
    done = browser.post("/resources/box/one/rollback", data={"plan": plan})
    assert (done.status_code, done.headers["location"]) == (303, "/resources/box/one?done=rolled-back")
    assert web.house.book.tip != before
    assert '"size": 1' in web.house.book.trees[web.house.book.tip].contents["one.yaml"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"reason=x", {"Content-Type": "application/json"}, 415, "not a form"),
        (b"reason=x&reason=y", FORM, 422, "a field twice"),
        (b"colour=red", FORM, 422, "an unknown field"),
        (b"reason=%e2%80%ae", FORM, 422, "text that reorders"),
        (b"reason=%ff", FORM, 400, "no UTF-8"),
        ("reason=\u00e9".encode(), FORM, 400, "not encoded as forms are"),
        (b"reason=x", {**FORM, "Origin": "http://127.0.0.1:1"}, 403, "another port of this host"),
        (b"reason=x", {**FORM, "Origin": "null"}, 403, "a page without an origin"),
        (b"reason=x", {**FORM, "Sec-Fetch-Site": "same-site"}, 403, "the browser says another site"),
    ],
)
def test_a_form_that_is_not_ours_does_nothing(
    still: WebHouse, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = still.browser().post("/resources/box/one/suspend", content=body, headers=headers)
    assert answer.status_code == status, reason
    assert "suspend" not in still.kicks


def test_what_only_looks_offers_nothing_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    web = WebHouse(tmp_path_factory.mktemp("follower"), writes=False)
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.start()
    try:
        page = web.browser().get("/resources/box/one")
        assert "another one leads" in words(page)
        assert [about["action"] for about in attributes(page, "form") if about.get("method") == "post"] == ["/leave"]
    finally:
        web.end()


def test_what_is_gone_is_told_as_missing(web: WebHouse) -> None:
    web.house.world.remove("box", "local", "one")
    shown = words(web.browser().get("/resources/box/one"))
    assert "create box/one (this one) missing" in shown


# Settings


def test_a_theme_is_in_the_page_before_anything_is_painted(web: WebHouse) -> None:
    browser = web.browser()
    plain = attributes(browser.get("/settings"), "html")[0]
    assert plain == {"lang": "en"}
    for theme in ("dark", "light", "contrast"):
        answer = browser.post("/settings/theme", data={"theme": theme})
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings?done=theme")
        assert attributes(browser.get("/settings"), "html")[0]["data-theme"] == theme
    browser.post("/settings/theme", data={"theme": "system"})
    browser.post("/settings/keys", data={"keys": "off"})
    assert attributes(browser.get("/"), "html")[0] == {"lang": "en", "data-keys": "off"}
    assert browser.post("/settings/theme", data={"theme": '"><script>'}).status_code == 422


def test_a_theme_that_another_port_set_is_no_markup(still: WebHouse) -> None:
    browser = still.browser()
    browser.cookies.set("homelab-theme", "x%22onload")
    assert attributes(browser.get("/"), "html")[0] == {"lang": "en"}


def test_signing_out_takes_along_what_the_browser_kept(web: WebHouse) -> None:
    browser = web.browser()
    answer = browser.post("/leave", content=b"", headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert browser.get("/").status_code == 401


def test_who_is_told_and_whether_a_test_arrives(web: WebHouse) -> None:
    web.recipients[:] = [recipient("phone"), recipient("mail")]
    browser = web.browser()
    assert "/settings/notifications" in [about["href"] for about in attributes(browser.get("/settings"), "a")]
    shown = words(browser.get("/settings/notifications"))
    assert "phone" in shown
    assert "Send a test to all" in shown
    told = words(browser.post("/settings/notifications", content=b"", headers=FORM))
    assert "The test" in told
    assert "phone" in told.partition("Who is told")[0]
    web.recipients.clear()
    assert "Nobody is told anything." in words(browser.get("/settings/notifications"))
    looking = web.client(web.token(Scope.READ))
    assert "Send a test" not in looking.get("/settings/notifications").text


@pytest.mark.parametrize(
    ("path", "accept", "media", "reason"),
    [
        ("/nothing", "text/html,*/*;q=0.8", "text/html; charset=utf-8", "a person goes there"),
        ("/nothing", "*/*", "application/problem+json", "a program asks"),
        ("/api/v1/nothing", "text/html", "application/problem+json", "the API answers as ever"),
        ("/static/nothing", "text/html", "application/problem+json", "a file"),
    ],
)
def test_a_path_that_is_none_is_told_to_whoever_asks(still: WebHouse, path: str, accept: str, media: str, reason: str) -> None:
    answer = still.client().get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, media), reason
    assert "not-found" in answer.text


# Files


def test_files_are_kept_for_good_under_what_they_hold(still: WebHouse) -> None:
    stranger = still.client()
    for name in contents():
        path = f"/static/{name}" if name == "worker.js" else f"/static/{mark()}/{name}"
        answer = stranger.get(path)
        assert answer.status_code == 200, path
        assert answer.content == contents()[name]
        lasting = "public, max-age=31536000, immutable"
        assert answer.headers["cache-control"] == ("no-cache, private" if name == "worker.js" else lasting)
        assert stranger.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert stranger.get(f"/static/{'0' * 16}/js/page.js").status_code == 404
    assert stranger.get("/static/worker.js").headers["service-worker-allowed"] == "/"


def test_what_a_file_names_is_there() -> None:
    files = contents()
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        if name.endswith(".js"):
            for other in re.findall(r'from "\./([^"]+)"', content.decode()):
                assert f"{folder}/{other}" in files, (name, other)
        if name.endswith(".css"):
            for other in re.findall(r'url\("\.\./([^"]+)"\)', content.decode()):
                assert other in files, (name, other)
    manifest = json.loads(files["homelab.webmanifest"])
    assert manifest["start_url"] == manifest["scope"] == "/"
    for icon in manifest["icons"]:
        assert icon["src"] in files
    for side in (192, 512):
        # The size of a PNG stands in its first chunk.
        picture = files[f"icon-{side}.png"]
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert [int.from_bytes(picture[at : at + 4], "big") for at in (16, 20)] == [side, side]
