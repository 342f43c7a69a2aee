"""Busy: keys that must not be planned now, because they are under way or because an interruption left them between two states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.core.plan import Note
from controller.core.run import Entry
from controller.engine.bench import Bench
from controller.engine.clock_time import clock_time
from controller.engine.flights import Flights
from controller.engine.recover import by_rollout, rests_until

UNSETTLED = "an interrupted rollout is settled first"


def busy(bench: Bench, flights: Flights, zone: str) -> tuple[Note, ...]:
    """A note for each such key; `zone` is the time zone for what waits for a time."""
    flying, notes = flights.flying(), flights.notes()
    left = [entry for entry in bench.store.open_entries() if (entry.run, entry.rollout) not in flying]
    return (*notes, *(note for entries in by_rollout(left).values() for note in _unsettled(bench, entries, zone)))


def _unsettled(bench: Bench, entries: Sequence[Entry], zone: str) -> Iterable[Note]:
    until = rests_until(bench, entries)
    words = UNSETTLED
    if until:
        why = next((entry.note for entry in entries if entry.not_before == until), "")
        words += f": waits until {clock_time(until, bench.clock.now(), zone)}" + (f" ({why})" if why else "")
    return (Note(entry.change.key, "InProgress", words, entry.change.provider, until) for entry in entries)
