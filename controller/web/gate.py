"""Gate: who is asking, and whether a browser was tricked into asking. Decides before a body is read."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from controller.usecases.access import Actor, Denied, local
from controller.web.call import Call, Face, Operation
from controller.web.problem import Problem

_SAFE = ("GET", "HEAD")


def cookie_name(face: Face, call: Call) -> str:
    """The session cookie's name. Cookies do not know ports: two controllers on one host must not share one; by https the
    `__Host-` prefix keeps every other host from setting it."""
    mark = sha256(face.desk.instance.encode()).hexdigest()[:8]
    return f"__Host-homelab-{mark}" if call.https else f"homelab-{mark}"


def actor_of(face: Face, call: Call, user: str) -> Actor | None:
    """Who asks, or None for a stranger. `user` is the operator at the socket. Raises Problem, Denied, Throttled.

    A bearer token counts alone: no other site can make a browser send one. A cookie counts only with proof that our own
    page asks, because a browser sends it to and from every port of this host."""
    if call.local:
        return local(user)
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Denied("send `Authorization: Bearer hlc_…`")
        return face.access.bearer(token.strip(), call.peer)
    secret = cookie_of(call.headers, cookie_name(face, call))
    actor = face.access.session(secret) if secret else None
    if actor is not None:
        _same_site(face, call)
    return actor


def admit(face: Face, operation: Operation, actor: Actor | None, call: Call) -> None:
    """Raises Problem unless this caller may do this."""
    if operation.socket and not call.local:
        raise Problem(403, "socket-only", "this is done only at the controller's own socket, by `homelab` on its machine")
    if operation.page and not call.local:
        own_page(face, call)
    if operation.scope is None:
        return
    if actor is None:
        raise Problem(401, "not-authenticated", "a token or a session is needed", {"WWW-Authenticate": "Bearer"})
    if not actor.may(operation.scope):
        raise Problem(403, "not-allowed", f"this needs the scope {operation.scope}")


def own_page(face: Face, call: Call) -> None:
    """Raises Problem unless the request comes from our own page: same origin by the browser's word and by exact Origin."""
    if call.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Problem(403, "cross-site", "another site asked for this")
    if not face.names.own(call.headers.get("origin", ""), call.host, call.https):
        raise Problem(403, "cross-site", "the Origin header is not this page's own")


def _same_site(face: Face, call: Call) -> None:
    if call.method not in _SAFE:
        own_page(face, call)
    elif call.headers.get("sec-fetch-mode", "navigate") != "navigate" and call.headers.get("sec-fetch-site", "none") not in (
        "same-origin",
        "none",
    ):
        raise Problem(403, "cross-site", "another site asked for this")


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """A cookie's value, "" when there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
