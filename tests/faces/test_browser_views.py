"""Every view in a real browser: readable, usable by keys alone, whole on a phone, and silent in the console."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from controller.web.routes import routes
from tests.faces.page_house import PAGES, VIEWS, PageHouse, demo, live_in, running
from tests.faces.sent_forms import Forms
from tests.support.browser import DARK, LIGHT, THEMES, WIDTHS, Browser, Theme
from tests.support.contrast import enlarged, forced, keyboard, printed, wrong


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """A home in which much has happened."""
    with running(demo(tmp_path_factory.mktemp("demo")), browser) as found:
        live_in(found)
        found.find()
        yield found


def test_every_page_is_reached_by_links(house: PageHouse) -> None:
    assert set(house.places) == set(VIEWS)


def test_every_form_sends_what_is_taken_where_it_is_sent(house: PageHouse) -> None:
    patterns = {path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$") for path in routes()}
    wrong_ones, sent = [], set()
    with house.person() as person:
        for place in house.places.values():
            for form in Forms(person.get(place).text).found:
                for action in form.actions:
                    path = next(path for path, pattern in patterns.items() if pattern.match(action or place.partition("?")[0]))
                    operation = routes()[path][form.method]
                    model = operation.body if operation.form else operation.query
                    taken = model.model_fields.items() if model is not None else ()
                    known = {about.alias or name: about for name, about in taken}
                    needed = {name for name, about in known.items() if about.is_required()}
                    if not needed <= form.fields <= set(known):
                        wrong_ones.append(f"{place} sends {sorted(form.fields)} to {action}, which takes {sorted(known)}")
                    sent.add((form.method, path))
    assert not wrong_ones, "\n".join(wrong_ones)
    assert {("POST", "/proposals/{id}/reject"), ("POST", "/plan/approve"), ("GET", "/compare"), ("GET", "/")} <= sent


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("view", PAGES)
def test_every_page_can_be_read_and_used(house: PageHouse, browser: Browser, view: str, theme: Theme) -> None:
    found: list[str] = []
    with browser.tab(house.address, theme=theme, signed_in=house.signed_in) as tab:
        tab.freeze()
        tab.open(house.places[view])
        tab.settle()
        own = WIDTHS[THEMES.index(theme)]
        for width in WIDTHS:
            # A layout differs by width, colours by theme: each of both is seen by axe, all nine pairs by their pixels.
            found += wrong(tab, width, axe=theme is DARK or width == own)
        if (view, theme) == ("/plan", DARK):
            tab.keep("plan")
        # Each theme is walked through at another width.
        tab.resize(own)
        found += keyboard(tab)
        found += enlarged(tab, 1280) if theme is DARK else printed(tab) if theme is LIGHT else forced(tab, 1280)
    assert not found, "\n".join(found)


_STALE = "(name) => document.querySelectorAll(`main input[name=${name}]`).forEach((each) => { each.value = '0'.repeat(64); })"


@pytest.mark.parametrize(
    ("view", "sent", "button", "stale", "says"),
    [
        ("/propose", "/propose", "Propose", "", "Nothing was proposed"),
        ("/proposals/{id}", "/proposals/{id}/approve", "Approve and merge", "digests", "Nothing was decided"),
        ("/plan/now", "/plan/approve", "Approve", "digest", "Nothing was decided"),
        ("/rollback", "/rollback", "Roll back", "plan", "Nothing was done"),
        (
            "/resources/{kind}/{name}/rollback",
            "/resources/{kind}/{name}/rollback",
            "Roll back",
            "plan",
            "not the one that was shown",
        ),
    ],
)
def test_a_form_that_is_refused_says_so(
    house: PageHouse, browser: Browser, view: str, sent: str, button: str, stale: str, says: str
) -> None:
    place = house.places[view] if stale else "/propose?key=service/hello"
    head = house.home.git("rev-parse", "HEAD")
    with browser.tab(house.address, signed_in=house.signed_in) as tab:
        tab.freeze()
        tab.open(place)
        tab.settle()
        if stale:
            tab.js(_STALE, stale)
        else:
            tab.do(tab.page.fill("#title", "As it is"))
        target = str(tab.do(tab.page.get_by_role("button", name=button, exact=True).first.evaluate("(it) => it.form.action")))
        assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", f"{house.address}{sent}"), target)
        tab.foreseen |= {(target, status) for status in (409, 422)}
        tab.do(tab.page.get_by_role("button", name=button, exact=True).first.click())
        tab.until("(says) => document.getElementById('main')?.innerText.includes(says)", says)
        tab.settle()
        found = keyboard(tab)
        for theme, width in zip(THEMES, WIDTHS, strict=True):
            tab.js("(theme) => { document.documentElement.dataset.theme = theme; }", theme.name)
            found += wrong(tab, width, axe=theme is DARK)
    assert not found, "\n".join(found)
    assert house.home.git("rev-parse", "HEAD") == head
