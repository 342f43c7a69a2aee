"""The worker: the one thread that makes passes. It writes while it holds the lease, and only looks while another does."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from threading import Thread

from controller.core.errors import HomelabError, Severity
from controller.core.event import Event, Report, Sync
from controller.core.ports import Audits, Clock, Providers
from controller.engine.reconcile import Reconciler
from controller.loop.lease import Seat
from controller.loop.queue import Batch, Priority, Queue, Request, Ticket

RESYNC, AUDIT, UPKEEP = 60.0, 600.0, 3600.0
"""Seconds between passes that nothing asked for (± 20 %), between looks that trust nothing seen before, between clean-ups."""

Passed = Callable[[Report | None, float], None]

_log = logging.getLogger(__name__)


class Worker:
    """Serves the queue. `after` hears the providers of every pass, `passed` its report (None = it raised) and how many seconds it
    took; `upkeep` is called once an hour by the writer.

    A pass that raises is reported once, tried again after a pause, and its end is reported once: the thread never dies."""

    def __init__(
        self,
        reconciler: Reconciler,
        queue: Queue,
        seat: Seat,
        after: Callable[[Providers], None] = lambda _providers: None,
        passed: Passed = lambda _report, _seconds: None,
        upkeep: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reconciler = reconciler
        self._queue = queue
        self._seat = seat
        self._after = after
        self._passed = passed
        self._upkeep = upkeep
        self._jitter = jitter
        self._clock: Clock = reconciler.bench.clock
        self._owed: list[Ticket] = []
        self._backends: frozenset[str] = frozenset()
        self._audited = self._clock.monotonic()
        self._kept: float | None = None
        self._thread: Thread | None = None
        self._closed = False

    def start(self) -> None:
        """Serve on a thread of its own from now on; the first pass comes at once."""
        self._queue.add(Request(Priority.COMMIT, "start", "started"))
        self._thread = Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End: waits for health are called off and leave open entries for the next start; calls that are out come back first."""
        self._closed = True
        self._queue.close()
        self._reconciler.flights.close()
        if self._thread is not None:
            self._thread.join()
            self._reconciler.flights.close()  # what the last pass launched in the same instant
        self._fail(HomelabError("the controller stops"))

    def step(self) -> bool:
        """Serve what is due; False when nothing is."""
        batch = self._queue.take()
        if batch is None:
            return False
        self._owed += batch.tickets
        began = self._clock.monotonic()
        try:
            report = self._pass(batch)
        except Exception as error:  # noqa: BLE001 (whatever goes wrong in a pass, the next one must come)
            self._broke(batch, error)
            self._passed(None, self._clock.monotonic() - began)
        else:
            self._passed(report, self._clock.monotonic() - began)
            self._went_well(report)
        self._queue.add(Request(Priority.RESYNC, "resync", "resync"), RESYNC * (0.8 + 0.4 * self._jitter()))
        return True

    def _run(self) -> None:
        flights = self._reconciler.flights
        while not self._closed:
            if self.step():
                continue
            if flights.runs() and not self._queue.leave.is_set():
                if flights.wait(self._queue.leave):
                    self._queue.add(Request(Priority.RETRY, "landed", "a rollout landed"))
            else:
                self._clock.wait(self._queue.stirred, self._queue.idle())

    def _pass(self, batch: Batch) -> Report:
        if batch.only is None:
            self._audit_when_due()
        reconciler, first = self._reconciler, batch.first
        if not self._seat.held:
            self._ground()
            reconciler.last = reconciler.survey(only=batch.only).report
            return reconciler.last
        self._upkeep_when_due()
        patient = Priority.HUMAN is not first.priority
        return reconciler.reconcile(first.cause, first.by, self._queue.leave, patient=patient, only=batch.only)

    def _ground(self) -> None:
        """Another writes now: what we have under way stops where it is, and the other settles it."""
        flights = self._reconciler.flights
        if flights.runs():
            flights.close()
            if not self._closed:
                self._reconciler.bench.closing.clear()

    def _went_well(self, report: Report) -> None:
        if self._queue.worked("pass"):
            self._say("PassWorks", "the last pass went well again", Severity.INFO)
        self._after(self._reconciler.bench.providers())
        if not self._seat.held:
            self._fail(self._seat.refusal)
            return
        if not self._reconciler.flights.runs():
            owed, self._owed = self._owed, []
            for ticket in owed:
                ticket.fulfil(report)
        self._retry(report)

    def _retry(self, report: Report) -> None:
        """Ask for another pass where this one could not do its work."""
        for name, reason in report.backends.items():
            self._again(f"backend:{name}", bool(reason))
        for scope in self._backends - report.backends.keys():
            self._queue.worked(f"backend:{scope}")
        self._backends = frozenset(report.backends)
        self._again("settle", self._reconciler.unsettled)
        due = self._reconciler.patience.next()
        if due is not None:
            delay = max(0.0, due - self._clock.monotonic()) + 0.01
            self._queue.add(Request(Priority.RETRY, "rollouts", "try again"), delay)
        expected = self._reconciler.patience.expected()
        if expected is not None:
            delay = max(0.0, expected - self._clock.monotonic()) + 0.01
            self._queue.add(Request(Priority.RETRY, "expected", "what had to wait may go on"), delay)
        planned = any(line.rollout and line.sync in (Sync.PENDING, Sync.DRIFTED) for line in report.statuses)
        self._again("plan", planned and due is None and not self._reconciler.flights.runs())

    def _again(self, scope: str, failed: bool) -> None:
        if failed:
            self._queue.failed(scope, "try again")
        else:
            self._queue.worked(scope)

    def _broke(self, batch: Batch, error: Exception) -> None:
        if "pass" not in self._queue.failing():
            _log.error("pass failed", exc_info=None if isinstance(error, HomelabError) else error, extra={"error": str(error)})
            self._say("PassFailed", f"{type(error).__name__}: {error}", Severity.ERROR)
        self._fail(error)
        self._queue.failed("pass", batch.first.cause)

    def _fail(self, error: Exception | Callable[[], Exception]) -> None:
        owed, self._owed = self._owed, []
        for ticket in owed:
            ticket.fail(error if isinstance(error, Exception) else error())

    def _say(self, reason: str, message: str, severity: Severity) -> None:
        self._reconciler.bench.tell(Event(self._clock.now(), reason, message, severity))

    def _audit_when_due(self) -> None:
        now = self._clock.monotonic()
        if now - self._audited >= AUDIT:
            self._audited = now
            for provider in self._reconciler.bench.providers().values():
                if isinstance(provider, Audits):
                    provider.audit()

    def _upkeep_when_due(self) -> None:
        now = self._clock.monotonic()
        if self._kept is None or now - self._kept >= UPKEEP:
            self._kept = now
            self._upkeep()
