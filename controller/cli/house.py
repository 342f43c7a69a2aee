"""The house as verbs see it: the same questions and orders whether a controller runs or this process does the work.

Every answer is JSON-shaped data, as the API gives it and as `-o json` prints it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from controller.cli.verbs import talk
from controller.core.errors import Refused
from controller.settings import Settings, read_settings

if TYPE_CHECKING:
    from controller.cli.people_desk import PeopleDesk
    from controller.cli.proposal_desk import ProposalDesk

Data = Mapping[str, Any]
Heard = Callable[[Data], None]


class House(Protocol):
    """What verbs ask and order. An order raises what its use case raises, or Answered with the same exit code."""

    running: bool
    """True when a controller runs and does the work."""
    proposals: ProposalDesk
    """What waits for a word."""

    @property
    def people(self) -> PeopleDesk:
        """Who may sign in, and what everybody did."""

    def now(self) -> float:
        """The house's time after the last answer, in seconds since the epoch."""

    def status(self) -> Data:
        """`views.StatusView`."""

    def plan(self, *, worktree: bool = False) -> Data:
        """`views.PlanView`."""

    def history(self, limit: int) -> Sequence[Data]:
        """`views.RunView` of the newest runs, newest first."""

    def run(self, name: str) -> Data:
        """`views.RunView` with its steps."""

    def resource(self, key: str) -> Data:
        """`views.ResourceView`."""

    def events(self, after: int, limit: int, key: str) -> Sequence[Data]:
        """Events with a number above `after`, oldest first."""

    def energy(self, days: int, via: str) -> Data:
        """`energy.EnergyView`."""

    def history_days(self, days: int) -> Data:
        """`history_days.HistoryDays`."""

    def uptime(self, key: str, days: int) -> Data:
        """`uptime.UptimeView`."""

    def uptimes(self, days: int) -> Data:
        """`uptime.UptimesView` of all services."""

    def domains(self) -> Data:
        """`domains.DomainsView`."""

    def topology(self) -> Data:
        """`topology.TopologyView`."""

    def commits(self, limit: int) -> Sequence[Data]:
        """`compare.RevisionView` of the newest commits, newest first."""

    def compare(self, old: str, new: str) -> Data:
        """`compare.ComparisonView` of two revisions ("" = what is deployed; the newest)."""

    def patch(self, old: str, new: str) -> str:
        """The files of the same as a patch."""

    def decisions(self) -> Data:
        """`decisions.DecisionsView`."""

    def log(self, key: str, lines: int, back: float) -> str:
        """The last lines that a key wrote, of the last `back` seconds (0 = however old), secrets masked."""

    def follow_log(self, key: str, lines: int, back: float) -> Iterator[str]:
        """The same, and then what it writes, without end."""

    def follow(self, after: int) -> Iterator[Data]:
        """Events with a number above `after`, as they happen, without end."""

    def make_pass(self, cause: str, heard: Heard) -> Data:
        """`passed.PassView` of a pass made now; `heard` is told of every event meanwhile."""

    def kick(self) -> None:
        """Ask for a pass soon."""

    def decide(self, approve: bool, digests: Sequence[str], reason: str) -> Sequence[str]:
        """Approve or reject held rollouts; their full digests."""

    def retry(self, target: str) -> Sequence[str]:
        """Lift quarantines; their digests."""

    def renew(self, key: str) -> Data:
        """Have a certificate renewed; `renewing.Renewed`."""

    def suspend(self, key: str, reason: str) -> None:
        """Leave a key alone."""

    def resume(self, key: str) -> None:
        """Take a key up again."""

    def detach(self, keys: Sequence[str] | None) -> Data:
        """Let go of keys (None = everything); `sync.LetGo`."""

    def adopt(self, objects: Sequence[Data]) -> Data:
        """Take over `importing.Handle`s; `adopted` and `left`."""

    def way_back(self, target: str) -> Data:
        """`rollback.WayBack`: what a rollback would do."""

    def go_back(self, target: str, way: Data, heard: Heard) -> Data:
        """`revision` and `done` (`passed.PassView`) of the rollback that was shown. Raises Answered with what to do by hand where
        the repository cannot be written."""

    def secrets(self) -> Sequence[Data]:
        """`secrets.SecretView` of everything in the vault."""

    def set_secret(self, ref: str, value: str) -> Data:
        """Keep a value; its `secrets.SecretView`."""

    def rotate_secret(self, ref: str, length: int | None) -> Data:
        """Generate a new value; its `secrets.SecretView`."""

    def export_secrets(self) -> Mapping[str, str]:
        """Every value by reference."""

    def notifications(self) -> Sequence[Data]:
        """`notices.TargetView` of every declared target."""

    def test_notifications(self, name: str) -> Sequence[Data]:
        """Send a test message to a target ("" = all); `notices.Arrival` of each."""

    def invite(self) -> Data:
        """`token` and `url` ("" where no page is served) that let a browser in once."""

    def tokens(self) -> Sequence[Data]:
        """`access.TokenView` of every token that works."""

    def issue(self, name: str, scopes: Sequence[str], days: float | None, *, assistant: bool = False) -> Data:
        """A new `token` and `about` it."""

    def revoke(self, name: str) -> None:
        """End a token."""

    def webhook(self, *, make: bool) -> str | None:
        """The secret that git servers sign with, None while there is none."""


def user() -> str:
    """Who sits at this terminal, for the record."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def settings(*, repository: bool = True) -> Settings:
    """The settings of the running verb. Raises SettingsError."""
    return read_settings(talk().flags, repository=repository)


@contextmanager
def looking() -> Iterator[House]:
    """The house to look at: the running controller, else this process without the lease."""
    found = settings()
    running = _running(found)
    if running is not None:
        yield running
        return
    from controller.cli.own_house import OwnHouse
    from controller.wire import open_house

    with open_house(found, write=False) as house:
        yield OwnHouse(house)


@contextmanager
def writing() -> Iterator[House]:
    """The house to give orders to: the running controller, else this process with the lease. Raises LeaseHeld."""
    found = settings()
    running = _running(found)
    if running is not None:
        yield running
        return
    from controller.cli.own_house import OwnHouse
    from controller.wire import open_house

    with open_house(found, write=True) as house:
        yield OwnHouse(house)


def running_house() -> House:
    """The running controller. Raises Refused when there is none."""
    found = _running(settings())
    if found is None:
        raise Refused("no controller runs for this state folder; start one with `homelab run`")
    return found


def _running(found: Settings) -> House | None:
    if not found.socket.exists():
        return None
    from controller.cli.controller_socket import ControllerSocket, answers
    from controller.cli.running_house import RunningHouse

    return RunningHouse(ControllerSocket(found.socket)) if answers(found.socket) else None
