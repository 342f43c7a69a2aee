"""Proposals over the API: opened, shown, revised and decided about, by whom that is allowed and for exactly what was shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from controller.core.proposal import Author
from controller.usecases.access import Scope
from controller.usecases.proposal_views import ProposalView
from controller.usecases.propose import Propose
from tests.contract.source_repository import Repository
from tests.faces.test_web_openapi import check
from tests.support.house import box
from tests.support.proposing import ProposingHouse
from tests.support.webhouse import WebHouse

PATH = "/api/v1/proposals"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebHouse]:
    """A controller on a git repository in which one box is declared and applied."""
    work = Repository(tmp_path / "home")
    house = ProposingHouse(work)
    house.put(web={"image": "web:1"}, one={}, two={}, three={})
    running = WebHouse(tmp_path / "state", house=house)
    running.reconcile()
    running.start()
    yield running
    running.end()


def work(web: WebHouse) -> Repository:
    assert isinstance(web.house, ProposingHouse)
    return web.house.work


def files(**boxes: dict[str, Any] | None) -> dict[str, str | None]:
    return {f"{name}.yaml": None if spec is None else f"{box(name, spec)}\n" for name, spec in boxes.items()}


def opened(client: httpx2.Client, **boxes: dict[str, Any] | None) -> dict[str, Any]:
    answer = client.post(PATH, json={"title": "Two", "reason": "Newer\nis better", "files": files(**boxes)})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['proposal']['id']}"
    found: dict[str, Any] = answer.json()
    return found


def test_a_program_proposes_and_a_person_approves(web: WebHouse) -> None:
    program, person = web.client(web.token(Scope.PROPOSE)), web.operator()
    shown = opened(program, web={"image": "web:2"})
    line = shown["proposal"]
    assert (line["author"], line["author_kind"], line["standing"]) == ("tester", "token", "open")
    assert [item["id"] for item in program.get(PATH).json()["proposals"]] == [line["id"]]
    here = f"{PATH}/{line['id']}"
    answer = person.get(here)
    assert answer.json() == shown
    assert person.get(here, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    body = {"tip": line["tip"], "digests": shown["digests"], "reason": "Fine"}
    assert program.post(f"{here}/approval", json=body).status_code == 403, "who proposes does not decide"
    done = person.post(f"{here}/approval", json=body, params={"wait": "true"}, headers={"If-Match": answer.headers["etag"]})
    assert (done.status_code, done.json()["proposal"]["standing"]) == (200, "merged"), done.text
    assert done.json()["done"]["exit_code"] == 0
    assert work(web).git("rev-parse", "main") == done.json()["revision"]
    assert web.house.boxes()["web"][0] == "web:2"
    assert program.get(PATH).json()["proposals"] == []
    assert [item["standing"] for item in program.get(PATH, params={"standing": "all"}).json()["proposals"]] == ["merged"]
    assert person.get(here, headers={"If-None-Match": answer.headers["etag"]}).json()["proposal"]["merged"]


def test_an_approval_without_waiting_asks_for_a_pass(web: WebHouse) -> None:
    shown = opened(web.operator(), web={"image": "web:2"})
    body = {"tip": shown["proposal"]["tip"], "digests": shown["digests"]}
    done = web.operator().post(f"{PATH}/{shown['proposal']['id']}/approval", json=body)
    assert (done.status_code, done.json()["done"], web.kicks) == (202, None, ["proposal"])


def test_a31_what_moved_is_told_and_not_merged(web: WebHouse) -> None:
    person = web.operator()
    shown = opened(person, web={"image": "web:2"})
    here, before = f"{PATH}/{shown['proposal']['id']}", work(web).git("rev-parse", "main")
    etag = person.get(here).headers["etag"]
    web.house.world.edit("box", "local", "web", size=9)
    body = {"tip": shown["proposal"]["tip"], "digests": shown["digests"]}
    for headers, status in (({}, 409), ({"If-Match": etag}, 412)):
        answer = person.post(f"{here}/approval", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, "stale"), answer.text
    assert person.post(f"{here}/rejection", json={}, headers={"If-Match": etag}).status_code == 412
    assert work(web).git("rev-parse", "main") == before
    now = person.get(here)
    again = {**body, "digests": now.json()["digests"]}
    assert person.post(f"{here}/approval", json=again, headers={"If-Match": f'"other", {now.headers["etag"]}'}).status_code == 202


@pytest.mark.parametrize(
    ("order", "body"),
    [
        ("rejection", {}),
        ("change-requests", {"reason": "no"}),
        ("revisions", {"reason": "no", "files": {"a.yaml": f"{box('a', {})}\n"}}),
    ],
)
def test_an_order_counts_for_no_commit_that_comes_while_it_is_looked_at(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch, order: str, body: dict[str, Any]
) -> None:
    person = web.operator()
    shown = opened(person, web={"image": "web:2"})
    here, look = f"{PATH}/{shown['proposal']['id']}", Propose.show
    etag, pushed = person.get(here).headers["etag"], list[str]()

    def and_then_somebody_pushes(
        propose: Propose, id_: str, viewer: Author | None = None, *, trusted: bool = False
    ) -> ProposalView:
        view = look(propose, id_, viewer, trusted=trusted)
        work(web).git("checkout", "--quiet", view.proposal.branch)
        pushed.append(work(web).commit({"README.md": "More\n"}))
        work(web).git("checkout", "--quiet", "main")
        return view

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Propose, "show", and_then_somebody_pushes)
        answer = person.post(f"{here}/{order}", json=body, headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale"), answer.text
    now = person.get(here)
    assert (now.json()["proposal"]["standing"], now.json()["proposal"]["tip"]) == ("open", pushed[0])
    assert person.post(f"{here}/{order}", json=body, headers={"If-Match": now.headers["etag"]}).status_code in (200, 201)


def test_edits_of_fields(web: WebHouse) -> None:
    edits: list[dict[str, Any]] = [
        {"op": "set", "key": "box/web", "path": ["spec", "size"], "value": 3},
        {"op": "add", "file": "new.yaml", "document": {"kind": "Box", "name": "new", "spec": {"size": 2}}},
        {"op": "remove", "key": "box/one"},
        {"op": "spec", "key": "box/two", "spec": {"size": 7, "environment": {"A": "1"}}},
        {"op": "set", "key": "box/three", "path": ["spec", "uses"], "value": []},
        {"op": "append", "key": "box/three", "path": ["spec", "uses"], "value": "box/two"},
        {"op": "unset", "key": "box/three", "path": ["spec", "uses"]},
    ]
    answer = web.operator().post(PATH, json={"title": "Fields", "edits": edits})
    assert answer.status_code == 201, answer.text
    changes = sorted(f"{c['action']} {c['key']}" for r in answer.json()["rollouts"] for c in r["changes"])
    assert changes == ["create box/new", "delete box/one", "replace box/two", "update box/web"]
    answer = web.operator().post(PATH, json={"title": "Wrong", "edits": [{**edits[0], "path": ["spec", "size", "deeper"]}]})
    assert (answer.status_code, answer.json()["code"]) == (422, "spec-invalid"), answer.text
    answer = web.operator().post(PATH, json={"title": "Wrong", "edits": [{**edits[0], "key": "box/none"}]})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")


def test_answers_are_as_documented(web: WebHouse) -> None:
    person = web.operator()
    document = person.get("/api/openapi.json").json()
    shown = opened(web.client(web.token(Scope.PROPOSE)), one=None, two=None)
    here = f"{PATH}/{shown['proposal']['id']}"
    body = {"tip": shown["proposal"]["tip"], "digests": shown["digests"]}
    general = f"{PATH}/{{id}}"
    check(document, "POST", PATH, person.post(PATH, json={"title": "Bad", "files": {"bad.yaml": "kind: Nothing\n"}}))
    check(document, "GET", PATH, person.get(PATH, params={"standing": "all"}))
    check(document, "GET", general, person.get(here))
    (work(web).folder / "web.yaml").write_text("mine\n")
    answer = person.post(f"{here}/approval", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-writable"), answer.text
    check(document, "POST", f"{general}/approval", answer)
    check(document, "POST", f"{general}/change-requests", person.post(f"{here}/change-requests", json={"reason": "x"}))
    check(document, "POST", f"{general}/revisions", person.post(f"{here}/revisions", json={"files": files(three={"size": 2})}))
    check(document, "POST", f"{general}/rejection", person.post(f"{here}/rejection", json={}))
    second = opened(person, three={"size": 3})
    there = f"{PATH}/{second['proposal']['id']}/approval"
    said = {"tip": second["proposal"]["tip"], "digests": second["digests"]}
    (work(web).folder / "web.yaml").write_text(f"{box('web', {'image': 'web:1'})}\n")
    answer = person.post(there, json=said, params={"wait": "1"})
    assert answer.status_code == 200, answer.text
    check(document, "POST", f"{general}/approval", answer)


def test_words_and_revisions(web: WebHouse) -> None:
    program, person = web.client(web.token(Scope.PROPOSE)), web.operator()
    shown = opened(program, web={"image": "web:2"})
    here = f"{PATH}/{shown['proposal']['id']}"
    answer = person.post(f"{here}/change-requests", json={"reason": "Pin it"})
    assert (answer.status_code, answer.json()["standing"]) == (200, "changes-requested")
    revised = program.post(f"{here}/revisions", json={"files": files(web={"image": "web:2b"}), "reason": "Pinned"})
    assert (revised.status_code, revised.json()["proposal"]["standing"]) == (201, "open"), revised.text
    assert program.post(f"{here}/revisions", json={"files": files(web={"image": "web:2b"})}).json()["code"] == "refused"
    answer = person.post(f"{here}/rejection", json={"reason": "Not today"})
    assert (answer.status_code, answer.json()["standing"]) == (200, "rejected")
    assert program.post(f"{here}/revisions", json={"files": files(web={})}).status_code == 409
    assert person.get(here).json()["proposal"]["note"] == ""


def test_what_destroys_takes_a_named_person(web: WebHouse) -> None:
    shown = opened(web.client(web.token(Scope.PROPOSE)), one=None, two=None)
    assert shown["concerns"] == ["deletions"]
    assert {item["verdict"] for item in shown["rollouts"]} == {"hold"}
    body = {"tip": shown["proposal"]["tip"], "digests": shown["digests"]}
    here = f"{PATH}/{shown['proposal']['id']}"
    ci = web.client(web.access.issue("ci", [Scope.APPROVE, Scope.PLAN], None, "tester")[0])
    assert "ci is a token" in ci.get(here).json()["objection"]
    assert ci.post(f"{here}/approval", json=body).status_code == 409
    assert web.operator().post(f"{here}/approval", json=body).status_code == 202


def test_what_may_be_done_here_is_approved_by_a_person_with_the_scope_admin(web: WebHouse) -> None:
    policy = '{"kind": "Policy", "name": "mine", "spec": {"proposals": {"second": []}}}'
    made = web.operator().post(PATH, json={"title": "Alone", "files": {"policy/mine.yaml": policy}})
    assert (made.status_code, made.json()["concerns"], made.json()["digests"]) == (201, ["rules"], [])
    assert "takes a second person (rules)" in made.json()["objection"]
    id_, tip = made.json()["proposal"]["id"], made.json()["proposal"]["tip"]
    here, body = f"{PATH}/{id_}", {"tip": tip, "digests": []}
    family = web.browser(Scope.PLAN, Scope.PROPOSE, Scope.APPROVE)
    assert "takes the scope admin" in family.get(here).json()["objection"]
    page = family.post(f"/proposals/{id_}/approve", data={**body, "standing": "open"})
    for answer in (family.post(f"{here}/approval", json=body), web.operator().post(f"{here}/approval", json=body), page):
        assert answer.status_code == 409, answer.text
    assert family.get(here).json()["proposal"]["standing"] == "open"
    admin = web.browser()
    assert admin.get(here).json()["objection"] == ""
    assert admin.post(f"{here}/approval", json=body).status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"title": "x"}, 409),
        ({"title": "", "files": {"a": "b"}}, 422),
        ({"title": "x" * 121, "files": {"a": "b"}}, 422),
        ({"title": "a\u202eb", "files": {"a": "b"}}, 422),
        ({"title": "x", "files": {}}, 422),
        ({"title": "x", "files": {"a": 1}}, 422),
        ({"title": "x", "files": {"../a": "b"}}, 409),
        ({"title": "x", "files": {".git/config": "b"}}, 409),
        ({"title": "x", "files": {"a\\b": "b"}}, 422),
        ({"title": "x", "files": {"README": None}}, 409),
        ({"title": "x", "files": {"policy/x.yaml": "b"}}, 409),
        ({"title": "x", "files": {"a": "b"}, "edits": [{"op": "remove", "key": "box/one"}]}, 409),
        ({"title": "x", "edits": [{"op": "run", "key": "box/one"}]}, 422),
        ({"title": "x", "files": {"a": "b"}, "more": 1}, 422),
    ],
)
def test_what_cannot_be_proposed(web: WebHouse, body: dict[str, Any], status: int) -> None:
    answer = web.client(web.token(Scope.PROPOSE)).post(PATH, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert work(web).git("branch", "--list", "homelab/*") == ""


def test_who_may_what(web: WebHouse) -> None:
    shown = opened(web.operator(), web={"image": "web:2"})
    here = f"{PATH}/{shown['proposal']['id']}"
    body = {"tip": shown["proposal"]["tip"], "digests": shown["digests"]}
    reader = web.client(web.token(Scope.READ))
    assert reader.get(PATH).status_code == 200
    assert reader.get(here).status_code == 403
    assert reader.post(PATH, json={"title": "x", "files": {"a": "b"}}).status_code == 403
    applier = web.client(web.token(Scope.APPLY))
    assert applier.post(PATH, json={"title": "x", "files": {"a": "b"}}).status_code == 403, "a token needs the scope"
    for name, content in (("approval", body), ("rejection", {}), ("change-requests", {"reason": "x"})):
        answer = web.client(web.token(Scope.PROPOSE, Scope.APPLY)).post(f"{here}/{name}", json=content)
        assert answer.status_code == 403, name
    for method, path in (("GET", f"{PATH}/nobody"), ("POST", f"{PATH}/nobody/rejection")):
        answer = web.operator().request(method, path, json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
