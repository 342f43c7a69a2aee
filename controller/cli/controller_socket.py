"""The running controller as the command line reaches it: plain HTTP over the socket in the state folder."""

from __future__ import annotations

import codecs
import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from controller.cli.exits import ERROR, INVALID, LEASE_HELD, NOT_ALLOWED, STUCK, UNREACHABLE, Answered

_SECONDS = 60.0
_CHUNK = 1 << 16
_CODES = {
    "spec-invalid": INVALID,
    "rejected": INVALID,
    "refused": NOT_ALLOWED,
    "stale": NOT_ALLOWED,
    "not-allowed": NOT_ALLOWED,
    "lease-held": LEASE_HELD,
    "read-only": LEASE_HELD,
    "backend-unreachable": UNREACHABLE,
    "stuck": STUCK,
}


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float | None) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(path: Path) -> bool:
    """True when somebody accepts connections at the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(2.0)
        try:
            trial.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except TimeoutError as error:
            raise Answered(LEASE_HELD, f"the controller at {path} does not answer") from error
    return True


class ControllerSocket:
    """Requests to `/api/v1`. Raises Answered for what the controller refuses, and for a controller that does not answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = 0.0
        """The controller's time at the last answer, in seconds since the epoch."""

    def get(self, name: str, **query: object) -> Any:
        """Data of an operation; query values that are None or False are left out."""
        return self._ask("GET", name, query, None, _SECONDS)

    def pages(self, name: str, items: str, limit: int, most: int) -> list[Mapping[str, Any]]:
        """The first `limit` items of a list that is given by pages of at most `most`."""
        found: list[Mapping[str, Any]] = []
        cursor = None
        while len(found) < limit:
            page = self.get(name, limit=min(limit - len(found), most), cursor=cursor)
            found += page[items]
            cursor = page["next"]
            if cursor is None:
                break
        return found

    def post(self, name: str, body: Mapping[str, object] | None = None, *, patient: bool = False, **query: object) -> Any:
        """The answer to an order; a patient one may take as long as a pass takes."""
        return self._ask("POST", name, query, body, None if patient else _SECONDS)

    def delete(self, name: str) -> Any:
        """The answer to a removal."""
        return self._ask("DELETE", name, {}, None, _SECONDS)

    def events(self, after: int | None, begun: Callable[[], None] = lambda: None) -> Iterator[Mapping[str, Any]]:
        """Events with a number above `after` (None = from now on), as they happen, until the controller ends the stream. `begun`
        is called when no later event can be missed."""
        connection = _Connection(self._path, _SECONDS)
        try:
            connection.request("GET", _path("events", {"after": after}), headers={"Accept": "text/event-stream"})
            reply = connection.getresponse()
            if reply.status != 200:
                raise _refused(reply.status, reply.read())
            begun()
            for line in reply:
                if line.startswith(b'data: {"at"') and b'"reason"' in line:
                    yield json.loads(line[6:])
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()

    def text(self, name: str, **query: object) -> Iterator[str]:
        """Text of an operation as it comes, until the controller ends it."""
        connection = _Connection(self._path, None)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        try:
            connection.request("GET", _path(name, query))
            reply = connection.getresponse()
            if reply.status != 200:
                raise _refused(reply.status, reply.read())
            while content := reply.read1(_CHUNK):
                yield decode(content)
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()

    def _ask(
        self, method: str, name: str, query: Mapping[str, object], body: Mapping[str, object] | None, seconds: float | None
    ) -> Any:
        connection = _Connection(self._path, seconds)
        try:
            content = None if body is None else json.dumps(body).encode()
            headers = {} if content is None else {"Content-Type": "application/json"}
            connection.request(method, _path(name, query), content, headers)
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()
        date = reply.getheader("Date")
        self.now = parsedate_to_datetime(date).timestamp() if date else 0.0
        if reply.status >= 400:
            raise _refused(reply.status, text)
        return json.loads(text) if text else None

    def _silent(self, error: Exception) -> Answered:
        why = "it takes too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return Answered(LEASE_HELD, f"the controller at {self._path} does not answer: {why}")


def _path(name: str, query: Mapping[str, object]) -> str:
    given = {key: "true" if value is True else value for key, value in query.items() if value is not None and value is not False}
    return f"/api/v1/{name}" + (f"?{urlencode(given)}" if given else "")


def _refused(status: int, text: bytes) -> Answered:
    try:
        problem = json.loads(text)
    except ValueError:
        return Answered(ERROR, f"the controller answers with status {status}")
    code = _CODES.get(problem.get("code", ""), ERROR)
    return Answered(
        code, problem.get("detail") or problem.get("title", ""), problem.get("diagnostics", ()), problem.get("by_hand", ())
    )
