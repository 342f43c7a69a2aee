"""Somebody is invited, comes, chooses a password, signs in, looks and leaves: in a real browser, by keys alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Literal

from playwright.async_api import Error as PlaywrightError

from controller.usecases.access import Scope, local
from tests.faces.test_browser_story import Keys
from tests.faces.test_web_people import OTHER, PASSWORD
from tests.support.browser import Browser, Tab
from tests.support.contrast import wrong
from tests.support.webhouse import WebHouse

ACCOUNT, PEOPLE, TOKENS = "/settings/account", "/settings/people", "/settings/tokens"


@contextmanager
def entered(web: WebHouse, browser: Browser, name: str = "owner", scope: Scope = Scope.ADMIN) -> Iterator[Tab]:
    """A window of somebody who came by a link."""
    with browser.tab(web.address) as tab:
        tab.freeze()
        tab.open(f"/#token={web.access.invite(name, [scope])}", 401)
        tab.until("document.querySelector('nav.views')")
        yield tab


def there(tab: Tab, path: str) -> None:
    """Wait until a page is there and its keys are listened to."""
    tab.until(
        "(path) => location.pathname + location.search === path && document.readyState === 'complete'"
        " && document.querySelector('button[data-open=palette]:not([hidden])') !== null",
        path,
    )


def focused(tab: Tab, what: str) -> None:
    """Wait until something has the focus: a browser gives it when it paints the page for the first time."""
    tab.until("(what) => document.activeElement?.matches(what)", what)


def test_somebody_comes_by_an_invitation_and_stays(web: WebHouse, browser: Browser) -> None:
    with entered(web, browser) as tab:
        hand = Keys(tab)
        there(tab, "/")
        tab.press("g", "s")
        there(tab, "/settings")
        hand.press(tab.page.get_by_role("link", name="People", exact=True))
        there(tab, PEOPLE)
        hand.write(tab.page.get_by_label("Name", exact=True), "Anna")
        hand.reach(tab.page.locator("input[value=apply]"))
        tab.press("Space", "Enter")
        focused(tab, "#once")
        link = str(tab.js("document.activeElement.value"))
        assert tab.js("location.href") == f"{web.address}{PEOPLE}"
        tab.do(tab.page.goto(f"{web.address}/settings"))
        # Whatever the browser makes of going back to the answer of a form, it does not keep the link.
        with suppress(PlaywrightError):
            tab.do(tab.page.go_back())
        tab.until("location.pathname !== '/settings'")
        tab.until("(link) => !document.documentElement.outerHTML.includes(link)", link)

    with browser.tab(web.address) as tab:
        hand = Keys(tab)
        tab.open(link.removeprefix(web.address), 401)
        there(tab, ACCOUNT)
        assert tab.js("location.href") == f"{web.address}{ACCOUNT}", "the token is in no address and no history"
        assert "Choose a password" in tab.words("#main")
        for label in ("New password", "New password once more"):
            hand.reach(tab.page.get_by_label(label, exact=True))
            tab.do(tab.page.keyboard.type(PASSWORD))
        tab.press("Enter")
        there(tab, f"{ACCOUNT}?done=password")
        assert "this browser" in tab.words("#main")
        hand.press(tab.page.locator("header").get_by_role("button", name="Sign out"))
        tab.foreseen.add((f"{web.address}/", 401))
        tab.until("document.getElementById('door')")

        hand.write(tab.page.get_by_label("Name", exact=True), "anna")
        hand.write(tab.page.get_by_label("Password", exact=True), PASSWORD)
        tab.press("Enter")
        there(tab, "/")
        assert "box/one" in tab.words("#main")
        assert "anna" in tab.words("header")
        tab.press("g", "s")
        there(tab, "/settings")
        assert "apply, read" in tab.words("#main")
        assert tab.do(tab.page.get_by_role("link", name="People", exact=True).count()) == 0
        hand.press(tab.page.locator("header").get_by_role("button", name="Sign out"))
        tab.until("document.getElementById('door')")
    assert [view.name for view in web.access.sessions(local("tester"))] == ["owner"]


def test_what_is_wrong_has_the_focus_and_what_is_shown_once_can_be_read(web: WebHouse, browser: Browser) -> None:
    web.access.add_person("anna", [Scope.ADMIN], PASSWORD, "tester")
    with entered(web, browser, "anna") as tab:
        found: list[str] = []

        def sent(path: str, values: Mapping[str, str], button: str, status: int, focus: str) -> None:
            """A form that is refused, or answered with what is shown once, as it looks then."""
            tab.open(path)
            for label, text in values.items():
                tab.do(tab.page.get_by_label(label, exact=True).fill(text))
            tab.foreseen.add((web.address + path, status))
            tab.do(tab.page.get_by_role("button", name=button, exact=True).click())
            focused(tab, focus)
            tab.settle()
            found.extend(f"{path} {focus}: {each}" for each in wrong(tab, 320))

        new = {"New password": OTHER, "New password once more": OTHER}
        sent(ACCOUNT, {"Current password": "wrong", **new}, "Change it", 401, "#current[aria-invalid=true]")
        sent(PEOPLE, {"Name": "anna"}, "Invite", 409, "#name[aria-invalid=true]")
        sent(PEOPLE, {"Name": "evin"}, "Invite", 201, "#once")
        assert not found, "\n".join(found)


def test_every_form_works_without_a_script(web: WebHouse, browser: Browser) -> None:
    for name in ("anna", "evin"):
        web.access.add_person(name, [Scope.ADMIN], PASSWORD, "tester")
    with browser.tab(web.address, script=False) as tab:

        def fill(label: str, text: str) -> None:
            tab.do(tab.page.get_by_label(label, exact=True).fill(text))

        def go(role: Literal["link", "button"], name: str, path: str, says: str) -> None:
            """Press something, and wait for the page that it leads to."""
            tab.do(tab.page.locator("main").get_by_role(role, name=name, exact=True).click())
            tab.until("([path, says]) => location.pathname === path && document.body.innerText.includes(says)", [path, says])

        tab.open(PEOPLE, 401)
        fill("Name", "anna")
        fill("Password", OTHER)
        tab.foreseen.add((f"{web.address}/enter", 401))
        go("button", "Sign in", "/enter", "name or password is wrong")
        focused(tab, "#password[aria-invalid=true]")
        fill("Password", PASSWORD)
        go("button", "Sign in", "/", "Overview")
        tab.open("/settings")
        go("link", "People", PEOPLE, "Who may sign in")
        fill("Name", "guest")
        go("button", "Invite", PEOPLE, "A link for guest")
        assert "#token=hlo_" in tab.do(tab.page.input_value("#once"))
        go("link", "evin", f"{PEOPLE}/evin", "What they may do")
        go("link", "Lock out or remove evin…", f"{PEOPLE}/evin/end", "Neither")
        go("button", "Lock evin out", f"{PEOPLE}/evin", "evin is locked out")
        go("link", "People", PEOPLE, "Locked out")
        go("link", "guest", f"{PEOPLE}/guest", "What they may do")
        go("link", "Lock out or remove guest…", f"{PEOPLE}/guest/end", "Neither")
        go("button", "Remove guest", PEOPLE, "Removed.")
        go("link", "Settings", "/settings", "Theme")
        go("link", "Tokens of programs", TOKENS, "No program may come in.")
        fill("Name", "dashboard")
        go("button", "Make it", TOKENS, "The token dashboard")
        about = web.access.tokens()[0]
        go("link", f"Revoke… dashboard {about.id}", f"{TOKENS}/{about.id}/revoke", "It cannot be taken back")
        go("button", "Revoke dashboard", TOKENS, "Revoked")
        tab.open(ACCOUNT)
        fill("Current password", PASSWORD)
        fill("New password", OTHER)
        fill("New password once more", OTHER)
        go("button", "Change it", ACCOUNT, "Your password is changed")
    assert [(person.name, bool(person.scopes)) for person in web.access.people()] == [("anna", True), ("evin", False)]
    assert not web.access.tokens()
    assert web.access.sign_in("anna", OTHER, "")[1].name == "anna"
