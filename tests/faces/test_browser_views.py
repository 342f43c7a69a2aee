"""Every view in a real browser: readable, usable by keys alone, whole on a phone, and silent in the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faces.page_house import PAGES, VIEWS, PageHouse, demo, live_in, running
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
