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

_STOPS = HomelabError("the controller stops")


class Priority(IntEnum):
    """What is served first, and whose name a merged pass gets. Up to EVENT a request ends the waiting of the pass under way."""

    HUMAN = 0
    COMMIT = 1
    EVENT = 2
    RETRY = 3
    RESYNC = 4

    @property
    def urgent(self) -> bool:
        """True when it does not wait for the pass under way."""
        return self <= Priority.EVENT


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a pass: identity and cause, never payload. Requests of one `scope` are one request."""

    priority: Priority
    scope: str
    cause: str
    by: str = "controller"


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
    """Everything that one pass serves; `first` is the strongest request, whose cause and name the run gets."""

    first: Request
    scopes: frozenset[str]
    tickets: tuple[Ticket, ...] = ()


@dataclass
class Queue:
    """Requests by scope. Adding merges: the stronger request and the earlier time stay. What is added during a pass waits for
    the next one: each pass began after everything that it serves was asked for. For many threads.

    `stirred` is set by every change; `leave` is set, and `wake` called, when something urgent waits."""

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
            if request.priority.urgent:
                self.leave.set()
        self.stirred.set()
        if request.priority.urgent:
            self.wake()

    def take(self) -> Batch | None:
        """Everything that waits, as soon as one of it is due; None before."""
        now = self.clock.monotonic()
        with self._lock:
            if self._closed:
                return None
            self.stirred.clear()
            if not any(due <= now for _, due in self._waiting.values()):
                return None
            first = min((request for request, due in self._waiting.values() if due <= now), key=lambda item: item.priority)
            batch = Batch(first, frozenset(self._waiting), tuple(self._tickets))
            self._waiting.clear()
            self._tickets.clear()
            self.leave.clear()
            return batch

    def close(self) -> None:
        """Nothing is served any more: whoever waits is told, and the pass under way leaves."""
        with self._lock:
            self._closed = True
            tickets, self._tickets = self._tickets, []
            self.leave.set()
        for ticket in tickets:
            ticket.fail(_STOPS)
        self.stirred.set()
        self.wake()

    def idle(self) -> float:
        """Seconds until something is due (a day when nothing waits)."""
        with self._lock:
            due = min((due for _, due in self._waiting.values()), default=None)
        return 86_400.0 if due is None else max(0.0, due - self.clock.monotonic())

    def failed(self, scope: str, cause: str) -> None:
        """Something did not work: ask again after a pause that doubles with each failure of this scope."""
        with self._lock:
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
