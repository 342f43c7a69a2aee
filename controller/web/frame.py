"""Frame: what every answer has around it, and the look at the Host header before anything else."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.web.endpoint import call_of, problem_response
from controller.web.names import Names
from controller.web.problem import Problem
from controller.web.proxies import Proxies

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With `no-referrer` a browser sends `Origin: null` with a form, and nobody could tell our own page from another site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Frame:
    """ASGI middleware. A Host that is not ours is somebody's name pointed at our address (DNS rebinding): refused."""

    def __init__(self, app: ASGIApp, names: Names, proxies: Proxies) -> None:
        self._app, self._names, self._proxies = app, names, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._proxies.believed(scope)
        call = call_of(Request(scope))
        secure = call.https or self._names.secure(call.host)
        # From here on the scheme is the one by which people reach us.
        scope = {**scope, "scheme": "https" if secure else "http"}

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache, private" if "etag" in headers else "no-store")
                if secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        if not call.local and not self._names.knows(call.host):
            detail = "not one of this controller's names: open it by its IP address, or run it with --public and this address"
            refused = Problem(400, "unknown-host", detail, {"Connection": "close"})
            await problem_response(refused)(scope, receive, framed)
            return
        await self._app(scope, receive, framed)
