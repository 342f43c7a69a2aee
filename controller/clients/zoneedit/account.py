"""An account at ZoneEdit: the three requests that it knows, no more often than it allows, written down before they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controller.clients.zoneedit.connection import Connection
from controller.clients.zoneedit.door import Door
from controller.clients.zoneedit.replies import (
    BadToken,
    NotDynamic,
    NotSent,
    TooSoon,
    Uncertain,
    UnknownCause,
    judge,
    parse,
    shared_out,
    wordless,
)
from controller.clients.zoneedit.sent import Asked, NameBook, Sent, SentFile, Verb, Window, ZoneBook
from controller.core.errors import Deferred, Permanent, ProviderError, Transient
from controller.core.ports import Clock
from controller.core.secret import SecretVersion

UPDATE, CREATE, DELETE = "auth/dynamic.html", "txt-create.php", "txt-delete.php"
TRIES = 3
"""Refusals without a known cause before it is told to a person."""
BARRED = 86_400.0
"""Seconds that a refused token is not sent again."""
Results = dict[str, ProviderError | None]


@dataclass(frozen=True, slots=True)
class Writing:
    """One request about to be made: for the names of one zone, each with the one value."""

    zone: str
    names: tuple[str, ...]
    record_type: str
    verb: Verb
    value: str
    every: float
    blind: bool = False

    def address(self, name: str) -> str:
        """What a name is called in the books."""
        return f"{name} {self.record_type}"


class Account:
    """One connection; `tokens` reveal the token of a zone. Every method raises only ProviderErrors; a request that ZoneEdit may
    have carried out stays in the books until the world shows it or its time is over."""

    def __init__(self, connection: Connection, tokens: Mapping[str, Callable[[], str]], file: SentFile, clock: Clock) -> None:
        self.connection = connection
        self._tokens = tokens
        self._file = file
        self._clock = clock
        self._door = Door(connection.url, connection.timeout, clock)

    def book(self, address: str) -> NameBook:
        """What is known of `<name> <TYPE>`; not to be changed."""
        return self._file.read().names.get(address) or NameBook()

    def zone_book(self, zone: str) -> ZoneBook:
        """What is known of a zone; not to be changed."""
        return self._file.read().zones.get(zone) or ZoneBook()

    def closed_until(self, zone: str, name: str, record_type: str) -> float | None:
        """When the next request for a name is allowed (seconds since the epoch), None = now."""
        windows = [self.book(f"{name} {record_type}").closed]
        if record_type == "A" and self.zone_book(zone).shared:
            windows.append(self.zone_book(zone).closed)
        now = self._clock.now()
        return max((window.end for window in windows if window.holds(now)), default=None)

    def refusal(self, zone: str) -> str:
        """Why the token of a zone is known to be wrong, "" = it is not. Another version of the secret is tried at once, the same
        one after a day."""
        book, token = self.zone_book(zone), self.connection.tokens.get(zone)
        known = token is not None and book.refused == self._mark(token) and book.barred.holds(self._clock.now())
        return book.said if known else ""

    def set_address(self, zone: str, names: Sequence[str], value: str, before: Mapping[str, Sequence[str]]) -> Results:
        """Point dynamic hosts of a zone at one address with one request. Every name gets None or its error: Deferred (its limit
        has not passed; nothing was sent for it), NotDynamic (`before` is what it showed), …"""
        writing = Writing(zone, tuple(names), "A", Verb.SET, value, self.connection.dynamic_every)
        deep = any(name.removesuffix(zone).strip(".").count(".") for name in names)

        def parameters(ready: Sequence[str]) -> Mapping[str, str]:
            return {"host": ",".join(ready), "dnsto": value, **({"zone": zone} if deep else {})}

        return self._send(writing, UPDATE, parameters, before)

    def add_text(self, zone: str, name: str, value: bytes) -> None:
        """Add one TXT value beside those that are there. Raises Deferred, Uncertain, …"""
        self._text(zone, name, value, Verb.ADD, blind=False)

    def remove_text(self, zone: str, name: str, value: bytes, *, blind: bool = False) -> None:
        """Remove one TXT value; `blind` when it was added a moment ago and has not shown yet. Raises as `add_text`."""
        self._text(zone, name, value, Verb.REMOVE, blind=blind)

    def mark(self, address: str, drop: Sequence[Sent]) -> None:
        """Forget requests that have shown, or that were found to have been in vain."""
        if drop:
            with self._file.writing() as books:
                book = books.name(address)
                book.sent = [each for each in book.sent if each not in drop]

    def _text(self, zone: str, name: str, value: bytes, verb: Verb, *, blind: bool) -> None:
        writing = Writing(zone, (name,), "TXT", verb, value.decode("latin-1"), self.connection.txt_every, blind)
        host = f"@.{zone}" if name == zone else name
        path = CREATE if verb is Verb.ADD else DELETE
        error = self._send(writing, path, lambda _names: {"host": host, "rdata": value}, {})[name]
        if error is not None:
            raise error

    def _send(
        self,
        writing: Writing,
        path: str,
        parameters: Callable[[Sequence[str]], Mapping[str, str | bytes]],
        before: Mapping[str, Sequence[str]],
    ) -> Results:
        token = self._token(writing.zone)
        results, undo = self._write_down(writing)
        ready = [name for name in writing.names if name not in results]
        if not ready:
            return results
        try:
            body = self._door.get(path, parameters(ready), self.connection.user, token)
        except NotSent as error:
            self._restore(writing.zone, undo)
            return {**results, **dict.fromkeys(ready, error)}
        except ProviderError as error:
            answered: Results = dict.fromkeys(ready, error)
        else:
            answered = self._read(writing.zone, ready, body)
        self._note(writing, answered, before)
        return {**results, **{name: self._told(writing, name, error) for name, error in answered.items()}}

    def _token(self, zone: str) -> str:
        reveal = self._tokens.get(zone)
        if reveal is None:
            raise Permanent(f"connection {self.connection.name!r} has no token for {zone}")
        if self.refusal(zone):
            raise BadToken(self.refusal(zone))
        try:
            return reveal()
        except KeyError as error:
            ref = self.connection.tokens[zone].ref
            raise Permanent(f"the token {ref!r} is no longer kept; `homelab secret set {ref}`") from error

    def _write_down(self, writing: Writing) -> tuple[Results, tuple[dict[str, NameBook], ZoneBook]]:
        """Close the names and note what is about to be sent. Returns the names that must wait, and the books as they were."""
        waits: Results = {}
        kept: dict[str, NameBook] = {}
        with self._file.writing() as books:
            now = self._clock.now()
            closed = Window(start=now, end=now + writing.every)
            shows = Window(start=now, end=now + self.connection.propagation)
            zone = books.zone(writing.zone)
            zone_before = zone.model_copy(deep=True)
            dynamic = writing.verb is Verb.SET
            for name in writing.names:
                book = books.name(writing.address(name))
                windows = [book.closed, *([zone.closed] if dynamic and zone.shared else [])]
                until = max((window.end for window in windows if window.holds(now)), default=None)
                if until is not None:
                    waits[name] = Deferred(f"ZoneEdit allows one request in {writing.every:.0f} s for {name}", until)
                    continue
                kept[name] = book.model_copy(deep=True)
                others = [] if dynamic else [each for each in book.sent if each.value != writing.value]
                book.sent = [*others, Sent(verb=writing.verb, value=writing.value, shows=shows, blind=writing.blind)]
                book.closed = closed
            if kept and dynamic and zone.shared:
                zone.closed = closed
        return waits, ({writing.address(name): book for name, book in kept.items()}, zone_before)

    def _restore(self, zone: str, undo: tuple[dict[str, NameBook], ZoneBook]) -> None:
        """Nothing was sent: the books are as before."""
        names, zone_before = undo
        with self._file.writing() as books:
            books.names.update(names)
            books.zone(zone).closed = zone_before.closed

    def _read(self, zone: str, ready: Sequence[str], body: str) -> Results:
        now, replies = self._clock.now(), parse(body)
        if not replies:
            return dict.fromkeys(ready, wordless(body, zone, now))
        found: Results = {}
        for name, own in shared_out(replies, [*ready]).items():
            errors = [error for reply in own if (error := judge(reply, zone, now)) is not None]
            found[name] = errors[0] if errors else None if own else Uncertain(f"ZoneEdit's answer says nothing about {name}")
        return found

    def _note(self, writing: Writing, answered: Results, before: Mapping[str, Sequence[str]]) -> None:
        """Keep in the books what the answer means."""
        with self._file.writing() as books:
            now = self._clock.now()
            zone = books.zone(writing.zone)
            closed = Window(start=now, end=now + writing.every)  # ZoneEdit counts from when it got it: no later than now
            if writing.verb is Verb.SET and zone.shared:
                zone.closed = closed
            for name, error in answered.items():
                book = books.name(writing.address(name))
                book.closed = closed
                if error is None:
                    book.failures, book.asked = 0, None
                elif not isinstance(error, Uncertain):  # refused: it was not carried out
                    book.sent = [each for each in book.sent if (each.verb, each.value) != (writing.verb, writing.value)]
                if isinstance(error, TooSoon):
                    book.closed = Window(start=now, end=error.not_before)
                    if error.zone and writing.verb is Verb.SET:
                        zone.shared, zone.closed = True, book.closed
                elif isinstance(error, Transient) and error.retry_after is not None:
                    book.closed = Window(start=now, end=now + error.retry_after)
                elif isinstance(error, BadToken):
                    token = self.connection.tokens[writing.zone]
                    zone.refused, zone.said = self._mark(token), str(error)
                    zone.barred = Window(start=now, end=now + BARRED)
                elif isinstance(error, NotDynamic) and writing.verb is Verb.SET:
                    book.asked = Asked(before=list(before.get(name, ())), why=str(error))
                elif isinstance(error, UnknownCause):
                    book.failures += 1

    def _told(self, writing: Writing, name: str, error: ProviderError | None) -> ProviderError | None:
        """What the caller hears: an unknown cause is tried a few times only."""
        if isinstance(error, UnknownCause) and self.book(writing.address(name)).failures % TRIES == 0:
            return Permanent(f"{error}; tried {TRIES} times")
        return error

    def _mark(self, token: SecretVersion) -> str:
        return f"{self.connection.user}:{token.version}:{token.fingerprint}"
