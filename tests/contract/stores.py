"""What the store tests share: one narrative over memory, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from controller.core.audit import Deed
from controller.core.change import Action, Change
from controller.core.errors import JournalError
from controller.core.event import Event
from controller.core.key import Key
from controller.core.run import Entry, Outcome, Row, Run, Step
from controller.store.memory import MemoryStore
from controller.store.sql import SqlStore
from tests.support.postgres import Postgres

AnyStore = MemoryStore | SqlStore
STATE = {"image": "plex:1", "environment": {"TZ": "Europe/Berlin"}, "ports": [[8096, "tcp"]], "memory": 0.5, "cpu": None}


class Hand:
    """A clock that only a test moves."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def wait(self, flag: Flag, seconds: float) -> bool:
        return flag.is_set()

    def until(self, done: Flag, at: float) -> bool:
        return done.is_set()


class World:
    """One set of stored content, seen through as many stores as a test opens."""

    def __init__(self, clock: Hand, opening: Callable[[], AnyStore], spend: Callable[[float], None]) -> None:
        self.clock = clock
        self.spend = spend
        """Lets time pass for the lease."""
        self._opening = opening
        self._opened: list[AnyStore] = []

    def open(self) -> AnyStore:
        """Another store on the same content, as a second process would have it."""
        store = self._opening()
        self._opened.append(store)
        return store

    def leading(self) -> AnyStore:
        """A store that holds the lease."""
        store = self.open()
        assert store.claim("first", 30)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()


KINDS = ("memory", "sqlite", "postgres")


def of_kind(kind: str, folder: Path, request: pytest.FixtureRequest) -> World:
    """A world of one of the kinds; the server of the last is started only for it."""
    if kind == "memory":
        return in_memory()
    return in_sqlite(folder) if kind == "sqlite" else in_postgres(request.getfixturevalue("postgres"))


def in_memory() -> World:
    clock, stores = Hand(), list[MemoryStore]()

    def opening() -> MemoryStore:
        stores.append(MemoryStore(clock, stores[0] if stores else None))
        return stores[-1]

    return World(clock, opening, lambda seconds: _advance(clock, seconds))


def in_sqlite(folder: Path) -> World:
    clock = Hand()
    return World(clock, lambda: SqlStore(f"sqlite:///{folder}/state/state.db", clock), lambda seconds: _advance(clock, seconds))


def in_postgres(server: Postgres) -> World:
    clock = Hand()
    url = server.create()

    def spend(seconds: float) -> None:
        # The lease follows the server's clock, which no test can move: the lease moves instead.
        server.sql(f"UPDATE lease SET until = until - {seconds}", name_in(url))

    return World(clock, lambda: SqlStore(url, clock), spend)


def said(store: AnyStore, work: Callable[[AnyStore], Any]) -> Any:
    """What work on a store gives, or the sentence with which it is refused."""
    try:
        return work(store)
    except JournalError as error:
        return str(error)


def name_in(url: str) -> str:
    """The database's name in a URL of the test server."""
    return url.split("@/")[1].split("?", maxsplit=1)[0]


def _advance(clock: Hand, seconds: float) -> None:
    clock.at += seconds


def row(name: str = "plex", provider: str = "local", **rest: object) -> Row:
    return Row(Key("service", name), provider, name, handle="c0ffee", applied=STATE, needs=(Key("network", "edge"),), **rest)  # type: ignore[arg-type]


def change(name: str = "plex", action: Action = Action.CREATE) -> Change:
    before, after = (None, STATE) if action is Action.CREATE else (STATE, None)
    return Change(Key("service", name), "local", name, action, before, after, "missing")


def entry(number: int = 1, run: str = "r1", step: Step = Step.INTENDED, name: str = "plex", at: float = 5.0) -> Entry:
    return Entry(run, number, "d1", change(name), step, at)


def a_run(name: str, started: float, outcome: Outcome = Outcome.APPLIED) -> Run:
    return Run(name, "abc", "commit", "evin", started, started + 1, outcome)


def an_event(message: str, key: str = "", at: float = 7.0) -> Event:
    return Event(at, "Applied", message, key=key)


def a_deed(action: str, outcome: str = "ok", at: float = 9.0) -> Deed:
    return Deed(at, "evin", "person", "session", action, "service/plex", outcome, "5e551011", "192.0.2.7")
