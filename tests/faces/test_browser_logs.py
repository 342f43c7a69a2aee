"""The log of a service in a real browser: live, held, searched, in colours, and never more than text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import StorageState

from tests.faces.hostile import BREAKOUT, IMAGE, LINK, REORDERED, RUNS, TEMPLATE, TERMINAL
from tests.faces.speaking import Speaking
from tests.support.browser import THEMES, WIDTHS, Browser, Tab, Theme
from tests.support.contrast import keyboard, wrong
from tests.support.webhouse import WebHouse

PAGE, API = "/resources/box/one", "/api/v1/logs/box/one"
COLOURS = {30: "quiet", 31: "bad", 32: "good", 33: "warn", 34: "accent", 35: "odd", 36: "busy", 37: "text"}
_SHOWN = "[...document.querySelectorAll('#log-lines > li:not([hidden])')].map((line) => line.textContent)"


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebHouse, Speaking, StorageState]]:
    """A house whose boxes speak, and somebody who is signed in."""
    web = WebHouse(tmp_path_factory.mktemp("logs"))
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.start()
    with browser.tab(web.address) as tab:
        tab.open(f"/#token={web.access.invite()}", 401)
        tab.until("document.querySelector('nav.views')")
        tab.settle()
        signed_in = tab.do(tab.context.storage_state())
    yield web, Speaking.of(web), signed_in
    web.end()


@pytest.fixture
def voice(served: tuple[WebHouse, Speaking, StorageState]) -> Speaking:
    """The box, which has said nothing yet."""
    served[1].lines = []
    return served[1]


@pytest.fixture
def tab(served: tuple[WebHouse, Speaking, StorageState], browser: Browser) -> Iterator[Tab]:
    """Its page."""
    with browser.tab(served[0].address, signed_in=served[2]) as tab:
        tab.open(PAGE)
        tab.until("!document.getElementById('log-tools').hidden")
        yield tab


def follow(tab: Tab, *, until: str = "Live.") -> None:
    """Press the button by a key, and wait until it says so."""
    tab.do(tab.page.focus("#log-follow"))
    tab.press("Enter")
    tab.until("(said) => document.getElementById('log-said').textContent === said", until)


def lines(tab: Tab, *wanted: str) -> None:
    """Wait until exactly these are shown."""
    tab.until(f"(wanted) => JSON.stringify({_SHOWN}) === JSON.stringify(wanted)", list(wanted))


def test_a_log_is_followed_held_searched_and_saved(voice: Speaking, tab: Tab) -> None:
    voice.say("INFO started\n", "DEBUG details\r\n", 'level=warn msg="no error yet"\n')
    follow(tab)
    lines(tab, "INFO started", "DEBUG details", 'level=warn msg="no error yet"')
    voice.say("ERROR it broke\n", "\n")
    lines(tab, "INFO started", "DEBUG details", 'level=warn msg="no error yet"', "ERROR it broke", " ")

    tab.press("Enter")
    assert tab.words("#log-said") == "Paused."
    voice.say("INFO meanwhile\n")
    tab.until("document.getElementById('log-follow').textContent === 'Go on (1)'")
    assert "INFO meanwhile" not in tab.js(_SHOWN)
    tab.press("Enter")
    lines(tab, "INFO started", "DEBUG details", 'level=warn msg="no error yet"', "ERROR it broke", " ", "INFO meanwhile")
    assert tab.words("#log-said") == "Live."

    # The list of levels, by its arrows: without debug, warnings and errors, errors.
    tab.press("Shift+Tab", "ArrowDown")
    lines(tab, "INFO started", 'level=warn msg="no error yet"', "ERROR it broke", " ", "INFO meanwhile")
    tab.press("ArrowDown")
    lines(tab, 'level=warn msg="no error yet"', "ERROR it broke")
    tab.press("ArrowDown")
    lines(tab, "ERROR it broke")
    tab.press("Home", "Shift+Tab", *"MEAN")
    lines(tab, "INFO meanwhile")
    voice.say("INFO does not count\n", "INFO by all means\n")
    lines(tab, "INFO meanwhile", "INFO by all means")

    async def save() -> tuple[str, Path]:
        async with tab.page.expect_download() as coming:
            await tab.page.focus("#log a[download]")
            await tab.page.keyboard.press("Enter")
        saved = await coming.value
        return saved.suggested_filename, await saved.path()

    name, path = tab.do(save())
    assert (name, path.read_text()) == ("one.log", "first\nsecond\n")


def test_only_so_many_lines_are_kept_and_the_newest_is_in_sight(voice: Speaking, tab: Tab) -> None:
    voice.say(*(f"line {number}\n" for number in range(3000)))
    follow(tab)
    tab.until("document.querySelector('#log-lines > :last-child')?.textContent === 'line 2999'")
    assert tab.js("document.getElementById('log-lines').childElementCount") == 2000
    assert tab.js(f"{_SHOWN}[0]") == "line 1000"
    far = "(list) => list.scrollHeight - list.clientHeight - list.scrollTop"
    assert tab.js(f"({far})(document.getElementById('log-lines'))") <= 1
    # Who reads further up, by keys too, stays there.
    tab.do(tab.page.focus("#log-lines"))
    tab.press("Home")
    tab.until("document.getElementById('log-lines').scrollTop === 0")
    voice.say("line 3000\n")
    tab.until("document.querySelector('#log-lines > :last-child').textContent === 'line 3000'")
    assert tab.js(f"({far})(document.getElementById('log-lines'))") > 1000
    tab.press("Control+k", "Escape")


def test_a_stream_that_is_lost_says_so_and_goes_on_where_it_was(
    served: tuple[WebHouse, Speaking, StorageState], browser: Browser
) -> None:
    web, voice, signed_in = served
    voice.lines = []
    with browser.tab(web.address, signed_in=signed_in) as tab:
        tab.open(PAGE)
        tab.until("!document.getElementById('log-tools').hidden")
        voice.say("before\n")
        follow(tab)
        lines(tab, "before")
        voice.lines, voice.away = [], True
        tab.foreseen |= {(f"{web.address}{API}?follow=true&lines=2000&back={back}", 503) for back in range(1, 600)}
        voice.end()
        tab.until("document.getElementById('log-said').textContent.startsWith('local: Docker does not answer')")
        assert "Asking again in" in tab.words("#log-said")
        lines(tab, "before")
        voice.say("meanwhile\n")
        voice.away = False
        tab.until("document.getElementById('log-said').textContent === 'Live.'")
        lines(tab, "before", "— the stream was lost here; a line beside this may stand twice —", "meanwhile")
        # Whoever may not read it any more is told, and nothing is tried again.
        tab.foreseen |= {(f"{web.address}{API}?follow=true&lines=2000&back={back}", 409) for back in range(1, 600)}
        voice.lines, voice.silent = [], True
        voice.end()
        tab.until("document.getElementById('log-follow').textContent === 'Follow'")
        assert tab.words("#log-said") == "box/one writes no log"
        voice.silent = False


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_colours_of_a_terminal_are_colours_that_can_be_read(
    served: tuple[WebHouse, Speaking, StorageState], voice: Speaking, browser: Browser, theme: Theme
) -> None:
    web, _, signed_in = served
    voice.say(*(f"\x1b[1;{code}mname {name}\x1b[0m plain\n" for code, name in COLOURS.items()))
    voice.say(
        "\x1b[38;5;196mindexed\x1b[39m \x1b[38;2;10;200;30mmixed\x1b[m \x1b[4:3mwavy\x1b[24m \x1b[41;97mground\n", "after\n"
    )
    voice.say("\x1b[2K\x1b[1A\x1b(B\x1b]8;;https://elsewhere.test\x1b\\link\x1b]8;;\x1b\\ \x1bP1;2q\x1b\\\x1b7end\n")
    voice.say("WARN " + "long" * 200 + "\n", "ERROR x\n", "DEBUG x\n")
    with browser.tab(web.address, theme=theme, signed_in=signed_in) as tab:
        tab.freeze()
        tab.open(PAGE)
        tab.until("!document.getElementById('log-tools').hidden")
        follow(tab)
        tab.until("document.getElementById('log-lines').childElementCount === 14")
        shown = tab.js(_SHOWN)
        assert shown[:11] == [
            *(f"name {name} plain" for name in COLOURS.values()),
            *("indexed mixed wavy ground", "after", "link end"),
        ]
        for name in COLOURS.values():
            assert tab.js(
                """(name) => {
                  const piece = [...document.querySelectorAll("#log-lines span")].find((it) => it.textContent === `name ${name}`);
                  const own = document.createElement("i");
                  own.className = "swatch";
                  document.body.append(own);
                  const sheet = new CSSStyleSheet();
                  sheet.replaceSync(`.swatch { color: var(--${name}); }`);
                  document.adoptedStyleSheets = [sheet];
                  const same = getComputedStyle(piece).color === getComputedStyle(own).color;
                  document.adoptedStyleSheets = [];
                  own.remove();
                  return same && getComputedStyle(piece).fontWeight === "700";
                }""",
                name,
            ), name
        assert tab.js("document.querySelector('#log-lines > :nth-child(9) > :nth-child(1)').className") == "ansi-red"
        assert tab.js("document.querySelector('#log-lines > :nth-child(9) > :nth-child(2)').className") == "ansi-green"
        assert tab.js("document.querySelector('#log-lines > :nth-child(10)').children.length") == 0, "a colour ends with its line"
        # All of it in sight, for the pixels.
        tab.show_all("#log-lines")
        width = WIDTHS[THEMES.index(theme)]
        assert wrong(tab, width) + keyboard(tab) == []


def test_a19_a20_what_a_service_says_is_text(voice: Speaking, tab: Tab) -> None:
    said = [
        IMAGE,
        BREAKOUT,
        f'<a href="{LINK}">{LINK}</a>',
        TEMPLATE,
        "<style>*{display:none}</style>",
        "</li></ol><h1>forged</h1>",
    ]
    voice.say(*(f"{text}\n" for text in said), f"{TERMINAL}\n", f"{REORDERED}\n", "one\r2026-01-01 forged\r\n")
    follow(tab)
    lines(tab, *said, "red", "abc\\u202efed\\u2066\\u200b\\xad", "one\\x0d2026-01-01 forged")
    # As text that is escaped, and as markup that is ours alone.
    assert tab.js("[...document.querySelectorAll('#log-lines *')].every((each) => ['LI', 'SPAN'].includes(each.tagName))")
    assert tab.js(RUNS) == []
    assert "\x1b" not in tab.words()
    tab.resize(320)
    assert tab.js("document.documentElement.scrollWidth") == 320
    # Nor are the words that are searched, or what an answer says.
    tab.do(tab.page.fill("#log-words", IMAGE))
    lines(tab, IMAGE)
