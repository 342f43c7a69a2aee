"""Proofs in the DNS: texts at `_acme-challenge`, beside those of others, that are there while an authority looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from typing import Any

from controller.clients import durable
from controller.clients.dns.values import declared
from controller.core.change import Action, Change
from controller.core.dns import RecordPlace, record_key
from controller.core.errors import Conflict, Deferred, Interrupted, Permanent, ProviderError, Transient
from controller.core.ports import Clock, Gates, Provider
from controller.core.state import Health, Present, State, Target, Unknown

TTL = 60
_PAUSE = 1.0
_PATIENCE = 900.0
"""Seconds for a change to be taken, and again for all authoritative servers to show it."""
_PATIENCE_AT_END, _PATIENCE_WHEN_CALLED_OFF = 120.0, 15.0
"""Seconds to take a proof away: what stays is written down, and taken away later."""


@dataclass(frozen=True, slots=True, order=True)
class ProofPlace:
    """Where proofs for a name stand: the records, and the connection that holds their zone."""

    place: RecordPlace
    via: str


@dataclass(frozen=True)
class _Desk:
    """What all that work on one book share: a connection that is opened anew must not take running orders for left-overs."""

    lock: Lock = field(default_factory=Lock)
    turns: dict[ProofPlace, Lock] = field(default_factory=dict)
    shown: set[tuple[ProofPlace, str]] = field(default_factory=set)
    """Those of orders that run now."""


_DESKS: dict[Path, _Desk] = {}


class Proofs:
    """Proofs of one Caddy's certificates. What is shown is written down first, so that it is found after a crash. `records` gives
    the provider of records behind a connection; it raises Transient when there is none. For many threads."""

    def __init__(self, records: Callable[[str], Provider], book: Path, clock: Clock) -> None:
        self._records = records
        self._book = book
        self._clock = clock
        desk = _DESKS.setdefault(book, _Desk())
        self._lock, self._turns, self._shown = desk.lock, desk.turns, desk.shown

    @contextmanager
    def shown(self, wanted: Mapping[ProofPlace, Collection[str]], interrupt: Flag) -> Iterator[None]:
        """Texts that every authoritative server shows while the block runs. Raises what a provider's `apply` raises."""
        values = {spot: {declared("TXT", text) for text in texts} for spot, texts in wanted.items()}
        entries = {(spot, value) for spot, several in values.items() for value in several}
        for spot in values:
            self._refuse_alias(spot, interrupt)
        with self._lock:
            self._shown.update(entries)
            self._note(lambda book: book | entries)
        try:
            for spot, several in values.items():
                self._edit(spot, several, set(), interrupt, _PATIENCE)
            for spot, several in values.items():
                self._agreed(spot, several, interrupt)
            yield
        finally:
            with self._lock:
                self._shown.difference_update(entries)
            self.clean(_PATIENCE_WHEN_CALLED_OFF if interrupt.is_set() else _PATIENCE_AT_END)

    def clean(self, patience: float = _PATIENCE_AT_END) -> None:
        """Take away what no order needs: proofs that are over, or that a crash left behind. What cannot be taken away now stays
        written down for the next time."""
        with self._lock:
            left = self._read() - self._shown
        for spot in sorted({spot for spot, _ in left}):
            gone = {value for where, value in left if where == spot}
            try:
                self._edit(spot, set(), gone, Flag(), patience)
            except ProviderError:
                continue
            with self._lock:
                self._note(lambda book, spot=spot, gone=gone: book - {(spot, value) for value in gone})  # type: ignore[misc]

    def _refuse_alias(self, spot: ProofPlace, interrupt: Flag) -> None:
        """An authority follows an alias to a name that is not ours to write to."""
        place = RecordPlace(spot.place.name, "CNAME", spot.place.zone)
        found = self._look(ProofPlace(place, spot.via), interrupt, _PATIENCE)
        if found:
            hint = "order the certificate where that name is, or remove the alias"
            raise Permanent(f"{place.name} is an alias of {found['values'][0]}, where the proof would have to stand: {hint}")

    def _edit(self, spot: ProofPlace, more: set[str], less: set[str], interrupt: Flag, patience: float) -> None:
        """Add and remove values, and leave those of others. Raises what the provider raises when its time is over."""
        deadline = self._clock.monotonic() + patience
        while True:
            with self._turn(spot):
                live = self._look(spot, interrupt, deadline - self._clock.monotonic())
                before = set(live["values"]) if live else set()
                after = (before | more) - less
                if after == before:
                    return
                try:
                    self._records(spot.via).apply(_change(spot, live, after), interrupt)
                except (Conflict, Transient, Deferred) as error:
                    wait = _wait(error, self._clock.now())
                    if self._clock.monotonic() + wait > deadline:
                        raise
                else:
                    return
            self._pause(interrupt, wait)

    def _turn(self, spot: ProofPlace) -> Lock:
        """Held by who changes the texts there."""
        with self._lock:
            return self._turns.setdefault(spot, Lock())

    def _look(self, spot: ProofPlace, interrupt: Flag, patience: float) -> State | None:
        """What is there, None = nothing. Raises Transient when that cannot be told in time."""
        target = _target(spot)
        deadline = self._clock.monotonic() + patience
        while True:
            found = self._records(spot.via).observe([target]).of(target.key)
            if not isinstance(found, Unknown):
                return found.state if isinstance(found, Present) else None
            if self._clock.monotonic() + _PAUSE > deadline:
                raise Transient(found.reason)
            self._pause(interrupt, _PAUSE)

    def _agreed(self, spot: ProofPlace, values: set[str], interrupt: Flag) -> None:
        """Wait until every authoritative server shows the values."""
        provider = self._records(spot.via)
        deadline = self._clock.monotonic() + _PATIENCE
        while True:
            live = self._look(spot, interrupt, _PATIENCE)
            missing = values - set(live["values"] if live else ())
            health, why = provider.health(_target(spot)) if isinstance(provider, Gates) else (Health.HEALTHY, "")
            if health is Health.HEALTHY and not missing:
                return
            if self._clock.monotonic() > deadline:
                raise Transient(f"{spot.place.name}: the proof does not show: {why or 'somebody else took it away'}")
            self._pause(interrupt, _PAUSE)

    def _pause(self, interrupt: Flag, seconds: float) -> None:
        if self._clock.wait(interrupt, seconds):
            raise Interrupted("called off before the proof stood in the DNS")

    def _read(self) -> set[tuple[ProofPlace, str]]:
        try:
            listed = json.loads(self._book.read_bytes())
            return {(ProofPlace(RecordPlace.parse(address), via), value) for address, via, value in listed}
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise Transient(f"{self._book}: {error}; remove it, and look for texts at _acme-challenge names") from error

    def _note(self, change: Callable[[set[tuple[ProofPlace, str]]], set[tuple[ProofPlace, str]]]) -> None:
        listed: Sequence[Any] = sorted([str(spot.place), spot.via, value] for spot, value in change(self._read()))
        try:
            self._book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.replace(self._book, json.dumps(listed).encode())
        except OSError as error:
            raise Transient(f"{self._book}: {error.strerror or error}") from error


def _target(spot: ProofPlace) -> Target:
    return Target(record_key(spot.place.name, spot.place.type), str(spot.place), str(spot.place))


def _change(spot: ProofPlace, live: State | None, after: set[str]) -> Change:
    target = _target(spot)
    like = live or {"zone": spot.place.zone, "name": spot.place.name, "type": spot.place.type, "ttl": TTL}
    made = {**like, "values": sorted(after)} if after else None
    action = Action.CREATE if live is None else Action.UPDATE if after else Action.DELETE
    return Change(target.key, spot.via, target.address, action, live, made, "proof for a certificate", handle=target.address)


def _wait(error: ProviderError, now: float) -> float:
    if isinstance(error, Deferred):
        return max(error.not_before - now, _PAUSE)
    return max(getattr(error, "retry_after", None) or 0.0, _PAUSE)
