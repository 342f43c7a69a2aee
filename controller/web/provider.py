"""Operations of signing in at an OpenID provider: the way there, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from controller.core.sign_in import Answer, Unproven
from controller.usecases.access import Denied
from controller.usecases.sign_in import FLOW_SECONDS, SignIn
from controller.web.call import HTML, Call, Face, Operation, Reply, Routes
from controller.web.doors import signed_in
from controller.web.gate import cookie_name, cookie_of
from controller.web.lanes import Lane
from controller.web.problem import Problem

BACK = "/sign-in/provider"
_Text = Annotated[str, Field(max_length=4096)]
# A page that leads on by itself: the browser sends our strict cookie only where our own page leads, not where the provider does.
_ON = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    b'<title>Signed in</title><p><a href="/">Signed in: go on</a></p></html>'
)


class Brought(BaseModel):
    """What a provider sends the browser back with; providers add words of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: _Text = ""
    state: _Text = ""
    iss: _Text = ""
    error: Annotated[str, Field(max_length=200, pattern=r"^[a-z_]*$")] = ""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the browser goes to sign in."""

    url: str


def go(face: Face, call: Call) -> Reply:
    """Begin to sign in at the provider."""
    try:
        url, flow = _sign_in(face).begin(_back(call))
    except Unproven as error:
        raise Problem(503, "provider-unusable", str(error)) from error
    secure = "; Secure" if call.https else ""
    # Lax: the answer comes by a link from the provider's site, with which no strict cookie is sent.
    cookie = f"{_flow_cookie(face, call)}={flow}; Path=/; Max-Age={FLOW_SECONDS:.0f}; HttpOnly; SameSite=Lax{secure}"
    return Reply(Way(url), headers={"Set-Cookie": cookie})


def come_back(face: Face, call: Call) -> Reply:
    """The provider's answer, traded for a session."""
    brought = call.query or Brought()
    answer = Answer(brought.code, brought.state, brought.iss, brought.error)
    flow = cookie_of(call.headers, _flow_cookie(face, call))
    try:
        secret, actor = _sign_in(face).finish(flow, answer, _back(call), call.peer)
    except Denied as error:
        face.access.audit.done(None, call.peer, "enter", "the provider", "not-authenticated")
        raise Problem(400, "sign-in-failed", str(error)) from error
    face.access.audit.done(actor, call.peer, "enter", actor.name)
    return Reply(_ON, media=HTML, headers=signed_in(face, call, secret, actor).headers)


def _sign_in(face: Face) -> SignIn:
    if face.sign_in is None:
        raise Problem(409, "refused", "this controller signs nobody in at a provider")
    return face.sign_in


def _back(call: Call) -> str:
    return f"{'https' if call.https else 'http'}://{call.host}{BACK}"


def _flow_cookie(face: Face, call: Call) -> str:
    return f"{cookie_name(face, call)}-flow"


ROUTES: Routes = {
    "/api/v1/session/provider": {
        "POST": Operation(
            go, "Begin to sign in at the OpenID provider.", None, Way, page=True, lane=Lane.PASSWORD, problems=(409, 503)
        )
    },
    BACK: {
        "GET": Operation(come_back, "Come back from the OpenID provider.", None, media=HTML, query=Brought, lane=Lane.PASSWORD)
    },
}
