"""Outflow: text that goes on, such as a log, to whoever reads it: made by a thread of its own, no faster than it is taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from threading import Thread

from starlette.types import Receive, Scope, Send

from controller.core.errors import HomelabError
from controller.web.call import Flow
from controller.web.feed import Feed
from controller.web.problem import Problem

_log = logging.getLogger(__name__)

FLOWS = 32
_AHEAD = 16
"""As many pieces are made before the reader has taken the first of them."""
_TICK = 0.5


class Outflows:
    """Every flow that is open; ends with the feed. `still` of a flow says whether its reader may still have it."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._open = 0

    def response(self, flow: Flow, still: Callable[[], bool]) -> Outflow:
        """The answer that carries a flow. Raises Problem when there are too many."""
        if self._open >= FLOWS:
            flow.stop.set()
            raise Problem(503, "busy", "too many logs are followed", {"Retry-After": "10"})
        return Outflow(self, flow, still)

    def count(self, change: int) -> None:
        """One more, or one less."""
        self._open += change


class Outflow:
    """One flow: an ASGI answer."""

    def __init__(self, outflows: Outflows, flow: Flow, still: Callable[[], bool]) -> None:
        self._outflows, self._flow, self._still = outflows, flow, still
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue(_AHEAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI)
        self._outflows.count(1)
        loop = asyncio.get_running_loop()
        Thread(target=self._make, args=(loop,), name="web-outflow", daemon=True).start()
        tasks = [asyncio.create_task(part) for part in (_gone(receive), self._talk(send), self._guard())]
        try:
            await asyncio.wait(
                (*tasks, closed := asyncio.create_task(self._outflows.feed.closed.wait())), return_when="FIRST_COMPLETED"
            )
        finally:
            self._flow.stop.set()
            self._outflows.count(-1)
            for task in (*tasks, closed):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, TimeoutError | HomelabError | Problem):
                _log.error("a flow ended unexpectedly", exc_info=error)
        if not tasks[0].done() or tasks[0].cancelled():
            await self._send(send, b"", more=False)

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: hand over one piece after the other, waiting for the reader."""
        try:
            for text in self._flow.pieces:
                if not self._hand_over(text, loop):
                    return
        except HomelabError as error:
            self._hand_over(f"! {error}\n", loop)
        finally:
            self._hand_over(None, loop)

    def _hand_over(self, text: str | None, loop: asyncio.AbstractEventLoop) -> bool:
        """False when nobody reads any more."""
        if self._flow.stop.is_set():
            return False
        try:
            taken = asyncio.run_coroutine_threadsafe(self._pieces.put(text), loop)
            while not self._flow.stop.is_set():
                try:
                    taken.result(_TICK)
                except Late:
                    continue
                return True
            taken.cancel()
        except RuntimeError:  # the loop has ended
            pass
        return False

    async def _talk(self, send: Send) -> None:
        headers = [(b"content-type", self._flow.media.encode()), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        async with asyncio.timeout(self._outflows.feed.send_seconds):
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send(send, b"", more=True)
        while (text := await self._pieces.get()) is not None:
            await self._send(send, text.encode("utf-8", "replace"), more=True)

    async def _guard(self) -> None:
        """Ends when the caller may no longer read."""
        allowed = True
        while allowed:
            await asyncio.sleep(self._outflows.feed.heartbeat)
            allowed = await self._outflows.feed.check(self._still)

    async def _send(self, send: Send, content: bytes, *, more: bool) -> None:
        async with asyncio.timeout(self._outflows.feed.send_seconds):
            await send({"type": "http.response.body", "body": content, "more_body": more})


async def _gone(receive: Receive) -> None:
    """Ends when the peer has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
