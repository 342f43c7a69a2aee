"""The route table: every path, every method, and who may call it. The API document and the tests are made from it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from controller.usecases.access import Scope
from controller.usecases.energy import EnergyView
from controller.usecases.renewing import Renewed
from controller.usecases.rollback import WayBack
from controller.usecases.secrets import SecretView
from controller.usecases.sync import LetGo
from controller.usecases.views import PlanView, ResourceView, RunView, StatusView
from controller.web import (
    answers,
    bodies,
    doors,
    hooks,
    page_files,
    people,
    proposals,
    provider,
    reads,
    reads_days,
    reads_estate,
    writes,
)
from controller.web.badges import routes as badge_routes
from controller.web.call import Call, Face, Handler, Operation, Reply, Routes
from controller.web.gate import cookie_name
from controller.web.lanes import Lane
from controller.web.metrics import TEXT
from controller.web.notices import routes as notice_routes
from controller.web.openapi import document
from controller.web.views.all import pages

_READ, _PLAN, _APPROVE, _APPLY, _ADMIN = Scope.READ, Scope.PLAN, Scope.APPROVE, Scope.APPLY, Scope.ADMIN


def routes() -> Routes:
    """All of it, by path and method."""
    return {
        **_open(),
        **pages(),
        **_looking(),
        **reads_estate.ROUTES,
        **reads_days.ROUTES,
        **_telling(),
        **_deciding(),
        **proposals.ROUTES,
        **_steering(),
        **_vault(),
        **_credentials(),
        **people.ROUTES,
        **provider.ROUTES,
    }


def _open() -> Routes:
    """What a stranger may call: whether it lives, and the files that the page's door needs (no data in them)."""
    return {
        **page_files.routes(),
        "/livez": {"GET": Operation(reads.alive, "The process answers.", None, answers.Alive)},
        "/readyz": {"GET": Operation(reads.ready, "Each dependency in a word.", None, answers.Ready, also=(503,))},
        "/hooks/git": {"POST": Operation(hooks.hook, "A git server says: look now.", None, status=202, also=(204,))},
    }


def _looking() -> Routes:
    return {
        "/metrics": {"GET": Operation(reads.metrics, "For Prometheus.", _READ, media=TEXT)},
        "/api/openapi.json": {"GET": Operation(api_document, "This document.", _READ, dict[str, object], etag=True)},
        "/api/v1/me": {"GET": Operation(reads.me, "Who I am to the controller.", _READ, answers.Me)},
        "/api/v1/status": {
            "GET": Operation(reads.status, "How every key stood in the last pass.", _READ, StatusView, etag=True, problems=(503,))
        },
        "/api/v1/plan": {
            "GET": Operation(
                reads.plan,
                "What would be done now.",
                _PLAN,
                PlanView,
                query=bodies.PlanQuery,
                lane=Lane.SLOW,
                etag=True,
                problems=(404, 503),
            )
        },
        "/api/v1/history": {
            "GET": Operation(reads.history, "Runs, newest first.", _READ, answers.HistoryPage, query=bodies.HistoryQuery)
        },
        "/api/v1/runs/{id}": {"GET": Operation(reads.run, "One run, by id or unique prefix.", _READ, RunView, problems=(404,))},
        "/api/v1/resources/{kind}/{name}": {
            "GET": Operation(
                reads.resource, "Everything known about one key.", _READ, ResourceView, lane=Lane.SLOW, problems=(404, 503)
            )
        },
    }


def _telling() -> Routes:
    """What was said and measured."""
    return {
        **badge_routes(),
        **notice_routes(),
        "/api/v1/energy": {
            "GET": Operation(
                reads.energy,
                "How much energy the house used each day, and what it cost.",
                _READ,
                EnergyView,
                query=bodies.EnergyQuery,
                lane=Lane.SLOW,
                etag=True,
                problems=(409, 503),
            )
        },
        "/api/v1/logs/{kind}/{name}": {
            "GET": Operation(
                reads.logs,
                "What a service says, secrets masked.",
                _PLAN,
                media=reads.PLAIN,
                query=bodies.LogsQuery,
                lane=Lane.SLOW,
                problems=(404, 409, 503),
            )
        },
        "/api/v1/events": {
            "GET": Operation(
                reads.events,
                "Events as a list; as a stream for `Accept: text/event-stream`, going on after `Last-Event-ID`.",
                _READ,
                answers.EventsPage,
                query=bodies.EventsQuery,
            )
        },
    }


def _write(
    handle: Handler, summary: str, scope: Scope, answer: Any, body: type[BaseModel] | None, status: int = 200, **rest: Any
) -> Operation:
    """An operation that surveys the world and writes."""
    rest = {"lane": Lane.SLOW, "problems": (409, 503), **rest}
    return Operation(handle, summary, scope, answer, status, body=body, **rest)


