"""What a person is told, and how often: at once, again while it lasts, its end once, over restarts too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.document import Revision
from controller.core.errors import Diagnostic, JournalError, Origin, Severity
from controller.core.event import Event, Report, Status, Sync
from controller.core.key import Key
from controller.core.notice import HOUR, LONGEST_LINE, Recipient, Topic, plain
from controller.core.policy import Window
from controller.core.run import Outcome, RolloutRun, Run
from controller.core.secret import SecretVersion
from controller.core.state import Health
from controller.store.memory import MemoryStore
from controller.usecases.notices import Notices
from controller.usecases.notify import LINES, Memory, data_of, decide, memory_of
from controller.usecases.notify_scene import scene
from tests.support.clock import HandClock
from tests.support.house import OpenVault
from tests.support.post import Postbox, recipient

START = 1_795_000_000.0
WEB, DB, CERT = Key("service", "web"), Key("service", "db"), Key("certificate", "web")
PHONE = Recipient("phone", SecretVersion("notify/phone", 1, "aa"), zone="UTC")


def status(key: Key = WEB, sync: Sync = Sync.SYNCED, health: Health = Health.HEALTHY, **rest: Any) -> Status:
    return Status(key, sync, health, **rest)


def report(*statuses: Status, backends: Mapping[str, str] | None = None, **rest: Any) -> Report:
    return Report(START, Revision("r" * 40), "r" * 40, statuses, backends=backends or {}, **rest)


@dataclass
class Listener:
    """A recipient over time. `hears` lets the time pass, decides, and empties what waits, as if it had arrived."""

    recipient: Recipient = PHONE
    now: float = START
    memory: Memory = field(default_factory=Memory)
    opened: Mapping[str, str] = field(default_factory=dict)
    arrives: bool = True

    def hears(
        self, seen: Report | None, events: Sequence[Event] = (), runs: Sequence[Run] = (), after: float = 60.0
    ) -> list[tuple[str, str]]:
        self.now += after
        found = scene(seen, events, {run.id: run for run in runs}, self.opened)
        self.opened = found.opened
        # What was told is kept as JSON: every step is also a restart.
        self.memory = memory_of(json.loads(json.dumps(data_of(decide(self.recipient, self.memory, found, self.now)))))
        if not self.arrives:
            return []
        parcels = self.memory.parcels
        self.memory = replace(self.memory, parcels=())
        return [(parcel.topic.value, parcel.message(self.now, "UTC", "Home").body) for parcel in parcels]


WELL = report(status())
CONDITIONS = [
    pytest.param(report(status(sync=Sync.FAILED, why="quarantined: no")), "failed", "service/web: quarantined: no", id="failed"),
    pytest.param(report(status(health=Health.DEGRADED, why="exit 3")), "failed", "service/web: exit 3", id="degraded"),
    pytest.param(report(status(sync=Sync.DRIFTED, why="differs in image")), "drift", "service/web: differs in image", id="drift"),
    pytest.param(
        report(status(), backends={"nas": "nas: no route to host"}), "backendDown", "nas: no route to host", id="backend"
    ),
]


@pytest.mark.parametrize(("trouble", "topic", "text"), CONDITIONS)
def test_a_condition_is_told_at_once_then_hourly_and_its_end_once(trouble: Report, topic: str, text: str) -> None:
    well = replace(WELL, backends=dict.fromkeys(trouble.backends, ""))
    phone = Listener()
    assert phone.hears(well) == []
    assert phone.hears(trouble) == [(topic, text)]
    assert [phone.hears(trouble) for _ in range(59)] == [[]] * 59
    assert phone.hears(trouble) == [(topic, f"{text} (for 60 min)")]
    [(word, recovery)] = phone.hears(well)
    assert word == "recovered"
    assert recovery.endswith("again (after 61 min)")
    assert [phone.hears(well, after=HOUR) for _ in range(3)] == [[]] * 3


def test_a_certificate_is_told_as_such() -> None:
    phone = Listener()
    overdue = report(status(CERT, health=Health.DEGRADED, why="expires on 2026-12-01 00:00 UTC and was not renewed"))
    failed = Event(START, "RenewalFailed", "the authority refuses", Severity.ERROR, str(CERT), number=1)
    assert phone.hears(overdue) == [("certificate", "certificate/web: expires on 2026-12-01 00:00 UTC and was not renewed")]
    assert phone.hears(overdue, [failed]) == [("certificate", "certificate/web: the authority refuses")]
    assert phone.hears(report(status(CERT))) == [("recovered", "certificate/web is valid again (after 2 min)")]


def test_what_cannot_be_looked_at_has_not_recovered() -> None:
    phone = Listener()
    sick = report(status(health=Health.DEGRADED, why="exit 3"), backends={"local": ""})
    gone = report(status(sync=Sync.UNKNOWN, health=Health.UNKNOWN), backends={"local": "no answer"})
    assert [topic for topic, _ in phone.hears(sick)] == ["failed"]
    assert [topic for topic, _ in phone.hears(gone)] == ["backendDown"]
    assert [topic for topic, _ in phone.hears(replace(sick, statuses=(status(sync=Sync.PENDING),)))] == ["recovered"]
    assert phone.hears(None) == []
    assert phone.hears(replace(WELL, backends={"local": ""})) == [("recovered", "service/web is well again (after 4 min)")]


@pytest.mark.parametrize(
    "then", [report(), report(status(sync=Sync.SUSPENDED, health=Health.SUSPENDED))], ids=["no longer declared", "suspended"]
)
def test_what_ends_on_purpose_is_no_recovery(then: Report) -> None:
    phone = Listener()
    phone.hears(report(status(sync=Sync.FAILED)))
    assert phone.hears(then) == []
    assert phone.hears(WELL) == []


def test_a_held_plan_is_told_once_per_rollout_and_an_outage_does_not_tell_it_again() -> None:
    phone = Listener(replace(PHONE, repeat=0.0))
    held = report(*(status(key, Sync.HELD, rollout="d" * 64, why="update: changed") for key in (WEB, DB)))
    assert phone.hears(held) == [("held", f"rollout {'d' * 12}: service/web, service/db: update: changed")]
    assert [topic for topic, _ in phone.hears(report(status(), backends={"nas": "away"}))] == ["backendDown"]
    assert phone.hears(replace(held, backends={"nas": "away"})) == []
    assert phone.hears(WELL, after=10 * HOUR) == []


def test_a_refused_revision_is_told_without_the_lines_of_its_files() -> None:
    phone = Listener()
    wrong = Diagnostic("unknown key 'imgae'", Origin("web.yaml", 3, 5), snippet="  password: hunter2")
    [(topic, text)] = phone.hears(report(status(), diagnostics=(wrong,)))
    assert (topic, text) == ("failed", "the newest revision is refused: web.yaml:3:5: unknown key 'imgae'")
    assert [topic for topic, _ in phone.hears(WELL)] == ["recovered"]


def test_a_pass_that_fails_is_a_condition_that_an_event_begins_and_ends() -> None:
    phone = Listener()
    begins, ends = Event(START, "PassFailed", "disk full", number=1), Event(START, "PassWorks", "well", number=2)
    assert phone.hears(None, [begins]) == [("failed", "the pass: disk full")]
    assert phone.hears(None) == []
    assert phone.hears(None, after=HOUR) == [("failed", "the pass: disk full (for 61 min)")]
    assert [topic for topic, _ in phone.hears(WELL, [ends])] == ["recovered"]


def run(*rollouts: RolloutRun, name: str = "run-1", revision: str = "abc") -> Run:
    return Run(name, revision, "commit", "loop", START, START + 1, Outcome.APPLIED, rollouts=rollouts)


def finished(name: str = "run-1", number: int = 1) -> Event:
    return Event(START, "RunFinished", "done", run=name, number=number)


def test_what_was_applied_is_one_message_whatever_its_size() -> None:
    changes = tuple((f"service/s{n}", "update", "changed: image") for n in range(LINES + 5))
    [(topic, body)] = Listener().hears(WELL, [finished()], [run(RolloutRun("d", Outcome.APPLIED, "", changes))])
    assert topic == "applied"
    assert body.splitlines()[0] == "service/s0: update (changed: image)"
    assert body.splitlines()[LINES:] == ["and 5 more"]


def test_a_repair_is_told_as_drift_and_one_that_comes_again_and_again_is_counted() -> None:
    phone = Listener()
    repair = run(RolloutRun("d", Outcome.APPLIED, "", (("service/web", "update", "drift: status"),)))
    assert phone.hears(WELL, [finished()], [repair]) == [("drift", "service/web: drift: status; repaired (update)")]
    assert [phone.hears(WELL, [finished()], [repair], after=60) for _ in range(10)] == [[]] * 10
    assert phone.hears(WELL, after=50 * 60) == [("drift", "service/web: drift: status; repaired (update) (10 times)")]
    assert phone.hears(WELL, after=2 * HOUR) == []


def test_a_rollback_tells_the_failure_too_which_repeats_and_ends() -> None:
    phone = Listener()
    back = run(
        RolloutRun("d" * 64, Outcome.ROLLED_BACK, "service/web: not healthy", (("service/web", "update", "changed: image"),))
    )
    quarantined = report(status(sync=Sync.FAILED, why="quarantined: service/web failed"))
    assert phone.hears(quarantined, [finished()], [back]) == [("rolledBack", "service/web: not healthy")]
    assert phone.hears(quarantined, after=HOUR)[0][0] == "failed"
    assert [topic for topic, _ in phone.hears(WELL)] == ["recovered"]


def test_a_proposal_is_told_by_its_event() -> None:
    phone = Listener()
    opened = [Event(START, "ProposalOpened", f"ada proposes {n}", number=n) for n in (1, 2)]
    assert phone.hears(WELL, opened) == [("proposal", "ada proposes 1\nada proposes 2")]


def test_everybody_hears_only_what_they_asked_for() -> None:
    phone = Listener(replace(PHONE, topics=frozenset([Topic.BACKEND_DOWN, Topic.RECOVERED])))
    assert phone.hears(report(status(sync=Sync.FAILED))) == []
    assert phone.hears(WELL) == []
    assert [topic for topic, _ in phone.hears(report(backends={"nas": "away"}))] == ["backendDown"]


def test_in_a_quiet_time_nothing_is_told_and_after_it_what_is_left() -> None:
    # 1_795_000_000 is 2026-11-18 11:06:40 UTC.
    night = Listener(replace(PHONE, quiet=Window.model_validate({"from": "11:00", "to": "12:00"})), arrives=False)
    failed, back = (
        report(status(sync=Sync.FAILED, why="no")),
        run(RolloutRun("d", Outcome.ROLLED_BACK, "no", (("a/b", "u", "c"),))),
    )
    night.hears(failed)
    night.hears(WELL, [finished()], [back])
    night.hears(report(status(DB, Sync.FAILED, why="still no")))
    night.arrives = True
    told = night.hears(report(status(DB, Sync.FAILED, why="still no")), after=HOUR)
    assert told == [("rolledBack", "11:08:40 a/b: no"), ("failed", "service/db: still no")]


def test_while_a_target_is_away_what_waits_stays_bounded_and_is_not_repeated() -> None:
    away = Listener(arrives=False)
    for n in range(200):
        change = (f"service/s{n}", "update", "changed: image")
        applied = run(RolloutRun(str(n), Outcome.APPLIED, "", (change,)), revision=str(n))
        away.hears(report(status(sync=Sync.FAILED, why="no")), [finished()], [applied])
    assert [(parcel.topic, len(parcel.lines), parcel.more) for parcel in away.memory.parcels] == [
        (Topic.FAILED, 1, 0),
        (Topic.APPLIED, LINES, 200 - LINES),
    ]


def test_what_is_being_sent_is_not_changed() -> None:
    first = decide(PHONE, Memory(), scene(report(status(sync=Sync.FAILED)), (), {}, {}), START)
    [sending] = first.parcels
    both = scene(report(status(sync=Sync.FAILED), status(DB, Sync.FAILED)), (), {}, {})
    second = decide(PHONE, first, both, START + 1, under_way=sending.number)
    assert second.parcels[0] == sending
    assert second.without(sending.number).parcels == second.parcels[1:]
    assert len(second.parcels) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb\nc\td", "a [2Jb c d"),
        ("\u202egpj.exe", "gpj.exe"),
        ("@everyone look", "@ everyone look"),
        ("x" * 1000, "x" * (LONGEST_LINE - 1) + "…"),
    ],
)
def test_nothing_in_a_line_acts_on_who_reads_it(text: str, shown: str) -> None:
    assert plain(text) == shown


SYNCS = st.sampled_from([Sync.SYNCED, Sync.FAILED, Sync.DRIFTED, Sync.UNKNOWN, Sync.HELD, Sync.PENDING])


@given(st.lists(st.tuples(SYNCS, st.sampled_from([30.0, 600.0, HOUR])), max_size=30))
def test_what_is_told_to_have_recovered_was_told_before_and_only_once(steps: list[tuple[Sync, float]]) -> None:
    phone = Listener()
    told: dict[str, float] = {}
    for sync, after in steps:
        for topic, _ in phone.hears(report(status(sync=sync, rollout="d")), after=after):
            if topic == "recovered":
                assert told.keys() - {"held"}
                told = {name: at for name, at in told.items() if name == "held"}
            else:
                assert topic == "held" or phone.now - told.get(topic, -HOUR) >= HOUR
                told[topic] = phone.now
        if sync is Sync.SYNCED:
            assert not told.keys() - {"held"}


class Refusing(MemoryStore):
    """A store that refuses once: the `refused`-th time that it is asked for facts or told them, from when that is set."""

    refused = 0

    def fact(self, name: str) -> Any:
        self._asked()
        return super().fact(name)

    def revise(self, name: str, change: Any) -> Any:
        self._asked()
        return super().revise(name, change)

    def _asked(self) -> None:
        self.refused -= 1
        if self.refused == 0:
            raise JournalError("the disk is full")


@pytest.mark.parametrize(("refused", "arrived"), [(1, 1), (2, 2)], ids=["what waits is not read", "what was sent is not written"])
def test_a_target_is_told_after_a_store_that_refused_once(refused: int, arrived: int) -> None:
    clock, post = HandClock(), Postbox()
    store = Refusing(clock)
    store.claim("test", 10**9)
    notices = Notices(store, clock, OpenVault(), post, lambda: [recipient()], lambda event: store.append([event]), "Home")
    seen = replace(report(status(sync=Sync.FAILED, why="exit 3")), recipients=(recipient(),))
    assert notices.take_in(seen) == ("phone",)
    store.refused = refused
    with pytest.raises(JournalError):
        notices.deliver("phone")
    assert notices.take_in(seen) == ("phone",), "it still waits"
    notices.deliver("phone")
    assert post.bodies == [("failed", "service/web: exit 3")] * arrived
    assert notices.take_in(seen) == ()
    assert [view.waiting for view in notices.targets()] == [0]
