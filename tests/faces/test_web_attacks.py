"""Attacks on the endpoint, by their numbers in the list of bad inputs. Each is refused and changes nothing."""

from __future__ import annotations

import gzip
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from controller.core.errors import SettingsError
from controller.usecases.access import TRIES, Scope
from controller.web import endpoint, server
from controller.web.names import Names
from controller.web.page_files import address
from tests.support.webhouse import WebHouse

PUSH = json.dumps({"ref": "refs/heads/main", "text": "ü"}, ensure_ascii=False).encode()
JSON = {"Content-Type": "application/json"}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def signed(secret: str, style: str, body: bytes) -> dict[str, str]:
    """The headers that each git server signs with."""
    found = signature(secret, body)
    return {
        "github": {"X-Hub-Signature-256": f"sha256={found}", "X-GitHub-Event": "push"},
        "gitea": {"X-Gitea-Signature": found, "X-Gitea-Event": "push"},
        "forgejo": {"X-Forgejo-Signature": found, "X-Gitea-Signature": found, "X-Hub-Signature-256": f"sha256={found}"},
        "gitlab": {"X-Gitlab-Token": secret, "X-Gitlab-Event": "Push Hook"},
    }[style]


@pytest.fixture
def secret(web: WebHouse) -> str:
    made = web.access.webhook_secret(make=True)
    assert made is not None
    return made


# A13, webhooks


@pytest.mark.parametrize("style", ["github", "gitea", "forgejo", "gitlab"])
def test_a13_a_signed_hook_asks_for_a_look(web: WebHouse, secret: str, style: str) -> None:
    answer = web.client().post("/hooks/git", content=PUSH, headers={**JSON, **signed(secret, style, PUSH)})
    assert (answer.status_code, answer.content) == (202, b"")
    assert web.kicks == ["webhook"]


@pytest.mark.parametrize("style", ["github", "gitea", "forgejo", "gitlab"])
@pytest.mark.parametrize("wrong", ["", "another secret"])
def test_a13_without_a_secret_every_hook_is_refused(web: WebHouse, style: str, wrong: str) -> None:
    answer = web.client().post("/hooks/git", content=PUSH, headers={**JSON, **signed(wrong, style, PUSH)})
    assert answer.status_code == 401
    assert web.kicks == []


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "not signed at all"),
        ({"X-Hub-Signature-256": ""}, "an empty signature"),
        ({"X-Hub-Signature-256": "sha256="}, "an empty digest"),
        ({"X-Hub-Signature-256": "{digest}"}, "without its mark"),
        ({"X-Hub-Signature-256": "sha1={digest}"}, "another algorithm"),
        ({"X-Hub-Signature": "sha1={sha1}"}, "the old header alone"),
        ({"X-Gitea-Signature": "sha256={digest}"}, "the mark of another server"),
        ({"X-Hub-Signature-256": "sha256={reserialised}"}, "signed over what the JSON means, not over its bytes"),
        ({"X-Hub-Signature-256": "sha256={digest}", "X-Gitea-Signature": "0"}, "two signatures that disagree"),
        ({"X-Gitlab-Token": ""}, "an empty token"),
        ({"X-Gitlab-Token": "{digest}"}, "a digest is no token"),
        ({"X-Hub-Signature-256": "sha256=\xff{digest}"}, "not even ASCII"),
    ],
)
def test_a13_a_hook_that_is_not_signed_with_our_secret(web: WebHouse, secret: str, headers: dict[str, str], reason: str) -> None:
    words = {
        "digest": signature(secret, PUSH),
        "sha1": hmac.new(secret.encode(), PUSH, "sha1").hexdigest(),
        "reserialised": signature(secret, json.dumps(json.loads(PUSH)).encode()),
    }
    sent = [(name.encode(), value.format(**words).encode("latin-1")) for name, value in {**JSON, **headers}.items()]
    answer = web.client().post("/hooks/git", content=PUSH, headers=sent)
    assert answer.status_code == 401, reason
    assert web.kicks == []


