"""A WebSocket (RFC 6455) whose socket belongs to one thread: TLS sockets must not be read and written by two at once."""

from __future__ import annotations

import logging
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from controller.core.ports import Clock

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

OPENING = 10.0
ASK_AFTER = 10.0
DEAD_AFTER = 30.0
"""Seconds: to connect, of silence until the peer is asked for a sign of life, and until it counts as gone."""
_LARGEST = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_SILENT = logging.Logger("websockets", logging.CRITICAL)  # noqa: LOG001 (nothing may turn it on: it would log the token)
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TurnedAway(ConnectionError):
    """The server answered with something else than a WebSocket; `status` is its HTTP status, `location` where it points to."""

    def __init__(self, status: int, location: str) -> None:
        self.status = status
        self.location = location
        super().__init__(f"HTTP {status}")


class Channel:
    """One connection. `send` and `close` are for any thread, `run` is for the one that owns it."""

    def __init__(self, url: str, context: ssl.SSLContext | None, clock: Clock) -> None:
        self._url = url
        self._context = context
        self._clock = clock
        self._lock = Lock()
        self._texts: deque[str] = deque()
        self._closing = False
        self._buffer = bytearray()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def send(self, text: str) -> None:
        """Queue a text. What is queued after the end is never sent."""
        self._texts.append(text)
        self._wake()

    def close(self) -> None:
        """End `run` soon."""
        self._closing = True
        self._wake()

    def run(self, told: Callable[[str], None]) -> None:
        """Connect, and hand over every text until the connection ends (returns) or breaks. Raises OSError, TurnedAway."""
        from websockets.client import ClientProtocol
        from websockets.uri import parse_uri

        protocol = ClientProtocol(parse_uri(self._url), max_size=_LARGEST, logger=_SILENT)
        protocol.send_request(protocol.connect())
        try:
            with self._connected() as made:
                self._talk(made, protocol, told)
        finally:
            with self._lock:
                self._closing = True
                self._woken.close()
                self._waker.close()

    def _connected(self) -> socket.socket:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        made = socket.create_connection((host, parts.port or (443 if self._context else 80)), OPENING)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                made = self._context.wrap_socket(made, server_hostname=host)
            made.setblocking(False)
        except BaseException:
            made.close()
            raise
        return made

    def _talk(self, made: socket.socket, protocol: ClientProtocol, told: Callable[[str], None]) -> None:
        poller = select.poll()
        poller.register(self._woken, select.POLLIN)
        heard_at, asked, parts = self._clock.monotonic(), False, bytearray()
        while True:
            if self._write(made, protocol):
                if protocol.parser_exc is not None and not isinstance(protocol.parser_exc, EOFError):
                    raise ConnectionError(str(protocol.parser_exc))
                return
            opening = protocol.state.name == "CONNECTING"
            silent = self._clock.monotonic() - heard_at
            if silent >= (OPENING if opening else DEAD_AFTER):
                raise TimeoutError
            if silent >= ASK_AFTER and not asked and not opening:
                protocol.send_ping(b"")
                asked = True
                continue
            poller.register(made, select.POLLIN | (select.POLLOUT if self._buffer else 0))
            limit = OPENING if opening else DEAD_AFTER if asked else ASK_AFTER
            poller.poll(1000 * max(limit - silent, 0.0))
            self._drain()
            if self._read(made, protocol):
                heard_at, asked = self._clock.monotonic(), False
            self._hand_over(protocol, parts, told)

    def _write(self, made: socket.socket, protocol: ClientProtocol) -> bool:
        """Send what can be sent. True when the connection has ended."""
        state = protocol.state.name
        while self._texts and state == "OPEN":
            protocol.send_text(self._texts.popleft().encode())
        if self._closing and state == "OPEN":
            protocol.send_close(1000)
        ended = self._closing or state in ("CLOSING", "CLOSED")
        for data in protocol.data_to_send():
            self._buffer += data
        while self._buffer:
            try:
                sent = made.send(memoryview(self._buffer)[:_CHUNK])
            except _WOULD_BLOCK:
                break
            except OSError:
                if ended:
                    break
                raise
            del self._buffer[:sent]
        return ended

    def _read(self, made: socket.socket, protocol: ClientProtocol) -> bool:
        """Take in what is there. True when there was something."""
        got = 0
        while got < 16 * _CHUNK:
            try:
                data = made.recv(_CHUNK)
            except _WOULD_BLOCK:
                break
            if not data:
                protocol.receive_eof()
                return True
            protocol.receive_data(data)
            got += len(data)
        return got > 0

    def _hand_over(self, protocol: ClientProtocol, parts: bytearray, told: Callable[[str], None]) -> None:
        from websockets.exceptions import InvalidStatus
        from websockets.frames import Frame, Opcode

        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                parts += event.data
                if event.fin:
                    text = parts.decode()
                    parts.clear()
                    told(text)
        refusal = protocol.handshake_exc
        if isinstance(refusal, InvalidStatus):
            headers = refusal.response.headers
            raise TurnedAway(refusal.response.status_code, headers.get("Location", ""))
        if refusal is not None:
            raise ConnectionError(str(refusal))

    def _wake(self) -> None:
        with self._lock:
            if self._waker.fileno() >= 0:
                with suppress(BlockingIOError):  # it is about to wake up anyway
                    self._waker.send(b"\0")

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
