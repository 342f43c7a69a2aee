"""Call and Reply: one request as a handler sees it, and what it answers. Handlers are plain synchronous functions."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock
from typing import Any, TypeVar

from pydantic import BaseModel

from controller.core.codec import to_data
from controller.core.event import Report
from controller.usecases.access import Access, Actor, Scope
from controller.usecases.desk import Desk
from controller.usecases.importing import Importing
from controller.usecases.propose import Propose
from controller.usecases.review import Reviewing
from controller.usecases.rollback import Rollback
from controller.usecases.secrets import Secrets
from controller.usecases.sign_in import SignIn
from controller.usecases.sync import Sync
from controller.web.lanes import Lane
from controller.web.metrics import Meter
from controller.web.names import Names
from controller.web.problem import Problem

T = TypeVar("T")

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass
class Face:
    """Everything that handlers are handed. `address` is the page's own, as the operator's machine reaches it ("" = none);
    `paths` is every path that has a route."""

    desk: Desk
    access: Access
    names: Names
    meter: Meter
    address: str = ""
    paths: frozenset[str] = frozenset()
    sign_in: SignIn | None = None
    deliveries: Recent = field(default_factory=lambda: Recent(1000))

    @property
    def report(self) -> Report | None:
        """The folded result of the last pass, or None before the first."""
        return self.desk.look.reconciler.last

    def sync(self) -> Sync:
        """The writing use cases; raises Problem where this controller may only look, as the next ones do."""
        return _given(self.desk.sync)

    def rollback(self) -> Rollback:
        """The way back."""
        return _given(self.desk.rollback)

    def secrets(self) -> Secrets:
        """The vault as people use it."""
        return _given(self.desk.secrets)

    def importing(self) -> Importing:
        """Taking over what runs."""
        return _given(self.desk.importing)

    def propose(self) -> Propose:
        """Asking for a change."""
        return _given(self.desk.propose)

    def review(self) -> Reviewing:
        """Deciding about one."""
        return _given(self.desk.review)


def _given(part: T | None) -> T:
    if part is None:
        raise Problem(409, "read-only", "this controller only looks (another one leads)")
    return part


class Recent:
    """The newest names of something, to notice what comes twice. Usable from many threads."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._names: OrderedDict[str, None] = OrderedDict()

    def new(self, name: str) -> bool:
        """True the first time that a name comes."""
        with self._lock:
            if name in self._names:
                return False
            self._names[name] = None
            if len(self._names) > self._size:
                self._names.popitem(last=False)
            return True


@dataclass(frozen=True)
class Call:
    """One request. `peer` is the network address ("" at the socket); `https` = people reach us by it; `query` and `body` are
    validated where an operation declares them; `raw` is the body as it came."""

    method: str
    peer: str
    local: bool
    headers: Mapping[str, str]
    path: Mapping[str, str]
    https: bool = False
    actor: Actor | None = None
    query: Any = None
    body: Any = None
    raw: bytes = b""

    @property
    def seen(self) -> frozenset[str] | None:
        """The versions (entity tags without their quotes) for which an order counts (If-Match), None = for any. A weak tag names
        none (RFC 9110, 13.1.1)."""
        tags = [item.strip() for item in self.headers.get("if-match", "").split(",") if item.strip()]
        if not tags or tags == ["*"]:
            return None
        return frozenset(tag[1:-1] for tag in tags if len(tag) > 1 and tag[0] == tag[-1] == '"')

    @property
    def by(self) -> str:
        """Who asks, for the record."""
        return self.actor.name if self.actor else ""

    @property
    def host(self) -> str:
        """The Host header."""
        return self.headers.get("host", "")


@dataclass(frozen=True)
class Reply:
    """An answer: a view (sent as JSON), or bytes with their media type."""

    content: Any = None
    status: int = 200
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The bytes to send. JSON is pure ASCII so that nothing in it can act on a terminal."""
        if isinstance(self.content, bytes):
            return self.content
        if self.content is None:
            return b""
        return json.dumps(to_data(self.content), allow_nan=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Stream:
    """The answer that never ends: events with a number above `after`."""

    after: int


@dataclass(frozen=True)
class Flow:
    """An answer of text that goes on: its pieces as they come, until `stop` is set."""

    pieces: Iterator[str]
    stop: Flag
    media: str


Handler = Callable[[Face, Call], Reply | Stream | Flow]


@dataclass(frozen=True)
class Operation:
    """One method of one path: what it does and everything the API document says about it.

    `scope` None = open to everyone. `answer` is the type of the JSON answer (None = no content or another `media`); `also` are
    further statuses of success. `socket` = only at the controller's own socket; `page` = only there and from our own page.
    `etag` = the answer can be revalidated. `form` = the body comes from a form of the page, not as JSON. With the media type HTML
    it is a page: problems are told as pages too, and it is no part of the API document."""

    handle: Handler
    summary: str
    scope: Scope | None
    answer: Any = None
    status: int = 200
    also: tuple[int, ...] = ()
    media: str = JSON
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    lane: Lane = Lane.QUICK
    socket: bool = False
    page: bool = False
    etag: bool = False
    form: bool = False
    problems: tuple[int, ...] = ()


Routes = Mapping[str, Mapping[str, Operation]]
"""Operations by path (`/api/v1/runs/{id}`) and method."""
