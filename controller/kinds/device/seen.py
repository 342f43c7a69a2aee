"""What was seen of entities: their values in normal form, who changed these last and when, and when they came back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from controller.clients.homeassistant import Shown
from controller.core.ports import Clock
from controller.core.state import ABSENT, Observed, Owner, Present, Unknown
from controller.kinds.device.domains import domain_of
from controller.kinds.device.openings import class_matters, guarded

US, PERSON, AUTOMATION, DEVICE = "us", "a person", "an automation", "the device"
_MANY = 512
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One entity as it was seen. `values` are those that it showed last (None = never any), `known` whether it shows them now.

    `cause` is the state with which its values came: later ones in which nothing changed that can be wanted do not say who it was.
    `by_hand` is False when they came with its return: nobody chose them. `after_us` is True when they came after it had done what
    we told it, though they carry our name still: Home Assistant gives it to whatever a device says within seconds.

    `back_at` is when it was known again after it had been away (monotonic seconds, None = it was never away), `returns` how often
    in a row that was soon after the last return."""

    shown: Shown | None
    entry: Row | None
    observed: Observed
    known: bool = False
    values: Mapping[str, Any] | None = None
    cause: Shown | None = None
    by_hand: bool = True
    after_us: bool = False
    back_at: float | None = None
    returns: int = 0


class Memory:
    """What was seen of each entity, and what we sent. For many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._lock = Lock()
        self._glimpses: dict[str, Glimpse] = {}
        self._named: dict[str, tuple[Observed, str, Observed]] = {}
        self._ours: dict[str, bool] = {}

    def sent(self, context: str) -> None:
        """A call of ours, by the context that its changes carry."""
        with self._lock:
            self._ours[context] = False
            while len(self._ours) > _MANY:
                del self._ours[next(iter(self._ours))]

    def done(self, contexts: Iterable[str]) -> None:
        """What these calls were to bring about was seen: whatever comes now is somebody else's."""
        with self._lock:
            self._ours.update(dict.fromkeys(contexts, True))

    def who(self, glimpse: Glimpse, me: str) -> str:
        """Who changed an entity last, "" when it never was seen. The token may be that of a person's own user: what came from it
        since this controller began counts as ours only when we sent it."""
        shown = glimpse.cause
        if shown is None:
            return ""
        if glimpse.after_us:
            return DEVICE
        if shown.user_id and shown.user_id == me:
            with self._lock:
                ours = shown.context_id in self._ours
            return US if ours or shown.changed_at < self._began else PERSON
        if shown.user_id:
            return PERSON
        return AUTOMATION if shown.parent_id else DEVICE

    def take(self, entity: str, shown: Shown | None, entry: Row | None, others: Mapping[str, Shown]) -> Glimpse:
        """Look at an entity (its state, its entry in the registry). What is `observed` of it stays the same object while nothing
        changed that can be wanted of it."""
        with self._lock:
            before = self._glimpses.get(entity)
            if before is not None and before.shown is shown and before.entry is entry and not grouped(shown):
                return before
            now = _look(entity, shown, entry, others)
            if shown is not None and self._ours.get(shown.context_id):
                now = replace(now, after_us=True)
            glimpse = self._glimpses[entity] = _next(before, now, self._clock.monotonic())
            return glimpse

    def named(self, entity: str, glimpse: Glimpse, me: str) -> Observed:
        """What is observed of an entity, with who changed it last; the same object while both stay."""
        observed = glimpse.observed
        if not isinstance(observed, Present):
            return observed
        who = self.who(glimpse, me)
        known = self._named.get(entity)
        if known is None or known[0] is not observed or known[1] != who:
            known = self._named[entity] = observed, who, replace(observed, by=who)
        return known[2]

    def of(self, entity: str) -> Glimpse | None:
        """The last glimpse of an entity."""
        with self._lock:
            return self._glimpses.get(entity)


SOON = 60.0
"""Seconds within which another return counts as flapping."""


def _next(before: Glimpse | None, now: Glimpse, at: float) -> Glimpse:
    """A glimpse with what is remembered from the one before."""
    if before is None:
        return now
    observed = before.observed if before.observed == now.observed else now.observed
    back_at, returns = before.back_at, before.returns
    made = before.shown is None and before.values is None  # what was never there does not come back
    if now.known and not before.known and not made:
        returns = returns + 1 if back_at is not None and at - back_at < SOON else 0
        back_at = at
    now = replace(now, observed=observed, back_at=back_at, returns=returns)
    if now.known and now.values != before.values:
        return replace(now, by_hand=before.known)
    return replace(now, values=before.values, cause=before.cause, by_hand=before.by_hand, after_us=before.after_us)


def _look(entity: str, shown: Shown | None, entry: Row | None, others: Mapping[str, Shown]) -> Glimpse:
    if shown is None:
        return Glimpse(None, entry, _without_state(entity, entry))
    if lost(shown):
        return Glimpse(shown, entry, Unknown(f"{entity} {_absence(shown)}"))
    domain = domain_of(entity)
    values = domain.values(shown.state, shown.attributes) if domain is not None else {}
    guard = guarded(entity, *_behind(shown, others)) if class_matters(entity) else guarded(entity, frozenset())
    state = {"entity": entity, "desired": values, "guard": guard}
    handle = str(entry.get("id") or entity) if entry is not None else entity
    return Glimpse(shown, entry, Present(state, handle, Owner.FOREIGN), True, values, shown)


def lost(shown: Shown) -> bool:
    """True while nothing is known of an entity. One that never tells its state is told what to be all the same."""
    if shown.state == "unknown":
        return shown.attributes.get("assumed_state") is not True
    return shown.restored or shown.state == "unavailable"


def _absence(shown: Shown) -> str:
    if shown.state == "unknown":
        return "shows no state yet; it is written when it does"
    why = "has not been back since Home Assistant started" if shown.restored else f"is {shown.state}"
    return f"{why}; it is written when it is back"


def _without_state(entity: str, entry: Row | None) -> Observed:
    if entry is None:
        return ABSENT
    if entry.get("disabled_by"):
        return Unknown(f"{entity} is disabled in Home Assistant (by {entry['disabled_by']}); `disabled: false` enables it")
    return Unknown(f"{entity} is registered, but its integration does not provide it now")


def grouped(shown: Shown | None) -> bool:
    """True for a group of which it depends on others, which come and go unheard, whether a person must agree."""
    return shown is not None and class_matters(shown.entity_id) and bool(_members(shown))


def _behind(shown: Shown, others: Mapping[str, Shown]) -> tuple[frozenset[str], str]:
    """The classes of the devices behind an entity: its own, and for a group those of its members and of theirs; and a member that
    is not there ("" = none)."""
    found, missing, left = {shown.entity_id: shown}, "", [*_members(shown)]
    while left:
        name = left.pop()
        member = others.get(name)
        if member is None:
            missing = name
        elif name not in found:
            found[name] = member
            left += _members(member)
    return frozenset(str(each.attributes.get("device_class") or "") for each in found.values()), missing


def _members(shown: Shown) -> list[str]:
    members = shown.attributes.get("entity_id")
    return [str(each) for each in members] if isinstance(members, (list, tuple)) else []
