"""What the ACME library raises, in our words."""

from __future__ import annotations

from types import TracebackType

from controller.clients.tally import ERROR, TALLY
from controller.core.errors import Deferred, HomelabError, Permanent, Transient
from controller.core.ports import Clock

_SOON = ("badNonce", "serverInternal", "connection", "dns", "orderNotReady", "userActionRequired")
_LIMITED = "rateLimited"
_AN_HOUR = 3600.0


class Translated:
    """A block in which an authority is talked to. What is ours already stays as it is."""

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        import requests
        from acme import errors, messages

        if error is None or isinstance(error, HomelabError):
            return
        where = self._directory
        if isinstance(error, errors.IssuanceError):
            error = error.error
        if isinstance(error, messages.Error):
            words = f"{where} refuses: {_said(error)}"
            if error.code == _LIMITED:
                raise Deferred(words, self._clock.now() + _AN_HOUR) from error
            raise (Transient if error.code in _SOON else Permanent)(words) from error
        if isinstance(error, (requests.RequestException, errors.TimeoutError)):
            TALLY.count("acme", ERROR)
            raise Transient(f"{where} does not answer: {_short(error)}") from error
        if isinstance(error, (errors.Error, ValueError)):
            raise Transient(f"{where} answers with something that is not ACME: {_short(error)}") from error
        if isinstance(error, OSError):  # the library's word for a file with roots that is not there
            raise Transient(f"{where}: {_short(error)}") from error


def _said(problem: object) -> str:
    """An authority's own words, with those about each name (RFC 8555, section 6.7.1)."""
    parts = [str(getattr(problem, "detail", "") or getattr(problem, "code", ""))]
    parts += [
        f"{getattr(getattr(each, 'identifier', None), 'value', '')}: {getattr(each, 'detail', '')}"
        for each in getattr(problem, "subproblems", None) or ()
    ]
    return "; ".join(parts)


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:256]
