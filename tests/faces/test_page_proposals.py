"""The views of proposals: a file in a form becomes a proposal, is looked at, decided about, and told when it moved."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from controller.usecases.access import Scope
from tests.contract.source_repository import Repository
from tests.support.proposing import ProposingHouse
from tests.support.webhouse import WebHouse

WEB = "# mine\r\nkind: Box\r\nname: web\r\nspec:\r\n  image: web:1  # pinned\r\n  size: 3\r\n"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebHouse]:
    """A controller on a git repository with a file that a person wrote."""
    work = Repository(tmp_path / "home")
    house = ProposingHouse(work)
    work.commit({"boxes/web.yaml": WEB, "one.yaml": "kind: Box\nname: one\nspec:\n  environment: {DB_PASSWORD: canary}\n"})
    running = WebHouse(tmp_path / "state", house=house)
    running.reconcile()
    running.start()
    yield running
    running.end()


def work(web: WebHouse) -> Repository:
    assert isinstance(web.house, ProposingHouse)
    return web.house.work


def fields(text: str) -> dict[str, Any]:
    """What a browser would send of the page's form."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text):
        found.setdefault(name, []).append(html.unescape(value))
    for name, value in re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', text, re.DOTALL):
        found[name] = [html.unescape(value).replace("\n", "\r\n")]
    return {name: each if name == "digests" else each[0] for name, each in found.items()}


def proposed(client: httpx2.Client, title: str = "Newer", old: str = "web:1", new: str = "web:2") -> str:
    """A proposal made by the form; its address."""
    page = client.get("/propose", params={"key": "box/web"})
    assert page.status_code == 200, page.text
    form = fields(page.text)
    done = client.post("/propose", data={**form, "title": title, "text": form["text"].replace(old, new)})
    assert done.status_code == 303, done.text
    return done.headers["location"].partition("?")[0]


def test_a_file_is_changed_in_a_form_and_keeps_every_other_byte(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client)
    shown = client.get(where)
    assert shown.status_code == 200
    for words in ("Newer", "web:1 ", "web:2", "Approve and merge", "can be undone exactly", "box/web"):
        assert words in shown.text, words
    assert "Newer" in client.get("/proposals").text
    assert "Newer" in client.get("/").text, "it waits on the overview"
    done = client.post(f"{where}/approve", data=fields(shown.text))
    assert (done.status_code, done.headers["location"]) == (303, f"{where}?done=approved")
    assert work(web).git("show", "main:boxes/web.yaml") == WEB.replace("web:1", "web:2").strip()
    assert web.kicks == ["proposal"]
    assert "merged" in client.get(where).text.lower()
    assert "No proposal waits" in client.get("/proposals").text
    assert "Newer" in client.get("/proposals", params={"standing": "all"}).text


def test_a31_what_moved_is_said_with_what_it_is_now(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client)
    form = fields(client.get(where).text)
    web.house.world.edit("box", "local", "web", size=9)
    answer = client.post(f"{where}/approve", data=form)
    assert answer.status_code == 409
    assert "Nothing was decided" in answer.text
    again = fields(answer.text)
    assert again["digests"] != form["digests"]
    assert client.post(f"{where}/approve", data=again).status_code == 303


def test_words_about_a_proposal(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client)
    form = fields(client.get(where).text)
    assert client.post(f"{where}/request-changes", data=form).status_code == 409, "a word is asked for"
    asked = client.post(f"{where}/request-changes", data={**form, "reason": "Two lines\r\nof it"})
    assert asked.headers["location"] == f"{where}?done=changes"
    assert "Two lines\nof it" in client.get(where).text
    revise = client.get(f"{where}/revise", params={"file": "boxes/web.yaml"})
    edit = fields(revise.text)
    assert "web:2" in edit["text"]
    assert client.post(f"{where}/revise", data={**edit, "text": edit["text"].replace("web:2", "web:3")}).status_code == 303
    stale = client.post(f"{where}/approve", data=form)
    assert stale.status_code == 409
    unseen = client.post(f"{where}/reject", data={**form, "reason": "no"})
    assert (unseen.status_code, "not what was shown" in unseen.text) == (412, True), "it was revised since"
    assert client.post(f"{where}/reject", data={**fields(unseen.text), "reason": "no"}).status_code == 303
    assert "Rejected" in client.get(where).text
    assert client.post(f"{where}/approve", data=form).status_code == 409, "it has ended"


