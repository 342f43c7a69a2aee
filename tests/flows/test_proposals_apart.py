"""Planning what is only proposed holds up nobody: repairs go on while a registry does not answer, and the proposal says so."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from controller.clients.memory import MemoryProvider
from controller.core.errors import Refused, Transient
from controller.core.kind import Kind
from controller.core.proposal import Edits
from controller.core.state import Snapshot, State, Target
from controller.usecases.proposal_views import ProposalView
from controller.usecases.rollback import Rollback
from tests.contract.source_repository import Repository
from tests.support.house import box
from tests.support.proposing import ADA, ProposingHouse
from tests.support.silence import PatientClock, SilentRegistry, silent_registry, under_way
from tests.support.space import wait_until

NEVER = "what it would do cannot be told now: "
SECONDS = "25 s"


class Asking(MemoryProvider):
    """Asks the registry that an image names. `shut` = looks hang until it is set, `looks` counts those that do."""

    shut: Flag | None = None
    looks = 0

    def adapt(self, state: State, applied: State | None) -> State:
        registry, _, name = str(state["image"]).partition("/")
        if name:
            host, _, port = registry.partition(":")
            try:
                with socket.create_connection((host, int(port))) as asked:
                    asked.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
                    asked.recv(1)
            except OSError as error:
                raise Transient(f"{registry} does not answer: {error}") from error
            raise Transient(f"{registry} hung up")
        return super().adapt(state, applied)

    def observe(self, targets: Collection[Target]) -> Snapshot:
        if self.shut is not None:
            self.looks += 1
            assert self.shut.wait(600)
        return super().observe(targets)


class AskingHouse(ProposingHouse):
    """A house whose images may come from a registry."""

    def _provider(self, kind: Kind) -> MemoryProvider:
        return Asking(kind, self.world)

    @property
    def asking(self) -> Asking:
        provider = self.providers["box", "local"]
        assert isinstance(provider, Asking)
        return provider


@dataclass
class Doing:
    """Something on a thread of its own."""

    work: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 (told where it is waited for)
            self.error = error

    def end(self, what: str) -> Any:
        self.thread.join(60)
        assert not self.thread.is_alive(), f"{what} does not end"
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def house(tmp_path: Path, clock: PatientClock) -> AskingHouse:
    work = Repository(tmp_path / "home")
    made = AskingHouse(work, clock=clock)
    made.put(web={"image": "web:1"}, db={"image": "db:1"})
    made.reconcile()
    return made


@pytest.fixture
def registry() -> Iterator[SilentRegistry]:
    with silent_registry() as found:
        yield found


def boxes(registry: SilentRegistry, number: int = 1) -> Edits:
    """Proposed files of boxes whose images come from it."""
    image = f"{registry.name}/new:1"
    return {f"new{each}.yaml": f"{box(f'new{each}', {'image': image})}\n".encode() for each in range(number)}


def waits(registry: SilentRegistry, lookups: int) -> None:
    """Returns when so many look-ups hang, and every other one has answered."""
    wait_until(lambda: len(registry.asked) == under_way("lookup") == lookups and not under_way("look"), "it to be asked")


def repaired(house: AskingHouse) -> None:
    """A pass that finds what a hand did, and puts it right."""
    house.world.edit("box", "local", "web", status="exited")
    Doing(house.reconcile).end("a pass")
    assert house.boxes()["web"] == ("web:1", 1, "running")
    assert house.plan() == "", "somebody may look at what is deployed, too"


def test_a_pass_repairs_while_a_proposal_waits_for_a_registry(
    house: AskingHouse, clock: PatientClock, registry: SilentRegistry
) -> None:
    other = house.open(db={"image": "db:2"})
    opening = Doing(lambda: house.open(boxes(registry, 9), web={"image": "web:2"}))
    waits(registry, 9)
    repaired(house)
    assert opening.thread.is_alive(), "it waits still"
    clock.over.set()
    shown: ProposalView = opening.end("the proposal")
    assert shown.problem.startswith(f"{NEVER}box/new0: what it needs to know was not answered within {SECONDS} (and 8 more)")
    assert {note.key: note.reason for note in shown.notes} == {f"box/new{each}": "Unknown" for each in range(9)}
    assert [c.key for r in shown.rollouts for c in r.changes] == ["box/web"], "what could be looked up is shown"
    approving = Doing(lambda: house.approve(shown))
    waits(registry, 18)
    repaired(house)
    Doing(lambda: house.approve(other)).end("another approval")
    clock.over.set()
    with pytest.raises(Refused, match=NEVER):
        approving.end("the approval")
    assert house.propose.shelf.get("p2").standing.pending
    assert house.work.git("log", "-1", "--format=%s", "main") == "Merge proposal p1: Two"


def test_what_the_registry_says_later_is_shown_and_approved(
    house: AskingHouse, clock: PatientClock, registry: SilentRegistry
) -> None:
    opening = Doing(lambda: house.open(boxes(registry)))
    waits(registry, 1)
    clock.over.set()
    assert opening.end("the proposal").digests == ()
    with house_adapts(house):
        shown = house.propose.show("p1", ADA)
        assert (shown.problem, len(shown.digests)) == ("", 1)
        with pytest.raises(Refused, match="it would do"):
            house.approve(shown, digests=())
        house.approve(shown)
        house.reconcile()
    assert "new0" in house.boxes()


@contextmanager
def house_adapts(house: AskingHouse) -> Iterator[None]:
    """The registry is answered for."""
    house.asking.adapt = super(Asking, house.asking).adapt  # type: ignore[method-assign]
    yield
    del house.asking.adapt


def test_nobody_goes_back_on_a_plan_that_shows_nothing(house: AskingHouse, clock: PatientClock, registry: SilentRegistry) -> None:
    image = f"{registry.name}/web:1"
    with house_adapts(house):
        house.put(web={"image": image})
        house.reconcile()
    house.put(web={"image": "web:2"})
    house.reconcile()
    back = Rollback(house.reconciler, house.source, house.store)
    for number, target in enumerate(("", "box/web"), start=1):
        asking = Doing(partial(back.prepare, target))
        waits(registry, number)
        clock.over.set()
        with pytest.raises(Refused, match=f"{NEVER}box/web: what it needs to know"):
            asking.end("the way back")
    with house_adapts(house):
        assert [change.key for rollout in back.prepare().plan.rollouts for change in rollout.changes] == ["box/web"]


@pytest.mark.parametrize("wall", ["silent", "Foreign"])
def test_what_waits_for_something_unseen_is_not_approved(
    house: AskingHouse, clock: PatientClock, registry: SilentRegistry, wall: str
) -> None:
    if wall == "silent":
        house.put(db={"image": f"{registry.name}/db:1"})
    else:
        house.put(other={"image": "other:1"})
        house.world.put("box", "local", "other", {"image": "somebody:1", "size": 1, "status": "running"})
    need = "box/db" if wall == "silent" else "box/other"
    opening = Doing(
        lambda: house.open(web={"image": "web:1", "size": 2, "uses": [need]}, page={"image": "page:1", "uses": ["box/web"]})
    )
    if wall == "silent":
        waits(registry, 1)
        clock.over.set()
    shown: ProposalView = opening.end("the proposal")
    assert {note.key: note.reason for note in shown.notes} == {"box/web": "Blocked", "box/page": "Blocked"}
    assert shown.digests == ()
    if wall == "silent":
        assert shown.problem.startswith(f"{NEVER}box/")
        assert "waits for box/db" in shown.problem
        assert "(and 1 more)" in shown.problem
    else:
        assert shown.problem == "", "what it waits for is known, and is not there"


def test_a_look_that_is_not_answered_finds_nothing_gone(house: AskingHouse, clock: PatientClock) -> None:
    house.asking.shut = Flag()
    opening = Doing(lambda: house.open(web={"image": "web:2"}, db=None))
    wait_until(lambda: house.asking.looks, "a look that hangs")
    clock.over.set()
    shown: ProposalView = opening.end("the proposal")
    house.asking.shut.set()
    house.asking.shut = None
    assert (shown.rollouts, shown.backends) == ((), {"local": f"local did not answer within {SECONDS}"})
    assert shown.problem.startswith(NEVER)
    assert "did not answer" in shown.problem
    with pytest.raises(Refused, match="it would do"):
        house.approve(shown)
    assert house.propose.show("p1").problem == "", "as soon as it answers again"


def test_a_proposal_makes_a_pass_forget_nothing(house: AskingHouse) -> None:
    house.reconcile()
    calls = house.world.faults.calls
    before = calls["adapt"]
    house.open(web={"image": "web:2"})
    assert calls["adapt"] > before
    before = calls["adapt"]
    house.reconcile()
    assert calls["adapt"] == before, "what it looked up, it still knows"
    first = calls["adapt"]
    house.propose.show("p1", ADA)
    asked = calls["adapt"] - first
    assert asked == 3, "web as it is and as it would be, and what both have once"


def test_a_lamp_without_power_can_still_be_decided_about(house: AskingHouse) -> None:
    house.world.edit("box", "local", "web", away="without power")
    shown = house.open(web={"image": "web:2"})
    assert [(note.key, note.reason) for note in shown.notes] == []
    assert (shown.problem, shown.rollouts) == ("", ()), "its backend answers, and it is written when it is back"
    house.approve(shown)
    assert house.boxes()["web"][0] == "web:1"
