"""The store in memory: for the simulated world and for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, TypeVar

from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.errors import JournalError
from controller.core.event import Event
from controller.core.ports import Clock, Place
from controller.core.registers import People, Proposals, Trail
from controller.core.run import Entry, Row, Run, RunTime, Step
from controller.core.uptime import HealthHistory
from controller.store.ledger import Rows
from controller.store.memory_health import Kept, MemoryHealth
from controller.store.memory_registers import MemoryPeople, MemoryProposals, MemoryTrail
from controller.store.records import Proposal, decode, encode, encode_anyway

T = TypeVar("T")


def _settled(record: T) -> T:
    """The record as a store gives it back: plain JSON data that shares nothing with the writer's."""
    return decode(type(record), encode(record))


@dataclass
class _Tables:
    """What the stores beside each other share."""

    lock: RLock = field(default_factory=RLock)
    holder: str = ""
    fence: int = 0
    until: float = 0.0
    ledger: Rows = field(default_factory=Rows)
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    quarantine: dict[str, Quarantine] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    suspensions: dict[str, Suspension] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    last_event: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    audit: list[str] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    health: Kept = field(default_factory=Kept)


class MemoryStore:
    """`core.ports.Store` without durability. Records read are never the objects written. `beside` shares another store's content
    as a second controller would: each has its own hold on the one lease. Usable from many threads."""

    def __init__(self, clock: Clock, beside: MemoryStore | None = None) -> None:
        self._clock = clock
        self._tables: _Tables = beside._tables if beside else _Tables()
        self._lock = self._tables.lock
        self._fence: int | None = None
        self._seconds = 0.0
        self.people: People = MemoryPeople(self._tables.people, self._lock, self._not_lost)
        self.audit: Trail = MemoryTrail(self._tables.audit, self._lock)
        self.proposals: Proposals = MemoryProposals(self._tables.proposals, self._lock, self._not_lost)
        self.health: HealthHistory = MemoryHealth(self._tables.health, self._lock, self._led)

    def close(self) -> None:
        """Nothing is open."""

    # The lease

    def claim(self, holder: str, seconds: float) -> bool:
        with self._lock:
            tables, now = self._tables, self._clock.now()
            if tables.fence != self._fence:
                if tables.holder not in ("", holder) and tables.until > now:
                    self._fence = None
                    return False
                tables.fence += 1
            self._fence, self._seconds = tables.fence, seconds
            tables.holder, tables.until = holder, now + seconds
            return True

    def leave(self) -> None:
        with self._lock:
            if self._tables.fence == self._fence:
                self._tables.holder, self._tables.until = "", 0.0
            self._fence = None

    def leader(self) -> tuple[str, float]:
        with self._lock:
            if not self._tables.holder or self._tables.until <= self._clock.now():
                return "", 0.0
            return self._tables.holder, self._tables.until

    def _led(self, needed: bool = True) -> None:
        if self._fence is None:
            if needed:
                raise JournalError("this store does not hold the writing lease: nothing is written")
            return
        tables, now = self._tables, self._clock.now()
        if tables.fence != self._fence:
            raise JournalError(f"the writing lease was lost to {tables.holder or 'another controller'}: nothing is written")
        if tables.until < now + self._seconds / 2:
            tables.until = now + self._seconds

    def _not_lost(self) -> None:
        self._led(needed=False)

    # Ledger and journal

    def rows(self) -> Mapping[Place, Row]:
        with self._lock:
            return self._tables.ledger.snapshot()

    def put(self, rows: Iterable[Row]) -> None:
        new = [_settled(row) for row in rows]
        with self._lock:
            self._led()
            self._tables.ledger.put(new)

    def drop(self, places: Iterable[Place]) -> None:
        with self._lock:
            self._led()
            self._tables.ledger.drop(places)

    def record(self, entry: Entry, row: Row | None = None, drop: bool = False) -> None:
        if row is not None and drop:
            raise ValueError("an entry either puts a row or drops one")
        settled, new = _settled(entry), _settled(row) if row is not None else None
        with self._lock:
            self._led()
            self._tables.entries[entry.run, entry.number] = settled
            if entry.step is Step.PASSED:
                self._tables.approvals.pop(entry.rollout, None)
            if new is not None:
                self._tables.ledger.put([new])
            elif drop:
                self._tables.ledger.drop([entry.change.place])

    def open_entries(self) -> Sequence[Entry]:
        with self._lock:
            return tuple(entry for entry in self._tables.entries.values() if entry.step.open)

    def entries(self, run: str) -> Sequence[Entry]:
        with self._lock:
            found = [entry for entry in self._tables.entries.values() if entry.run == run]
        return tuple(sorted(found, key=lambda entry: entry.number))

    # Runs and rollouts

    def save(self, run: Run) -> None:
        settled = _settled(run)
        with self._lock:
            self._led()
            self._tables.runs[run.id] = settled

    def run(self, name: str) -> Run | None:
        with self._lock:
            if name in self._tables.runs:
                return self._tables.runs[name]
            found = [run for id_, run in self._tables.runs.items() if name and id_.startswith(name)]
        return found[0] if len(found) == 1 else None

    def runs(self, limit: int = 50, before: float | None = None) -> Sequence[Run]:
        with self._lock:
            found = [run for run in self._tables.runs.values() if before is None or run.started < before]
        return tuple(sorted(found, key=lambda run: (run.started, run.id), reverse=True)[:limit])

    def run_times(self, since: float) -> Sequence[RunTime]:
        with self._lock:
            found = sorted((run.started, run.id, run) for run in self._tables.runs.values() if run.started >= since)
        return tuple(RunTime(run.started, run.finished, run.outcome) for _, _, run in found)

    def quarantined(self) -> Sequence[Quarantine]:
        with self._lock:
            return tuple(sorted(self._tables.quarantine.values(), key=lambda item: (item.at, item.digest)))

    def quarantine(self, item: Quarantine) -> None:
        settled = _settled(item)
        with self._lock:
            self._led()
            self._tables.quarantine[item.digest] = settled

    def absolve(self, digest: str) -> None:
        with self._lock:
            self._led()
            self._tables.quarantine.pop(digest, None)

    # What people said, events and facts

    def approvals(self) -> Mapping[str, Approval]:
        with self._lock:
            return dict(self._tables.approvals)

    def approve(self, approval: Approval) -> None:
        settled = _settled(approval)
        with self._lock:
            self._tables.approvals[approval.digest] = settled

    def suspensions(self) -> Mapping[str, Suspension]:
        with self._lock:
            return dict(self._tables.suspensions)

    def suspend(self, item: Suspension) -> None:
        settled = _settled(item)
        with self._lock:
            self._tables.suspensions[item.key] = settled

    def resume(self, key: str) -> None:
        with self._lock:
            self._tables.suspensions.pop(key, None)

    def append(self, events: Iterable[Event]) -> None:
        settled = [decode(Event, encode_anyway(event)) for event in events]
        with self._lock:
            for event in settled:
                self._tables.last_event += 1
                self._tables.events.append(replace(event, number=self._tables.last_event))

    def events(self, after: int = 0, limit: int = 200, key: str = "") -> Sequence[Event]:
        with self._lock:
            found = [event for event in self._tables.events if event.number > after and key in ("", event.key)]
        return tuple(found[:limit])

    def last_event(self) -> int:
        return self._tables.last_event

    def fact(self, name: str) -> Any:
        with self._lock:
            return json.loads(self._tables.facts.get(name, "null"))

    def remember(self, name: str, value: Any) -> None:
        text = json.dumps(value, allow_nan=False)
        with self._lock:
            self._led(needed=False)
            if value is None:
                self._tables.facts.pop(name, None)
            else:
                self._tables.facts[name] = text

    def revise(self, name: str, change: Callable[[Any], Any]) -> None:
        with self._lock:
            self.remember(name, change(self.fact(name)))

    # Upkeep

    def prune(self, before_history: float, before_events: float) -> int:
        """Forget runs, closed entries, approvals and how healthy things were before one time, events before another (seconds
        since the epoch). Runs with an open entry stay. Returns how many records went."""
        with self._lock:
            self._led()
            tables = self._tables
            size = len(tables.runs) + len(tables.entries) + len(tables.approvals) + len(tables.events)
            kept = {entry.run for entry in tables.entries.values() if entry.step.open}
            tables.runs = {id_: run for id_, run in tables.runs.items() if run.started >= before_history or id_ in kept}
            tables.entries = {
                place: entry
                for place, entry in tables.entries.items()
                if entry.at >= before_history or entry.run in tables.runs or entry.run in kept
            }
            tables.approvals = {digest: word for digest, word in tables.approvals.items() if word.at >= before_history}
            tables.events = [event for event in tables.events if event.at >= before_events]
            gone = size - len(tables.runs) - len(tables.entries) - len(tables.approvals) - len(tables.events)
            return gone + tables.health.forget(before_history)
