"""The page as an app: Chromium installs it, without its controller it shows what it saw last, and keeps that for nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from playwright.async_api import Error as PlaywrightError

from controller.usecases.access import Scope
from tests.support.browser import Browser, Tab
from tests.support.contrast import wrong
from tests.support.webhouse import WebHouse

KEPT = "caches.open('last-state').then((cache) => cache.match('/')).then((kept) => kept?.text() ?? '')"
_WORKS = "navigator.serviceWorker.ready.then(() => true)"


def enter(web: WebHouse, tab: Tab, name: str) -> None:
    """Come by a link, and see the overview with the worker at work."""
    tab.foreseen.add((f"{web.address}/", 401))
    tab.do(tab.page.goto(f"{web.address}/#token={web.access.invite(name, [Scope.READ])}"))
    tab.until("document.querySelector('nav.views')")
    tab.until(_WORKS)
    tab.open("/")
    tab.until(f"{KEPT}.then((kept) => kept.includes('>{name}<'))")
    tab.settle()


def judged(tab: Tab) -> tuple[set[str], Mapping[str, Any]]:
    """What Chromium has against installing a page, and how it reads its manifest."""

    async def ask() -> tuple[set[str], Mapping[str, Any]]:
        session = await tab.context.new_cdp_session(tab.page)
        errors = await session.send("Page.getInstallabilityErrors")
        return {each["errorId"] for each in errors["installabilityErrors"]}, await session.send("Page.getAppManifest")

    return tab.do(ask())


def test_chromium_installs_it(web: WebHouse, browser: Browser) -> None:
    with browser.tab(web.address) as tab:
        enter(web, tab, "anna")
        against, found = judged(tab)
    # Nothing is installed from a private window, which each of these is.
    assert against == {"in-incognito"}
    assert found["errors"] == []
    manifest = found["manifest"]
    assert (manifest["id"], manifest["startUrl"], manifest["scope"]) == (f"{web.address}/",) * 3
    assert (manifest["display"], manifest["name"]) == ("kStandalone", "HomeLabHub")
    pictures = [icon for icon in manifest["icons"] if icon["type"] == "image/png"]
    assert {icon["sizes"] for icon in pictures} == {"192x192", "512x512"}
    for icon in pictures:
        content = httpx2.get(icon["url"], trust_env=False).content
        picture = Image.open(BytesIO(content))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]
        assert len(picture.convert("RGB").getcolors(picture.width * picture.height) or ()) > 2


def test_chromium_says_what_it_has_against_a_page(browser: Browser) -> None:
    with browser.tab() as tab:
        tab.show("<!doctype html><title>x</title>x")
        assert "no-manifest" in judged(tab)[0]


def test_what_is_kept_is_told_as_old_and_for_nobody_else(tmp_path: Path, browser: Browser) -> None:
    web = WebHouse(tmp_path)
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.start()
    ended = False
    try:
        with browser.tab(web.address) as shared, browser.tab(web.address) as other:
            # Nor does it outlast a session that ended elsewhere.
            enter(web, shared, "anna")
            shared.do(shared.context.clear_cookies())
            shared.open("/", 401)
            shared.until(f"{KEPT}.then((kept) => kept === '')")
            enter(web, shared, "bert")
            shared.do(shared.page.get_by_role("button", name="Sign out").first.click())
            shared.until("document.getElementById('door')")
            shared.until(_WORKS)
            shared.until(f"{KEPT}.then((kept) => kept === '')")
            enter(web, other, "emil")
            shared.alone = other.alone = True
            web.end()
            ended = True
            with pytest.raises(PlaywrightError, match="ERR_"):
                shared.do(shared.page.goto(f"{web.address}/"))
            other.freeze()
            other.do(other.page.goto(f"{web.address}/"))
            words = other.words()
            assert "box/one" in words
            assert other.words(".who span") == "emil"
            at = "new Date(document.documentElement.dataset.offline * 1000).toLocaleString()"
            assert f"Offline: this is the overview as this device saw it last ({other.js(at)}, " in words
            other.until("/\\d+ s ago\\)/.test(document.querySelector('.banner.offline').innerText)")
            assert wrong(other, 320) == []
    finally:
        if not ended:
            web.end()
