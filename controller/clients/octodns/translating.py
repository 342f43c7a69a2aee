"""Errors of provider packages in our words. A package may raise anything: what is known of it decides what a new try is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.core.errors import Permanent, ProviderError, Transient

_LIMIT = 256
_BUSY, _SERVER_FAULT = 429, 500
_LATER = ("Timeout", "RateLimit", "Throttl", "TooManyRequests", "ConnectionError")
"""Parts of names of errors that pass by themselves."""
_NOT_NOW = "SERVFAIL"


class Translated:
    """A call of a package: what it raises becomes Transient or Permanent, without the secrets that it was given."""

    def __init__(self, doing: str, secrets: Sequence[str] = ()) -> None:
        self._doing = doing
        self._secrets = secrets

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, ProviderError):
            return
        said = f"{self._doing}: {self._concealed(_told(error))}"
        if passes(error):
            raise Transient(said) from None
        raise Permanent(said) from None

    def _concealed(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***") if secret else text
        return text[:_LIMIT]


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    bare = not text or isinstance(error, (LookupError, AttributeError, TypeError))
    return f"{type(error).__name__} {text}".rstrip() if bare else text


def passes(error: BaseException) -> bool:
    """True when a later try may do better: no answer, a busy server, an error of the server's own."""
    for each in _chain(error):
        status = _status(each)
        if status:
            return status == _BUSY or status >= _SERVER_FAULT
        named = any(word in kind.__name__ for kind in type(each).__mro__ for word in _LATER)
        if named or isinstance(each, OSError) or _NOT_NOW in str(each):
            return True
    return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int:
    """The HTTP status that an error tells of: of `requests` and what is built on it, or of the AWS library."""
    reply: Any = getattr(error, "response", None)
    if isinstance(reply, dict):
        reply = reply.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    else:
        reply = getattr(reply, "status_code", 0)
    return reply if isinstance(reply, int) else 0
