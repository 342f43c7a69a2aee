"""The queue: who wants a pass, why, and from when on. One pass serves everything that waits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Event as Flag
from threading import Lock

from controller.core.errors import HomelabError
from controller.core.event import Report
from controller.core.ports import Clock
from controller.engine.patience import pause

SOON = 0.05
"""Seconds before its time at which a request ends the waiting of the pass under way: leaving takes some, too."""
_DAY = 86_400.0
_STOPS = HomelabError("the controller stops")


class Priority(IntEnum):
    """What is served first, and whose name a merged pass gets."""

    HUMAN = 0
    COMMIT = 1
    EVENT = 2
    RETRY = 3
    RESYNC = 4


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a pass: identity and cause, never payload. Requests of one `scope` are one request. With `connection` it is
    enough to look there: nothing else told of a change."""

    priority: Priority
    scope: str
    cause: str
    by: str = "controller"
    connection: str = ""


class Ticket:
    """A person's claim to the report of a pass that began after they asked and left nothing under way."""

    def __init__(self) -> None:
        self.done = Flag()
        self._report: Report | None = None
        self._error: Exception | None = None

    def fulfil(self, report: Report) -> None:
        """The pass ended."""
        self._report = report
        self.done.set()

    def fail(self, error: Exception) -> None:
        """There will be no such pass."""
        self._error = error
        self.done.set()

    def report(self) -> Report:
        """The report; raises the reason when there is none. Only after `done`."""
        if self._error is not None:
            raise self._error
        if self._report is None:
            raise HomelabError("the pass has not ended")
        return self._report


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one pass serves; `first` is the strongest request, whose cause and name the run gets. `only` are the
    connections that told of a change, when that is all there is to serve; None = look at everything."""

    first: Request
    scopes: frozenset[str]
    tickets: tuple[Ticket, ...] = ()
    only: frozenset[str] | None = None


@dataclass
class Queue:
    """Requests by scope. Adding merges: the stronger request and the earlier time stay. What is added during a pass waits for
    the next one: each pass began after everything that it serves was asked for. While nothing is due but what connections told,
    the pass serves only that: a resync or a retry waits for its own time, however many events come. For many threads.

    `stirred` is set by every change; `leave` is set, and `wake` called, when something is due or nearly so: a pass may wait
    an hour for the health of something else. What is due later needs somebody to `watch` the time."""

    clock: Clock
    jitter: Callable[[], float] = random.random
    wake: Callable[[], None] = lambda: None
    stirred: Flag = field(default_factory=Flag)
    leave: Flag = field(default_factory=Flag)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, tuple[Request, float]] = {}
        self._tickets: list[Ticket] = []
        self._failures: dict[str, int] = {}
        self._moved = Flag()
        self._closed = False

    def add(self, request: Request, delay: float = 0.0, ticket: Ticket | None = None) -> None:
        """Ask for a pass in `delay` seconds (at once for a person)."""
        due = self.clock.monotonic() + delay
        with self._lock:
            if self._closed and ticket is not None:
                ticket.fail(_STOPS)
            known = self._waiting.get(request.scope)
            if known is not None:
                request, due = min(request, known[0], key=lambda item: item.priority), min(due, known[1])
            self._waiting[request.scope] = request, due
            if ticket is not None:
                self._tickets.append(ticket)
        self.stirred.set()
        if self._ring() > 0:
            self._moved.set()

    def take(self) -> Batch | None:
        """What waits, as soon as one of it is due; None before."""
        now = self.clock.monotonic()
        with self._lock:
            if self._closed:
                return None
            self.stirred.clear()
            due = [request for request, at in self._waiting.values() if at <= now]
            if not due:
                return None
            first = min(due, key=lambda item: item.priority)
            if all(request.connection for request in due):
                told = {scope: request for scope, (request, _) in self._waiting.items() if request.connection}
                batch = Batch(first, frozenset(told), (), frozenset(request.connection for request in told.values()))
            else:
                batch = Batch(first, frozenset(self._waiting), tuple(self._tickets))
                self._tickets.clear()
            for scope in batch.scopes:
                del self._waiting[scope]
            self.leave.clear()
        if self._ring() > 0:
            self._moved.set()
        return batch

    def watch(self) -> None:
        """Let the pass under way leave when something falls due. Blocks until the queue is closed."""
        while not self._closed:
            self._moved.clear()
            self.clock.wait(self._moved, self._ring() or _DAY)

    def _ring(self) -> float:
        """Set `leave` when something is due; otherwise the seconds until then (0 = nothing waits for its time)."""
        with self._lock:
            due = min((at for _, at in self._waiting.values()), default=None)
            if due is None or self._closed:
                return 0.0
            left = due - self.clock.monotonic()
            if left > SOON:
                return left
            self.leave.set()
        self.wake()
        return 0.0

    def close(self) -> None:
        """Nothing is served any more: whoever waits is told, and the pass under way leaves."""
        with self._lock:
            self._closed = True
            tickets, self._tickets = self._tickets, []
            self.leave.set()
        self._moved.set()
        for ticket in tickets:
            ticket.fail(_STOPS)
        self.stirred.set()
        self.wake()

    def idle(self) -> float:
        """Seconds until something is due (a day when nothing waits)."""
        with self._lock:
            due = min((due for _, due in self._waiting.values()), default=None)
        return _DAY if due is None else max(0.0, due - self.clock.monotonic())

    def failed(self, scope: str, cause: str) -> None:
        """Something did not work: ask again after a pause that doubles with each failure of this scope. What still waits to be
        tried again has not failed again."""
        with self._lock:
            if scope in self._waiting:
                return
            self._failures[scope] = self._failures.get(scope, 0) + 1
            delay = min(pause(self._failures[scope], self.jitter), 60.0)
        self.add(Request(Priority.RETRY, scope, cause), delay)

    def worked(self, scope: str) -> bool:
        """Forget the failures of a scope; True when there were some."""
        with self._lock:
            return self._failures.pop(scope, 0) > 0

    def failing(self) -> frozenset[str]:
        """The scopes that failed last time."""
        with self._lock:
            return frozenset(self._failures)
