"""Whether a device may be written now: what it can, when it may, what must hold before, and who changed it last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.clients.homeassistant import Home, Shown
from controller.core.change import Action, Change
from controller.core.errors import Permanent, ProviderError
from controller.core.limit import YES, Limit, Never, Wait
from controller.core.ports import Clock
from controller.core.suggest import did_you_mean
from controller.kinds.device.domains import domain_of
from controller.kinds.device.seen import DEVICE, PERSON, Memory, lost
from controller.kinds.device.times import fits, opens_at, window_words

SETTLES = 2.0
"""Seconds that an entity must have been back before it is written; each return that comes soon after the last doubles them."""
_LONGEST = 120.0
_AGAIN = 60.0
_LOST = 5.0
"""Seconds after which is asked again what could not be read."""
_ZONE_HOLDS = 600.0
_MAKERS = frozenset(["helper", "script", "scene", "entity"])
_HANDS = (PERSON, DEVICE)
"""Whose changes an override window keeps: people, also those at the switch of the device. An automation is none."""


@dataclass
class Limiter:
    """Answers for one home. What cannot be read is no leave to write: it waits."""

    home: Home
    clock: Clock
    memory: Memory
    _zone: tuple[float, ZoneInfo] = field(default=(0.0, ZoneInfo("UTC")), init=False)

    def limit(self, change: Change) -> Limit:
        """What stands in the way of a change."""
        return self._told(lambda: self._limit(change))

    def allows(self, change: Change) -> Limit:
        """What its window and its conditions say now."""
        return self._told(lambda: self._allows(change, self.home.states()))

    def kept(self, change: Change) -> Limit:
        """Whether what somebody wants of it now is left alone."""
        return self._told(lambda: self._override(change))

    def _told(self, ask: Callable[[], Limit]) -> Limit:
        try:
            return ask()
        except Permanent as error:
            return Never(str(error))
        except ProviderError as error:
            return Wait(self.clock.now() + _LOST, str(error))

    def _limit(self, change: Change) -> Limit:
        entity, after = change.address, change.after
        if after is None:
            return YES
        states = self.home.states()
        shown = states.get(entity)
        if shown is None:
            return self._missing(change, states)
        if why := unable(entity, after["desired"], shown):
            return Never(why)
        answer = self._allows(change, states)
        answer = self._back(entity) if answer is YES else answer
        return self._override(change) if answer is YES else answer

    def _allows(self, change: Change, states: Mapping[str, Shown]) -> Limit:
        rules: Mapping[str, Any] = (change.after or {}).get("rules", {})
        answer = self._window(rules.get("when"))
        return answer if answer is not YES else self._conditions(rules.get("conditions", ()), states)

    def _missing(self, change: Change, states: Mapping[str, Shown]) -> Limit:
        entity, registry = change.address, self.home.entities()
        if change.action is Action.CREATE and any(need.kind in _MAKERS for need in change.needs):
            return YES  # what it needs makes it
        moved = next((name for name, row in registry.items() if change.handle and row.get("id") == change.handle), "")
        if moved:
            return Never(f"{entity} is called {moved} now: write `entity: {moved}`")
        hint = did_you_mean(entity, {*states, *registry})
        return Never(f"Home Assistant has no {entity}" + (f"; {hint}" if hint else ""))

    def _window(self, window: Mapping[str, Any] | None) -> Limit:
        if window is None:
            return YES
        now = self.clock.now()
        opens = opens_at(window, now, ZoneInfo(window["timezone"]) if window["timezone"] else self.local())
        return YES if opens <= now else Wait(opens, f"outside of its window, {window_words(window)}")

    def local(self) -> ZoneInfo:
        """The time zone of the home. Raises Permanent for one that this machine does not know, Transient."""
        until, zone = self._zone
        now = self.clock.monotonic()
        if until <= now:
            name = self.home.call("get_config").get("time_zone") or "UTC"
            try:
                zone = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise Permanent(
                    f"this machine does not know the time zone {name!r} of Home Assistant; install tzdata, or write `timezone`"
                ) from error
            self._zone = now + _ZONE_HOLDS, zone
        return zone

    def _conditions(self, conditions: Any, states: Mapping[str, Shown]) -> Limit:
        for each in conditions:
            entity, wanted = each["entity"], each["state"]
            shown = states.get(entity)
            if shown is None and entity not in self.home.entities():
                hint = did_you_mean(entity, states)
                return Never(f"Home Assistant has no {entity}, which a condition names" + (f"; {hint}" if hint else ""))
            if shown is None or not fits(shown.state, wanted):
                several = " or ".join(map(str, wanted)) if isinstance(wanted, list) else wanted
                said = shown.state if shown is not None else "not there"
                return Wait(self.clock.now() + _AGAIN, f"{entity} is {said}, and must be {several}")
        return YES

    def _back(self, entity: str) -> Limit:
        glimpse = self.memory.of(entity)
        if glimpse is None or glimpse.back_at is None:
            return YES
        left = glimpse.back_at + min(_LONGEST, SETTLES * 2**glimpse.returns) - self.clock.monotonic()
        words = "came back a moment ago" if not glimpse.returns else f"came and went {glimpse.returns + 1} times"
        return Wait(self.clock.now() + left, f"{entity} {words}") if left > 0 else YES

    def _override(self, change: Change) -> Limit:
        seconds = float((change.after or {}).get("rules", {}).get("override", 0)) if change.drift else 0.0
        glimpse = self.memory.of(change.address)
        if not seconds or glimpse is None or glimpse.cause is None or not glimpse.by_hand:
            return YES
        who = self.memory.who(glimpse, self.home.me)
        until = glimpse.cause.changed_at + seconds
        if who not in _HANDS or until <= self.clock.now():
            return YES
        return Wait(until, f"changed by {who} at {self._hour(glimpse.cause.changed_at)}")

    def _hour(self, at: float) -> str:
        zone: tzinfo = UTC
        try:
            zone, said = self.local(), ""
        except Permanent:
            said = " UTC"
        return f"{datetime.fromtimestamp(at, zone):%H:%M}{said}"


def unable(entity: str, wanted: Mapping[str, Any], shown: Shown) -> str:
    """Why an entity cannot be what is wanted of it, "" when it can."""
    domain = domain_of(entity)
    if domain is None or lost(shown):
        return ""
    found = [f"{word} {wanted[word]}: {why}" for word, why in domain.unable(wanted, shown.attributes)]
    return f"{entity} cannot be so: {'; '.join(found)}" if found else ""