def test_what_cannot_be_proposed_stays_in_the_form(web: WebHouse) -> None:
    client = web.browser()
    form = fields(client.get("/propose", params={"file": "one.yaml"}).text)
    assert "canary" not in form["text"]
    assert "•••" in form["text"]
    overwritten = client.post("/propose", data={**form, "title": "Mine", "text": form["text"].replace("•••", "x•••")})
    assert overwritten.status_code == 409
    assert "a line that holds a secret was changed" in html.unescape(overwritten.text)
    assert "x•••" in overwritten.text, "nothing that was typed is lost"
    work(web).commit({"two.yaml": "kind: Box\nname: two\nspec:\n  environment:\n    DB_PASSWORD: canary\n"})
    two = fields(client.get("/propose", params={"file": "two.yaml"}).text)
    for opens in ("  note: >-", "  note: |", '  note: "', '  environment:\r\n    note: "'):
        text = two["text"].replace("  environment:", opens) + ('  "' if opens.endswith('"') else "")
        uncovered = client.post("/propose", data={**two, "title": "Mine", "text": text})
        assert uncovered.status_code == 409, opens
        assert "a line that holds a secret would be shown as part of something else" in uncovered.text, opens
    same = client.post("/propose", data={**form, "title": "Nothing"})
    assert same.status_code == 409
    evil = client.post("/propose", data={**form, "title": "Out", "file": "../evil.yaml", "text": "kind: Box\nname: evil\n"})
    assert evil.status_code == 409
    assert work(web).git("branch", "--list", "homelab/*") == ""


def test_what_somebody_else_committed_meanwhile_is_not_taken_back(web: WebHouse) -> None:
    client = web.browser()
    form = fields(client.get("/propose", params={"key": "box/web"}).text)
    fresh = fields(client.get("/propose").text)
    work(web).commit({"boxes/web.yaml": WEB.replace("size: 3", "size: 4"), "new.yaml": "kind: Box\nname: theirs\n"})
    mine = {**form, "title": "Newer", "text": form["text"].replace("web:1", "web:2")}
    refused = client.post("/propose", data=mine)
    assert refused.status_code == 409
    assert "somebody else has changed boxes/web.yaml since this was opened" in html.unescape(refused.text)
    assert "open the form again" in refused.text
    assert fields(refused.text)["text"] == mine["text"], "nothing that was typed is lost"
    assert client.post("/propose", data=mine).status_code == 409, "also when it is sent once more"
    taken = client.post("/propose", data={**fresh, "file": "new.yaml", "title": "New", "text": "kind: Box\nname: new\n"})
    assert taken.status_code == 409
    assert "somebody else has changed new.yaml" in taken.text
    assert work(web).git("branch", "--list", "homelab/*") == ""
    work(web).commit({"other.yaml": "kind: Box\nname: other\n"})
    again = fields(client.get("/propose", params={"key": "box/web"}).text)
    work(web).commit({"other.yaml": "kind: Box\nname: other\nspec: {size: 2}\n"})
    done = client.post("/propose", data={**again, "title": "Newer", "text": again["text"].replace("web:1", "web:2")})
    assert done.status_code == 303, "another file may move"
    branch = "homelab/" + done.headers["location"].partition("?")[0].rpartition("/")[2]
    assert work(web).git("show", f"{branch}:boxes/web.yaml").splitlines()[4:] == ["  image: web:2  # pinned", "  size: 4"]


