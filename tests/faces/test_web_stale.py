"""Orders of programs about what somebody saw before: each is bound to that, or needs not be."""

from __future__ import annotations

from typing import Any

import pytest

from controller.usecases.access import Scope
from controller.web.openapi import programs
from controller.web.routes import routes
from tests.support.webhouse import WebHouse

MATCH = "If-Match"
BOUND = {
    "/api/v1/approvals": "digests of what was shown",
    "/api/v1/rejections": "digests of what was shown",
    "/api/v1/retry": "the digest of what failed, where it is named by that",
    "/api/v1/rollback": "`plan`, the digest of the plan that was shown",
    "/api/v1/adoptions": "handles of what runs",
    "/api/v1/tokens/{id}": "an id is never used again",
    "/api/v1/sessions/{id}": "an id is never used again",
}
"""By what an order is bound where it has no precondition."""
ALONE = {
    "/api/v1/sync": "it makes what git says",
    "/api/v1/renewals": "it makes again what there is",
    "/api/v1/suspensions": "it takes nothing back",
    "/api/v1/suspensions/{kind}/{name}": "it makes what git says",
    "/api/v1/detach": "it touches nothing that runs",
    "/api/v1/proposals": "it is of the commit that it names, and merged by somebody who sees it",
    "/api/v1/secrets": "each value is a version, and the ones before are kept for undos",
    "/api/v1/secrets/rotations": "each value is a version",
    "/api/v1/secrets/exports": "it changes nothing",
    "/api/v1/notifications/test": "it changes nothing; targets are declared in git",
    "/api/v1/session": "one's own",
    "/api/v1/session/provider": "one's own",
    "/api/v1/me/password": "one's own, with the one before",
    "/api/v1/sessions": "one's own",
    "/api/v1/invitations": "it gives nobody more than they have",
    "/api/v1/tokens": "it is new",
    "/api/v1/people": "it is new",
    "/api/v1/people/{name}/sessions": "ending a browser's session takes nothing that its person cannot have again",
    "/api/v1/webhook": "it is made where there is none",
    "/hooks/git": "it carries no order",
}
"""What can be done whatever somebody else did meanwhile."""
PERSON = ("/api/v1/people/{name}", "/api/v1/people/{name}/scopes", "/api/v1/people/{name}/password")
PROPOSAL = tuple(f"/api/v1/proposals/{{id}}/{each}" for each in ("revisions", "approval", "rejection", "change-requests"))


def test_every_write_says_how_it_is_bound_to_what_was_seen() -> None:
    found: dict[str, set[str]] = {}
    for path, methods in programs(routes()).items():
        for method, operation in methods.items():
            if method != "GET":
                found.setdefault(path, set()).add(MATCH if 412 in operation.problems else "")
    assert {path for path, how in found.items() if how == {MATCH}} == {*PERSON, *PROPOSAL}
    assert {path for path, how in found.items() if how == {""}} == {*BOUND, *ALONE}


@pytest.fixture
def anna(web: WebHouse) -> str:
    """A person; the entity tag of how she is seen."""
    web.access.add_person("owner", [*Scope], "four words of nobody", "x")
    web.access.add_person("anna", [Scope.READ], "", "x")
    tag: str = web.client(web.token()).get("/api/v1/people/anna").headers["etag"]
    return tag


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "scopes", {"scopes": ["approve"]}),
        ("DELETE", "scopes", None),
        ("POST", "password", {"password": "another four words"}),
        ("DELETE", "", None),
    ],
)
def test_somebody_who_was_changed_meanwhile_is_looked_at_again(
    web: WebHouse, anna: str, method: str, path: str, body: Any
) -> None:
    admin, where = web.client(web.token()), f"/api/v1/people/anna/{path}".rstrip("/")
    seen = admin.get("/api/v1/people/anna", headers={"If-None-Match": anna})
    assert seen.status_code == 304
    assert admin.post("/api/v1/people/anna/scopes", json={"scopes": ["plan"]}).status_code == 200, "somebody else"
    for stale in (anna, f"W/{anna}", f'"x", {anna}', "anna"):
        answer = admin.request(method, where, json=body, headers={MATCH: stale})
        assert (answer.status_code, answer.json()["code"]) == (412, "stale"), stale
    now = admin.get("/api/v1/people/anna")
    assert now.json()["scopes"] == ["plan"], "nothing of it was done"
    assert now.headers["etag"] != anna
    row = web.access.audit.list(1)[0]
    assert (row.outcome, row.subject) == ("stale", "anna")
    done = admin.request(method, where, json=body, headers={MATCH: f'"x", {now.headers["etag"]}'})
    assert done.status_code in (200, 204)


@pytest.mark.parametrize("tag", ["", "*"])
def test_who_names_no_state_means_any(web: WebHouse, anna: str, tag: str) -> None:
    admin = web.client(web.token())
    answer = admin.post("/api/v1/people/anna/scopes", json={"scopes": ["plan"]}, headers={MATCH: tag} if tag else {})
    assert answer.status_code == 200
    assert admin.get("/api/v1/people/anna").headers["etag"] != anna


def test_a_new_password_is_another_state_and_shows_nothing_of_it(web: WebHouse, anna: str) -> None:
    admin = web.client(web.token())
    tags = {anna}
    for _ in range(2):
        assert admin.post("/api/v1/people/anna/password", json={"password": "the very same words"}).status_code == 204
        tags.add(admin.get("/api/v1/people/anna").headers["etag"])
    assert len(tags) == 3, "the same password is kept otherwise each time"
    nobody = admin.get("/api/v1/people/nobody")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not-found")
