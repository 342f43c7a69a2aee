"""Reading operations about the whole estate: its hosts, how it hangs together, and its revisions held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field

from controller.usecases.access import Scope
from controller.usecases.compare import ComparisonView, RevisionView, commits, compare
from controller.usecases.compare_files import patch
from controller.usecases.decisions import DecisionsView
from controller.usecases.decisions import decisions as decided
from controller.usecases.domains import DomainsView
from controller.usecases.domains import domains as domains_seen
from controller.usecases.topology import TopologyView
from controller.usecases.topology import topology as topology_seen
from controller.usecases.views import FORMAT_VERSION
from controller.web.bodies import Query
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem
from controller.web.reads import PLAIN, naming

T = TypeVar("T")

Side = Annotated[str, Field(max_length=200, pattern=r"^([0-9A-Za-z][0-9A-Za-z._/-]*([~^][0-9]{0,4}){0,8})?$")]
"""A commit by id or prefix, a tag or a branch, also with `~1` or `^` behind it; "" = leave it to the operation."""


class CompareQuery(Query):
    """The old revision ("" = what is deployed) and the new one ("" = the newest)."""

    old: Side = Field(default="", alias="from")
    new: Side = Field(default="", alias="to")


class CommitsQuery(Query):
    """So many commits."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True)
class Commits:
    """Commits that touched the specs, newest first."""

    commits: tuple[RevisionView, ...]
    format_version: str = FORMAT_VERSION


def compared(face: Face, call: Call) -> ComparisonView:
    """What a call asks to compare. Raises Problem for a revision that git does not have."""
    query = call.query
    if ".." in query.old + query.new:
        raise Problem(422, "invalid-query", "name one revision on each side")
    with naming(face):
        return compare(face.desk.look, query.old, query.new)


def comparison(face: Face, call: Call) -> Reply:
    """Two revisions, held against each other."""
    return Reply(compared(face, call))


def comparison_patch(face: Face, call: Call) -> Reply:
    """The files of two revisions as a patch to keep."""
    found = compared(face, call)
    name = f"{found.old.revision.id[:10]}-{found.new.revision.id[:10]}.patch"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(patch(found.files).encode("utf-8", "replace"), media=PLAIN, headers=headers)


def revisions(face: Face, call: Call) -> Reply:
    """Commits of the followed branch."""
    return Reply(Commits(commits(face.desk.look, call.query.limit)))


def domains(face: Face, _call: Call) -> Reply:
    """Hosts, zones and records."""
    return Reply(ended(domains_seen(face.desk.look)))


def topology(face: Face, _call: Call) -> Reply:
    """What hangs on what."""
    return Reply(ended(topology_seen(face.desk.look)))


def decisions(face: Face, _call: Call) -> Reply:
    """What waits for a word, and what is left alone."""
    return Reply(decided(face.desk.look))


def ended(view: T | None) -> T:
    """What the last pass saw. Raises Problem before the first: nothing here looks at a backend."""
    if view is None:
        raise Problem(503, "not-ready", "the first pass has not ended yet", {"Retry-After": "1"})
    return view


ROUTES: Routes = {
    "/api/v1/decisions": {
        "GET": Operation(
            decisions, "What waits for a word, failed or is left alone, and why.", Scope.READ, DecisionsView, etag=True
        )
    },
    "/api/v1/domains": {
        "GET": Operation(domains, "Every host, as the last pass saw it.", Scope.READ, DomainsView, etag=True, problems=(503,))
    },
    "/api/v1/topology": {
        "GET": Operation(
            topology, "What hangs on what, as the last pass saw it.", Scope.READ, TopologyView, etag=True, problems=(503,)
        )
    },
    "/api/v1/revisions": {
        "GET": Operation(
            revisions,
            "Commits that touched the specs, newest first.",
            Scope.READ,
            Commits,
            query=CommitsQuery,
            lane=Lane.SLOW,
            etag=True,
            problems=(503,),
        )
    },
    "/api/v1/compare": {
        "GET": Operation(
            comparison,
            "Two revisions, held against each other.",
            Scope.READ,
            ComparisonView,
            query=CompareQuery,
            lane=Lane.SLOW,
            etag=True,
            problems=(404, 409, 503),
        )
    },
    "/api/v1/compare/patch": {
        "GET": Operation(
            comparison_patch,
            "The same as a patch; what is secret in it is hidden.",
            Scope.READ,
            media=PLAIN,
            query=CompareQuery,
            lane=Lane.SLOW,
            etag=True,
            problems=(404, 409, 503),
        )
    },
}
