"""The API as a program uses it: answers, revalidation, pages, decisions, repeats, problems."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.core.errors import Transient
from controller.core.event import Report
from controller.core.key import Key
from controller.core.run import Entry, Step
from controller.usecases.access import Scope
from controller.usecases.views import StatusView
from controller.web.metrics import RESULTS
from tests.support.house import box
from tests.support.webhouse import WebHouse


def commit(web: WebHouse, boxes: Mapping[str, Mapping[str, Any]]) -> None:
    """Commit boxes and a rule that holds what is done to `three`."""
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [three]}, verdict: hold}]}\n"
    web.house.book.write({"policy/house.yaml": rule, **{f"{name}.yaml": box(name, spec) for name, spec in boxes.items()}})


def held(web: WebHouse) -> str:
    """A rollout that waits for a person; its digest."""
    commit(web, {"one": {"size": 1}, "two": {"size": 2}, "three": {}})
    web.reconcile()
    found = [item["rollout"] for item in web.operator().get("/api/v1/status").json()["items"] if item["sync"] == "Held"]
    assert len(found) == 1
    return str(found[0])


def test_status_is_the_last_report_and_can_be_revalidated(web: WebHouse) -> None:
    program = web.client(web.token(Scope.READ))
    answer = program.get("/api/v1/status")
    assert [(item["key"], item["sync"]) for item in answer.json()["items"]] == [("box/one", "Synced"), ("box/two", "Synced")]
    assert answer.headers["cache-control"] == "no-cache, private"
    known = {"If-None-Match": f'"other", W/{answer.headers["etag"]}'}
    again = program.get("/api/v1/status", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    web.reconcile()
    assert program.get("/api/v1/status", headers=known).status_code == 200


def test_reading_never_touches_a_backend(web: WebHouse) -> None:
    web.house.world.cut("local")
    program = web.client(web.token(Scope.READ))
    for path in ("/api/v1/status", "/api/v1/history", "/api/v1/events", "/metrics", "/readyz", "/api/v1/me"):
        assert program.get(path).status_code == 200, path
    assert {item["sync"] for item in program.get("/api/v1/status").json()["items"]} == {"Synced"}


def test_before_the_first_pass_there_is_no_status(tmp_path: Path) -> None:
    web = WebHouse(tmp_path)
    web.house.commit({"one": {}})
    web.start()
    try:
        program = web.client(web.token())
        refused = program.get("/api/v1/status")
        assert (refused.status_code, refused.json()["code"]) == (503, "not-ready")
        assert int(refused.headers["retry-after"]) > 0
        ready = web.client().get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert "first look" in web.browser().get("/").text
        web.reconcile()
        assert web.client().get("/readyz").json() == {
            "ready": True,
            "checks": {"store": "ok", "git": "ok", "look": "ok", "backends": "ok"},
        }
    finally:
        web.end()


def test_readiness_tells_strangers_no_names(web: WebHouse) -> None:
    web.house.world.cut("local")
    web.reconcile()
    answer = web.client().get("/readyz")
    assert answer.json()["checks"]["backends"] == "0 of 1"
    assert "local" not in answer.text


def test_a_plan_says_what_would_be_done(web: WebHouse) -> None:
    web.house.commit({"one": {"size": 9}, "two": {"size": 2}})
    plan = web.client(web.token(Scope.PLAN)).get("/api/v1/plan").json()
    assert [(c["key"], c["action"]) for rollout in plan["rollouts"] for c in rollout["changes"]] == [("box/one", "update")]
    assert web.house.boxes()["one"][1] == 1


def test_a_plan_of_another_revision(web: WebHouse) -> None:
    first = web.house.book.tip
    web.house.commit({"one": {"size": 9}, "two": {"size": 2}})
    web.reconcile()
    plan = web.client(web.token(Scope.PLAN)).get("/api/v1/plan", params={"revision": first}).json()
    assert [change["key"] for rollout in plan["rollouts"] for change in rollout["changes"]] == ["box/one"]


@pytest.mark.parametrize(
    ("query", "status", "code", "reason"),
    [
        ("worktree=1", 403, "socket-only", "files that are not committed are the operator's"),
        ("revision=--output%3Dx", 422, "invalid-query", "an option is no revision"),
        ("revision=a..b", 422, "invalid-query", "a range is no revision"),
        ("revision=%40%7B-1%7D", 422, "invalid-query", "the reflog is not ours"),
        ("revision=nothing", 404, "not-found", "git does not know it"),
        ("colour=red", 422, "invalid-query", "a typo must not be ignored"),
        ("worktree=0&worktree=1", 422, "invalid-query", "twice, and both mean something"),
    ],
)
def test_a_plan_that_cannot_be(still: WebHouse, query: str, status: int, code: str, reason: str) -> None:
    answer = still.client(still.token()).get(f"/api/v1/plan?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code), reason


def test_an_invalid_specification_is_told_with_positions(web: WebHouse) -> None:
    web.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    web.reconcile()
    answer = web.operator().get("/api/v1/plan", params={"revision": web.house.book.tip})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "spec-invalid")
    assert (problem["diagnostics"][0]["file"], problem["diagnostics"][0]["line"]) == ("one.yaml", 3)
    assert web.operator().get("/api/v1/status").json()["reason"]


def test_history_in_pages(web: WebHouse) -> None:
    for size in range(3, 8):
        web.house.commit({"one": {"size": size}, "two": {"size": 2}})
        web.reconcile()
    program = web.client(web.token(Scope.READ))
    found: list[str] = []
    cursor: float | None = None
    while True:
        page = program.get("/api/v1/history", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [run["id"] for run in page["runs"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 6
    assert found == [run["id"] for run in program.get("/api/v1/history").json()["runs"]]
    detail = program.get(f"/api/v1/runs/{found[0]}").json()
    assert [(step["key"], step["step"]) for step in detail["steps"]] == [("box/one", "passed")]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/v1/runs/nothing", "no such run"),
        ("/api/v1/resources/box/nothing", "no such key"),
        ("/api/v1/resources/box/UPPER", "not a name"),
        ("/api/v1/resources/..%2f/x", "not a path"),
        ("/api/v1/nothing", "no such route"),
        ("/api/v1/status/", "a path is right or it is not"),
    ],
)
def test_what_is_not_there(still: WebHouse, path: str, reason: str) -> None:
    answer = still.client(still.token()).get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), reason


def test_one_resource(web: WebHouse) -> None:
    found = web.client(web.token(Scope.READ)).get("/api/v1/resources/box/two").json()
    assert (found["desired"]["size"], found["observed"]["size"], found["applied"]["size"]) == (2, 2, 2)
    assert found["origin"] == "two.yaml:1:1"


def test_a_pass_on_request_says_how_it_ended(web: WebHouse) -> None:
    program = web.client(web.token(Scope.APPLY))
    web.house.commit({"one": {"size": 5}, "two": {"size": 2}})
    done = program.post("/api/v1/sync?wait=1").json()["done"]
    assert (done["outcome"], done["exit_code"]) == ("Applied", 0)
    assert [run["by"] for run in done["runs"]] == ["tester"]
    assert web.house.boxes()["one"][1] == 5
    assert program.post("/api/v1/sync?wait=1").json()["done"]["outcome"] == "Unchanged"


@pytest.mark.parametrize(
    ("boxes", "outcome", "code", "reason"),
    [
        ({"one": {"image": "box:bad"}}, "RolledBack", 5, "the gate failed and it was undone"),
        ({"three": {}}, "Held", 0, "it waits for a person, which is no error"),
        ({"four": {"risky": True}}, "Denied", 4, "only another rule helps"),
        ({"one": {"size": 7}, "three": {}}, "Held", 0, "one was applied, one waits"),
    ],
)
def test_the_exit_code_of_a_pass(web: WebHouse, boxes: dict[str, Any], outcome: str, code: int, reason: str) -> None:
    commit(web, {"one": {"size": 1}, "two": {"size": 2}, **boxes})
    done = web.operator().post("/api/v1/sync?wait=1").json()["done"]
    assert (done["outcome"], done["exit_code"]) == (outcome, code), reason


@pytest.mark.parametrize(
    ("trouble", "code", "reason"),
    [
        ("spec", 3, "the newest revision is not valid"),
        ("backend", 8, "a backend does not answer"),
        ("unsettled", 8, "what an interruption left may be settled only later"),
    ],
)
def test_a_pass_that_could_not_do_its_work(web: WebHouse, trouble: str, code: int, reason: str) -> None:
    if trouble == "spec":
        web.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    elif trouble == "backend":
        web.house.world.cut("local")
    else:
        commit(web, {"one": {"size": 1}})
        (rollout,) = web.house.reconciler.survey().plan.rollouts
        left = Entry("cut", 1, rollout.digest, rollout.changes[0], Step.UNDOING, 0.0, not_before=web.house.clock.now() + 3600)
        web.store.record(left)
    assert web.operator().post("/api/v1/sync?wait=1").json()["done"]["exit_code"] == code, reason


def test_a_pass_that_is_not_waited_for(web: WebHouse) -> None:
    answer = web.client(web.token(Scope.APPLY)).post("/api/v1/sync")
    assert (answer.status_code, answer.json()["done"]) == (202, None)
    assert answer.json()["after"] == web.store.last_event()
    assert web.kicks == ["asked"]


def test_an_approval_names_exactly_what_was_shown(web: WebHouse) -> None:
    digest = held(web)
    program = web.client(web.token(Scope.APPROVE))
    answer = program.post("/api/v1/approvals", json={"digests": [digest[:12]], "reason": "I looked"})
    assert (answer.status_code, answer.json()) == (200, {"digests": [digest]})
    assert web.store.approvals()[digest].by == "tester"
    assert web.kicks == ["approval"]
    web.reconcile()
    assert "three" in web.house.boxes()


def test_a_stale_approval_is_refused(web: WebHouse) -> None:
    digest = held(web)
    commit(web, {"one": {"size": 1}, "two": {"size": 2}, "three": {"size": 7}})
    answer = web.operator().post("/api/v1/approvals", json={"digests": [digest]})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "moved" in answer.json()["detail"]
    assert web.store.approvals() == {}


def test_a_rejection_keeps_it_held(web: WebHouse) -> None:
    digest = held(web)
    assert web.operator().post("/api/v1/rejections", json={"digests": [digest]}).status_code == 200
    web.reconcile()
    assert "three" not in web.house.boxes()


def test_suspend_and_resume(web: WebHouse) -> None:
    program = web.client(web.token(Scope.APPLY))
    answer = program.post("/api/v1/suspensions", json={"key": "box/one", "reason": "holiday"})
    assert (answer.status_code, answer.json()) == (201, {"keys": ["box/one"]})
    web.house.commit({"one": {"size": 8}, "two": {"size": 2}})
    web.reconcile()
    assert web.house.boxes()["one"][1] == 1
    assert program.delete("/api/v1/suspensions/box/one").status_code == 200
    assert program.delete("/api/v1/suspensions/box/one").json()["code"] == "refused"
    web.reconcile()
    assert web.house.boxes()["one"][1] == 8


def test_a_retry_lifts_the_quarantine(web: WebHouse) -> None:
    web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    web.reconcile()
    program = web.client(web.token(Scope.APPLY))
    assert len(program.post("/api/v1/retry", json={"target": "box/one"}).json()["digests"]) == 1
    assert web.store.quarantined() == ()
    assert program.post("/api/v1/retry", json={"target": "all"}).json()["code"] == "refused"


@pytest.mark.parametrize(
    ("body", "left", "reason"),
    [({"keys": ["box/one"]}, {"box/two"}, "one key"), ({"all": True}, set(), "everything")],
)
def test_detached_objects_run_on(web: WebHouse, body: dict[str, Any], left: set[str], reason: str) -> None:
    assert web.operator().post("/api/v1/detach", json=body).status_code == 200
    assert {str(key) for key, _ in web.store.rows()} == left, reason
    assert set(web.house.boxes()) == {"one", "two"}


@pytest.mark.parametrize("body", [{}, {"keys": [], "all": False}, {"keys": ["box/one"], "all": True}])
def test_everything_is_let_go_only_when_it_is_said(web: WebHouse, body: dict[str, Any]) -> None:
    assert web.operator().post("/api/v1/detach", json=body).status_code == 422
    assert len(web.store.rows()) == 2


def test_what_was_detached_is_adopted_again(web: WebHouse) -> None:
    operator = web.operator()
    operator.post("/api/v1/detach", json={"all": True})
    answer = operator.post("/api/v1/adoptions", json={"objects": [{"key": "box/one"}, {"key": "box/nine"}]}).json()
    assert [item["key"] for item in answer["adopted"]] == ["box/one"]
    assert [item["key"] for item in answer["left"]] == ["box/nine"]
    assert {key for key, _ in web.store.rows()} == {Key("box", "one")}


def test_a_rollback_shows_its_way_and_goes_it(web: WebHouse) -> None:
    web.house.commit({"one": {"size": 6}, "two": {"size": 2}})
    web.reconcile()
    program = web.client(web.token(Scope.PLAN, Scope.APPLY))
    way = program.get("/api/v1/rollback").json()
    digest = way["plan"]["digest"]
    done = program.post("/api/v1/rollback?wait=1", json={"plan": digest}).json()
    assert done["way"]["revision"] == way["revision"]
    assert done["revision"] == web.house.book.tip
    assert done["done"]["outcome"] == "Applied"
    assert web.house.boxes()["one"][1] == 1


def test_a_rollback_that_became_another_one_is_refused(web: WebHouse) -> None:
    web.house.commit({"one": {"size": 6}, "two": {"size": 2}})
    web.reconcile()
    tip = web.house.book.tip
    answer = web.operator().post("/api/v1/rollback?wait=1", json={"plan": "0" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert web.house.book.tip == tip


def test_secrets_go_in_at_the_socket_and_are_shown_by_reference(web: WebHouse) -> None:
    operator = web.operator()
    view = operator.post("/api/v1/secrets", json={"ref": "app/key", "value": "canary-4711"}).json()
    assert (view["ref"], view["version"]) == ("app/key", 1)
    assert operator.post("/api/v1/secrets/rotations", json={"ref": "app/key"}).json()["version"] == 2
    listed = web.client(web.token(Scope.ADMIN)).get("/api/v1/secrets")
    assert [item["ref"] for item in listed.json()["secrets"]] == ["app/key"]
    assert operator.post("/api/v1/secrets/exports").json()["secrets"]["app/key"] != "canary-4711"
    told = json.dumps([event.message for event in web.store.events()]) + listed.text + operator.get("/metrics").text
    assert "canary-4711" not in told


def test_a_wrong_secret_is_not_repeated_in_the_answer(web: WebHouse) -> None:
    answer = web.operator().post("/api/v1/secrets", json={"ref": "app/key", "value": ["canary-4711"], "extra": "canary-4712"})
    assert answer.status_code == 422
    assert "canary" not in answer.text


def test_links_and_tokens(web: WebHouse) -> None:
    operator = web.operator()
    link = operator.post("/api/v1/invitations", json={"name": "anna", "scopes": ["approve"]}).json()
    assert link["url"] == f"{web.address}/#token={link['token']}"
    made = operator.post("/api/v1/tokens", json={"name": "ci", "scopes": ["plan"], "days": None}).json()
    program = web.client(made["token"])
    assert program.get("/api/v1/me").json() == {
        "name": "ci",
        "scopes": ["plan"],
        "door": "token",
        "world": "memory (simulated)",
        "instance": web.desk.instance,
    }
    assert made["token"] not in operator.get("/api/v1/tokens").text
    assert operator.delete(f"/api/v1/tokens/{made['about']['id']}").status_code == 204
    assert program.get("/api/v1/me").status_code == 401


def test_the_same_post_again_is_answered_and_not_done_again(web: WebHouse) -> None:
    program = web.client(web.token(Scope.APPLY), **{"Idempotency-Key": "once"})
    first = program.post("/api/v1/suspensions", json={"key": "box/one"})
    again = program.post("/api/v1/suspensions", json={"key": "box/one"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert web.kicks == ["suspend"]
    other = program.post("/api/v1/suspensions", json={"key": "box/two"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")


def test_a_key_of_one_caller_is_not_anothers(web: WebHouse) -> None:
    for token in (web.token(Scope.APPLY), web.token(Scope.APPLY)):
        answer = web.client(token, **{"Idempotency-Key": "once"}).post("/api/v1/sync")
        assert "idempotency-replayed" not in answer.headers
    assert web.kicks == ["asked", "asked"]


def test_a_post_that_failed_may_be_sent_again(web: WebHouse) -> None:
    program = web.client(web.token(Scope.APPLY), **{"Idempotency-Key": "once"})
    assert program.post("/api/v1/retry", json={"target": "all"}).status_code == 409
    web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    web.reconcile()
    assert program.post("/api/v1/retry", json={"target": "all"}).status_code == 200


def test_a_post_whose_first_is_under_way_waits_for_nobody(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(WebHouse):
        def reconcile(self, cause: str = "test", by: str = "tester") -> Report:
            begun.set()
            go_on.wait(60)
            return super().reconcile(cause, by)

    web = Slow(tmp_path)
    web.house.commit({"one": {}})
    web.start()
    try:
        program = web.client(web.token(Scope.APPLY), **{"Idempotency-Key": "once"})
        answers: list[int] = []
        first = threading.Thread(target=lambda: answers.append(program.post("/api/v1/sync?wait=1").status_code))
        first.start()
        assert begun.wait(60)
        second = program.post("/api/v1/sync?wait=1")
        assert (second.status_code, second.json()["code"]) == (409, "idempotency-in-progress")
        # Other callers are answered while one waits for its pass.
        assert web.client(web.token()).get("/livez").status_code == 200
        go_on.set()
        first.join(60)
        assert answers == [200]
    finally:
        go_on.set()
        web.end()


@pytest.mark.parametrize(
    ("sent", "media", "status", "code", "reason"),
    [
        (b'{"key": "box/one"}', "text/plain", 415, "unsupported-media-type", "what a form can send"),
        (b"key=box/one", "application/x-www-form-urlencoded", 415, "unsupported-media-type", "a form"),
        (b'{"key": "box/one"', "application/json", 422, "invalid-body", "cut off"),
        (b"", "application/json", 422, "invalid-body", "nothing"),
        (b'{"key": "box/one", "kye": 1}', "application/json", 422, "invalid-body", "a typo must not be ignored"),
        (b'{"key": 1}', "application/json", 422, "invalid-body", "a number is no key"),
        (b'{"key": "../x"}', "application/json", 422, "invalid-body", "A07: a path"),
        (b'{"key": "box/%s"}' % ("х".encode()), "application/json", 422, "invalid-body", "A07: a letter that looks like x"),
        (b'{"key": "box/-rf"}', "application/json", 422, "invalid-body", "A07: an option"),
        (b'{"key": "box/one\\n"}', "application/json", 422, "invalid-body", "A07: a line break"),
        (b'{"key": "box/one", "reason": "\\u001b[31m"}', "application/json", 422, "invalid-body", "A20: acts on a terminal"),
        (b'{"key": "box/one", "reason": "\\u202e"}', "application/json", 422, "invalid-body", "A07: turns the text around"),
        (b'{"key": "box/one", "reason": "\\ud800"}', "application/json", 422, "invalid-body", "A04: half a character"),
        (b"[" * 100_000, "application/json", 422, "invalid-body", "A03: nested without end"),
        (b"\xff\xfe{}", "application/json", 422, "invalid-body", "A04: not UTF-8"),
    ],
)
def test_bodies_that_make_no_sense(still: WebHouse, sent: bytes, media: str, status: int, code: str, reason: str) -> None:
    answer = still.operator().post("/api/v1/suspensions", content=sent, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["code"]) == (status, code), reason
    assert still.store.suspensions() == {}


def test_a_follower_only_looks(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, writes=False)
    web.house.commit({"one": {}})
    web.reconcile()
    web.start()
    try:
        operator = web.operator()
        assert operator.get("/api/v1/status").status_code == 200
        for path, body in (("/api/v1/sync", {}), ("/api/v1/retry", {"target": "all"}), ("/api/v1/rollback", {})):
            answer = operator.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "read-only")
    finally:
        web.end()


def test_a_backend_that_fails_is_told_as_such(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_rest: Any) -> StatusView:
        raise Transient("the engine does not answer")

    monkeypatch.setattr(web.house.reconciler, "survey", fails)
    answer = web.operator().get("/api/v1/plan")
    assert (answer.status_code, answer.json()["code"]) == (503, "backend-unreachable")
    assert "retry-after" in answer.headers


def test_what_nobody_foresaw_is_told_without_details(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_args: Any, **_rest: Any) -> StatusView:
        raise ZeroDivisionError("canary-4711")

    monkeypatch.setattr(web.house.reconciler, "survey", breaks)
    answer = web.operator().get("/api/v1/plan")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "canary" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_metrics_count_and_name_nothing_that_people_wrote(web: WebHouse) -> None:
    digest = held(web)
    report = web.house.reconciler.last
    web.meter.passed(report, 0.2)
    web.meter.passed(None, 0.1)
    text = web.client(web.token(Scope.READ)).get("/metrics").text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines['homelab_reconcile_total{result="held"}'] == "1.0"
    assert lines['homelab_reconcile_total{result="error"}'] == "1.0"
    assert lines["homelab_reconcile_duration_seconds_count"] == "2.0"
    assert lines["homelab_pending_approvals"] == "1.0"
    assert lines['homelab_backends{state="up"}'] == "1.0"
    assert lines['homelab_drift{kind="box"}'] == "0.0"
    assert float(lines["homelab_last_success_timestamp_seconds"]) > 0
    assert any(line.startswith('homelab_build_info{python="3.') for line in lines)
    assert not any(name in text for name in ("three", digest[:12], "tester", web.desk.instance))
    assert {line.split('"')[1] for line in lines if line.startswith("homelab_reconcile_total")} == set(RESULTS)


@pytest.mark.parametrize(
    ("trouble", "result", "reason"),
    [
        ("spec", "refused", "git holds what cannot be"),
        ("backend", "unknown", "a backend does not answer"),
        ("gate", "failed", "undone"),
    ],
)
def test_each_result_of_a_pass_is_counted(web: WebHouse, trouble: str, result: str, reason: str) -> None:
    if trouble == "spec":
        web.house.book.write({"one.yaml": "kind: Box\nname: one\nspec: {sise: 1}\n"})
    elif trouble == "backend":
        web.house.world.cut("local")
    else:
        web.house.commit({"one": {"image": "box:bad"}, "two": {"size": 2}})
    web.meter.passed(web.reconcile(), 0.1)
    assert f'homelab_reconcile_total{{result="{result}"}} 1.0' in web.meter.text().decode(), reason
