"""Undo: settle what is undecided, then apply the swapped changes, newest first. The same for a failure and for a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag

from controller.core.change import Change, Reversal
from controller.core.errors import Conflict, Deferred, Permanent, ProviderError, Severity, Transient, Unhealthy
from controller.core.ports import Retains
from controller.core.resource import Rollback
from controller.core.run import Entry, Outcome, Step
from controller.core.state import Receipt
from controller.engine.bench import Bench


def settle(bench: Bench, entry: Entry, revision: str) -> Entry:
    """Decide an intended entry by looking: after → done, before → void, torn between the two → undoing.

    The verdict is written down. Raises Transient when the backend cannot be looked at."""
    change = entry.change
    if entry.step not in (Step.INTENDED, Step.ACCEPTED):
        return entry
    if not change.action.writes:
        return bench.back(entry, Step.VOID, note="settled: nothing was written")
    observed = bench.look(change)
    if bench.matches(change, change.after, observed):
        # Success without work: clears what the interrupted call left, and tells what is retained.
        return bench.done(entry, bench.provider(change).apply(change, Flag()), revision)
    if bench.matches(change, change.before, observed):
        _invert(bench, entry)
        return bench.back(entry, Step.VOID, note="settled: the world is as before")
    moved = entry.moved(Step.UNDOING, bench.clock.now(), note="settled: torn, goes back")
    bench.store.record(moved)
    return moved


def undo(bench: Bench, entries: Sequence[Entry], revision: str) -> tuple[Outcome, str]:
    """Take a rollout back. Returns RolledBack, Stuck (a person is needed) or Waiting (a backend cannot be reached now;
    the entries stay open and the next pass goes on)."""
    way = _WayBack(bench, revision)
    failed: list[Entry] = []
    for entry in sorted(entries, key=lambda item: item.number, reverse=True):
        error = way.take(entry)
        if isinstance(error, (Transient, Deferred)):
            return Outcome.WAITING, f"undo of {entry.change.key} waits: {error}"
        if error is not None:
            failed.append(entry)
    # What lives in the namespace of another can only come back after that one: a second try, oldest first.
    for entry in reversed(failed):
        error = way.take(entry)
        if isinstance(error, (Transient, Deferred)):
            return Outcome.WAITING, f"undo of {entry.change.key} waits: {error}"
        if error is not None:
            way.stuck.append(bench.stuck(entry, f"{entry.change.key} could not be put back: {error}").note)
    for change, receipt in way.inverted:
        _release(bench, change, receipt)
    return (Outcome.STUCK, "; ".join(way.stuck)) if way.stuck else (Outcome.ROLLED_BACK, "")


@dataclass
class _WayBack:
    """One undo under way: what was inverted, and why something cannot be."""

    bench: Bench
    revision: str
    inverted: list[tuple[Change, Receipt]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def take(self, entry: Entry) -> ProviderError | None:
        """Take one entry back; the error that prevents it, or None."""
        try:
            decided = settle(self.bench, entry, self.revision)
            if decided.step not in (Step.DONE, Step.UNDOING):
                return None
            refusal = _refusal(decided.change)
            if refusal and decided.step is Step.DONE:
                self.stuck.append(self.bench.stuck(decided, refusal).note)
                return None
            done = _take_back(self.bench, decided)
        except (Transient, Deferred, Conflict, Permanent, Unhealthy) as error:
            return error
        self.inverted += [done] if done is not None else []
        return None


def _refusal(change: Change) -> str:
    """Why a change must not be taken back without a person, or ""."""
    if change.rollback is Rollback.NEVER:
        return f"{change.key} has `rollback: never`: it stays as it is"
    if change.rollback is Rollback.IF_STATELESS and change.stateful and change.before is not None:
        return f"{change.key} holds data and has `rollback: if-stateless`: it stays as it is"
    if change.reversal is Reversal.NONE:
        return f"{change.action} of {change.key} cannot be taken back"
    return ""


def _take_back(bench: Bench, entry: Entry) -> tuple[Change, Receipt] | None:
    change = entry.change
    if entry.step is not Step.UNDOING:
        entry = entry.moved(Step.UNDOING, bench.clock.now())
        bench.store.record(entry)
    if not change.action.writes:
        bench.back(entry, Step.UNDONE)
        return None
    inverse, receipt = _invert(bench, entry)
    observed = bench.look(inverse, receipt.handle)
    if not bench.matches(inverse, inverse.after, observed):
        raise Conflict("the world does not show what was there before")
    bench.back(entry, Step.UNDONE, handle=receipt.handle)
    bench.say("Undone", f"{change.action} taken back: it is as before", entry, Severity.WARNING)
    return inverse, receipt


def _invert(bench: Bench, entry: Entry) -> tuple[Change, Receipt]:
    inverse = replace(entry.change.inverse(), handle=entry.handle or entry.change.handle)
    return inverse, bench.provider(inverse).apply(inverse, Flag())


def _release(bench: Bench, change: Change, receipt: Receipt) -> None:
    """Clear what the undo itself retained; failing to clear is debris for the next look, not a failure."""
    provider = bench.provider(change)
    if isinstance(provider, Retains):
        try:
            provider.release(change, receipt)
        except (Transient, Permanent, Conflict) as error:
            bench.say("LeftBehind", f"{change.key}: {error}", severity=Severity.WARNING)
