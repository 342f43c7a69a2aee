"""Signing in at an OpenID provider: the way there and back, and everything that proves nothing."""

from __future__ import annotations

import base64
import hmac
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import OctKey, RSAKey

from controller.core.sign_in import OpenIdProvider
from controller.usecases.access import TRIES, Scope, local
from controller.web.provider import BACK
from tests.support.openid import CLIENT, SECRET, Provider
from tests.support.webhouse import WebHouse


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that tells the truth so far."""
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def web(tmp_path: Path, provider: Provider) -> Iterator[WebHouse]:
    """A house that this provider is declared for."""
    found = WebHouse(tmp_path)
    declare(found, provider.issuer)
    found.vault.set("oidc/homelab", SECRET)
    found.start()
    yield found
    found.end()


def declare(web: WebHouse, issuer: str, **more: Any) -> None:
    scopes = {"admins": ["admin"], "family": ["read", "approve"]}
    spec = {"issuer": issuer, "clientId": CLIENT, "clientSecret": {"ref": "oidc/homelab"}, "scopes": scopes, **more}
    web.provider = OpenIdProvider.model_validate(spec)


def begin(web: WebHouse) -> tuple[httpx2.Client, str]:
    """A browser that goes to the provider, and the address that the provider sends it back to."""
    browser = web.client(**web.own_page())
    answer = browser.post("/api/v1/session/provider")
    assert answer.status_code == 200, answer.text
    return browser, httpx2.get(answer.json()["url"], follow_redirects=False, trust_env=False).headers["location"]


def come_back(browser: httpx2.Client, address: str) -> httpx2.Response:
    """What the browser gets that follows the provider's link, as another site's."""
    parts = urlsplit(address)
    return browser.get(
        f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": ""}
    )


def let_in(browser: httpx2.Client) -> bool:
    return browser.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_whom_the_provider_vouches_for_gets_the_rights_of_their_groups(web: WebHouse, provider: Provider, alg: str) -> None:
    provider.token = lambda claims: provider.signed(claims, alg)
    browser, address = begin(web)
    answer = come_back(browser, address)
    assert answer.status_code == 200, answer.text
    assert b'url=/"' in answer.content, "our own page leads on, so that the strict cookie is sent"
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["scopes"]) == ("anna", ["approve", "read"])
    assert [(item.name, item.provider, item.password) for item in web.access.people()] == [("anna", True, False)]
    assert [view.way for view in web.access.sessions(web.access.bearer(web.token(), ""))] == ["provider"]
    assert SECRET not in answer.text + address


def test_the_way_there_is_bound_to_one_browser(web: WebHouse) -> None:
    answer = web.client(**web.own_page()).post("/api/v1/session/provider")
    cookie = answer.headers["set-cookie"]
    assert cookie.partition("; ")[2] == "Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
    words = parse_qs(urlsplit(answer.json()["url"]).query)
    flow = cookie.partition("=")[2].partition(";")[0]
    assert words["redirect_uri"] == [f"{web.address}{BACK}"]
    assert words["code_challenge_method"] == ["S256"]
    assert not any(flow in text for values in words.values() for text in values)
    assert len({words[name][0] for name in ("state", "nonce", "code_challenge")}) == 3


def test_rights_follow_the_groups_at_every_sign_in(web: WebHouse, provider: Provider) -> None:
    first, address = begin(web)
    come_back(first, address)
    provider.claims["groups"] = ["/admins"]
    second, address = begin(web)
    come_back(second, address)
    assert "admin" in second.get("/api/v1/me").json()["scopes"]
    provider.claims["groups"] = ["guests"]
    third, address = begin(web)
    assert come_back(third, address).status_code == 400
    assert not let_in(third)


def signed_in(web: WebHouse) -> httpx2.Client:
    """A browser that the provider let in."""
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 200
    return browser


def test_who_gets_no_rights_from_the_provider_any_more_has_none_here(web: WebHouse, provider: Provider) -> None:
    before, link = signed_in(web), web.access.invite("anna", [Scope.READ])
    provider.claims["preferred_username"] = "anna-2"
    renamed = signed_in(web)
    programs = [web.client(web.access.issue("x", [Scope.READ], None, by)[0]) for by in ("anna", "anna-2", "tester")]
    assert [let_in(each) for each in (before, renamed, *programs)] == [True] * 5
    other = {**provider.claims, "sub": "43", "preferred_username": "evin"}
    provider.claims, anna = other, provider.claims
    evin = signed_in(web)
    provider.claims = {**anna, "groups": ["guests"], "preferred_username": ""}
    browser, address = begin(web)
    answer = come_back(browser, address)
    assert (answer.status_code, "none of your groups" in answer.text) == (400, True)
    assert [let_in(each) for each in (browser, before, renamed, *programs, evin)] == [False] * 5 + [True] * 2
    assert web.client(**web.own_page()).post("/api/v1/session", json={"token": link}).status_code == 401
    rights = {item.name: item.scopes for item in web.access.people()}
    assert rights == {"anna": (), "anna-2": (), "evin": ("approve", "read")}
    provider.claims = anna
    assert signed_in(web).get("/api/v1/me").json()["scopes"] == ["approve", "read"]
    assert not let_in(before)


def test_a_token_does_not_keep_a_right_that_the_provider_took(web: WebHouse, provider: Provider) -> None:
    provider.claims["groups"] = ["admins"]
    before = signed_in(web)
    issued = [web.access.issue("x", [scope], None, "anna")[0] for scope in (Scope.READ, Scope.APPLY)]
    read, apply = map(web.client, issued)
    signed_in(web)
    assert [let_in(read), let_in(apply)] == [True, True], "who may everything keeps every token"
    provider.claims["groups"] = ["family"]
    signed_in(web)
    assert [let_in(read), let_in(apply)] == [True, False]
    assert before.get("/api/v1/me").json()["scopes"] == ["approve", "read"]


def test_whom_the_provider_vouches_for_gets_no_password_of_their_own(web: WebHouse) -> None:
    browser, password = signed_in(web), {"password": "correct horse battery"}
    own = browser.post("/api/v1/me/password", json=password)
    by_admin = web.operator().post("/api/v1/people/anna/password", json=password)
    for answer in (own, by_admin):
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("anna signs in at the OpenID provider; a password would outlive")
    assert let_in(browser), "nothing else changed"
    assert [item.password for item in web.access.people()] == [False]


@pytest.mark.parametrize(
    ("claims", "more", "expected"),
    [
        ({"realm_access": {"roles": ["family"]}}, {"groups": "realm_access.roles"}, ["approve", "read"]),
        ({"groups": "admins"}, {}, ["admin"]),
        ({"email": "anna@example.net", "email_verified": True, "groups": ["family"]}, {"name": "email"}, ["approve", "read"]),
    ],
)
def test_claims_may_stand_elsewhere(
    web: WebHouse, provider: Provider, claims: dict[str, Any], more: dict[str, Any], expected: list[str]
) -> None:
    provider.claims = {"sub": "42", "preferred_username": "anna", **claims}
    declare(web, provider.issuer, **more)
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 200
    assert browser.get("/api/v1/me").json()["scopes"] == expected


def by_hand(claims: dict[str, Any], alg: str, key: bytes = b"") -> str:
    """A token as no library makes it: unsigned, or with an HMAC over whatever is taken for a secret."""
    parts = [json.dumps(part).encode() for part in ({"alg": alg, "typ": "JWT", "kid": "rsa"}, claims)]
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    mark = base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode() if key else ""
    return f"{text}.{mark}"


Lie = Callable[[Provider, dict[str, Any]], str]
LIES: list[tuple[str, Lie, str]] = [
    ("nonce", lambda it, said: it.signed({**said, "nonce": "another"}), "a token of another sign-in"),
    ("no nonce", lambda it, said: it.signed({k: v for k, v in said.items() if k != "nonce"}), "a token of any sign-in"),
    ("none", lambda it, said: by_hand(said, "none"), "not signed at all"),
    ("HS256", lambda it, said: it.signed(said, "HS256", OctKey.import_key(SECRET, {"kid": "rsa"})), "signed with our secret"),
    ("public", lambda it, said: by_hand(said, "HS256", it.rsa.as_pem(private=False)), "signed with the key that is published"),
    ("RS512", lambda it, said: it.signed(said, "RS512"), "an algorithm that is not on the list"),
    ("key", lambda it, said: it.signed(said, key=RSAKey.generate_key(2048, {"kid": "rsa"})), "somebody else's key"),
    ("kid", lambda it, said: it.signed(said, key=RSAKey.generate_key(2048, {"kid": "new"})), "a key that is not published"),
    ("expired", lambda it, said: it.signed({**said, "exp": said["iat"] - 120}), "too old"),
    ("endless", lambda it, said: it.signed({k: v for k, v in said.items() if k != "exp"}), "good for ever"),
    ("future", lambda it, said: it.signed({**said, "nbf": said["iat"] + 3600}), "not good yet"),
    ("audience", lambda it, said: it.signed({**said, "aud": "another"}), "made for somebody else"),
    ("party", lambda it, said: it.signed({**said, "aud": [CLIENT, "x"], "azp": "x"}), "issued to somebody else"),
    ("issuer", lambda it, said: it.signed({**said, "iss": "https://evil.example"}), "another provider's"),
    ("nobody", lambda it, said: it.signed({**said, "sub": ""}), "names nobody"),
    ("number", lambda it, said: it.signed({**said, "sub": 42}), "names nobody that can be kept"),
    ("nameless", lambda it, said: it.signed({**said, "preferred_username": ""}), "nobody's name"),
    ("odd", lambda it, said: it.signed({**said, "preferred_username": "а\u202e"}), "a name that looks like another"),
    ("groups", lambda it, said: it.signed({**said, "groups": ["guests"]}), "in no group that may do anything"),
    ("no groups", lambda it, said: it.signed({k: v for k, v in said.items() if k != "groups"}), "in no group"),
    ("text", lambda it, said: "not a token", "no token"),
    ("list", lambda it, said: it.signed({**said, "groups": {"family": True}, "aud": {"a": 1}}), "other types"),
]


TOLD = {
    "nonce": "invalid_claim",
    "no nonce": "missing_claim",
    "none": "unsupported_algorithm",
    "HS256": "unsupported_algorithm",
    "public": "unsupported_algorithm",
    "RS512": "unsupported_algorithm",
    "key": "bad_signature",
    "kid": "invalid_key_id",
    "expired": "expired_token",
    "endless": "missing_claim",
    "future": "invalid_claim",
    "audience": "invalid_claim",
    "party": "invalid_claim",
    "issuer": "invalid_claim",
    "nobody": "names nobody",
    "number": "invalid_claim",
    "nameless": "does not say who you are",
    "odd": "cannot be used here",
    "groups": "none of your groups",
    "no groups": "none of your groups",
    "text": "decode_error",
    "list": "invalid_claim",
}
"""Why each is refused: a lie that is refused for another reason proves nothing about its own."""


@pytest.mark.parametrize(("name", "lie", "reason"), LIES, ids=[name for name, _, _ in LIES])
def test_a_token_that_proves_nothing_lets_nobody_in(web: WebHouse, provider: Provider, name: str, lie: Lie, reason: str) -> None:
    provider.token = lambda said: lie(provider, said)
    browser, address = begin(web)
    answer = come_back(browser, address)
    assert (answer.status_code, TOLD[name] in html.unescape(answer.text)) == (400, True), reason
    assert "set-cookie" not in answer.headers
    assert not let_in(browser)
    assert web.access.people() == ()
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda words: {**words, "state": "0" * 64}, "a state that somebody made up"),
        (lambda words: {"code": words["code"]}, "no state"),
        (lambda words: {**words, "code": "made-up"}, "a code that somebody made up"),
        (lambda words: {**words, "iss": "https://evil.example"}, "the answer of another provider (mix-up)"),
        (lambda words: {"state": words["state"], "error": "access_denied"}, "the person said no"),
        (lambda words: {**words, "state": "\udcff"}, "not text"),
    ],
)
def test_an_answer_that_is_not_ours_lets_nobody_in(
    web: WebHouse, provider: Provider, change: Callable[[dict[str, str]], dict[str, str]], reason: str
) -> None:
    browser, address = begin(web)
    words = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    changed = {name: text.encode("utf-8", "surrogateescape") for name, text in change(words).items()}
    answer = browser.get(BACK, params=changed)
    assert answer.status_code in (400, 422), reason
    assert not let_in(browser)


def test_the_answer_to_one_browser_lets_no_other_in(web: WebHouse) -> None:
    _, address = begin(web)
    stranger = web.client(**web.own_page())
    assert come_back(stranger, address).status_code == 400, "a browser that began nothing"
    other, _ = begin(web)
    assert come_back(other, address).status_code == 400, "a browser that began another sign-in"
    assert not let_in(stranger)
    assert not let_in(other)


def test_an_answer_works_once(web: WebHouse) -> None:
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 200
    before = browser.get("/api/v1/sessions").json()["mine"]
    assert come_back(browser, address).status_code == 400
    assert browser.get("/api/v1/sessions").json()["mine"] == before
    again, other = begin(web)
    words = {name: parse_qs(urlsplit(each).query)[name][0] for name, each in (("code", address), ("state", other))}
    assert again.get(BACK, params=words).status_code == 400, "a code that was used"
    assert not let_in(again)


def test_a_sign_in_that_takes_too_long_is_begun_again(web: WebHouse) -> None:
    browser, address = begin(web)
    web.clock.ahead = 601
    answer = come_back(browser, address)
    assert answer.status_code == 400
    assert "took too long" in answer.text


def test_an_answer_must_name_its_provider_where_the_provider_says_it_does(web: WebHouse, provider: Provider) -> None:
    provider.about = lambda said: {**said, "authorization_response_iss_parameter_supported": True}
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 400
    provider.answer = lambda words: {**words, "iss": provider.issuer}
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 200


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        (lambda said: {**said, "issuer": "https://evil.example"}, "calls itself otherwise"),
        (lambda said: {**said, "authorization_endpoint": "http://evil.example/authorize"}, "sends people over plain http"),
        (lambda said: {**said, "authorization_endpoint": "javascript:alert(1)"}, "is no address"),
        (lambda said: {**said, "authorization_endpoint": None}, "says nothing"),
        (lambda said: ["not", "an", "object"], "makes no sense"),
    ],
)
def test_a_description_that_makes_no_sense_is_not_followed(
    web: WebHouse, provider: Provider, about: Callable[[Any], Any], reason: str
) -> None:
    provider.about = about
    answer = web.client(**web.own_page()).post("/api/v1/session/provider")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider-unusable"), reason
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("place", ["token_endpoint", "jwks_uri"])
def test_our_secret_and_the_keys_go_over_https_only(web: WebHouse, provider: Provider, place: str) -> None:
    provider.about = lambda said: {**said, place: "http://192.0.2.1/x"}
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 400


def test_a_provider_that_is_not_https_is_not_even_asked(web: WebHouse) -> None:
    declare(web, "http://id.example.net")
    answer = web.client(**web.own_page()).post("/api/v1/session/provider")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider-unusable")


def test_a_provider_that_redirects_or_is_gone_is_told_as_such(web: WebHouse, provider: Provider) -> None:
    declare(web, f"{provider.issuer}/elsewhere")
    assert web.client(**web.own_page()).post("/api/v1/session/provider").status_code == 503
    assert provider.requests == ["/elsewhere/.well-known/openid-configuration"]
    declare(web, "http://127.0.0.1:1")
    assert web.client(**web.own_page()).post("/api/v1/session/provider").status_code == 503


def test_without_a_provider_or_its_secret_the_door_says_so(web: WebHouse, provider: Provider) -> None:
    web.provider = None
    assert web.client(**web.own_page()).post("/api/v1/session/provider").status_code == 409
    declare(web, provider.issuer, clientSecret={"ref": "oidc/missing"})
    answer = web.client(**web.own_page()).post("/api/v1/session/provider")
    assert (answer.status_code, "oidc/missing" in answer.json()["detail"]) == (409, True)


def test_a_provider_names_nobody_who_is_somebody_else_here(web: WebHouse, provider: Provider) -> None:
    web.access.add_person("anna", [Scope.ADMIN], "", "tester")
    browser, address = begin(web)
    answer = come_back(browser, address)
    assert (answer.status_code, "somebody else" in answer.text) == (400, True)
    web.access.remove_person("anna", local("tester"))
    assert come_back(*begin(web)).status_code == 200
    provider.claims["sub"] = "43"
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 400, "another account that took the same name"


def test_an_address_that_the_provider_did_not_verify_names_nobody(web: WebHouse, provider: Provider) -> None:
    declare(web, provider.issuer, name="email")
    provider.claims["email"] = "anna@example.net"
    browser, address = begin(web)
    assert come_back(browser, address).status_code == 400


def test_guessing_answers_is_limited_and_every_failure_is_written_down(web: WebHouse) -> None:
    browser, _ = begin(web)
    statuses = [browser.get(BACK, params={"code": "x", "state": "y"}).status_code for _ in range(TRIES + 1)]
    assert statuses == [400] * TRIES + [429]
    row = web.access.audit.list(1)[0]
    assert (row.action, row.subject, row.outcome, row.peer) == ("enter", "the provider", "not-authenticated", "127.0.0.1")


def test_another_site_cannot_begin_it(web: WebHouse) -> None:
    for headers in ({}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}):
        assert web.client(**headers).post("/api/v1/session/provider").status_code == 403
