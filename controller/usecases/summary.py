"""Summary: the whole house in a few numbers, for dashboards, badges and sensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from controller.core.errors import Severity
from controller.core.event import Report, Sync
from controller.core.ports import Store
from controller.core.proposal import PENDING
from controller.core.state import Health
from controller.usecases.views import FORMAT_VERSION

WORST_FIRST = (Sync.FAILED, Sync.HELD, Sync.DRIFTED, Sync.UNKNOWN, Sync.PENDING, Sync.SUSPENDED, Sync.SYNCED)


@dataclass(frozen=True, slots=True)
class Summary:
    """How the house stands, flat. `sync` is the worst word of all resources (Failed also while the newest revision is refused);
    one number per sync word, their sum is `resources`; `degraded` are those that do not do their work; `pending_approvals` are
    rollouts that wait for a person; `at` in seconds since the epoch."""

    world: str
    at: float
    revision: str
    live: str
    sync: str
    resources: int
    synced: int
    drifted: int
    pending: int
    held: int
    failed: int
    suspended: int
    unknown: int
    degraded: int
    pending_approvals: int
    pending_proposals: int
    backends_up: int
    backends_down: int
    refused: bool
    format_version: str = FORMAT_VERSION


def waiting_proposals(store: Store) -> int:
    """How many proposals somebody may still decide."""
    return len(store.proposals.list([str(standing) for standing in PENDING]))


def summary(report: Report, proposals: int = 0) -> Summary:
    """The house as the last pass left it; `proposals` are those that wait for a person."""
    counts = Counter(status.sync for status in report.statuses)
    refused = bool(report.reason) or any(item.severity is Severity.ERROR for item in report.diagnostics)
    worst = next((sync for sync in WORST_FIRST if counts[sync]), Sync.SYNCED)
    down = sum(1 for reason in report.backends.values() if reason)
    return Summary(
        world=report.world,
        at=report.at,
        revision=report.revision.id,
        live=report.live,
        sync=Sync.FAILED if refused else worst,
        resources=len(report.statuses),
        synced=counts[Sync.SYNCED],
        drifted=counts[Sync.DRIFTED],
        pending=counts[Sync.PENDING],
        held=counts[Sync.HELD],
        failed=counts[Sync.FAILED],
        suspended=counts[Sync.SUSPENDED],
        unknown=counts[Sync.UNKNOWN],
        degraded=sum(1 for status in report.statuses if status.health is Health.DEGRADED),
        pending_approvals=len({status.rollout for status in report.statuses if status.sync is Sync.HELD}),
        pending_proposals=proposals,
        backends_up=len(report.backends) - down,
        backends_down=down,
        refused=refused,
    )
