"""Whether a device may be written now: what it can, when it may, what must hold before, and who changed it last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from controller.clients.homeassistant import Home, Shown
from controller.core.change import Action, Change
from controller.core.limit import YES, Limit, Never, Wait
from controller.core.ports import Clock
from controller.core.suggest import did_you_mean
from controller.kinds.device.domains import domain_of
from controller.kinds.device.seen import DEVICE, PERSON, Glimpse, Memory, lost
from controller.kinds.device.times import fits, opens_at, window_words

SETTLES = 2.0
"""Seconds that an entity must have been back before it is written; each return that comes soon after the last doubles them."""
_LONGEST = 120.0
_AGAIN = 60.0
_ZONE_HOLDS = 600.0
_MAKERS = frozenset(["helper", "script", "scene", "entity"])
_HANDS = (PERSON, DEVICE)
"""Whose changes an override window keeps: people, also those at the switch of the device. An automation is none."""


@dataclass
class Limiter:
    """Answers for one home."""

    home: Home
    clock: Clock
    memory: Memory
    _zone: tuple[float, ZoneInfo] = field(default=(0.0, ZoneInfo("UTC")), init=False)

    def limit(self, change: Change) -> Limit:
        """What stands in the way of a change. Raises Transient."""
        entity, after = change.address, change.after
        if after is None:
            return YES
        states = self.home.states()
        shown, glimpse = states.get(entity), self.memory.of(entity)
        if shown is None:
            return self._missing(change, states)
        if why := unable(entity, after["desired"], shown):
            return Never(why)
        rules: Mapping[str, Any] = after.get("rules", {})
        for answer in (
            self._window(rules.get("when")),
            self._conditions(rules.get("conditions", ()), states),
            self._back(entity, glimpse),
            self._override(float(rules.get("override", 0)), glimpse) if change.drift else YES,
        ):
            if answer is not YES:
                return answer
        return YES

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
        """The time zone of the home."""
        until, zone = self._zone
        now = self.clock.monotonic()
        if until <= now:
            zone = ZoneInfo(self.home.call("get_config").get("time_zone") or "UTC")
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

    def _back(self, entity: str, glimpse: Glimpse | None) -> Limit:
        if glimpse is None or glimpse.back_at is None:
            return YES
        left = glimpse.back_at + min(_LONGEST, SETTLES * 2**glimpse.returns) - self.clock.monotonic()
        words = "came back a moment ago" if not glimpse.returns else f"came and went {glimpse.returns + 1} times"
        return Wait(self.clock.now() + left, f"{entity} {words}") if left > 0 else YES

    def _override(self, seconds: float, glimpse: Glimpse | None) -> Limit:
        if not seconds or glimpse is None or glimpse.cause is None or not glimpse.by_hand:
            return YES
        who = self.memory.who(glimpse, self.home.me)
        until = glimpse.cause.changed_at + seconds
        if who not in _HANDS or until <= self.clock.now():
            return YES
        return Wait(until, f"changed by {who} at {datetime.fromtimestamp(glimpse.cause.changed_at, self.local()):%H:%M}")


def unable(entity: str, wanted: Mapping[str, Any], shown: Shown) -> str:
    """Why an entity cannot be what is wanted of it, "" when it can."""
    domain = domain_of(entity)
    if domain is None or lost(shown):
        return ""
    found = [f"{word} {wanted[word]}: {why}" for word, why in domain.unable(wanted, shown.attributes)]
    return f"{entity} cannot be so: {'; '.join(found)}" if found else ""
