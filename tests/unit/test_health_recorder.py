"""What is written down of how healthy everything is: changes only, by whichever way the clock goes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from controller.core.document import Revision
from controller.core.errors import JournalError
from controller.core.event import Report, Status, Sync
from controller.core.key import Key
from controller.core.state import Health
from controller.core.uptime import HealthChange, Watch
from controller.loop.health import LASTS, HealthRecorder
from controller.store.memory import MemoryStore
from controller.store.memory_health import MemoryHealth
from tests.support.clock import HandClock

DAY = 86_400.0
GOOD, BAD, GONE = Health.HEALTHY, Health.DEGRADED, Health.MISSING


class Refusing:
    """A history that can refuse, and counts what is written."""

    def __init__(self, inner: MemoryHealth) -> None:
        self.inner, self.writes = inner, 0
        self.refuses: Exception | None = None

    def note(self, watch: Watch, changes: Iterable[HealthChange] = ()) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.writes += 1
        self.inner.note(watch, changes)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


class Room:
    """A recorder, its store and a time that a test sets. `leads` = it is the one that writes."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        store = MemoryStore(HandClock())
        assert store.claim("one", math.inf)
        assert isinstance(store.health, MemoryHealth)
        self.history = Refusing(store.health)
        self.at, self.leads = at, True
        self.restart()

    def restart(self) -> None:
        self.recorder = HealthRecorder(self.history, lambda: self.leads)  # type: ignore[arg-type]

    def sees(self, *healths: Health, after: float = 60.0) -> None:
        """A pass that finds so many services, some time after the one before."""
        self.at += after
        lines = tuple(Status(Key("service", f"s{number}"), Sync.SYNCED, health) for number, health in enumerate(healths))
        self.recorder.passed(Report(self.at, Revision("r"), "r", lines))

    def kept(self, key: str = "s0") -> list[tuple[float, str]]:
        found = self.history.inner.between(0.0, math.inf, key=f"service/{key}").changes
        return [(change.at - 1_000_000.0, change.health) for change in found]

    def watches(self) -> list[tuple[float, float]]:
        found = self.history.inner.between(-math.inf, math.inf).watches
        return [(watch.began - 1_000_000.0, watch.until - 1_000_000.0) for watch in found]


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_pass_that_finds_nothing_new_writes_nothing(room: Room) -> None:
    for _ in range(5):
        room.sees(GOOD, GOOD)
    assert room.history.writes == 1
    for _ in range(55):
        room.sees(GOOD, GOOD)
    assert room.history.writes == 12, "the end of the watch is written every five minutes"
    assert (room.kept(), room.kept("s1")) == ([(60.0, "Healthy")], [(60.0, "Healthy")])
    assert room.watches() == [(60.0, 3360.0)]
    room.recorder.stop()
    assert room.watches() == [(60.0, 3600.0)]
    writes = room.history.writes
    room.recorder.stop()
    assert room.history.writes == writes


def test_every_change_is_written_when_it_is_seen(room: Room) -> None:
    for health in (GOOD, BAD, BAD, GONE, GOOD):
        room.sees(health)
    room.sees()
    room.sees(GOOD)
    assert room.kept() == [
        *((60.0, "Healthy"), (120.0, "Degraded"), (240.0, "Missing"), (300.0, "Healthy")),
        *((360.0, ""), (420.0, "Healthy")),
    ]
    assert room.watches() == [(60.0, 420.0)]


def test_a_pass_that_raised_saw_nothing(room: Room) -> None:
    room.sees(GOOD)
    room.at += LASTS + 1
    room.recorder.passed(None)
    room.sees(GOOD, after=0.0)
    assert room.watches() == [(60.0, 60.0), (361.0, 361.0)]


@pytest.mark.parametrize(("gap", "watches"), [(LASTS, [(60.0, 360.0)]), (LASTS + 1, [(60.0, 60.0), (361.0, 361.0)])])
def test_a_short_restart_is_no_gap(room: Room, gap: float, watches: list[tuple[float, float]]) -> None:
    room.sees(GOOD)
    room.restart()
    room.sees(GOOD, after=gap)
    assert room.watches() == watches
    assert room.kept() == [(60.0, "Healthy")]


