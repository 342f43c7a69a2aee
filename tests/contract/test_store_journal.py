"""Writes that wait are one commit: each is durable when its caller goes on, and none suffers from another."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event as Flag

import pytest

from controller.core.decision import Approval
from controller.core.run import Step
from controller.store.journal import _Write
from controller.store.sql import SqlStore
from tests.contract.stores import World, an_event, entry, in_postgres, in_sqlite, row
from tests.support.space import wait_until

ROOT = Path(__file__).parents[2]
Work = Callable[[], object]


class Twin:
    """A store that leads, and a second one that sees what is durable."""

    def __init__(self, world: World, refuse: Callable[[], str]) -> None:
        leading, other = world.leading(), world.open()
        assert isinstance(leading, SqlStore)
        assert isinstance(other, SqlStore)
        self.world, self.store, self.other = world, leading, other
        self.refuse = refuse
        """The name of a run that the database refuses from now on."""
        self.commits = 0

    @contextmanager
    def held(self, several: Sequence[Work]) -> Iterator[list[Future[object]]]:
        """Work that waits for the database while the block runs: the first to come and, in order, all that follow it."""
        futures = []
        with ThreadPoolExecutor(len(several)) as pool, self.store._database._lock:
            for work in several:
                futures.append(pool.submit(work))
                wait_until(lambda: len(self.store._journal._queue) == len(futures), "the next one waits")
            yield futures

    def at_once(self, *several: Work) -> list[str]:
        """The sentence with which each is refused ("" = it is written), of work that is written together."""
        with self.held(several) as futures:
            pass
        return [str(future.exception(60) or "") for future in futures]


@pytest.fixture(params=["sqlite", "postgres"])
def twin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    world = in_sqlite(tmp_path) if request.param == "sqlite" else in_postgres(request.getfixturevalue("postgres"))

    def refused_here() -> str:
        with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as connection:
            connection.execute(
                "CREATE TRIGGER no BEFORE INSERT ON entries WHEN NEW.run = 'bad' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            )
        return "bad"

    twin = Twin(world, refused_here if request.param == "sqlite" else lambda: "b\0d")
    inner = twin.store._journal._execute

    def counted(*arguments: object) -> int | None:
        twin.commits += 1
        return inner(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(twin.store._journal, "_execute", counted)
    yield twin
    world.close()


def test_what_waits_is_one_commit(twin: Twin) -> None:
    def write(number: int) -> Work:
        return lambda: twin.store.record(entry(number, name=f"s{number}"), row(f"s{number}"))

    told = [lambda number=number: twin.store.append([an_event(str(number))]) for number in range(3)]
    assert twin.at_once(*(write(number) for number in range(20)), *told) == [""] * 23
    assert twin.commits == 1
    assert [found.number for found in twin.other.open_entries()] == list(range(20)), "in the order in which they came"
    assert twin.other.rows() == twin.store.rows() == {row(f"s{number}").place: row(f"s{number}") for number in range(20)}
    assert [(event.number, event.message) for event in twin.other.events()] == [(1, "0"), (2, "1"), (3, "2")]


def test_of_two_words_about_one_thing_the_later_counts(twin: Twin) -> None:
    store = twin.store
    done = twin.at_once(
        lambda: store.record(entry(1), row("a", digest="old")),
        lambda: store.record(entry(1, step=Step.DONE), row("a", digest="new")),
        lambda: store.put([row("b")]),
        lambda: store.drop([row("b").place]),
        lambda: store.drop([row("c").place]),
        lambda: store.put([row("c")]),
    )
    assert done == [""] * 6
    assert twin.commits == 1
    assert twin.other.rows() == store.rows() == {row("a").place: row("a", digest="new"), row("c").place: row("c")}
    assert [found.step for found in twin.other.open_entries()] == [Step.DONE]


def test_a_word_is_used_up_with_the_entry_that_passed(twin: Twin) -> None:
    twin.other.approve(Approval("d1", True, "evin", 1.0))
    twin.at_once(lambda: twin.store.record(entry(1)), lambda: twin.store.record(entry(2, step=Step.PASSED), row()))
    assert twin.commits == 1
    assert twin.other.approvals() == {}


def test_one_that_is_refused_fails_alone(twin: Twin) -> None:
    store, bad = twin.store, twin.refuse()
    first, second, third, fourth = twin.at_once(
        lambda: store.record(entry(1), row("s1")),
        lambda: store.record(entry(2, bad), row("s2")),
        lambda: store.append([an_event("told")]),
        lambda: store.record(entry(3), row("s3")),
    )
    assert (first, third, fourth) == ("", "", "")
    assert "not this one" in second or "cannot be stored" in second
    assert [found.number for found in twin.other.open_entries()] == [1, 3]
    assert {key.name for key, _ in twin.other.rows()} == {key.name for key, _ in store.rows()} == {"s1", "s3"}
    assert [event.message for event in twin.other.events()] == ["told"]


def test_a_lost_lease_stops_the_leaders_work_only(twin: Twin) -> None:
    twin.world.spend(31)
    assert twin.other.claim("other", 30)
    one, told, two = twin.at_once(
        lambda: twin.store.record(entry(1), row()),
        lambda: twin.store.append([an_event("told")]),
        lambda: twin.store.put([row()]),
    )
    assert told == ""
    assert "lost to other" in one
    assert "lost to other" in two
    assert (twin.other.rows(), twin.other.open_entries()) == ({}, ())
    assert [event.message for event in twin.other.events()] == ["told"]


def test_who_stops_waiting_writes_nothing_and_stops_nobody(twin: Twin) -> None:
    class Stopped(Flag):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with twin.held([lambda: twin.store.record(entry(1))]) as futures, pytest.raises(KeyboardInterrupt):
        twin.store._journal._write(_Write(events=[an_event("never")], turn=Stopped()))
    assert futures[0].result(60) is None
    twin.store.append([an_event("after")])
    assert [event.message for event in twin.other.events()] == ["after"]


def test_who_waited_for_a_writer_that_was_stopped_is_told(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as stopped:
        stopped.setattr(twin.store._journal, "_execute", _stop)
        first, second = twin.at_once(lambda: twin.store.record(entry(1)), lambda: twin.store.record(entry(2)))
    assert (first, "interrupted" in second) == ("Ctrl-C", True)
    twin.store.record(entry(3))
    assert [found.number for found in twin.other.open_entries()] == [3]


def _stop(*_: object) -> int:
    raise KeyboardInterrupt("Ctrl-C")


def test_many_threads_lose_nothing(twin: Twin) -> None:
    def work(thread: int) -> None:
        for number in range(15):
            place = row(f"s{thread}-{number}")
            twin.store.record(entry(100 * thread + number, name=place.key.name), place)
            assert twin.store.rows()[place.place] == place, "it is there when the caller goes on"
            twin.store.append([an_event("done")])
            twin.store.record(entry(100 * thread + number, step=Step.PASSED, name=place.key.name), place)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(twin.other.rows()) == len(twin.other.entries("r1")) == 120
    assert (twin.other.open_entries(), twin.other.last_event()) == ((), 120)
    assert twin.store.rows() == twin.other.rows()


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.db"
    text = """
        import sys
        from contextlib import closing
        from itertools import count
        from threading import Thread
        from controller.store.sql import SqlStore
        from tests.contract.stores import Hand, entry, row

        store = SqlStore(f"sqlite:///{sys.argv[1]}", Hand())
        assert store.claim("first", 30)

        def work(thread):
            for number in count(1):
                store.record(entry(1000 * thread + number), row(f"s{1000 * thread + number}"))
                sys.stdout.write(f"{1000 * thread + number}\\n")
                sys.stdout.flush()

        for thread in range(8):
            Thread(target=work, args=(thread,)).start()
    """
    for _ in range(3):
        command = [sys.executable, "-c", textwrap.dedent(text), str(path)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        heard += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        acknowledged = {int(line) for line in heard if line.endswith("\n") and line.strip()}
        with ExitStack() as stack:
            store = stack.enter_context(closing(SqlStore(f"sqlite:///{path}", in_sqlite(tmp_path).clock)))
            numbers = {found.number for found in store.open_entries()}
            assert acknowledged <= numbers
            assert {f"service/s{number}" for number in numbers} == {str(key) for key, _ in store.rows()}, "entry and row are one"
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.execute("DELETE FROM entries")
            connection.execute("DELETE FROM ledger")
            connection.commit()
