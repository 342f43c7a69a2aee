"""The SQL store does what the memory store does, whatever the order of work."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.run import Step
from controller.core.uptime import HealthChange, Watch
from controller.store.memory import MemoryStore
from controller.store.sql import SqlStore
from tests.contract.stores import AnyStore, Hand, a_run, an_event, entry, row, said

NAMES = st.sampled_from(["plex", "n8n", "caddy"])
NUMBERS = st.integers(0, 5)
TIMES = st.sampled_from([1.0, 2.5, 100.0])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)


class Twins(RuleBasedStateMachine):
    """Two controllers (0 and 1) on the same content, once in SQLite and once in memory; each step happens to both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Hand()
        self.sql = [self.open(), self.open()]
        first = MemoryStore(self.clock)
        self.memory = [first, MemoryStore(self.clock, first)]

    def open(self) -> SqlStore:
        return SqlStore(f"sqlite:///{self.folder}/state.db", self.clock)

    def teardown(self) -> None:
        for store in self.sql:
            store.close()
        shutil.rmtree(self.folder)

    def both(self, who: int, work: Callable[[AnyStore], Any]) -> None:
        assert said(self.sql[who], work) == said(self.memory[who], work)

    @rule(who=st.integers(0, 1), seconds=st.sampled_from([0.0, 10.0]))
    def claim(self, who: int, seconds: float) -> None:
        self.both(who, lambda store: store.claim(f"holder-{who}", seconds))

    @rule(who=st.integers(0, 1))
    def leave(self, who: int) -> None:
        self.both(who, lambda store: store.leave())

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.at += seconds

    @rule(who=st.integers(0, 1), name=NAMES, provider=st.sampled_from(["local", "nas"]), state=st.dictionaries(st.text(), DATA))
    def put(self, who: int, name: str, provider: str, state: dict[str, Any]) -> None:
        self.both(who, lambda store: store.put([row(name, provider=provider, shown=state)]))

    @rule(who=st.integers(0, 1), name=NAMES)
    def drop(self, who: int, name: str) -> None:
        self.both(who, lambda store: store.drop([row(name).place]))

    @rule(
        who=st.integers(0, 1),
        number=NUMBERS,
        run=NAMES,
        step=st.sampled_from(Step),
        name=NAMES,
        how=st.sampled_from(["", "put", "drop"]),
    )
    def record(self, who: int, number: int, run: str, step: Step, name: str, how: str) -> None:
        new = row(name, digest=str(number)) if how == "put" else None
        self.both(who, lambda store: store.record(entry(number, run, step, name), new, drop=how == "drop"))

    @rule(who=st.integers(0, 1), name=st.text(min_size=1, max_size=3, alphabet="ab%_A"), at=TIMES)
    def save(self, who: int, name: str, at: float) -> None:
        self.both(who, lambda store: store.save(a_run(name, at)))

    @rule(who=st.integers(0, 1), prefix=st.text(max_size=2, alphabet="ab%_A"), limit=st.integers(0, 3), before=st.none() | TIMES)
    def look_for_runs(self, who: int, prefix: str, limit: int, before: float | None) -> None:
        self.both(who, lambda store: (store.run(prefix), store.runs(limit, before)))

    @rule(who=st.integers(0, 1), digest=NAMES, at=TIMES)
    def quarantine(self, who: int, digest: str, at: float) -> None:
        self.both(who, lambda store: store.quarantine(Quarantine(digest, {"a": digest}, "a", "why", "f00", at)))

    @rule(who=st.integers(0, 1), digest=NAMES)
    def absolve(self, who: int, digest: str) -> None:
        self.both(who, lambda store: store.absolve(digest))

    @rule(who=st.integers(0, 1), digest=NAMES | st.just("d1"), approved=st.booleans(), at=TIMES)
    def approve(self, who: int, digest: str, approved: bool, at: float) -> None:
        self.both(who, lambda store: store.approve(Approval(digest, approved, "evin", at)))

    @rule(who=st.integers(0, 1), key=NAMES, resume=st.booleans())
    def suspend(self, who: int, key: str, resume: bool) -> None:
        item = Suspension(key, "evin", 1.0)
        self.both(who, lambda store: store.resume(key) if resume else store.suspend(item))

    @rule(who=st.integers(0, 1), messages=st.lists(st.text(), max_size=3), key=NAMES | st.just(""), at=TIMES)
    def append(self, who: int, messages: list[str], key: str, at: float) -> None:
        self.both(who, lambda store: store.append([an_event(message, key, at) for message in messages]))

    @rule(who=st.integers(0, 1), after=NUMBERS, limit=NUMBERS, key=NAMES | st.just(""))
    def look_for_events(self, who: int, after: int, limit: int, key: str) -> None:
        self.both(who, lambda store: store.events(after, limit, key))

    @rule(who=st.integers(0, 1), name=st.text(min_size=1, max_size=2), value=DATA)
    def remember(self, who: int, name: str, value: Any) -> None:
        if "\0" not in name:
            self.both(who, lambda store: (store.remember(name, value), store.fact(name)))

    @rule(who=st.integers(0, 1), began=TIMES, name=NAMES, health=st.sampled_from(["Healthy", "Degraded", ""]), at=TIMES)
    def note(self, who: int, began: float, name: str, health: str, at: float) -> None:
        watch, change = Watch(began, max(began, at)), HealthChange(f"service/{name}", at, health)
        self.both(who, lambda store: store.health.note(watch, [change]))

    @rule(
        who=st.integers(0, 1),
        start=TIMES,
        end=TIMES,
        key=st.sampled_from(["", "service/plex"]),
        kind=st.sampled_from(["", "service"]),
    )
    def look_back(self, who: int, start: float, end: float, key: str, kind: str) -> None:
        self.both(who, lambda store: (store.health.between(start, end, key=key, kind=kind), store.health.standing(start)))
        self.both(who, lambda store: (store.health.watch(end), store.health.newest(), store.run_times(start)))

    @rule(who=st.integers(0, 1), history=TIMES, events=TIMES)
    def prune(self, who: int, history: float, events: float) -> None:
        self.both(who, lambda store: store.prune(history, events))

    @rule(who=st.integers(0, 1))
    def restart(self, who: int) -> None:
        self.sql[who].close()
        self.sql[who] = self.open()
        self.memory[who] = MemoryStore(self.clock, self.memory[1 - who])

    @invariant()
    def both_look_the_same(self) -> None:
        for who in (0, 1):
            self.both(who, everything)


def everything(store: AnyStore) -> list[Any]:
    runs = ("plex", "n8n", "caddy")
    found = [store.rows(), store.open_entries(), *(store.entries(run) for run in runs), store.runs(), store.quarantined()]
    return [
        *found,
        store.approvals(),
        store.suspensions(),
        store.events(),
        store.last_event(),
        store.leader(),
        store.health.between(0.0, 9e9),
    ]


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