def test_what_changed_while_nobody_looked_changed_when_it_was_seen(room: Room) -> None:
    room.sees(GOOD)
    room.restart()
    room.sees(BAD, after=DAY)
    assert room.kept() == [(60.0, "Healthy"), (60.0 + DAY, "Degraded")]


def test_who_only_looks_writes_nothing(room: Room) -> None:
    room.leads = False
    room.sees(GOOD)
    room.recorder.stop()
    assert (room.history.writes, room.watches()) == (0, [])
    room.leads = True
    room.sees(GOOD)
    room.leads = False
    room.sees(BAD)
    # Meanwhile another one led, and saw that it is gone.
    room.history.inner.note(Watch(room.at, room.at), [HealthChange("service/s0", room.at, "Missing")])
    room.leads = True
    room.sees(BAD)
    assert room.kept() == [(120.0, "Healthy"), (180.0, "Missing"), (240.0, "Degraded")]


def test_a_pass_that_says_the_same_by_the_same_object_is_looked_at_no_further(room: Room) -> None:
    room.sees(GOOD)
    report = Report(room.at, Revision("r"), "r", (Status(Key("service", "s0"), Sync.SYNCED, BAD),))
    for _ in range(3):
        report = replace(report, at=report.at + 60.0)
        room.recorder.passed(report)
    assert room.kept() == [(60.0, "Healthy"), (120.0, "Degraded")]
    room.at = report.at
    room.sees(GOOD)
    assert room.kept()[-1] == (300.0, "Healthy")


@pytest.mark.parametrize("error", [JournalError("the disk is full"), RuntimeError("what nobody foresaw")])
def test_what_the_store_refuses_is_written_later(room: Room, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    room.sees(GOOD)
    room.history.refuses = error
    room.sees(BAD)
    room.sees(BAD)
    told = [(record.message, bool(record.exc_info)) for record in caplog.records]
    assert told == [("how healthy everything is cannot be written down", isinstance(error, RuntimeError))]
    room.history.refuses = None
    room.sees(BAD)
    assert room.kept() == [(60.0, "Healthy"), (240.0, "Degraded")]
    assert room.watches() == [(60.0, 240.0)]


@pytest.mark.parametrize("back", [1.0, 90.0, DAY, 20 * 365 * DAY])
def test_a_clock_that_is_set_back_is_followed(room: Room, back: float) -> None:
    room.sees(GOOD)
    room.sees(BAD)
    room.sees(GOOD, after=-back)
    assert room.history.inner.standing(room.at) == {"service/s0": "Healthy"}
    room.sees(BAD, after=5.0)
    assert room.history.inner.standing(room.at) == {"service/s0": "Degraded"}
    room.sees(BAD, after=back + 60.0)
    assert room.history.inner.standing(room.at) == {"service/s0": "Degraded"}
    writes = room.history.writes
    room.sees(BAD, after=1.0)
    assert room.history.writes == writes


def test_what_was_written_ahead_is_put_right_when_its_time_comes(room: Room) -> None:
    room.sees(GOOD)
    room.sees(BAD, after=600.0)
    room.sees(GOOD, after=-500.0)
    assert room.history.inner.standing(room.at) == {"service/s0": "Healthy"}
    for _ in range(12):
        room.sees(GOOD)
        assert room.history.inner.standing(room.at) == {"service/s0": "Healthy"}
    assert room.kept() == [(60.0, "Healthy"), (660.0, "Degraded"), (700.0, "Healthy")]


def test_a_clock_that_jumps_ahead_leaves_a_gap(room: Room) -> None:
    room.sees(GOOD)
    room.sees(GOOD, after=30 * DAY)
    assert room.watches() == [(60.0, 60.0), (60.0 + 30 * DAY, 60.0 + 30 * DAY)]
    assert room.kept() == [(60.0, "Healthy")]
