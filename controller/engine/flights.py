"""Flights: rollouts under way. A newer revision calls off only those whose desired state it changes; the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Condition, Thread
from threading import Event as Flag

from controller.core.errors import HomelabError, Severity
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.plan import Note, Rollout
from controller.core.ports import Place
from controller.core.run import Outcome, RolloutRun, Row, Run
from controller.engine.apply import Application, summary
from controller.engine.bench import Bench
from controller.engine.group import outdated
from controller.engine.recover import Job, bury, ended

_WORKERS = 64
Rows = Mapping[Place, Row]


@dataclass
class _Flight:
    rollout: Rollout
    run: str
    interrupt: Flag = field(default_factory=Flag)
    keys: frozenset[Key] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = frozenset(self.rollout.keys)


class Flights:
    """The rollouts that are being applied now, on threads of their own."""

    def __init__(self, bench: Bench, ended: Callable[[Rollout, RolloutRun], None] = lambda _rollout, _ended: None) -> None:
        """`ended` hears how each rollout ended, before its keys can be planned again."""
        self._bench = bench
        self._ended = ended
        self._flights: dict[str, _Flight] = {}
        self._runs: set[str] = set()
        self._conductors: list[Thread] = []
        self._landed = Condition()

    def launch(self, run: Run, rollouts: Sequence[Rollout]) -> None:
        """Record the run, then apply its rollouts; deletions wait for the others and are left alone when one fails."""
        planned = tuple(RolloutRun(item.digest, Outcome.RUNNING, "", summary(item)) for item in rollouts)
        run = replace(run, rollouts=planned)
        rows = self._bench.store.rows()
        self._bench.store.save(run)
        with self._landed:
            self._runs.add(run.id)
            self._flights.update({item.digest: _Flight(item, run.id) for item in rollouts})
        self._start(Thread(target=self._conduct, args=(run, list(rollouts), rows), name=f"run-{run.id}", daemon=True))

    def resume(self, run: str, jobs: Sequence[tuple[Rollout, Job]], report: Callable[[RolloutRun], None]) -> None:
        """Go on with rollouts of a run that an interruption left unproven; `report` hears how each of them ended."""
        with self._landed:
            self._runs.add(run)
            self._flights.update({rollout.digest: _Flight(rollout, run) for rollout, _ in jobs})
        self._start(Thread(target=self._prove, args=(run, list(jobs), report), name=f"settle-{run}", daemon=True))

    def runs(self) -> frozenset[str]:
        """Runs under way."""
        with self._landed:
            return frozenset(self._runs)

    def flying(self) -> frozenset[tuple[str, str]]:
        """Run and digest of every rollout that has not landed."""
        with self._landed:
            return frozenset((flight.run, digest) for digest, flight in self._flights.items())

    def notes(self) -> tuple[Note, ...]:
        """Keys that must not be planned now."""
        with self._landed:
            flights = list(self._flights.values())
        return tuple(
            Note(change.key, "InProgress", f"{change.action} is under way ({change.cause})", change.provider)
            for flight in flights
            for change in flight.rollout.changes
        )

    def touch(self, key: Key) -> bool:
        """True while a rollout that touches a key is under way."""
        with self._landed:
            return any(key in flight.keys for flight in self._flights.values())

    def supersede(self, estate: Estate) -> None:
        """Call off the rollouts that an estate no longer wants, and wait until they are taken back."""
        with self._landed:
            called = [flight for flight in self._flights.values() if outdated(flight.rollout.changes, estate)]
        self._call_off(called)

    def supersede_keys(self, keys: Iterable[Key]) -> None:
        """Call off the rollouts that touch these keys (a person suspends or detaches them)."""
        touched = set(keys)
        with self._landed:
            called = [flight for flight in self._flights.values() if touched & flight.keys]
        self._call_off(called)

    def wait(self, leave: Flag | None = None) -> bool:
        """Wait until nothing is under way, or until `leave` is set (wake it with `nudge`); True when all has landed."""
        with self._landed:
            self._landed.wait_for(lambda: not self._runs or (leave is not None and leave.is_set()))
            return not self._runs

    def nudge(self) -> None:
        """Make waiters look at their `leave` flag."""
        with self._landed:
            self._landed.notify_all()

    def close(self) -> None:
        """Stop waiting for health and leave open entries for the next start."""
        self._bench.closing.set()
        with self._landed:
            flights = list(self._flights.values())
        for flight in flights:
            flight.interrupt.set()
        self._bench.pulse.beat()
        for conductor in self._conductors:
            conductor.join()

    def _call_off(self, flights: list[_Flight]) -> None:
        for flight in flights:
            flight.interrupt.set()
        self._bench.pulse.beat()
        gone = {flight.rollout.digest for flight in flights}
        with self._landed:
            self._landed.wait_for(lambda: not gone & self._flights.keys())

    def _start(self, conductor: Thread) -> None:
        self._conductors = [thread for thread in self._conductors if thread.is_alive()] + [conductor]
        conductor.start()

    def _prove(self, run: str, jobs: list[tuple[Rollout, Job]], report: Callable[[RolloutRun], None]) -> None:
        with ThreadPoolExecutor(max_workers=min(_WORKERS, len(jobs)), thread_name_prefix="settle") as pool:
            futures = [(rollout, pool.submit(job, self._flights[rollout.digest].interrupt)) for rollout, job in jobs]
            for rollout, future in futures:
                future.add_done_callback(lambda done, item=rollout: self._landing(item, done))  # type: ignore[misc]
            wait([future for _, future in futures])
        try:
            for rollout, future in futures:
                report(_result(rollout, future))
        except HomelabError as error:
            self._bench.say("JournalFailed", str(error), severity=Severity.ERROR, run=run)
        self._ended_run(run)

    def _ended_run(self, run: str) -> None:
        with self._landed:
            self._runs.discard(run)
            self._landed.notify_all()

    def _conduct(self, run: Run, rollouts: list[Rollout], rows: Rows) -> None:
        prunes = [item for item in rollouts if all(change.after is None for change in item.changes)]
        others = [item for item in rollouts if item not in prunes]
        numbers = count(1)
        results: dict[str, RolloutRun] = {}
        for batch in (others, prunes):
            if batch is prunes and any(item.outcome is not Outcome.APPLIED for item in results.values()):
                results.update(
                    {r.digest: RolloutRun(r.digest, Outcome.WAITING, "left for the next pass", summary(r)) for r in prunes}
                )
                self._land(prunes)
            elif batch:
                results.update(self._fly(run, batch, rows, numbers))
        self._finish(run, tuple(results[item.digest] for item in rollouts))

    def _finish(self, run: Run, rolled: tuple[RolloutRun, ...]) -> None:
        run = ended(replace(run, rollouts=rolled), self._bench.clock.now())
        try:
            self._bench.store.save(run)
            bury(self._bench, self.runs())
        except HomelabError as error:
            self._bench.say("JournalFailed", str(error), severity=Severity.ERROR, run=run.id)
        severity = Severity.INFO if run.outcome is Outcome.APPLIED else Severity.ERROR
        message = f"{run.outcome}: {run.reason}" if run.reason else f"{run.outcome}"
        self._bench.say("RunFinished", message, severity=severity, run=run.id)
        self._ended_run(run.id)

    def _fly(self, run: Run, rollouts: list[Rollout], rows: Rows, numbers: count[int]) -> dict[str, RolloutRun]:
        results: dict[str, RolloutRun] = {}
        with ThreadPoolExecutor(max_workers=min(_WORKERS, len(rollouts)), thread_name_prefix="rollout") as pool:
            pending: dict[Future[RolloutRun], Rollout] = {}
            for rollout in rollouts:
                interrupt = self._flights[rollout.digest].interrupt
                job = Application(self._bench, run.id, run.revision, rollout, rows, lambda: next(numbers), interrupt)
                future = pool.submit(job)
                pending[future] = rollout
                future.add_done_callback(lambda done, item=rollout: self._landing(item, done))  # type: ignore[misc]
            wait(pending)
            for future, rollout in pending.items():
                results[rollout.digest] = _result(rollout, future)
        return results

    def _landing(self, rollout: Rollout, future: Future[RolloutRun]) -> None:
        try:
            self._ended(rollout, _result(rollout, future))
        finally:
            self._land([rollout])

    def _land(self, rollouts: Iterable[Rollout]) -> None:
        with self._landed:
            for rollout in rollouts:
                self._flights.pop(rollout.digest, None)
            self._landed.notify_all()


def _result(rollout: Rollout, future: Future[RolloutRun]) -> RolloutRun:
    error = future.exception()
    if error is None:
        return future.result()
    return RolloutRun(rollout.digest, Outcome.FAILED, f"{type(error).__name__}: {error}", summary(rollout))
