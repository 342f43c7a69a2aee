"""One conversation with Home Assistant: from the token to the end of the connection, answers by number, events as they come."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

from controller.clients.homeassistant.channel import OPENING, Channel, TurnedAway
from controller.clients.homeassistant.connection import Connection
from controller.clients.homeassistant.errors import Refused, Unsure, cut, words
from controller.clients.tally import ERROR, OK, REFUSED, TALLY
from controller.core.errors import Transient
from controller.core.ports import Clock

PATIENCE = 60.0
"""Seconds for the answers to one batch of commands."""
_NOT_UP = (502, 503, 504)
"""What a proxy answers for a server that is not there."""
_BATCH = 256
"""Home Assistant drops a client for which 4,096 messages wait."""


class TokenRefused(Transient):
    """Home Assistant does not know the token (any more)."""


class NotUp(Transient):
    """Its machine, or the proxy before it, answers at once that it is not there."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A command. `answered` is called with its result and `heard` with each event of what it subscribes to, both by the thread
    that reads, in the order in which they were sent: they must be quick and must not ask anything."""

    fields: Mapping[str, Any]
    answered: Callable[[Any], None] | None = None
    heard: Callable[[Any], None] | None = None


@dataclass
class _Batch:
    asks: Sequence[Ask]
    done: Flag = field(default_factory=Flag)
    answers: dict[int, Any] = field(default_factory=dict)


class Line:
    """A conversation. It connects by itself, in a thread of its own, and never again when it has ended. For many threads."""

    def __init__(self, connection: Connection, token: str, trust: ssl.SSLContext | None, clock: Clock) -> None:
        self.ended = Flag()
        self._ready = False
        self.version = ""
        self._connection = connection
        self._token = token
        self._clock = clock
        self._channel = Channel(connection.socket, trust, clock)
        self._opened = Flag()
        self._failure: Transient | None = None
        self._lock = Lock()
        self._last = 0
        self._waiting: dict[int, tuple[_Batch, int]] = {}
        self._hearing: dict[int, Callable[[Any], None]] = {}
        self._after: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name=f"home-{connection.name}", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether who uses it has found everything that must be known, and it still stands."""
        return self._ready and not self.ended.is_set()

    @ready.setter
    def ready(self, ready: bool) -> None:
        self._ready = ready

    def open(self, after: Callable[[], None]) -> None:
        """Connect and prove who we are; `after` is called when the conversation has ended. Raises TokenRefused, Transient."""
        self._after = after
        self._thread.start()
        if not self._clock.wait(self._opened, 3 * OPENING):
            self.close()
            raise Transient(f"Home Assistant at {self._connection.url} does not answer: no answer in time")
        if self._failure is not None:
            raise self._failure

    def ask(self, asks: Sequence[Ask], patience: float = PATIENCE) -> list[Any | Refused]:
        """Send commands at once; their results in order. Raises Unsure when an answer was lost, Transient when none was sent."""
        answers: list[Any | Refused] = []
        for start in range(0, len(asks), _BATCH):
            batch = _Batch(asks[start : start + _BATCH])
            if not self._send(batch):
                raise self._lost(Unsure if answers else Transient)
            if not self._clock.wait(batch.done, patience):
                self._forget(batch)
                raise Unsure(f"Home Assistant at {self._connection.url} does not answer: no answer within {patience:g} s")
            if len(batch.answers) < len(batch.asks):
                raise self._lost(Unsure)
            answers += (batch.answers[index] for index in range(len(batch.asks)))
        return answers

    def close(self) -> None:
        """End the conversation."""
        self._channel.close()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread.ident is not None:
            self._thread.join(2 * OPENING)

    def _lost(self, kind: type[Transient]) -> Transient:
        lost = "; the answer to a command was lost" if kind is Unsure else ""
        return kind(cut(f"{self._failure or 'the connection was lost'}{lost}"))

    def _send(self, batch: _Batch) -> bool:
        """False when the conversation is over."""
        with self._lock:
            if self.ended.is_set():
                return False
            texts = []
            for index, each in enumerate(batch.asks):
                self._last += 1
                self._waiting[self._last] = batch, index
                if each.heard is not None:
                    self._hearing[self._last] = each.heard
                texts.append(json.dumps({"id": self._last, **each.fields}, ensure_ascii=False, separators=(",", ":")))
            self._channel.send(texts[0] if len(texts) == 1 else f"[{','.join(texts)}]")
        return True

    def _forget(self, batch: _Batch) -> None:
        with self._lock:
            self._waiting = {number: place for number, place in self._waiting.items() if place[0] is not batch}

    def _run(self) -> None:
        url = self._connection.url
        try:
            self._channel.run(self._told)
            self._fail(Transient(f"Home Assistant at {url} ended the connection"))
        except TurnedAway as error:
            kind = NotUp if error.status in _NOT_UP else Transient
            self._fail(kind(cut(f"Home Assistant at {url} does not let us in: {_turned_away(error)}")))
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate cannot be trusted ({error.verify_message}); name its authority: `ca: /path.pem`"
            self._fail(Transient(cut(f"Home Assistant at {url}: {why}")))
        except OSError as error:
            kind = NotUp if isinstance(error, ConnectionRefusedError) else Transient
            self._fail(kind(cut(f"Home Assistant at {url} does not answer: {words(error)}")))
        except Exception as error:  # noqa: BLE001 (whatever it sent: nobody may wait for answers for ever)
            self._fail(Transient(cut(f"Home Assistant at {url} sent what cannot be read ({type(error).__name__})")))
        finally:
            self._end()

    def _fail(self, failure: Transient) -> None:
        if self._failure is None:
            self._failure = failure

    def _end(self) -> None:
        with self._lock:
            self.ended.set()
            batches = [batch for batch, _ in self._waiting.values()]
            self._waiting, self._hearing = {}, {}
        for batch in batches:
            TALLY.count("homeassistant", ERROR)
            batch.done.set()
        if not self._opened.is_set():
            TALLY.count("homeassistant", ERROR)
        self._opened.set()
        self._after()

    def _told(self, text: str) -> None:
        for message in _messages(json.loads(text)):
            self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        kind, number = message.get("type"), message.get("id", 0)
        if kind == "event":
            heard = self._hearing.get(number)
            if heard is not None:
                heard(message["event"])
        elif kind in ("result", "pong"):
            self._answer(number, message)
        elif kind == "auth_required":
            token, self._token = self._token, ""
            self._channel.send(json.dumps({"type": "auth", "access_token": token}))
        elif kind == "auth_ok":
            self.version = str(message.get("ha_version", ""))
            self._opened.set()
        elif kind == "auth_invalid":
            self._fail(TokenRefused(_token_refused(self._connection)))
            self._channel.close()

    def _answer(self, number: int, message: Mapping[str, Any]) -> None:
        with self._lock:
            batch, index = self._waiting.pop(number, (None, 0))
        if batch is None:
            return
        answer: Any = message.get("result")
        if not message.get("success", True):
            error = message.get("error") or {}
            answer = Refused(str(error.get("code", "unknown_error")), str(error.get("message", "")))
            with self._lock:
                self._hearing.pop(number, None)
        TALLY.count("homeassistant", REFUSED if isinstance(answer, Refused) else OK)
        answered = batch.asks[index].answered
        if answered is not None:
            answered(answer)
        batch.answers[index] = answer
        if len(batch.answers) == len(batch.asks):
            batch.done.set()


def _messages(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from value
    else:
        yield value


def _token_refused(connection: Connection) -> str:
    name = connection.ref or "its name"
    return cut(
        f"Home Assistant at {connection.url} refuses the token; make one there (profile, security, long-lived access tokens) and"
        f" set it: `homelab secret set {name}`"
    )


def _turned_away(error: TurnedAway) -> str:
    if error.location:
        return f"it points to {error.location} (HTTP {error.status}); write that address in homelab.yaml"
    if error.status == 403:
        return "it has banned this machine (HTTP 403); remove its address from ip_bans.yaml and restart Home Assistant"
    if error.status == 400:
        return "HTTP 400; behind a proxy, Home Assistant must name it in `http: trusted_proxies`"
    if error.status == 404:
        return "there is no Home Assistant at that address (HTTP 404)"
    return f"HTTP {error.status}"