def _deciding() -> Routes:
    say, digests = bodies.Say, answers.Digests
    return {
        "/api/v1/approvals": {"POST": _write(writes.approve, "Approve held rollouts.", _APPROVE, digests, say)},
        "/api/v1/rejections": {"POST": _write(writes.reject, "Reject held rollouts.", _APPROVE, digests, say)},
        "/api/v1/retry": {"POST": _write(writes.retry, "Lift a quarantine.", _APPLY, digests, bodies.Retry)},
    }


def _steering() -> Routes:
    waits: dict[str, Any] = {"also": (202,), "query": bodies.SyncQuery, "lane": Lane.WAITING}
    keys = answers.Keys
    way = Operation(
        writes.way_back,
        "What a rollback would do.",
        _PLAN,
        WayBack,
        query=bodies.BackQuery,
        lane=Lane.SLOW,
        problems=(404, 409, 503),
    )
    return {
        "/api/v1/sync": {
            "POST": _write(writes.sync, "Make a pass: soon, or with `wait` now.", _APPLY, answers.SyncAnswer, None, **waits)
        },
        "/api/v1/rollback": {
            "GET": way,
            "POST": _write(
                writes.go_back,
                "Roll back by a new commit.",
                _APPLY,
                answers.WentBack,
                bodies.GoBack,
                **waits,
                problems=(404, 409, 503),
            ),
        },
        "/api/v1/renewals": {
            "POST": _write(writes.renew, "Renew a certificate now.", _APPLY, Renewed, bodies.Renew, lane=Lane.WAITING)
        },
        "/api/v1/suspensions": {"POST": _write(writes.suspend, "Leave a key alone.", _APPLY, keys, bodies.Suspend, 201)},
        "/api/v1/suspensions/{kind}/{name}": {
            "DELETE": _write(writes.resume, "Take a key up again.", _APPLY, keys, None, problems=(404, 409, 503))
        },
        "/api/v1/detach": {"POST": _write(writes.detach, "Let go of keys; they keep running.", _ADMIN, LetGo, bodies.Detach)},
        "/api/v1/adoptions": {
            "POST": _write(writes.adopt, "Take over what runs, as it is.", _ADMIN, answers.Taken, bodies.Adopt)
        },
    }


def _vault() -> Routes:
    def keep(handle: Handler, summary: str, answer: Any, body: type[BaseModel] | None) -> Operation:
        return Operation(handle, summary, _ADMIN, answer, body=body, socket=True, problems=(409, 503))

    return {
        "/api/v1/secrets": {
            "GET": Operation(writes.secrets, "The vault by reference.", _ADMIN, answers.SecretNames, problems=(409,)),
            "POST": keep(writes.set_secret, "Keep a secret's value.", SecretView, bodies.SetSecret),
        },
        "/api/v1/secrets/rotations": {"POST": keep(writes.rotate_secret, "Generate a new value.", SecretView, bodies.Rotate)},
        "/api/v1/secrets/exports": {"POST": keep(writes.export_secrets, "Every value.", answers.SecretValues, None)},
    }


def _credentials() -> Routes:
    return {
        "/api/v1/session": {
            "POST": Operation(
                doors.enter,
                "Trade a link's one-time token, or a name and a password, for a session cookie.",
                None,
                answers.Me,
                201,
                body=bodies.Enter,
                page=True,
                lane=Lane.PASSWORD,
                problems=(503,),
            ),
            "DELETE": Operation(doors.leave, "Sign out.", _READ, status=204, problems=(409,)),
        },
        "/api/v1/invitations": {
            "POST": Operation(doors.invite, "A fresh link for a browser.", _ADMIN, answers.Invitation, 201, body=bodies.Invite)
        },
        "/api/v1/tokens": {
            "GET": Operation(doors.tokens, "Every token that works.", _ADMIN, answers.Tokens),
            "POST": Operation(
                doors.issue, "A new token for a program.", _ADMIN, answers.TokenAnswer, 201, body=bodies.Issue, problems=(409,)
            ),
        },
        "/api/v1/tokens/{id}": {"DELETE": Operation(doors.revoke, "End a token.", _ADMIN, status=204, problems=(404,))},
        "/api/v1/webhook": {
            "GET": Operation(doors.webhook, "The webhook's secret.", _ADMIN, answers.WebhookSecret, socket=True),
            "POST": Operation(doors.make_webhook, "Make the webhook's secret.", _ADMIN, answers.WebhookSecret, socket=True),
        },
    }


def api_document(face: Face, call: Call) -> Reply:
    """The API document."""
    return Reply(document(routes(), cookie_name(face, call)))
