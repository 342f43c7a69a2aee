"""The webhook: git servers say "look now". A hook carries no order; what it says is not believed, only that it came."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256

from controller.web.call import Call, Face, Reply
from controller.web.problem import Problem

_SIGNED = (("x-hub-signature-256", "sha256="), ("x-gitea-signature", ""), ("x-forgejo-signature", ""))
_TOKEN = "x-gitlab-token"  # noqa: S105 (a header's name)
_DELIVERIES = (
    "x-github-delivery",
    "x-forgejo-delivery",
    "x-gitea-delivery",
    "x-gitlab-webhook-uuid",
    "x-gitlab-event-uuid",
    "idempotency-key",
)


def hook(face: Face, call: Call) -> Reply:
    """Check who signs the raw bytes, then ask for a pass. A delivery that came before changes nothing."""
    if call.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported-encoding", "send the body as it is, not compressed")
    secret = face.access.webhook_secret()
    if secret is None:
        raise Problem(401, "not-authenticated", "no webhook secret was made yet; `homelab token webhook --make` makes one")
    if not signed(call, secret):
        raise face.access.wrong_signature(call.peer, "the hook is not signed with our secret")
    _readable(call)
    delivery = next((f"{name}:{call.headers[name][:200]}" for name in _DELIVERIES if call.headers.get(name)), "")
    if delivery and not face.deliveries.new(delivery):
        return Reply(status=204)
    face.desk.kick("webhook")
    return Reply(status=202)


def signed(call: Call, secret: str) -> bool:
    """True when every signature that is there is right, and there is one. Takes the same time wherever the difference is."""
    right = hmac.new(secret.encode(), call.raw, sha256).hexdigest().encode()
    answers = [
        hmac.compare_digest(prefix.encode() + right, call.headers[name].encode("latin-1", "replace"))
        for name, prefix in _SIGNED
        if name in call.headers
    ]
    if _TOKEN in call.headers:
        answers.append(hmac.compare_digest(secret.encode(), call.headers[_TOKEN].encode("latin-1", "replace")))
    return bool(answers) and all(answers)


def _readable(call: Call) -> None:
    """A signed body that is no JSON object is the git server's mistake, told as such."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "unsupported-media-type", "choose application/json as the hook's content type")
    try:
        body = json.loads(call.raw)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem(400, "malformed", "the body is not a JSON object")
