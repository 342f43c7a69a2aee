"""People, the audit trail and proposals, in every store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.audit import link
from controller.core.errors import JournalError, Refused
from controller.core.registers import Person
from controller.store.sql import SqlStore
from tests.contract.stores import KINDS, AnyStore, Hand, World, a_deed, name_in, of_kind, row
from tests.support.postgres import Postgres
from tests.support.space import CommandFailed

EVIN = Person("evin", ("admin",), "$argon2id$…", by="the operator", at=3.0)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = of_kind(request.param, tmp_path, request)
    yield made
    made.close()


# People


def test_persons_are_kept_by_name(world: World) -> None:
    people = world.open().people
    assert people.get("evin") is None
    people.revise("evin", lambda _: EVIN)
    people.revise("ada", lambda _: replace(EVIN, name="ada", subject="https://id.example 42"))
    other = world.open().people
    assert [person.name for person in other.list()] == ["ada", "evin"]
    assert other.get("evin") == EVIN
    other.revise("evin", lambda known: replace(known, scopes=("read",)) if known else None)
    assert people.get("evin") == replace(EVIN, scopes=("read",))
    people.revise("evin", lambda _: None)
    people.revise("nobody", lambda _: None)
    assert [person.name for person in other.list()] == ["ada"]


def test_a_person_whose_change_is_refused_stays(world: World) -> None:
    people = world.open().people
    people.revise("evin", lambda _: EVIN)

    def refused(_: Person | None) -> Person | None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        people.revise("evin", refused)
    assert people.get("evin") == EVIN


def test_no_change_to_a_person_is_lost_between_two_controllers(world: World) -> None:
    stores = [world.open() for _ in range(3)]

    def grow(known: Person | None) -> Person:
        return replace(EVIN, at=known.at + 1 if known else 1.0)

    def write(store: AnyStore) -> None:
        for _ in range(10):
            store.people.revise("evin", grow)

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(write, stores))
    assert world.open().people.get("evin") == replace(EVIN, at=30.0)


# Proposals


def test_proposals_are_kept_by_id_and_listed_newest_first(world: World) -> None:
    proposals = world.open().proposals
    assert proposals.get("a") is None
    proposals.put("a", 1.0, "open", '{"title": "one"}')
    proposals.put("b", 2.0, "open", "two")
    proposals.put("c", 2.0, "rejected", "three")
    proposals.put("d", 2.0, "open", "four")
    other = world.open().proposals
    assert other.get("a") == '{"title": "one"}'
    assert other.list(["open"]) == ("four", "two", '{"title": "one"}')
    assert other.list(["open", "rejected"]) == ("four", "three", "two", '{"title": "one"}')
    other.put("a", 1.0, "merged", "done")
    assert proposals.list({"merged"}) == ("done",)
    assert proposals.list([]) == ()


WRITES: list[tuple[str, Callable[[AnyStore], object]]] = [
    ("person", lambda store: store.people.revise("evin", lambda _: EVIN)),
    ("proposal", lambda store: store.proposals.put("a", 1.0, "open", "x")),
]


@pytest.mark.parametrize(("name", "write"), WRITES, ids=[name for name, _ in WRITES])
def test_a_holder_that_lost_its_lease_writes_none_of_them(world: World, name: str, write: Callable[[AnyStore], object]) -> None:
    first, second = world.open(), world.open()
    write(second)
    assert first.claim("first", 0)
    assert second.claim("second", 30)
    with pytest.raises(JournalError, match="lost to second"):
        write(first)
    assert not first.claim("first", 30)
    write(first)


# The audit trail


def test_deeds_are_numbered_linked_and_newest_first(world: World) -> None:
    first, second = world.open(), world.open()
    written = [
        first.audit.add(a_deed("approve")),
        second.audit.add(a_deed("reject", "stale")),
        first.audit.add(a_deed("suspend")),
    ]
    assert [deed.number for deed in written] == [1, 2, 3]
    assert written[0] == replace(a_deed("approve"), number=1)
    assert second.audit.list(9) == tuple(reversed(written))
    assert [deed.number for deed in second.audit.list(1, before=3)] == [2]
    assert second.audit.list(5, before=1) == ()
    proof = second.audit.prove()
    assert (proof.rows, proof.broken, proof.why) == (3, 0, "")
    first.audit.add(a_deed("resume"))
    assert first.audit.list(1)[0].before == proof.head
    assert first.audit.prove(proof.head).noted, "what was noted is still part of it"
    assert not first.audit.prove(link("other")).noted


def test_deeds_of_many_controllers_make_one_chain(world: World) -> None:
    stores = [world.open() for _ in range(3)]

    def write(store: AnyStore) -> None:
        for number in range(10):
            store.audit.add(a_deed(f"deed {number}"))

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(write, stores))
    proof = world.open().audit.prove()
    assert (proof.rows, proof.broken) == (30, 0)


def test_hostile_text_does_not_stop_a_deed(world: World) -> None:
    trail = world.open().audit
    trail.add(replace(a_deed("approve"), subject="half a pair \udc80, a null \0 and ✨"))
    assert trail.list(1)[0].subject == "half a pair ?, a null \0 and ✨"
    assert trail.prove().broken == 0


def test_everybody_writes_deeds_also_who_lost_the_lease(world: World) -> None:
    first, second = world.open(), world.open()
    assert first.claim("first", 0)
    assert second.claim("second", 30)
    assert first.audit.add(a_deed("approve")).number == 1


# What the databases refuse, and what shows when somebody went around them


class Table:
    """The audit table as its owner reaches it, past the program."""

    def __init__(self, url: str, server: Postgres | None) -> None:
        self.url, self._server = url, server

    def sql(self, *statements: str) -> None:
        if self._server is not None:
            for statement in statements:
                self._server.sql(statement, name_in(self.url))
            return
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def around(self, *statements: str) -> None:
        """The same with the triggers gone, as somebody with the database in hand can do it."""
        names = ("audit_kept", "audit_whole") if self._server else ("audit_kept", "audit_fixed", "audit_grows")
        self.sql(*(f"DROP TRIGGER {name}{' ON audit' if self._server else ''}" for name in names), *statements)


@pytest.fixture(params=["sqlite", "postgres"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    url = server.create() if server else f"sqlite:///{tmp_path}/state.db"
    with closing(SqlStore(url, Hand())) as store:
        for action in ("approve", "suspend", "resume", "revoke"):
            store.audit.add(a_deed(action))
    return Table(url, server)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit",
        "DELETE FROM audit WHERE number = 2",
        "UPDATE audit SET data = replace(data, 'evin', 'ada')",
        "UPDATE audit SET at = 0 WHERE number = 1",
        "INSERT INTO audit (number, at, data) VALUES (2, 1, '{}')",
    ],
)
def test_the_database_changes_and_removes_no_row(table: Table, statement: str) -> None:
    with pytest.raises((sqlite3.DatabaseError, CommandFailed)):
        table.sql(statement)
    with closing(SqlStore(table.url, Hand())) as store:
        assert (store.audit.prove().rows, store.audit.prove().broken) == (4, 0)


def test_sqlite_replaces_no_row_either(tmp_path: Path) -> None:
    with closing(SqlStore(f"sqlite:///{tmp_path}/state.db", Hand())) as store:
        store.audit.add(a_deed("approve"))
        with (
            closing(sqlite3.connect(tmp_path / "state.db")) as connection,
            pytest.raises(sqlite3.DatabaseError, match="added"),
        ):
            connection.execute("INSERT OR REPLACE INTO audit (number, at, data) VALUES (1, 1, '{}')")
        assert store.audit.prove().broken == 0


def test_postgresql_empties_no_trail_at_once(request: pytest.FixtureRequest) -> None:
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create()
    with closing(SqlStore(url, Hand())) as store:
        store.audit.add(a_deed("approve"))
        with pytest.raises(CommandFailed):
            server.sql("TRUNCATE audit", name_in(url))
        assert store.audit.prove().broken == 0


@pytest.mark.parametrize(
    ("statement", "broken", "why"),
    [
        ("UPDATE audit SET data = replace(data, 'suspend', 'approve') WHERE number = 2", 3, "does not follow"),
        ("UPDATE audit SET data = replace(data, '9.0', '8.0') WHERE number = 2", 2, "contradicts itself"),
        ("UPDATE audit SET data = 'x' WHERE number = 3", 3, "cannot be read"),
        ("DELETE FROM audit WHERE number = 2", 2, "row 2 is gone"),
        ("DELETE FROM audit WHERE number = 1", 1, "row 1 is gone"),
        ("DELETE FROM audit WHERE number = 4", 4, "row 4 and those after it are gone"),
        ("DELETE FROM audit", 1, "row 1 and those after it are gone"),
    ],
)
def test_a_row_that_was_changed_or_removed_shows(table: Table, statement: str, broken: int, why: str) -> None:
    table.around(statement)
    with closing(SqlStore(table.url, Hand())) as store:
        proof = store.audit.prove()
        assert (proof.broken, why in proof.why) == (broken, True), proof
        store.audit.add(a_deed("goes on"))
        assert store.audit.prove().broken == broken, "a later row hides nothing"


def test_a_trail_that_was_written_anew_lacks_what_was_noted(table: Table) -> None:
    with closing(SqlStore(table.url, Hand())) as store:
        noted = store.audit.prove().head
        table.around("DELETE FROM audit", "UPDATE counters SET value = 0 WHERE name = 'audit'")
        for action in ("approve", "resume", "revoke"):
            store.audit.add(a_deed(action))
        proof = store.audit.prove(noted)
        assert (proof.broken, proof.noted) == (0, False)


# Backups


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_restored_backup_brings_people_and_proposals_and_replaces_no_trail(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(2)]
    if kind == "postgres":
        urls = [request.getfixturevalue("postgres").create() for _ in urls]
    with closing(SqlStore(urls[0], Hand())) as saved, closing(SqlStore(urls[1], Hand())) as fresh:
        assert saved.claim("first", 30)
        assert fresh.claim("second", 30)
        saved.put([row()])
        saved.people.revise("evin", lambda _: EVIN)
        saved.proposals.put("a", 1.0, "open", "one")
        saved.audit.add(a_deed("approve"))
        saved.backup(tmp_path / "backup.db")
        saved.audit.add(a_deed("suspend"))
        saved.people.revise("ada", lambda _: replace(EVIN, name="ada"))
        saved.proposals.put("b", 1.0, "open", "two")

        saved.restore(tmp_path / "backup.db")
        assert [person.name for person in saved.people.list()] == ["evin"]
        assert saved.proposals.list(["open"]) == ("one",)
        assert [deed.action for deed in saved.audit.list(9)] == ["suspend", "approve"], "what was done since stays told"

        fresh.restore(tmp_path / "backup.db")
        assert fresh.people.list() == (EVIN,)
        assert [deed.action for deed in fresh.audit.list(9)] == ["approve"], "a store without a trail takes it over"
        fresh.audit.add(a_deed("goes on"))
        assert (fresh.audit.prove().rows, fresh.audit.prove().broken) == (2, 0)


def test_a_row_that_cannot_be_read_makes_a_backup_unsound(tmp_path: Path) -> None:
    with closing(SqlStore(f"sqlite:///{tmp_path}/state.db", Hand())) as store:
        assert store.claim("first", 30)
        store.people.revise("evin", lambda _: EVIN)
        store.backup(tmp_path / "backup.db")
        with closing(sqlite3.connect(tmp_path / "backup.db", isolation_level=None)) as connection:
            connection.execute("UPDATE people SET data = '{}'")
        with pytest.raises(Refused, match="cannot be read"):
            store.restore(tmp_path / "backup.db")
        assert store.people.list() == (EVIN,)
