"""One narrative that every store passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.errors import JournalError, Severity
from controller.core.event import Event
from controller.core.key import Key
from controller.core.run import Outcome, RolloutRun, Run, Step
from tests.contract.stores import KINDS, AnyStore, World, a_run, an_event, change, entry, of_kind, row, said


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = of_kind(request.param, tmp_path, request)
    yield made
    made.close()


QUARANTINE = Quarantine("d1", {"service/plex": "abc"}, "service/plex", "not healthy", "f00", 4.0)

LEADERS_WORK: list[tuple[str, Callable[[AnyStore], object], str]] = [
    ("put", lambda store: store.put([row()]), "the ledger says what is ours"),
    ("drop", lambda store: store.drop([row().place]), "a dropped row makes an object a stranger"),
    ("record", lambda store: store.record(entry(), row()), "an intent leads to a call"),
    ("save", lambda store: store.save(a_run("r1", 1.0)), "runs belong to who applies"),
    ("quarantine", lambda store: store.quarantine(QUARANTINE), "a stale verdict must not stop the new leader"),
    ("absolve", lambda store: store.absolve("d1"), "a stale pardon must not start the new leader"),
    ("prune", lambda store: store.prune(0, 0), "what the leader still reads must not go"),
]
EVERYBODYS_WORK: list[tuple[str, Callable[[AnyStore], object], str]] = [
    ("approve", lambda store: store.approve(Approval("d1", True, "evin", 1.0)), "people may speak to any controller"),
    ("suspend", lambda store: store.suspend(Suspension("service/plex", "evin", 1.0)), "people may speak to any controller"),
    ("resume", lambda store: store.resume("service/plex"), "people may speak to any controller"),
    ("append", lambda store: store.append([an_event("standby")]), "a standby reports too"),
]


def ids(cases: list[tuple[str, Callable[[AnyStore], object], str]]) -> list[str]:
    return [name for name, _, _ in cases]


# The lease


def test_one_store_leads_and_the_other_takes_over_when_the_lease_ends(world: World) -> None:
    first, second = world.open(), world.open()
    assert first.leader() == ("", 0.0)
    assert first.claim("first", 30)
    holder, until = second.leader()
    assert holder == "first"
    assert until > 0
    assert not second.claim("second", 30)
    world.spend(20)
    assert first.claim("first", 30), "renewed"
    world.spend(20)
    assert not second.claim("second", 30)
    world.spend(11)
    assert first.leader() == ("", 0.0)
    assert second.claim("second", 30)
    assert not first.claim("first", 30)
    assert first.leader()[0] == "second"


def test_a_lease_given_back_is_free_at_once(world: World) -> None:
    first, second = world.leading(), world.open()
    first.leave()
    assert second.leader() == ("", 0.0)
    assert second.claim("second", 30)
    first.leave()
    assert second.leader()[0] == "second", "only a holder gives back"


def test_a_holder_that_starts_again_fences_out_its_former_self(world: World) -> None:
    before, after = world.leading(), world.open()
    assert after.claim("first", 30)
    after.put([row()])
    with pytest.raises(JournalError, match="lost to first"):
        before.put([row("other")])
    assert set(after.rows()) == {row().place}


@pytest.mark.parametrize(("name", "work", "reason"), LEADERS_WORK, ids=ids(LEADERS_WORK))
def test_leaders_work_needs_the_lease(world: World, name: str, work: Callable[[AnyStore], object], reason: str) -> None:
    store = world.open()
    with pytest.raises(JournalError, match="does not hold the writing lease"):
        work(store)
    assert store.claim("first", 0), reason
    work(store)
    assert world.open().claim("second", 30)
    with pytest.raises(JournalError, match="lost to second"):
        work(store)
    assert not store.claim("first", 30)
    with pytest.raises(JournalError, match="does not hold the writing lease"):
        work(store)


@pytest.mark.parametrize(("name", "work", "reason"), EVERYBODYS_WORK, ids=ids(EVERYBODYS_WORK))
def test_everybodys_work_needs_no_lease(world: World, name: str, work: Callable[[AnyStore], object], reason: str) -> None:
    first, second = world.open(), world.open()
    work(second)
    assert first.claim("first", 0), reason
    assert second.claim("second", 30)
    work(first)


def test_facts_are_refused_to_a_holder_that_lost_its_lease(world: World) -> None:
    first, second = world.open(), world.open()
    second.remember("token", "t1")
    assert first.claim("first", 0)
    assert second.claim("second", 30)
    second.remember("deployed", "new")
    with pytest.raises(JournalError, match="lost to second"):
        first.remember("deployed", "old")
    with pytest.raises(JournalError, match="lost"):
        first.revise("deployed", lambda known: f"{known}, but older")
    assert first.fact("deployed") == "new"
    assert not first.claim("first", 30)
    first.remember("token", "t2")
    assert second.fact("token") == "t2", "a standby that knows it is one may go on"


def test_a_write_renews_a_lease_that_runs_out(world: World) -> None:
    first, second = world.leading(), world.open()
    world.spend(20)
    first.put([row()])
    world.spend(20)
    assert not second.claim("second", 30), "the call that follows an intent must be covered"
    world.spend(11)
    first.put([row()])
    assert not second.claim("second", 30), "nobody took it: it is still ours"


def test_only_one_of_many_claims_wins(world: World) -> None:
    stores = [world.open() for _ in range(6)]
    barrier = Barrier(len(stores))

    def claim(number: int) -> bool:
        barrier.wait()
        return stores[number].claim(f"holder-{number}", 30)

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sum(pool.map(claim, range(len(stores)))) == 1


# Ledger


def test_the_ledger_keeps_rows_by_key_and_provider(world: World) -> None:
    store = world.leading()
    assert store.rows() == {}
    store.put([row(), row(provider="nas"), row("jellyfin")])
    assert set(store.rows()) == {
        (Key("service", "plex"), "local"),
        (Key("service", "plex"), "nas"),
        (Key("service", "jellyfin"), "local"),
    }
    store.put([row(handle_note := "jellyfin", digest="new")])
    assert store.rows()[Key("service", handle_note), "local"].digest == "new"
    store.drop([row().place, (Key("service", "never-there"), "local")])
    assert set(store.rows()) == {(Key("service", "plex"), "nas"), (Key("service", "jellyfin"), "local")}


def test_rows_come_back_as_they_were_written(world: World) -> None:
    written = row(
        shown={"image": "sha256:1"}, protect=True, stateful=True, adopted=True, at=12.25, not_before=99.5, revision="f00"
    )
    world.leading().put([written])
    assert world.open().rows() == {written.place: written}


def test_a_snapshot_of_the_ledger_never_changes(world: World) -> None:
    store = world.leading()
    store.put([row()])
    before = store.rows()
    store.put([row("jellyfin")])
    assert len(before) == 1
    assert len(store.rows()) == 2
    with pytest.raises(TypeError):
        before[row().place] = row()  # type: ignore[index]


def test_rows_are_read_once_until_somebody_writes(world: World) -> None:
    first, second = world.leading(), world.open()
    first.put([row()])
    assert second.rows() is second.rows()
    seen = first.rows()
    first.append([an_event("unrelated")])
    first.save(a_run("r1", 1.0))
    assert first.rows() is seen
    first.put([row("jellyfin")])
    assert second.rows() == first.rows()
    assert len(second.rows()) == 2


def test_what_is_read_shares_nothing_with_what_was_written_and_is_plain_data(world: World) -> None:
    state = {"ports": ((8096, "tcp"),), "environment": {"A": "1"}}
    store = world.leading()
    store.put([row(shown=state)])
    state["environment"]["A"] = "2"  # type: ignore[index]
    expected = {"ports": [[8096, "tcp"]], "environment": {"A": "1"}}
    assert store.rows()[row().place].shown == expected
    assert world.open().rows()[row().place].shown == expected


# Journal


def test_an_entry_and_its_row_are_written_together(world: World) -> None:
    store = world.leading()
    store.record(entry(), row())
    assert store.rows() == {row().place: row()}
    store.record(entry(step=Step.DONE), drop=True)
    assert store.rows() == {}
    assert world.open().entries("r1") == (entry(step=Step.DONE),)


def test_an_entry_whose_row_cannot_be_written_is_not_written(world: World) -> None:
    store = world.leading()
    with pytest.raises(JournalError, match="not Unicode"):
        store.record(entry(), row(shown={"name": "\udc80"}))
    assert store.entries("r1") == ()
    assert store.rows() == {}
    with pytest.raises(ValueError, match="either"):
        store.record(entry(), row(), drop=True)


def test_entries_are_in_order_and_open_ones_oldest_first(world: World) -> None:
    store = world.leading()
    for run, number in (("z-older", 2), ("z-older", 1), ("a-newer", 1), ("a-newer", 2)):
        store.record(entry(number, run))
    store.record(entry(2, "z-older", Step.ACCEPTED, at=50.0))
    assert [e.number for e in store.entries("z-older")] == [1, 2]
    assert [(e.run, e.number) for e in store.open_entries()] == [("z-older", 2), ("z-older", 1), ("a-newer", 1), ("a-newer", 2)]
    assert store.entries("none") == ()


@pytest.mark.parametrize("step", list(Step))
def test_open_entries_are_the_ones_a_crash_leaves_to_settle(world: World, step: Step) -> None:
    store = world.leading()
    store.record(entry())
    store.record(entry().moved(step, 6.0, handle="c0ffee", note="why", retained=("plex.prev",)))
    assert [e.step for e in world.open().open_entries()] == ([step] if step.open else [])


# Runs and rollouts


def test_runs_are_newest_first_and_paged(world: World) -> None:
    store = world.leading()
    for number in (2, 1, 3):
        store.save(a_run(f"run-{number}", float(number)))
    assert [run.id for run in store.runs()] == ["run-3", "run-2", "run-1"]
    assert [run.id for run in store.runs(limit=1, before=3.0)] == ["run-2"]
    finished = Run("run-3", "abc", "commit", "evin", 3.0, 9.0, Outcome.ROLLED_BACK, "not healthy", (
        RolloutRun("d1", Outcome.ROLLED_BACK, "not healthy", (("service/plex", "update", "drift: image"),)),
    ))  # fmt: skip
    store.save(finished)
    assert world.open().runs()[0] == finished
    assert len(store.runs()) == 3


@pytest.mark.parametrize(
    ("name", "found", "reason"),
    [
        ("abc1", "abc1", "the id itself, although it also starts another"),
        ("abc12", "abc12", "the id itself"),
        ("b", "b_1", "the only one that starts so"),
        ("abc", None, "two start so"),
        ("ABC1", None, "case matters"),
        ("b%", None, "no pattern"),
        ("_", None, "no pattern"),
        ("", None, "nothing starts everything"),
        ("zz", None, "none starts so"),
    ],
)
def test_a_run_is_found_by_id_or_unique_prefix(world: World, name: str, found: str | None, reason: str) -> None:
    store = world.leading()
    for id_ in ("abc1", "abc12", "b_1"):
        store.save(a_run(id_, 1.0))
    run = store.run(name)
    assert (run.id if run else None) == found, reason


def test_quarantine_lasts_until_absolved(world: World) -> None:
    store = world.leading()
    store.quarantine(QUARANTINE)
    store.quarantine(QUARANTINE)
    assert world.open().quarantined() == (QUARANTINE,)
    store.absolve("other")
    store.absolve("d1")
    assert store.quarantined() == ()


def test_the_latest_word_on_a_rollout_counts(world: World) -> None:
    store = world.open()
    store.approve(Approval("d1", True, "evin", 1.0))
    store.approve(Approval("d1", False, "evin", 2.0, "not tonight"))
    assert world.open().approvals() == {"d1": Approval("d1", False, "evin", 2.0, "not tonight")}


def test_a_word_that_was_followed_is_forgotten(world: World) -> None:
    store = world.open()
    assert store.claim("first", 30)
    for digest in ("d1", "d2"):
        store.approve(Approval(digest, True, "evin", 1.0))
    for step in Step:
        if step is not Step.PASSED:
            store.record(entry(step=step))
    assert set(world.open().approvals()) == {"d1", "d2"}, "what is under way may have to be done again"
    store.record(entry(step=Step.PASSED))
    store.record(entry(2, step=Step.PASSED))
    assert set(world.open().approvals()) == {"d2"}


def test_a_key_is_left_alone_until_resumed(world: World) -> None:
    store, item = world.open(), Suspension("service/plex", "evin", 1.0, "moving house")
    store.suspend(item)
    assert world.open().suspensions() == {"service/plex": item}
    store.resume("service/plex")
    store.resume("service/plex")
    assert store.suspensions() == {}


# Events and facts


def test_events_are_numbered_and_found_by_number_and_key(world: World) -> None:
    store = world.open()
    assert store.last_event() == 0
    store.append([])
    store.append([an_event("one", "service/plex"), Event(7.0, "Broken", "two", Severity.ERROR, "service/other", "r1", 99)])
    store.append([an_event("three", "service/plex")])
    other = world.open()
    assert [(e.number, e.message) for e in other.events()] == [(1, "one"), (2, "two"), (3, "three")]
    assert other.events(1, 1)[0] == Event(7.0, "Broken", "two", Severity.ERROR, "service/other", "r1", 2)
    assert [e.number for e in other.events(key="service/plex")] == [1, 3]
    assert [e.number for e in other.events(1, key="service/plex")] == [3]
    assert other.last_event() == 3


def test_a_reader_that_remembers_the_newest_number_misses_no_event(world: World) -> None:
    stores = [world.open() for _ in range(3)]
    reader, seen = world.open(), list[int]()

    def write(store: AnyStore) -> None:
        for number in range(20):
            store.append([an_event(str(number)), an_event(str(number))])

    with ThreadPoolExecutor(len(stores)) as pool:
        writers = [pool.submit(write, store) for store in stores]
        while not all(writer.done() for writer in writers) or seen[-1:] != [120]:
            seen += [event.number for event in reader.events(seen[-1] if seen else 0)]
            if all(writer.done() for writer in writers):
                assert [writer.result() for writer in writers] == [None] * 3
                assert reader.last_event() == 120
    assert seen == list(range(1, 121))


def test_hostile_text_does_not_stop_an_event(world: World) -> None:
    world.open().append([an_event("half a pair \udc80, a null \0 and ✨")])
    assert world.open().events()[0].message == "half a pair ?, a null \0 and ✨"


@pytest.mark.parametrize("name", ["a\0b", "half \udc80"], ids=["null", "surrogate"])
def test_a_name_that_nothing_can_hold_finds_nothing_or_is_a_sentence(world: World, name: str) -> None:
    store = world.leading()
    for look in (store.run, store.entries, store.fact, lambda text: store.events(key=text)):
        found = said(store, lambda _, look=look: look(name))  # type: ignore[misc]
        assert not found or "cannot be stored" in found


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"at": 1.5, "tags": ["a", None]}, "containers"),
        (0, "falsy is not none"),
        ("", "falsy is not none"),
        ([], "falsy is not none"),
        (False, "falsy is not none"),
        ("null \0 ✨ ' \" %s", "nothing is interpreted"),
    ],
)
def test_facts_come_back(world: World, value: object, reason: str) -> None:
    store = world.open()
    assert store.fact("name") is None
    store.remember("name", "before")
    store.remember("name", value)
    assert world.open().fact("name") == value, reason
    store.remember("name", None)
    store.remember("name", None)
    assert store.fact("name") is None


def test_a_fact_is_revised_without_a_writer_in_between(world: World) -> None:
    stores = [world.open() for _ in range(4)]
    start = Barrier(len(stores))

    def count(store: AnyStore) -> None:
        start.wait()
        for _ in range(10):
            store.revise("count", lambda known: (known or 0) + 1)

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(count, stores))
    assert stores[0].fact("count") == 40
    stores[1].revise("count", lambda _: None)
    assert stores[0].fact("count") is None


def test_a_revision_that_raises_stores_nothing(world: World) -> None:
    store = world.open()
    store.remember("name", "before")

    def refuse(known: object) -> object:
        raise LookupError(known)

    with pytest.raises(LookupError, match="before"):
        store.revise("name", refuse)
    assert store.fact("name") == "before"
    store.revise("name", lambda known: f"{known} and after")
    assert store.fact("name") == "before and after"


# Upkeep


def test_prune_forgets_what_is_old_and_nothing_that_is_open(world: World) -> None:
    store = world.leading()
    for name, at in (("old", 10.0), ("stuck", 10.0), ("new", 100.0)):
        store.save(a_run(name, at))
        store.record(entry(1, name, Step.PASSED, at=at))
    store.record(entry(2, "stuck", Step.UNDOING, at=10.0))
    store.record(entry(1, "unsaved", Step.VOID, at=10.0))
    store.approve(Approval("old", True, "evin", 10.0))
    store.approve(Approval("new", True, "evin", 100.0))
    store.append([an_event("old", at=10.0), an_event("new", at=60.0)])
    assert store.prune(before_history=50.0, before_events=50.0) == 5
    assert [run.id for run in store.runs()] == ["new", "stuck"]
    assert [len(store.entries(run)) for run in ("old", "stuck", "new", "unsaved")] == [0, 2, 1, 0]
    assert set(store.approvals()) == {"new"}
    assert [event.number for event in store.events()] == [2]
    assert store.last_event() == 2
    store.append([an_event("next", at=60.0)])
    assert store.last_event() == 3
    assert store.prune(before_history=50.0, before_events=50.0) == 0


def test_threads_share_a_store(world: World) -> None:
    store = world.leading()

    def work(number: int) -> int:
        for step in range(10):
            store.record(entry(number * 100 + step, name=f"s{number}"), row(f"s{number}", digest=str(step)))
            assert store.rows()[Key("service", f"s{number}"), "local"].digest == str(step), "a thread reads its own writes"
            store.append([an_event("done", f"service/s{number}")])
        return len(store.events(key=f"service/s{number}"))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [10] * 6
    assert len(store.entries("r1")) == 60
    assert {place[0].name: found.digest for place, found in world.open().rows().items()} == {f"s{n}": "9" for n in range(6)}


def test_changes_survive_whole(world: World) -> None:
    written = change()
    world.leading().record(entry())
    assert world.open().entries("r1")[0].change == written
