"""The loop as one thing: everything that runs beside the page while the controller runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Thread

from controller.core.event import Event, Report
from controller.core.ports import Source
from controller.engine.reconcile import Reconciler
from controller.loop.chronicle import Chronicle
from controller.loop.lease import Seat
from controller.loop.queue import Priority, Queue, Request, Ticket
from controller.loop.triggers import Backends, Commits, WatchPaths
from controller.loop.worker import Passed, Worker

WEBHOOK = "webhook"
"""The cause of a kick that only means: look at the repository."""


class Loop:
    """Queue, worker, lease, triggers and chronicle of one controller. Start it once, stop it once."""

    def __init__(
        self,
        reconciler: Reconciler,
        source: Source,
        seat: Seat,
        chronicle: Chronicle,
        paths: WatchPaths = tuple,
        upkeep: Callable[[], None] = lambda: None,
        passed: Passed = lambda _report, _seconds: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        clock = reconciler.bench.clock
        self.seat = seat
        self._reconciler = reconciler
        self._chronicle = chronicle
        self.queue = Queue(clock, jitter, self._wake)
        reconciler.patience.paused = self._paused
        self._backends = Backends(reconciler, self.queue)
        self._commits = Commits(source, self.queue, reconciler.bench.tell, clock, paths, jitter)
        self._worker = Worker(reconciler, self.queue, seat, self._backends.served, passed, upkeep, jitter)

    def start(self) -> None:
        """Take the lease when it is free, make the first pass, and go on."""
        self._chronicle.start()
        self._tell_turn(self.seat.take())
        self.seat.keep(self._turned)
        self._worker.start()
        self._commits.start()
        Thread(target=self.queue.watch, name="alarm", daemon=True).start()

    def stop(self, last: Callable[[], None] = lambda: None) -> None:
        """End everything; open entries are left for the next start, and the lease is given back. `last` is done in between: no
        pass runs any more, and writes are taken still."""
        self._commits.stop()
        self._backends.stop()
        self._worker.stop()
        last()
        self.seat.leave()
        self._chronicle.close()

    def run_now(self, cause: str, by: str) -> Report:
        """The report of a pass that began after the call and left nothing under way. Raises what ended it, LeaseHeld where
        another controller leads."""
        ticket = Ticket()
        self.queue.add(Request(Priority.HUMAN, "human", cause, by), ticket=ticket)
        ticket.done.wait()
        return ticket.report()

    def kick(self, cause: str) -> None:
        """Ask for a pass soon: after somebody spoke, at once; for a webhook, if the repository has moved."""
        if cause == WEBHOOK:
            self._commits.kick()
        else:
            self.queue.add(Request(Priority.HUMAN, "human", cause))

    def _turned(self, leading: bool) -> None:
        self._tell_turn(leading)
        self.queue.add(Request(Priority.EVENT, "lease", "took over the lease" if leading else "lost the lease"))

    def _tell_turn(self, leading: bool) -> None:
        now = self._reconciler.bench.clock.now()
        if leading:
            self._reconciler.bench.tell(Event(now, "Leading", f"{self.seat.holder} writes from now on"))
        else:
            self._reconciler.bench.tell(Event(now, "Following", f"{self.seat.holder} only looks: another controller writes"))

    def _paused(self, seconds: float) -> None:
        self.queue.add(Request(Priority.RETRY, "rollouts", "try again"), seconds + 0.01)

    def _wake(self) -> None:
        """Let the pass under way see that something is due."""
        self._reconciler.flights.nudge()
