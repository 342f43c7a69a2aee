"""Apply: one rollout, journal first, gate after each change, released when all of it passed, taken back when any of it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from threading import Event as Flag
from threading import Lock

from controller.core.change import Change
from controller.core.decision import Quarantine
from controller.core.errors import (
    Conflict,
    Deferred,
    GateFailed,
    HomelabError,
    Interrupted,
    Permanent,
    Severity,
    Transient,
    Unhealthy,
)
from controller.core.plan import Rollout
from controller.core.ports import Place, Retains
from controller.core.run import Entry, Outcome, RolloutRun, Row, Step
from controller.core.stage import Moment
from controller.core.state import Receipt
from controller.engine.bench import Bench
from controller.engine.gate import gate
from controller.engine.group import dependencies
from controller.engine.progress import Progress
from controller.engine.undo import undo

Numbers = Callable[[], int]
_PARALLEL = 64
"""Most changes of a rollout at once. Most of them wait for health; how much an engine can stand is the provider's business."""


@dataclass
class Application:
    """One rollout on its way. `rows` is the ledger as it was when it started: nobody else changes the rows of its keys meanwhile.
    `interrupt` calls it off: it is then undone without being quarantined."""

    bench: Bench
    run: str
    revision: str
    rollout: Rollout
    rows: Mapping[Place, Row]
    number: Numbers
    interrupt: Flag

    def __post_init__(self) -> None:
        self._entries: dict[Place, Entry] = {}
        self._receipts: dict[Place, Receipt] = {}
        self._lock = Lock()
        self._progress = Progress(self.bench, self.run, self.rollout.changes)

    def __call__(self) -> RolloutRun:
        """Apply it; never raises for what a backend does."""
        for change in self.rollout.changes:
            self._progress.reached(change, Moment.PLANNED)
        failed = self._forward()
        if failed is None:
            failed = self._commit()
        if failed is None:
            return self._ended(Outcome.APPLIED, "")
        change, error = failed
        return self._backward(change, error)

    def _forward(self) -> tuple[Change, Exception] | None:
        """Run the changes in order, as parallel as their needs allow; the first failure stops scheduling."""
        changes = {change.place: change for change in self.rollout.changes}
        if len(changes) == 1:
            return self._attempt(self.rollout.changes[0])
        edges = dependencies(self.rollout.changes, self.rows)
        waiting = {place: set(before) for place, before in edges.items()}
        running: dict[Future[tuple[Change, Exception] | None], Place] = {}
        failed: tuple[Change, Exception] | None = None
        with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(changes)), thread_name_prefix="apply") as pool:
            while running or (waiting and failed is None):
                ready = [place for place, before in waiting.items() if not before] if failed is None else []
                for place in ready:
                    del waiting[place]
                    running[pool.submit(self._attempt, changes[place])] = place
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    place = running.pop(future)
                    failed = failed or future.result()
                    for before in waiting.values():
                        before.discard(place)
        return failed

    def _attempt(self, change: Change) -> tuple[Change, Exception] | None:
        try:
            self._step(change)
        except (HomelabError, KeyError) as error:
            return change, error
        return None

    def _step(self, change: Change) -> None:
        if self.interrupt.is_set():
            raise Interrupted("called off")
        entry = self._keep(self.bench.intend(self.run, self.number(), self.rollout, change, self.rows.get(change.place)))
        self._progress.reached(change, Moment.BEGUN)
        entry, receipt = self._write(entry)
        with self._lock:
            self._receipts[change.place] = receipt
        entry = self._keep(self.bench.done(entry, receipt, self.revision))
        self.bench.say("Applied", f"{change.action}: {change.cause}", entry)
        self._progress.reached(change, Moment.DONE)
        if change.action.writes:
            provider = self.bench.provider(change)
            bench, waits = self.bench, partial(self._progress.waits, change)
            gate(change, receipt.handle, provider, bench.clock, self.interrupt, bench.pulse, waits)
        self._progress.reached(change, Moment.PROVED)

    def _write(self, entry: Entry) -> tuple[Entry, Receipt]:
        change = entry.change
        if not change.action.writes:
            return entry, Receipt(change.handle, change.before)
        try:
            return entry, self.bench.write(change, self.interrupt)
        except Conflict as error:
            if not self.bench.kinds[change.key.kind].volatile:
                raise
            if change.drift and len(self.rollout.changes) == 1:  # whoever moved it may have a right to: the next plan knows
                self._forget(entry)
                raise Interrupted(f"it moved since it was planned: {error}") from error
        entry = self._keep(self.bench.renew(entry))
        return entry, self.bench.write(entry.change, self.interrupt)

    def _forget(self, entry: Entry) -> None:
        """Nothing was written, so there is nothing to take back."""
        self.bench.back(entry, Step.VOID, note="it moved since it was planned")
        with self._lock:
            del self._entries[entry.change.place]

    def _commit(self) -> tuple[Change, Exception] | None:
        """Everything passed: end undo protection and close the entries."""
        for change in self.rollout.changes:
            receipt = self._receipts[change.place]
            try:
                self._receipts[change.place] = release(self.bench, change, receipt)
            except (Transient, Deferred):
                return None  # the entries stay open; the next pass settles and releases
            except (Permanent, Conflict, Unhealthy) as error:
                return change, error
        for change in self.rollout.changes:
            self.bench.done(self._entries[change.place], self._receipts[change.place], self.revision, Step.PASSED)
        return None

    def _backward(self, change: Change, error: Exception) -> RolloutRun:
        if isinstance(error, Interrupted) and self.bench.closing.is_set():
            return self._ended(Outcome.WAITING, "the controller stopped; the next start settles it")
        reason = f"{change.key}: {error}"
        failed = isinstance(error, (GateFailed, Permanent, KeyError)) or type(error) is Unhealthy
        if failed and not self.rollout.drift:  # a repair is tried again, with patience: what it needs may come back
            now = self.bench.clock.now()
            digest, wanted = self.rollout.digest, self.rollout.wanted
            self.bench.store.quarantine(Quarantine(digest, wanted, str(change.key), str(error), self.revision, now))
        severity = Severity.INFO if isinstance(error, Interrupted) else Severity.ERROR
        if not isinstance(error, (Interrupted, Deferred)):
            self._progress.failed(change, str(error))
        self.bench.say("RolloutFailed", reason, self._entries.get(change.place), severity, self.run)
        outcome, detail = undo(self.bench, list(self._entries.values()), self.revision)
        if outcome is Outcome.ROLLED_BACK:
            outcome = _named(error)
        ended = self._ended(outcome, "; ".join(part for part in (reason, detail) if part))
        return replace(ended, not_before=error.not_before) if isinstance(error, Deferred) else ended

    def _keep(self, entry: Entry) -> Entry:
        with self._lock:
            self._entries[entry.change.place] = entry
        return entry

    def _ended(self, outcome: Outcome, reason: str) -> RolloutRun:
        return RolloutRun(self.rollout.digest, outcome, reason, summary(self.rollout))


def _named(error: Exception) -> Outcome:
    """What a rollout that was taken back is called."""
    if isinstance(error, Interrupted):
        return Outcome.SUPERSEDED
    if isinstance(error, (Transient, Deferred)):
        return Outcome.WAITING
    return Outcome.ROLLED_BACK


def release(bench: Bench, change: Change, receipt: Receipt) -> Receipt:
    """End undo protection of one change, where its provider retains anything."""
    if not change.action.writes:
        return receipt
    provider = bench.provider(change)
    return provider.release(change, receipt) if isinstance(provider, Retains) else receipt


def summary(rollout: Rollout) -> tuple[tuple[str, str, str], ...]:
    """The changes of a rollout in words: (key, action, cause)."""
    return tuple((str(change.key), change.action.value, change.cause) for change in rollout.changes)
