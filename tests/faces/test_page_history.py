"""History on the page: runs and their steps, two revisions against each other, and the way back with its plan shown first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.run import Outcome, RolloutRun, Run
from controller.usecases.access import Scope
from tests.faces.test_web_page import HOSTILE, Seen
from tests.support.webhouse import WebHouse


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHouse]:
    """Three revisions: applied, undone, applied. Nobody changes it."""
    web = WebHouse(tmp_path_factory.mktemp("told"))
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.house.commit({"one": {"size": 1, "image": "box:bad", "timeout": 0.05}})
    web.reconcile()
    web.house.commit({"one": {"size": 2, "environment": {"TZ": "UTC"}}, "two": {}})
    web.reconcile()
    web.start()
    yield web
    web.end()


def get(web: WebHouse, path: str, status: int = 200) -> Seen:
    answer = web.browser().get(path)
    assert answer.status_code == status, answer.text
    return Seen(answer.text)


def hrefs(seen: Seen) -> list[str]:
    return [str(about["href"]) for tag, about in seen.elements if tag == "a"]


def test_runs_lead_to_their_steps(told: WebHouse) -> None:
    seen = get(told, "/history")
    assert "RolledBack" in seen.words()
    assert "test by tester" in seen.words()
    runs = [href for href in hrefs(seen) if href.startswith("/history/")]
    assert len(runs) == 3
    undone = get(told, runs[1]).words()
    for words in ("RolledBack", "undone", "box/one", "replace", "simulated health check fails"):
        assert words in undone, words
    get(told, "/history/nothing", 404)


def test_runs_come_in_pages(web: WebHouse) -> None:
    for number in range(45):
        web.store.save(Run(f"old-{number:02}", "f" * 40, "resync", "loop", float(number + 1), number + 1.5, Outcome.UNCHANGED))
    seen: list[str] = []
    path, pages = "/history", 0
    while path:
        page = get(web, path)
        links = hrefs(page)
        seen += [href for href in links if href.startswith("/history/")]
        path = next((href for href in links if href.startswith("/history?cursor=")), "")
        pages += 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 46
    assert "That was all." in get(web, "/history?cursor=0.5").words()


def test_nothing_was_done_yet(tmp_path: Path) -> None:
    web = WebHouse(tmp_path)
    web.house.commit({"one": {}})
    web.start()
    try:
        assert "Nothing was done yet." in get(web, "/history").words()
        assert "nothing is deployed yet" in get(web, "/compare", 409).words()
    finally:
        web.end()


def test_commits_lead_to_what_they_changed(told: WebHouse) -> None:
    links = [href for href in hrefs(get(told, "/page/commits")) if href.startswith("/compare")]
    first, second, third = told.house.book.trees
    assert links == [f"/compare?from={second}&to={third}", f"/compare?from={first}&to={second}"]


def test_two_revisions_are_shown_by_fields_and_by_lines(told: WebHouse) -> None:
    first, _, third = told.house.book.trees
    seen = get(told, f"/compare?from={first}&to={third}")
    words = seen.words()
    for expected in (
        "changed box/one",
        "added box/two",
        "size",
        "environment",
        "one.yaml",
        "two.yaml",
        "went:",
        "came:",
    ):
        assert expected in words, expected
    assert f"/api/v1/compare/patch?from={first}&to={third}" in hrefs(seen)
    assert f"/compare?from={third}&to={first}" in hrefs(seen)


def test_the_patch_is_a_file(told: WebHouse) -> None:
    first, _, third = told.house.book.trees
    answer = told.browser().get("/api/v1/compare/patch", params={"from": first, "to": third})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{first[:10]}-{third[:10]}.patch"'
    assert answer.text.startswith("--- a/one.yaml\n+++ b/one.yaml\n@@ -1,1 +1,1 @@\n-")
    known = {"If-None-Match": answer.headers["etag"]}
    again = told.browser().get("/api/v1/compare/patch", params={"from": first, "to": third}, headers=known)
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?from=nothing", 404, "That cannot be compared."),
        ("?from=a..b", 422, ""),
        ("?from=--output%3Dx", 422, ""),
        ("", 200, "Both are the same."),
    ],
)
def test_what_cannot_be_compared_says_why(told: WebHouse, query: str, status: int, words: str) -> None:
    assert words in get(told, f"/compare{query}", status).words()


def test_a_revision_that_is_not_valid_is_compared_by_files(web: WebHouse) -> None:
    old = web.house.book.tip
    web.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    words = get(web, f"/compare?from={old}").words()
    assert "is not valid" in words
    assert "did you mean" in words
    assert "went:" in words


def test_the_way_back_is_shown_and_then_done_as_shown(web: WebHouse) -> None:
    first = web.house.book.tip
    web.house.commit({"one": {"size": 9}, "two": {"size": 2}})
    web.reconcile()
    browser = web.browser()
    seen = Seen(browser.get("/rollback", params={"target": first}).text)
    assert "update box/one" in seen.words()
    fields = {
        str(about["name"]): str(about["value"])
        for tag, about in seen.elements
        if tag == "input" and about.get("type") == "hidden"
    }
    assert fields["target"] == first
    stale = browser.post("/rollback", data={**fields, "plan": "0" * 64})
    assert stale.status_code == 409
    assert "not the one that was shown" in Seen(stale.text).words()
    assert web.house.book.trees[web.house.book.tip].contents != web.house.book.trees[first].contents
    done = browser.post("/rollback", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, "/history?done=rolled-back")
    assert web.house.book.trees[web.house.book.tip].contents == web.house.book.trees[first].contents
    assert web.kicks[-1] == "rollback"
    assert "Rolled back by a new commit" in get(web, "/history?done=rolled-back").words()


def test_who_may_not_roll_back_sees_the_plan_alone(web: WebHouse) -> None:
    first = web.house.book.tip
    web.house.commit({"one": {"size": 9}, "two": {"size": 2}})
    web.reconcile()
    looks = web.client(web.token(Scope.READ, Scope.PLAN))
    seen = Seen(looks.get("/rollback", params={"target": first}).text)
    assert "Rolling back needs the right “apply”" in seen.words()
    assert not any(about.get("name") == "plan" for _, about in seen.elements)
    assert looks.get("/rollback", params={"target": "nothing"}).status_code == 404


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_in_the_history_becomes_markup(web: WebHouse, text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    old = web.house.book.tip

    def shapes(note: str) -> list[list[tuple[str, list[str]]]]:
        rollouts = (RolloutRun(note, Outcome.FAILED, note, ((note, note, note),)),)
        web.store.save(Run("hostile", note, note, note, 1.0, 2.0, Outcome.FAILED, note, rollouts))
        entry = web.store.entries(web.store.runs()[0].id)[0]
        web.store.record(
            replace(entry, run="hostile", rollout="r", number=1, change=replace(entry.change, cause=note), note=note)
        )
        spec = json.dumps({"environment": {"NOTE": note.replace("\x00", "")}})
        new = web.house.book.write(
            {"one.yaml": f"kind: Box\nname: one\nspec: {spec}\n", "x.txt": f"{note}\n".replace("\x00", "")}, parent=old
        )
        paths = ("/history", "/history/hostile", f"/compare?from={old}&to={new}", "/page/commits")
        return [[(tag, sorted(about)) for tag, about in get(web, path).elements] for path in paths]

    assert shapes(clean) == shapes("calm")
