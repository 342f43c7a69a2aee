"""The wire to one Caddy's admin endpoint: read the configuration, replace it when nobody else did meanwhile."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, parse_headers
from threading import Event, Lock
from typing import Any
from urllib.parse import quote, urlsplit

from controller.clients.caddy.part import ROOT, Part, part
from controller.clients.caddy.unread import unread
from controller.clients.tally import ERROR, TALLY, asking
from controller.core.errors import Conflict, Permanent, ProviderError, Transient

LONGEST_REASON = 256
_TIMEOUT = 60.0
"""A write returns when the old servers have ended, which takes up to their grace period."""
_LOOKS = 8
_PAUSE = 0.05
_TRIES = 9
_BREATH = 0.3
"""Seconds in which a file that was being written is whole; all tries take a little over two."""
_SAME = {"Content-Type": "application/json"}
_ANEW = {"Cache-Control": "must-revalidate"}
"""Without it an equal configuration is passed over."""


_TURN = Lock()
_ASIDE: dict[str, Callable[[Any], Any]] = {}
"""By admin endpoint, how its configuration is without what this process put there for a moment."""


class Stale(Conflict):
    """The configuration was changed by somebody else since it was read; nothing was written."""


class Unsure(Transient):
    """The answer to a write was lost: whether it was done can be read from the configuration. Every change of the configuration
    starts the admin endpoint anew, and calls that are under way then may be cut."""


class Refused(Permanent):
    """Caddy does not take the configuration; the old one is still in force."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration as it was read. `body` are the exact bytes; `header` is the entity tag when Caddy sends one as a header
    (2.8 and newer), `trailer` when it came after the body (2.6 and 2.7); `whole` = the document is all that Caddy has."""

    document: Any
    body: bytes
    header: str = ""
    trailer: str = ""
    whole: bool = True

    @property
    def tag(self) -> str:
        """The entity tag for a conditional write. One that got lost can be told from the body."""
        return self.header or self.trailer or f'"/config/ {fnv1a(self.body):08x}"'

    def keeps_streams(self, version: str = "") -> bool:
        """True for a Caddy that can let open streams live on over a change (2.7 and newer). Nothing tells 2.7 from 2.6 but a
        declared `version`."""
        return bool(self.header) or (version != "" and [int(part) for part in version.split(".")[:2]] >= [2, 7])


class CaddyDoor:
    """One Caddy. Opening never connects; calls raise only what is said at them. For many threads."""

    def __init__(self, admin: str) -> None:
        self.admin = admin
        parts = urlsplit(admin)
        self._path = parts.path if parts.scheme == "unix" else ""
        self._address = (parts.hostname or "127.0.0.1", parts.port or 2019)
        self._last: Config | None = None
        self._shown: tuple[Config, Config] | None = None
        self._broken = ""

    def config(self) -> Config:
        """The whole configuration; the very same object as last time while it did not change. What stands there for a moment
        (`aside`) is not in its document. Raises Transient."""
        found, without = self.raw(), _ASIDE.get(self.admin)
        document = without(found.document) if without is not None else found.document
        if document is found.document:
            return found
        if self._shown is None or self._shown[0] is not found or self._shown[1].document != document:
            self._shown = found, replace(found, document=document, whole=False)
        return self._shown[1]

    @contextmanager
    def aside(self, without: Callable[[Any], Any]) -> Iterator[None]:
        """While the block runs, this process may put something into the configuration that is not for long: everybody else here
        sees it as `without` makes it, and who writes takes it out. The next one waits."""
        with _TURN:
            _ASIDE[self.admin] = without
            try:
                yield
            finally:
                del _ASIDE[self.admin]

    def raw(self) -> Config:
        """The whole configuration with what stands there for a moment. Raises Transient."""
        status, answer, body = self._look("/config/")
        if status != 200:
            raise Transient(f"Caddy at {self.admin} does not show its configuration: {_reason(body, status)}")
        last, header = self._last, answer.headers.get("ETag", "")
        if last is not None and last.body == body and last.header == header:
            return last
        found = Config(_parsed(body), body, header, answer.trailers.get("ETag", ""))
        self._last = found
        return found

    def item(self, name: str) -> Any:
        """The object with an `@id`, or None. Raises Transient."""
        status, _, body = self._look(f"/id/{quote(name, safe=':')}")
        if status not in (200, 404):
            raise Transient(f"Caddy at {self.admin} does not show {name}: {_reason(body, status)}")
        return _parsed(body) if status == 200 else None

    def write(self, document: Any, read: Config) -> None:
        """Replace the configuration that was read. Raises Stale, Unsure, Refused, Transient (nothing was sent)."""
        # The tag is that of the whole configuration, whichever part of it is sent.
        made = part(read.document, document) if read.whole else Part("POST", ROOT, document)
        body = json.dumps(made.value, separators=(",", ":"), ensure_ascii=False).encode()
        self._change(made.method, made.path, body, {"If-Match": read.tag})

    def reload(self, read: Config) -> None:
        """Have it take the configuration that was read once more, with all files that it names. Raises as `write`."""
        self._change("POST", ROOT, read.body, {**_ANEW, "If-Match": read.tag})

    def _change(self, method: str, path: str, body: bytes, more: Mapping[str, str]) -> None:
        """One write. A file that cannot be read is mostly one that is being written at that moment: it is tried again for a
        little while, but not once more for one that was found broken before."""
        for left in range(_TRIES, 0, -1):
            status, answer = self._send(method, path, body, {**_SAME, **more})
            if status == 200:
                self._broken = ""
                return
            if status == 412:
                raise Stale(f"somebody else changed the configuration of Caddy at {self.admin}")
            reason = _reason(answer, status)
            found = unread(reason)
            if found is None:
                raise Refused(f"Caddy refuses: {reason}")
            if left == 1 or found.what == self._broken:
                self._broken = found.what
                raise Refused(f"Caddy refuses: {reason}; {found.remedy}")
            Event().wait(_BREATH)

    def adapt(self, caddyfile: str) -> tuple[Any, list[str]]:
        """A Caddyfile as configuration, and Caddy's warnings. Raises Refused with what is wrong in it, Transient."""
        status, answer = self._send("POST", "/adapt", caddyfile.encode(), {"Content-Type": "text/caddyfile"})
        if status != 200:
            raise Refused(_reason(answer, status))
        made = json.loads(answer)
        warnings = [
            f"{item.get('file', 'Caddyfile')}:{item.get('line', 0)}: {item.get('message', '')}"
            for item in made.get("warnings") or ()
        ]
        return made.get("result"), warnings

    def _look(self, path: str) -> tuple[int, _Answer, bytes]:
        """A read, again when it is cut off: the endpoint starts anew with every change."""
        for left in range(_LOOKS, 0, -1):
            try:
                answer, body = self._call("GET", path, None, {})
            except (OSError, HTTPException) as error:
                cut = isinstance(error, (ConnectionError, HTTPException)) and not isinstance(error, ConnectionRefusedError)
                if left == 1 or not cut:
                    raise self._unreachable(error) from error
                Event().wait(_PAUSE)
            else:
                return answer.status, answer, body
        raise AssertionError("the last look returns or raises")

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.connect()
        except OSError as error:
            TALLY.count("caddy", ERROR)
            connection.close()
            raise self._unreachable(error) from error
        try:
            answer, content = _exchange(connection, method, path, body, headers)
        except (OSError, HTTPException) as error:
            raise Unsure(f"Caddy at {self.admin} did not answer a write: {_words(error)}") from error
        finally:
            connection.close()
        return answer.status, content

    def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[_Answer, bytes]:
        connection = self._connection()
        try:
            return _exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if self._path:
            return _UnixConnection(self._path)
        connection = HTTPConnection(*self._address, timeout=_TIMEOUT)
        connection.response_class = _Answer
        return connection

    def _unreachable(self, error: Exception) -> ProviderError:
        return Transient(f"Caddy at {self.admin} does not answer: {_words(error)}")


