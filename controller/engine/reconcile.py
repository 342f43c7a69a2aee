"""Reconcile: read git, read the world, subtract, ask the rules, write down what you are about to do, do it, check that it
lives, otherwise do the opposite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import RLock

from controller.core.decision import Decision, Quarantine, Verdict
from controller.core.document import Files, Revision
from controller.core.errors import Diagnostic, Severity, SourceError, SpecError
from controller.core.estate import Estate, HomelabSpec
from controller.core.event import Report
from controller.core.plan import Note, Plan, Rollout
from controller.core.ports import Follows, Place, Providers, Source, Vouches
from controller.core.run import Row, Run
from controller.core.state import Target
from controller.engine import adapt as adapting
from controller.engine.bench import Bench
from controller.engine.busy import UNSETTLED, busy
from controller.engine.flights import Flights
from controller.engine.hold import LEFT_OUT
from controller.engine.judge import Circumstances, judge
from controller.engine.lineage import Lineage, more_than_repairs, outstanding
from controller.engine.link import Linker
from controller.engine.observe import World, observe, targets
from controller.engine.patience import Patience
from controller.engine.plan import Memo, Situation, plan, refreshed
from controller.engine.recover import recover
from controller.engine.report import Findings, fold, news


@dataclass
class Survey:
    """What one look found: the plan with its decisions, and the folded report. Nothing was written."""

    revision: Revision
    estate: Estate
    world: World
    plan: Plan
    decisions: dict[str, Decision]
    report: Report
    situation: Situation

    @property
    def allowed(self) -> tuple[Rollout, ...]:
        """Rollouts that may be applied now."""
        return tuple(r for r in self.plan.rollouts if self.decisions[r.digest].verdict is Verdict.ALLOW)


@dataclass(frozen=True)
class _Calm:
    """A look that found nothing to do, and all it followed from; large parts stay the same objects while nothing moves."""

    estate: Estate
    rows: Mapping[Place, Row]
    providers: Providers
    targets: Mapping[tuple[str, str], list[Target]]
    followed: Sequence[tuple[Follows, str]]
    said: tuple[object, ...]
    survey: Survey

    def stands_on(self, estate: Estate, rows: Mapping[Place, Row], providers: Providers) -> bool:
        """True when the same things are wanted and known."""
        same = self.estate is estate and self.rows is rows and self.providers is providers
        return same and all(provider.token() == token for provider, token in self.followed)


@dataclass
class Reconciler:
    """The loop's one pass, and the read-only half of it. Keeps what it learned between passes; all of it can be lost."""

    source: Source
    linker: Linker
    bench: Bench
    connect: Callable[[HomelabSpec], Providers]
    new_run: Callable[[], str]
    world_name: str
    flights: Flights = field(init=False)
    patience: Patience = field(init=False)
    last: Report | None = field(default=None, init=False)
    unsettled: bool = field(default=False, init=False)
    """True while an interrupted rollout could not be settled."""

    def __post_init__(self) -> None:
        self.patience = Patience(self.bench.clock)
        self.flights = Flights(
            self.bench, lambda rollout, end: self.patience.ended(rollout, end.outcome, end.not_before, end.reason)
        )
        self._estates: dict[str, Estate] = {}
        self._adapted: adapting.Memory = {}
        self._memo: Memo = {}
        self._calm: _Calm | None = None
        self._followed: Situation | None = None
        self._lock = RLock()

    @property
    def lineage(self) -> Lineage:
        """Which revision is the deployed one."""
        return Lineage(self.source, self.bench.store)

    def reconcile(self, cause: str, by: str, leave: Flag | None = None, *, patient: bool = False) -> Report:
        """One pass. Returns when everything it started has ended, or as soon as `leave` is set. A `patient` pass leaves alone
        what failed a short while ago (see `patience`)."""
        with self._lock:
            read = self._read()
        self._settle(read[1])
        earlier = bool(self.flights.runs())
        found = self._see(*read)
        tried = self._launch(found, cause, by, patient=patient)
        if earlier or tried:
            landed = self.flights.wait(leave) and not (leave and leave.is_set())
            found = self._see(*read)
            # What waited for a rollout from before, such as one that an interruption left unproven, goes on at once.
            if earlier and landed and self._launch(found, cause, by, patient=patient, tried=tried):
                self.flights.wait(leave)
                found = self._see(*read)
        return self._publish(found)

    def survey(self, files: Files | None = None) -> Survey:
        """The plan and the report as they are now, without writing anything. With `files`, of those instead of git's."""
        if files is not None:
            revision = Revision("worktree")
            return self._look(revision, self.linker.estate(revision, files), (), "", fresh=True)
        with self._lock:
            return self._look(*self._read())

    def forget(self) -> None:
        """Load the specification anew in the next pass (a secret was changed)."""
        self._estates.clear()
        self._adapted.clear()
        self._memo.clear()
        self._calm = None

    def _see(self, revision: Revision, estate: Estate, diagnostics: tuple[Diagnostic, ...], reason: str) -> Survey:
        found = self._look(revision, estate, diagnostics, reason)
        self._follow(found)
        return found

    def _launch(
        self, found: Survey, cause: str, by: str, *, patient: bool, tried: Collection[str] = frozenset()
    ) -> frozenset[str]:
        """Start what may be applied, but for what was tried in this pass; the digests."""
        rollouts = tuple(r for r in found.allowed if r.digest not in tried and not self.patience.deferred(r)[0])
        rollouts = self.patience.ready(rollouts) if patient else rollouts
        if not rollouts or self.bench.closing.is_set():
            return frozenset()
        if more_than_repairs(rollouts):
            self.lineage.accept(found.estate.revision)
        run = Run(self.new_run(), found.estate.revision.id, cause, by, self.bench.clock.now())
        self.flights.launch(run, rollouts)
        return frozenset(rollout.digest for rollout in rollouts)

    def _read(self) -> tuple[Revision, Estate, tuple[Diagnostic, ...], str]:
        """Git's newest revision; when it is refused, the last good one stays live and the reason is told."""
        try:
            revision = self.source.head()
        except SourceError as error:
            return self._fallback(Revision(""), (), str(error))
        if reason := self._doubt(revision):
            return self._fallback(revision, (), f"{reason}; the last good revision stays live")
        try:
            return revision, self._estate(revision), (), ""
        except SpecError as error:
            return self._fallback(
                revision, error.diagnostics, f"{revision.short} is not valid; the last good revision stays live"
            )
        except SourceError as error:
            return self._fallback(revision, (), str(error))

    def _fallback(
        self, revision: Revision, diagnostics: tuple[Diagnostic, ...], reason: str
    ) -> tuple[Revision, Estate, tuple[Diagnostic, ...], str]:
        live = self.lineage.live
        if live:
            try:
                return revision, self._estate(self.source.revision(live)), diagnostics, reason
            except (SpecError, SourceError) as error:
                reason = f"{reason}; and the last good revision {live[:10]} cannot be read: {error}"
        # Nothing can be read: every key of ours is left alone.
        return revision, Estate(replace(revision, id=""), {}), diagnostics, reason

    def _doubt(self, revision: Revision) -> str:
        """Why the newest revision may not be followed; what is deployed already may."""
        reason = self.source.doubt(revision.id) if isinstance(self.source, Vouches) else ""
        return "" if reason and revision.id == self.lineage.live else reason

    def _estate(self, revision: Revision) -> Estate:
        known = self._estates.get(revision.id)
        if known is None:
            known = self.linker.estate(revision, self.source.read(revision.id))
            self._estates = {revision.id: known}
        return known

    def _settle(self, estate: Estate) -> None:
        """Call off what the estate no longer wants, and close what an interruption left open."""
        if not self.flights.runs() and not self.bench.store.open_entries():
            return
        wanted: Estate | None = None
        if estate.revision.id:
            wanted, _ = self._adapt(estate)
            self.flights.supersede(wanted)
        if not self.bench.closing.is_set():
            recover(self.bench, self.flights.resume, self.flights.runs(), wanted)

    def _adapt(self, estate: Estate) -> tuple[Estate, tuple[Note, ...]]:
        memory = self._adapted
        adapted, notes = adapting.adapt(estate.resources, self.bench.store.rows(), self.connect(estate.homelab), memory)
        return replace(estate, resources=adapted), tuple(notes)

    def _look(
        self, revision: Revision, estate: Estate, diagnostics: tuple[Diagnostic, ...], reason: str, *, fresh: bool = False
    ) -> Survey:
        with self._lock:
            return self._look_locked(revision, estate, diagnostics, reason, fresh)

    def _look_locked(
        self, revision: Revision, estate: Estate, diagnostics: tuple[Diagnostic, ...], reason: str, fresh: bool
    ) -> Survey:
        store, clock = self.bench.store, self.bench.clock
        # Before the look: what lands during it is judged by the next one.
        wait_for = busy(self.bench, self.flights, estate.policy.timezone)
        rows = store.rows()
        providers = self.connect(estate.homelab)
        calm = None if fresh or wait_for else self._calm
        if calm is not None and calm.stands_on(estate, rows, providers):
            world = observe(providers, calm.targets)
            if world == calm.survey.world and self._said(revision, diagnostics, reason) == calm.said:
                return replace(calm.survey, report=replace(calm.survey.report, at=clock.now()))
        declared, followed = estate, adapting.followed(providers)
        estate, unready = self._adapt(estate)
        wanted = targets(estate.resources.values(), rows)
        world = observe(providers, wanted)
        situation = Situation(
            estate=estate,
            world=world,
            rows=rows if estate.revision.id else {},
            kinds=self.linker.kinds,
            quarantined=store.quarantined(),
            suspended=store.suspensions(),
            unready=(*unready, *wait_for),
            providers=providers,
            now=clock.now(),
        )
        made = plan(situation, {} if fresh else self._memo)
        facts = Circumstances(
            policy=estate.policy,
            owned=len(rows),
            wanted=len(estate.resources),
            now=clock.now(),
            history=self.lineage.doubt(estate.revision),
            approvals=store.approvals(),
            kinds=self.linker.kinds,
        )
        decisions = judge(made, facts)
        waits = {each.digest: self.patience.waits(each, estate.policy.timezone) for each in made.rollouts}
        doubt = self.lineage.plea(estate.revision, facts.history, made)
        findings = Findings(revision, estate, world, rows, made, decisions, diagnostics, reason or doubt, waits)
        report = fold(findings, clock.now(), self.world_name)
        survey = Survey(revision, estate, world, made, decisions, report, situation)
        said = (revision, diagnostics, reason, situation.quarantined, situation.suspended)
        quiet = not (fresh or made.rollouts or situation.unready or doubt or any(note.reason in LEFT_OUT for note in made.notes))
        self._calm = _Calm(declared, rows, providers, wanted, followed, said, survey) if quiet else None
        return survey

    def _said(self, revision: Revision, diagnostics: tuple[Diagnostic, ...], reason: str) -> tuple[object, ...]:
        """What a look follows from beside the world, the specification and the ledger."""
        return revision, diagnostics, reason, self.bench.store.quarantined(), self.bench.store.suspensions()

    def _follow(self, found: Survey) -> None:
        """Ledger rows, quarantine and the live revision follow what this pass established."""
        for rollout in self.patience.vain(found.plan):
            self._stop(rollout, found.estate.revision.id)
        if not self.lineage.follow(found.estate.revision, pending=outstanding(found.plan, found.situation)):
            return  # not even what protects an object may change with it
        if found.situation is not self._followed:
            stale = refreshed(found.situation, found.plan)
            if stale:
                self.bench.store.put(stale)
            self._followed = found.situation

    def _stop(self, rollout: Rollout, revision: str) -> None:
        """It was applied again and again and is planned still: never an eternal loop."""
        change = rollout.changes[0]
        reason = f"applied again and again, and still: {change.cause}"
        item = Quarantine(rollout.digest, rollout.wanted, str(change.key), reason, revision, self.bench.clock.now(), repair=True)
        self.bench.store.quarantine(item)
        self.bench.say(
            "DoesNotConverge", f"{change.key}: {reason}; `homelab retry {change.key}` tries again", severity=Severity.ERROR
        )

    def _publish(self, found: Survey) -> Report:
        for event in news(self.last, found.report):
            self.bench.tell(event)
        self.last = found.report
        self.unsettled = any(note.message == UNSETTLED for note in found.situation.unready)
        self.patience.expect(min((note.until for note in found.plan.notes if note.until), default=0.0))
        return found.report
