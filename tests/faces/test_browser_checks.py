"""The checks of the page are proven: a page that is wrong in one way is found wrong in that way, and a right one is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.support.browser import Browser, Tab
from tests.support.contrast import barriers, cut_off, enlarged, faint, forced, keyboard, printed, ratio

DOCUMENT = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title><style>{style}</style></head>'
    "<body>{body}</body></html>"
)
TINY = '<button style="all: unset; font-size: 8px; line-height: 10px">'
CARD = '<main><h1>Title</h1><div class="card"><p>words that somebody must read</p></div></main>'
BARE = "<main><h1>Title</h1><p>words that somebody must read</p></main>"
SPACE = "html { background-color: #05060f; color: #ffffff; } "
STARS = "position: fixed; inset: 0; z-index: -1; background: #f4f4f4;"
GLASS = ".card { background: #ffffff10; } .card p { color: #44485e; } "
BLUR = ".card { background: #ffffff10; backdrop-filter: blur(4px); } .card p { color: #44485e; } "
Check = Callable[[Tab], Iterable[object]]


def dim(tab: Tab) -> Iterable[object]:
    return faint(tab, 1280)


@pytest.mark.parametrize(
    ("style", "body", "axe_sees", "reason"),
    [
        (SPACE + GLASS, CARD, True, "a card that is nearly clear on a solid ground"),
        (SPACE + BLUR, CARD, True, "the same, blurred"),
        (SPACE + GLASS + f"body::before {{ content: ''; {STARS.replace('#f4f4f4', '#0b0d20')} }}", CARD, True, "with dark stars"),
        (
            SPACE + "body { background: linear-gradient(#05060f, #101530); min-height: 100vh; } " + GLASS,
            CARD,
            True,
            "on a gradient, which axe cannot judge",
        ),
        (
            SPACE + ".card { background: linear-gradient(#20242f, #303550); } .card p { color: #50546a; }",
            CARD,
            True,
            "on a card with a gradient",
        ),
        (SPACE + f"body::before {{ content: ''; {STARS} }}", BARE, False, "white on a bright layer far behind: axe passes it"),
        (SPACE + "p { opacity: .3; }", BARE, True, "text that is nearly clear"),
        (SPACE + "p::before { content: 'Label '; color: #333333; }", BARE, False, "words of a style sheet"),
        (SPACE + "p { font-size: 30px; color: #505050; }", BARE, True, "large, and still too dark"),
    ],
)
def test_text_that_cannot_be_read_is_found(browser: Browser, style: str, body: str, axe_sees: bool, reason: str) -> None:
    with browser.tab() as tab:
        tab.show(DOCUMENT.format(style=style, body=body))
        assert bool(barriers(tab)) is axe_sees, reason
        found = faint(tab, 1280)
        assert found, reason
        assert all(each.ratio < each.least for each in found)


@pytest.mark.parametrize(
    ("style", "reason"),
    [
        (SPACE, "white on space"),
        (SPACE + f"body::before {{ content: ''; {STARS.replace('#f4f4f4', '#10152a')} }}", "over a dark layer"),
        (SPACE + "p { font-size: 30px; color: #767676; }", "large text may have less"),
        (SPACE + "p { transition: color 1s; }", "nothing lasts when the text is looked through"),
    ],
)
def test_text_that_can_be_read_is_let_pass(browser: Browser, style: str, reason: str) -> None:
    with browser.tab() as tab:
        tab.show(DOCUMENT.format(style=style, body=BARE))
        assert barriers(tab) == [], reason
        assert faint(tab, 1280) == [], reason
        assert "words that somebody must read" in tab.words()


@pytest.mark.parametrize(
    ("check", "body", "says", "reason"),
    [
        (barriers, "<main><h1>T</h1><button></button></main>", "button-name", "a button without a name"),
        (barriers, "<main><h1>T</h1><input></main>", "label", "a field without a label"),
        (
            barriers,
            f"<main><h1>T</h1>{TINY}a</button>{TINY}b</button></main>",
            "target-size",
            "two targets that a finger cannot tell apart",
        ),
        (cut_off, '<p style="width: 2000px">wide</p>', "2008 wide", "a page that scrolls sideways"),
        (
            cut_off,
            '<div style="overflow: hidden"><p style="width: 2000px; margin: 0">wide</p></div>',
            'p "wide" ends at 20',
            "what is cut off for good",
        ),
        (
            keyboard,
            "<button>one</button><p tabindex=0>two</p><a href='/' tabindex=-1>x</a><button tabindex=2>three</button>",
            "Tab jumps",
            "an order of its own",
        ),
        (
            keyboard,
            "<button>one</button><button onfocus='this.blur()'>two</button>",
            '"two" is not reached',
            "a button that lets go",
        ),
        (keyboard, "<style>:focus { outline: 0 }</style><button>one</button>", 'button "one" shows no focus', "no outline"),
        (
            keyboard,
            "<style>html { background: #fff } :focus { outline: 2px solid #ddd }</style><button>one</button>",
            "shows no focus",
            "an outline that nobody sees",
        ),
        (
            keyboard,
            "<button>one</button><div style='position: fixed; inset: 0; background: #fff'>all</div>",
            "is behind",
            "something lies over all",
        ),
    ],
)
def test_what_keeps_somebody_out_is_found(browser: Browser, check: Check, body: str, says: str, reason: str) -> None:
    with browser.tab() as tab:
        tab.show(DOCUMENT.format(style="", body=body))
        assert any(says in str(each) for each in check(tab)), (reason, list(check(tab)))


FIXED = '<div style="height: 24px; overflow: hidden; font: 16px/1.4 sans-serif"><p style="margin: 0">{words}</p></div>'
MARKED = '<button aria-pressed="true" style="color: {colour}; border: 1px solid">one</button><button>two</button>'


def wide(tab: Tab) -> Iterable[object]:
    return enlarged(tab, 1280)


def bare(tab: Tab) -> Iterable[object]:
    return forced(tab, 1280)


@pytest.mark.parametrize(
    ("check", "style", "body", "says", "reason"),
    [
        (wide, "", FIXED.format(words="A line that is one line. " * 6), "wider: div", "a line that becomes two has no room"),
        (wide, "", "<table style='width: 700px'><tr><td>x</table>", "larger: the page is 708 wide", "what needs a wide window"),
        (printed, "html { background: #fff } p { color: #bbb }", BARE, "printed: 'words that", "grey on white"),
        (printed, "html { background: #05060f }", "", "the paper is (5, 6, 15)", "a dark page"),
        (printed, "html { background: #fff } body::after { content: ''; position: fixed }", BARE, "a sky: ::after", "stars"),
        (
            printed,
            "html { background: #fff }",
            "<pre style='height: 50px; overflow: auto'>" + "a\n" * 20 + "</pre>",
            "printed: pre",
            "nobody scrolls paper",
        ),
        (bare, "", MARKED.format(colour="#c00"), 'button "one" looks like the others', "pressed by a colour alone"),
        (
            bare,
            "p { forced-color-adjust: none; color: #ccc; background: #fff }",
            BARE,
            "forced colours: 'words that",
            "colours of its own that cannot be read",
        ),
        (bare, "body::before { content: ''; position: fixed }", BARE, "a sky: ::before", "stars"),
    ],
)
def test_what_is_lost_on_paper_or_in_other_colours_or_sizes_is_found(
    browser: Browser, check: Check, style: str, body: str, says: str, reason: str
) -> None:
    with browser.tab() as tab:
        tab.show(DOCUMENT.format(style=style, body=body))
        found = list(check(tab))
        assert any(says in str(each) for each in found), (reason, found)


@pytest.mark.parametrize("check", [barriers, cut_off, keyboard, dim, wide, printed, bare])
def test_a_page_that_lets_everybody_in_is_let_pass(browser: Browser, check: Check) -> None:
    body = (
        '<main><h1>T</h1><p><a href="/">one</a></p><button>two</button><p><label>n <input name="n" placeholder="ten"></label></p>'
        '<p><label><input type="radio" name="r">a</label><label><input type="radio" name="r" checked>b</label></p>'
        "<p><button disabled>never</button> <button aria-pressed='true'>on</button></p>"
        "<pre tabindex='0' style='overflow-x: auto'>" + "long " * 300 + "</pre></main>"
    )
    style = ":focus-visible { outline: 3px solid #0033cc; outline-offset: 2px } label { display: block; padding: 6px }"
    style += "input { min-height: 24px; min-width: 24px } @media print { pre { overflow: visible; white-space: pre-wrap } }"
    style += "[aria-pressed=true] { font-weight: bold; border: 4px double }"
    with browser.tab() as tab:
        tab.show(DOCUMENT.format(style=style, body=body))
        assert list(check(tab)) == []


@pytest.mark.parametrize(
    ("body", "says", "reason"),
    [
        ("<script>alert(1)</script>", "dialog: alert 1", "a dialog"),
        ("<script>setTimeout(() => { throw new Error('oh') })</script>", "error of a script: oh", "an error that nobody caught"),
        ("<script>console.error('oh')</script>", "console: oh", "a word to the console"),
        ("<script>fetch('/missing')</script>", "404", "a file that is not there"),
        ("<img src='http://elsewhere.test/x.png' alt=''>", "request elsewhere: http://elsewhere.test/x.png", "another server"),
        ("<p style='color: red'>x</p>", "refused by policy: style-src-attr", "an inline style"),
    ],
)
def test_what_a_page_complains_of_fails_its_test(browser: Browser, body: str, says: str, reason: str) -> None:
    policy = {"Content-Security-Policy": "style-src 'self'"} if "style=" in body else None

    def visit() -> None:
        with browser.tab() as tab:
            tab.do(tab.context.route("http://elsewhere.test/**", lambda route: route.fulfill(body="")))
            tab.show(DOCUMENT.format(style="", body=body), policy)
            tab.until("document.readyState === 'complete'")
            tab.settle()

    with pytest.raises(AssertionError) as failed:
        visit()
    assert says in str(failed.value), reason


def test_the_ratio_is_that_of_the_guidelines() -> None:
    assert ratio((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert ratio((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)
    assert ratio((9, 9, 9), (9, 9, 9)) == 1
