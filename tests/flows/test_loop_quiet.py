"""The loop by hand, on a clock by hand: a quiet house stays quiet, and what fails does not loop."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from controller.clients.memory import MemoryProvider
from controller.core.change import Change
from controller.core.errors import LeaseHeld, Unhealthy
from controller.core.event import Report, Sync
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.ports import Audits
from controller.core.state import Present, Receipt, Snapshot
from controller.loop.lease import Seat
from controller.loop.queue import Priority, Queue, Request, Ticket
from controller.loop.triggers import Backends, Commits
from controller.loop.worker import Worker
from controller.store.memory import MemoryStore
from tests.support.clock import HandClock
from tests.support.house import BOX, House

DAY = 86_400.0


class Controller:
    """One controller whose loop a test turns by hand. Another one on the same book, world and store is a second controller."""

    def __init__(self, name: str = "one", beside: Controller | None = None, kinds: Mapping[str, Kind] | None = None) -> None:
        self.clock: HandClock = beside.clock if beside else HandClock()
        store = MemoryStore(self.clock, beside.store if beside else None)
        self.store: MemoryStore = store
        self.house: House = House(
            beside.house.book if beside else None, beside.house.world if beside else None, store, self.clock, kinds, holder=""
        )
        self.queue = Queue(self.clock, random.Random(7).random)
        self.seat = Seat(store, self.clock, name)
        self.passes: list[Report | None] = []
        reconciler = self.house.reconciler
        self.worker = Worker(
            reconciler, self.queue, self.seat, passed=lambda report, _seconds: self.passes.append(report), jitter=lambda: 0.5
        )
        self.commits = Commits(self.house.book, self.queue, self.house.said.append, self.clock)
        self.backends = Backends(reconciler, self.queue)
        self.seat.take()
        self.queue.add(Request(Priority.RESYNC, "resync", "started"))

    def turn(self) -> None:
        """Serve everything that is due now."""
        while self.worker.step():
            self.clock.advance(0.001)

    def live(self, seconds: float) -> None:
        """Let so much time pass, serving what falls due, renewing the lease as its thread would."""
        end = self.clock.monotonic() + seconds
        while True:
            held = self.seat.held
            if self.seat.take() is not held:
                self.queue.add(Request(Priority.EVENT, "lease", "the lease moved"))
            self.turn()
            left = end - self.clock.monotonic()
            if left <= 0:
                return
            self.clock.advance(min(self.queue.idle() + 0.001, left, 5.0))

    def restarted(self) -> Controller:
        """The same controller after a stop and a start."""
        self.worker.stop()
        self.seat.leave()
        return Controller("one", self)

    def outcomes(self) -> list[str]:
        return [event.reason for event in self.house.said]


def test_a_converged_world_is_not_written_during_a_day_of_polls_webhooks_events_and_restarts() -> None:
    controller = Controller()
    controller.house.commit({f"box-{number}": {"uses": ["box/box-0"] if number else []} for number in range(8)})
    controller.live(5)
    version, journal = controller.house.world.version, len(controller.store.runs(1000))
    assert len(controller.house.boxes()) == 8
    luck, passes = random.Random(2026), 0
    for _ in range(24):
        for _ in range(12):
            controller.commits.look(fetch=True)
            if luck.random() < 0.3:
                controller.commits.look()
            if luck.random() < 0.3:
                controller.backends.moved(luck.choice([None, Key("box", "box-3"), Key("box", "unheard-of")]))
            controller.live(300)
        passes += len(controller.passes)
        controller = controller.restarted()
    assert controller.house.world.version == version, "the world was written"
    assert len(controller.store.runs(1000)) == journal, "a run was made"
    assert passes > 24 * 50, "the day was a day"
    report = controller.house.reconciler.survey().report
    assert {line.sync for line in report.statuses} == {Sync.SYNCED}


def test_one_off_things_of_others_are_left_alone() -> None:
    controller = Controller()
    controller.house.commit({"web": {}})
    controller.live(5)
    controller.house.world.put("box", "local", "one-off", {"image": "job:1", "size": 1, "status": "running"})
    version = controller.house.world.version
    controller.backends.moved(None)
    controller.live(600)
    assert controller.house.world.version == version


def test_a_hundred_passes_do_not_try_a_quarantined_commit_again() -> None:
    controller = Controller()
    controller.house.commit({"web": {"image": "web:1"}})
    controller.live(5)
    controller.house.commit({"web": {"image": "web:bad"}})
    controller.live(120)
    assert controller.house.boxes()["web"][0] == "web:1"
    version, before = controller.house.world.version, len(controller.passes)
    for number in range(100):
        controller.queue.add(Request(Priority(number % 5), "again", "again"))
        controller.turn()
    assert len(controller.passes) - before >= 100
    assert controller.house.world.version == version
    controller.house.commit({"web": {"image": "web:2"}})
    controller.commits.look()
    controller.turn()
    assert controller.house.boxes()["web"][0] == "web:2", "another desired state lifts it"


def test_a_repair_that_fails_is_tried_again_with_growing_pauses_and_never_given_up() -> None:
    controller = Controller()
    controller.house.commit({"web": {"image": "web:1"}})
    controller.live(5)
    world = controller.house.world
    world.publish("web:1", "sha256:moved")
    world.remove("box", "local", "web")
    broken = Breaking(world)
    controller.house.providers = {("box", "local"): broken}
    controller.backends.moved(Key("box", "web"))
    controller.live(3600)
    assert 5 <= broken.tries <= 60, "a pass a minute would have tried 60 times and more"
    assert not controller.store.quarantined(), "a repair is not given up"
    broken.works = True
    controller.live(700)
    assert controller.house.boxes()["web"][2] == "running"


class Breaking(MemoryProvider):
    """A provider whose objects do not get healthy for a while."""

    def __init__(self, world: Any) -> None:
        super().__init__(BOX, world)
        self.tries = 0
        self.works = False

    def apply(self, change: Change, interrupt: Any) -> Receipt:
        if change.after is not None and not self.works:
            self.tries += 1
            raise Unhealthy("it does not start")
        return super().apply(change, interrupt)


class Restless(MemoryProvider):
    """A provider that shows a field differently at each look, as a backend that counts something into it does."""

    applied = 0
    looks = 0

    def observe(self, targets: Any) -> Snapshot:
        self.looks += 1
        items = dict(super().observe(targets).items)
        for key, shown in items.items():
            if isinstance(shown, Present) and shown.state["size"] == 5:
                items[key] = replace(shown, state={**shown.state, "size": 100 + self.looks})
        return Snapshot(items)

    def apply(self, change: Change, interrupt: Any) -> Receipt:
        self.applied += 1
        live = self._world.at("box", "local", change.address)
        return super().apply(replace(change, before=live.state if live else None), interrupt)


def test_what_never_converges_is_stopped_and_told_once_and_other_keys_go_on() -> None:
    controller = Controller()
    world = controller.house.world
    provider = Restless(BOX, world)
    controller.house.providers = {("box", "local"): provider}
    controller.house.commit({"odd": {"size": 5}, "good": {"size": 1}})
    controller.live(3600)
    assert provider.applied < 10, "an eternal diff is not applied for ever"
    assert controller.outcomes().count("DoesNotConverge") == 1
    report = controller.house.reconciler.last
    assert report is not None
    lines = {line.key.name: line for line in report.statuses}
    assert lines["odd"].sync is Sync.FAILED
    assert "applied again and again" in lines["odd"].why
    world.edit("box", "local", "good", size=9)
    controller.live(120)
    assert controller.house.boxes()["good"][1] == 1
    controller.house.commit({"odd": {"size": 6}, "good": {"size": 1}})
    controller.live(120)
    assert controller.house.boxes()["odd"][1] == 6, "another desired state is applied"


def test_an_unreachable_backend_is_asked_again_soon_then_rarely_and_told_once() -> None:
    controller = Controller()
    controller.house.commit({"web": {}})
    controller.live(5)
    controller.house.world.cut("local")
    controller.live(70)
    before = len(controller.passes)
    controller.live(20)
    soon = len(controller.passes) - before
    controller.live(3600)
    assert 1 <= soon <= 10
    assert len(controller.passes) - before < 3600 / 40
    assert controller.outcomes().count("BackendDown") == 1
    controller.house.world.mend("local")
    controller.live(90)
    assert controller.outcomes().count("BackendUp") == 1


def test_a_pass_that_raises_is_told_once_and_the_loop_lives() -> None:
    controller = Controller()
    controller.house.commit({"web": {}})
    controller.live(5)
    honest = controller.house.providers
    controller.house.providers = {("box", "local"): Buggy(BOX, controller.house.world)}
    ticket = Ticket()
    controller.queue.add(Request(Priority.HUMAN, "human", "apply"), ticket=ticket)
    controller.live(600)
    assert controller.outcomes().count("PassFailed") == 1
    with pytest.raises(ZeroDivisionError):
        ticket.report()
    controller.house.providers = honest
    controller.live(120)
    assert controller.outcomes().count("PassWorks") == 1


class Buggy(MemoryProvider):
    """A provider with a mistake in it."""

    def observe(self, targets: Any) -> Any:
        raise ZeroDivisionError


def test_a_refused_commit_keeps_the_last_good_one_repaired() -> None:
    controller = Controller()
    controller.house.commit({"web": {"image": "web:1"}})
    controller.live(5)
    controller.house.book.write({"web.yaml": "kind: Box\nname: web\nspec: {imgae: oops}\n"})
    controller.commits.look()
    controller.house.world.remove("box", "local", "web")
    controller.backends.moved(Key("box", "web"))
    controller.live(5)
    assert controller.house.boxes()["web"][0] == "web:1"
    assert controller.outcomes().count("RevisionRefused") == 1


def test_two_controllers_one_writes_the_other_looks_and_takes_over() -> None:
    one = Controller("one")
    two = Controller("two", one)
    assert (one.seat.held, two.seat.held) == (True, False)
    one.house.commit({"web": {"image": "web:1"}})
    ticket = Ticket()
    two.queue.add(Request(Priority.HUMAN, "human", "apply"), ticket=ticket)
    two.turn()
    assert one.house.boxes() == {}, "the follower does not write"
    with pytest.raises(LeaseHeld, match="one holds"):
        ticket.report()
    one.turn()
    assert set(one.house.boxes()) == {"web"}
    two.queue.add(Request(Priority.EVENT, "event", "look"))
    two.turn()
    report = two.house.reconciler.last
    assert report is not None
    assert [line.sync for line in report.statuses] == [Sync.SYNCED], "the follower shows how things stand"
    one.house.world.remove("box", "local", "web")
    one.clock.advance(16)  # one hangs: it does not renew
    two.live(6)
    assert two.seat.held
    assert set(one.house.boxes()) == {"web"}, "the new writer repairs"
    assert one.seat.take() is False, "the old one looks from now on"


def test_a_lease_that_is_given_back_is_taken_at_once() -> None:
    one = Controller("one")
    two = Controller("two", one)
    one.seat.leave()
    assert two.seat.take()


class Audited(MemoryProvider):
    """A provider that can be asked for a full look."""

    audits = 0

    def audit(self) -> None:
        self.audits += 1


def test_a_full_look_comes_every_ten_minutes() -> None:
    controller = Controller()
    provider = Audited(BOX, controller.house.world)
    assert isinstance(provider, Audits)
    controller.house.providers = {("box", "local"): provider}
    controller.house.commit({"web": {}})
    controller.live(3600)
    assert 4 <= provider.audits <= 6
