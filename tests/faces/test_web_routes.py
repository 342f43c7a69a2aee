"""Who may call what: every path and method of the endpoint, held against a list that a person wrote."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from controller.usecases.access import Scope
from controller.web import page_files
from controller.web.routes import routes
from tests.support.webhouse import WebHouse

ANYBODY, SOCKET = "anybody", "socket"
READ, PLAN, PROPOSE, APPROVE = Scope.READ, Scope.PLAN, Scope.PROPOSE, Scope.APPROVE
APPLY, ADMIN = Scope.APPLY, Scope.ADMIN

MAY: dict[tuple[str, str], str] = {
    **{("GET", path): ANYBODY for path in page_files.routes()},  # no data in them: they are the same in every house
    ("GET", "/livez"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("POST", "/hooks/git"): ANYBODY,  # who cannot sign is refused: see the attacks
    ("POST", "/api/v1/session"): ANYBODY,  # who has no invitation is refused
    ("DELETE", "/api/v1/session"): READ,
    ("GET", "/metrics"): READ,
    ("GET", "/api/openapi.json"): READ,
    ("GET", "/api/v1/me"): READ,
    ("GET", "/api/v1/status"): READ,
    ("GET", "/api/v1/history"): READ,
    ("GET", "/api/v1/history/days"): READ,
    ("GET", "/api/v1/uptime"): READ,
    ("GET", "/api/v1/uptime/{kind}/{name}"): READ,
    ("GET", "/api/v1/runs/{id}"): READ,
    ("GET", "/api/v1/resources/{kind}/{name}"): READ,
    ("GET", "/api/v1/events"): READ,
    ("GET", "/api/v1/energy"): READ,
    ("GET", "/badge/{kind}/{name}.svg"): READ,
    ("GET", "/api/v1/summary"): READ,
    ("GET", "/api/v1/notifications"): READ,
    ("GET", "/"): READ,
    ("GET", "/page/energy"): READ,
    ("GET", "/page/uptime"): READ,
    ("GET", "/find"): READ,
    ("POST", "/look"): APPLY,
    ("GET", "/resources/{kind}/{name}"): READ,
    ("POST", "/resources/{kind}/{name}/suspend"): APPLY,
    ("POST", "/resources/{kind}/{name}/resume"): APPLY,
    ("POST", "/resources/{kind}/{name}/retry"): APPLY,
    ("GET", "/resources/{kind}/{name}/rollback"): PLAN,
    ("POST", "/resources/{kind}/{name}/rollback"): APPLY,
    ("GET", "/api/v1/proposals"): READ,
    ("POST", "/api/v1/proposals"): PROPOSE,
    ("GET", "/api/v1/proposals/{id}"): PLAN,
    ("POST", "/api/v1/proposals/{id}/revisions"): PROPOSE,
    ("POST", "/api/v1/proposals/{id}/approval"): APPROVE,
    ("POST", "/api/v1/proposals/{id}/rejection"): APPROVE,
    ("POST", "/api/v1/proposals/{id}/change-requests"): APPROVE,
    ("GET", "/proposals"): READ,
    ("GET", "/proposals/{id}"): PLAN,
    ("POST", "/proposals/{id}/approve"): APPROVE,
    ("POST", "/proposals/{id}/reject"): APPROVE,
    ("POST", "/proposals/{id}/request-changes"): APPROVE,
    ("GET", "/propose"): PROPOSE,
    ("POST", "/propose"): PROPOSE,
    ("GET", "/proposals/{id}/revise"): PROPOSE,
    ("POST", "/proposals/{id}/revise"): PROPOSE,
    ("GET", "/settings"): READ,
    ("POST", "/settings/theme"): READ,
    ("GET", "/settings/api"): READ,
    ("GET", "/settings/api/{subject}"): READ,
    ("POST", "/settings/keys"): READ,
    ("GET", "/settings/account"): READ,
    ("POST", "/settings/account"): READ,
    ("POST", "/settings/account/sessions/{id}"): READ,  # one's own, as by the API
    ("POST", "/settings/account/others"): READ,
    ("GET", "/settings/people"): ADMIN,
    ("POST", "/settings/people"): ADMIN,
    ("GET", "/settings/people/{name}"): ADMIN,
    ("POST", "/settings/people/{name}"): ADMIN,
    ("POST", "/settings/people/{name}/scopes"): ADMIN,
    ("POST", "/settings/people/{name}/password"): ADMIN,
    ("POST", "/settings/people/{name}/sessions"): ADMIN,
    ("GET", "/settings/people/{name}/end"): ADMIN,
    ("POST", "/settings/people/{name}/lock"): ADMIN,
    ("POST", "/settings/people/{name}/remove"): ADMIN,
    ("GET", "/settings/tokens"): ADMIN,
    ("POST", "/settings/tokens"): ADMIN,
    ("GET", "/settings/tokens/{id}/revoke"): ADMIN,
    ("POST", "/settings/tokens/{id}/revoke"): ADMIN,
    ("POST", "/enter"): ANYBODY,  # from our own page only, and who has no credential is refused
    ("POST", "/leave"): READ,
    ("GET", "/settings/notifications"): READ,
    ("POST", "/settings/notifications"): APPLY,
    ("GET", "/plan"): PLAN,
    ("GET", "/plan/now"): PLAN,
    ("GET", "/page/plan"): PLAN,
    ("POST", "/plan/approve"): APPROVE,
    ("POST", "/plan/reject"): APPROVE,
    ("GET", "/history"): READ,
    ("GET", "/history/{id}"): READ,
    ("GET", "/page/commits"): READ,
    ("GET", "/compare"): READ,
    ("GET", "/rollback"): PLAN,
    ("POST", "/rollback"): APPLY,
    ("GET", "/domains"): READ,
    ("POST", "/domains/renew"): APPLY,
    ("GET", "/topology"): READ,
    ("GET", "/audit"): READ,  # the trail in it is for admins
    ("POST", "/audit/retry"): APPLY,
    ("POST", "/audit/resume"): APPLY,
    ("GET", "/api/v1/decisions"): READ,
    ("GET", "/api/v1/domains"): READ,
    ("GET", "/api/v1/topology"): READ,
    ("GET", "/api/v1/revisions"): READ,
    ("GET", "/api/v1/compare"): READ,
    ("GET", "/api/v1/compare/patch"): READ,
    ("GET", "/api/v1/plan"): PLAN,
    ("GET", "/api/v1/logs/{kind}/{name}"): PLAN,
    ("GET", "/api/v1/rollback"): PLAN,
    ("POST", "/api/v1/approvals"): APPROVE,
    ("POST", "/api/v1/rejections"): APPROVE,
    ("POST", "/api/v1/sync"): APPLY,
    ("POST", "/api/v1/retry"): APPLY,
    ("POST", "/api/v1/rollback"): APPLY,
    ("POST", "/api/v1/renewals"): APPLY,
    ("POST", "/api/v1/notifications/test"): APPLY,
    ("POST", "/api/v1/suspensions"): APPLY,
    ("DELETE", "/api/v1/suspensions/{kind}/{name}"): APPLY,
    ("POST", "/api/v1/detach"): ADMIN,
    ("POST", "/api/v1/adoptions"): ADMIN,
    ("GET", "/api/v1/secrets"): ADMIN,
    ("POST", "/api/v1/invitations"): ADMIN,
    ("GET", "/api/v1/tokens"): ADMIN,
    ("POST", "/api/v1/tokens"): ADMIN,
    ("DELETE", "/api/v1/tokens/{id}"): ADMIN,
    ("POST", "/api/v1/session/provider"): ANYBODY,  # from our own page only
    ("GET", "/sign-in/provider"): ANYBODY,  # who brings no answer of a provider is refused
    ("GET", "/api/v1/sessions"): READ,  # one's own
    ("DELETE", "/api/v1/sessions"): READ,  # one's own, but for the one that asks
    ("DELETE", "/api/v1/sessions/{id}"): READ,
    ("POST", "/api/v1/me/password"): READ,
    ("GET", "/api/v1/people"): ADMIN,
    ("POST", "/api/v1/people"): ADMIN,
    ("GET", "/api/v1/people/{name}"): ADMIN,
    ("DELETE", "/api/v1/people/{name}"): ADMIN,
    ("POST", "/api/v1/people/{name}/scopes"): ADMIN,
    ("DELETE", "/api/v1/people/{name}/scopes"): ADMIN,
    ("DELETE", "/api/v1/people/{name}/sessions"): ADMIN,
    ("POST", "/api/v1/people/{name}/password"): ADMIN,
    ("GET", "/api/v1/audit"): ADMIN,
    ("GET", "/api/v1/audit/proof"): ADMIN,
    ("POST", "/api/v1/secrets"): SOCKET,
    ("POST", "/api/v1/secrets/rotations"): SOCKET,
    ("POST", "/api/v1/secrets/exports"): SOCKET,
    ("GET", "/api/v1/webhook"): SOCKET,
    ("POST", "/api/v1/webhook"): SOCKET,
}
HOOK, ENTRY = ("POST", "/hooks/git"), ("POST", "/api/v1/session")
THERE, DOOR = ("POST", "/api/v1/session/provider"), ("POST", "/enter")
LEAVING = {("DELETE", "/api/v1/session"), ("POST", "/leave")}
REFUSALS = {"not-authenticated", "not-allowed", "socket-only", "cross-site"}


def concrete(path: str) -> str:
    return path.replace("{id}", "nothing").replace("{kind}", "box").replace("{name}", "nothing")


def let_in(client: httpx2.Client, method: str, path: str) -> bool:
    """True when the gate lets a caller pass; what is sent makes no sense, so that nothing is done."""
    body: dict[str, Any] = {"json": {"no": "sense"}} if method == "POST" and path != "/api/v1/sync" else {}
    if path in ("/api/v1/webhook", "/api/v1/secrets/exports", "/api/v1/sync"):
        body["params"] = {"no": "sense"}
    answer = client.request(method, concrete(path), **body)
    assert answer.status_code < 500, (method, path, answer.text)
    if answer.headers.get("content-type", "").startswith("text/html"):
        return answer.status_code not in (401, 403)  # the door, and the page that says what is missing
    if answer.headers.get("content-type") != "application/problem+json":
        return True
    return answer.json()["code"] not in REFUSALS


def test_the_list_names_every_route() -> None:
    assert {(method, path) for path, methods in routes().items() for method in methods} == set(MAY)


def test_a_stranger_may_only_what_is_open(web: WebHouse) -> None:
    stranger = web.client()
    allowed = {item for item in MAY if let_in(stranger, *item)}
    # More are open to ask and refuse at once: a hook without our signature, an entry without proof that our own page asks.
    assert allowed == {item for item, least in MAY.items() if least == ANYBODY} - {HOOK, ENTRY, THERE, DOOR}


@pytest.mark.parametrize("scope", Scope)
def test_a_token_may_what_its_scope_says(web: WebHouse, scope: Scope) -> None:
    program = web.client(web.token(scope))
    reachable = {ANYBODY, READ, scope} | (set(Scope) if scope is Scope.ADMIN else set())
    assert {item for item in MAY if let_in(program, *item)} == {i for i, least in MAY.items() if least in reachable} - {
        HOOK,
        ENTRY,
        THERE,
        DOOR,
    }


@pytest.mark.parametrize("scope", Scope)
def test_a_session_may_what_its_scope_says(web: WebHouse, scope: Scope) -> None:
    browser = web.browser(scope)
    reachable = {ANYBODY, READ, scope} | (set(Scope) if scope is Scope.ADMIN else set())
    # A person who may change the specification's world may propose a change of it.
    reachable |= {PROPOSE} if scope is Scope.APPLY else set()
    allowed = {item for item in MAY if item not in LEAVING and let_in(browser, *item)}
    # Nothing is allowed after it.
    allowed |= {item for item in LEAVING if let_in(web.browser(scope), *item)}
    assert allowed == {item for item, least in MAY.items() if least in reachable} - {HOOK}


OTHER_SITES: list[tuple[dict[str, str], str]] = [
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "another site"),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9"}, "another port of this host: the cookie comes along"),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:9"}, "says it is ours, and is not"),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, "our Origin, but another site asks"),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "a sandboxed frame"),
    ({}, "no browser, with a browser's cookie"),
]


@pytest.mark.parametrize(("headers", "reason"), OTHER_SITES, ids=[reason for _, reason in OTHER_SITES])
def test_a_session_may_nothing_that_another_site_asks_for(web: WebHouse, headers: dict[str, str], reason: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in web.browser().cookies.items())
    sent = {name: value.format(own=web.address) for name, value in headers.items()}
    asking = web.client(**sent, **({"Sec-Fetch-Mode": "cors"} if sent else {}), Cookie=cookie)
    read_by_page = {item for item in MAY if item[0] == "GET"}
    for item, least in MAY.items():
        if least in (ANYBODY, SOCKET) and item not in (ENTRY, THERE, DOOR):
            continue
        method, path = item
        answer = asking.request(method, concrete(path), json={"no": "sense"} if method == "POST" else None)
        if item in read_by_page and sent.get("Sec-Fetch-Site", "same-origin") == "same-origin":
            continue  # looking needs only the browser's word, which no other site can change
        assert (answer.status_code, reason) == (403, reason), item
        assert "cross-site" in answer.text, item
    assert web.kicks == []
    assert web.access.session(cookie.partition("=")[2]) is not None


def test_a_session_may_everything_but_what_is_the_operators(web: WebHouse) -> None:
    browser = web.browser()
    allowed = {item for item in MAY if item not in LEAVING and let_in(browser, *item)}
    # Nothing is allowed after it.
    allowed |= {item for item in LEAVING if let_in(web.browser(), *item)}
    assert allowed == {item for item, least in MAY.items() if least != SOCKET} - {HOOK}


def test_the_operator_at_the_socket_may_everything(web: WebHouse) -> None:
    operator = web.operator()
    assert {item for item in MAY if let_in(operator, *item)} == set(MAY) - {HOOK}


def test_other_methods_are_answered_with_what_is_allowed(web: WebHouse) -> None:
    operator = web.operator()
    for path, methods in routes().items():
        known = set(methods) | ({"HEAD"} if "GET" in methods else set())
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - known:
            answer = operator.request(method, concrete(path))
            assert answer.status_code == 405, (method, path)
            assert answer.headers["allow"] == ", ".join(sorted(known)), (method, path)


def test_a_revoked_or_expired_token_opens_nothing(web: WebHouse) -> None:
    old, _ = web.access.issue("old", list(Scope), 1, "tester")
    gone, about = web.access.issue("gone", list(Scope), None, "tester")
    web.access.revoke(about.id, "tester")
    web.clock.ahead = 86_400.0 + 1
    for token in (old, gone):
        program = web.client(token)
        for (method, path), least in MAY.items():
            if least != ANYBODY:
                # From the tenth wrong one on the address is told to wait; it gets in no more than before.
                assert program.request(method, concrete(path)).status_code in (401, 429), (method, path)
