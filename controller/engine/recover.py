"""Recover: entries that a crash or an unreachable backend left open are finished forward or taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from threading import Event as Flag

from controller.core.change import Change
from controller.core.decision import Quarantine
from controller.core.errors import (
    Conflict,
    Deferred,
    GateFailed,
    Interrupted,
    Permanent,
    ProviderError,
    Severity,
    Transient,
    Unhealthy,
)
from controller.core.estate import Estate
from controller.core.plan import Rollout
from controller.core.run import Entry, Outcome, RolloutRun, Run, Step
from controller.core.state import Receipt, State
from controller.engine.apply import release
from controller.engine.bench import Bench
from controller.engine.gate import gate
from controller.engine.group import outdated
from controller.engine.undo import allowed_from, settle, undo

_NOT_YET = "cannot be settled yet: "
_LATEST = 20
MOMENT = 5.0
"""Seconds that a pass waits for a request to land; what takes longer is left to a later pass."""
Job = Callable[[Flag], RolloutRun]
"""The rest of a rollout: waits for health, then commits or takes it back. The flag calls the waiting off."""
Resume = Callable[[str, Sequence[tuple[Rollout, Job]], Callable[[RolloutRun], None]], None]
"""(run, jobs, hears each result) → starts them and returns."""


def recover(bench: Bench, resume: Resume, busy: frozenset[str] = frozenset(), estate: Estate | None = None) -> None:
    """Settle what is open, rollout by rollout, except the runs in `busy` (still under way). What was made as a whole, and what
    `estate` still wants, only has to prove its health: it is handed to `resume`. Anything else is taken back at once. Where a
    backend cannot be reached the entries stay open for the next pass."""
    entries = [entry for entry in bench.store.open_entries() if entry.run not in busy]
    entries.sort(key=lambda entry: (entry.run, entry.rollout, entry.number))
    entries = _landed(bench, entries)
    for name, of_run in groupby(entries, key=lambda entry: entry.run):
        jobs: list[tuple[Rollout, Job]] = []
        for digest, group in groupby(of_run, key=lambda entry: entry.rollout):
            found = list(group)
            wanted = estate is None or not outdated((entry.change for entry in found), estate)
            result = _rollout(bench, bench.store.run(name), digest, found, forward=wanted)
            if isinstance(result, RolloutRun):
                waits = result.outcome is Outcome.WAITING
                _report(bench, name, replace(result, reason=_NOT_YET + result.reason) if waits else result)
            else:
                jobs.append((Rollout(tuple(entry.change for entry in found), digest), result))
        if jobs:
            resume(name, jobs, lambda result, name=name: _report(bench, name, result))  # type: ignore[misc]


def bury(bench: Bench, busy: frozenset[str]) -> None:
    """End the latest runs, except those in `busy`, that died and left nothing open: nobody else will."""
    alive = busy | {entry.run for entry in bench.store.open_entries()}
    for run in bench.store.runs(_LATEST):
        if run.outcome is Outcome.RUNNING and run.id not in alive:
            found = by_rollout(bench.store.entries(run.id))
            rollouts = tuple(_last_words(item, found.get((run.id, item.digest), [])) for item in run.rollouts)
            bench.store.save(ended(replace(run, rollouts=rollouts), bench.clock.now()))


def _last_words(item: RolloutRun, entries: Sequence[Entry]) -> RolloutRun:
    """How a rollout ended of which nothing is open."""
    if item.outcome is not Outcome.RUNNING:
        return item
    if not entries:
        return replace(item, outcome=Outcome.UNCHANGED, reason="interrupted before it began")
    if all(entry.step is Step.PASSED for entry in entries):
        return replace(item, outcome=Outcome.APPLIED)
    return replace(item, outcome=Outcome.ROLLED_BACK, reason="interrupted and taken back")


def rests_until(bench: Bench, entries: Sequence[Entry]) -> float:
    """When the open entries of one rollout may be settled, in seconds since the epoch; 0 = now. Two things keep them: a backend
    that allows the undo only later, and what was sent in the last moment before an interruption: a look may decide only when it
    is carried out, or never will be."""
    now = bench.clock.now()
    torn = [entry for entry in entries if entry.step in (Step.INTENDED, Step.UNDOING) and not entry.not_before]
    lands = max((entry.at + bench.lingering(entry.change) for entry in torn), default=0.0)
    latest = max(lands, allowed_from(entries, now))
    return latest if latest > now else 0.0


def by_rollout(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """Entries by run and rollout."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.run, entry.rollout), []).append(entry)
    return found


