"""Link: documents are expanded and resolved into resources, and checked as one graph (twins, claims, needs, cycles)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from controller.core.document import Draft, Files, Parsed, Path, Reader, Revision
from controller.core.errors import Diagnostic, Origin, Problem, Rejected, Severity, SpecError
from controller.core.estate import Estate
from controller.core.key import Key, is_name
from controller.core.kind import Desired, Kind
from controller.core.policy import Policy
from controller.core.ports import Blobs, Vault
from controller.core.resource import Resource
from controller.core.suggest import did_you_mean
from controller.engine.clashes import clashes
from controller.engine.connections import Check, accept_any, recipients, settled
from controller.engine.load import HOMELAB_FILE, Document, Spot, load
from controller.engine.surroundings import RepositorySurroundings
from controller.engine.understand import diagnostic, understand, where
from controller.engine.written import Shelf

EXPANSION_DEPTH = 4


@dataclass(frozen=True)
class Linker:
    """Turns the files of a revision into an estate, with what it is handed."""

    reader: Reader
    kinds: Mapping[str, Kind]
    vault: Vault
    blobs: Blobs
    check: Check = accept_any
    """What is wrong with a declared connection."""

    def estate(self, revision: Revision, files: Files) -> Estate:
        """The desired graph of a revision; raises SpecError with everything that is wrong at once."""
        loaded = load(files, self.reader, self.kinds)
        shelf = Shelf(files, self.reader)
        _announce_secrets(loaded.documents, self.vault)
        policy = Policy.of(tuple(loaded.policies[name] for name in sorted(loaded.policies)))
        homelab, refused = settled(loaded.homelab, self.vault, self.check)
        told, untold = recipients(loaded.homelab, self.vault, policy.timezone)
        found = [*loaded.problems, *(_told(loaded.house, problem) for problem in (*refused, *untold))]
        written = loaded.written()
        listing = tuple(files.paths())
        used: set[str] = set()
        resources: list[tuple[Resource, Spot]] = []
        broken: set[Key] = set()

        def note(document: Document, wrong: list[Diagnostic]) -> None:
            if wrong:
                found.extend(wrong)
                broken.add(document.key)

        queue: deque[Iterable[tuple[Document, int]]] = deque([((document, 0) for document in loaded.documents)])
        while queue:
            for document, depth in queue.popleft():
                around = RepositorySurroundings(
                    files, document.folder, self.reader, self.vault, self.blobs, loaded.homelab, used, listing, written
                )
                wrong: list[Diagnostic] = []
                resource = self._resolve(document, around, shelf, wrong)
                note(document, wrong)
                if resource is not None:
                    resources.append((resource, document.spot))
                if self.kinds[document.key.kind].expand is not None and not document.settled:
                    queue.append(self._made(document, depth, around, shelf, note))
        found += [item for path, items in loaded.strays.items() if path not in used for item in items]
        resources = _spelled_out(resources, broken)
        found += _twins(resources)
        found += clashes(resources)
        graph, problems = _ordered(resources, broken, loaded.lost)
        found += problems
        errors = [item for item in found if item.severity is Severity.ERROR]
        if errors:
            raise SpecError(sorted(dict.fromkeys(errors), key=lambda item: item.origin))
        return Estate(revision, graph, policy, homelab, tuple(found), told)

    def _made(
        self,
        document: Document,
        depth: int,
        around: RepositorySurroundings,
        shelf: Shelf,
        note: Callable[[Document, list[Diagnostic]], None],
    ) -> Iterator[tuple[Document, int]]:
        """What a document stands for, made when its turn has come: a domain may have thousands of records."""
        wrong: list[Diagnostic] = []
        for child in self._expand(document, depth, around, shelf, wrong):
            yield child, depth + 1
        note(document, wrong)

    def _expand(
        self, document: Document, depth: int, around: RepositorySurroundings, shelf: Shelf, wrong: list[Diagnostic]
    ) -> Iterable[Document]:
        """What a document stands for. Findings go into `wrong`; what could be understood all the same is judged with them."""
        expand = self.kinds[document.key.kind].expand
        drafts: object = ()
        try:
            if depth >= EXPANSION_DEPTH:
                raise Rejected([Problem((), f"{document.key} expands deeper than {EXPANSION_DEPTH} levels")])
            drafts = expand(document.key.name, document.spec, around) if expand is not None else ()
        except Rejected as error:
            wrong += _findings(error.problems, document, shelf)
            drafts = error.partial
        except SpecError as error:
            wrong += error.diagnostics
        for draft in drafts if isinstance(drafts, (list, tuple)) else ():
            try:
                child = self._child(draft, document, shelf, wrong)
            except Rejected as error:
                wrong += _findings(error.problems, document, shelf)
            else:
                if child is not None:
                    yield child

    def _child(self, draft: Draft, parent: Document, shelf: Shelf, wrong: list[Diagnostic]) -> Document | None:
        parsed, at = shelf.draft(draft, parent.parsed, parent.at, parent.folder)
        if not is_name(draft.name):
            raise Rejected([Problem(draft.at, f"{draft.name!r} is not a name", "use a-z, 0-9 and inner dashes", draft.file)])
        understood = understand(self.kinds[draft.kind].model, draft.spec, parsed, at)
        wrong += understood.problems
        if understood.model is None:
            return None
        return replace(
            parent,
            key=Key(draft.kind, draft.name),
            spec=understood.model,
            parsed=parsed,
            at=at,
            needs=(*parent.needs, *draft.needs),
            made_by=parent.key,
            settled=draft.kind == parent.key.kind,
        )

    def _resolve(
        self, document: Document, around: RepositorySurroundings, shelf: Shelf, wrong: list[Diagnostic]
    ) -> Resource | None:
        kind = self.kinds[document.key.kind]
        if kind.resolve is None:
            return None
        desired: object = None
        try:
            desired = kind.resolve(document.key.name, document.spec, around)
        except Rejected as error:
            wrong += _findings(error.problems, document, shelf)
            desired = error.partial
        except SpecError as error:
            wrong += error.diagnostics
        if not isinstance(desired, Desired):
            return None
        needs = dict.fromkeys((*document.needs, *desired.references))
        origin = document.parsed.locate(document.at) if document.made_by else document.origin
        return Resource(
            key=document.key,
            state=desired.state,
            provider=desired.provider,
            address=desired.address,
            origin=origin,
            needs=tuple(needs),
            claims=desired.claims,
            mode=desired.mode or document.mode,
            protect=document.protect,
            suspend=document.suspend,
            rollback=desired.rollback,
            stateful=desired.stateful,
            gate=desired.gate,
            risks=desired.risks,
            labels=document.labels,
            made_by=document.made_by,
        )


def _spelled_out(resources: list[tuple[Resource, Spot]], broken: Collection[Key]) -> list[tuple[Resource, Spot]]:
    """A need on a document that stands for others alone (a stack) is a need on all of those; one that is broken stands for
    itself."""
    made: dict[Key, list[Key]] = {}
    for resource, _ in resources:
        if resource.made_by is not None:
            made.setdefault(resource.made_by, []).append(resource.key)
    for key in (*broken, *(resource.key for resource, _ in resources)):
        made.pop(key, None)

    def spelled_out(resource: Resource) -> Resource:
        if not any(need in made for need in resource.needs):
            return resource
        return replace(resource, needs=tuple(key for need in resource.needs for key in made.get(need, [need])))

    return [(spelled_out(resource), spot) for resource, spot in resources]


def _findings(problems: Iterable[Problem], document: Document, shelf: Shelf) -> Iterable[Diagnostic]:
    if not problems:  # never shown: the error that is the reason stands elsewhere
        yield diagnostic(document.parsed, document.at, "what it follows from cannot be read", severity=Severity.INFO)
    for problem in problems:
        if not problem.file:
            yield diagnostic(document.parsed, (*document.at, *problem.path), problem.message, problem.hint, problem.severity)
            continue
        path, parsed = shelf.parsed(problem.file, document.folder)
        if parsed is not None:
            yield diagnostic(parsed, problem.path, problem.message, problem.hint, problem.severity)
        else:
            yield Diagnostic(problem.message, Origin(path), problem.hint, severity=problem.severity)


def _announce_secrets(documents: Iterable[Document], vault: Vault) -> None:
    """Let the vault know of every secret that some document generates: another may refer to it, whichever is read first."""
    stack: list[Any] = [document.parsed.data for document in documents]
    while stack:
        data = stack.pop()
        if isinstance(data, dict):
            ref, generate = data.get("ref"), data.get("generate")
            if isinstance(ref, str) and isinstance(generate, int):
                with suppress(Rejected):  # told where it is used, with its position
                    vault.current(ref, generate)
            stack += data.values()
        elif isinstance(data, list):
            stack += data


def _told(house: Parsed | None, problem: Problem) -> Diagnostic:
    if house is None:
        return Diagnostic(problem.message, Origin(HOMELAB_FILE), problem.hint)
    return diagnostic(house, ("spec", *problem.path), problem.message, problem.hint)


def _twins(resources: list[tuple[Resource, Spot]]) -> Iterable[Diagnostic]:
    seen: dict[Key, Resource] = {}
    for resource, spot in resources:
        first = seen.setdefault(resource.key, resource)
        if first is not resource:
            place = spot.at if spot.made_by else ("name",)
            yield diagnostic(
                spot.parsed, place, f"{resource.key} is declared twice: also at {first.origin}", "rename one or remove it"
            )


def _where_needed(spot: Spot, need: Key) -> Path:
    """Where a need is written: among the needs, else where the kind found it."""
    if need in spot.needs and not spot.made_by:
        return ("needs", spot.needs.index(need))
    return where(spot.parsed.data, spot.at, need.name, after="")


def _ordered(
    resources: list[tuple[Resource, Spot]], broken: Collection[Key], lost: Collection[str]
) -> tuple[dict[Key, Resource], list[Diagnostic]]:
    """Resources with needs first, and what is wrong with the needs. A need on a broken document, on what it would have expanded
    into, or on one whose name is all that could be read of it is no second error."""
    by_key: dict[Key, Resource] = {}
    for resource, _ in resources:
        by_key.setdefault(resource.key, resource)
    problems: list[Diagnostic] = []
    for resource, spot in resources:
        for need in resource.needs:
            excused = need in broken or need.name in lost or any(need.name.startswith(f"{key.name}-") for key in broken)
            if need not in by_key and not excused:
                hint = did_you_mean(str(need), [str(key) for key in by_key]) or f"declare {need}, or remove it from the needs"
                message = f"{resource.key} needs {need}, which is not declared"
                problems.append(diagnostic(spot.parsed, _where_needed(spot, need), message, hint))
    if not any(resource.needs for resource in by_key.values()):
        return by_key, problems
    sorter = TopologicalSorter({key: [n for n in resource.needs if n in by_key] for key, resource in by_key.items()})
    try:
        order = tuple(sorter.static_order())
    except CycleError as error:
        cycle = [str(key) for key in reversed(error.args[1])]
        spot = next(spot for resource, spot in resources if resource.key == error.args[1][0])
        place: Path = spot.at if spot.made_by else ("needs",)
        message = f"needs go in a circle: {' → '.join(cycle)}"
        problems.append(diagnostic(spot.parsed, place, message, "remove one of these needs"))
        order = tuple(by_key)
    return {key: by_key[key] for key in order}, problems
