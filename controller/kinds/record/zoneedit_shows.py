"""What ZoneEdit was sent, held against what the authoritative servers show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from controller.clients.dns.values import joined
from controller.clients.zoneedit import NameBook, Sent, Verb
from controller.core.dns import RecordPlace
from controller.core.state import State

TOLD = 86_400.0
"""Seconds for which it is told that something never showed."""


def values_of(state: State | None) -> list[str]:
    """The values of a record's state; none when there is no record."""
    return [str(each) for each in state["values"]] if state is not None else []


def shown(place: RecordPlace, values: Iterable[str]) -> dict[str, object]:
    """The state that the authoritative servers show. No TTL: ZoneEdit's cannot be set, so it is never compared."""
    return {"zone": place.zone, "name": place.name, "type": place.type, "values": sorted(values)}


def book_name(place: RecordPlace) -> str:
    """What a record is called in the books of what was sent."""
    return f"{place.name} {place.type}"


def texts(values: Iterable[str]) -> set[bytes]:
    """TXT values as bytes, whatever strings they are split into."""
    return {value if isinstance(value, bytes) else value.encode() for value in map(joined, values)}


def waiting(book: NameBook, live: Sequence[str], now: float) -> list[Sent]:
    """What was sent, does not show, and may yet show."""
    return [each for each in book.sent if each.shows.holds(now) and not _effective(each, live, now)]


def in_vain(book: NameBook, live: Sequence[str], now: float) -> list[Sent]:
    """What was sent lately and has not shown in all the time it had."""
    late = [each for each in book.sent if each.shows.end <= now < each.shows.end + TOLD]
    return [each for each in late if not _effective(each, live, now)]


def seen(book: NameBook, live: Sequence[str], now: float) -> list[Sent]:
    """What was sent and shows."""
    return [each for each in book.sent if _effective(each, live, now)]


def believed(book: NameBook, live: set[bytes], now: float) -> set[bytes]:
    """The TXT values that ZoneEdit must hold: those that show, and what was sent since."""
    found = set(live)
    for each in book.sent:
        if each.shows.holds(now):
            value = each.value.encode("latin-1")
            found = found | {value} if each.verb is Verb.ADD else found - {value}
    return found


def lost(book: NameBook, now: float) -> set[bytes]:
    """TXT values that were added and never showed: they may still come, so taking them back is said all the same."""
    return {each.value.encode("latin-1") for each in book.sent if each.verb is Verb.ADD and not each.shows.holds(now)}


def not_shown(sent: Sent) -> str:
    """Why nothing can be said about a record yet."""
    return f"{sent.verb} {sent.value} was sent at {at(sent.shows.start)}, the authoritative servers do not show it yet"


def at(when: float) -> str:
    """A time in words."""
    return datetime.fromtimestamp(when, UTC).strftime("%H:%M:%S UTC")


def _effective(sent: Sent, live: Sequence[str], now: float) -> bool:
    if sent.verb is Verb.SET:
        return list(live) == [sent.value]
    there = sent.value.encode("latin-1") in texts(live)
    if sent.verb is Verb.ADD:
        return there
    return not there and not (sent.blind and sent.shows.holds(now))
