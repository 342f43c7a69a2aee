"""Propose: a file of the specification in a form; what a person changes in it becomes a proposal, or the next state of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from controller.core.errors import HomelabError
from controller.core.key import Key
from controller.usecases.access import Scope
from controller.usecases.editing import LARGEST, EditView, editable, edited
from controller.usecases.proposing_files import Change
from controller.web import page, proposals
from controller.web.bodies import Body, KeyText, Query
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem, of
from controller.web.proposal_bodies import Commit, FilePath, Title
from controller.web.views.lines import Lines, newlines

_CRUMBS = (("Proposals", "/proposals"),)


class EditQuery(Query):
    """What to edit: the file that declares a key, or a file by its path."""

    key: KeyText | None = None
    file: Annotated[str, Field(max_length=1024)] = ""


class FileQuery(Query):
    """Which file of the proposal to edit."""

    file: FilePath


class Edited(Body):
    """A file as a person left it in the form."""

    file: FilePath
    revision: Commit
    text: Annotated[str, Field(max_length=LARGEST)]
    reason: Lines = ""


class Proposed(Edited):
    """The same, as a new proposal."""

    title: Title


def form(face: Face, call: Call) -> Reply:
    """The form, with the file as it is now."""
    query, key = call.query, call.query.key
    if key is None and not query.file:
        return _page(face, call, EditView("", face.desk.look.source.head().id, "", new=True))
    with proposals.telling(face):
        found = editable(face.propose(), key=Key.parse(key) if key else None, file=query.file)
    return _page(face, call, found, title=f"Change {key}" if key else "")


def propose(face: Face, call: Call) -> Reply:
    """A new proposal from it. What cannot be proposed stays in the form, with why."""
    body = call.body
    try:
        made = replace(call, body=_made(face, body, body.title))
        view = proposals.open_proposal(face, made).content
    except (Problem, HomelabError) as error:
        raise _refused(face, call, error) from error
    return page.went(f"/proposals/{view.proposal.id}?done=opened")


def revise_form(face: Face, call: Call) -> Reply:
    """The form, with a file as it is in the proposal."""
    with proposals.telling(face):
        found = editable(face.propose(), file=call.query.file, proposal=call.path["id"])
    return _page(face, call, found)


def revise(face: Face, call: Call) -> Reply:
    """The next state of the proposal."""
    try:
        proposals.revise(face, replace(call, body=_made(face, call.body)))
    except (Problem, HomelabError) as error:
        raise _refused(face, call, error) from error
    return page.went(f"/proposals/{call.path['id']}?done=revised")


@dataclass(frozen=True, slots=True)
class _Made:
    """What comes of a form, as the operations of proposals take a body."""

    title: str
    reason: str
    made: Change

    def change(self) -> Change:
        """As the use case takes it."""
        return self.made


def _made(face: Face, body: Edited, title: str = "") -> _Made:
    with proposals.telling(face):
        return _Made(title, body.reason, edited(face.propose(), body.file, body.revision, body.text))


def _refused(face: Face, call: Call, error: Problem | HomelabError) -> page.Told:
    """The form once more, with all that was typed into it, and why nothing was proposed. Raises Problem
    when that is told on a page of its own."""
    found = error if isinstance(error, Problem) else of(error)
    if found.status >= 500 or found.status == 404:
        raise found
    body = call.body
    kept = EditView(body.file, body.revision, str(newlines(body.text)))
    return page.Told(found, _page(face, call, kept, title=getattr(body, "title", ""), reason=body.reason, refused=found))


def _page(face: Face, call: Call, found: EditView, *, title: str = "", reason: str = "", refused: Problem | None = None) -> Reply:
    id_ = call.path.get("id", "")
    about = {"found": found, "title": title, "reason": reason, "refused": refused, "id": id_}
    crumbs = (*_CRUMBS, (id_, f"/proposals/{id_}")) if id_ else _CRUMBS
    name = "Revise" if id_ else "Propose a change"
    status = 200 if refused is None else refused.status
    return page.render(face, call, "propose.html", about, title=name, view="proposals", crumbs=crumbs, status=status, live=False)


_REVISE = "/proposals/{id}/revise"
ROUTES: Routes = {
    "/propose": {
        "GET": page.looks(form, "A file to change.", Scope.PROPOSE, query=EditQuery),
        "POST": page.acts(propose, "Propose it as it was changed.", Scope.PROPOSE, Proposed),
    },
    _REVISE: {
        "GET": page.looks(revise_form, "A file of a proposal to change.", Scope.PROPOSE, query=FileQuery),
        "POST": page.acts(revise, "Change the proposal.", Scope.PROPOSE, Edited, Lane.SLOW),
    },
}
