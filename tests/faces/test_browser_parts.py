"""What is not there when a page is opened: dialogs, words of the door, errors; the sky; and every key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from urllib.parse import quote

import pytest
from playwright.async_api import StorageState

from controller.core.sign_in import OpenIdProvider
from controller.usecases.access import Scope
from controller.web.views.table import VIEWS
from tests.faces.hostile import IMAGE, LINK, RUNS
from tests.support.browser import DARK, LIGHT, WIDTHS, Browser, Tab, Theme
from tests.support.contrast import forced, keyboard, unmarked, wrong
from tests.support.ports import free_port
from tests.support.webhouse import WebHouse

_LISTENS = "document.querySelector('button[data-open=palette]:not([hidden])') !== null"
_THEMES = ("dark", "light", "contrast")
_SKY = """document.getAnimations().filter((each) => each.effect.target === document.body)
  .map((each) => [each.animationName, each.effect.pseudoElement, each.playState])"""
House = tuple[WebHouse, StorageState]


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a provider that is away, and somebody who is signed in and may look and plan."""
    web = WebHouse(tmp_path_factory.mktemp("parts"))
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    spec = {"issuer": f"http://127.0.0.1:{free_port()}", "clientId": "homelab", "clientSecret": {"ref": "oidc/homelab"}}
    web.provider = OpenIdProvider.model_validate({**spec, "scopes": {"family": ["read"]}})
    web.vault.set("oidc/homelab", "secret")
    web.start()
    with browser.tab(web.address) as tab:
        tab.open(f"/#token={web.access.invite('anna', [Scope.READ, Scope.PLAN])}", 401)
        tab.until(_LISTENS)
        signed_in = tab.do(tab.context.storage_state())
    yield web, signed_in
    web.end()


@pytest.fixture
def tab(house: House, browser: Browser) -> Iterator[Tab]:
    """The overview."""
    with browser.tab(house[0].address, signed_in=house[1]) as tab:
        tab.freeze()
        tab.open("/")
        tab.until(_LISTENS)
        tab.settle()
        yield tab


