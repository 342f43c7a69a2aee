"""People on the page: one's own account, who may come in and what they may, and the tokens of programs."""

from __future__ import annotations

import html
import logging
import re
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from controller.core.registers import Person
from controller.usecases.access import TRIES, Scope, local
from tests.faces.test_web_page import HOSTILE, Seen
from tests.faces.test_web_people import OTHER, PASSWORD, rows, sign_in, status
from tests.support.webhouse import WebHouse

ACCOUNT, PEOPLE, TOKENS = "/settings/account", "/settings/people", "/settings/tokens"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def anna(web: WebHouse) -> str:
    """Somebody who may approve."""
    web.access.add_person("anna", [Scope.APPROVE], PASSWORD, "tester")
    return "anna"


def post(browser: httpx2.Client, path: str, **fields: Any) -> httpx2.Response:
    return browser.post(path, data=fields) if fields else browser.post(path, content=b"", headers=FORM)


def went(answer: httpx2.Response) -> str:
    """Where a form that was accepted leads."""
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def words(answer: httpx2.Response) -> str:
    return Seen(answer.text).words()


def fields(answer: httpx2.Response) -> dict[str, dict[str, str | None]]:
    """Everything that is filled in, by its id."""
    named = [about for tag, about in Seen(answer.text.partition("</main>")[0]).elements if tag in ("input", "select")]
    return {str(about.get("id") or about.get("value")): about for about in named}


