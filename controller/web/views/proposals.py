"""Proposals: what waits for a decision, one with all that it would do, and the words that people say about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from controller.core.errors import HomelabError
from controller.core.proposal import Standing
from controller.usecases.access import Scope
from controller.usecases.proposal_views import ProposalList, ProposalView
from controller.web import page, proposals
from controller.web.bodies import Body, Query, SyncQuery
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem, of
from controller.web.proposal_bodies import Approve, Commit, ProposalsQuery, Reject, RequestChanges
from controller.web.views.diffs import groups
from controller.web.views.lines import Lines
from controller.web.views.plan import words

_CRUMBS = (("Proposals", "/proposals"),)
_LISTED = 100
_STALE = ("stale", "refused", "not-allowed", "not-writable", "merge-by-hand")
"""Codes of an answer that is told on the proposal's own page, with what it is now."""


class ListQuery(ProposalsQuery):
    """Which are listed."""


class DoneQuery(Query):
    """What a form of this page has just done."""

    done: Literal["", "opened", "revised", "approved", "rejected", "changes"] = ""


class Word(Body):
    """What is said about a proposal as it was shown: its commit, where it stood, and every rollout."""

    tip: Commit
    standing: Literal["open", "changes-requested"]
    digests: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(default=[], max_length=1000)
    reason: Lines = ""

    @property
    def seen(self) -> tuple[str, Standing]:
        """What a no is about; a yes is about what it would do."""
        return self.tip, Standing(self.standing)


def inbox(face: Face, call: Call) -> Reply:
    """The view."""
    found: ProposalList = proposals.proposals(face, call).content
    shown = found.proposals[:_LISTED]
    about = {"items": shown, "more": len(found.proposals) - len(shown), "standing": call.query.standing}
    return page.render(face, call, "proposals.html", about, title="Proposals", view="proposals")


def show(face: Face, call: Call) -> Reply:
    """One, looked at anew."""
    return _page(face, call, done=call.query.done)


def approve(face: Face, call: Call) -> Reply:
    """Merge it, exactly as it was shown."""
    body = Approve(tip=call.body.tip, digests=call.body.digests, reason=call.body.reason)
    return _decided(face, call, "approved", lambda: proposals.approve(face, replace(call, body=body, query=SyncQuery())))


def reject(face: Face, call: Call) -> Reply:
    """Say no."""
    body = Reject(reason=call.body.reason)
    return _decided(face, call, "rejected", lambda: proposals.reject(face, replace(call, body=body), call.body.seen))


def request_changes(face: Face, call: Call) -> Reply:
    """Say what has to change."""

    def ask() -> Reply:
        if not call.body.reason.strip():
            raise Problem(409, "refused", "say what has to change")
        body = RequestChanges(reason=call.body.reason)
        return proposals.request_changes(face, replace(call, body=body), call.body.seen)

    return _decided(face, call, "changes", ask)


def _decided(face: Face, call: Call, done: str, decide: Any) -> Reply:
    try:
        decide()
    except (Problem, HomelabError) as error:
        found = error if isinstance(error, Problem) else of(error)
        if found.code not in _STALE:
            raise
        raise page.Told(found, _page(face, call, refused=found)) from error
    return page.went(f"/proposals/{call.path['id']}?done={done}")


def _page(face: Face, call: Call, done: str = "", refused: Problem | None = None) -> Reply:
    view: ProposalView = proposals.proposal(face, call).content
    item = view.proposal
    about = {
        "view": view,
        "item": item,
        "files": [(file, [tuple(groups(hunk)) for hunk in file.hunks]) for file in view.files],
        "pending": item.standing in ("open", "changes-requested"),
        "done": done,
        "refused": refused,
        **words(),
    }
    status = 200 if refused is None else refused.status
    return page.render(
        face, call, "proposal.html", about, title=item.title, view="proposals", crumbs=_CRUMBS, status=status, live=False
    )


_ONE = "/proposals/{id}"
ROUTES: Routes = {
    "/proposals": {"GET": page.looks(inbox, "What waits for a decision.", query=ListQuery)},
    _ONE: {"GET": page.looks(show, "One proposal, with what it would do.", Scope.PLAN, query=DoneQuery, lane=Lane.SLOW)},
    f"{_ONE}/approve": {"POST": page.acts(approve, "Merge it as it was shown.", Scope.APPROVE, Word)},
    f"{_ONE}/reject": {"POST": page.acts(reject, "Reject it.", Scope.APPROVE, Word)},
    f"{_ONE}/request-changes": {"POST": page.acts(request_changes, "Say what has to change.", Scope.APPROVE, Word)},
}
