"""Survey: what one look found, and how it is put together from what was seen. Nothing here looks or writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from controller.core.decision import Approval, Decision, Quarantine, Suspension, Verdict
from controller.core.document import Revision
from controller.core.estate import Estate
from controller.core.event import Report
from controller.core.kind import Kind
from controller.core.plan import Note, Plan, Rollout
from controller.core.ports import Clock, Place, Providers, Store
from controller.core.run import Row
from controller.engine.judge import Circumstances, judge
from controller.engine.lineage import Lineage
from controller.engine.observe import World
from controller.engine.patience import Patience
from controller.engine.plan import Memo, Situation, plan
from controller.engine.report import Findings, fold
from controller.engine.sight import Connections
from controller.engine.wanted import Wanted


@dataclass
class Survey:
    """What one look found: the plan with its decisions and their `facts`, and the report, folded when asked for. Nothing was
    written. `only` are the connections that were looked at (None = all); of the others it holds what the look before showed.
    `plea` is what a person is told about a revision that may not simply take the place of the deployed one."""

    revision: Revision
    estate: Estate
    world: World
    plan: Plan
    facts: Circumstances
    decisions: dict[str, Decision]
    situation: Situation
    folded: Callable[[], Report]
    only: Connections | None = None
    plea: str = ""

    @cached_property
    def report(self) -> Report:
        """How every key stands."""
        return self.folded()

    @property
    def allowed(self) -> tuple[Rollout, ...]:
        """Rollouts that may be applied now."""
        return tuple(r for r in self.plan.rollouts if self.decisions[r.digest].verdict is Verdict.ALLOW)


@dataclass(frozen=True)
class Seen:
    """What a look is judged by: the `estate` of what is wanted, as the backends will store it; the ledger and the world as they
    were; the keys that cannot be planned now."""

    wanted: Wanted
    estate: Estate
    rows: Mapping[Place, Row]
    world: World
    providers: Providers
    unready: tuple[Note, ...]


@dataclass(frozen=True)
class Said:
    """What people and failures left in the store, at one time (`now` in seconds since the epoch)."""

    quarantined: Collection[Quarantine]
    suspended: Mapping[str, Suspension]
    approvals: Mapping[str, Approval]
    now: float


@dataclass(frozen=True)
class Surveyor:
    """Plans and judges what was seen. For many threads."""

    store: Store
    clock: Clock
    kinds: Mapping[str, Kind]
    lineage: Lineage
    patience: Patience
    world_name: str

    def said(self) -> Said:
        """What a look is judged by besides, now."""
        store = self.store
        return Said(store.quarantined(), store.suspensions(), store.approvals(), self.clock.now())

    def survey(self, seen: Seen, memo: Memo, only: Connections | None = None, said: Said | None = None) -> Survey:
        """What follows from a look. `memo` belongs to the caller, and is changed; `said` is shared by looks that are compared."""
        wanted, estate, rows = seen.wanted, seen.estate, seen.rows
        said = said or self.said()
        situation = Situation(
            estate=estate,
            world=seen.world,
            rows=rows if estate.revision.id else {},
            kinds=self.kinds,
            quarantined=said.quarantined,
            suspended=said.suspended,
            unready=seen.unready,
            providers=seen.providers,
            now=said.now,
        )
        made = plan(situation, memo)
        facts = Circumstances(
            policy=estate.policy,
            owned=len(rows),
            wanted=len(estate.resources),
            now=said.now,
            history=self.lineage.doubt(estate.revision),
            approvals=said.approvals,
            kinds=self.kinds,
        )
        decisions = judge(made, facts)
        waits = {each.digest: self.patience.waits(each, estate.policy.timezone) for each in made.rollouts}
        plea = self.lineage.plea(estate.revision, facts.history, made)
        reason = wanted.reason or plea
        findings = Findings(wanted.revision, estate, seen.world, rows, made, decisions, wanted.diagnostics, reason, waits)
        folded = partial(fold, findings, said.now, self.world_name)
        return Survey(wanted.revision, estate, seen.world, made, facts, decisions, situation, folded, only, plea)
