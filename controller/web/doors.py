"""Doors: how a browser or a program is let in, and who holds which credential."""

from __future__ import annotations

from controller.core.errors import Refused
from controller.usecases.access import Actor, Denied, Scope
from controller.web.answers import Invitation, Me, TokenAnswer, Tokens, WebhookSecret
from controller.web.call import Call, Face, Reply
from controller.web.gate import cookie_name
from controller.web.problem import Problem

_MONTH = 30 * 86_400


def enter(face: Face, call: Call) -> Reply:
    """Trade the one-time token of a link, or a name and a password, for a session cookie. An older session ends."""
    body, access = call.body, face.access
    try:
        if body.token is not None:
            secret, actor = access.enter(body.token, call.peer)
        else:
            secret, actor = access.sign_in(body.name, body.password.get_secret_value(), call.peer)
    except Denied:
        access.audit.done(None, call.peer, "enter", body.name or "a link", "not-authenticated")
        raise
    access.audit.done(actor, call.peer, "enter", actor.name)
    if call.actor is not None and call.actor.door == "session":
        access.leave(call.actor.id)
    return signed_in(face, call, secret, actor)


def signed_in(face: Face, call: Call, secret: str, actor: Actor, status: int = 201) -> Reply:
    """What a browser gets that has a new session."""
    view = me_of(face, actor)
    return Reply(view, status, headers={"Set-Cookie": session_cookie(face, call, secret, _MONTH)})


def me_of(face: Face, actor: Actor) -> Me:
    """Who somebody is to the controller."""
    return Me(actor.name, tuple(sorted(actor.scopes)), actor.door, face.desk.world, face.desk.instance)


def leave(face: Face, call: Call) -> Reply:
    """End the caller's session."""
    if call.actor is None or call.actor.door != "session":
        raise Problem(409, "no-session", "only a session can be left; revoke a token instead")
    face.access.leave(call.actor.id)
    return Reply(status=204, headers={"Set-Cookie": session_cookie(face, call, "", 0)})


def session_cookie(face: Face, call: Call, value: str, seconds: int) -> str:
    """The Set-Cookie header of a session."""
    secure = "; Secure" if call.https else ""
    return f"{cookie_name(face, call)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def invite(face: Face, call: Call) -> Reply:
    """A fresh link for a browser."""
    token = face.access.invite(call.body.name, granted(call, call.body.scopes))
    return Reply(Invitation(token, f"{face.address}/#token={token}" if face.address else ""), 201)


def tokens(face: Face, _call: Call) -> Reply:
    """Every token that works, without its text."""
    return Reply(Tokens(tuple(face.access.tokens())))


def issue(face: Face, call: Call) -> Reply:
    """A new token for a program."""
    text, view = face.access.issue(
        call.body.name, granted(call, call.body.scopes), call.body.days, call.by, assistant=call.body.assistant
    )
    return Reply(TokenAnswer(text, view), 201)


def revoke(face: Face, call: Call) -> Reply:
    """End a token at once."""
    try:
        face.access.revoke(call.path["id"], call.by)
    except Refused as error:
        raise Problem(404, "not-found", str(error)) from error
    return Reply(status=204)


def webhook(face: Face, _call: Call) -> Reply:
    """The webhook's secret as it is."""
    return Reply(WebhookSecret(face.access.webhook_secret()))


def make_webhook(face: Face, _call: Call) -> Reply:
    """The webhook's secret; it is made where there is none."""
    return Reply(WebhookSecret(face.access.webhook_secret(make=True)))


def granted(call: Call, scopes: list[Scope]) -> list[Scope]:
    """Nobody gives what they do not have. Raises Problem."""
    missing = [scope for scope in scopes if call.actor is None or not call.actor.may(scope)]
    if missing:
        raise Problem(403, "not-allowed", f"you do not have {', '.join(missing)} yourself")
    return scopes