def seen(tab: Tab, *, marks: bool = False) -> list[str]:
    """What is wrong with what is shown now, in each theme at another width: by eye, by axe and by keys."""
    found: list[str] = []
    for theme, width in zip(_THEMES, WIDTHS, strict=True):
        tab.js("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        found += [f"{theme} {each}" for each in (*wrong(tab, width), *keyboard(tab), *(unmarked(tab) if marks else ()))]
    return found + forced(tab, WIDTHS[0])


def test_every_dialog_can_be_read_and_used(tab: Tab) -> None:
    dialogs = tab.js("[...document.querySelectorAll('dialog')].map((each) => each.id)")
    assert {"palette", "shortcuts"} <= set(dialogs)
    for name in dialogs:
        tab.resize(1280)
        tab.do(tab.page.focus("a.brand"))
        tab.press({"palette": "Control+k", "shortcuts": "?"}[name])
        tab.until("(name) => document.querySelector('dialog:modal')?.id === name", name)
        tab.settle()
        assert (name, seen(tab, marks=name == "palette")) == (name, [])
        if name == "palette":
            tab.do(tab.page.fill("#palette-find", IMAGE))
            tab.until("document.querySelectorAll('#palette-list > :not([hidden])').length === 0")
            assert tab.js("document.querySelectorAll('dialog img').length") == 0
            assert wrong(tab, 320) == []
        tab.press("Escape")
        tab.until("document.querySelector('dialog:modal') === null")
        # Who closes it is where they were.
        assert tab.js("document.activeElement.matches('a.brand')")


def test_the_door_says_what_is_wrong(house: House, browser: Browser) -> None:
    web, _ = house
    with browser.tab(web.address) as tab:
        tab.foreseen |= {(f"{web.address}{path}", status) for path in ("/api/v1/session", "/enter") for status in (401, 429)}
        tab.foreseen.add((f"{web.address}/api/v1/session/provider", 503))
        tab.open("/", 401)
        tab.settle()
        assert "Sign in at http://127.0.0.1:" in tab.words()
        said = "[...document.querySelectorAll('[role=alert], .said')].map((each) => each.innerText).join('').trim()"
        troubles: tuple[tuple[dict[str, str], str], ...] = (
            ({"Name": "anna", "Password": "wrong horse"}, "Sign in"),
            ({"One-time token": "hlo_wrong"}, "Sign in with the token"),
            ({}, f"Sign in at {web.provider.issuer if web.provider else ''}"),
        )
        for (fields, press), theme, width in zip(troubles, _THEMES, WIDTHS, strict=True):
            for label, text in fields.items():
                tab.do(tab.page.get_by_label(label, exact=True).fill(text))
            tab.do(tab.page.get_by_role("button", name=press, exact=True).click())
            tab.until(f"{said} !== ''")
            tab.settle()
            tab.js("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            assert (press, wrong(tab, width) + keyboard(tab)) == (press, [])
            tab.open("/", 401)
            tab.settle()
            assert tab.js(said) == ""


_ERRORS = (
    ("/settings/people", 403, "anna"),
    (f"/resources/service/{quote(IMAGE, safe='')}", 404, IMAGE),
    (f"/proposals/{quote(LINK, safe='')}", 404, LINK),
    ("/resources/box/one/suspend", 405, ""),
    (f"/compare?from={quote(IMAGE, safe='')}", 422, ""),
)


def test_a_page_of_an_error_can_be_read_and_used(tab: Tab) -> None:
    for (path, status, says), theme, width in zip(_ERRORS, cycle(_THEMES), cycle(WIDTHS)):
        tab.open(path, status)
        tab.until(_LISTENS)
        tab.settle()
        assert says in tab.words()
        assert tab.js(RUNS) == []
        tab.js("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        assert (path, wrong(tab, width) + keyboard(tab)) == (path, [])


def test_the_sky_moves_unless_somebody_wants_it_still(house: House, browser: Browser) -> None:
    web, signed_in = house
    with browser.tab(web.address, signed_in=signed_in, motion="no-preference") as tab:
        tab.open("/")
        tab.until(_LISTENS)
        assert tab.js(_SKY) == [["drift", "::after", "running"]]
        where = "getComputedStyle(document.body, '::after').backgroundPosition"
        moved = tab.js(
            f"""() => {{
              const sky = document.getAnimations().find((each) => each.animationName === "drift");
              return [0, 60000].map((time) => {{ sky.currentTime = time; return {where}; }});
            }}"""
        )
        assert moved[0] != moved[1]
        tab.do(tab.page.click("#pause"))
        tab.until(f"({_SKY})[0][2] === 'paused'")
        tab.do(tab.page.emulate_media(reduced_motion="reduce"))
        tab.until(f"({_SKY}).length === 0")
        assert tab.js("getComputedStyle(document.body, '::after').display") == "block"


@pytest.mark.parametrize("theme", [Theme("more", scheme, contrast="more") for scheme in (DARK.scheme, LIGHT.scheme)])
def test_who_prefers_contrast_gets_edges_and_no_sky(house: House, browser: Browser, theme: Theme) -> None:
    web, signed_in = house
    with browser.tab(web.address, signed_in=signed_in, theme=theme) as tab:
        tab.freeze()
        tab.open("/resources/box/one")
        tab.until(_LISTENS)
        tab.settle()
        edges = """[...document.querySelectorAll("main .panel, main input, main button")].map((each) => getComputedStyle(each))
          .map((style) => [style.borderTopStyle, style.borderTopColor === style.color, style.borderTopColor])"""
        for style, same, colour in tab.js(edges):
            assert (style, same or colour in ("rgb(238, 241, 255)", "rgb(19, 26, 51)")) == ("solid", True)
        assert tab.js("getComputedStyle(document.body, '::after').display") == "none"
        assert wrong(tab, 320) + keyboard(tab) == []


def test_every_key_does_what_it_is_told_to(house: House, tab: Tab) -> None:
    closed = "document.querySelector('dialog:modal') === null && document.activeElement.closest('dialog') === null"
    there = "(path) => location.pathname === path && document.readyState === 'complete' && " + _LISTENS
    shown = tab.js("[...document.querySelectorAll('nav [data-letter]')].map((each) => each.pathname)")
    assert shown == [view.path for view in VIEWS if view.scope in (Scope.READ, Scope.PLAN)]
    for view in VIEWS:
        if view.path in shown:
            tab.press("g", view.letter)
            tab.until(there, view.path)
            # The page's own start for whoever uses keys: past everything that all pages have.
            tab.press("Tab")
            assert tab.js("document.activeElement.matches('.skip')")
            tab.press("Enter", "Tab")
            assert tab.js("document.activeElement === document.body || document.activeElement.closest('main, .foot') !== null")
            tab.js("document.activeElement.blur()")
    tab.press("g", "x", "o")
    assert tab.js("location.pathname") == "/settings", "another key takes the first back"
    tab.press("g", "o")
    tab.until(there, "/")
    tab.press("/")
    assert tab.js("document.activeElement.matches('[data-find]')")
    tab.press("?", "g", "p")
    assert tab.js("[document.activeElement.value, location.pathname]") == ["?gp", "/"], "who types is not surprised"
    tab.open("/settings")
    tab.until(_LISTENS)
    tab.press("/")
    tab.until("document.querySelector('dialog:modal')?.id === 'palette'")
    tab.press("Escape")
    tab.until(closed)
    tab.press("?")
    tab.until("document.querySelector('dialog:modal')?.id === 'shortcuts'")
    tab.press("Control+k")
    tab.until("document.querySelector('dialog:modal')?.id === 'palette'")
    tab.press("Escape")
    tab.until(closed)
    # Turned off they do nothing, and what needs two keys at once still does.
    tab.do(tab.page.select_option("#keys", "off"))
    tab.do(tab.page.locator("form[action='/settings/keys'] button").click())
    tab.until("(there) => document.documentElement.dataset.keys === 'off' && " + _LISTENS)
    tab.press("?", "/", "g", "o")
    assert tab.js("[document.querySelector('dialog:modal'), location.pathname]") == [None, "/settings"]
    tab.press("Control+k")
    tab.until("document.querySelector('dialog:modal')?.id === 'palette'")