class _Answer(HTTPResponse):
    """An answer that keeps the headers that come after the body."""

    def __init__(self, *rest: Any, **more: Any) -> None:
        super().__init__(*rest, **more)
        self.trailers: HTTPMessage = HTTPMessage()

    def _read_and_discard_trailer(self) -> None:
        self.trailers = parse_headers(self.fp)


class _UnixConnection(HTTPConnection):
    response_class = _Answer

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._socket_path = path

    def connect(self) -> None:
        """Connect to the socket; one that cannot be connected is closed."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout)
            made.connect(self._socket_path)
        except OSError:
            made.close()
            raise
        self.sock = made


def _exchange(
    connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[_Answer, bytes]:
    with asking("caddy") as ended:
        answer, content = _exchanged(connection, method, path, body, headers)
        ended(answer.status)
    return answer, content


def _exchanged(
    connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[_Answer, bytes]:
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    # Over a socket file Caddy 2.6 takes no other host than an empty one.
    connection.putheader("Host", "" if isinstance(connection, _UnixConnection) else f"{connection.host}:{connection.port}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("Connection", "close")
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    assert isinstance(answer, _Answer)  # noqa: S101 (the class of every connection here)
    return answer, answer.read()


def fnv1a(content: bytes) -> int:
    """The 32 bit FNV-1a hash."""
    value = 0x811C9DC5
    for byte in content:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except ValueError as error:
        raise Transient("Caddy answered with something that is not JSON") from error


def _reason(body: bytes, status: int) -> str:
    """Caddy's own words; of long ones the end, where the cause stands."""
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace").strip() or f"HTTP {status}"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_REASON else f"…{text[1 - LONGEST_REASON :]}"


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
