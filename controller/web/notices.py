"""Notifications over the API: who is told, and a test message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from controller.core.key import NAME_PATTERN
from controller.usecases.access import Scope
from controller.usecases.notices import Arrival, Notices, TargetView
from controller.usecases.views import FORMAT_VERSION
from controller.web.bodies import Body
from controller.web.call import Call, Face, Operation, Reply, Routes
from controller.web.lanes import Lane
from controller.web.problem import Problem


@dataclass(frozen=True, slots=True)
class Targets:
    """Every declared target of notifications, never with its address."""

    targets: tuple[TargetView, ...]
    format_version: str = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Whether a test message arrived, target by target."""

    results: tuple[Arrival, ...]
    format_version: str = FORMAT_VERSION


class Test(Body):
    """Which target to test; "" = all."""

    name: Annotated[str, Field(pattern=f"^({NAME_PATTERN})?$")] = ""


def routes() -> Routes:
    """The operations, by path and method."""
    return {
        "/api/v1/notifications": {
            "GET": Operation(targets, "Who is told what happens.", Scope.READ, Targets, lane=Lane.SLOW, problems=(409, 422, 503))
        },
        "/api/v1/notifications/test": {
            "POST": Operation(
                test, "Send a test message now.", Scope.APPLY, Arrivals, body=Test, lane=Lane.WAITING, problems=(409, 503)
            )
        },
    }


def targets(face: Face, _call: Call) -> Reply:
    """Who is told what, and how it fares."""
    return Reply(Targets(_notices(face).targets()))


def test(face: Face, call: Call) -> Reply:
    """Whether messages arrive."""
    return Reply(Arrivals(_notices(face).test(call.body.name)))


def _notices(face: Face) -> Notices:
    if face.desk.notices is None:
        raise Problem(409, "refused", "this controller tells nobody anything")
    return face.desk.notices