def test_what_was_revised_meanwhile_is_not_taken_back(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client)
    branch = "homelab/" + where.rpartition("/")[2]
    form = fields(client.get(f"{where}/revise", params={"file": "boxes/web.yaml"}).text)
    first = {**form, "text": form["text"].replace("web:2", "web:3")}
    assert client.post(f"{where}/revise", data=first).status_code == 303
    second = {**form, "text": form["text"].replace("size: 3", "size: 5")}
    refused = client.post(f"{where}/revise", data=second)
    assert refused.status_code == 409
    assert "somebody else has changed boxes/web.yaml" in refused.text
    assert fields(refused.text)["text"] == second["text"]
    assert "web:3" in work(web).git("show", f"{branch}:boxes/web.yaml")
    assert outcomes(web)[:2] == [("revise", "stale"), ("revise", "ok")]


def test_the_trail_tells_what_was_refused(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client)
    form = fields(client.get(where).text)
    web.house.world.edit("box", "local", "web", size=9)
    assert client.post(f"{where}/approve", data=form).status_code == 409
    assert client.post(f"{where}/request-changes", data=form).status_code == 409
    edit = fields(client.get("/propose", params={"key": "box/web"}).text)
    assert client.post("/propose", data={**edit, "title": "Nothing"}).status_code == 409
    again = fields(client.get(f"{where}/revise", params={"file": "boxes/web.yaml"}).text)
    assert client.post(f"{where}/revise", data=again).status_code == 409
    assert outcomes(web)[:5] == [
        ("revise", "refused"),
        ("propose", "refused"),
        ("request-changes", "refused"),
        ("approve", "stale"),
        ("propose", "ok"),
    ]


def outcomes(web: WebHouse) -> list[tuple[str, str]]:
    """What the audit trail says that was tried, and what came of it, newest first."""
    return [(row.action, row.outcome) for row in web.access.audit.list(50)]


def test_a_new_file(web: WebHouse) -> None:
    client = web.browser()
    form = fields(client.get("/propose").text)
    data = {**form, "file": "new.yaml", "title": "New <script>alert(1)</script>", "text": "kind: Box\r\nname: new\r\n"}
    done = client.post("/propose", data=data)
    assert done.status_code == 303, done.text
    shown = client.get(done.headers["location"])
    assert "<script>alert" not in shown.text
    assert "New &lt;script&gt;" in shown.text
    assert "box/new" in shown.text


def test_an_invalid_change_is_kept_and_cannot_be_approved(web: WebHouse) -> None:
    client = web.browser()
    where = proposed(client, old="image:", new="imgae:")
    shown = client.get(where).text
    assert "it is not valid" in shown
    assert "boxes/web.yaml:5" in shown
    assert "Approve and merge" not in shown


@pytest.mark.parametrize(
    ("scopes", "path", "status", "reason"),
    [
        ((Scope.READ,), "/proposals", 200, "everybody may see what waits"),
        ((Scope.READ,), "/propose", 403, "and not everybody proposes"),
        ((Scope.PROPOSE,), "/propose", 200, "who may, gets the form"),
    ],
)
def test_rights(web: WebHouse, scopes: tuple[Scope, ...], path: str, status: int, reason: str) -> None:
    assert web.browser(*scopes).get(path).status_code == status, reason


def test_who_may_not_see_a_plan_is_led_to_none(web: WebHouse) -> None:
    where = proposed(web.browser())
    reader = web.browser(Scope.READ)
    for path in ("/", "/proposals"):
        shown = reader.get(path).text
        assert "Newer" in shown
        assert f'href="{where}"' not in shown, path
    assert f'href="{where}"' in web.browser(Scope.PLAN).get("/proposals").text


def test_what_is_not_there(web: WebHouse) -> None:
    client = web.browser()
    assert client.get("/proposals/nothing").status_code == 404
    assert client.get("/propose", params={"key": "box/nothing"}).status_code == 409
