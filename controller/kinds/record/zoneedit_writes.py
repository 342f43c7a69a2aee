"""Changes at ZoneEdit: the address of a dynamic host, and TXT values one by one, each no more often than ZoneEdit allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

from controller.clients.dns.authority import Agreed, Said, Untold
from controller.clients.zoneedit import Account, NotDynamic
from controller.core.change import Change
from controller.core.dns import RecordPlace
from controller.core.errors import Conflict, Deferred, Interrupted, Permanent, ProviderError, Transient
from controller.core.ports import Clock
from controller.core.state import Receipt, State
from controller.kinds.record.zoneedit_shows import at, believed, book_name, lost, not_shown, shown, texts, values_of, waiting

PATIENCE = 30.0
"""Longest wait for a limit, in seconds, that is waited for on the spot; a longer one is left to the next pass."""
ATTEMPTS = 4
_WORKERS = 16
Result = Receipt | ProviderError
Look = Callable[[Sequence[RecordPlace]], Mapping[RecordPlace, Said]]


class Writes:
    """`apply_many` of ZoneEdit. `look` asks the authoritative servers."""

    def __init__(
        self, account: Account, look: Callable[[Sequence[RecordPlace]], Mapping[RecordPlace, Said]], clock: Clock
    ) -> None:
        self._account = account
        self._look = look
        self._clock = clock

    def make(self, changes: Sequence[Change], interrupt: Flag) -> list[Result]:
        """What became of each change. Hosts of one zone that get the same address are one request."""
        places = [RecordPlace.parse(change.address) for change in changes]
        said = self._look(places)
        results: dict[int, Result] = {}
        together: dict[tuple[str, str], list[int]] = {}
        alone: list[int] = []
        for number, (change, place) in enumerate(zip(changes, places, strict=True)):
            if place.type == "TXT":
                alone.append(number)
                continue
            try:
                decided: Result | None = self._decide(change, place, said[place])
            except ProviderError as error:
                decided = error
            if decided is None:
                together.setdefault((place.zone, values_of(change.after)[0]), []).append(number)
            else:
                results[number] = decided
        jobs: list[Callable[[], Mapping[int, Result]]] = [
            lambda numbers=numbers: self._update([(each, changes[each], places[each]) for each in numbers], interrupt)  # type: ignore[misc]
            for numbers in together.values()
        ]
        jobs += [
            lambda each=each: {each: self._text_result(changes[each], places[each], said[places[each]], interrupt)}  # type: ignore[misc]
            for each in alone
        ]
        for found in _at_once(jobs):
            results.update(found)
        return [results[number] for number in range(len(changes))]

    def _decide(self, change: Change, place: RecordPlace, said: Said) -> Receipt | None:
        """What needs no request; None = it has to be sent. Raises as `apply`."""
        live = _agreed(said)
        after = values_of(change.after)
        book = self._account.book(book_name(place))
        unseen = waiting(book, live, self._clock.now())
        if unseen:
            # Accepted, and not shown yet: asked for again, it is on its way; anything else comes after it.
            if [each.value for each in unseen] == after:
                return _receipt(change, change.after)
            raise Deferred(f"{place.name}: {not_shown(unseen[-1])}", unseen[-1].shows.end)
        if sorted(after) == live:
            self._account.mark(book_name(place), book.sent)
            return _receipt(change, shown(place, live))
        _expect(change, live)
        if place.type != "A" or len(after) != 1 or len(live) != 1:
            raise Permanent(f"{place.name}: only a person can {change.action} {place.type} records at ZoneEdit")
        return None

    def _update(self, jobs: Sequence[tuple[int, Change, RecordPlace]], interrupt: Flag) -> Mapping[int, Result]:
        """One address for several hosts of a zone."""
        zone, address = jobs[0][2].zone, values_of(jobs[0][1].after)[0]
        left = {place.name: (number, change) for number, change, place in jobs}
        before = {place.name: values_of(change.before) for _, change, place in jobs}
        results: dict[int, Result] = {}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answered = self._account.set_address(zone, list(left), address, before)
            except ProviderError as error:
                return {**results, **{number: error for number, _ in left.values()}}
            again = {name: left[name] for name, said in answered.items() if _soon(said, self._clock.now())}
            for name, said in answered.items():
                number, change = left[name]
                results[number] = _receipt(change, change.after) if said is None else _asked_next(said)
            if not again or attempt == ATTEMPTS:
                break
            left = again
            wait = max(_soon(answered[name], self._clock.now()) for name in again)
            if self._clock.wait(interrupt, wait):
                results.update({number: Interrupted("called off; nothing was written") for number, _ in left.values()})
                break
        return results

    def _text_result(self, change: Change, place: RecordPlace, said: Said, interrupt: Flag) -> Result:
        try:
            return self._text(change, place, said, interrupt)
        except ProviderError as error:
            return error

    def _text(self, change: Change, place: RecordPlace, said: Said, interrupt: Flag) -> Receipt:
        """Values come before others go; what the change does not name stays."""
        before, after = texts(values_of(change.before)), texts(values_of(change.after))
        live = _agreed(said)
        written = False
        failed = 0
        while True:
            book = self._account.book(book_name(place))
            stands = believed(book, texts(live), self._clock.now())
            missing, surplus = sorted(after - stands), sorted((before - after) & (stands | lost(book, self._clock.now())))
            if not written and (missing or surplus):
                _expect_texts(change, before, after, stands)
            if not missing and not surplus:
                break
            self._await_turn(place, interrupt, written)
            try:
                if missing:
                    self._account.add_text(place.zone, place.name, missing[0])
                else:
                    blind = surplus[0] in stands - texts(live)
                    self._account.remove_text(place.zone, place.name, surplus[0], blind=blind)
                written = True
            except ProviderError as error:
                failed += 1
                if not _soon(error, self._clock.now()) or failed == ATTEMPTS:
                    raise
        if not written:
            vain = [each for each in book.sent if not each.shows.holds(self._clock.now())]
            self._account.mark(book_name(place), vain)
        return _receipt(change, change.after)

    def _await_turn(self, place: RecordPlace, interrupt: Flag, written: bool) -> None:
        until = self._account.closed_until(place.zone, place.name, place.type)
        left = until - self._clock.now() if until is not None else 0.0
        if left > PATIENCE:
            raise Deferred(f"ZoneEdit allows no request for {place.name} before {at(until or 0.0)}", until or 0.0)
        if left > 0 and self._clock.wait(interrupt, left):
            if written:
                raise Transient(f"{place.name}: called off between two values")
            raise Interrupted("called off; nothing was written")


def _agreed(said: Said) -> list[str]:
    if isinstance(said, Agreed):
        return sorted(said.values)
    raise Transient(said.why if isinstance(said, Untold) else f"the authoritative servers disagree: {said.why}")


def _expect(change: Change, live: Sequence[str]) -> None:
    if sorted(values_of(change.before)) != list(live):
        raise Conflict(f"{change.key} is not what the change expects: it holds {', '.join(live) or 'nothing'}")


def _expect_texts(change: Change, before: set[bytes], after: set[bytes], stands: set[bytes]) -> None:
    """A change that was cut short left one side whole, and a part of the other beside it. A value that neither names is somebody
    else's: it is not in the way of a change, but a name that was to be free must be."""
    torn = stands >= before or stands >= after
    if not torn or (change.before is None and not stands <= after):
        raise Conflict(f"{change.key} is not what the change expects: it holds {len(stands)} values that differ")


def _receipt(change: Change, state: State | None) -> Receipt:
    return Receipt(change.address, state)


def _soon(error: ProviderError | None, now: float) -> float:
    """Seconds after which it is worth to ask again on the spot; 0 = it is not."""
    if isinstance(error, Deferred):
        wait = error.not_before - now
    elif isinstance(error, Transient) and error.retry_after is not None:
        wait = error.retry_after
    else:
        return 0.0
    return max(wait, 0.01) if wait <= PATIENCE else 0.0


def _asked_next(error: ProviderError) -> ProviderError:
    """A host that is no DYN record is no failed revision: the next plan asks a person for it."""
    if isinstance(error, NotDynamic):
        return Transient(f"{error}: it is not a DYN record there, so a person is asked from now on")
    return error


def _at_once(jobs: Sequence[Callable[[], Mapping[int, Result]]]) -> list[Mapping[int, Result]]:
    if len(jobs) <= 1:
        return [job() for job in jobs]
    with ThreadPoolExecutor(max_workers=min(_WORKERS, len(jobs)), thread_name_prefix="zoneedit") as pool:
        return list(pool.map(lambda job: job(), jobs))
