"""A real browser: Debian's Chromium, driven by Playwright. Whatever a page complains of fails the test that opened it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, Literal, TypeVar

from PIL import Image
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Route, StorageState, async_playwright
from playwright.async_api import Error as PlaywrightError

from controller.web.page import THEME_COOKIE

T = TypeVar("T")

SECONDS = 60.0
"""What a page, or an element of it, is waited for."""
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_TELL = """addEventListener("securitypolicyviolation", (event) =>
  window.refusedByPolicy(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""


@dataclass(frozen=True)
class Theme:
    """What a person has set in their system."""

    name: str
    scheme: Literal["dark", "light"]
    contrast: Literal["more", "no-preference"] = "no-preference"
    chosen: str = ""
    """What they have chosen for the page, whatever their system says."""


DARK, LIGHT, CONTRAST = Theme("dark", "dark"), Theme("light", "light"), Theme("contrast", "light", chosen="contrast")
THEMES = (DARK, LIGHT, CONTRAST)
WIDTHS = (320, 768, 1280)


class Browser:
    """One Chromium. It lives on a thread with an event loop of its own: Playwright leaves a running loop behind on the thread
    that uses it, and other tests want none there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="browser", daemon=True)
        self._thread.start()
        self._playwright = self.do(async_playwright().start())
        self._chromium: Chromium = self.do(
            self._playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS)
        )

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What Playwright answers, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * SECONDS)

    @contextmanager
    def tab(
        self,
        base: str = "",
        *,
        theme: Theme = DARK,
        width: int = 1280,
        height: int = 800,
        signed_in: StorageState | None = None,
        motion: Literal["reduce", "no-preference"] = "reduce",
        touch: bool = False,
        script: bool = True,
    ) -> Iterator[Tab]:
        """A window of its own on the page at an address; nothing is shared with another but what `signed_in` holds. Without
        `script` it runs none of its page's. Raises AssertionError at the end for whatever its page complained of."""
        context = self.do(
            self._chromium.new_context(
                base_url=base or None,
                viewport={"width": width, "height": height},
                color_scheme=theme.scheme,
                contrast=theme.contrast,
                reduced_motion=motion,
                has_touch=touch,
                java_script_enabled=script,
                storage_state=signed_in,
            )
        )
        if theme.chosen:
            self.do(context.add_cookies([{"name": THEME_COOKIE, "value": theme.chosen, "url": base}]))
        tab = Tab(self, context, base)
        try:
            self.do(tab.begin())
            yield tab
        finally:
            self.do(context.close())
        if tab.troubles:
            raise AssertionError("\n".join(tab.troubles))

    def close(self) -> None:
        """End it."""
        self.do(self._chromium.close())
        self.do(self._playwright.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()


@dataclass
class Tab:
    """One page. `troubles`: errors of its scripts and of its console, what its policy refused, dialogs, and requests to anywhere
    else; `foreseen` are addresses (with an answer's status) that are meant to fail; `alone` = its server is meant to be gone."""

    browser: Browser
    context: BrowserContext
    base: str
    page: Page = field(init=False)
    troubles: list[str] = field(default_factory=list)
    foreseen: set[tuple[str, int]] = field(default_factory=set)
    alone: bool = False
    _under_way: set[Request] = field(default_factory=set)

    async def begin(self) -> None:
        """Open the page, listening to everything."""
        self.context.set_default_timeout(SECONDS * 1000)
        self.context.on("page", self._listen)
        await self.context.expose_function("refusedByPolicy", lambda about: self.troubles.append(f"refused by policy: {about}"))
        await self.context.add_init_script(_TELL)
        self.page = await self.context.new_page()

    def _listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"error of a script: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        where = str(message.location.get("url", "")).partition("#")[0]
        known = any(where == address and f"status of {status} " in message.text for address, status in self.foreseen)
        if not known and not (self.alone and "net::ERR_" in message.text):
            self.troubles.append(f"console: {message.text} ({where})")

    async def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.type} {dialog.message}")
        await dialog.dismiss()

    def _request(self, request: Request) -> None:
        own = (self.base, "data:", "blob:") if self.base else ("data:", "blob:")
        if not request.url.startswith(own):
            self.troubles.append(f"request elsewhere: {request.url}")
        if request.resource_type != "eventsource":
            self._under_way.add(request)

    def _ended(self, request: Request) -> None:
        self._under_way.discard(request)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What Playwright answers: `tab.do(tab.page.click("button"))`."""
        return self.browser.do(work)

    def open(self, path: str, status: int = 200) -> None:
        """Go to a page of the address and wait until it has loaded. Raises AssertionError for another status."""
        if status >= 400:
            self.foreseen.add(((self.base + path).partition("#")[0], status))
        answer = self.do(self.page.goto(self.base + path))
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"

    def show(self, document: str, headers: Mapping[str, str] | None = None) -> None:
        """Show a document as if a server had sent it that has nothing else."""
        self.base = "http://page.test"
        sent = {"Content-Type": "text/html; charset=utf-8", **(headers or {})}

        async def answer(route: Route, request: Request) -> None:
            if request.url == "http://page.test/":
                await route.fulfill(body=document, headers=sent)
            else:
                await route.fulfill(status=204 if request.url.endswith("/favicon.ico") else 404)

        self.do(self.context.route("http://page.test/**", answer))
        self.open("/")

    def js(self, script: str, argument: Any = None) -> Any:
        """What a function, or an expression, comes to in the page."""
        return self.do(self.page.evaluate(script, argument))

    def until(self, script: str, argument: Any = None) -> None:
        """Wait until a function, or an expression, is true in the page, also while it goes from one page to the next."""
        # Playwright's own waiting needs `eval`, which the page's policy forbids.

        async def reached() -> None:
            while True:
                with suppress(PlaywrightError):
                    if await self.page.evaluate(script, argument):
                        return
                await asyncio.sleep(0.05)

        try:
            self.do(asyncio.wait_for(reached(), SECONDS))
        except TimeoutError:
            raise AssertionError(f"not within {SECONDS:.0f} s: {script} at {self.page.url}; {self.troubles}") from None

    def press(self, *keys: str) -> None:
        """Keys, one after the other: `Tab`, `Enter`, `Control+k`."""
        for key in keys:
            self.do(self.page.keyboard.press(key))

    def freeze(self) -> None:
        """Let it stay now for the page: what tells ages does not change (and move its neighbours) while it is looked at."""
        self.do(self.page.clock.set_fixed_time(datetime.now(UTC)))

    def settle(self) -> None:
        """Wait until the page is there with its scripts, what it has asked for has come (but for streams), and has been shown."""

        async def rest() -> None:
            quiet = False
            while not quiet:
                quiet = not self._under_way and await self.page.evaluate("document.readyState === 'complete'")
                await self.page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(() => setTimeout(done))))")

        self.do(asyncio.wait_for(rest(), SECONDS))

    def resize(self, width: int, height: int = 800) -> None:
        """Another size of the window."""
        self.do(self.page.set_viewport_size({"width": width, "height": height}))

    def words(self, selector: str = "body") -> str:
        """The text that is shown."""
        return self.do(self.page.inner_text(selector))

    def picture(self, clip: Mapping[str, float] | None = None) -> Image.Image:
        """The window, or a part of it (`x`, `y`, `width`, `height`), with animations at their end."""
        taken = self.do(self.page.screenshot(animations="disabled", clip=clip))  # type: ignore[arg-type]
        return Image.open(BytesIO(taken)).convert("RGB")

    def keep(self, name: str) -> None:
        """Save the window for the documentation, in the folder that HOMELAB_PICTURES names; without it, nothing."""
        folder = os.environ.get("HOMELAB_PICTURES")
        if folder:
            self.settle()
            self.picture().quantize(256).save(Path(folder) / f"{name}.png", optimize=True)

    def show_all(self, selector: str) -> None:
        """Let a list that scrolls be as high as what is in it."""
        self.js(
            """(selector) => {
              const sheet = new CSSStyleSheet();
              sheet.replaceSync(`${selector} { max-height: none !important; }`);
              document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
            }""",
            selector,
        )

    def stretch(self, width: int) -> int:
        """Make the window as high as its document, so that all of it is in one picture; that height."""
        height = 0
        # A page that is always a little higher than its window grows with it: its content is in the picture by then.
        for _ in range(3):
            wanted = int(self.js("document.documentElement.scrollHeight"))
            if wanted <= height:
                break
            height = wanted
            self.resize(width, height)
        return height
