"""What a person sees when there is nothing, not yet, not all, not any more, or not for them: as readable as the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.command import empty
from tests.faces.page_house import PAGES, PageHouse, demo, running
from tests.support.browser import DARK, LIGHT, Browser, Tab, Theme
from tests.support.contrast import keyboard, wrong
from tests.support.space import wait_until
from tests.support.webhouse import WebHouse

BOTH = ((DARK, 320), (LIGHT, 1280))


@pytest.fixture(scope="module")
def bare(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """A home in which nothing is declared."""
    with running(empty(tmp_path_factory.mktemp("empty")), browser) as found:
        found.find()
        yield found


@pytest.fixture(scope="module")
def broken(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """A home whose name server does not answer, and whose newest commit cannot be read."""
    with running(demo(tmp_path_factory.mktemp("broken")), browser) as found:
        found.until(lambda items: all(item["sync"] == "Synced" for item in items.values()), "everything as declared")
        found.find()
        found.world.cut("dns")
        found.home.commit("A mistake", {"services/broken.yaml": "kind: Service\nname: broken\nspec: {imag: 'x:1'}\n"})
        wait_until(lambda: found.status()["diagnostics"] and any(found.status()["backends"].values()), "both troubles")
        yield found


def looked_at(tab: Tab, width: int) -> list[str]:
    """What is wrong with a page at this width, by eye and by keys."""
    return wrong(tab, width) + keyboard(tab)


@pytest.mark.parametrize(("theme", "width"), BOTH)
def test_a_home_in_which_nothing_is_declared(bare: PageHouse, browser: Browser, theme: Theme, width: int) -> None:
    assert {"/", "/settings"} <= set(bare.places)
    with browser.tab(bare.address, theme=theme, signed_in=bare.signed_in) as tab:
        tab.freeze()
        for view in PAGES:
            if view in bare.places:
                tab.open(bare.places[view])
                tab.settle()
                assert (view, looked_at(tab, width)) == (view, [])
                assert view != "/" or "Nothing is declared yet" in tab.words()


@pytest.mark.parametrize(("theme", "width"), BOTH)
def test_a_backend_that_is_away_and_a_commit_that_cannot_be_read(
    broken: PageHouse, browser: Browser, theme: Theme, width: int
) -> None:
    with browser.tab(broken.address, theme=theme, signed_in=broken.signed_in) as tab:
        tab.freeze()
        for view in PAGES:
            if view in broken.places:
                tab.open(broken.places[view])
                tab.settle()
                assert (view, looked_at(tab, width)) == (view, [])
                assert view != "/" or {"dns", "imag"} <= set(tab.words().replace("'", " ").split())


@pytest.mark.parametrize(("theme", "width"), BOTH)
@pytest.mark.parametrize(
    ("place", "status", "signed_in", "says"),
    [("/", 401, False, "Sign in"), ("/resources/service/nobody", 404, True, "nobody")],
)
def test_a_door_and_what_is_not_there(
    bare: PageHouse, browser: Browser, theme: Theme, width: int, place: str, status: int, says: str, *, signed_in: bool
) -> None:
    with browser.tab(bare.address, theme=theme, signed_in=bare.signed_in if signed_in else None) as tab:
        tab.open(place, status)
        tab.settle()
        assert looked_at(tab, width) == []
        assert says in tab.words()


def test_before_the_first_look(browser: Browser, tmp_path: Path) -> None:
    house = WebHouse(tmp_path)
    house.house.commit({"one": {}})
    house.start()
    try:
        with browser.tab(house.address) as tab:
            tab.freeze()
            tab.open(f"/#token={house.access.invite()}", 401)
            tab.until("document.querySelector('nav.views')")
            tab.settle()
            assert "Looking" in tab.words()
            assert looked_at(tab, 320) == []
            house.reconcile()
            tab.until("document.body.innerText.includes('box/one')")
            tab.settle()
    finally:
        house.end()


def test_a_controller_that_is_gone_leaves_its_last_state(browser: Browser, tmp_path: Path) -> None:
    with running(demo(tmp_path), browser) as house, browser.tab(house.address, signed_in=house.signed_in) as tab:
        house.until(lambda items: all(item["sync"] == "Synced" for item in items.values()), "everything as declared")
        tab.freeze()
        tab.open("/")
        tab.until("navigator.serviceWorker.ready.then(() => true)")
        tab.open("/")
        tab.settle()
        assert tab.js("document.getElementById('stale').hidden")
        tab.alone = True
        house.kill()
        tab.until("!document.getElementById('stale').hidden")
        assert "Not live" in tab.words()
        assert wrong(tab, 320) == []
        # Opened again, it is what this browser saw last, and says so.
        tab.do(tab.page.reload())
        assert "Offline" in tab.words()
        assert "service/database" in tab.words()
        assert looked_at(tab, 320) == []
