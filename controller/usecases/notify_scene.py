"""What there is to tell: conditions that last, read from the report of a pass, and happenings, read from events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from controller.core.errors import Severity
from controller.core.event import Event, Report, Status, Sync
from controller.core.notice import Topic, plain
from controller.core.run import Outcome, RolloutRun, Run
from controller.core.state import Health

CERTIFICATES = "certificate"
RUN_ENDS = frozenset(["RunFinished", "Settled"])
PROPOSAL = "Proposal"
"""Reasons of events about proposals begin with this word."""
PASSING = "the pass"
_OPENS: Mapping[str, tuple[str, str]] = {
    "PassFailed": (PASSING, "PassWorks"),
    "RepositoryFails": ("the spec repository", "RepositoryWorks"),
}
"""Conditions that begin and end with an event: what they are about, and the reason that ends them."""
_CLOSES = {ends: about for about, ends in _OPENS.values()}
_TOLD: Mapping[str, Topic] = {"RenewalFailed": Topic.CERTIFICATE, "JournalFailed": Topic.FAILED}
"""Reasons of events that are told as they are."""
_REPAIRS = ("drift", "missing")
"""Words with which the cause of a change begins when only the world had moved."""
_SEVERITIES = {
    Topic.DRIFT: Severity.WARNING,
    Topic.HELD: Severity.WARNING,
    Topic.ROLLED_BACK: Severity.ERROR,
    Topic.FAILED: Severity.ERROR,
    Topic.CERTIFICATE: Severity.ERROR,
    Topic.BACKEND_DOWN: Severity.ERROR,
}
_FEW = 5
Id = tuple[Topic, str]
"""Topic and subject: a key, a backend, a rollout digest."""


class End(Enum):
    """What became of a condition that no longer shows."""

    RECOVERED = "recovered"
    SILENT = "silent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened once. The same topic and subject again within the hour are counted, not told; `keys` are those it
    is about."""

    topic: Topic
    subject: str
    text: str
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scene:
    """Everything there is to tell at one time. `report` None = the pass could not be made: what it would show is not known.
    `opened` are the conditions that an event began and none has ended, text by what they are about."""

    report: Report | None
    conditions: Mapping[Id, str]
    happenings: Sequence[Happening]
    opened: Mapping[str, str]
    _statuses: Mapping[str, Status] = field(default_factory=dict)

    def end_of(self, one: Id) -> End:
        """What became of a condition that was told and does not show now. Of what cannot be looked at nothing is said."""
        topic, subject = one
        if subject in _CLOSES.values():
            return End.RECOVERED
        if self.report is None:
            return End.UNSURE
        if topic is Topic.BACKEND_DOWN:
            return End.RECOVERED if subject in self.report.backends else End.SILENT
        if topic is Topic.HELD:
            return End.UNSURE if any(self.report.backends.values()) else End.SILENT
        if subject == REVISION:
            return End.RECOVERED
        return _end_of_key(self._statuses.get(subject))


REVISION = "the newest revision"


def _end_of_key(status: Status | None) -> End:
    if status is None or status.sync is Sync.SUSPENDED:
        return End.SILENT
    well = status.sync is Sync.SYNCED and status.health in (Health.HEALTHY, Health.SUSPENDED, Health.UNKNOWN)
    return End.RECOVERED if well else End.UNSURE


def severity_of(topic: Topic) -> Severity:
    """How heavy a topic weighs."""
    return _SEVERITIES.get(topic, Severity.INFO)


