"""Forms that people fill in: what is wrong is told next to its field, and what was typed stays (but for what is secret)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from controller.core.errors import HomelabError
from controller.usecases.access import Scope
from controller.usecases.people import LONGEST, SHORTEST
from controller.web.call import Call, Face, Reply
from controller.web.page import Form, Told
from controller.web.problem import Problem, invalid, of

M = TypeVar("M", bound=BaseModel)

RIGHTS = (
    (Scope.READ, "look at everything but secrets"),
    (Scope.PLAN, "ask for plans and logs"),
    (Scope.PROPOSE, "propose changes of the specification"),
    (Scope.APPROVE, "approve and reject"),
    (Scope.APPLY, "make passes, roll back, suspend, try again"),
    (Scope.ADMIN, "everything, with people, tokens, adopting and letting go"),
)
"""Every scope and what it lets somebody do."""
WORDS = {
    "name": "Write 1 to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit.",
    "scopes": "Choose at least one.",
    "password": f"A password has {SHORTEST} to {LONGEST} characters; three or four words that belong to nobody do well.",
    "again": "This is not what stands above it.",
    "days": "Choose one of these.",
}
"""What is told of a field that cannot be as it is."""


Again = Callable[[Form, int], Reply]
"""The page once more, with a form as it was sent and a status."""


def checked(model: type[M], data: Mapping[str, Any]) -> M:
    """What was typed as the API takes it. Raises Problem."""
    try:
        return model.model_validate(data, strict=False)
    except ValidationError as error:
        raise invalid(error, "body") from None


def wrong(name: str) -> Problem:
    """A field that is wrong by what stands in another one."""
    return Problem(422, "invalid-body", WORDS[name], errors=[{"path": name, "message": WORDS[name]}])


def refused(
    error: Problem | HomelabError, again: Again, values: Mapping[str, Any], at: str = "", words: Mapping[str, str] = WORDS
) -> Told:
    """The page once more with what is wrong; `at` is the field that an error belongs to which names none. `values` must hold no
    secret. Raises Problem for what is told on a page of its own."""
    found = error if isinstance(error, Problem) else of(error)
    if found.status >= 500 or found.status == 404:
        raise found
    fields = {item["path"].partition(".")[0]: item["message"] for item in found.more.get("errors", ())}
    form = Form(values, {name: words.get(name, message) for name, message in fields.items()} or {at: found.detail})
    reply = again(form, found.status)
    headers = {name: text for name, text in found.headers.items() if name == "Retry-After"}
    return Told(found, replace(reply, headers={**reply.headers, **headers}))


def address_for_others(face: Face, call: Call) -> tuple[str, bool]:
    """Where somebody else reaches this page, and False where that is known on this machine alone: as whoever asks reached it (the
    name was held against ours before), unless that was by loopback and people were given another address."""
    host = urlsplit(f"//{call.host}").hostname or ""
    if not call.local and not _loopback(host):
        return f"{'https' if call.https else 'http'}://{call.host}", True
    public = min(face.names.origins, default="")
    return public or face.address, public != ""


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
