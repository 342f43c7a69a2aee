"""Sync: make the world follow git, and what a person says about it (approve, retry, suspend, roll back, detach)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.core.change import Action
from controller.core.decision import Approval, Suspension, Verdict
from controller.core.discovery import LetsGo
from controller.core.errors import ProviderError, Refused, Severity, SourceError, SpecError
from controller.core.event import Event, Report
from controller.core.key import Key
from controller.core.plan import Rollout
from controller.core.ports import Clock, Providers, Source, Store
from controller.core.run import Outcome, Row
from controller.core.state import Target
from controller.engine.reconcile import Reconciler
from controller.engine.survey import Survey
from controller.usecases.look import nobodys

RunNow = Callable[[str, str], Report]
"""(cause, by) → the report of a pass that began after the call. In the controller this goes through its queue."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """What is no longer ours. `removed` had been kept beside it for an undo; `remains` says what of that could not be removed."""

    keys: tuple[str, ...]
    removed: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sync:
    """The writing use cases. `run_now` makes one pass happen."""

    reconciler: Reconciler
    source: Source
    store: Store
    clock: Clock
    run_now: RunNow

    def apply(self, by: str, cause: str = "asked") -> Report:
        """One pass now."""
        return self.run_now(cause, by)

    def approve(self, digests: Sequence[str], by: str, reason: str = "") -> tuple[str, ...]:
        """Approve exactly these held rollouts (full digests or prefixes of six and more). Returns the full digests. The id of a
        revision that does not descend from the deployed one accepts that revision, with nothing that its plan may hold.

        Raises Refused when one is unknown now (stale: desired state, touched object or policy moved) or denied."""
        return self._say(digests, True, by, reason)

    def reject(self, digests: Sequence[str], by: str, reason: str = "") -> tuple[str, ...]:
        """Say no to held rollouts; they stay held until something in them changes."""
        return self._say(digests, False, by, reason)

    def retry(self, target: str, by: str) -> tuple[str, ...]:
        """Lift the quarantine of a rollout digest, of everything with a key, or of all ("all")."""
        lifted = [
            item.digest
            for item in self.store.quarantined()
            if target in ("all", *item.wanted) or (len(target) >= 6 and item.digest.startswith(target))
        ]
        if not lifted:
            raise Refused(f"nothing is quarantined under {target!r}")
        for digest in lifted:
            self.store.absolve(digest)
        self._tell("Retried", f"{by} lifts the quarantine of {', '.join(d[:12] for d in lifted)}")
        return tuple(lifted)

    def suspend(self, key: Key, by: str, reason: str = "") -> None:
        """Leave a key alone until resumed; what is under way for it is called off."""
        self._known(key)
        self.store.suspend(Suspension(str(key), by, self.clock.now(), reason))
        self.reconciler.flights.supersede_keys([key])
        self._tell("Suspended", f"{by}: {reason}" if reason else by, str(key))

    def resume(self, key: Key, by: str) -> None:
        """Take a key up again; raises Refused when it was not suspended by a person."""
        if str(key) not in self.store.suspensions():
            raise Refused(f"{key} is not suspended here; `suspend: true` in the specification is lifted by a commit")
        self.store.resume(str(key))
        self._tell("Resumed", by, str(key))

    def detach(self, keys: Sequence[Key] | None, by: str) -> LetGo:
        """Let go of keys (None = everything): they keep running and are no longer ours; what was kept for an undo is removed.
        They stay suspended so that the next pass does not take them back; `resume` or `adopt` does."""
        rows = self.store.rows()
        places = [place for place in rows if keys is None or place[0] in keys]
        if not places:
            raise Refused("nothing of that is ours")
        self.reconciler.flights.supersede_keys(place[0] for place in places)
        now = self.clock.now()
        for key, _ in places:
            self.store.suspend(Suspension(str(key), by, now, "detached"))
        self.store.drop(places)
        names = tuple(str(key) for key, _ in places)
        self._tell("Detached", f"{by} lets go of {len(names)} objects: {', '.join(names)}")
        return self._cleared(names, [rows[place] for place in places])

    def _cleared(self, names: tuple[str, ...], rows: Sequence[Row]) -> LetGo:
        removed: list[str] = []
        remains: list[str] = []
        providers = self._providers()
        for row in rows:
            asked: object = providers.get((row.key.kind, row.provider))
            if not isinstance(asked, LetsGo):
                continue
            try:
                removed += asked.let_go(Target(row.key, row.address, row.handle))
            except ProviderError as error:
                remains.append(f"what was kept for an undo of {row.key} could not be removed: {error}")
        if removed:
            self._tell("Tidied", f"removed {', '.join(removed)}, kept for an undo until now")
        return LetGo(names, tuple(removed), tuple(remains))

    def _providers(self) -> Providers:
        """Those that the specs name; while they cannot be read, those that were named last."""
        try:
            head = self.source.head()
            return self.reconciler.connect(self.reconciler.linker.estate(head, self.source.read(head.id)).homelab)
        except (SourceError, SpecError):
            return self.reconciler.bench.providers()

    def _say(self, digests: Sequence[str], approved: bool, by: str, reason: str) -> tuple[str, ...]:
        found = self.reconciler.survey()
        named = [digest for digest in digests if approved and self._doubted(digest, found)]
        rollouts = [self._rollout(digest, found, approved) for digest in digests if digest not in named]
        if named:
            self.reconciler.lineage.accept(found.revision)
            self._tell("Approved", f"{by}: revision {found.revision.short}" + (f": {reason}" if reason else ""))
        for rollout in rollouts:
            self.store.approve(Approval(rollout.digest, approved, by, self.clock.now(), reason))
            word = "Approved" if approved else "Rejected"
            self._tell(
                word, f"{by}: rollout {rollout.short} ({', '.join(map(str, rollout.keys))})" + (f": {reason}" if reason else "")
            )
        return (*(rollout.digest for rollout in rollouts), *([found.revision.id] if named else ()))

    def _doubted(self, digest: str, found: Survey) -> bool:
        """True when it names git's newest revision, which needs a word, and no rollout."""
        named = len(digest) >= 6 and found.revision.id.startswith(digest) and found.revision.id == found.estate.revision.id
        rollout = any(rollout.digest.startswith(digest) for rollout in found.plan.rollouts)
        return named and not rollout and bool(self.reconciler.lineage.doubt(found.revision))

    def _rollout(self, digest: str, found: Survey, approved: bool) -> Rollout:
        if len(digest) < 6:
            raise Refused("name at least the first six digits of the rollout digest")
        matching = [rollout for rollout in found.plan.rollouts if rollout.digest.startswith(digest)]
        if len(matching) != 1:
            now = ", ".join(rollout.short for rollout in found.plan.rollouts) or "none"
            raise Refused(
                f"rollout {digest} is not in the plan (any more): the desired state, a touched object or the policy has "
                f"moved since it was shown. Pending now: {now}; look at `homelab plan` again"
            )
        decision = found.decisions[matching[0].digest]
        if approved and decision.verdict is Verdict.DENY:
            raise Refused(
                f"rollout {matching[0].short} is denied by {decision.rule}: {decision.reason}; an approval cannot lift that"
            )
        asked = [str(change.key) for change in matching[0].changes if change.action is Action.ASK]
        if approved and asked:
            raise Refused(
                f"rollout {matching[0].short} waits for what only a person can do ({', '.join(asked)}): do it as "
                "`homelab plan` says; it goes on by itself as soon as the world shows it"
            )
        return matching[0]

    def _known(self, key: Key) -> None:
        if any(place[0] == key for place in self.store.rows()):
            return
        declared = self.reconciler.survey().estate.resources
        if key not in declared:
            raise nobodys(key, declared)

    def _tell(self, reason: str, message: str, key: str = "") -> None:
        self.store.append([Event(self.clock.now(), reason, message, Severity.INFO, key)])


def exit_code(outcome: Outcome) -> int:
    """The published exit code for how a run ended."""
    return {
        Outcome.ROLLED_BACK: 5,
        Outcome.STUCK: 6,
        Outcome.FAILED: 6,
        Outcome.WAITING: 8,
        Outcome.DENIED: 4,
    }.get(outcome, 0)
