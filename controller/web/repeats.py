"""Repeats: a POST that is sent again with the same Idempotency-Key is answered again, not done again."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from controller.web.problem import Problem

_KEPT = 1000
KEY = "^[!-~]{1,200}$"
"""What an Idempotency-Key looks like."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent."""

    status: int
    body: bytes
    media: str
    headers: tuple[tuple[str, str], ...]


class Repeats:
    """The answers to the newest keys, per caller and operation, in this process. Operations are safe to repeat in
    themselves; this spares a client that lost an answer from being told "already done". Usable from many threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], tuple[str, Answer | None]] = OrderedDict()
        self._lock = Lock()

    def begin(self, caller: str, operation: str, key: str, content: str) -> Answer | None:
        """The answer given before, or None when it is to be done now; then `end` must follow. `content` is a digest of what was
        sent. Raises Problem while the first is under way, and for another content under the same key."""
        if not re.fullmatch(KEY, key):
            raise Problem(400, "invalid-idempotency-key", f"an Idempotency-Key matches {KEY}")
        with self._lock:
            found = self._known.get((caller, operation, key))
            if found is None:
                self._known[caller, operation, key] = (content, None)
                self._forget()
                return None
        before, answer = found
        if before != content:
            raise Problem(422, "idempotency-mismatch", "this Idempotency-Key was used for another request")
        if answer is None:
            raise Problem(409, "idempotency-in-progress", "the first request with this Idempotency-Key is still under way")
        return answer

    def end(self, caller: str, operation: str, key: str, content: str, answer: Answer | None) -> None:
        """Keep the answer; None = it failed and may be tried again."""
        with self._lock:
            if answer is None:
                self._known.pop((caller, operation, key), None)
            else:
                self._known[caller, operation, key] = (content, answer)

    def _forget(self) -> None:
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
