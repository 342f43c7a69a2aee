"""Attacks that need a real browser: what somebody wrote is shown and never run (A19, A20); another port gets nothing (A16)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.faces.hostile import BREAKOUT, IMAGE, LINK, REORDERED, RUNS, TEMPLATE, TERMINAL
from tests.faces.page_house import PAGES, PageHouse, demo, live_in, running
from tests.support.browser import DARK, LIGHT, Browser, Theme
from tests.support.contrast import cut_off

HOSTILE = f"""kind: Domain
name: hostile
spec:
  zone: hostile.example.net
  via: dns
  records:
    - {{type: TXT, value: "{IMAGE}"}}
---
kind: Service
name: hostile
spec:
  image: hostile:1
  labels: {{note: "{IMAGE}", link: "{LINK}"}}
  environment: {{GREETING: "{IMAGE}{TEMPLATE}"}}
---
kind: Area
name: hostile
spec: {{name: "{IMAGE}"}}
---
kind: Entity
name: hostile
spec: {{entity: light.hostile, name: "{IMAGE}{LINK}"}}
---
kind: Service
name: waiting
spec: {{image: 'waiting:1'}}
"""
RECORD = "record/hostile-example-net-txt"
RULE = f"""kind: Policy
name: hostile
spec: {{rules: [{{name: hostile, match: {{names: [waiting]}}, verdict: hold, reason: '{IMAGE}'}}]}}
"""


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageHouse]:
    """A home in which everything that can be written is an attack."""
    with running(demo(tmp_path_factory.mktemp("hostile")), browser) as found:
        live_in(found)
        home = found.home
        home.commit(
            f"{IMAGE} {BREAKOUT} {LINK} {REORDERED} {TERMINAL}",
            {"services/hostile.yaml": HOSTILE, "policy/hostile.yaml": RULE},
            author=f"{IMAGE[1:-1]} <me@example.net>",
        )
        found.until(lambda items: items.get("service/waiting", {}).get("sync") == "Held", "the held one")
        found.until(lambda items: items["service/hostile"]["sync"] == "Synced", "the hostile one")
        for key, reason in (("service/hostile", f"{IMAGE} {LINK}"), ("service/photos", f"{BREAKOUT}{TEMPLATE}")):
            assert found.ask.post("/api/v1/suspensions", json={"key": key, "reason": reason}).status_code == 201
        found.until(lambda items: items["service/photos"]["sync"] == "Suspended", "the suspensions")
        said = home(
            *("propose", "--set", "service/hostile", "spec.image=hostile:2", "--title", f"{IMAGE}{LINK}", "--reason", BREAKOUT)
        )
        assert said.code == 0, said.err
        found.find()
        yield found


@pytest.mark.parametrize(("theme", "width"), [(DARK, 320), (LIGHT, 1280)])
def test_a19_what_somebody_wrote_is_shown_and_never_run(house: PageHouse, browser: Browser, theme: Theme, width: int) -> None:
    shown: set[str] = set()
    links: set[str] = set()
    with browser.tab(house.address, theme=theme, width=width, signed_in=house.signed_in) as tab:
        for view in PAGES:
            for place in {house.places.get(view, ""), *_hostile(house, view)} - {""}:
                tab.open(place)
                tab.settle()
                words = tab.words()
                assert tab.js(RUNS) == []
                assert not {"\x1b", "\u202e", "\u200b"} & set(words)
                assert cut_off(tab) == []
                shown |= {place} if IMAGE in words else set()
                links |= {place} if LINK in words else set()
    named = _hostile(house, "/resources/{kind}/{name}")
    proposal = next(iter(_hostile(house, "/proposals/{id}")))
    assert {"/", "/history", "/proposals", proposal, *named} <= shown
    assert {"/", "/history", "/proposals", proposal, "/resources/service/hostile", "/resources/entity/hostile"} <= links


def test_a19_a_mistake_is_quoted_and_never_run(house: PageHouse, browser: Browser) -> None:
    wrong = f"kind: Service\nname: wrong\nspec: {{image: 'x:1', '{IMAGE}': 1}}\n"
    house.home.commit(BREAKOUT, {"services/wrong.yaml": wrong})
    try:
        house.until(lambda _items: house.status()["diagnostics"], "the finding")
        with browser.tab(house.address, width=320, signed_in=house.signed_in) as tab:
            tab.open("/")
            tab.settle()
            assert IMAGE in tab.words()
            assert tab.js(RUNS) == []
            assert cut_off(tab) == []
    finally:
        (house.home.repo / "services/wrong.yaml").unlink()
        house.home.commit("Take it back")
        house.until(lambda _items: not house.status()["diagnostics"], "the finding to go")


def _hostile(house: PageHouse, view: str) -> set[str]:
    """The places of a page that are about the attacks."""
    proposal = house.home("proposals", "-o", "json").json["proposals"][0]["id"]
    return {
        "/resources/{kind}/{name}": {
            f"/resources/{key}" for key in ("service/hostile", "area/hostile", "entity/hostile", RECORD, "service/waiting")
        },
        "/proposals/{id}": {f"/proposals/{proposal}"},
    }.get(view, set())


class _Elsewhere(BaseHTTPRequestHandler):
    """A page of another program on the same machine."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def elsewhere(page: str) -> Iterator[str]:
    """Another program on loopback; its address."""
    handler = type("Elsewhere", (_Elsewhere,), {"page": page.encode()})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        ("/resources/service/hello/suspend", "application/x-www-form-urlencoded", "a form of a page"),
        ("/api/v1/suspensions", "text/plain", "JSON as plain text"),
        ("/api/v1/sync", "application/x-www-form-urlencoded", "what needs no body"),
        ("/leave", "application/x-www-form-urlencoded", "signing somebody out"),
    ],
)
def test_a16_another_port_sends_the_cookie_and_is_refused(
    house: PageHouse, browser: Browser, action: str, kind: str, reason: str
) -> None:
    page = (
        f'<!doctype html><title>x</title><form method="post" enctype="{kind}" action="{house.address}{action}">'
        """<input name='{"key": "service/hello", "reason": "' value='"}'></form>"""
        "<script>document.forms[0].submit()</script>"
    )
    cookies: list[str] = []
    with elsewhere(page) as address, browser.tab(address, signed_in=house.signed_in) as tab:
        # This one test is about what goes to another address.
        tab.base = "http://127.0.0.1"
        tab.foreseen |= {(f"{house.address}{action}", status) for status in (403, 415)}
        # A refusal as JSON names no icon: a browser asks for one, if it is given the time.
        tab.foreseen.add((f"{house.address}/favicon.ico", 404))

        async def sent() -> int:
            async with tab.page.expect_response(f"{house.address}{action}") as coming:
                await tab.page.goto(address)
            answer = await coming.value
            cookies.append((await answer.request.all_headers()).get("cookie", ""))
            return answer.status

        assert tab.do(sent()) == 403, reason
    # Ports do not keep cookies apart: it did come, and counted for nothing.
    assert "homelab-" in cookies[0]
    assert house.status()["items"]
    hello = next(item for item in house.status()["items"] if item["key"] == "service/hello")
    assert hello["sync"] != "Suspended"
