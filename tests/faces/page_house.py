"""A house to look at in a browser: a running controller on the simulated world, in which much has happened."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import StorageState

from controller.cli.begin import scaffold
from controller.clients.clock import SystemClock
from controller.clients.memory import MemoryWorld
from controller.web.call import HTML
from controller.web.routes import routes
from tests.faces.command import SERVICE, Home
from tests.support.browser import Browser
from tests.support.space import wait_until

_LOOKS = {path: methods["GET"] for path, methods in routes().items() if "GET" in methods and methods["GET"].media == HTML}
VIEWS = tuple(path for path, look in _LOOKS.items() if path == "/" or look.scope is not None)
"""What somebody who is signed in sees, by its path in the route table; in one house it stands at `PageHouse.places`."""
PAGES = tuple(path for path in VIEWS if not path.startswith("/page/"))
"""The whole ones: the others are pieces that these ask for by themselves."""
RULES = """kind: Policy
name: asking
spec: {rules: [{name: ask-for-media, match: {names: [media]}, verdict: hold, reason: somebody may be watching}]}
"""


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        found = (about.get("href") if tag == "a" else None) or about.get("data-part")
        if found and found.startswith("/"):
            self.found.append(found.partition("#")[0])


@dataclass
class PageHouse:
    """A controller that runs. `ask` is the operator at its socket."""

    home: Home
    ask: httpx2.Client
    process: subprocess.Popen[str]
    signed_in: StorageState = field(init=False)
    address: str = ""
    places: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> MemoryWorld:
        """The simulated world, as a stranger's hand reaches it."""
        return MemoryWorld(SystemClock(), self.home.state / "memory" / "world.json")

    def sign_in(self, browser: Browser) -> None:
        """Enter by a link, as a person does."""
        link = self.home("token", "url").out.strip()
        self.address = link.partition("/#")[0]
        with browser.tab(self.address) as tab:
            tab.foreseen.add((f"{self.address}/", 401))
            tab.do(tab.page.goto(link))
            tab.until("document.querySelector('nav.views')")
            tab.settle()
            self.signed_in = tab.do(tab.context.storage_state())

    def status(self) -> Mapping[str, Any]:
        """How everything stands; empty before the first look."""
        answer = self.ask.get("/api/v1/status")
        found: dict[str, Any] = answer.json() if answer.is_success else {}
        return found

    def kill(self) -> None:
        """A power cut."""
        self.process.kill()
        self.process.wait()

    def until(self, wanted: Callable[[Mapping[str, Mapping[str, Any]]], object], what: str) -> None:
        """Wait until the resources (by key) are as wanted."""

        def reached() -> bool:
            found = self.status()
            return bool(found) and bool(wanted({item["key"]: item for item in found["items"]}))

        wait_until(reached, f"{what}; now: {self.status()}")

    def find(self) -> None:
        """Go through every link of every page: `places` is the first place of each page of the route table."""
        patterns = {path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$") for path in VIEWS}
        todo, seen = ["/"], {"/"}
        with self.person() as person:
            while todo:
                place = todo.pop(0)
                template = next((path for path, pattern in patterns.items() if pattern.match(place.partition("?")[0])), "")
                if not template or template in self.places:
                    continue
                answer = person.get(place)
                if answer.status_code != 200:
                    continue
                self.places[template] = place
                for link in _Links(answer.text).found:
                    if link not in seen:
                        seen.add(link)
                        todo.append(link)

    @contextmanager
    def person(self) -> Iterator[httpx2.Client]:
        """The signed-in browser, as a program that only reads."""
        cookies = {item["name"]: item["value"] for item in self.signed_in["cookies"]}
        with httpx2.Client(base_url=self.address, cookies=cookies, timeout=60, trust_env=False) as client:
            yield client


@contextmanager
def running(home: Home, browser: Browser) -> Iterator[PageHouse]:
    """A controller of a home, and somebody who is signed in."""
    transport = httpx2.HTTPTransport(uds=str(home.state / "controller.sock"))
    client = httpx2.Client(transport=transport, base_url="http://homelab", timeout=60, trust_env=False)
    with home.controller() as process, client as ask:
        found = PageHouse(home, ask, process)
        found.sign_in(browser)
        wait_until(found.status, "the first look")
        yield found


def demo(folder: Path) -> Home:
    """The home of `homelab demo`, not yet started."""
    home = Home(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scaffold().demo(home.repo)
    return home


def live_in(house: PageHouse) -> None:
    """What happens in a home: a version that does not get healthy is taken back, one waits for a person, one is suspended,
    somebody changes something by hand."""
    home = house.home
    house.until(lambda found: all(item["sync"] == "Synced" for item in found.values()), "everything as declared")
    home.commit("Ask before the media server changes", {"policy/asking.yaml": RULES})
    home.commit("Try a new reader", {"services/reader.yaml": SERVICE.format(name="reader", image="reader:1")})
    house.until(lambda found: found.get("service/reader", {}).get("sync") == "Synced", "the reader")
    home.commit("A reader that does not get healthy", {"services/reader.yaml": SERVICE.format(name="reader", image="reader:bad")})
    text = (home.repo / "services/demo.yaml").read_text()
    home.commit("A newer media server", {"services/demo.yaml": text.replace("jellyfin:10.11.3", "jellyfin:10.11.4")})
    house.until(lambda found: found["service/media"]["sync"] == "Held" and found["service/reader"]["sync"] == "Failed", "both")
    suspended = house.ask.post("/api/v1/suspensions", json={"key": "service/automation", "reason": "the disk is being replaced"})
    assert suspended.status_code == 201, suspended.text
    house.until(lambda found: found["service/automation"]["sync"] == "Suspended", "the suspension")
    made = house.ask.post("/api/v1/tokens", json={"name": "dashboard", "scopes": ["read"]})
    assert made.status_code == 201, made.text
    proposed = home("propose", "--set", "service/hello", "spec.image=nginx:1.29.3-alpine", "--title", "A newer nginx")
    assert proposed.code == 0, proposed.err
