"""The connection to one Home Assistant: made when it is needed, made again when it was lost, with patience."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from controller.clients.homeassistant.connection import Connection
from controller.clients.homeassistant.ears import Ears
from controller.clients.homeassistant.errors import Refused, Unsure, cut, words
from controller.clients.homeassistant.line import Ask, Line, NotUp, TokenRefused
from controller.clients.homeassistant.model import Model, Row
from controller.clients.homeassistant.reading import Reading, unfit
from controller.core.errors import Transient
from controller.core.ports import Clock

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds in which nothing is tried again after a failure; twice as long after each further one."""
NEAR_PAUSE = 5.0
"""The longest pause where a machine answers for which Home Assistant is not up: asking costs next to nothing there."""
REFUSED_PAUSE = 60.0
"""Seconds in which a refused token is not shown again: every try is a failed login in Home Assistant."""


_ABILITIES = {"type": "supported_features", "features": {"coalesce_messages": 1}}
"""Home Assistant may send several messages as one."""


class MissingToken(Transient):
    """There is no token to show."""


class Unfit(Transient):
    """Home Assistant answers and is not what it will be."""


class Contact:
    """`line` is the conversation in which everything can be asked. For many threads."""

    def __init__(
        self,
        connection: Connection,
        token: Callable[[], str],
        clock: Clock,
        model: Model,
        ears: Ears,
        foreseen: Callable[[], Sequence[Ask]] = lambda: (),
    ) -> None:
        """`foreseen` gives what will be asked anyway when everything is read anew."""
        self.me = ""
        self.administrator = False
        self._connection = connection
        self._token = token
        self._clock = clock
        self._model = model
        self._ears = ears
        self._foreseen = foreseen
        self._reading = Reading(model, ears.tell)
        self._opening, self._tables = Lock(), Lock()
        self._line: Line | None = None
        self._closed = False
        self._failure: Transient | None = None
        self._again_at = 0.0
        self._pause = FIRST_PAUSE
        self._refused = b""
        self._doubts = 0
        self._settled = 0
        """How many of the doubts are settled: one that comes while everything is read is not."""
        self._trust: ssl.SSLContext | None = None

    def line(self) -> Line:
        """The conversation, with everything read. Raises Transient."""
        line = self._line
        if line is not None and line.ready and self._settled == self._doubts:
            return line
        with self._opening:
            return self._made()

    def table(self, name: str) -> Mapping[str, Row]:
        """A registry as it is now. Raises Refused, Transient."""
        line = self.line()
        found = self._model.table(name)
        if found is not None:
            return found
        with self._tables:
            found = self._model.table(name)
            if found is not None:
                return found
            answer = looked(line, [self._reading.table(name)])[0]
            if isinstance(answer, Refused):
                raise answer
            return self._model.last(name)

    def doubt(self) -> None:
        """Read everything anew at the next use."""
        self._model.doubt()
        self._doubts += 1

    def trust(self) -> ssl.SSLContext | None:
        """Whom an https address is checked against. Raises Transient."""
        if self._trust is None and self._connection.url.startswith("https:"):
            try:
                self._trust = ssl.create_default_context(cafile=self._connection.ca or None)
            except OSError as error:
                raise Transient(cut(f"the file of `ca`, {self._connection.ca}, cannot be used: {words(error)}")) from error
        return self._trust

    def token(self) -> str:
        """The token. Raises Transient."""
        try:
            return self._token()
        except KeyError as error:
            name = self._connection.ref
            raise MissingToken(cut(f"the token {name!r} is not in the vault; set it: `homelab secret set {name}`")) from error

    def close(self) -> None:
        """End it for good."""
        self._closed = True
        line = self._line
        if line is not None:
            line.close()
            line.join()

    def _made(self) -> Line:
        line = self._line
        if line is not None and line.ready and self._settled == self._doubts:
            return line
        self._may_try()
        try:
            if line is None or line.ended.is_set():
                line = self._opened()
            self._settle(line)
        except MissingToken:
            raise
        except Transient as error:
            self._failed(error)
            raise
        self._failure, self._pause = None, FIRST_PAUSE
        return line

    def _may_try(self) -> None:
        if self._closed:
            raise Transient(f"the connection to Home Assistant at {self._connection.url} is closed")
        failure = self._failure
        if failure is None or self._clock.monotonic() >= self._again_at:
            return
        if not isinstance(failure, TokenRefused) or _digest(self.token()) == self._refused:
            raise type(failure)(str(failure))

    def _opened(self) -> Line:
        token, trust = self.token(), self.trust()
        self._refused = _digest(token)
        line = Line(self._connection, token, trust, self._clock)
        self._line = line
        line.open(after=lambda: self._ears.tell(()))
        if self._closed:
            line.close()
        return line

    def _settle(self, line: Line) -> None:
        """Have everything read over a conversation that stands."""
        doubts = self._doubts
        if line.ready:
            moved = self._reading.again(line, self._foreseen())
            self._settled = doubts
            if moved:
                self._ears.tell([None])
            return
        _, config, user = looked(line, [Ask(_ABILITIES), Ask({"type": "get_config"}), Ask({"type": "auth/current_user"})])
        if isinstance(config, Refused) or isinstance(user, Refused):
            raise Transient(str(config if isinstance(config, Refused) else user))
        why = unfit(config)
        if why:
            raise Unfit(f"Home Assistant at {self._connection.url} {why}")
        self.me, self.administrator = user["id"], bool(user.get("is_admin"))
        try:
            self._reading.begin(line)
        except Transient:
            line.close()  # what was subscribed to must not be subscribed to twice
            line.join()
            raise
        self._settled = doubts
        line.ready = True
        self._ears.tell([None])

    def _failed(self, error: Transient) -> None:
        self._failure, pause = error, self._pause
        if isinstance(error, TokenRefused):
            pause = REFUSED_PAUSE
        elif isinstance(error, Unfit):
            pause = FIRST_PAUSE
        else:
            self._pause = min(2 * pause, LONGEST_PAUSE)
            pause = min(pause, NEAR_PAUSE) if isinstance(error, NotUp) else pause
        self._again_at = self._clock.monotonic() + pause


def looked(line: Line, asks: Sequence[Ask]) -> list[Any | Refused]:
    """The answers to questions that change nothing: one that was lost leaves nothing unsure. Raises Transient."""
    try:
        return line.ask(asks)
    except Unsure as error:
        raise Transient(str(error)) from error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
