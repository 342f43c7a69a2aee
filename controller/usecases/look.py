"""Look: everything that can be seen without writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event as Flag

from controller.core.diff import compare
from controller.core.errors import Refused, SpecError
from controller.core.event import Event
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.ports import Source, Speaks, Store
from controller.core.resource import Resource
from controller.core.run import Row
from controller.core.state import Observed, Present, Target
from controller.core.suggest import did_you_mean
from controller.engine.reconcile import Reconciler
from controller.engine.survey import Survey
from controller.usecases.fields import differing, side_by_side
from controller.usecases.notices import failing
from controller.usecases.views import (
    DiagnosticView,
    PlanView,
    ResourceView,
    RunView,
    StatusView,
    diagnostic_view,
    masked,
    plan_view,
    row_state,
    run_view,
    status_view,
)


def nobodys(key: Key, known: Iterable[Key]) -> Refused:
    """The refusal of a key that nothing is known of."""
    hint = did_you_mean(str(key), map(str, known)) or "`homelab status` lists what there is"
    return Refused(f"{key} is neither declared nor ours; {hint}")


def _differs(kind: Kind, wanted: Resource | None, observed: Observed, row: Row | None) -> Iterator[str]:
    """The paths in which the world is not as declared, by what the plan goes by."""
    if wanted is None or not isinstance(observed, Present):
        return
    applied, shown = (row.applied, row.shown) if row is not None else (None, None)
    for item in compare(wanted.state, observed.state, applied, shown, kind.same, kind.whole):
        yield from (path for path, _, _ in differing(item.path, masked(item.old), masked(item.new)))


@dataclass(frozen=True)
class Look:
    """The read-only use cases."""

    reconciler: Reconciler
    source: Source
    store: Store

    def status(self, *, fresh: bool = False) -> StatusView:
        """How every key stands; the last report of the loop unless `fresh` asks for a new look."""
        last = self.reconciler.last
        report = last if last is not None and not fresh else self.reconciler.survey().report
        return status_view(report, self.store.leader()[0], failing(self.store))

    def plan(self, *, worktree: bool = False, full: bool = False) -> PlanView:
        """What would be done now; with `worktree`, of the uncommitted files (never applied); with `full`, each change with its
        whole states. Raises SpecError, SourceError."""
        found = self.survey(worktree=worktree)
        return plan_view(found.plan, found.decisions, found.report, full=full)

    def plan_of(self, revision: str, *, full: bool = False) -> PlanView:
        """What it would take to go to another revision."""
        found = self.reconciler.survey(self.source.read(self.source.revision(revision).id))
        return plan_view(found.plan, found.decisions, found.report, full=full)

    def survey(self, *, worktree: bool = False) -> Survey:
        """The plan as records."""
        return self.reconciler.survey(self.source.worktree() if worktree else None, own=worktree)

    def validate(self, *, worktree: bool = False) -> tuple[DiagnosticView, ...]:
        """Every finding about the specification, without looking at any backend."""
        revision = self.source.head()
        files = self.source.worktree() if worktree else self.source.read(revision.id)
        try:
            estate = self.reconciler.linker.estate(revision, files)
        except SpecError as error:
            return tuple(map(diagnostic_view, error.diagnostics))
        return tuple(map(diagnostic_view, estate.warnings))

    def history(self, limit: int = 50, before: float | None = None) -> tuple[RunView, ...]:
        """Runs, newest first."""
        return tuple(run_view(run) for run in self.store.runs(limit, before))

    def run(self, name: str) -> RunView:
        """One run with its steps, by id or unique prefix; raises Refused when there is none."""
        run = self.store.run(name)
        if run is None:
            raise Refused(f"there is no run {name!r}; `homelab history` lists them")
        return run_view(run, tuple(self.store.entries(run.id)))

    def resource(self, key: Key) -> ResourceView:
        """Everything known about one key; raises Refused when nothing is."""
        found = self.reconciler.survey()
        wanted = found.estate.resources.get(key)
        row = next((row for (k, _), row in found.situation.rows.items() if k == key), None)
        if wanted is None and row is None:
            raise nobodys(key, found.estate.resources)
        provider = wanted.provider if wanted else row.provider if row else ""
        observed = found.world.of(key, provider)
        line = next((item for item in status_view(found.report).items if item.key == str(key)), None)
        kind = self.reconciler.linker.kinds[key.kind]
        plan = plan_view(found.plan, found.decisions, found.report)
        rollouts = tuple(each for each in plan.rollouts if any(change.key == str(key) for change in each.changes))
        desired = masked(dict(wanted.state)) if wanted else None
        shown = masked(dict(observed.state)) if isinstance(observed, Present) else None
        return ResourceView(
            status=line,
            origin=str(wanted.origin) if wanted else "",
            desired=desired,
            observed=shown,
            applied=row_state(row),
            needs=tuple(map(str, wanted.needs)) if wanted else (),
            claims=wanted.claims if wanted else (),
            handle=observed.handle if isinstance(observed, Present) else "",
            fields=side_by_side(desired, shown, row_state(row), _differs(kind, wanted, observed, row)),
            rollouts=rollouts,
            notes=tuple(note for note in plan.notes if note.key == str(key)),
        )

    def log(self, key: Key, lines: int, back: float = 0.0) -> str:
        """The last lines that an object of ours wrote, of the last `back` seconds (0 = however old), secrets masked. Raises
        Refused, Transient, Permanent."""
        speaker, target = self._speaker(key)
        return speaker.log(target, lines, self._since(back))

    def follow_log(self, key: Key, lines: int, back: float, stop: Flag) -> Iterator[str]:
        """The same, and then what it writes until `stop` is set. Raises what `log` raises, before the first line."""
        speaker, target = self._speaker(key)
        return speaker.follow(target, lines, self._since(back), stop)

    def _since(self, back: float) -> float:
        return self.reconciler.bench.clock.now() - back if back else 0.0

    def _speaker(self, key: Key) -> tuple[Speaks, Target]:
        found = self.reconciler.survey()
        wanted = found.estate.resources.get(key)
        row = next((row for (k, _), row in found.situation.rows.items() if k == key), None)
        place = (wanted.provider, wanted.address) if wanted else (row.provider, row.address) if row else None
        if place is None:
            raise nobodys(key, found.estate.resources)
        provider: object = self.reconciler.bench.providers().get((key.kind, place[0]))
        if not isinstance(provider, Speaks):
            raise Refused(f"{key} writes no log: {'it is simulated' if 'memory' in found.report.world else 'its kind has none'}")
        return provider, Target(key, place[1], row.handle if row else "")

    def events(self, after: int = 0, limit: int = 200, key: str = "") -> Sequence[Event]:
        """Events with a number above `after`, oldest first."""
        return self.store.events(after, limit, key)

    def last_event(self) -> int:
        """Number of the newest event."""
        return self.store.last_event()
