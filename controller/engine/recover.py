"""Recover: entries that a crash or an unreachable backend left open are finished forward or taken back."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from threading import Event as Flag

from controller.core.decision import Quarantine
from controller.core.errors import Conflict, Deferred, GateFailed, Interrupted, Permanent, Severity, Transient, Unhealthy
from controller.core.estate import Estate
from controller.core.run import Entry, Outcome, RolloutRun, Run, Step
from controller.core.state import Present, Receipt, State
from controller.engine.apply import release
from controller.engine.bench import Bench
from controller.engine.gate import gate
from controller.engine.group import outdated
from controller.engine.undo import settle, undo


def recover(bench: Bench, interrupt: Flag, busy: frozenset[str] = frozenset(), estate: Estate | None = None) -> bool:
    """Close what is open, rollout by rollout, except the runs in `busy` (still under way). What `estate` no longer wants is taken
    back without waiting for its health. False when a backend could not be reached, or `interrupt` was set while waiting for
    health: the entries stay open for the next pass."""
    entries = [entry for entry in bench.store.open_entries() if entry.run not in busy]
    entries.sort(key=lambda entry: (entry.run, entry.rollout, entry.number))
    closed = True
    for (run_name, digest), group in groupby(entries, key=lambda entry: (entry.run, entry.rollout)):
        run = bench.store.run(run_name)
        found = list(group)
        passed_over = estate is not None and outdated((entry.change for entry in found), estate)
        result = _rollout(bench, run, digest, found, interrupt, forward=not passed_over)
        closed = closed and result.outcome is not Outcome.WAITING
        if run is not None:
            _report(bench, run, result)
    return closed


def _rollout(bench: Bench, run: Run | None, digest: str, entries: list[Entry], interrupt: Flag, *, forward: bool) -> RolloutRun:
    revision = run.revision if run else ""
    known = next((item for item in run.rollouts if item.digest == digest), None) if run else None
    changes = known.changes if known else ()
    bench.say("Settling", f"{len(entries)} open entries of an interrupted rollout", entries[0], Severity.WARNING)
    try:
        settled = [settle(bench, entry, revision) for entry in entries]
    except (Transient, Deferred) as error:
        return RolloutRun(digest, Outcome.WAITING, f"cannot settle yet: {error}", changes)
    except (Conflict, Permanent, Unhealthy) as error:
        outcome, detail = undo(bench, [entry for entry in bench.store.open_entries() if entry.rollout == digest], revision)
        return RolloutRun(digest, outcome, detail or str(error), changes)
    finished = {entry.change.place for entry in bench.store.entries(run.id) if entry.step is Step.PASSED} if run else set()
    whole = len(finished) + sum(entry.step is Step.DONE for entry in settled) == len(changes)
    if forward and changes and whole and all(entry.step is Step.DONE for entry in settled):
        return _forward(bench, digest, settled, revision, changes, interrupt)
    outcome, detail = undo(bench, settled, revision)
    why = "interrupted before it was whole; taken back" if forward else "interrupted, and no longer wanted; taken back"
    return RolloutRun(digest, outcome, detail or why, changes)


def _forward(
    bench: Bench, digest: str, entries: list[Entry], revision: str, changes: tuple[tuple[str, str, str], ...], interrupt: Flag
) -> RolloutRun:
    """Every change had been made: judge health, then commit; or take all of it back."""
    for entry in entries:
        change = entry.change
        try:
            if change.action.writes:
                gate(change, entry.handle, bench.provider(change), bench.clock, interrupt, bench.pulse)
        except (Transient, Interrupted) as error:
            return RolloutRun(digest, Outcome.WAITING, str(error), changes)
        except GateFailed as error:
            wanted = {str(item.change.key): item.change.digest for item in entries}
            item = Quarantine(digest, wanted, str(change.key), str(error), revision, bench.clock.now())
            bench.store.quarantine(item)
            outcome, detail = undo(bench, entries, revision)
            return RolloutRun(digest, outcome, detail or str(error), changes)
    for entry in entries:
        try:
            receipt = release(bench, entry.change, Receipt(entry.handle, _shown(bench, entry), entry.retained))
        except (Transient, Deferred, Conflict, Permanent) as error:
            return RolloutRun(digest, Outcome.WAITING, str(error), changes)
        bench.done(entry, receipt, revision, Step.PASSED)
    return RolloutRun(digest, Outcome.APPLIED, "finished after an interruption", changes)


def _shown(bench: Bench, entry: Entry) -> State | None:
    observed = bench.look(entry.change, entry.handle)
    return observed.state if isinstance(observed, Present) else None


def _report(bench: Bench, run: Run, result: RolloutRun) -> None:
    """Put the verdict into the interrupted run, and end the run when nothing of it is open."""
    rollouts = tuple(result if item.digest == result.digest else item for item in run.rollouts)
    still = any(item.outcome in (Outcome.RUNNING, Outcome.WAITING) for item in rollouts)
    run = replace(run, rollouts=rollouts)
    bench.store.save(run if still else ended(run, bench.clock.now()))
    bench.say("Settled", f"{result.outcome}: {result.reason}", run=run.id)


def ended(run: Run, now: float) -> Run:
    """The run as finished: its worst rollout counts."""
    worst = max((item.outcome for item in run.rollouts), key=list(Outcome).index, default=Outcome.UNCHANGED)
    reasons = [item.reason for item in run.rollouts if item.outcome is worst and item.reason]
    return replace(run, outcome=worst, finished=now, reason="; ".join(reasons)[:2000])
