"""The web face put together: routes, frame, feed. Everything that it may do, it is handed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.usecases.access import Access
from controller.usecases.desk import Desk
from controller.usecases.sign_in import SignIn
from controller.web.call import Face
from controller.web.endpoint import Endpoint, problem_response, told_to
from controller.web.feed import HEARTBEAT, SEND_SECONDS, Feed
from controller.web.frame import Frame
from controller.web.lanes import Lanes
from controller.web.metrics import Meter
from controller.web.names import Names
from controller.web.outflow import Outflows
from controller.web.problem import Problem, of
from controller.web.proxies import Proxies
from controller.web.repeats import Repeats
from controller.web.routes import routes


def create_app(
    desk: Desk,
    access: Access,
    *,
    meter: Meter | None = None,
    sign_in: SignIn | None = None,
    public: Iterable[str] = (),
    trusted: Iterable[str] = (),
    heartbeat: float = HEARTBEAT,
    send_seconds: float = SEND_SECONDS,
) -> Starlette:
    """The application. `meter` counts passes (the loop calls its `passed`); `public` are further addresses under which
    people reach the page, as `http[s]://host[:port]` (https is ended by a proxy); `trusted` are the proxies whose word counts
    about who asks; `sign_in` = people may also come from an OpenID provider. Raises SettingsError for a wrong one."""
    names = Names.of(public)
    meter = meter or Meter(desk.look, desk.world)
    face = Face(desk, access, names, meter)
    table = routes()
    face.paths, face.sign_in = frozenset(table), sign_in
    lanes, repeats = Lanes(), Repeats()
    feed = Feed(face, lanes, heartbeat, send_seconds)
    meter.follow(feed)
    outflows = Outflows(feed)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(feed.watch())
        try:
            yield
        finally:
            feed.close()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            lanes.close()

    app = Starlette(
        routes=[Route(path, Endpoint(path, methods, face, lanes, outflows, repeats)) for path, methods in table.items()],
        middleware=[Middleware(Frame, names=names, proxies=Proxies.of(trusted))],
        exception_handlers={HTTPException: _known, Exception: _unforeseen},
        lifespan=lifespan,
    )
    # A redirect is an answer that an attacker can shape; a path is right or it is not.
    app.router.redirect_slashes = False
    app.state.face, app.state.feed, app.state.lanes = face, feed, lanes
    return app


async def _known(request: Request, error: Exception) -> Response:
    """A path that is none of ours."""
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    phrase = HTTPStatus(error.status_code).phrase
    found = Problem(error.status_code, phrase.lower().replace(" ", "-"), phrase)
    return await told_to(request, request.app.state.face, request.app.state.lanes, found)


def _unforeseen(_request: Request, error: Exception) -> Response:
    return problem_response(of(error))
