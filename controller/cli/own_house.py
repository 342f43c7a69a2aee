"""The house when no controller runs: this process does the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

from controller import wire
from controller.cli.exits import ERROR, Answered
from controller.cli.house import Data, Heard, user
from controller.cli.own_proposals import OwnProposals
from controller.cli.people_desk import OwnPeople, PeopleDesk
from controller.cli.proposal_desk import ProposalDesk
from controller.cli.recorded import recorded
from controller.core.codec import to_data
from controller.core.errors import Refused, SourceError
from controller.core.key import Key
from controller.usecases.access import Scope, local
from controller.usecases.compare import commits, compare
from controller.usecases.compare_files import patch
from controller.usecases.decisions import decisions_now
from controller.usecases.desk import Desk
from controller.usecases.domains import domains_now
from controller.usecases.energy import energy
from controller.usecases.history_days import history_days
from controller.usecases.importing_sketch import Handle
from controller.usecases.passed import PassView, pass_now
from controller.usecases.renewing import renew
from controller.usecases.rollback_proposal import instead
from controller.usecases.sync import Sync
from controller.usecases.topology import topology_now
from controller.usecases.uptime import uptime, uptimes

T = TypeVar("T")
_TICK = 0.2
_LISTENING = 3600.0


class OwnHouse:
    """`house.House` over the desk of this process."""

    running = False

    def __init__(self, house: wire.House) -> None:
        self.desk = house.desk
        self.access, self.actor = house.access(), local(user(), "cli")
        self.people: PeopleDesk = OwnPeople(self.access, self.actor)
        made = house.proposals
        self.proposals: ProposalDesk = OwnProposals(made.propose, made.review, self.access, self.actor, self._pass)

    def now(self) -> float:
        return self.desk.look.reconciler.bench.clock.now()

    def status(self) -> Data:
        return _data(self.desk.look.status())

    def plan(self, *, worktree: bool = False) -> Data:
        return _data(self.desk.look.plan(worktree=worktree))

    def history(self, limit: int) -> Sequence[Data]:
        return [_data(run) for run in self.desk.look.history(limit)]

    def run(self, name: str) -> Data:
        return _data(self.desk.look.run(name))

    def resource(self, key: str) -> Data:
        return _data(self.desk.look.resource(_key(key)))

    def events(self, after: int, limit: int, key: str) -> Sequence[Data]:
        return [_data(event) for event in self.desk.look.events(after, limit, key)]

    def energy(self, days: int, via: str) -> Data:
        return _data(energy(self.desk.look, days, via))

    def history_days(self, days: int) -> Data:
        return _data(history_days(self.desk.look, days))

    def uptime(self, key: str, days: int) -> Data:
        return _data(uptime(self.desk.look, _key(key), days))

    def uptimes(self, days: int) -> Data:
        return _data(uptimes(self.desk.look, days))

    def domains(self) -> Data:
        return _data(domains_now(self.desk.look))

    def topology(self) -> Data:
        return _data(topology_now(self.desk.look))

    def commits(self, limit: int) -> Sequence[Data]:
        return [_data(item) for item in commits(self.desk.look, limit)]

    def compare(self, old: str, new: str) -> Data:
        return _data(compare(self.desk.look, old, new))

    def patch(self, old: str, new: str) -> str:
        return patch(compare(self.desk.look, old, new).files)

    def decisions(self) -> Data:
        return _data(decisions_now(self.desk.look))

    def log(self, key: str, lines: int, back: float) -> str:
        return self.desk.look.log(_key(key), lines, back)

    def follow_log(self, key: str, lines: int, back: float) -> Iterator[str]:
        stop = Flag()
        try:
            yield from self.desk.look.follow_log(_key(key), lines, back, stop)
        finally:
            stop.set()

    def follow(self, after: int) -> Iterator[Data]:
        while True:
            self.desk.wait_event(after, _LISTENING)
            for event in self.desk.look.events(after):
                after = event.number
                yield _data(event)

    @recorded("sync", None)
    def make_pass(self, cause: str, heard: Heard) -> Data:
        return self._pass(cause, heard)

    def _pass(self, cause: str, heard: Heard) -> Data:
        after = self.desk.look.last_event()
        job = _Job(self.desk, self._sync, cause)
        while not job.done.is_set():
            self.desk.wait_event(after, _TICK)
            after = self._tell(after, heard)
        passed = job.result()
        self._tell(after, heard)
        return _data(passed)

    def kick(self) -> None:
        raise Refused("no controller runs for this state folder; `homelab apply` makes a pass itself")

    @recorded(lambda approve, *_: "approve" if approve else "reject", 1)
    def decide(self, approve: bool, digests: Sequence[str], reason: str) -> Sequence[str]:
        word = self._sync.approve if approve else self._sync.reject
        return word(digests, user(), reason)

    @recorded("retry")
    def retry(self, target: str) -> Sequence[str]:
        return self._sync.retry(target, user())

    @recorded("renew")
    def renew(self, key: str) -> Data:
        return _data(renew(self._sync, _key(key), user()))

    @recorded("suspend")
    def suspend(self, key: str, reason: str) -> None:
        self._sync.suspend(_key(key), user(), reason)

    @recorded("resume")
    def resume(self, key: str) -> None:
        self._sync.resume(_key(key), user())

    @recorded("detach")
    def detach(self, keys: Sequence[str] | None) -> Data:
        return _data(self._sync.detach(None if keys is None else [_key(key) for key in keys], user()))

    @recorded("adopt")
    def adopt(self, objects: Sequence[Data]) -> Data:
        adopted, left = given(self.desk.importing).adopt([Handle(item["key"], item["handle"]) for item in objects], user())
        return {"adopted": [_data(item) for item in adopted], "left": [_data(item) for item in left]}

    def way_back(self, target: str) -> Data:
        return _data(given(self.desk.rollback).prepare(target))

    @recorded("go-back")
    def go_back(self, target: str, way: Data, heard: Heard) -> Data:
        rollback = given(self.desk.rollback)
        prepared = rollback.prepare(target)
        if prepared.plan.digest != way["plan"]["digest"]:
            raise Refused("the way back is not the one that was shown (any more); look at its plan again")
        try:
            revision = rollback.commit(prepared, user())
        except SourceError as error:
            why, steps = instead(self.desk.propose, rollback, prepared, self.actor.author, error)
            raise Answered(ERROR, why, by_hand=steps) from error
        return {"revision": revision.id, "done": self._pass("rollback", heard)}

    def secrets(self) -> Sequence[Data]:
        return [_data(item) for item in given(self.desk.secrets).list()]

    @recorded("set-secret")
    def set_secret(self, ref: str, value: str) -> Data:
        return _data(given(self.desk.secrets).set(ref, value, user()))

    @recorded("rotate-secret")
    def rotate_secret(self, ref: str, length: int | None) -> Data:
        return _data(given(self.desk.secrets).rotate(ref, user(), length))

    @recorded("export-secrets", None)
    def export_secrets(self) -> Mapping[str, str]:
        return given(self.desk.secrets).export(user())

    def notifications(self) -> Sequence[Data]:
        return [_data(item) for item in given(self.desk.notices).targets()]

    @recorded("test-notifications")
    def test_notifications(self, name: str) -> Sequence[Data]:
        return [_data(item) for item in given(self.desk.notices).test(name)]

    @recorded("invite", None)
    def invite(self) -> Data:
        return {"token": self.access.invite(), "url": ""}

    def tokens(self) -> Sequence[Data]:
        return [_data(item) for item in self.access.tokens()]

    @recorded("issue")
    def issue(self, name: str, scopes: Sequence[str], days: float | None, *, assistant: bool = False) -> Data:
        rights = [Scope(scope) for scope in scopes]
        token, about = self.access.issue(name, rights, days, user(), assistant=assistant)
        return {"token": token, "about": _data(about)}

    @recorded("revoke")
    def revoke(self, name: str) -> None:
        self.access.revoke(name, user())

    def webhook(self, *, make: bool) -> str | None:
        return self._make_webhook() if make else self.access.webhook_secret()

    @recorded("make-webhook", None)
    def _make_webhook(self) -> str | None:
        return self.access.webhook_secret(make=True)

    @property
    def _sync(self) -> Sync:
        return given(self.desk.sync)

    def _tell(self, after: int, heard: Heard) -> int:
        for event in self.desk.look.events(after):
            heard(_data(event))
            after = event.number
        return after


class _Job:
    """A pass on a thread of its own, so that its events can be told meanwhile."""

    def __init__(self, desk: Desk, sync: Sync, cause: str) -> None:
        self.done = Flag()
        self._passed: PassView | None = None
        self._error: BaseException | None = None
        self._arguments = (desk.look, sync, user(), cause)
        Thread(target=self._work, name="pass", daemon=True).start()

    def result(self) -> PassView:
        """What the pass came to; raises what it raised."""
        if self._error is not None:
            raise self._error
        assert self._passed is not None  # noqa: S101 (it is done)
        return self._passed

    def _work(self) -> None:
        try:
            self._passed = pass_now(*self._arguments)
        except BaseException as error:  # noqa: BLE001 (told by `result`)
            self._error = error
        finally:
            self.done.set()


def given(use_case: T | None) -> T:
    """What the desk was handed. Raises Refused for what this process may not do."""
    if use_case is None:
        raise Refused("this process may only look")
    return use_case


def _data(view: object) -> Data:
    found: Data = to_data(view)
    return found


def _key(text: str) -> Key:
    try:
        return Key.parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error
