"""Reverting: after an automatic rollback, a proposal waits that takes the bad change out of git as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from controller.core.decision import Quarantine
from controller.core.document import Files, Revision
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.proposal import CONTROLLER, Edits, Stale, Standing
from controller.core.run import Outcome
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change, declaring
from controller.usecases.review import Reviewing
from controller.usecases.rollback import used_files

_FARTHEST = 50
_LONGEST = 90


@dataclass(frozen=True)
class Reverting:
    """Proposals of the controller's own: one per quarantined rollout, as long as git holds what failed. Only for who leads."""

    propose: Propose
    review: Reviewing
    _seen: dict[str, object] = field(default_factory=dict, init=False, repr=False)

    def tend(self) -> None:
        """Propose what is missing, and take back what git does not need any more. Never raises for what git or the specs refuse:
        the quarantine itself stays told."""
        shelf = self.propose.shelf
        failed = {item.digest: item for item in shelf.store.quarantined() if not item.repair}
        waiting = [item for item in shelf.all() if item.remedies]
        if not failed and not waiting:
            return
        with suppress(SourceError, SpecError, Refused):
            state = (shelf.source.head().id, frozenset(failed), frozenset(item.id for item in waiting))
            if self._seen.get("state") == state:
                return
            found = self.propose.reconciler.survey()
            blind = {str(note.key) for note in found.situation.unready}
            for proposal in waiting:
                item = failed.get(proposal.remedies)
                if item is None or (not blind & item.wanted.keys() and not _holds(found.estate, item)):
                    self.review.expire(proposal, "git no longer holds what failed")
            known = {each.remedies for each in shelf.all(tuple(Standing)) if each.remedies}
            files = shelf.source.read(found.revision.id)
            asked = [item for item in failed.values() if item.digest not in known and _holds(found.estate, item)]
            written = [self._open(item, found.revision, files, found.estate) for item in asked]
            if all(written) and not any(blind & item.wanted.keys() for item in failed.values()):
                self._seen["state"] = state

    def _open(self, item: Quarantine, head: Revision, files: Files, estate: Estate) -> bool:
        """Propose one; False when it could not be written now."""
        edits: dict[str, bytes | None] = {}
        for key in map(Key.parse, item.wanted):
            edits.update(self._undone(key, item, files, estate))
        if not edits:
            return True
        keys = ", ".join(item.wanted)
        title = f"Take back {keys if len(keys) <= _LONGEST else f'{len(item.wanted)} keys'}"
        reason = (
            f"{item.culprit} failed in {item.revision[:10]} and was rolled back: {' '.join(item.reason.split())[:1000]}\n\n"
            f"What runs is what was applied before; git still wants what failed. This takes git back, on top of {head.short}."
        )
        try:
            self.propose.open(title, reason, CONTROLLER, Change(edits, seen=files), remedies=item.digest)
        except (SourceError, Stale):
            return False
        except Refused:
            return True  # what it asks for cannot be proposed at all
        return True

    def _undone(self, key: Key, item: Quarantine, files: Files, estate: Estate) -> Edits:
        """The files of a key as they were when it was applied last; where it never was, as they were before the bad revision."""
        for then in self._before(key, item):
            with suppress(SourceError):
                old = self.propose.shelf.source.read(then.id)
                paths = self._paths(key, then, old) | self._paths(key, None, files, estate)
                changed = {path: old.read(path) for path in sorted(paths) if old.identity(path) != files.identity(path)}
                if changed:
                    return changed
        return {}

    def _paths(self, key: Key, revision: Revision | None, files: Files, estate: Estate | None = None) -> set[str]:
        """The files that declare a key in a revision, and what these use."""
        linker = self.propose.reconciler.linker
        found = set(declaring(key, files, linker.reader))
        if estate is not None and key in estate.resources:
            found.add(estate.resources[key].origin.file)
        used = revision or Revision("")
        return {path for each in found for path in used_files(linker, each, files, used)}

    def _before(self, key: Key, item: Quarantine) -> Iterator[Revision]:
        """Revisions from before the failure that may be gone back to, best first."""
        source, store = self.propose.shelf.source, self.propose.shelf.store
        names = [row.revision for (each, _), row in store.rows().items() if each == key and row.applied is not None]
        names += [run.revision for run in store.runs(_FARTHEST) if run.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)]
        for name in dict.fromkeys([*names, f"{item.revision}~1"]):
            if name and name != item.revision:
                with suppress(SourceError):
                    yield source.revision(name)


def _holds(estate: Estate, item: Quarantine) -> bool:
    """True while every key of it is desired as it failed."""
    resources = estate.resources
    wanted = {Key.parse(name): digest for name, digest in item.wanted.items()}
    return all((resources[key].digest if key in resources else "") == digest for key, digest in wanted.items())
