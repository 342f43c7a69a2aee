"""Tally: how often this process asked others for something, and how that ended. Every client's door counts here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock

PROVIDERS = frozenset(
    [
        *("docker", "caddy", "acme", "powerdns", "rfc2136", "zoneedit", "octodns", "checkip", "homeassistant"),
        *("forge", "oidc", "notification"),
    ]
)
"""Whom we ask."""
OK, ERROR, REFUSED, OTHER = "ok", "error", "refused", "other"
"""How it ended where there is no status of HTTP: done, no answer, an answer that says no, and a status that nobody knows."""
_STATUSES = {int(status): str(int(status)) for status in HTTPStatus}

Ended = Callable[[int | str], None]
"""Says how it ended: an HTTP status, or one of the words above."""


class Tally:
    """Counts by provider and code. Law: both are of a fixed set, whatever a server answers. For many threads."""

    def __init__(self) -> None:
        self._lock, self._counts = Lock(), Counter[tuple[str, str]]()

    def count(self, provider: str, code: int | str) -> None:
        """One request ended."""
        said = _STATUSES.get(code, OTHER) if isinstance(code, int) else code
        if provider not in PROVIDERS or (isinstance(code, str) and code not in (OK, ERROR, REFUSED)):
            raise ValueError(f"{provider} {code} is not counted")
        with self._lock:
            self._counts[provider, said] += 1

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How often so far, by provider and code."""
        with self._lock:
            return dict(self._counts)


TALLY = Tally()
"""The one of this process."""


def answered(provider: str) -> Callable[..., None]:
    """A hook of a session of `requests`: counts every answer. What gets none is for whoever catches that."""
    return lambda reply, *_, **__: TALLY.count(provider, int(reply.status_code))


@contextmanager
def asking(provider: str) -> Iterator[Ended]:
    """Around one request: counts it once, as it was said to have ended; as an error when it raised before, else as done."""
    said: list[int | str] = []
    try:
        yield said.append
    except BaseException:
        TALLY.count(provider, said[-1] if said else ERROR)
        raise
    TALLY.count(provider, said[-1] if said else OK)
