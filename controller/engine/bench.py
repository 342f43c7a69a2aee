"""Bench: what applying and undoing work with, and the journal they must write first. No journal, no write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any

from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.errors import Deferred, Permanent, Severity, Transient
from controller.core.event import Event
from controller.core.kind import Kind
from controller.core.limit import YES, Yes
from controller.core.plan import Rollout
from controller.core.ports import Batches, Clock, Limits, Provider, Providers, Store, Vault
from controller.core.run import Entry, Row, Step
from controller.core.secret import secret_in, secrets_in
from controller.core.state import Absent, Observed, Present, Receipt, State, Target, Unknown
from controller.engine.batch import Gathering
from controller.engine.gate import Pulse


@dataclass(frozen=True)
class Bench:
    """Ports and signals of one controller. `closing` = stop waiting and leave open entries for the next start to settle."""

    providers: Callable[[], Providers]
    kinds: Mapping[str, Kind]
    store: Store
    vault: Vault
    clock: Clock
    tell: Callable[[Event], None]
    pulse: Pulse = field(default_factory=Pulse)
    closing: Flag = field(default_factory=Flag)
    gathering: Gathering = field(default_factory=Gathering)

    def provider(self, change: Change) -> Provider:
        """Who makes this change; raises Transient when the connection is gone."""
        found = self.providers().get((change.key.kind, change.provider))
        if found is None:
            raise Transient(f"no connection {change.provider!r} for {change.key}")
        return found

    def write(self, change: Change, interrupt: Flag) -> Receipt:
        """Make a change, together with others that are ready where the provider makes many with one write; raises what `apply`
        raises. The journal must know of it before."""
        provider = self.provider(change)
        if isinstance(provider, Batches):
            return self.gathering.apply(provider, change, self.clock, self.closing)
        return provider.apply(change, interrupt)

    def gathers(self, change: Change) -> bool:
        """True when the provider makes many changes with one write."""
        return isinstance(self.providers().get((change.key.kind, change.provider)), Batches)

    def lingering(self, change: Change) -> float:
        """How many seconds after it was sent a request for this change may still show (0 when the connection is gone)."""
        found = self.providers().get((change.key.kind, change.provider))
        return found.visible_within if found is not None else 0.0

    def look(self, change: Change, handle: str = "") -> Observed:
        """One object as it is now; raises Transient when it cannot be looked at."""
        target = Target(change.key, change.address, handle or change.handle)
        observed = self.provider(change).observe([target]).of(change.key)
        if isinstance(observed, Unknown):
            raise Transient(observed.reason)
        return observed

    def lost(self, change: Change) -> str:
        """Why one object cannot be looked at while its backend can; "" otherwise. Never raises."""
        provider = self.providers().get((change.key.kind, change.provider))
        if provider is None:
            return ""
        snapshot = provider.observe([Target(change.key, change.address, change.handle)])
        found = snapshot.of(change.key)
        return found.reason if snapshot.complete and isinstance(found, Unknown) else ""

    def matches(self, change: Change, state: State | None, observed: Observed) -> bool:
        """True when the world shows a state, over its declared fields and with the kind's tolerance."""
        if state is None or not isinstance(observed, Present):
            return state is None and isinstance(observed, Absent)
        kind = self.kinds[change.key.kind]
        return not compare(state, observed.state, same=kind.same, whole=kind.whole)

    def say(
        self, reason: str, message: str, entry: Entry | None = None, severity: Severity = Severity.INFO, run: str = ""
    ) -> None:
        """Tell people what happened."""
        key = str(entry.change.key) if entry else ""
        self.tell(Event(self.clock.now(), reason, message, severity, key, entry.run if entry else run))

    def intend(self, run: str, number: int, rollout: Rollout, change: Change, before: Row | None) -> Entry:
        """Write down what is about to be done, and the row that stood `before`; secrets it names become durable first."""
        self.vault.keep(secrets_in(change.after))
        now = self.clock.now()
        entry = Entry(run, number, rollout.digest, change, Step.INTENDED, now, row=before)
        pending = None
        if before is None and change.action is Action.CREATE:
            pending = Row(change.key, change.provider, change.address, at=now)
        self.store.record(entry, pending)
        return entry

    def renew(self, entry: Entry) -> Entry:
        """Write down what an object that moves by itself shows now: that is what an undo brings back. Raises
        Transient, also when it may not be written from there without another plan."""
        observed = self.look(entry.change)
        change = replace(entry.change, before=observed.state if isinstance(observed, Present) else None)
        provider, attended = self.provider(change), self.kinds[change.key.kind].attended
        answer = provider.limit(change) if isinstance(provider, Limits) else YES
        if not isinstance(answer, Yes) or attended(change.before, change.after) != attended(entry.change.before, change.after):
            raise Transient(f"{change.key} moved since it was planned, and may not be written as it is now")
        renewed = replace(entry, change=change, at=self.clock.now())
        self.store.record(renewed)
        return renewed

    def done(self, entry: Entry, receipt: Receipt, revision: str, step: Step = Step.DONE) -> Entry:
        """Write down that the backend has it, with the ledger row that follows from it."""
        change, now = entry.change, self.clock.now()
        moved = entry.moved(step, now, handle=receipt.handle, retained=receipt.retained)
        if change.after is None:
            self.store.record(moved, drop=step is Step.PASSED)
            return moved
        was = entry.row
        applied = change.after
        if change.action is Action.ADOPT:
            applied = _declared(change.after, receipt.state)
        row = Row(
            key=change.key,
            provider=change.provider,
            address=change.address,
            handle=receipt.handle,
            applied=applied,
            shown=receipt.state,
            digest=change.digest if applied is change.after else "",
            revision=was.revision if was is not None and change.drift else revision,
            needs=change.needs,
            claims=change.claims,
            protect=change.protect,
            stateful=change.stateful,
            adopted=change.action is Action.ADOPT or (was is not None and was.adopted),
            found=self._found(change, was),
            at=now,
        )
        self.store.record(moved, row)
        return moved

    def _found(self, change: Change, was: Row | None) -> bool:
        """True for what stood as declared before it was ours, until something else is written to it."""
        if change.action is Action.ADOPT and was is None:
            return self.kinds[change.key.kind].markless and not change.fields
        return was is not None and was.found and (change.drift or not change.action.writes)

    def back(self, entry: Entry, step: Step, handle: str = "", note: str = "") -> Entry:
        """Write down that the world is as it was before, and put the ledger back."""
        moved = entry.moved(step, self.clock.now(), note=note)
        row = entry.row
        if row is not None and handle and handle != row.handle:
            row = replace(row, handle=handle)
        self.store.record(moved, row, drop=row is None)
        return moved

    def postpone(self, entry: Entry, error: Deferred) -> Entry:
        """Write down that an entry waits for a time that its backend named; nothing of it was sent."""
        step = Step.UNDOING if entry.step is Step.DONE else entry.step
        moved = entry.moved(step, self.clock.now(), note=str(error), not_before=error.not_before)
        self.store.record(moved)
        return moved

    def stuck(self, entry: Entry, note: str) -> Entry:
        """Write down that a person is needed."""
        moved = entry.moved(Step.STUCK, self.clock.now(), note=note)
        self.store.record(moved)
        self.say("Stuck", note, moved, Severity.ERROR)
        return moved


def _declared(wanted: State, shown: State | None) -> State:
    """What an adopted object holds in the fields that are declared: the base from which later differences are counted."""
    if shown is None:
        raise Permanent("an object that is not there cannot be adopted")
    if all(shown.get(name) == value for name, value in wanted.items()):
        return wanted
    return _part(wanted, shown)


def _part(wanted: State, shown: State) -> dict[str, Any]:
    """The entries of what is shown that are declared, at every depth."""
    found: dict[str, Any] = {}
    for name in wanted.keys() & shown.keys():
        inner, there = wanted[name], shown[name]
        nested = isinstance(inner, Mapping) and isinstance(there, Mapping) and secret_in(there) is None
        found[name] = _part(inner, there) if nested else there
    return found
