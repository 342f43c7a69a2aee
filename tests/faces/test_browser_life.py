"""The page under somebody's hands: the palette, and what they are at while everything around it moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from controller.core.event import Event
from controller.web.page_files import address
from tests.support.browser import Browser, Tab
from tests.support.webhouse import WebHouse

_READY = "document.querySelector('button[data-open=palette]:not([hidden])') !== null"
_OFFERS = "(text) => [...document.querySelectorAll('#palette-list li')].some((item) => item.textContent === text)"
_FIELD = "document.getElementById('palette-find')"
_CHOSEN = """() => {
  const chosen = [...document.querySelectorAll("#palette-list [aria-selected=true]")];
  const named = document.getElementById("palette-find").getAttribute("aria-activedescendant");
  return chosen.length === 1 && chosen[0].id === named ? chosen[0].textContent : "";
}"""

_SELECT = "() => getSelection().selectAllChildren(document.querySelector('#standing dt'))"
_TYPED = "(id) => { const it = document.getElementById(id); return [it.value, it.selectionStart, it.selectionEnd]; }"


@pytest.fixture(scope="module")
def signed_in(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebHouse, Tab]]:
    """A house with two boxes and one that failed, and a window on it."""
    web = WebHouse(tmp_path_factory.mktemp("life"))
    web.house.commit({"one": {"size": 1}, "two": {"size": 2}, "three": {"image": "box:bad"}})
    web.reconcile()
    web.start()
    try:
        with browser.tab(web.address) as tab:
            tab.open(f"/#token={web.access.invite()}", 401)
            tab.until("document.querySelector('nav.views')")
            yield web, tab
    finally:
        web.end()


@pytest.fixture
def web(signed_in: tuple[WebHouse, Tab]) -> WebHouse:
    return signed_in[0]


@pytest.fixture
def tab(signed_in: tuple[WebHouse, Tab]) -> Tab:
    return signed_in[1]


def there(tab: Tab, path: str) -> None:
    """Open a view and wait until it is live and listens."""
    tab.open(path)
    tab.until(_READY)
    tab.settle()


def happen(web: WebHouse, tab: Tab, count: int, name: str, key: str = "") -> None:
    """Let so many things happen at once, and wait until the last of them is shown."""
    happened(web, [f"{key} {name} {at}".strip() for at in range(1, count + 1)], key)
    shown(tab, f"{name} {count}")


def happened(web: WebHouse, messages: Iterable[str], key: str = "") -> None:
    """What stands in the record."""
    web.store.append([Event(web.clock.now(), "Happened", message, key=key) for message in messages])


def shown(tab: Tab, text: str) -> None:
    tab.until("(text) => document.getElementById('main').innerText.includes(text)", text)


# The palette


def test_the_palette_is_a_combobox(tab: Tab) -> None:
    there(tab, "/")
    tab.do(tab.page.focus("#q"))
    tab.press("Control+k")
    tab.until(_OFFERS, "Try again box/three")
    assert tab.js(f"{_FIELD}.getAttribute('role')") == "combobox"
    assert tab.js(f"{_FIELD}.getAttribute('aria-controls')") == "palette-list"
    assert tab.js("document.activeElement.id") == "palette-find"
    assert tab.js(_CHOSEN) == "Overview g o"
    tab.do(tab.page.keyboard.type("bone"))
    assert tab.js(_CHOSEN) == "box/one"
    tab.press("ArrowDown")
    assert tab.js(_CHOSEN).endswith("box/one…")
    tab.press("ArrowUp", "ArrowUp")
    assert tab.js(_CHOSEN) == tab.js("document.querySelector('#palette-list li:last-child').textContent"), "round the top"
    assert tab.js("document.getElementById('palette-said').textContent").endswith(" found")
    ids = tab.js("[...document.querySelectorAll('[id]')].map((item) => item.id)")
    assert len(ids) == len(set(ids))
    assert not any(" " in each for each in ids)
    tab.do(tab.page.keyboard.type("qqq"))
    assert tab.js(f"{_FIELD}.hasAttribute('aria-activedescendant')") is False
    assert tab.js("document.getElementById('palette-said').textContent") == "Nothing is called that."
    tab.press("Escape")
    assert tab.js("document.querySelector('dialog[open]')") is None
    assert tab.js("document.activeElement.id") == "q", "where it was"


@pytest.mark.parametrize(
    ("words", "best"),
    [
        ("", "Overview"),
        ("media", "service/media"),
        ("smed", "service/media"),
        ("susp media", "Suspend service/media…"),
        ("media susp", "Suspend service/media…"),
        ("retry", "Try again service/media retry"),
        ("view", "Overview"),
        ("run 20", "Run 2026"),
        ("xyz", None),
        ("ia", "service/media"),
        ("[.*", None),
    ],
)
def test_a_few_letters_find_what_is_meant(tab: Tab, words: str, best: str | None) -> None:
    there(tab, "/settings")
    names = ["Overview", "service/photos", "Suspend service/media…", "service/media", "Try again service/media retry", "Run 2026"]
    script = "async ([from, words, names]) => (await import(from)).rank(words, names, (name) => name)"
    found: list[str] = tab.js(script, [address("js/rank.js"), words, names])
    assert (found[0] if found else None) == best


def test_a_pass_is_asked_for_by_keys_and_told(web: WebHouse, tab: Tab) -> None:
    there(tab, "/")
    web.kicks.clear()
    tab.press("Control+k")
    tab.until(_OFFERS, "Look now")
    tab.do(tab.page.keyboard.type("look"))
    assert tab.js(_CHOSEN) == "Look now"
    tab.press("Enter")
    tab.until("location.search.startsWith('?asked=')")
    shown(tab, "A pass was asked for.")
    assert web.kicks == ["asked"]
    web.reconcile()
    tab.until("document.getElementById('asked').innerText.includes('2 of 3 are as git wants them')")


def test_a_form_of_the_palette_is_the_one_of_the_page(web: WebHouse, tab: Tab) -> None:
    there(tab, "/")
    web.kicks.clear()
    tab.press("Control+k")
    tab.until(_OFFERS, "Try again box/three")
    tab.do(tab.page.keyboard.type("retry three"))
    tab.do(tab.page.click("#palette-list li"))
    tab.until("location.pathname === '/resources/box/three'")
    shown(tab, "It is tried again in the next pass.")
    assert web.kicks == ["retry"]
    web.reconcile()
    assert [item.culprit for item in web.store.quarantined()] == ["box/three"], "it failed once more"


def test_suspending_leads_into_the_field_for_the_reason(tab: Tab) -> None:
    there(tab, "/")
    tab.press("Control+k")
    tab.until(_OFFERS, "Suspend box/two…")
    tab.do(tab.page.keyboard.type("suspend two"))
    tab.press("Enter")
    tab.until("location.pathname === '/resources/box/two' && document.activeElement.id === 'reason'")


# What somebody is at


def test_a_link_keeps_the_focus_while_events_come(web: WebHouse, tab: Tab) -> None:
    happened(web, [f"box/one before {at}" for at in (1, 2, 3)], "box/one")
    there(tab, "/")
    mine = "document.activeElement.closest('li')?.innerText.includes('before 2')"
    tab.do(tab.page.focus("#events li:nth-child(2) a"))
    assert tab.js(mine)
    tab.js("window.mine = document.activeElement")
    # Also when so much comes that it would no longer be in the list.
    for count in (1, 10, 30):
        happen(web, tab, count, f"batch of {count}:", "box/one")
        assert tab.js("document.activeElement === window.mine"), count
        assert tab.js(mine), count
    tab.do(tab.page.focus("#main"))
    happen(web, tab, 1, "after", "box/one")
    assert tab.js("window.mine.isConnected") is False, "it goes when nobody is at it"


def test_what_is_opened_shut_typed_and_chosen_stays(web: WebHouse, tab: Tab) -> None:
    web.house.world.edit("box", "local", "two", size=7)
    there(tab, "/resources/box/two")
    tab.do(tab.page.click("details summary"))
    tab.do(tab.page.fill("#reason", "half a rea"))
    tab.js("document.getElementById('reason').setSelectionRange(2, 5)")
    opened = tab.js("document.querySelector('details').open")
    happen(web, tab, 10, "while typing", "box/two")
    assert tab.js(_TYPED, "reason") == ["half a rea", 2, 5]
    assert tab.js("document.querySelector('details').open") is opened
    tab.do(tab.page.click("details summary"))
    tab.js(_SELECT)
    happen(web, tab, 2, "while shut", "box/two")
    assert tab.js("document.querySelector('details').open") is (not opened)
    assert tab.js("getSelection().toString()") == "Seen"


def test_a_half_typed_filter_stays(web: WebHouse, tab: Tab) -> None:
    there(tab, "/")
    tab.do(tab.page.focus("#q"))
    tab.do(tab.page.keyboard.type("box/t"))
    tab.until("document.querySelectorAll('#grid .tile').length === 2")
    happen(web, tab, 10, "while filtering")
    assert tab.js("document.activeElement.id") == "q"
    assert tab.js(_TYPED, "q") == ["box/t", 5, 5]
    assert tab.js("document.querySelectorAll('#grid .tile').length") == 2


def test_the_place_in_a_page_stays(web: WebHouse, tab: Tab) -> None:
    happened(web, [f"box/one earlier {at} " + "words " * 60 for at in range(12)], "box/one")
    tab.resize(700, 400)
    there(tab, "/")
    tab.js("() => { window.mine = document.querySelectorAll('#events li')[6]; window.mine.scrollIntoView(); }")
    where = "window.mine.getBoundingClientRect().top"
    tab.settle()
    before: Any = tab.js(where)
    happen(web, tab, 3, "above it" + " words" * 30, "box/one")
    tab.settle()
    assert tab.js("window.mine.isConnected")
    assert abs(tab.js(where) - before) < 2
    tab.resize(1280, 800)


def test_news_are_told_once(web: WebHouse, tab: Tab) -> None:
    there(tab, "/")
    tab.js("""() => { window.said = []; new MutationObserver(() => window.said.push(document.getElementById("news").textContent))
      .observe(document.getElementById("news"), { childList: true }); }""")
    assert tab.js("document.getElementById('news').getAttribute('role')") == "status"
    happen(web, tab, 10, "news")
    tab.until("window.said.length > 0")
    assert tab.js("window.said") == ["10 new events, the last: Happened: news 10"]


def test_who_holds_still_sees_nothing_move_until_they_go_on(web: WebHouse, tab: Tab) -> None:
    there(tab, "/")
    tab.do(tab.page.click("#pause"))
    assert tab.js("document.getElementById('pause').getAttribute('aria-pressed')") == "true"
    tab.settle()
    heard = "new Promise((done) => { new EventSource('/api/v1/events?after=%d').onmessage = () => done(true); })"
    last = web.store.last_event()
    happened(web, ["behind the pause"])
    assert tab.js(heard % last), "the browser has heard of it"
    tab.settle()
    assert "behind the pause" not in tab.words("#events")
    tab.do(tab.page.click("#pause"))
    shown(tab, "behind the pause")
