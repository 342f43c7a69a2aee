"""Compare: what two revisions of the specification want, held against each other. No backend is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from controller.core.document import Files, Revision
from controller.core.errors import Refused, SpecError
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.resource import Resource
from controller.usecases.compare_files import FileView, differing_files
from controller.usecases.concealing import Conceal, concealed
from controller.usecases.fields import inside
from controller.usecases.look import Look
from controller.usecases.views import FORMAT_VERSION, DiagnosticView, FieldView, diagnostic_view, masked

DOCUMENT = "document."
"""Begins the paths of what stands beside `spec` in a document; every other path is one of the state."""
_MOST_COMMITS = 200


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One commit of the spec repository: the first line of its message, and when it was made (seconds since the epoch)."""

    id: str
    author: str
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class SideView:
    """One of the two revisions. `findings` are why its documents cannot be understood; its files are compared all the same."""

    revision: RevisionView
    findings: tuple[DiagnosticView, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyView:
    """What is wanted otherwise of one key: added, removed or changed. `origin` is where it is written (file:line:column), in the
    newer revision where it is there. Paths of what stands beside `spec` begin with `document.`; null = not set."""

    key: str
    change: str
    origin: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Two revisions: what differs in what is wanted, and in the files. `understood` = both are valid, so `keys` is all there is.
    Secrets are masked in both halves."""

    old: SideView
    new: SideView
    understood: bool
    keys: tuple[KeyView, ...] = ()
    files: tuple[FileView, ...] = ()
    format_version: str = FORMAT_VERSION


def compare(look: Look, old: str = "", new: str = "") -> ComparisonView:
    """The revision `new` ("" = the newest) against `old` ("" = what is deployed). Raises SourceError for a revision that git does
    not have, Refused where nothing is deployed yet."""
    old = old or look.reconciler.lineage.live
    if not old:
        raise Refused("nothing is deployed yet; name the revision to compare with")
    first, second = look.source.revision(old), look.source.revision(new) if new else look.source.head()
    one, other = look.source.read(first.id), look.source.read(second.id)
    (left, before), (right, after) = _understood(look, first, one), _understood(look, second, other)
    conceal = look.reconciler.linker.vault.conceal
    keys = () if before is None or after is None else tuple(differing_keys(before, after))
    return ComparisonView(
        old=left,
        new=right,
        understood=before is not None and after is not None,
        keys=tuple(_concealed(keys, conceal)),
        files=differing_files(one, other, conceal),
    )


def commits(look: Look, limit: int = 50) -> tuple[RevisionView, ...]:
    """Newest commits of the followed branch that touched the specs, newest first. Raises SourceError."""
    return tuple(map(revision_view, look.source.log(min(limit, _MOST_COMMITS))))


def revision_view(revision: Revision) -> RevisionView:
    """A commit as faces show it."""
    return RevisionView(revision.id, revision.author, next(iter(revision.message.splitlines()), ""), revision.at)


def differing_keys(old: Estate, new: Estate) -> Iterator[KeyView]:
    """What is wanted otherwise, by key. Pure."""
    for key in sorted({*old.resources, *new.resources}):
        before, after = old.resources.get(key), new.resources.get(key)
        if before is not None and after is not None and before == after:
            continue
        view = _differing(key, before, after)
        if view.fields or view.change != "changed":
            yield view


def differing_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldView]:
    """Where two masked states differ, as deep as they have the same shape."""
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield from (FieldView(*each) for each in inside(name, old.get(name), new.get(name)))


def _concealed(keys: Sequence[KeyView], conceal: Conceal) -> Iterator[KeyView]:
    values = iter(concealed([(field.old, field.new) for key in keys for field in key.fields], conceal))
    for key in keys:
        pairs = [(field.path, *next(values)) for field in key.fields]
        yield replace(key, fields=tuple(FieldView(path, old, new) for path, old, new in pairs))


def _understood(look: Look, revision: Revision, files: Files) -> tuple[SideView, Estate | None]:
    view = revision_view(revision)
    try:
        return SideView(view), look.reconciler.linker.estate(revision, files)
    except SpecError as error:
        return SideView(view, tuple(map(diagnostic_view, error.diagnostics))), None


def _differing(key: Key, before: Resource | None, after: Resource | None) -> KeyView:
    shown = after or before
    assert shown is not None  # noqa: S101 (it is a key of one of them)
    change = "added" if before is None else "removed" if after is None else "changed"
    fields = tuple(differing_fields(_wanted(before), _wanted(after)))
    return KeyView(str(key), change, str(shown.origin), fields)


def _wanted(resource: Resource | None) -> dict[str, Any]:
    """Everything that a document says of a resource, masked; what says nothing is left out."""
    if resource is None:
        return {}
    beside: Sequence[tuple[str, Any]] = (
        ("on", resource.provider),
        ("address", resource.address),
        ("mode", "" if resource.mode == "apply" else resource.mode.value),
        ("protect", resource.protect),
        ("suspend", resource.suspend),
        ("rollback", "" if resource.rollback == "always" else resource.rollback.value),
        ("needs", sorted(map(str, resource.needs))),
        ("labels", dict(resource.labels)),
    )
    state: dict[str, Any] = masked(dict(resource.state))
    return state | {DOCUMENT + name: value for name, value in beside if value}
