"""Laws of the queue: merging, priorities, once more, pauses."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.clients.clock import SystemClock
from controller.core.errors import HomelabError
from controller.engine.patience import LONGEST, pause
from controller.loop.queue import Priority, Queue, Request, Ticket
from tests.support.clock import HandClock

priorities = st.sampled_from(Priority)
requests = st.builds(Request, priorities, st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"]), st.just("somebody"))
told = st.sampled_from(["home", "nas"]).map(
    lambda name: Request(Priority.EVENT, f"event:{name}", f"{name} changed", connection=name)
)


def queue() -> Queue:
    return Queue(HandClock(), jitter=lambda: 0.5)


@given(st.lists(st.tuples(requests, st.floats(0, 100)), min_size=1, max_size=20))
def test_whatever_is_added_one_batch_serves_all_of_it_when_the_first_is_due(added: list[tuple[Request, float]]) -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    for request, delay in added:
        waiting.add(request, delay)
    first = min(delay for _, delay in added)
    assert waiting.idle() == pytest.approx(first)
    if first > 0:
        assert waiting.take() is None, "nothing is served before its time"
    clock.advance(first)
    batch = waiting.take()
    assert batch is not None
    assert batch.scopes == {request.scope for request, _ in added}
    assert waiting.take() is None, "served once"
    assert not waiting.leave.is_set()


@given(st.lists(requests, min_size=1, max_size=20))
def test_the_strongest_gives_the_run_its_name(added: list[Request]) -> None:
    waiting = queue()
    for request in added:
        waiting.add(request)
    batch = waiting.take()
    assert batch is not None
    assert batch.first.priority == min(request.priority for request in added)


@given(st.lists(st.tuples(st.one_of(requests, told), st.floats(0, 100)), min_size=1, max_size=20))
def test_everything_is_served_at_its_time_and_what_connections_told_never_takes_the_place_of_more(
    added: list[tuple[Request, float]],
) -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    due: dict[str, float] = {}
    for request, delay in added:
        waiting.add(request, delay)
        due[request.scope] = min(delay, due.get(request.scope, delay))
    while due:
        clock.advance(waiting.idle())
        batch = waiting.take()
        if batch is None:  # the sum of two floats fell short by one digit
            clock.advance(1e-9)
            continue
        now = clock.monotonic()
        ready = {scope for scope, at in due.items() if at <= now}
        assert ready <= batch.scopes, "nothing waits longer than it was told to"
        assert min(due.values()) <= now
        connections = {scope.partition(":")[2] for scope in batch.scopes}
        if batch.only is None:
            assert batch.scopes == due.keys(), "a look at everything serves everything"
        else:
            assert batch.only == connections
            assert "" not in connections, "a look at one connection serves only what that one told"
        for scope in batch.scopes:
            del due[scope]
    assert waiting.take() is None


def test_a_resync_and_what_waits_to_be_tried_again_keep_their_time_however_many_events_come() -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    waiting.add(Request(Priority.RESYNC, "resync", "resync"), 60)
    waiting.failed("backend:nas", "try again")
    served: list[tuple[float, frozenset[str] | None]] = []
    for _ in range(6000):
        waiting.add(Request(Priority.EVENT, "event:home", "home changed", connection="home"))
        batch = waiting.take()
        assert batch is not None
        served.append((clock.monotonic(), batch.only))
        if batch.only is None:
            waiting.add(Request(Priority.RESYNC, "resync", "resync"), 60)
        clock.advance(0.05)
    assert [at for at, only in served if only is None] == [pytest.approx(at, abs=0.5) for at in (1, 61, 121, 181, 241)]


def test_what_still_waits_to_be_tried_again_has_not_failed_again() -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    for _ in range(50):
        waiting.failed("backend:nas", "try again")
    assert waiting.idle() == pytest.approx(1)
    clock.advance(1)
    assert waiting.take() is not None
    waiting.failed("backend:nas", "try again")
    assert waiting.idle() == pytest.approx(2)


def test_what_is_due_later_ends_the_wait_of_the_pass_under_way_only_then() -> None:
    woken = Flag()
    waiting = Queue(SystemClock(), wake=woken.set)
    watching = Thread(target=waiting.watch)
    watching.start()
    waiting.add(Request(Priority.EVENT, "event:home", "home changed", connection="home"), 3600)
    assert not waiting.leave.is_set(), "what flaps does not disturb at once"
    waiting.add(Request(Priority.RETRY, "own:home", "what a rollout stirred up", connection="home"), 0.1)
    waiting.add(Request(Priority.EVENT, "event:nas", "nas changed", connection="nas"), 0.3)
    assert woken.wait(60)
    assert waiting.leave.is_set()
    while (batch := waiting.take()) is None:
        waiting.stirred.wait(min(waiting.idle(), 1))
    assert batch.only == frozenset(["home", "nas"])
    assert not waiting.leave.is_set()
    waiting.close()
    watching.join()


def test_requests_of_one_scope_are_one_and_the_stronger_and_earlier_stay() -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    waiting.add(Request(Priority.RETRY, "web", "retry"), 5)
    waiting.add(Request(Priority.EVENT, "web", "event"), 9)
    assert waiting.idle() == 5
    clock.advance(5)
    batch = waiting.take()
    assert batch is not None
    assert batch.first == Request(Priority.EVENT, "web", "event")


@pytest.mark.parametrize(
    ("priority", "reason"),
    [
        (Priority.HUMAN, "a person does not wait for a gate"),
        (Priority.COMMIT, "a fix is never stuck behind what it fixes"),
        (Priority.EVENT, "what dies is started again while another rollout waits for health"),
        (Priority.RETRY, "what came back is not kept waiting by a gate of an hour"),
        (Priority.RESYNC, "nor is drift that nothing told of"),
    ],
)
def test_what_is_due_ends_the_wait_of_the_pass_under_way(priority: Priority, reason: str) -> None:
    woken: list[bool] = []
    waiting = Queue(HandClock(), wake=lambda: woken.append(True))
    waiting.add(Request(priority, "later", "cause"), 60)
    assert not waiting.leave.is_set(), "not before its time"
    waiting.add(Request(priority, "scope", "cause"))
    assert (waiting.leave.is_set(), bool(woken)) == (True, True), reason
    waiting.take()
    assert not waiting.leave.is_set(), "a pass begins without a reason to leave"


def test_what_is_added_during_a_pass_is_served_once_more() -> None:
    waiting = queue()
    waiting.add(Request(Priority.COMMIT, "commit", "first"))
    first = waiting.take()
    for _ in range(5):
        waiting.add(Request(Priority.COMMIT, "commit", "during the pass"))
    again = waiting.take()
    assert first is not None
    assert again is not None
    assert again.first.cause == "during the pass"
    assert waiting.take() is None


def test_pauses_double_for_each_scope_alone_and_success_forgets() -> None:
    waiting, clock = queue(), HandClock()
    waiting.clock = clock
    pauses = []
    for _ in range(9):
        waiting.failed("backend:nas", "retry")
        pauses.append(waiting.idle())
        clock.advance(waiting.idle())
        assert waiting.take() is not None
    assert pauses == [pytest.approx(expected) for expected in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    waiting.failed("backend:local", "retry")
    assert waiting.idle() == pytest.approx(1), "one backend does not make another wait"
    waiting.take()
    assert waiting.worked("backend:nas")
    assert not waiting.worked("backend:nas")
    clock.advance(100)
    waiting.take()
    waiting.failed("backend:nas", "retry")
    assert waiting.idle() == pytest.approx(1)


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_bounded_and_jittered(attempts: int, luck: float) -> None:
    found = pause(attempts, lambda: luck)
    middle = min(LONGEST, 2.0 ** min(attempts - 1, 30))
    assert 0.8 * middle - 0.001 <= found <= 1.2 * middle


def test_tickets_go_with_the_pass_that_began_after_them() -> None:
    waiting, early, late = queue(), Ticket(), Ticket()
    waiting.add(Request(Priority.HUMAN, "human", "apply"), ticket=early)
    batch = waiting.take()
    waiting.add(Request(Priority.HUMAN, "human", "apply"), ticket=late)
    assert batch is not None
    assert batch.tickets == (early,)
    again = waiting.take()
    assert again is not None
    assert again.tickets == (late,)


def test_a_closed_queue_serves_nothing_and_tells_whoever_waits() -> None:
    waiting, before, after = queue(), Ticket(), Ticket()
    waiting.add(Request(Priority.HUMAN, "human", "apply"), ticket=before)
    waiting.close()
    waiting.add(Request(Priority.HUMAN, "human", "apply"), ticket=after)
    assert waiting.take() is None
    assert waiting.leave.is_set(), "the pass under way leaves"
    for ticket in (before, after):
        assert ticket.done.is_set()
        with pytest.raises(HomelabError, match="stops"):
            ticket.report()
