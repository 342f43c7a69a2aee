"""Operations about proposals: asking for a change of the specification, and deciding about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controller.core.errors import SourceError, SpecError
from controller.core.proposal import Author, MergeByHand, Moved, NoProposal, NotTaken, Overtaken, Seen, Stale, Standing
from controller.usecases.access import Scope
from controller.usecases.passed import PassView, pass_now
from controller.usecases.proposal_views import ProposalLine, ProposalList, ProposalView
from controller.usecases.views import FORMAT_VERSION
from controller.web import proposal_bodies as bodies
from controller.web.bodies import SyncQuery
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem, of


@dataclass(frozen=True, slots=True)
class Approved:
    """A proposal that was merged, the commit that brought it in, the held rollouts that the word counts for, and (with `wait`)
    the pass that applied it; without, its events have numbers above `after`."""

    proposal: ProposalLine
    revision: str
    digests: tuple[str, ...]
    after: int
    done: PassView | None = None
    format_version: str = FORMAT_VERSION


def proposals(face: Face, call: Call) -> Reply:
    """Proposals, newest first."""
    return Reply(ProposalList(face.propose().list(call.query.standings())))


def proposal(face: Face, call: Call) -> Reply:
    """One, with all that it would do now."""
    with telling(face):
        return _shown(face.propose().show(call.path["id"], _author(call), trusted=_trusted(call)))


def open_proposal(face: Face, call: Call) -> Reply:
    """A new one."""
    with telling(face):
        view = face.propose().open(call.body.title, call.body.reason, _author(call), call.body.change(), trusted=_trusted(call))
    shown = _shown(view, 201)
    return Reply(shown.content, 201, headers={**shown.headers, "Location": f"/api/v1/proposals/{view.proposal.id}"})


def revise(face: Face, call: Call) -> Reply:
    """A new commit on one."""
    seen = _matching(face, call)
    with telling(face):
        changed = face.propose().revise(
            call.path["id"], call.body.reason, _author(call), call.body.change(), trusted=_trusted(call), seen=seen
        )
    return _shown(changed, 201)


def approve(face: Face, call: Call) -> Reply:
    """Merge exactly what was shown; a pass follows."""
    review, writing = face.review(), face.sync()
    seen = _matching(face, call)
    after = face.desk.look.last_event()
    with telling(face):
        said = call.body
        made = review.approve(
            call.path["id"], said.tip, said.digests, _author(call), said.reason, trusted=_trusted(call), seen=seen
        )
    done = pass_now(face.desk.look, writing, call.by, "proposal") if call.query.wait else None
    if done is None:
        face.desk.kick("proposal")
    return Reply(Approved(made.proposal, made.revision, made.digests, after, done), 200 if done else 202)


def reject(face: Face, call: Call, seen: Seen = None) -> Reply:
    """Say no to one; `seen` = as a form showed it."""
    seen = seen or _matching(face, call)
    with telling(face):
        return Reply(face.review().reject(call.path["id"], _author(call), call.body.reason, seen))


def request_changes(face: Face, call: Call, seen: Seen = None) -> Reply:
    """Say what has to change first; `seen` = as a form showed it."""
    seen = seen or _matching(face, call)
    with telling(face):
        return Reply(face.review().request_changes(call.path["id"], _author(call), call.body.reason, seen))


@contextmanager
def telling(face: Face) -> Iterator[None]:
    """Around a use case of proposals: what it raises, with codes of its own. Raises Problem."""
    try:
        yield
    except NoProposal as error:
        raise Problem(404, "not-found", str(error)) from error
    except Overtaken as error:
        raise Problem(412, "stale", str(error)) from error
    except Stale as error:
        raise Problem(409, "stale", str(error)) from error
    except MergeByHand as error:
        raise Problem(409, "merge-by-hand", str(error), by_hand=list(error.steps)) from error
    except (NotTaken, Moved) as error:
        raise Problem(409, "not-writable", str(error)) from error
    except SpecError as error:
        raise of(error) from error
    except SourceError as error:
        # While git answers, it is what was asked that cannot be written.
        face.desk.look.source.head()
        raise Problem(409, "not-writable", str(error)) from error


def etag(view: ProposalView) -> str:
    """Names what a decision rests on: the commit, where it stands, and what it would do."""
    return f'"{view.version}"'


def _shown(view: ProposalView, status: int = 200) -> Reply:
    return Reply(view, status, headers={"ETag": etag(view)})


def _matching(face: Face, call: Call) -> Seen:
    """What the order counts for: what the caller has seen (If-Match), compared once more where it is written. Raises Problem when
    that is another state of it."""
    if call.seen is None:
        return None
    with telling(face):
        view = face.propose().show(call.path["id"], _author(call), trusted=_trusted(call))
    if view.version not in call.seen:
        raise Problem(412, "stale", "this is not what was shown of the proposal any more: look at it again")
    return view.proposal.tip, Standing(view.proposal.standing)


def _author(call: Call) -> Author:
    assert call.actor is not None  # noqa: S101 (every operation here has a scope)
    return call.actor.author


def _trusted(call: Call) -> bool:
    return call.actor is not None and call.actor.may(Scope.ADMIN)


_FAILS = (404, 409, 412, 503)
ROUTES: Routes = {
    "/api/v1/proposals": {
        "GET": Operation(
            proposals, "Proposals, newest first.", Scope.READ, ProposalList, query=bodies.ProposalsQuery, problems=(409,)
        ),
        "POST": Operation(
            open_proposal,
            "Propose a change of the specification.",
            Scope.PROPOSE,
            ProposalView,
            201,
            body=bodies.Open,
            lane=Lane.SLOW,
            problems=(409, 503),
        ),
    },
    "/api/v1/proposals/{id}": {
        "GET": Operation(
            proposal,
            "One proposal, with all that it would do now.",
            Scope.PLAN,
            ProposalView,
            lane=Lane.SLOW,
            etag=True,
            problems=(404, 409, 503),
        ),
    },
    "/api/v1/proposals/{id}/revisions": {
        "POST": Operation(
            revise,
            "Change a proposal; what was said about it before no longer counts.",
            Scope.PROPOSE,
            ProposalView,
            201,
            body=bodies.Revise,
            lane=Lane.SLOW,
            problems=_FAILS,
        ),
    },
    "/api/v1/proposals/{id}/approval": {
        "POST": Operation(
            approve,
            "Merge a proposal exactly as it was shown.",
            Scope.APPROVE,
            Approved,
            also=(202,),
            query=SyncQuery,
            body=bodies.Approve,
            lane=Lane.WAITING,
            problems=_FAILS,
        ),
    },
    "/api/v1/proposals/{id}/rejection": {
        "POST": Operation(
            reject, "Reject a proposal.", Scope.APPROVE, ProposalLine, body=bodies.Reject, lane=Lane.SLOW, problems=_FAILS
        ),
    },
    "/api/v1/proposals/{id}/change-requests": {
        "POST": Operation(
            request_changes,
            "Say what has to change in a proposal first.",
            Scope.APPROVE,
            ProposalLine,
            body=bodies.RequestChanges,
            lane=Lane.SLOW,
            problems=_FAILS,
        ),
    },
}
