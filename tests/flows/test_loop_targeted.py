"""A change that one connection tells of becomes one pass that asks that connection only; by hand, on a clock by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from threading import Event as Flag
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.memory import Effect, Fault, MemoryProvider, MemoryWorld
from controller.core.change import Change
from controller.core.errors import Severity, Transient
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.run import Outcome
from controller.core.state import Receipt, Snapshot, Target
from controller.engine.sight import YOUNG
from controller.loop.queue import Priority, Request
from controller.loop.watcher import Watcher
from tests.flows.test_loop_quiet import Controller
from tests.support.house import BOX

LAMP = Key("box", "lamp")
AT: Mapping[str, str] = {"box": "home", "cup": "caddy", "mug": "dns"}
"""Each kind lives on a connection of its own."""


def placed(kind: str) -> Kind:
    """The simple kind under another name, on its own connection."""
    assert BOX.resolve is not None
    resolve = BOX.resolve
    return replace(BOX, name=kind, resolve=lambda *args: replace(resolve(*args), provider=AT[kind]))


class Counted(MemoryProvider):
    """Counts the calls of its backend."""

    def __init__(self, kind: Kind, world: MemoryWorld) -> None:
        super().__init__(kind, world, AT[kind.name])
        self.looks = 0
        self.writes = 0
        self.before_write: Callable[[], None] = lambda: None

    def observe(self, targets: Collection[Target]) -> Snapshot:
        self.looks += 1
        return super().observe(targets)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        self.writes += 1
        self.before_write()
        return super().apply(change, interrupt)


class Three(Controller):
    """A controller of three connections: `home` tells of its changes, `caddy` and `dns` do not."""

    def __init__(self) -> None:
        kinds = {name: placed(name) for name in AT}
        super().__init__(kinds=kinds)
        self.counted = {AT[name]: Counted(kind, self.house.world) for name, kind in kinds.items()}
        self.house.providers = {(name, AT[name]): self.counted[AT[name]] for name in AT}

    def commit(self, **specs: Mapping[str, Any]) -> None:
        """Commit one document per keyword: `box_lamp={"size": 2}`."""
        files = {}
        for name, spec in specs.items():
            kind, _, rest = name.partition("_")
            files[f"{name}.yaml"] = json.dumps({"kind": kind.capitalize(), "name": rest, "spec": dict(spec)})
        self.house.book.write(files)

    def told(self, key: Key | None = LAMP) -> None:
        """`home` tells of a change, and everything that is due then is served."""
        self.backends.moved(key, ("box", "home"), 0.0)
        self.turn()

    def looks(self) -> dict[str, int]:
        """How often each connection was looked at since the last call."""
        found = {name: each.looks for name, each in self.counted.items()}
        for each in self.counted.values():
            each.looks = 0
        return found

    def size(self, kind: str, name: str) -> int:
        thing = self.house.world.at(kind, AT[kind], name)
        assert thing is not None
        found: int = thing.state["size"]
        return found

    def by_hand(self, kind: str, name: str, size: int) -> None:
        self.house.world.edit(kind, AT[kind], name, size=size)


@pytest.fixture
def three() -> Iterator[Three]:
    """Everything is as declared, and was looked at just now."""
    made = Three()
    made.commit(box_lamp={"size": 1}, box_door={"size": 1}, cup_route={"size": 1}, mug_record={"size": 1})
    made.live(5)
    made.looks()
    yield made
    made.worker.stop()


def test_an_event_asks_its_own_connection_only(three: Three) -> None:
    for _ in range(5):
        three.clock.advance(1)
        three.told()
    assert three.looks() == {"home": 5, "caddy": 0, "dns": 0}
    report = three.house.reconciler.last
    assert report is not None
    assert {line.sync for line in report.statuses} == {Sync.SYNCED}, "and the report tells of all of them"
    assert len(report.statuses) == 4
    assert set(report.backends) == {"home", "caddy", "dns"}


def test_what_moved_is_repaired_and_only_then_everything_is_looked_at(three: Three) -> None:
    asked: list[dict[str, int]] = []
    three.counted["home"].before_write = lambda: asked.append(three.looks())
    three.by_hand("box", "lamp", 9)
    three.told()
    assert asked == [{"home": 1, "caddy": 0, "dns": 0}], "one look at one connection from the event to the call"
    assert three.size("box", "lamp") == 1
    assert three.looks() == {"home": 1, "caddy": 1, "dns": 1}, "after a write everything is looked at"
    assert three.store.runs()[0].outcome is Outcome.APPLIED
    three.told(Key("box", "door"))
    assert three.looks() == {"home": 1, "caddy": 0, "dns": 0}, "which the next event goes on from"


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda three: three.backends.moved(None), "nobody says where it was"),
        (lambda three: three.queue.add(Request(Priority.HUMAN, "human", "asked")), "a person asks"),
        (lambda three: three.queue.add(Request(Priority.COMMIT, "commit", "commit")), "a commit"),
        (lambda three: three.queue.add(Request(Priority.RETRY, "again", "try again")), "something is to be tried again"),
        (lambda three: three.queue.add(Request(Priority.RESYNC, "resync", "resync")), "it is time for a full look"),
        (lambda three: three.clock.advance(YOUNG + 1), "what was seen is old"),
        (lambda three: three.commit(box_lamp={}, cup_route={}, mug_record={}), "another revision is there"),
        (lambda three: three.store.drop([(Key("mug", "record"), "dns")]), "the ledger moved"),
        (
            lambda three: setattr(three.house, "providers", dict(three.house.providers)),
            "the connections were declared anew",
        ),
    ],
)
def test_everything_is_looked_at_for_more_than_an_event(three: Three, ask: Callable[[Three], None], reason: str) -> None:
    ask(three)
    three.told()
    three.live(0.1)
    found = three.looks()
    assert min(found.values()) >= 1, reason


def test_what_two_connections_tell_at_once_is_one_pass_over_both(three: Three) -> None:
    passes = len(three.passes)
    three.backends.moved(Key("cup", "route"), ("cup", "caddy"), 0.0)
    three.told()
    assert three.looks() == {"home": 1, "caddy": 1, "dns": 0}
    assert len(three.passes) == passes + 1


def test_events_do_not_put_off_the_full_look(three: Three) -> None:
    looks = 0
    for _ in range(600):
        three.told()
        three.live(1)
    looks = three.looks()["dns"]
    assert 600 / 75 <= looks <= 600 / 45, "about one a minute, as without events"


def test_a_connection_that_does_not_answer_does_not_hold_up_the_others(three: Three) -> None:
    three.house.world.cut("dns")
    three.queue.add(Request(Priority.HUMAN, "human", "asked"))
    three.turn()
    three.looks()
    for _ in range(20):
        three.clock.advance(0.01)
        three.told(Key("box", "door"))
    three.by_hand("box", "lamp", 9)
    asked: list[dict[str, int]] = []
    three.counted["home"].before_write = lambda: asked.append(three.looks())
    three.told()
    assert [each["dns"] for each in asked] == [0], "the repair does not wait for its silence"
    assert three.size("box", "lamp") == 1
    report = three.house.reconciler.last
    assert report is not None
    assert report.backends["dns"], "which is still told"
    three.house.world.mend("dns")
    three.live(5)
    report = three.house.reconciler.last
    assert report is not None
    assert report.backends["dns"] == "", "events do not make it wait longer to be asked again"


def test_a_new_version_is_never_written_from_what_was_seen_before(three: Three) -> None:
    world = three.house.world
    world.faults.add(Fault(Effect.FAIL, "apply", Key("mug", "record"), times=1))
    three.commit(box_lamp={"size": 1}, box_door={"size": 1}, cup_route={"size": 1}, mug_record={"size": 2})
    three.queue.add(Request(Priority.COMMIT, "commit", "commit"))
    three.turn()
    assert three.size("mug", "record") == 1, "it failed, and waits for a moment"
    three.by_hand("mug", "record", 7)  # nobody tells
    three.looks()
    asked: list[dict[str, int]] = []
    three.counted["dns"].before_write = lambda: asked.append(three.looks())
    three.clock.advance(0.5)
    three.told()
    assert not asked, "its pause is not over"
    assert three.looks()["dns"] == 0
    due = three.house.reconciler.patience.next()
    assert due is not None
    three.clock.advance(due - three.clock.monotonic() + 0.001)  # the retry itself comes a moment later
    three.told(Key("box", "door"))
    assert len(asked) == 1
    assert asked[0]["dns"] == 1, "it was looked at before it was written"
    assert three.size("mug", "record") == 2
    assert three.outcomes().count("RolloutFailed") == 1, "and no conflict had to stop it"


def test_what_is_being_applied_lets_nothing_be_taken_from_before(three: Three) -> None:
    assert three.house.reconciler.survey() is not None
    seen: list[dict[str, int]] = []

    def meanwhile() -> None:
        three.looks()
        three.house.reconciler.survey(only=frozenset(["home"]))
        seen.append(three.looks())

    three.counted["dns"].before_write = meanwhile
    three.by_hand("mug", "record", 7)
    three.queue.add(Request(Priority.HUMAN, "human", "asked"))
    three.turn()
    assert seen == [{"home": 1, "caddy": 1, "dns": 1}]
    assert three.size("mug", "record") == 1


def test_what_a_rollout_stirred_up_is_looked_at_where_it_was(three: Three) -> None:
    three.counted["home"].before_write = lambda: three.backends.moved(LAMP, ("box", "home"), 0.0)
    three.by_hand("box", "lamp", 9)
    three.told()
    three.looks()
    three.live(2)
    assert three.looks() == {"home": 1, "caddy": 0, "dns": 0}


def test_a_follower_looks_where_it_was_told_too(three: Three) -> None:
    three.seat.leave()
    three.queue.add(Request(Priority.HUMAN, "human", "asked"))
    three.turn()
    three.looks()
    three.told()
    assert three.looks() == {"home": 1, "caddy": 0, "dns": 0}


def test_an_entity_that_flaps_gets_fewer_and_fewer_passes_and_nobody_else_waits_for_it(three: Three) -> None:
    passes = len(three.passes)
    for step in range(3000):
        three.told()
        if step == 2500:
            three.by_hand("box", "door", 9)
            three.told(Key("box", "door"))
            assert three.size("box", "door") == 1, "another one is repaired at once"
        three.clock.advance(0.02)
    assert len(three.passes) - passes <= 20, "sixty seconds, fifty reports a second"
    three.by_hand("box", "lamp", 9)
    three.told()
    three.live(40)
    assert three.size("box", "lamp") == 1, "the last state is looked at"
    three.live(90)
    three.by_hand("box", "lamp", 9)
    three.told()
    assert three.size("box", "lamp") == 1, "after a quiet minute at once again"


def test_somebody_who_works_against_us_slowly_is_answered_at_once_each_time(three: Three) -> None:
    three.counted["home"].before_write = lambda: three.backends.moved(LAMP, ("box", "home"), 0.0)
    for _ in range(20):
        three.by_hand("box", "lamp", 9)
        three.told()
        assert three.size("box", "lamp") == 1
        three.live(4)


def test_an_outage_is_told_once_and_so_is_its_end_however_many_keys_it_has() -> None:
    three = Three()
    three.commit(**{f"box_lamp-{number}": {} for number in range(50)}, cup_route={}, mug_record={})
    three.live(5)
    three.house.said.clear()
    for whole in (False, True):
        if whole:
            three.house.world.cut("home")
        else:
            three.house.world.faults.add(Fault(Effect.HALF, "observe", times=12))
        for _ in range(5):
            three.told(None)
            three.clock.advance(2)
        three.house.world.mend("home")
        three.live(300)
    told = [(event.reason, event.message.partition(":")[0].partition(" ")[0]) for event in three.house.said]
    assert sorted(name for reason, name in told if reason == "BackendDown") == ["caddy", "dns", "home", "home"]
    assert sorted(name for reason, name in told if reason == "BackendUp") == ["caddy", "dns", "home", "home"]
    assert len(told) == 8, "and nothing for each of the keys"


class Deaf(Counted):
    """A provider that answers calls while its stream of events is refused, until it is not."""

    def __init__(self, three: Three) -> None:
        super().__init__(placed("box"), three.house.world)
        self.stands: Callable[[], None] | None = None

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        if self.stands is None:
            raise Transient("no events without a permission")
        self.stands()


class Listening:
    """The loop with one watch, each attempt of which is made by hand."""

    def __init__(self, three: Three) -> None:
        self.three, self.deaf = three, Deaf(three)
        three.house.providers = {**three.house.providers, ("box", "home"): self.deaf}
        self.watcher = Watcher("watch", self.deaf, three.clock, lambda _key: None)
        three.backends._watchers = {("box", "home"): self.watcher}

    def attempts(self, number: int) -> None:
        for _ in range(number):
            self.watcher.listen()
            self.passes()

    def passes(self) -> None:
        """Half a minute, as the loop lives it."""
        for _ in range(3):
            self.three.live(10)
            self.three.backends.served({("box", "home"): self.deaf})

    def told(self) -> list[int]:
        said = self.three.outcomes()
        return [said.count(reason) for reason in ("BackendDown", "BackendUp", "EventsLost", "EventsHeard")]


def test_a_stream_that_is_refused_while_calls_work_is_told_once_and_so_is_its_end(three: Three) -> None:
    listening = Listening(three)
    listening.attempts(1)
    assert listening.told() == [0, 0, 0, 0], "every stream ends once in a while"
    listening.attempts(20)
    assert listening.told() == [0, 0, 1, 0]
    lost = next(event for event in three.house.said if event.reason == "EventsLost")
    assert lost.message == "home answers, but its changes are not heard of: no events without a permission"
    assert lost.severity is Severity.WARNING
    listening.deaf.stands = listening.passes
    listening.attempts(1)
    assert listening.told() == [0, 0, 1, 1]


def test_an_outage_of_the_whole_backend_is_no_second_message_about_its_stream(three: Three) -> None:
    listening = Listening(three)
    three.house.world.cut("home")
    three.live(90)
    listening.attempts(20)
    three.house.world.mend("home")
    listening.deaf.stands = listening.passes
    three.live(90)
    listening.passes()
    listening.attempts(1)
    assert listening.told() == [1, 1, 0, 0]


edits = st.tuples(st.just("edit"), st.sampled_from([("box", "lamp"), ("box", "door"), ("cup", "route"), ("mug", "record")]))
events = st.tuples(st.just("event"), st.sampled_from([LAMP, Key("box", "door"), None]))
times = st.tuples(st.just("time"), st.floats(0.0, 70.0))
commits = st.tuples(st.just("commit"), st.integers(1, 3))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(edits, events, times, commits), max_size=12))
def test_whatever_is_told_and_whatever_is_not_the_world_ends_as_declared(steps: list[tuple[str, Any]]) -> None:
    three, wanted = Three(), 1
    for name, what in [("commit", 1), ("time", 5.0), *steps]:
        if name == "edit":
            if three.house.world.at(what[0], AT[what[0]], what[1]) is not None:
                three.by_hand(what[0], what[1], 9)
        elif name == "event":
            three.told(what)
        elif name == "time":
            three.live(what)
        else:
            wanted = what
            three.commit(box_lamp={"size": what}, box_door={"size": what}, cup_route={"size": what}, mug_record={"size": 1})
            three.commits.look()
    three.live(150)
    assert [three.size("box", "lamp"), three.size("box", "door"), three.size("cup", "route")] == [wanted] * 3
    assert three.size("mug", "record") == 1
    assert not three.store.open_entries()
    assert not three.store.quarantined()
