"""The whole story in a real browser, once by mouse and once by keys alone: a change is proposed, approved and applied; a bad one
is rolled back by itself, and what takes it out of git again waits for a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest
from playwright.async_api import Locator

from tests.faces.page_house import PageHouse, demo, running
from tests.support.browser import Browser, Tab

NAMES = ("notes", "recipes")
FILE = "# A line that nobody touches.\nkind: Service\nname: {name}\nspec:\n  image: {image}\n  read_only: true   # as it says\n"
_IMAGE_LINE = 4
_MOST = 300
"""Presses of Tab within which everything is reached."""
_SHOWN = """(where) => where.test(location.pathname + location.search)
  && document.querySelector("button[data-open=palette]:not([hidden])") !== null"""
_TILE = """([key, word]) => [...document.querySelectorAll("#grid .tile")].some((tile) =>
  tile.querySelector(".key").textContent === key && [...tile.querySelectorAll(".badge")].some((it) => it.textContent === word))"""

_RUNS = """(head) => document.querySelectorAll(`#standing code[title="${head}"]`).length === 2
  && ["Synced", "Healthy"].every((word) => document.getElementById("standing").innerText.includes(word))"""


def arrive(tab: Tab, where: str) -> None:
    """Wait until a page (an expression for its path and query) is there and listens to keys."""
    tab.until(f"() => ({_SHOWN})(/^{where}$/)")


class Hand(Protocol):
    """How somebody uses a page."""

    def view(self, title: str) -> None:
        """Go to a view of the navigation."""

    def resource(self, key: str) -> None:
        """Go to the page of a resource."""

    def press(self, target: Locator) -> None:
        """Use a link or a button."""

    def write(self, target: Locator, text: str) -> None:
        """Write into a field, instead of what is in it."""

    def edit(self, target: Locator, old: str, new: str) -> None:
        """Write another image into the text of the file."""


@dataclass
class Mouse:
    """Everything is clicked; only words are typed."""

    tab: Tab

    def view(self, title: str) -> None:
        self.press(self.tab.page.locator("nav.views").get_by_role("link", name=title, exact=True))

    def resource(self, key: str) -> None:
        if self.tab.js("location.pathname") != "/":
            self.view("Overview")
            arrive(self.tab, r"\/")
        self.press(self.tab.page.locator("#grid").get_by_role("link", name=key, exact=True))

    def press(self, target: Locator) -> None:
        self.tab.do(target.click())

    def write(self, target: Locator, text: str) -> None:
        self.press(target)
        self.tab.press("Control+a")
        self.tab.do(self.tab.page.keyboard.insert_text(text))

    def edit(self, target: Locator, old: str, new: str) -> None:
        self.write(target, self.tab.do(target.input_value()).replace(old, new))


@dataclass
class Keys:
    """No pointer at all."""

    tab: Tab

    def view(self, title: str) -> None:
        self.tab.press("g", {"Overview": "o", "Proposals": "r"}[title])

    def resource(self, key: str) -> None:
        self.tab.press("Control+k")
        # The palette asks for the resources when it is opened.
        self.tab.until(
            "(key) => [...document.querySelectorAll('#palette-list li')].some((item) => item.textContent === key)", key
        )
        self._type("service")
        for _ in range(_MOST):
            if self.tab.words("#palette-list [aria-selected=true]").strip() == key:
                break
            self.tab.press("ArrowDown")
        self.tab.press("Enter")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.tab.press("Space" if self.tab.do(target.evaluate("(it) => it.localName")) == "button" else "Enter")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.tab.press("Control+a")
        self._type(text)

    def edit(self, target: Locator, old: str, new: str) -> None:
        self.reach(target)
        self.tab.press("Control+Home", *["ArrowDown"] * _IMAGE_LINE, "End", *["Backspace"] * len(old))
        self._type(new)

    def reach(self, target: Locator) -> None:
        """Go on with Tab until it has the focus."""
        for _ in range(_MOST):
            if self.tab.do(target.evaluate("(it) => it === document.activeElement")):
                return
            self.tab.press("Tab")
        raise AssertionError(f"{target} is not reached by Tab")

    def _type(self, text: str) -> None:
        self.tab.do(self.tab.page.keyboard.type(text))


@dataclass
class Story:
    """One service of the house, and somebody at a page."""

    house: PageHouse
    tab: Tab
    hand: Hand
    name: str

    @property
    def key(self) -> str:
        return f"service/{self.name}"

    def view(self, title: str, path: str) -> None:
        self.hand.view(title)
        arrive(self.tab, path)

    def resource(self) -> None:
        """Go there when nothing is under way: the tiles of what is under way move below a mouse."""
        head = self.head()
        self.house.until(
            lambda items: all((item["sync"], item["applied"]) == ("Synced", head) for item in items.values()),
            "everything applied",
        )
        self.hand.resource(self.key)
        arrive(self.tab, rf"\/resources\/service\/{self.name}")

    def button(self, name: str) -> Locator:
        return self.tab.page.get_by_role("button", name=name, exact=True)

    def propose(self, title: str, old: str, new: str) -> None:
        """Another image, from the page of the resource."""
        self.hand.press(self.tab.page.get_by_role("link", name="Change…", exact=True))
        arrive(self.tab, rf"\/propose\?key=.*{self.name}")
        self.hand.write(self.tab.page.get_by_label("Title"), title)
        content = self.tab.page.get_by_label("Content")
        self.hand.edit(content, old, new)
        assert self.tab.do(content.input_value()) == FILE.format(name=self.name, image=new)
        self.hand.press(self.button("Propose"))
        arrive(self.tab, r"\/proposals\/[\w-]+\?done=opened")
        assert self.tab.words("h1") == title
        told = self.tab.words("#main")
        for words in (self.key, old, new, "Open", "can be undone exactly"):
            assert words in told, (words, told)

    def approve(self) -> None:
        """What is shown."""
        self.hand.press(self.button("Approve and merge"))
        arrive(self.tab, r"\/proposals\/[\w-]+\?done=approved")
        assert "Approved and merged" in self.tab.words("#main")

    def runs(self) -> str:
        """The image that really runs, as somebody at a terminal sees it."""
        return str(self.house.home("show", self.key, "-o", "json").json["observed"]["image"])

    def deployed(self) -> None:
        """Wait until the page of the resource says that the newest commit runs."""
        self.tab.until(_RUNS, self.head())
        self.tab.until("document.getElementById('now').innerText.includes('No field differs')")

    def head(self) -> str:
        """The newest commit."""
        return self.house.home.git("rev-parse", "HEAD").strip()

    def declared(self) -> str:
        """The file, as git has it."""
        return self.house.home.git("show", f"HEAD:services/{self.name}.yaml")


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """A home with a service for each story."""
    home = demo(tmp_path_factory.mktemp("story"))
    files = {f"services/{name}.yaml": FILE.format(name=name, image=f"{name}:1") for name in NAMES}
    home.commit("Notes and recipes", files)
    with running(home, browser) as found:
        found.until(lambda items: all(item["sync"] == "Synced" for item in items.values()), "everything as declared")
        yield found


@pytest.mark.parametrize(("hand", "name"), [(Mouse, NAMES[0]), (Keys, NAMES[1])], ids=("mouse", "keyboard"))
def test_the_story(house: PageHouse, browser: Browser, hand: type[Mouse] | type[Keys], name: str) -> None:
    with browser.tab(house.address, signed_in=house.signed_in) as tab:
        story = Story(house, tab, hand(tab), name)
        tab.open("/")
        arrive(tab, r"\/")
        first, second, bad = f"{name}:1", f"{name}:2", f"{name}:bad"

        story.resource()
        story.propose(f"A newer version of {name}", first, second)
        assert (story.runs(), story.declared()) == (first, FILE.format(name=name, image=first)), "nothing counts before"
        tab.keep("proposal")
        story.approve()
        story.resource()
        story.deployed()
        assert (story.runs(), story.declared()) == (second, FILE.format(name=name, image=second))

        story.propose(f"The newest version of {name}", second, bad)
        story.approve()
        story.view("Overview", r"\/")
        tab.until("(key) => document.getElementById('waits').innerText.includes(`Take back ${key}`)", story.key)
        tab.until(_TILE, [story.key, "Failed"])
        assert (story.runs(), story.declared()) == (second, FILE.format(name=name, image=bad)), "it runs as before"
        tab.keep("overview")
        with browser.tab(house.address, signed_in=house.signed_in, width=390, height=844, touch=True) as phone:
            phone.open("/")
            assert f"Take back {story.key}" in phone.words("#waits")
            phone.keep("phone")

        story.view("Proposals", r"\/proposals")
        story.hand.press(tab.page.locator("#inbox").get_by_role("link", name=f"Take back {story.key}"))
        arrive(tab, r"\/proposals\/[\w-]+")
        told = tab.words("#main")
        assert re.search(rf"{story.key} failed in \w+ and was rolled back", told), told
        assert {bad, second} <= set(told.split()), told
        story.approve()
        story.view("Overview", r"\/")
        tab.until(_TILE, [story.key, "Synced"])
        tab.until("document.getElementById('waits').innerText.trim() === ''")
        assert (story.runs(), story.declared()) == (second, FILE.format(name=name, image=second)), "git is taken back"
        story.view("Proposals", r"\/proposals")
        assert "No proposal waits" in tab.words("#inbox")


def test_what_has_the_focus_stays_what_it_is_when_others_move(house: PageHouse, browser: Browser) -> None:
    with browser.tab(house.address, signed_in=house.signed_in) as tab:
        tab.open("/")
        arrive(tab, r"\/")
        keys = "[...document.querySelectorAll('#grid .tile .key')].map((link) => link.textContent)"
        before = tab.js(keys)
        mine, other = before[1], "service/photos"
        Keys(tab).reach(tab.page.locator("#grid").get_by_role("link", name=mine, exact=True))
        done = house.ask.post("/api/v1/suspensions", json={"key": other, "reason": "the disk is being replaced"})
        assert done.status_code == 201, done.text
        tab.until(_TILE, [other, "Suspended"])
        assert (tab.js(keys)[0], before.index(other) > 1) == (other, True), "trouble comes first"
        assert tab.js("document.activeElement.textContent") == mine
        assert house.ask.delete(f"/api/v1/suspensions/{other}").is_success
        tab.until(_TILE, [other, "Synced"])
        assert (tab.js(keys), tab.js("document.activeElement.textContent")) == (before, mine)
