"""Problems: every error of the API as RFC 9457 data with a code that never changes its meaning."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from controller.core.codec import to_data
from controller.core.errors import (
    HomelabError,
    JournalError,
    LeaseHeld,
    Refused,
    Rejected,
    SourceError,
    SpecError,
    Stuck,
    Transient,
)
from controller.core.proposal import NoProposal, Stale
from controller.usecases.access import Denied, Throttled
from controller.usecases.views import diagnostic_view

_log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
_LONGEST = 4000


class Problem(Exception):
    """An answer that is not what was asked for. `more` are extension members."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        self.status, self.code, self.detail, self.more = status, code, detail, more
        self.headers = dict(headers or {})
        super().__init__(detail)

    def body(self) -> bytes:
        """The JSON text, pure ASCII so that nothing in it can act on a terminal."""
        data = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail[:_LONGEST],
            "code": self.code,
            **self.more,
        }
        return json.dumps(data, allow_nan=False).encode()


def of(error: Exception) -> Problem:
    """The problem that an error is to the caller. What nobody foresaw is logged and told without details."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SpecError):
        found = [to_data(diagnostic_view(item)) for item in error.diagnostics[:100]]
        return Problem(422, "spec-invalid", str(error), diagnostics=found)
    if isinstance(error, Throttled):
        return Problem(429, "too-many-attempts", str(error), {"Retry-After": f"{error.retry_after:.0f}"})
    if isinstance(error, LeaseHeld):
        return Problem(409, "lease-held", str(error), holder=error.holder)
    if isinstance(error, Denied):
        return Problem(401, "not-authenticated", str(error), {"WWW-Authenticate": "Bearer"})
    for kind, status, code in _KNOWN:
        if isinstance(error, kind):
            return Problem(status, code, str(error), {"Retry-After": "5"} if status == 503 else None)
    _log.error("request failed unexpectedly", exc_info=error)
    return Problem(500, "internal", "the controller made a mistake; its log says more")


_KNOWN: tuple[tuple[type[HomelabError], int, str], ...] = (
    (NoProposal, 404, "not-found"),
    (Stale, 409, "stale"),
    (Refused, 409, "refused"),
    (Rejected, 422, "rejected"),
    (SourceError, 503, "source-unavailable"),
    (Transient, 503, "backend-unreachable"),
    (JournalError, 503, "store-unavailable"),
    (Stuck, 409, "stuck"),
    (HomelabError, 409, "failed"),
)


def invalid(error: ValidationError, where: str) -> Problem:
    """What is wrong with a body or a query. Values are not repeated: one could be a secret."""
    wrong = [
        {"path": ".".join(map(str, item["loc"])), "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    detail = "; ".join(f"{item['path']}: {item['message']}" if item["path"] else item["message"] for item in wrong)
    return Problem(422, f"invalid-{where}", detail, errors=wrong)