def told(answer: httpx2.Response, field: str) -> str:
    """What is wrong with a field, which has the focus and is said to be described by it."""
    marked = next(about for _, about in Seen(answer.text).elements if "autofocus" in about)
    assert (marked.get("id") or "scopes", marked["aria-invalid"]) == (field, "true")
    wrong = f"{field}-wrong"
    assert wrong in str(marked["aria-describedby"]).split()
    found = re.search(rf'id="{wrong}">(?:<svg.*?</svg>)? *(.*?)</p>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return html.unescape(found[1])


def once(answer: httpx2.Response) -> str:
    """The secret that is shown only now, which has the focus; nobody may keep the answer."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    about = fields(answer)["once"]
    assert "autofocus" in about
    return str(about["value"])


# One's own account


def test_the_settings_lead_to_what_one_may(web: WebHouse) -> None:
    def links(browser: httpx2.Client) -> set[str]:
        return {str(about["href"]) for tag, about in Seen(browser.get("/settings").text).elements if tag == "a"}

    assert {ACCOUNT, PEOPLE, TOKENS} <= links(web.browser())
    assert {ACCOUNT, PEOPLE, TOKENS} & links(web.browser(Scope.APPLY)) == {ACCOUNT}
    assert not {ACCOUNT, PEOPLE, TOKENS} & links(web.client(web.token(Scope.READ)))
    assert "only people have a password" in words(web.client(web.token()).get(ACCOUNT))


def test_a_password_manager_knows_every_field(web: WebHouse, anna: str) -> None:
    first, again = web.browser().get(ACCOUNT), sign_in(web, anna, PASSWORD).get(ACCOUNT)
    known = {id_: (about["autocomplete"], about.get("value")) for id_, about in fields(again).items()}
    assert known == {
        "username": ("username", "anna"),
        "current": ("current-password", None),
        "password": ("new-password", None),
        "again": ("new-password", None),
    }
    assert set(fields(first)) == set(known) - {"current"}, "who has none cannot be asked for it"
    assert "name" not in fields(again)["username"], "it is not sent"


def test_a17_a_changed_password_ends_every_other_session(web: WebHouse, anna: str) -> None:
    here, there = sign_in(web, anna, PASSWORD), sign_in(web, anna, PASSWORD)
    answer = post(here, ACCOUNT, current=PASSWORD, password=OTHER, again=OTHER)
    assert went(answer) == f"{ACCOUNT}?done=password"
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert [status(here), status(there)] == [200, 401]
    assert "Your password is changed" in words(here.get(f"{ACCOUNT}?done=password"))
    assert status(sign_in(web, anna, OTHER)) == 200


@pytest.mark.parametrize(
    ("given", "field", "code", "says"),
    [
        ({"current": "canary-wrong-5e55"}, "current", 401, "the current password is wrong"),
        ({"password": "9letters5", "again": "9letters5"}, "password", 422, "10 to 1024 characters"),
        ({"again": f"{OTHER}-5e55"}, "again", 422, "not what stands above"),
        ({"current": "5e55" * 256 + "x"}, "current", 422, "1024"),
    ],
)
def test_what_is_wrong_with_a_password_is_told_beside_it_and_no_password_comes_back(
    web: WebHouse, anna: str, given: dict[str, str], field: str, code: int, says: str
) -> None:
    browser, sent = sign_in(web, anna, PASSWORD), {"current": PASSWORD, "password": OTHER, "again": OTHER, **given}
    answer = post(browser, ACCOUNT, **sent)
    assert (answer.status_code, says in told(answer, field)) == (code, True)
    assert not any(text in answer.text for text in sent.values())
    assert status(browser) == 200, "the session stays"
    assert status(sign_in(web, anna, PASSWORD)) == 200, "and so does the password"
    assert rows(web, "actor", "action", "outcome")[-2][:2] == ("anna", "change-password")
    assert rows(web, "outcome")[-2] != ("ok",)


def test_a18_the_current_password_cannot_be_guessed(web: WebHouse, anna: str) -> None:
    browser = sign_in(web, anna, PASSWORD)
    wrong = {"current": "wrong", "password": OTHER, "again": OTHER}
    answers = [post(browser, ACCOUNT, **wrong) for _ in range(TRIES + 1)]
    assert [answer.status_code for answer in answers] == [401] * TRIES + [429]
    last = post(browser, ACCOUNT, **{**wrong, "current": PASSWORD})
    assert (last.status_code, "too many wrong" in told(last, "current")) == (429, True), "the right one has to wait too"
    assert int(last.headers["retry-after"]) > 0
    assert status(browser) == 200


def test_who_comes_by_a_provider_is_offered_no_password(web: WebHouse) -> None:
    web.store.people.revise("petra", lambda _: Person("petra", ("admin",), subject="https://id.example 7"))
    browser = web.client(**web.own_page())
    browser.post("/api/v1/session", json={"token": web.access.invite("petra", [Scope.ADMIN])})
    answer = browser.get(ACCOUNT)
    assert "You sign in at the OpenID provider" in words(answer)
    assert fields(answer) == {}
    refused = post(browser, ACCOUNT, password=OTHER, again=OTHER)
    assert (refused.status_code, "signs in at the OpenID provider" in words(refused)) == (409, True)
    person = browser.get(f"{PEOPLE}/petra")
    assert "follows from their groups" in words(person)
    assert set(fields(person)) == set()
    refused = post(browser, f"{PEOPLE}/petra/scopes", scopes="read")
    assert (refused.status_code, "groups at the OpenID provider" in words(refused)) == (409, True)


def test_ones_sessions_are_seen_and_ended(web: WebHouse, anna: str) -> None:
    owner, here, there, third = (web.browser(), *(sign_in(web, anna, PASSWORD) for _ in range(3)))
    shown = words(here.get(ACCOUNT))
    assert (shown.count("127.0.0.1"), shown.count("this browser")) == (5, 1), "each once, and in the names of two buttons"
    ways = re.findall(rf'action="({ACCOUNT}/sessions/[0-9a-f]+)"', here.get(ACCOUNT).text)
    assert len(ways) == 2
    assert went(post(here, ways[1])) == f"{ACCOUNT}?done=session"
    assert sorted(map(status, (there, third))) == [200, 401]
    assert went(post(here, f"{ACCOUNT}/others")) == f"{ACCOUNT}?done=others"
    assert [status(each) for each in (here, there, third, owner)] == [200, 401, 401, 200]
    owners = re.findall(rf'action="({ACCOUNT}/sessions/[0-9a-f]+)"', sign_in(web, anna, PASSWORD).get(ACCOUNT).text)
    assert len(owners) == 1, "nobody else's"


# People


def test_everybody_is_listed_with_what_they_may_and_when_they_were_seen(web: WebHouse, anna: str) -> None:
    owner = web.browser()
    web.access.add_person("evin", [Scope.READ], "", "tester")
    shown = words(owner.get(PEOPLE))
    assert "anna Signed out approve password not signed in" in shown
    assert "evin Needs a link read links not signed in" in shown
    assert "owner (you) Signed in" in shown
    sign_in(web, anna, PASSWORD)
    assert re.search(r"anna Signed in approve password 20\d\d-", words(owner.get(PEOPLE)))
    web.operator().delete("/api/v1/people/anna/scopes")
    assert "anna Locked out nothing" in words(owner.get(PEOPLE))


def test_an_invitation_is_shown_once_and_leads_to_a_password(web: WebHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    owner = web.browser()
    answer = post(owner, PEOPLE, name=" Anna ", scopes=["approve", "propose"])
    link = once(answer)
    address, _, token = link.partition("#token=")
    assert (address, token.startswith("hlo_")) == (f"{web.address}{ACCOUNT}", True)
    assert answer.text.count(token) == 1
    assert "anna Needs a link approve, propose" in words(answer)
    assert token not in owner.get(PEOPLE).text + owner.get(f"{PEOPLE}/anna").text + owner.get("/audit").text
    assert rows(web, "action", "subject", "outcome")[-2:] == [("invite", "anna", "ok"), ("add-person", "anna", "ok")]
    browser = web.client(**web.own_page())
    assert browser.get(ACCOUNT).status_code == 401
    assert browser.post("/api/v1/session", json={"token": token}).status_code == 201
    assert "Choose a password" in words(browser.get(ACCOUNT))
    assert went(post(browser, ACCOUNT, password=PASSWORD, again=PASSWORD))
    assert sign_in(web, "anna", PASSWORD).get("/api/v1/me").json()["scopes"] == ["approve", "propose"]
    assert browser.post("/api/v1/session", json={"token": token}).status_code == 401, "once"
    # What the test's own client logs is not the controller's.
    logged = [str(record.getMessage()) for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2"))]
    kept = "\n".join([*logged, *map(str, rows(web, "subject", "action", "outcome")), *map(str, web.store.events(0))])
    assert not any(secret in kept for secret in (token, PASSWORD))


def cookie(browser: httpx2.Client) -> str:
    """What a browser that is signed in sends."""
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def secure(web: WebHouse) -> str:
    """The cookie of somebody who came by https."""
    name = sha256(web.desk.instance.encode()).hexdigest()[:8]
    secret = web.access.enter(web.access.invite(), "")[0]
    return f"__Host-homelab-{name}={secret}"


def test_behind_a_proxy_a_link_is_what_people_type(still: WebHouse) -> None:
    owner = still.browser()
    link = once(
        owner.post(
            PEOPLE,
            data={"name": "guest", "scopes": "read"},
            headers={"Host": "house.example.net", "Origin": "https://house.example.net", "Cookie": secure(still)},
        )
    )
    assert link.startswith(f"https://house.example.net{ACCOUNT}#token=hlo_")
    here = post(owner, f"{PEOPLE}/guest")
    assert once(here).startswith("https://house.example.net/"), "loopback is nobody else's"
    assert "works on this machine only" not in words(here)


def test_a_link_that_nobody_else_can_open_says_so(web: WebHouse, anna: str) -> None:
    owner = web.browser()
    assert "works on this machine only" in words(post(owner, f"{PEOPLE}/anna"))
    other = web.client(Host="192.0.2.7:8080", Origin="http://192.0.2.7:8080", Cookie=cookie(owner))
    answer = post(other, f"{PEOPLE}/anna")
    assert once(answer).startswith(f"http://192.0.2.7:8080{ACCOUNT}#token=hlo_")
    assert "works on this machine only" not in words(answer)


@pytest.mark.parametrize("name", ["anna+x@example.net", "a", "0..", "x" * 64])
def test_every_name_that_somebody_can_have_has_a_page(web: WebHouse, name: str) -> None:
    owner = web.browser()
    once(post(owner, PEOPLE, name=name, scopes="read"))
    links = [str(about["href"]) for tag, about in Seen(owner.get(PEOPLE).text).elements if tag == "a"]
    here = next(href for href in links if unquote(href) == f"{PEOPLE}/{name}")
    assert name in words(owner.get(here))
    assert went(post(owner, f"{here}/lock")) == f"{here}?done=locked"
    assert went(post(owner, f"{here}/remove")) == f"{PEOPLE}?done=removed"
    assert [person.name for person in web.access.people()] == ["owner"]


@pytest.mark.parametrize(
    ("given", "field", "code", "says"),
    [
        ({"name": "anna", "scopes": ["read", "plan"]}, "name", 409, "called anna already"),
        ({"name": "An na", "scopes": ["plan"]}, "name", 422, "1 to 64 of a-z"),
        ({"name": "", "scopes": ["plan"]}, "name", 422, "1 to 64 of a-z"),
        ({"name": "evin"}, "scopes", 422, "at least one"),
        ({"name": "evin", "scopes": ["plan", "root"]}, "scopes", 422, "at least one"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_told_beside_it_and_the_rest_stays(
    web: WebHouse, anna: str, given: dict[str, Any], field: str, code: int, says: str
) -> None:
    answer = post(web.browser(), PEOPLE, **given)
    assert (answer.status_code, says in told(answer, field)) == (code, True)
    kept = fields(answer)
    assert kept["name"]["value"] == given["name"].lower(), "a phone writes the first letter large"
    chosen = {name for name, about in kept.items() if "checked" in about}
    assert chosen == set(given.get("scopes", [])) - {"root"}
    assert {person.name for person in web.access.people()} == {"anna", "owner"}
    assert rows(web, "action", "outcome")[-1][0] == "add-person"
    assert "once" not in kept


def test_rights_and_a_password_are_given_and_sessions_end(web: WebHouse, anna: str) -> None:
    owner, browser = web.browser(), sign_in(web, anna, PASSWORD)
    here = f"{PEOPLE}/anna"
    assert "checked" in fields(owner.get(here))["approve"]
    assert went(post(owner, f"{here}/scopes", scopes=["plan", "apply"])) == f"{here}?done=granted"
    assert status(browser) == 401
    browser = sign_in(web, anna, PASSWORD)
    assert browser.get("/api/v1/me").json()["scopes"] == ["apply", "plan"]
    none = post(owner, f"{here}/scopes")
    assert (none.status_code, told(none, "scopes")) == (422, "Choose at least one.")
    short = post(owner, f"{here}/password", password="5e55")
    assert (short.status_code, "5e55" in short.text, "10 to 1024" in told(short, "password")) == (422, False, True)
    assert went(post(owner, f"{here}/password", password=OTHER)) == f"{here}?done=password"
    assert status(browser) == 401
    browser = sign_in(web, anna, OTHER)
    assert "127.0.0.1" in words(owner.get(here))
    assert went(post(owner, f"{here}/sessions")) == f"{here}?done=sessions"
    assert status(browser) == 401
    assert "Nowhere." in words(owner.get(here))
    assert rows(web, "actor", "action", "subject", "outcome")[-1] == ("owner", "end-sessions", "anna", "ok")
    link = once(post(owner, here))
    token = link.partition("#token=")[2]
    assert token not in owner.get(here).text
    asking = web.client(**web.own_page())
    assert asking.post("/api/v1/session", json={"token": token}).json()["scopes"] == ["apply", "plan"]


def test_locking_out_and_removing_ask_first_and_name_the_person(web: WebHouse, anna: str) -> None:
    owner, browser = web.browser(), sign_in(web, anna, PASSWORD)
    token = web.access.issue("script", [Scope.READ], None, anna)[0]
    asked = owner.get(f"{PEOPLE}/anna/end")
    assert {"Lock anna out", "Remove anna"} <= set(Seen(asked.text).text)
    assert [status(browser), status(web.client(token))] == [200, 200], "asking does nothing"
    assert owner.get(f"{PEOPLE}/anna/remove").status_code == 405, "and no link does"
    assert went(post(owner, f"{PEOPLE}/anna/lock")) == f"{PEOPLE}/anna?done=locked"
    assert [status(browser), status(web.client(token))] == [401, 401]
    locked = owner.get(f"{PEOPLE}/anna")
    assert "anna is locked out" in words(locked)
    assert "Make a link" not in words(locked)
    refused = post(owner, f"{PEOPLE}/anna")
    assert (refused.status_code, "locked out" in words(refused)) == (409, True)
    assert went(post(owner, f"{PEOPLE}/anna/scopes", scopes="read"))
    browser = sign_in(web, anna, PASSWORD)
    assert went(post(owner, f"{PEOPLE}/anna/remove")) == f"{PEOPLE}?done=removed"
    assert status(browser) == 401
    assert "anna" not in words(owner.get(PEOPLE))
    assert owner.get(f"{PEOPLE}/anna").status_code == post(owner, f"{PEOPLE}/anna/remove").status_code == 404
    told_of = [row for row in rows(web, "actor", "action", "subject", "outcome") if row[0] == "owner"]
    assert [row[1:] for row in told_of if row[1] != "enter"] == [
        ("lock-person", "anna", "ok"),
        ("invite", "anna", "refused"),
        ("grant", "anna", "ok"),
        ("remove-person", "anna", "ok"),
        ("remove-person", "anna", "not-found"),
    ]


@pytest.mark.parametrize(
    ("what", "sent"),
    [("lock", {}), ("remove", {}), ("sessions", {}), ("scopes", {"scopes": "read"})],
)
def test_the_last_who_may_everything_cannot_shut_the_door_behind_themselves(
    web: WebHouse, anna: str, what: str, sent: dict[str, str]
) -> None:
    owner = web.browser()
    assert "This is you" in words(owner.get(f"{PEOPLE}/owner/end"))
    answer = post(owner, f"{PEOPLE}/owner/{what}", **sent)
    assert (answer.status_code, "nobody but owner may everything" in words(answer)) == (409, True)
    focused = [tag for tag, about in Seen(answer.text).elements if "autofocus" in about]
    assert len(focused) == 1
    assert status(owner) == 200
    assert Scope.ADMIN in next(person.scopes for person in web.access.people() if person.name == "owner")


@pytest.mark.parametrize("scopes", [sorted(Scope), ["admin"]])
def test_what_changes_no_right_ends_nothing(web: WebHouse, scopes: list[str]) -> None:
    owner = web.browser()
    assert went(post(owner, f"{PEOPLE}/owner/scopes", scopes=scopes)) == f"{PEOPLE}/owner?done=granted"
    assert status(owner) == 200


@pytest.mark.parametrize(
    ("what", "sent"), [("lock", {}), ("remove", {}), ("scopes", {"scopes": "plan"}), ("password", {"password": OTHER})]
)
def test_a_form_is_for_the_person_as_it_showed_them(web: WebHouse, anna: str, what: str, sent: dict[str, str]) -> None:
    owner = web.browser()
    here = f"{PEOPLE}/anna"
    form = owner.get(f"{here}/end" if what in ("lock", "remove") else here)
    shown = re.search(rf'action="{here}/{what}"[^>]*><input type="hidden" name="version" value="([^"]+)"', form.text)
    assert shown is not None, form.text
    web.access.grant("anna", [Scope.APPLY], local("tester"))
    answer = post(owner, f"{here}/{what}", version=shown[1], **sent)
    assert (answer.status_code, "somebody changed them meanwhile" in words(answer)) == (412, True)
    assert [person.scopes for person in web.access.people() if person.name == "anna"] == [("apply",)]
    assert status(sign_in(web, anna, PASSWORD)) == 200
    again = re.search(r'name="version" value="([^"]+)"', answer.text)
    assert again is not None
    assert went(post(owner, f"{here}/{what}", version=again[1], **sent))


def test_nobody_gives_what_they_do_not_have(web: WebHouse, anna: str) -> None:
    for scope in set(Scope) - {Scope.ADMIN}:
        browser = web.browser(scope)
        name = f"person-{scope}"
        for path, fields_ in (
            (PEOPLE, {"name": "new", "scopes": "read"}),
            (f"{PEOPLE}/{name}/scopes", {"scopes": "admin"}),
            (f"{PEOPLE}/anna", {}),
            (TOKENS, {"name": "new", "scopes": "admin"}),
        ):
            assert post(browser, path, **fields_).status_code == 403, (scope, path)
    assert "new" not in {person.name for person in web.access.people()}
    assert not web.access.tokens()


@pytest.mark.parametrize("text", HOSTILE)
def test_a19_nothing_that_is_typed_becomes_markup(web: WebHouse, text: str) -> None:
    owner, clean = web.browser(), text.encode("utf-8", "replace").decode()

    def shape(path: str, note: str) -> list[tuple[str, list[str]]]:
        answer = post(owner, path, name=note * 100, scopes=note)
        assert answer.status_code == 422, answer.text
        return [(tag, sorted(about)) for tag, about in Seen(answer.text).elements]

    for path in (PEOPLE, TOKENS):
        assert shape(path, clean[:1] + clean) == shape(path, "Calm words")


# Tokens


def test_a_token_is_shown_once_and_works_until_it_is_revoked(web: WebHouse) -> None:
    owner = web.browser()
    assert "No program may come in" in words(owner.get(TOKENS))
    answer = post(owner, TOKENS, name="dashboard", scopes=["read", "plan"], days="7")
    text = once(answer)
    assert answer.text.count(text) == 1
    program = web.client(text)
    assert program.get("/api/v1/me").json()["scopes"] == ["plan", "read"]
    view = web.access.tokens()[0]
    assert (view.name, view.by, round((view.expires - view.created) / 86_400)) == ("dashboard", "owner", 7)
    listed = owner.get(TOKENS)
    assert text not in listed.text
    assert f"dashboard {view.id}" in words(listed)
    asked = owner.get(f"{TOKENS}/{view.id}/revoke")
    assert "Revoke the token dashboard?" in words(asked)
    assert status(program) == 200, "asking does nothing"
    assert went(post(owner, f"{TOKENS}/{view.id}/revoke")) == f"{TOKENS}?done=revoked"
    assert status(program) == 401
    assert owner.get(f"{TOKENS}/{view.id}/revoke").status_code == 404
    assert post(owner, f"{TOKENS}/{view.id}/revoke").status_code == 404
    told_of = rows(web, "action", "subject", "outcome")
    assert [row for row in told_of if row[0] in ("issue", "revoke")] == [
        ("issue", "dashboard", "ok"),
        ("revoke", view.id, "ok"),
        ("revoke", view.id, "not-found"),
    ]
    assert text not in str(told_of) + str(web.store.events(0))


def test_a_token_may_last_and_may_be_an_assistants(web: WebHouse) -> None:
    owner = web.browser()
    once(post(owner, TOKENS, name="jarvis", scopes=["read", "propose"], days="", assistant="yes"))
    view = web.access.tokens()[0]
    assert (view.assistant, view.expires) == (True, 0.0)
    assert "(assistant)" in words(owner.get(TOKENS))
    refused = post(owner, TOKENS, name="jarvis", scopes=["read", "apply"], days="30", assistant="yes")
    assert (refused.status_code, "people decide" in told(refused, "scopes")) == (409, True)
    kept = fields(refused)
    assert (kept["name"]["value"], "checked" in kept["yes"], "checked" in kept["apply"]) == ("jarvis", True, True)
    assert '<option value="30" selected>' in refused.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "", "scopes": "read", "days": "90"}, "name"),
        ({"name": "ci", "days": "90"}, "scopes"),
        ({"name": "ci", "scopes": "read", "days": "soon"}, "days"),
        ({"name": "ci", "scopes": "read", "days": "-1"}, "days"),
        ({"name": "ci", "scopes": "read", "days": "nan"}, "days"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_beside_it(web: WebHouse, given: dict[str, str], field: str) -> None:
    answer = post(web.browser(), TOKENS, **given)
    assert answer.status_code == 422
    assert told(answer, field)
    assert not web.access.tokens()


# The door


def test_a_name_and_a_password_open_the_door_without_a_script(web: WebHouse, anna: str) -> None:
    browser = web.client(**web.own_page())
    answer = post(browser, "/enter", name=" Anna ", password=PASSWORD)
    assert went(answer) == "/"
    assert browser.get("/api/v1/me").json()["name"] == "anna"
    linked = web.client(**web.own_page())
    assert went(post(linked, "/enter", token=f" {web.access.invite('anna', [Scope.READ])} ")) == "/"
    assert [status(browser), status(linked)] == [200, 200]
    assert rows(web, "actor", "action", "outcome")[-2:] == [("anna", "enter", "ok")] * 2


@pytest.mark.parametrize(
    ("given", "field", "code", "says"),
    [
        ({"name": "anna", "password": "canary-5e55"}, "password", 401, "name or password is wrong"),
        ({"name": "nobody", "password": "canary-5e55"}, "password", 401, "name or password is wrong"),
        ({"name": "anna", "password": ""}, "password", 422, "Write your password."),
        ({"name": "", "password": "canary-5e55"}, "name", 422, "Write your name."),
        ({"token": "hlo_canary-5e55"}, "token", 401, "used before or has expired"),
        ({"token": "canary-5e55" * 20}, "token", 422, "no token of a link"),
    ],
)
def test_what_the_door_refuses_is_told_beside_its_field_and_no_credential_comes_back(
    web: WebHouse, anna: str, given: dict[str, str], field: str, code: int, says: str
) -> None:
    browser = web.client(**web.own_page())
    answer = post(browser, "/enter", **given)
    assert (answer.status_code, says in told(answer, field)) == (code, True)
    assert "5e55" not in answer.text
    assert fields(answer)["name"]["value"] == given.get("name", "")
    assert "set-cookie" not in answer.headers
    assert "box/" not in answer.text


def test_a18_the_door_is_the_same_for_a_form(web: WebHouse, anna: str) -> None:
    browser, wrong = web.client(**web.own_page()), {"name": "anna", "password": OTHER}
    assert [post(browser, "/enter", **wrong).status_code for _ in range(TRIES)] == [401] * TRIES
    last = post(browser, "/enter", name="anna", password=PASSWORD)
    assert (last.status_code, "too many wrong" in told(last, "password")) == (429, True)
    assert int(last.headers["retry-after"]) > 0


# Another site


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9", "null"])
def test_a16_no_form_of_another_site_or_port_does_anything(web: WebHouse, anna: str, origin: str) -> None:
    owner = web.browser()
    about = web.access.issue("ci", [Scope.READ], None, "tester")[1]
    before = (web.access.people(), web.access.tokens(), [view.id for view in web.access.sessions(local("tester"))])
    for site in ("cross-site", "same-site", "same-origin"):
        asking = web.client(**{"Origin": origin, "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Cookie": cookie(owner)})
        for path, sent in (
            (ACCOUNT, {"password": OTHER, "again": OTHER}),
            (f"{ACCOUNT}/others", {}),
            (PEOPLE, {"name": "mallory", "scopes": "admin"}),
            (f"{PEOPLE}/anna", {}),
            (f"{PEOPLE}/anna/scopes", {"scopes": "admin"}),
            (f"{PEOPLE}/anna/password", {"password": OTHER}),
            (f"{PEOPLE}/anna/lock", {}),
            (f"{PEOPLE}/anna/remove", {}),
            (TOKENS, {"name": "mallory", "scopes": "admin"}),
            (f"{TOKENS}/{about.id}/revoke", {}),
            ("/enter", {"name": "anna", "password": PASSWORD}),
        ):
            answer = post(asking, path, **sent)
            assert (answer.status_code, "cross-site" in answer.text) == (403, True), path
            assert "set-cookie" not in answer.headers
    assert before == (web.access.people(), web.access.tokens(), [view.id for view in web.access.sessions(local("tester"))])
