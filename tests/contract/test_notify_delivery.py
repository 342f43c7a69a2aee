"""Messages on their way: what was told survives restarts, one that is away loses nothing, one that hangs holds up nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Flag

import pytest

from controller.clients.clock import SystemClock
from controller.clients.notifying import AppriseSender
from controller.clients.vault import AgeVault
from controller.core.document import Revision
from controller.core.event import Event, Report, Status, Sync
from controller.core.key import Key
from controller.core.notice import Recipient, Sender
from controller.core.run import Outcome, RolloutRun, Run
from controller.core.state import Health
from controller.loop.chronicle import Chronicle
from controller.loop.notifier import Notifier
from controller.store.memory import MemoryStore
from controller.store.sql import SqlStore
from controller.usecases.notices import Notices, failing
from tests.support.clock import HandClock
from tests.support.post import Postbox, Receiver
from tests.support.space import wait_until

WEB = Key("service", "web")
WELL, SICK = Status(WEB, Sync.SYNCED, Health.HEALTHY), Status(WEB, Sync.FAILED, Health.DEGRADED, "exit 3 after hunter2-hunter2")


@dataclass
class House:
    """Everything that messages need, on one store and one vault."""

    folder: Path
    store: MemoryStore | SqlStore
    clock: HandClock = field(default_factory=HandClock)
    post: Sender = field(default_factory=Postbox)
    recipients: list[Recipient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vault = AgeVault(self.folder)
        self.store.claim("test", 10**9)
        self.started()

    def started(self) -> Notices:
        """The use cases as after a start."""
        tell = lambda event: self.store.append([event])  # noqa: E731
        self.notices = Notices(self.store, self.clock, self.vault, self.post, lambda: self.recipients, tell, "Home")
        return self.notices

    def declare(self, name: str, url: str) -> None:
        self.recipients.append(Recipient(name, self.vault.set(f"notify/{name}", url), zone="UTC"))

    def passes(self, *statuses: Status) -> tuple[str, ...]:
        """A pass a minute later; the targets that have something to be sent."""
        self.clock.advance(60.0)
        report = Report(self.clock.now(), Revision("r"), "r", statuses, recipients=tuple(self.recipients))
        return self.notices.take_in(report)

    def told(self, reason: str) -> list[str]:
        return [event.message for event in self.store.events() if event.reason == reason]


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    clock = HandClock()
    store = MemoryStore(clock) if request.param == "memory" else SqlStore(f"sqlite:///{tmp_path / 'state.db'}", clock)
    found = House(tmp_path / "vault", store, clock)
    found.declare("phone", "json://192.0.2.1/token")
    yield found
    if isinstance(store, SqlStore):
        store.close()


def deliver(house: House, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """What arrives."""
    assert isinstance(house.post, Postbox)
    house.post.sent.clear()
    for name in names:
        house.notices.deliver(name)
    return house.post.bodies


def test_nothing_is_told_twice_whoever_is_started_anew(house: House) -> None:
    house.store.append([Event(house.clock.now(), "ProposalOpened", "from before anybody was told anything")])
    assert deliver(house, house.passes(WELL)) == []
    assert [topic for topic, _ in deliver(house, house.passes(SICK))] == ["failed"]
    house.started()
    assert deliver(house, house.passes(SICK)) == []
    house.store.append([Event(house.clock.now(), "ProposalOpened", "ada proposes more light")])
    assert deliver(house, house.passes(SICK)) == [("proposal", "ada proposes more light")]
    house.started()
    assert deliver(house, house.passes(WELL)) == [("recovered", "service/web is well again (after 3 min)")]
    house.started()
    assert deliver(house, house.passes(WELL)) == []


def test_what_was_not_sent_before_a_crash_is_sent_after_it(house: House) -> None:
    assert house.passes(SICK) == ("phone",)
    house.started()
    assert [topic for topic, _ in deliver(house, house.passes(SICK))] == ["failed"]


def test_no_value_of_a_secret_is_in_a_message(house: House) -> None:
    house.vault.set("app/password", "hunter2-hunter2")
    [(_, text)] = deliver(house, house.passes(SICK))
    assert text.startswith("service/web: exit 3 after ")
    assert "hunter2" not in text


def test_what_a_run_did_is_told_from_the_store(house: House) -> None:
    house.passes(WELL)
    now = house.clock.now()
    change = ("service/web", "update", "changed: image")
    rolled = (RolloutRun("a" * 64, Outcome.APPLIED, "", (change,)), RolloutRun("b" * 64, Outcome.ROLLED_BACK, "box/b: no", ()))
    house.store.save(Run("run-1", "rev", "commit", "loop", now, now, Outcome.ROLLED_BACK, rollouts=rolled))
    house.store.append([Event(now, "RunFinished", "RolledBack", run="run-1")])
    assert deliver(house, house.passes(WELL)) == [
        ("rolledBack", "box/b: no"),
        ("applied", "service/web: update (changed: image)"),
    ]


def test_a_target_that_is_away_is_told_of_once_and_gets_everything_when_it_is_back(house: House) -> None:
    assert isinstance(house.post, Postbox)
    house.post.refuses = "its service answers with HTTP 500"
    assert deliver(house, house.passes(SICK)) == []
    [view] = house.notices.targets()
    assert (view.error, view.waiting, view.sent) == ("its service answers with HTTP 500", 1, 0.0)
    assert failing(house.store) == {"phone": "its service answers with HTTP 500"}
    tried = [bool(names := house.passes(SICK)) and deliver(house, names) == [] for _ in range(15)]
    assert [index for index, once in enumerate(tried) if once] == [0, 2, 6, 14], "after 1, 2, 4 and 8 minutes"
    house.post.refuses = ""
    house.clock.advance(3600.0)
    assert [topic for topic, _ in deliver(house, house.passes(WELL))] == ["failed", "recovered"]
    assert house.told("NotifyFailed") == ["notification target phone: its service answers with HTTP 500"]
    assert house.told("NotifyWorks") == ["notification target phone takes messages again"]
    [view] = house.notices.targets()
    assert (view.error, view.waiting, view.sent, view.failing) == ("", 0, house.clock.now(), 0.0)
    assert failing(house.store) == {}


def test_an_address_that_is_gone_from_the_vault_is_said(house: House) -> None:
    known = house.recipients[0]
    house.recipients[:] = [replace(known, url=replace(known.url, ref="notify/gone"))]
    assert deliver(house, house.passes(SICK)) == []
    [view] = house.notices.targets()
    assert view.error == "its address 'notify/gone' is not in the vault; set it: `homelab secret set notify/gone`"
    assert "192.0.2.1" not in str(house.notices.targets())


def test_who_is_no_longer_declared_is_forgotten(house: House) -> None:
    house.passes(SICK)
    known = house.recipients.pop()
    assert house.passes(SICK) == ()
    assert house.store.fact("notices") is None
    house.recipients.append(known)
    assert [topic for topic, _ in deliver(house, house.passes(SICK))] == ["failed"], "told anew what lasts"


def test_a_target_that_hangs_holds_up_neither_the_pass_nor_the_others(tmp_path: Path) -> None:
    clock = SystemClock()
    house = House(tmp_path, MemoryStore(clock), post=AppriseSender())
    leads, asked = Flag(), Flag()

    def leading() -> bool:
        answer = leads.is_set()
        asked.set()
        return answer

    chronicle = Chronicle(house.store, clock)
    chronicle.start()
    with Receiver() as slow, Receiver() as quick:
        slow.gate.clear()
        house.declare("slow", slow.url(query="?rto=60"))
        house.declare("quick", quick.url())
        notifier = Notifier(house.notices, leading, clock, chronicle.settled)
        notifier.start()

        def passes(*statuses: Status) -> None:
            report = Report(clock.now(), Revision("r"), "r", statuses, recipients=tuple(house.recipients))
            notifier.passed(report, 0.1)

        try:
            passes(SICK)
            assert asked.wait(60)
            leads.set()
            passes(SICK)
            assert slow.asked.wait(60)
            wait_until(lambda: quick.bodies, "the other to be told")
            passes(WELL)
            wait_until(lambda: len(quick.bodies) == 2, "its recovery")
            assert [title for title, _ in quick.bodies] == ["Home: failed", "Home: recovered"]
            assert slow.bodies == []
            slow.gate.set()
            wait_until(lambda: slow.bodies, "the slow one to take it")
        finally:
            slow.gate.set()
            notifier.stop()
            chronicle.close()
