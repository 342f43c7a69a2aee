"""Rollback: go back to what was applied before, by a new commit. History is never rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256

from controller.core.document import Files, Revision
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.ports import Source, Store
from controller.core.resource import Resource
from controller.core.run import Outcome, Run
from controller.engine.link import Linker
from controller.engine.reconcile import Reconciler
from controller.usecases.proposal_effects import unseen
from controller.usecases.views import PlanView, plan_view

_FARTHEST = 200


@dataclass(frozen=True)
class Overlay:
    """Files of a revision with some of them replaced (None = removed)."""

    below: Files
    edits: Mapping[str, bytes | None]

    def paths(self) -> Iterable[str]:
        """Every file, sorted."""
        kept = {path for path in self.below.paths() if path not in self.edits}
        return sorted(kept | {path for path, content in self.edits.items() if content is not None})

    def identity(self, path: str) -> str | None:
        """A replaced file is named by its content."""
        if path not in self.edits:
            return self.below.identity(path)
        content = self.edits[path]
        return None if content is None else sha256(content).hexdigest()

    def read(self, path: str) -> bytes | None:
        """The content, or None when there is no such file."""
        return self.edits[path] if path in self.edits else self.below.read(path)


@dataclass
class _Watched:
    """Files of which only one is listed, remembering what else is read: the files that a document uses."""

    below: Files
    only: str
    read_too: set[str] = field(default_factory=set)

    def paths(self) -> Iterable[str]:
        return [self.only]

    def identity(self, path: str) -> str | None:
        return self.below.identity(path)

    def read(self, path: str) -> bytes | None:
        content = self.below.read(path)
        if content is not None:
            self.read_too.add(path)
        return content


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a rollback would do: where to, which files it writes (empty = the whole spec folder), and its plan."""

    revision: str
    key: str
    files: tuple[str, ...]
    message: str
    plan: PlanView


@dataclass(frozen=True)
class Rollback:
    """The use case behind `homelab rollback`."""

    reconciler: Reconciler
    source: Source
    store: Store

    def prepare(self, target: str = "") -> WayBack:
        """The way back to a revision, for one key (`kind/name`), or (nothing given) to what was applied before. Writes nothing.

        Raises Refused when there is no such way, or nobody can tell now what it would do, Transient when no plan could be made in
        time, SourceError for an unknown revision, SpecError when it is not valid today."""
        head = self.source.head()
        if "/" in target and not target.startswith("refs/"):
            return self._for_key(_key(target), head)
        goal = self.source.revision(target) if target else self._before(head)
        if self._same(goal.id, head.id):
            raise Refused(f"the specs of {goal.short} are those of {head.short} already: there is nothing to go back to")
        message = f"Roll back to {goal.short}\n\n{_subject(goal)}"
        return WayBack(goal.id, "", (), message, self._plan(self.source.read(goal.id), goal))

    def commit(self, way: WayBack, author: str) -> Revision:
        """Write it as a commit on top of the branch. Raises SourceError when the repository cannot be written."""
        if not way.files:
            return self.source.revert(way.revision, way.message, author)
        old = self.source.read(way.revision)
        return self.source.commit({path: old.read(path) for path in way.files}, way.message, author)

    def by_hand(self, way: WayBack) -> tuple[str, ...]:
        """What a person does where the repository cannot be written from here."""
        what = " ".join(way.files) or "."
        return (
            "in a clone of the specs, on the branch that is followed:",
            f"  git checkout {way.revision[:12]} -- {what}",
            f'  git commit -m "{way.message.splitlines()[0]}"',
            "  git push",
        )

    def _before(self, head: Revision) -> Revision:
        """The newest revision that was applied as a whole and whose specs differ from the present ones."""
        for run in self._runs():
            if run.outcome is Outcome.APPLIED and run.revision != head.id and not self._same(run.revision, head.id):
                return self.source.revision(run.revision)
        raise Refused("no earlier revision was applied; name one: `homelab rollback REV` (`git log` lists them)")

    def _same(self, one: str, other: str) -> bool:
        try:
            return _identities(self.source.read(one)) == _identities(self.source.read(other))
        except SourceError:
            return one == other

    def _for_key(self, key: Key, head: Revision) -> WayBack:
        files = self.source.read(head.id)
        now = self._resource(key, head, files)
        for run in self._runs():
            if not _applied(run, key) or run.revision == head.id:
                continue
            then = self._earlier(key, run.revision)
            if then is None or (now is not None and then[0].digest == now.digest):
                continue
            return self._restored(key, then, now, head)
        raise Refused(f"{key} was never applied differently from now; name a revision instead: `homelab rollback REV`")

    def _restored(self, key: Key, then: tuple[Resource, Revision], now: Resource | None, head: Revision) -> WayBack:
        resource, revision = then
        path = resource.origin.file
        if now is not None and now.origin.file != path:
            raise Refused(
                f"{key} was declared in {path} at {revision.short} and is in {now.origin.file} now: "
                "copy it back by hand, or roll back the whole revision"
            )
        old, new = self.source.read(revision.id), self.source.read(head.id)
        used = used_files(self.reconciler.linker, path, old, revision)
        paths = tuple(sorted(item for item in used if old.identity(item) != new.identity(item)))
        if not paths:
            raise Refused(f"the files of {key} are as they were at {revision.short}; what differs is a secret or homelab.yaml")
        message = f"Roll back {key} to {revision.short}\n\n{_subject(revision)}"
        plan = self._plan(Overlay(new, {item: old.read(item) for item in paths}), revision)
        return WayBack(revision.id, str(key), paths, message, plan)

    def _plan(self, files: Files, goal: Revision) -> PlanView:
        """What it would do. Raises Refused where that cannot be told: a plan that shows nothing says yes to anything."""
        now, then = self.reconciler.compare(files)
        if why := unseen(now, then):
            raise Refused(f"{why}, or take the commits back in git (`git revert`)")
        return replace(plan_view(then.plan, then.decisions, then.report), revision=goal.id, live=goal.id)

    def _earlier(self, key: Key, revision: str) -> tuple[Resource, Revision] | None:
        try:
            found = self.source.revision(revision)
            resource = self._resource(key, found, self.source.read(found.id))
        except (SourceError, SpecError):
            return None
        return None if resource is None else (resource, found)

    def _resource(self, key: Key, revision: Revision, files: Files) -> Resource | None:
        try:
            return self._estate(revision, files).resources.get(key)
        except SpecError:
            return None

    def _estate(self, revision: Revision, files: Files) -> Estate:
        return self.reconciler.linker.estate(revision, files)

    def _runs(self) -> Iterator[Run]:
        yield from self.store.runs(_FARTHEST)


def used_files(linker: Linker, path: str, files: Files, revision: Revision) -> set[str]:
    """A file of documents, and every other file of the repository that these use."""
    watched = _Watched(files, path)
    # They may need what other files declare; what they read themselves is known by then.
    with suppress(SpecError):
        linker.estate(revision, watched)
    return watched.read_too


def _applied(run: Run, key: Key) -> bool:
    return any(
        rollout.outcome is Outcome.APPLIED and any(name == str(key) for name, _, _ in rollout.changes) for rollout in run.rollouts
    )


def _identities(files: Files) -> dict[str, str | None]:
    return {path: files.identity(path) for path in files.paths()}


def _subject(revision: Revision) -> str:
    return f"Takes the specs as they were at {revision.id}" + (
        f" ({revision.message.splitlines()[0]})." if revision.message.strip() else "."
    )


def _key(text: str) -> Key:
    try:
        return Key.parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error