def scene(
    report: Report | None,
    events: Iterable[Event],
    runs: Mapping[str, Run],
    opened: Mapping[str, str],
    conceal: Callable[[str], str] = str,
) -> Scene:
    """What a report and the events since the last one say. `runs` are those that the events name, `opened` as the last scene left
    it; `conceal` takes every kept secret out of a text."""

    def clean(text: str) -> str:
        return plain(conceal(text))

    now_open, happenings, seen = dict(opened), list[Happening](), set[str]()
    statuses = {str(status.key): status for status in report.statuses} if report is not None else {}
    for event in events:
        if event.reason in _OPENS:
            now_open[_OPENS[event.reason][0]] = clean(event.message)
        elif event.reason in _CLOSES:
            now_open.pop(_CLOSES[event.reason], None)
        elif event.reason in RUN_ENDS and event.run not in seen and (run := runs.get(event.run)) is not None and run.finished:
            seen.add(event.run)
            happenings += _of_run(run)
        elif event.reason.startswith(PROPOSAL):
            happenings.append(Happening(Topic.PROPOSAL, str(event.number), event.message))
        elif event.reason in _TOLD:
            happenings.append(Happening(_TOLD[event.reason], event.key or event.reason, _about(event.key, event.message)))
    if report is not None:
        now_open.pop(PASSING, None)
    conditions: dict[Id, str] = {(Topic.FAILED, about): f"{about}: {text}" for about, text in now_open.items()}
    if report is not None:
        conditions |= _conditions(report)
    conditions = {one: clean(text) for one, text in conditions.items()}
    return Scene(report, conditions, tuple(replace(item, text=clean(item.text)) for item in happenings), now_open, statuses)


def _conditions(report: Report) -> dict[Id, str]:
    found: dict[Id, str] = {}
    held: dict[str, list[Status]] = {}
    for status in report.statuses:
        failing = Topic.CERTIFICATE if status.key.kind == CERTIFICATES else Topic.FAILED
        subject, text = str(status.key), _about(str(status.key), status.why)
        if status.sync in (Sync.SUSPENDED, Sync.UNKNOWN):
            continue
        if status.sync is Sync.FAILED or status.health is Health.DEGRADED:
            found[failing, subject] = text
        elif status.sync is Sync.DRIFTED:
            found[Topic.DRIFT, subject] = text
        if status.sync is Sync.HELD:
            held.setdefault(status.rollout, []).append(status)
    for digest, lines in held.items():
        found[Topic.HELD, digest] = f"rollout {digest[:12]}: {_names([str(item.key) for item in lines])}: {lines[0].why}"
    for name, reason in report.backends.items():
        if reason:
            found[Topic.BACKEND_DOWN, name] = _about(name, reason.removeprefix(f"{name}: "))
    wrong = [item for item in report.diagnostics if item.severity is Severity.ERROR]
    if report.reason or wrong:
        # Not the whole finding: its snippet is a line of somebody's file.
        said = report.reason or f"{wrong[0].origin}: {wrong[0].message}"
        found[Topic.FAILED, REVISION] = f"{REVISION} is refused: {said}"
    return found


def _of_run(run: Run) -> Iterable[Happening]:
    for rollout in run.rollouts:
        keys = [key for key, _, _ in rollout.changes]
        if rollout.outcome is Outcome.APPLIED:
            yield from _applied(run, rollout)
        elif rollout.outcome is Outcome.ROLLED_BACK:
            text = _about(_names(keys), rollout.reason)
            yield Happening(Topic.ROLLED_BACK, rollout.digest, text, frozenset(keys))
        elif rollout.outcome in (Outcome.STUCK, Outcome.FAILED):
            text = f"{_names(keys)}: {rollout.outcome}: {rollout.reason}"
            yield Happening(Topic.FAILED, rollout.digest, text, frozenset(keys))


def _applied(run: Run, rollout: RolloutRun) -> Iterable[Happening]:
    for key, action, cause in rollout.changes:
        if cause.startswith(_REPAIRS):
            yield Happening(Topic.DRIFT, key, f"{key}: {cause}; repaired ({action})", frozenset([key]))
        else:
            yield Happening(Topic.APPLIED, f"{key}@{run.revision}", f"{key}: {action} ({cause})", frozenset([key]))


def _names(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _FEW} more" if len(keys) > _FEW else ""
    return ", ".join(keys[:_FEW]) + more


def _about(subject: str, text: str) -> str:
    return text if not subject or text.startswith(subject) else f"{subject}: {text}" if text else subject