@pytest.mark.parametrize("style", ["github", "gitea", "gitlab"])
@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "nothing"),
        (b"{", 400, "cut off"),
        (b"[]", 400, "no object"),
        (b"\xff", 400, "not UTF-8"),
        (b"[" * 100_000, 400, "nested without end"),
        (gzip.compress(PUSH, mtime=0), 400, "compressed without saying so"),
    ],
)
def test_a13_a_malformed_hook_is_told_so(web: WebHouse, secret: str, style: str, body: bytes, status: int, reason: str) -> None:
    answer = web.client().post("/hooks/git", content=body, headers={**JSON, **signed(secret, style, body)})
    assert answer.status_code == status, reason
    assert web.kicks == []


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({"Content-Encoding": "gzip"}, "a bomb is never opened"), ({"Content-Type": "application/x-www-form-urlencoded"}, "a form")],
)
def test_a13_a_hook_in_another_form_is_refused(web: WebHouse, secret: str, headers: dict[str, str], reason: str) -> None:
    body = gzip.compress(b"0" * 10_000_000, mtime=0)
    answer = web.client().post("/hooks/git", content=body, headers={**JSON, **signed(secret, "github", body), **headers})
    assert answer.status_code == 415, reason


def test_a13_the_same_delivery_again_changes_nothing(web: WebHouse, secret: str) -> None:
    headers = {**JSON, **signed(secret, "github", PUSH), "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    client = web.client()
    assert [client.post("/hooks/git", content=PUSH, headers=headers).status_code for _ in range(3)] == [202, 204, 204]
    assert web.kicks == ["webhook"]


def test_a13_a_delivery_with_a_wrong_signature_does_not_use_its_name_up(web: WebHouse, secret: str) -> None:
    headers = {**JSON, "X-GitHub-Delivery": "one"}
    client = web.client()
    assert client.post("/hooks/git", content=PUSH, headers={**headers, **signed("wrong", "github", PUSH)}).status_code == 401
    assert client.post("/hooks/git", content=PUSH, headers={**headers, **signed(secret, "github", PUSH)}).status_code == 202


def test_a13_a_storm_of_hooks_makes_no_pass_of_its_own(web: WebHouse, secret: str) -> None:
    runs = len(web.store.runs())
    headers = {**JSON, **signed(secret, "gitlab", PUSH)}

    def storm(name: int) -> None:
        client = web.client()
        for number in range(250):
            assert client.post(
                "/hooks/git", content=PUSH, headers={**headers, "X-Gitlab-Event-UUID": f"{name}-{number}"}
            ).is_success

    threads = [threading.Thread(target=storm, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A kick is one mark in the queue, however often it is made.
    assert web.kicks == ["webhook"] * 1000
    assert len(web.store.runs()) == runs
    assert web.client().get("/livez").status_code == 200


def test_a13_wrong_signatures_do_not_lock_people_out(web: WebHouse, secret: str) -> None:
    client = web.client()
    statuses = [client.post("/hooks/git", content=PUSH, headers=JSON).status_code for _ in range(TRIES + 2)]
    assert statuses == [401] * TRIES + [429] * 2
    assert client.post("/hooks/git", content=PUSH, headers={**JSON, **signed(secret, "github", PUSH)}).status_code == 202
    assert web.browser().get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("path", ["/hooks/git", "/api/v1/sync", "/api/v1/session"])
def test_a13_a_body_without_end_is_cut(web: WebHouse, path: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(3000):
            sent += 100_000
            yield b" " * 100_000

    client = web.client(web.token(), **web.own_page())
    try:
        answer = client.post(path, content=endless(), headers=JSON)
    except httpx2.WriteError:
        pass  # it was cut while we were still sending
    else:
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert sent < 100_000_000


@pytest.mark.parametrize("path", ["/hooks/git", "/api/v1/sync"])
def test_a13_a_body_that_is_declared_too_large_is_not_read(still: WebHouse, path: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {still.token()}\r\nContent-Length: 300000000\r\n\r\n"
    )
    answer = still.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "too-large"' in answer


# A14, slow clients


def test_a14_slow_bodies_are_told_to_go(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "BODY_SECONDS", 0.3)
    head = f"POST /hooks/git HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nContent-Length: 1000\r\n\r\n{{".encode()
    links = [socket.create_connection(("127.0.0.1", web.port), timeout=60) for _ in range(300)]
    try:
        for link in links:
            link.sendall(head)
        assert web.client(web.token()).get("/api/v1/status").status_code == 200
        for link in links:
            assert link.recv(65536).startswith(b"HTTP/1.1 408 ")
    finally:
        for link in links:
            link.close()


@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (b"", "says nothing"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-", "begins a request and stops"),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /li", "stops in its second request"),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nx", "has a body that nobody asked for"),
    ],
)
def test_a14_connections_that_do_not_ask_are_cut(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch, begin: bytes, reason: str
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as link:
        link.sendall(begin)
        try:
            while link.recv(65536):
                pass
        except ConnectionResetError:
            pass  # cut: that is what is asked for; a time-out would fail the test


def test_a14_too_many_connections_are_cut_and_the_operator_still_gets_in(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 5)
    links = [socket.create_connection(("127.0.0.1", web.port), timeout=60) for _ in range(5)]
    try:
        for link in links:
            link.sendall(b"GET ")
        with pytest.raises(httpx2.TransportError):
            web.client().get("/livez")
        assert web.operator().get("/livez").status_code == 200
    finally:
        for link in links:
            link.close()


# A15, headers that lie


@pytest.mark.parametrize(
    ("host", "status", "reason"),
    [
        ("127.0.0.1:{port}", 200, "the address"),
        ("localhost:{port}", 200, "the machine's name for itself"),
        ("LOCALHOST", 200, "names have no case"),
        ("[::1]:{port}", 200, "an address"),
        ("192.0.2.7", 200, "an address cannot be pointed at us by a name server"),
        ("house.example.net", 200, "what a person set as public"),
        ("evil.example", 400, "A16: a name that was pointed at us"),
        ("127.0.0.1.evil.example", 400, "only begins like ours"),
        ("localhost.evil.example:{port}", 400, "only begins like ours"),
        ("house.example.net.", 400, "another spelling"),
        ("house.example.net@evil.example", 400, "hides behind a user"),
        ("localhost:99999", 400, "no port"),
        ("localhost:x", 400, "no port"),
        ("", 400, "nothing"),
        ("localhost/..", 400, "a path"),
        ("localhost, evil.example", 400, "two names"),
    ],
)
def test_a15_only_our_own_names_are_answered(still: WebHouse, host: str, status: int, reason: str) -> None:
    sent = f"GET /livez HTTP/1.1\r\nHost: {host.format(port=still.port)}\r\nConnection: close\r\n\r\n"
    assert still.raw(sent.encode()).startswith(f"HTTP/1.1 {status} ".encode()), reason


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("GET /livez HTTP/1.1\r\n", "no Host"),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", "two Hosts"),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nX\r\n", "no header"),
        ("GET /livez\nHTTP/1.1\r\nHost: localhost\r\n", "a line break in the target"),
        ("GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n", "absolute form"),
        ("GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n", "a target that reads like a host"),
        ("GET //livez HTTP/1.1\r\nHost: localhost\r\n", "two slashes"),
        ("GET /livez/ HTTP/1.1\r\nHost: localhost\r\n", "a slash too many is not sent elsewhere"),
    ],
)
def test_a15_strange_requests_lead_nowhere(still: WebHouse, head: str, reason: str) -> None:
    answer = still.raw(f"{head}Connection: close\r\n\r\n".encode())
    assert answer.split(b" ", 2)[1] in (b"400", b"404"), reason
    assert b"\r\nlocation:" not in answer.lower()