def _landed(bench: Bench, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that may be settled now. What takes a moment is waited for."""
    rests = {place: rests_until(bench, found) for place, found in by_rollout(entries).items()}
    now = bench.clock.now()
    soon = max((until - now for until in rests.values() if until - now <= MOMENT), default=0.0)
    if soon > 0:
        bench.clock.wait(bench.closing, soon)
    return [entry for entry in entries if rests[entry.run, entry.rollout] - now <= MOMENT]


def _rollout(bench: Bench, run: Run | None, digest: str, entries: list[Entry], *, forward: bool) -> RolloutRun | Job:
    revision = run.revision if run else ""
    known = next((item for item in run.rollouts if item.digest == digest), None) if run else None
    changes = known.changes if known else ()
    if known is None or not known.reason.startswith(_NOT_YET):  # said once, however often it must be tried
        bench.say("Settling", f"{len(entries)} open entries of an interrupted rollout", entries[0], Severity.WARNING)
    settled: list[Entry] = []
    silent: list[ProviderError] = []
    try:
        for entry in entries:
            try:
                settled.append(settle(bench, entry, revision))
            except (Transient, Deferred) as error:
                silent.append(error)
    except (Conflict, Permanent, Unhealthy) as error:
        outcome, detail = undo(bench, [entry for entry in bench.store.open_entries() if entry.rollout == digest], revision)
        return RolloutRun(digest, outcome, detail or str(error), changes)
    recorded = bench.store.entries(run.id) if run else ()
    finished = sum(entry.step is Step.PASSED and entry.rollout == digest for entry in recorded)
    whole = finished + len(entries) == len(changes) and all(entry.step is Step.DONE for entry in settled)
    if (forward or finished) and changes and whole:
        if silent:
            return RolloutRun(digest, Outcome.WAITING, str(silent[0]), changes)
        if finished:  # it had passed as a whole: only the last words are missing
            return _commit(bench, digest, settled, revision, changes)
        return lambda interrupt: _forward(bench, digest, settled, revision, changes, interrupt)
    # What a silent backend holds is undone later, with what it needs; the rest is not kept waiting for it.
    left = {entry.number: entry for entry in (*entries, *settled)}
    outcome, detail = undo(bench, list(left.values()), revision)
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
        except Interrupted as error:
            if bench.closing.is_set():
                return RolloutRun(digest, Outcome.WAITING, str(error), changes)
            outcome, detail = undo(bench, entries, revision)
            outcome = Outcome.SUPERSEDED if outcome is Outcome.ROLLED_BACK else outcome
            return RolloutRun(digest, outcome, detail or str(error), changes)
        except Transient as error:
            return RolloutRun(digest, Outcome.WAITING, str(error), changes)
        except GateFailed as error:
            wanted = {str(item.change.key): item.change.digest for item in entries}
            item = Quarantine(digest, wanted, str(change.key), str(error), revision, bench.clock.now())
            bench.store.quarantine(item)
            outcome, detail = undo(bench, entries, revision)
            return RolloutRun(digest, outcome, detail or str(error), changes)
    return _commit(bench, digest, entries, revision, changes)


def _commit(
    bench: Bench, digest: str, entries: list[Entry], revision: str, changes: tuple[tuple[str, str, str], ...]
) -> RolloutRun:
    for entry in entries:
        try:
            receipt = release(bench, entry.change, Receipt(entry.handle, _shown(bench, entry.change), entry.retained))
        except (Transient, Deferred, Conflict, Permanent) as error:
            return RolloutRun(digest, Outcome.WAITING, str(error), changes)
        bench.done(entry, receipt, revision, Step.PASSED)
    return RolloutRun(digest, Outcome.APPLIED, "finished after an interruption", changes)


def _shown(bench: Bench, change: Change) -> State | None:
    """What the world showed when it was written. A look now could take what somebody changed since for the backend's words."""
    row = bench.store.rows().get(change.place)
    return row.shown if row is not None and change.after is not None else None


def _report(bench: Bench, name: str, result: RolloutRun) -> None:
    """Put the verdict into the interrupted run, and end the run when nothing of it is open."""
    run = bench.store.run(name)
    if run is None:
        return
    rollouts = tuple(result if item.digest == result.digest else item for item in run.rollouts)
    still = any(item.outcome in (Outcome.RUNNING, Outcome.WAITING) for item in rollouts)
    run = replace(run, rollouts=rollouts)
    bench.store.save(run if still else ended(run, bench.clock.now()))
    if result.outcome is not Outcome.WAITING:
        bench.say("Settled", f"{result.outcome}: {result.reason}", run=run.id)


def ended(run: Run, now: float) -> Run:
    """The run as finished: its worst rollout counts."""
    worst = max((item.outcome for item in run.rollouts), key=list(Outcome).index, default=Outcome.UNCHANGED)
    reasons = [item.reason for item in run.rollouts if item.outcome is worst and item.reason]
    return replace(run, outcome=worst, finished=now, reason="; ".join(reasons)[:2000])
