"""Undo: settle what is undecided, then apply the swapped changes, newest first. The same for a failure and for a crash."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event as Flag

from controller.core.change import Change, Reversal
from controller.core.errors import Conflict, Deferred, Interrupted, Permanent, ProviderError, Severity, Transient, Unhealthy
from controller.core.ports import Place, Retains
from controller.core.resource import Rollback
from controller.core.run import Entry, Outcome, Step
from controller.core.state import Receipt
from controller.engine.bench import Bench
from controller.engine.group import Edges, dependencies

_PARALLEL = 64
_LATER = (Transient, Deferred, Interrupted)
"""What keeps an undo waiting: a backend, or that the controller ends."""


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
    """Take a rollout back. Returns RolledBack, Stuck (a person is needed) or Waiting: a backend cannot be reached now, or allows
    it only later. What must wait stays open, with all that it still needs; the rest is taken back, and a later pass goes on."""
    way = _WayBack(bench, revision, before=_before(entries))
    for part in _parts(bench, sorted(entries, key=lambda item: item.number, reverse=True), way.before):
        way.go(part)
    if not way.waits:
        way.again()
    for change, receipt in way.inverted:
        _release(bench, change, receipt)
    if way.waits:
        return Outcome.WAITING, "; ".join(way.waits.values())
    return (Outcome.STUCK, "; ".join(way.stuck)) if way.stuck else (Outcome.ROLLED_BACK, "")


def allowed_from(entries: Sequence[Entry], now: float) -> float:
    """When something of an undo that waits may go on, in seconds since the epoch; 0 = now."""
    later = [entry for entry in entries if entry.not_before > now]
    before = _before(entries)
    waiting = {place for entry in later for place in (entry.change.place, *_needed(entry.change.place, before))}
    if any(entry.change.place not in waiting for entry in entries):
        return 0.0
    return min((entry.not_before for entry in later), default=0.0)


def _before(entries: Sequence[Entry]) -> Edges:
    return dependencies([entry.change for entry in entries], {e.change.place: e.row for e in entries if e.row is not None})


def _needed(place: Place, before: Edges) -> set[Place]:
    """Everything that had to run before a change, so that it may be taken back only after it."""
    found: set[Place] = set()
    stack = [place]
    while stack:
        fresh = [each for each in before[stack.pop()] if each not in found]
        found.update(fresh)
        stack += fresh
    return found


def _parts(bench: Bench, entries: Sequence[Entry], before: Edges) -> list[list[Entry]]:
    """The entries in order; neighbours of which the backend makes one write, and that do not need each other, together."""
    parts: list[list[Entry]] = []
    for entry in entries:
        last = parts[-1][-1].change if parts else None
        together = (
            last is not None
            and (last.key.kind, last.provider) == (entry.change.key.kind, entry.change.provider)
            and bench.gathers(entry.change)
            and not any(entry.change.place in before[each.change.place] for each in parts[-1])
        )
        if together:
            parts[-1].append(entry)
        else:
            parts.append([entry])
    return parts


@dataclass
class _WayBack:
    """One undo under way: what was inverted, why something cannot be (`stuck`) or not now (`waits`); `before` = what each change
    needed."""

    bench: Bench
    revision: str
    before: Edges
    inverted: list[tuple[Change, Receipt]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    waits: dict[Place, str] = field(default_factory=dict)
    _kept: set[Place] = field(default_factory=set)
    _silent: set[str] = field(default_factory=set)
    _failed: list[Entry] = field(default_factory=list)

    def go(self, part: Sequence[Entry]) -> None:
        """Take entries back that may go at the same time."""
        part = [entry for entry in part if entry.change.place not in self._kept]
        for entry in part:
            if entry.change.provider in self._silent and entry.step.open:
                self._wait(entry, f"undo of {entry.change.key} waits for {entry.change.provider}")
        part = [entry for entry in part if entry.change.place not in self.waits]
        if len(part) > 1:
            with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(part)), thread_name_prefix="undo") as pool:
                errors = list(pool.map(self._take, part))
        else:
            errors = [self._take(entry) for entry in part]
        for entry, error in zip(part, errors, strict=True):
            if isinstance(error, _LATER):
                self._wait(entry, f"undo of {entry.change.key} waits: {error}")
                if isinstance(error, Transient):
                    self._silent.add(entry.change.provider)
            elif error is not None:
                self._failed.append(entry)

    def again(self) -> None:
        """What lives in the namespace of another can only come back after that one: a second try, oldest first."""
        for entry in reversed(self._failed):
            error = self._take(entry)
            if isinstance(error, _LATER):
                self._wait(entry, f"undo of {entry.change.key} waits: {error}")
            elif error is not None:
                self.stuck.append(self.bench.stuck(entry, f"{entry.change.key} could not be put back: {error}").note)

    def _wait(self, entry: Entry, why: str) -> None:
        self.waits[entry.change.place] = why
        self._kept |= _needed(entry.change.place, self.before)

    def _take(self, entry: Entry) -> ProviderError | None:
        """Take one entry back; the error that prevents it, or None."""
        decided = entry
        try:
            decided = settle(self.bench, entry, self.revision)
            if decided.step not in (Step.DONE, Step.UNDOING):
                return None
            refusal = _refusal(decided.change)
            if refusal and decided.step is Step.DONE:
                self.stuck.append(self.bench.stuck(decided, refusal).note)
                return None
            done = _take_back(self.bench, decided)
        except Deferred as error:
            self.bench.postpone(decided, error)
            return error
        except Conflict as error:
            if not self.bench.kinds[entry.change.key.kind].volatile:
                return error
            _leave(self.bench, decided, str(error))
            return None
        except Transient as error:
            # A lamp that is away keeps nobody waiting, and gets no order from yesterday when it returns.
            lost = self.bench.lost(decided.change) if self.bench.kinds[entry.change.key.kind].volatile else ""
            if not lost:
                return error
            _leave(self.bench, decided, lost)
            return None
        except (Permanent, Unhealthy) as error:
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
    # Also when it was written down before: what is sent now may still show for a while after an interruption.
    entry = entry.moved(Step.UNDOING, bench.clock.now(), not_before=0.0)
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


def _leave(bench: Bench, entry: Entry, why: str) -> None:
    """What moves by itself did so since it was written, or is away: that is nobody's mistake, and newer than what was before."""
    words = f"it is left as it is: {why}"
    bench.back(entry, Step.UNDONE, note=words)
    bench.say("LeftAsItIs", words, entry, Severity.WARNING)


def _invert(bench: Bench, entry: Entry) -> tuple[Change, Receipt]:
    inverse = replace(entry.change.inverse(), handle=entry.handle or entry.change.handle)
    return inverse, bench.write(inverse, Flag())


def _release(bench: Bench, change: Change, receipt: Receipt) -> None:
    """Clear what the undo itself retained; failing to clear is debris for the next look, not a failure."""
    provider = bench.provider(change)
    if isinstance(provider, Retains):
        try:
            provider.release(change, receipt)
        except (Transient, Permanent, Conflict) as error:
            bench.say("LeftBehind", f"{change.key}: {error}", severity=Severity.WARNING)
