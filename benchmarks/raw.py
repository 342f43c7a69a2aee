"""The floor: Docker's API over its unix socket with the standard library's HTTP client, and nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "/v1.41"


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Raw:
    """Calls to one engine on one kept connection. For one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = _Connection(path, 300.0)

    def __call__(self, method: str, path: str, body: Any = None) -> bytes:
        """One call; the body of the answer. Raises RuntimeError for a refusal."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, VERSION + path, json.dumps(body) if body is not None else None, headers)
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status not in (200, 201, 204, 304):
            raise RuntimeError(f"{method} {path}: {reply.status} {content[:300]!r}")
        return content

    def list(self) -> Any:
        """Every container on the engine: the one call that a look cannot do without."""
        return json.loads(self("GET", "/containers/json?all=1"))

    def create(self, name: str, body: Any) -> str:
        """Create a container; its id."""
        return str(json.loads(self("POST", f"/containers/create?name={name}", body))["Id"])

    def start(self, ref: str) -> None:
        """Start a container."""
        self("POST", f"/containers/{ref}/start")

    def stop(self, ref: str) -> None:
        """Stop a container, with its own grace period."""
        self("POST", f"/containers/{ref}/stop")

    def rename(self, ref: str, name: str) -> None:
        """Give a container another name."""
        self("POST", f"/containers/{ref}/rename?name={name}")

    def kill(self, ref: str) -> None:
        """Kill a container by hand."""
        self("POST", f"/containers/{ref}/kill")

    def remove(self, ref: str) -> None:
        """Remove a container, whatever it does."""
        self("DELETE", f"/containers/{ref}?force=1&v=1")

    def inspect(self, ref: str) -> Any:
        """A container as the engine shows it."""
        return json.loads(self("GET", f"/containers/{ref}/json"))


@dataclass(frozen=True)
class Happening:
    """One event of an engine; `at` is when it arrived here, in monotonic seconds."""

    at: float
    action: str
    id: str
    name: str
    was: str


class Stream:
    """The container events of an engine, kept as they arrive. Close it to end its thread."""

    def __init__(self, path: Path) -> None:
        self._connection = _Connection(path, None)
        self._connection.request("GET", f'{VERSION}/events?filters={{"type":["container"]}}'.replace('"', "%22"))
        self._socket = self._connection.sock
        self._reply = self._connection.getresponse()
        self._seen: list[Happening] = []
        self._news = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def mark(self) -> int:
        """Where the events from now on begin."""
        with self._news:
            return len(self._seen)

    def since(self, mark: int) -> list[Happening]:
        """What has arrived since a mark."""
        with self._news:
            return self._seen[mark:]

    def wait(self, mark: int, wanted: Callable[[Happening], bool], seconds: float = 120.0, count: int = 1) -> Happening:
        """The `count`-th event since a mark that is wanted. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = [each for each in self._seen[mark:] if wanted(each)]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0:
                    actions = [f"{each.action} {each.name}" for each in self._seen[mark:]][-20:]
                    raise TimeoutError(f"{len(found)} of {count} events in {seconds:.0f} s; seen: {actions}")
                self._news.wait(left)

    def close(self) -> None:
        """End the thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            for line in self._reply:
                at, event = time.monotonic(), json.loads(line)
                attributes = event["Actor"]["Attributes"]
                happening = Happening(
                    at,
                    event["Action"],
                    event["Actor"]["ID"],
                    attributes.get("name", ""),
                    attributes.get("oldName", "").lstrip("/"),
                )
                with self._news:
                    self._seen.append(happening)
                    self._news.notify_all()
        except (OSError, ValueError, http.client.HTTPException):
            return
        finally:
            self._connection.close()
