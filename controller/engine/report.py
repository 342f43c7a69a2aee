"""Report: everything a pass found, folded into one status per key; and what is new since the last report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.core.decision import Decision, Verdict
from controller.core.document import Revision
from controller.core.errors import Diagnostic, Severity
from controller.core.estate import Estate
from controller.core.event import Event, Report, Status, Sync
from controller.core.key import Key
from controller.core.plan import UNKNOWN, Note, Plan
from controller.core.ports import Place
from controller.core.run import Row
from controller.core.state import Absent, Health, Observed, Present
from controller.engine.observe import World

_NOTES = {
    UNKNOWN: (Sync.UNKNOWN, Health.UNKNOWN),
    "InProgress": (Sync.PENDING, Health.PROGRESSING),
    "Quarantined": (Sync.FAILED, None),
    "Stuck": (Sync.FAILED, None),
    "Suspended": (Sync.SUSPENDED, Health.SUSPENDED),
    "Foreign": (Sync.FAILED, None),
    "Refused": (Sync.FAILED, None),
    "Missing": (Sync.DRIFTED, Health.MISSING),
    "Drifted": (Sync.DRIFTED, None),
    "Unmarked": (Sync.UNKNOWN, None),
    "Waiting": (Sync.PENDING, None),
    "Blocked": (Sync.PENDING, None),
}
_ALIKE = frozenset([UNKNOWN, "InProgress", "Quarantined", "Stuck", "Suspended", "Blocked"])
"""Notes whose message can be the same for many keys."""
_VERDICTS = {Verdict.ALLOW: Sync.PENDING, Verdict.HOLD: Sync.HELD, Verdict.DENY: Sync.FAILED}


@dataclass(frozen=True)
class Findings:
    """What a pass knows when it ends. `revision` is git's newest, the estate's own revision is what is reconciled; `waits` says
    by rollout digest until when one must wait."""

    revision: Revision
    estate: Estate
    world: World
    rows: Mapping[Place, Row]
    plan: Plan
    decisions: Mapping[str, Decision]
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: str = ""
    waits: Mapping[str, str] = field(default_factory=dict)


def fold(found: Findings, at: float, world_name: str) -> Report:
    """One status per key, both truths in it."""
    statuses = {key: _synced(found, key) for key in found.estate.resources}
    for note in found.plan.notes:
        statuses[note.key] = _noted(found, note)
    for rollout in found.plan.rollouts:
        decision = found.decisions.get(rollout.digest, Decision(Verdict.ALLOW, "default", ""))
        for change in rollout.changes:
            sync = _VERDICTS[decision.verdict]
            if sync is Sync.PENDING and change.drift:
                sync = Sync.DRIFTED
            health, why = _health(found.world.of(change.key, change.provider))
            said = _words(
                f"{decision.verdict} ({decision.rule}): {decision.reason}" if decision.reason else "",
                found.waits.get(rollout.digest, ""),
            )
            own = _words(f"{change.action}: {change.cause}", change.instructions, why)
            statuses[change.key] = _status(found, change.key, change.provider, sync, health, own, said, rollout.digest)
    ordered = tuple(statuses[key] for key in sorted(statuses))
    return Report(
        at=at,
        revision=found.revision,
        live=found.estate.revision.id,
        statuses=ordered,
        diagnostics=(*found.diagnostics, *found.estate.warnings),
        backends=found.world.backends(),
        reason=found.reason,
        world=world_name,
        recipients=found.estate.recipients,
        provider=found.estate.homelab.signIn.oidc,
    )


def _synced(found: Findings, key: Key) -> Status:
    provider = found.estate.resources[key].provider
    health, why = _health(found.world.of(key, provider))
    return _status(found, key, provider, Sync.SYNCED, health, why)


def _noted(found: Findings, note: Note) -> Status:
    sync, health = _NOTES[note.reason]
    seen, why = _health(found.world.of(note.key, note.provider))
    own, shared = (why, note.message) if note.reason in _ALIKE else (_words(note.message, why), "")
    return _status(found, note.key, note.provider, sync, health or seen, own, shared)


def _words(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _health(observed: Observed) -> tuple[Health, str]:
    if isinstance(observed, Present):
        return observed.health, observed.why
    return (Health.MISSING, "") if isinstance(observed, Absent) else (Health.UNKNOWN, "")


def _status(
    found: Findings, key: Key, provider: str, sync: Sync, health: Health, own: str, shared: str = "", rollout: str = ""
) -> Status:
    row = found.rows.get((key, provider))
    resource = found.estate.resources.get(key)
    address = resource.address if resource else row.address if row else ""
    applied = row.revision if row is not None and row.applied is not None else ""
    if applied and resource is not None and row is not None and (sync is Sync.SYNCED or row.digest == resource.digest):
        applied = found.estate.revision.id
    attempted = found.revision.id if resource is not None or found.revision.id != found.estate.revision.id else ""
    return Status(key, sync, health, _words(own, shared), attempted, applied, provider, rollout, address, shared)


@dataclass
class News:
    """What changed from one report to the next: said once when it breaks and once when it recovers. An outage of a backend is
    told for the backend, not for each of its keys; after it a key is compared with what it was before."""

    _before: dict[Key, Status] = field(default_factory=dict)

    def __call__(self, old: Report | None, new: Report) -> Iterable[Event]:
        """The events of a report, `old` being the last one."""
        moved = new.statuses if old is None or old.statuses is not new.statuses else ()
        before = {status.key: status for status in old.statuses} if old and moved else {}
        for status in moved:
            was = before.get(status.key)
            if _away(new, status):
                if was is not None and not _away(old, was):
                    self._before[status.key] = was
                continue
            if was is not None and _away(old, was):
                was = self._before.pop(status.key, None)
            yield from _told(new, was, status)
        yield from _outside(old, new)


def _told(new: Report, was: Status | None, status: Status) -> Iterable[Event]:
    """What is new about a key."""
    if status.sync is Sync.SUSPENDED:
        return  # told by who suspended it
    if was is None and status.sync in (Sync.SYNCED, Sync.PENDING):
        return
    if was is None or was.sync is not status.sync or (was.rollout != status.rollout and status.sync is Sync.HELD):
        yield _moved(new, status)
    elif was.health is not status.health and Health.DEGRADED in (was.health, status.health):
        yield _health_moved(new.at, status)


def _outside(old: Report | None, new: Report) -> Iterable[Event]:
    """What is new about backends and the revision."""
    for name, reason in new.backends.items():
        known = old.backends.get(name, "") if old else ""
        if reason and not known:
            yield Event(new.at, "BackendDown", f"{name}: {reason}", Severity.ERROR)
        elif known and not reason:
            yield Event(new.at, "BackendUp", f"{name} answers again")
    wrong = [item for item in new.diagnostics if item.severity is Severity.ERROR]
    knew = [item for item in old.diagnostics if item.severity is Severity.ERROR] if old else []
    if (wrong or new.reason) and (wrong != knew or not old or old.reason != new.reason):
        yield Event(new.at, "RevisionRefused", new.reason or str(wrong[0]), Severity.ERROR)
    elif old is not None and (knew or old.reason) and not wrong and not new.reason:
        yield Event(new.at, "RevisionAccepted", f"{new.revision.short} is valid again")


def _away(report: Report | None, status: Status) -> bool:
    """True when a key is unknown because its backend cannot be looked at."""
    return report is not None and status.sync is Sync.UNKNOWN and bool(report.backends.get(status.provider))


_SYNC_EVENTS = {
    Sync.SYNCED: ("Synced", Severity.INFO),
    Sync.DRIFTED: ("DriftFound", Severity.WARNING),
    Sync.PENDING: ("Pending", Severity.INFO),
    Sync.HELD: ("Held", Severity.WARNING),
    Sync.FAILED: ("Failed", Severity.ERROR),
    Sync.UNKNOWN: ("Unknown", Severity.WARNING),
}


def _moved(new: Report, status: Status) -> Event:
    reason, severity = _SYNC_EVENTS[status.sync]
    return Event(new.at, reason, status.why or f"{status.key} is {status.sync}", severity, str(status.key))


def _health_moved(at: float, status: Status) -> Event:
    severity = Severity.ERROR if status.health is Health.DEGRADED else Severity.INFO
    return Event(at, f"Health{status.health}", status.why or f"{status.key} is {status.health}", severity, str(status.key))
