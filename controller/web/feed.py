"""Feed: events as they happen, to any number of listeners. A listener is only a cursor: who is slow holds up nobody and costs
no memory beyond its own socket buffer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from controller.core.codec import to_data
from controller.core.errors import HomelabError
from controller.core.event import Event
from controller.usecases.access import Denied
from controller.web.call import Face
from controller.web.lanes import Lane, Lanes
from controller.web.problem import Problem

_log = logging.getLogger(__name__)

LISTENERS = 512
HEARTBEAT = 15.0
SEND_SECONDS = 20.0
"""A listener whose buffer stays full for so long is let go."""
_TICK = 0.5
_RECENT = 512
_PAGE = 200


class Feed:
    """Watches the store once for all listeners."""

    def __init__(self, face: Face, lanes: Lanes, heartbeat: float = HEARTBEAT, send_seconds: float = SEND_SECONDS) -> None:
        self._face, self._lanes = face, lanes
        self.heartbeat, self.send_seconds = heartbeat, send_seconds
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=_RECENT)
        self._newest = 0
        self._report: tuple[float, bytes] = (0.0, b"")
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self.closed = asyncio.Event()
        self.dropped = 0

    async def watch(self) -> None:
        """Run until cancelled; looks only while somebody listens."""
        while not self.closed.is_set():
            if not self._listeners:
                self._wanted.clear()
                await self._wanted.wait()
                self._recent.clear()
                self._newest = 0
            try:
                news = await self._lanes.run(Lane.WATCH, self._look)
            except HomelabError:
                # The store does not answer: /readyz says so, and listeners see the heartbeat.
                news = False
                await asyncio.sleep(_TICK)
            if news:
                for listener in self._listeners:
                    listener.stirred.set()

    def _look(self) -> bool:
        """In a thread: wait for something new and make it ready to send. True when there is something."""
        desk = self._face.desk
        if not self._newest:
            self._newest = desk.look.last_event()
        begin, made = self._newest, self._report[0]
        if desk.wait_event(self._newest, _TICK) > self._newest:
            while found := desk.look.events(self._newest, _PAGE):
                self._recent.extend((event.number, frame(event)) for event in found)
                self._newest = found[-1].number
        report = self._face.report
        if report is not None and report.at != made:
            text = json.dumps({"at": report.at, "revision": report.revision.id, "live": report.live})
            self._report = (report.at, f"event: report\ndata: {text}\n\n".encode())
        return self._newest != begin or self._report[0] != made

    def response(self, after: int, still: Callable[[], bool]) -> Listener:
        """The answer to who wants to listen. Raises Problem when there are too many."""
        if self.listeners() >= LISTENERS:
            raise Problem(503, "busy", "too many listeners", {"Retry-After": "10"})
        return Listener(self, after, still)

    def join(self, listener: Listener) -> None:
        """Begin to watch for a listener."""
        self._listeners.add(listener)
        self._wanted.set()

    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def drop(self, listener: Listener) -> None:
        """A listener does not read: it is let go."""
        self.dropped += 1
        self.part(listener)

    def part(self, listener: Listener) -> None:
        """A listener has gone."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """Let every listener go, at shutdown."""
        self.closed.set()
        self._wanted.set()
        for listener in self._listeners:
            listener.stirred.set()

    async def page(self, after: int) -> tuple[bytes, int]:
        """Frames after a cursor, and the cursor behind them."""
        recent = tuple(self._recent)
        if self._newest and after >= self._newest:
            found = []
        elif recent and after >= recent[0][0] - 1:
            found = [item for item in recent if item[0] > after]
        else:
            events = await self._lanes.run(Lane.QUICK, lambda: self._face.desk.look.events(after, _PAGE))
            found = [(event.number, frame(event)) for event in events]
        return b"".join(text for _, text in found), found[-1][0] if found else after

    def report(self) -> tuple[float, bytes]:
        """When the newest report was made, and the frame that says so."""
        return self._report

    async def check(self, still: Callable[[], bool]) -> bool:
        """True while a listener may listen."""
        try:
            return await self._lanes.run(Lane.QUICK, still)
        except Problem as error:
            return error.code == "busy"
        except Denied:
            return False


class Listener:
    """One open stream: an ASGI answer."""

    def __init__(self, feed: Feed, after: int, still: Callable[[], bool]) -> None:
        self._feed, self._cursor, self._still = feed, after, still
        self._seen = 0.0
        self._open = False
        self.stirred = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._feed.join(self)
        gone, talk, guard = (asyncio.create_task(part) for part in (_gone(receive), self._talk(send), self._guard()))
        try:
            await asyncio.wait((gone, talk, guard), return_when=asyncio.FIRST_COMPLETED)
            if _deaf(talk):
                # Closing would wait for a peer that does not read: what is buffered is thrown away.
                self._feed.drop(self)
                scope["state"]["abort"]()
                await asyncio.wait((gone,), timeout=1)
            left = gone.done()
        finally:
            self._feed.part(self)
            for task in (gone, talk, guard):
                task.cancel()
            ended = await asyncio.gather(gone, talk, guard, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, TimeoutError | HomelabError | Problem):
                _log.error("event stream ended unexpectedly", exc_info=error)
        if self._open and not left:
            await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _talk(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": headers})
        self._open = True
        await self._write(send, b"retry: 2000\n\n")
        while not self._feed.closed.is_set():
            await self._next(send)

    async def _next(self, send: Send) -> None:
        self.stirred.clear()
        text, self._cursor = await self._feed.page(self._cursor)
        at, report = self._feed.report()
        if at != self._seen:
            self._seen, text = at, text + report
        if text:
            await self._write(send, text)
            return
        try:
            async with asyncio.timeout(self._feed.heartbeat):
                await self.stirred.wait()
        except TimeoutError:
            await self._write(send, b": alive\n\n")

    async def _guard(self) -> None:
        """Ends when the caller may no longer listen."""
        allowed = True
        while allowed:
            await asyncio.sleep(self._feed.heartbeat)
            allowed = await self._feed.check(self._still)

    async def _write(self, send: Send, text: bytes) -> None:
        await self._send(send, {"type": "http.response.body", "body": text, "more_body": True})

    async def _send(self, send: Send, message: Any) -> None:
        async with asyncio.timeout(self._feed.send_seconds):
            await send(message)


async def _gone(receive: Receive) -> None:
    """Ends when the peer has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _deaf(talk: asyncio.Task[None]) -> bool:
    """True when a listener was not able to take what we sent in time."""
    return talk.done() and isinstance(talk.exception(), TimeoutError)


def frame(event: Event) -> bytes:
    """An event as a stream carries it; JSON in ASCII has no line break that could end the frame."""
    return f"id: {event.number}\ndata: {json.dumps(to_data(event), allow_nan=False)}\n\n".encode()
