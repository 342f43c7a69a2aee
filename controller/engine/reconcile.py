"""Reconcile: read git, read the world, subtract, ask the rules, write down what you are about to do, do it, check that it
lives, otherwise do the opposite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import RLock

from controller.core.decision import Quarantine
from controller.core.document import Files, Revision
from controller.core.errors import Severity
from controller.core.estate import Estate, HomelabSpec
from controller.core.event import Report
from controller.core.plan import Note, Rollout
from controller.core.ports import Follows, Providers, Source
from controller.core.run import RolloutRun, Run
from controller.engine import adapt as adapting
from controller.engine.bench import Bench
from controller.engine.busy import UNSETTLED, busy
from controller.engine.dry_run import DryRun
from controller.engine.flights import Flights
from controller.engine.hold import LEFT_OUT
from controller.engine.lineage import Lineage, more_than_repairs, outstanding
from controller.engine.link import Linker
from controller.engine.observe import targets
from controller.engine.patience import Patience
from controller.engine.plan import Memo, Situation
from controller.engine.recover import recover
from controller.engine.refresh import refreshed
from controller.engine.report import News
from controller.engine.sight import Basis, Connections, Sight, Targets
from controller.engine.survey import Seen, Survey, Surveyor
from controller.engine.wanted import Reading, Wanted


@dataclass(frozen=True)
class _Calm:
    """A look that found nothing to do, and all it followed from; large parts stay the same objects while nothing moves."""

    basis: Basis
    targets: Targets
    followed: Sequence[tuple[Follows, str]]
    said: tuple[object, ...]
    survey: Survey

    def stands_on(self, basis: Basis) -> bool:
        """True when the same things are wanted and known."""
        return basis.same(self.basis) and all(provider.token() == token for provider, token in self.followed)

    def again(self, at: float, only: Connections | None) -> Survey:
        """The same found once more."""
        return replace(self.survey, folded=lambda: replace(self.survey.report, at=at), only=only)


@dataclass
class Reconciler:
    """The loop's one pass, and the read-only half of it. Keeps what it learned between passes; all of it can be lost."""

    source: Source
    linker: Linker
    bench: Bench
    connect: Callable[[HomelabSpec], Providers]
    new_run: Callable[[], str]
    world_name: str
    beside: Callable[[HomelabSpec], Providers] | None = None
    """The providers for a specification that is only looked at (None = `connect` may be used for it)."""
    flights: Flights = field(init=False)
    patience: Patience = field(init=False)
    last: Report | None = field(default=None, init=False)
    shown: Survey | None = field(default=None, init=False)
    """What the last pass ended with; `last` is its report."""
    unsettled: bool = field(default=False, init=False)
    """True while an interrupted rollout could not be settled."""

    def __post_init__(self) -> None:
        self.patience = Patience(self.bench.clock)
        self.flights = Flights(self.bench, self._landed)
        self._sight = Sight(self.bench.clock)
        self._estates: dict[str, Estate] = {}
        self._adapted: adapting.Memory = {}
        self._memo: Memo = {}
        self._calm: _Calm | None = None
        self._followed: Situation | None = None
        self._news = News()
        self._lock = RLock()
        self._reading = RLock()

    @property
    def lineage(self) -> Lineage:
        """Which revision is the deployed one."""
        return Lineage(self.source, self.bench.store)

    def reconcile(
        self, cause: str, by: str, leave: Flag | None = None, *, patient: bool = False, only: Connections | None = None
    ) -> Report:
        """One pass. Returns when everything it started has ended, or as soon as `leave` is set. A `patient` pass leaves alone
        what failed a short while ago (see `patience`). With `only`, nothing but these connections told of a change: the others
        are not looked at as long as nothing but repairs of what was looked at is to be written."""
        wanted = self.wanted()
        self._settle(wanted.estate)
        earlier = bool(self.flights.runs())
        found = self._see(wanted, only)
        if found.only is not None and any(_reaches_beyond(item, found.only) for item in self._ready(found, patient=patient)):
            found = self._see(wanted)
        tried = self._launch(found, cause, by, self._ready(found, patient=patient))
        if earlier or tried:
            landed = self.flights.wait(leave) and not (leave and leave.is_set())
            found = self._see(wanted)
            # What waited for a rollout from before, such as one that an interruption left unproven, goes on at once.
            if earlier and landed and self._launch(found, cause, by, self._ready(found, patient=patient, tried=tried)):
                self.flights.wait(leave)
                found = self._see(wanted)
        return self._publish(found)

    def survey(self, files: Files | None = None, *, own: bool = False, only: Connections | None = None) -> Survey:
        """The plan and the report as they are now, without writing anything. With `files`, of those instead of git's: their
        connections are not opened unless they are the operator's `own`. With `only`, see `reconcile`."""
        if files is None:
            return self._look(self.wanted(), only)
        proposed = self._proposed(files)
        if not own:
            self._open(self.wanted())
        (found,) = self._dry_run().look(proposed)
        return found

    def compare(self, files: Files) -> tuple[Survey, Survey]:
        """What `survey` tells of git's newest and of `files`, from one look at both in which no pass is held up. Raises
        SpecError, Transient."""
        proposed, wanted = self._proposed(files), self.wanted()
        self._open(wanted)
        now, then = self._dry_run().look(wanted, proposed)
        return now, then

    def wanted(self) -> Wanted:
        """The specification that is reconciled; no backend is looked at."""
        with self._reading:
            return Reading(self.source, self.linker, self.lineage, self._estates).wanted()

    def _proposed(self, files: Files) -> Wanted:
        revision = Revision("worktree")
        return Wanted(revision, self.linker.estate(revision, files))

    def _surveyor(self) -> Surveyor:
        bench = self.bench
        return Surveyor(bench.store, bench.clock, self.linker.kinds, self.lineage, self.patience, self.world_name)

    def _dry_run(self) -> DryRun:
        return DryRun(self.bench, self._surveyor(), self.flights, self.beside or self.connect)

    def _open(self, wanted: Wanted) -> None:
        """Let what is proposed find the connections of what is deployed. A pass changes them, and nobody else."""
        if not self.bench.providers():
            self.connect(wanted.estate.homelab)

    def forget(self) -> None:
        """Load the specification anew in the next pass (a secret was changed)."""
        with self._reading:
            self._estates.clear()
        self._adapted, self._memo = {}, {}  # a pass under way goes on with its own
        self._calm = None

    def _see(self, wanted: Wanted, only: Connections | None = None) -> Survey:
        found = self._look(wanted, only)
        self._follow(found)
        return found

    def _ready(self, found: Survey, *, patient: bool, tried: Collection[str] = frozenset()) -> tuple[Rollout, ...]:
        """What may be applied now, but for what was tried in this pass."""
        rollouts = tuple(r for r in found.allowed if r.digest not in tried and not self.patience.deferred(r)[0])
        return self.patience.ready(rollouts) if patient else rollouts

    def _launch(self, found: Survey, cause: str, by: str, rollouts: tuple[Rollout, ...]) -> frozenset[str]:
        """Start rollouts; their digests."""
        if not rollouts or self.bench.closing.is_set():
            return frozenset()
        if more_than_repairs(rollouts):
            self.lineage.accept(found.estate.revision)
        run = Run(self.new_run(), found.estate.revision.id, cause, by, self.bench.clock.now())
        self._sight.forget()
        self.flights.launch(run, rollouts)
        return frozenset(rollout.digest for rollout in rollouts)

    def _landed(self, rollout: Rollout, end: RolloutRun) -> None:
        self._sight.forget()
        self.patience.ended(rollout, end.outcome, end.not_before, end.reason)

    def _settle(self, estate: Estate) -> None:
        """Call off what the estate no longer wants, and close what an interruption left open."""
        if not self.flights.runs() and not self.bench.store.open_entries():
            return
        wanted: Estate | None = None
        if estate.revision.id:
            wanted, _ = self._adapt(estate, self.connect(estate.homelab))
            self.flights.supersede(wanted)
        if not self.bench.closing.is_set():
            recover(self.bench, self.flights.resume, self.flights.runs(), wanted)
        self._sight.forget()

    def _adapt(self, estate: Estate, providers: Providers) -> tuple[Estate, tuple[Note, ...]]:
        adapted, notes = adapting.adapt(estate.resources, self.bench.store.rows(), providers, self._adapted)
        return replace(estate, resources=adapted), tuple(notes)

    def _look(self, wanted: Wanted, only: Connections | None = None) -> Survey:
        with self._lock:
            return self._look_locked(wanted, only)

    def _look_locked(self, wanted: Wanted, only: Connections | None) -> Survey:
        estate = wanted.estate
        # Before the look: what lands during it is judged by the next one.
        wait_for = busy(self.bench, self.flights, estate.policy.timezone)
        basis = Basis(estate, self.bench.store.rows(), self.connect(estate.homelab))
        rows, providers = basis.rows, basis.providers
        only = None if wait_for or self.flights.runs() else only
        unready: tuple[Note, ...] = ()
        calm = None if wait_for else self._calm
        if calm is not None and calm.stands_on(basis):
            world, only = self._sight.look(basis, calm.targets, only)
            if world == calm.survey.world and self._said(wanted) == calm.said:
                return calm.again(self.bench.clock.now(), only)
            followed, places, estate = calm.followed, calm.targets, calm.survey.estate
        else:
            followed = adapting.followed(providers)
            estate, unready = self._adapt(estate, providers)
            places = targets(estate.resources.values(), rows)
            world, only = self._sight.look(basis, places, only)
        seen = Seen(wanted, estate, rows, world, providers, (*unready, *wait_for))
        found = self._surveyor().survey(seen, self._memo, only)
        situation, made = found.situation, found.plan
        said = (wanted.revision, wanted.diagnostics, wanted.reason, situation.quarantined, situation.suspended)
        loud = made.rollouts or situation.unready or found.plea or any(note.reason in LEFT_OUT for note in made.notes)
        self._calm = None if loud else _Calm(basis, places, followed, said, found)
        return found

    def _said(self, wanted: Wanted) -> tuple[object, ...]:
        """What a look follows from beside the world, the specification and the ledger."""
        return wanted.revision, wanted.diagnostics, wanted.reason, self.bench.store.quarantined(), self.bench.store.suspensions()

    def _follow(self, found: Survey) -> None:
        """Ledger rows, quarantine and the live revision follow what this pass established."""
        for rollout in self.patience.vain(found.plan):
            self._stop(rollout, found.estate.revision.id)
        if found.only is not None:
            return  # what is kept for good follows from one look at everything
        if not self.lineage.follow(found.estate.revision, pending=outstanding(found.plan, found.situation)):
            return  # not even what protects an object may change with it
        if found.situation is not self._followed:
            if stale := refreshed(found.situation, found.plan):
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
        for event in self._news(self.last, found.report):
            self.bench.tell(event)
        self.last, self.shown = found.report, found
        self.unsettled = any(note.message == UNSETTLED for note in found.situation.unready)
        self.patience.expect(min((note.until for note in found.plan.notes if note.until), default=0.0))
        return found.report


def _reaches_beyond(rollout: Rollout, only: Connections) -> bool:
    """True when it is more than a repair of what these connections hold: everything is looked at before that is written."""
    return not rollout.drift or any(change.provider not in only for change in rollout.changes)