def test_a15_forwarded_headers_count_for_nothing(web: WebHouse) -> None:
    lies = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=unix:;host=evil.example;proto=https",
        "X-Real-IP": "127.0.0.1",
    }
    stranger = web.client(**lies)
    assert stranger.get("/api/v1/status").status_code == 401
    answer = web.client(**web.own_page(), **lies).post("/api/v1/session", json={"token": web.access.invite()})
    assert "Secure" not in answer.headers["set-cookie"]
    for number in range(TRIES):
        web.client("hlc_0_0", **{**lies, "X-Forwarded-For": f"192.0.2.{number}"}).get("/api/v1/me")
    assert web.client("hlc_0_0", **{**lies, "X-Forwarded-For": "192.0.2.99"}).get("/api/v1/me").status_code == 429


@pytest.mark.parametrize(
    "address", ["house.example.net", "ftp://house", "https://", "https://house/path", "https://a@b", "https://hoüse"]
)
def test_a_public_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(SettingsError, match="public"):
        Names.of([address])


def test_a_wrong_token_does_not_close_what_is_open(web: WebHouse) -> None:
    program = web.client("hlc_0_0")
    assert [program.get("/livez").status_code for _ in range(TRIES + 2)] == [200] * (TRIES + 2)


# A16, other sites


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "another site"),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9999"}, "another port of this host: the cookie came along"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:9999"}, "says it is ours, is another port"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, "without the port"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://127.0.0.1:{port}"}, "another scheme"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "a sandboxed frame"),
        ({"Sec-Fetch-Site": "same-origin"}, "no Origin"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"}, "our Origin, but another site asks"),
        ({}, "an old browser, or no browser: a token is for programs"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/sync", None),
        ("POST", "/api/v1/detach", {"all": True}),
        ("DELETE", "/api/v1/suspensions/box/one", None),
        ("DELETE", "/api/v1/session", None),
        ("POST", "/api/v1/session", {"token": "hlo_x"}),
    ],
)
def test_a16_a_cookie_alone_changes_nothing(
    still: WebHouse, headers: dict[str, str], reason: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in still.browser().cookies.items())}
    sent = {name: value.format(port=still.port) for name, value in headers.items()}
    answer = still.client(**sent, **cookie).request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site"), reason
    assert still.kicks == []
    assert len(still.store.rows()) == 2


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a16_other_sites_cannot_listen_or_read(still: WebHouse, site: str) -> None:
    browser = still.browser()
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors", "Origin": "http://127.0.0.1:9999"}
    for accept in ("text/event-stream", "application/json"):
        answer = browser.get("/api/v1/events", headers={**headers, "Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
        assert not any(name.startswith("access-control-") for name in answer.headers)


def test_a16_a_link_from_another_site_may_open_the_page(web: WebHouse) -> None:
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    assert web.browser().get("/", headers=headers).status_code == 200


def test_a16_there_is_no_websocket_and_no_preflight(web: WebHouse) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "eA==", "Sec-WebSocket-Version": "13"}
    assert web.browser().get("/api/v1/events?limit=1", headers=upgrade).status_code == 200
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = web.client().options("/api/v1/sync", headers=preflight)
    assert answer.status_code == 405
    assert not any(name.startswith("access-control-") for name in answer.headers)


def test_a16_by_https_the_cookie_is_bound_to_its_host(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, public=["https://house.example.net"])
    web.start()
    try:
        asks = {"Host": "house.example.net", "Sec-Fetch-Site": "same-origin", "Origin": "https://house.example.net"}
        answer = web.client(**asks).post("/api/v1/session", json={"token": web.access.invite()})
        name, _, rest = answer.headers["set-cookie"].partition("=")
        assert name.startswith("__Host-homelab-")
        assert rest.partition("; ")[2] == "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"
        assert "strict-transport-security" in answer.headers
        cookie = f"{name}={rest.partition(';')[0]}"
        assert web.client(**asks, Cookie=cookie).get("/api/v1/me").status_code == 200
        assert web.client(**asks, Cookie=cookie.removeprefix("__Host-")).get("/api/v1/me").status_code == 401
        plain = {**asks, "Origin": "http://house.example.net"}
        assert web.client(**plain, Cookie=cookie).post("/api/v1/sync").status_code == 403
    finally:
        web.end()


# A17, sessions


def test_a17_the_cookie_is_closed_to_scripts_and_other_sites(web: WebHouse) -> None:
    answer = web.client(**web.own_page()).post("/api/v1/session", json={"token": web.access.invite()})
    assert answer.headers["set-cookie"].partition("; ")[2] == "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"


def test_a17_a_session_that_somebody_chose_is_never_taken_over(web: WebHouse) -> None:
    browser = web.client(**web.own_page())
    name = next(iter(web.browser().cookies))
    browser.cookies.set(name, "chosen-by-somebody-else")
    answer = browser.post("/api/v1/session", json={"token": web.access.invite()})
    assert answer.status_code == 201
    assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
    assert web.client(Cookie=f"{name}=chosen-by-somebody-else").get("/api/v1/me").status_code == 401


def test_a17_signing_in_again_ends_the_session_before(web: WebHouse) -> None:
    browser = web.browser()
    before = dict(browser.cookies)
    assert browser.post("/api/v1/session", json={"token": web.access.invite()}).status_code == 201
    assert dict(browser.cookies) != before
    assert web.client(Cookie="; ".join(f"{k}={v}" for k, v in before.items())).get("/api/v1/me").status_code == 401


def test_a17_a_cookie_is_worth_nothing_after_signing_out(web: WebHouse) -> None:
    browser = web.browser()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    left = browser.delete("/api/v1/session")
    assert left.status_code == 204
    assert not browser.cookies
    # The other services of this domain keep their cookies.
    assert "clear-site-data" not in left.headers
    for path in ("/api/v1/me", "/api/v1/status", "/api/v1/events", "/metrics"):
        assert web.client(Cookie=cookie).get(path).status_code == 401
    assert 'id="door"' in web.client(Cookie=cookie).get("/").text


def test_a17_nobody_gives_what_they_do_not_have(web: WebHouse) -> None:
    link = web.operator().post("/api/v1/invitations", json={"name": "anna", "scopes": ["approve"]}).json()["token"]
    browser = web.client(**web.own_page())
    assert browser.post("/api/v1/session", json={"token": link}).json()["scopes"] == ["approve"]
    assert browser.post("/api/v1/tokens", json={"name": "more", "scopes": ["admin"]}).status_code == 403
    assert browser.post("/api/v1/sync").json()["code"] == "not-allowed"
    assert web.access.tokens() == ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Basic cm9vdDpyb290", "another scheme"),
        ("Bearer", "nothing behind it"),
        ("bearer {token} x", "more behind it"),
        ("Bearer hlc_{token}", "twice the mark"),
    ],
)
def test_a17_other_credentials_open_nothing(still: WebHouse, value: str, reason: str) -> None:
    answer = still.client(Authorization=value.format(token=still.token())).get("/api/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), reason


def test_a18_wrong_links_are_limited_across_a_restart(web: WebHouse, tmp_path: Path) -> None:
    stranger = web.client(**web.own_page())
    statuses = [stranger.post("/api/v1/session", json={"token": "hlo_guess"}).status_code for _ in range(TRIES + 1)]
    assert statuses == [401] * TRIES + [429]
    (tmp_path / "again").mkdir()
    restarted = WebHouse(tmp_path / "again", house=web.house)
    restarted.start()
    try:
        answer = restarted.client(**restarted.own_page()).post("/api/v1/session", json={"token": restarted.access.invite()})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert restarted.operator().post("/api/v1/invitations", json={}).status_code == 201
    finally:
        restarted.end()


# A36, paths


_JS = address("js/page.js").removesuffix("/page.js")


@pytest.mark.parametrize(
    "target",
    [
        "/static/../templates/base.html",
        "/static/%2e%2e/templates/base.html",
        f"{_JS}/..%2f..%2f..%2ftemplates/base.html",
        "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
        f"{_JS}/..;/page.js",
        f"{_JS}//page.js",
        f"/{_JS}/page.js",
        f"{_JS}/page.js/",
        f"{_JS}/page.js%00",
        f"{_JS}/page.js%20",
        f"{_JS}/PAGE.JS",
        "/static/base.html",
        "/static/page_files.py",
        "/static/",
        "/js/page.js",
        "/api/v1/../v1/status",
        "/api/v1/%2e%2e/v1/status",
        "/api//v1/status",
        "/api/v1/status%2f",
        "/api/v1/status;x=1",
        "/api/v1/status%00",
        "/api/v1/runs/..%2f..%2fetc",
        "/hooks/git/../../livez",
        "/\\livez",
        "/%c0%ae%c0%ae/livez",
    ],
)
def test_a36_paths_that_climb_lead_nowhere(still: WebHouse, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {still.token()}\r\nConnection: close\r\n\r\n"
    assert still.raw(head.encode()).startswith(b"HTTP/1.1 404 ")


# What is around every answer


@pytest.mark.parametrize("path", ["/", "/livez", address("js/page.js"), "/api/v1/status", "/nothing", "/hooks/git"])
def test_every_answer_is_closed_to_other_sites(still: WebHouse, path: str) -> None:
    headers = still.client().get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin", "to nobody else; without any, a form would say `Origin: null`"
    assert "server" not in headers
    known = path.startswith("/static/")
    assert headers["cache-control"] == ("public, max-age=31536000, immutable" if known else "no-store")


def test_the_socket_is_the_owners_alone(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.socket.stat().st_mode & 0o777 == 0o600
    # Somebody else's process, by the word of the kernel.
    monkeypatch.setattr(server, "_peer", lambda _link: 65534)
    with pytest.raises(httpx2.TransportError):
        web.operator().get("/livez")


def test_nothing_from_the_network_passes_for_the_socket(still: WebHouse) -> None:
    for host in ("homelab", str(still.socket), "unix"):
        sent = f"POST /api/v1/secrets/exports HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert still.raw(sent.encode()).startswith(b"HTTP/1.1 400 ")
    assert still.client(still.token(Scope.ADMIN)).post("/api/v1/secrets/exports").json()["code"] == "socket-only"
