"""What only the store for several controllers must stand: two hosts, a server that goes away, a server that refuses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from controller.core.errors import JournalError
from controller.store import database
from controller.store.sql import SqlStore
from tests.contract.stores import Hand, an_event, entry, name_in, row
from tests.support.postgres import Postgres


@pytest.fixture
def stores(postgres_url: str) -> Iterator[tuple[SqlStore, SqlStore]]:
    with ExitStack() as stack:
        yield tuple(stack.enter_context(closing(SqlStore(postgres_url, Hand(at)))) for at in (0.0, 4e9))  # type: ignore[misc]


def test_hosts_whose_clocks_differ_agree_on_the_lease(stores: tuple[SqlStore, SqlStore]) -> None:
    early, late = stores
    assert early.claim("early", 30)
    assert not late.claim("late", 30)
    assert late.leader() == early.leader()
    early.put([row()])
    early.leave()
    assert late.claim("late", 30)
    assert not early.claim("early", 30)


def test_a_leader_that_stands_still_in_a_write_does_not_keep_others_out(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"idle_in_transaction_session_timeout": "200ms", "lock_timeout": "10s"}
    monkeypatch.setattr(database, "_POSTGRES_LIMITS", limits)
    with closing(SqlStore(postgres_url, Hand())) as first, closing(SqlStore(postgres_url, Hand())) as second:
        assert first.claim("first", 0)

        def stall() -> None:
            with first._leading() as connection:
                assert second.claim("second", 30)
                connection.exec_driver_sql("DELETE FROM ledger")

        with pytest.raises(JournalError, match=r"idle-in-transaction|server closed the connection"):
            stall()
        with pytest.raises(JournalError, match="lost to second"):
            first.put([row()])


def test_a_takeover_waits_for_the_write_that_is_being_committed(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_POSTGRES_LIMITS", {"lock_timeout": "50ms"})
    with closing(SqlStore(postgres_url, Hand())) as first, closing(SqlStore(postgres_url, Hand())) as second:
        assert first.claim("first", 0)
        with first._leading(), pytest.raises(JournalError, match="another program keeps it locked"):
            second.claim("second", 30)
        assert second.claim("second", 30)


def test_a_server_that_restarts_is_a_sentence_and_then_no_matter(postgres: Postgres, stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = stores
    assert first.claim("first", 300)
    first.record(entry(), row())
    assert len(second.rows()) == 1
    postgres.stop()
    try:
        with pytest.raises(JournalError, match="postgresql"):
            first.record(entry(2), row("other"))
        with pytest.raises(JournalError, match="postgresql"):
            second.rows()
    finally:
        postgres.start()
    assert first.open_entries() == (entry(),)
    first.record(entry(2), row("other"))
    assert set(second.rows()) == {row().place, row("other").place}


def test_a_standby_is_a_sentence(postgres: Postgres) -> None:
    url = postgres.create()
    SqlStore(url, Hand()).close()
    postgres.sql(f"ALTER DATABASE {name_in(url)} SET default_transaction_read_only = on")
    with closing(SqlStore(url, Hand())) as store:
        assert store.rows() == {}
        with pytest.raises(JournalError, match="it takes no writes"):
            store.append([an_event("one")])


def test_a_server_that_does_not_answer_in_time_is_a_sentence(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_POSTGRES_LIMITS", {"statement_timeout": "50ms"})
    with closing(SqlStore(postgres_url, Hand())) as first, closing(SqlStore(postgres_url, Hand())) as second:
        with first._database.writing() as connection:
            connection.exec_driver_sql("LOCK TABLE counters")
            with pytest.raises(JournalError, match="it takes too long to answer"):
                second.append([an_event("one")])
        second.append([an_event("two")])
        assert [event.number for event in first.events()] == [1]


def test_two_controllers_may_open_a_new_database_at_once(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool, ExitStack() as stack:
        opened = list(pool.map(lambda _: SqlStore(postgres_url, Hand()), range(4)))
        for store in opened:
            stack.enter_context(closing(store))
        assert [store.claim(str(number), 30) for number, store in enumerate(opened)] == [True, False, False, False]
