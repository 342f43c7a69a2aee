"""The wire: one GET, one answer, and neither ever repeats the token."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ssl import SSLCertVerificationError
from urllib.parse import quote, quote_plus

import requests
from requests.auth import HTTPBasicAuth
from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ConnectTimeout, RequestException
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError

from controller.clients.tally import asking
from controller.clients.zoneedit.replies import SHOWN, BadToken, NotSent, TooSoon, Uncertain
from controller.core.errors import Permanent
from controller.core.ports import Clock

_MOST = 64 * 1024
"""Bytes of an answer that are read."""
_CONNECT = 10.0
_HIDDEN = "•••"


class Door:
    """ZoneEdit's server. One connection per request: they are minutes apart."""

    def __init__(self, url: str, timeout: float, clock: Clock) -> None:
        self._url = url
        self._timeout = timeout
        self._clock = clock

    def get(self, path: str, parameters: Mapping[str, str | bytes], user: str, token: str) -> str:
        """The body of an answer, without the token. Raises NotSent, Uncertain, BadToken, Permanent, TooSoon."""
        try:
            with asking("zoneedit") as ended, requests.Session() as session:
                session.trust_env = False  # a .netrc or a proxy of the environment would see the token
                answer = session.get(
                    f"{self._url}/{path}?{_query(parameters)}",
                    auth=HTTPBasicAuth(user.encode(), token.encode()),
                    timeout=(min(_CONNECT, self._timeout), self._timeout),
                    allow_redirects=False,
                    stream=True,
                )
                with answer:
                    ended(answer.status_code)
                    body = self._read(answer, self._clock.monotonic() + self._timeout)
        except ConnectionFailed as error:
            if isinstance(error, ConnectTimeout) or _never_connected(error):
                raise NotSent(f"ZoneEdit cannot be reached: {_why(error)}") from error
            raise Uncertain(f"ZoneEdit broke off: {_why(error)}") from error
        except (RequestException, HTTPError, OSError) as error:
            raise Uncertain(f"ZoneEdit did not answer: {_why(error)}") from error
        text = _veiled(body.decode("utf-8", "replace"), user, token)
        _judge_status(answer, text, self._clock.now())
        return text

    def _read(self, answer: requests.Response, deadline: float) -> bytes:
        """As much as is read of an answer, in no more time than it may take as a whole."""
        body = b""
        while len(body) < _MOST and (piece := answer.raw.read1(_MOST, decode_content=True)):
            body += piece
            if self._clock.monotonic() > deadline:
                raise Uncertain("ZoneEdit takes too long to answer")
        return body


def _judge_status(answer: requests.Response, text: str, now: float) -> None:
    status = answer.status_code
    said = f"HTTP {status}" + (f": {' '.join(text.split())[:SHOWN]!r}" if text.strip() else "")
    if status in (401, 407):
        raise BadToken(f"ZoneEdit: {said}: the user or the token is wrong")
    if status == 429:
        wait = answer.headers.get("Retry-After", "")
        raise TooSoon(f"ZoneEdit: {said}", now + (float(wait) if wait.isascii() and wait.isdigit() else 600.0))
    if 300 <= status < 400:
        raise Permanent(f"ZoneEdit: {said}: it points elsewhere, and a token is not taken there")
    if 400 <= status < 500:
        raise Permanent(f"ZoneEdit: {said}")
    if status != 200:
        raise Uncertain(f"ZoneEdit: {said}")


def _query(parameters: Mapping[str, str | bytes]) -> str:
    return "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in parameters.items())


def _veiled(text: str, user: str, token: str) -> str:
    """The text without the token, before anything is cut: half a token is a secret too."""
    header = b64encode(f"{user}:{token}".encode()).decode()
    for form in {token, quote(token, safe=""), quote_plus(token), header} - {""}:
        text = text.replace(form, _HIDDEN)
    return text


def _never_connected(error: ConnectionFailed) -> bool:
    """True when no connection stood, or the server could not prove who it is: then nothing was said to it."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    unproven = isinstance(reason, SSLError) and any(isinstance(each, SSLCertVerificationError) for each in reason.args)
    return isinstance(reason, NewConnectionError) or unproven


def _why(error: Exception) -> str:
    """The kind of failure: messages of the library quote the URL, and with it what was sent."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return type(reason or error).__name__
