"""How an entity is brought to what is wanted of it: as few calls as its domain allows, each confirmed by what it then shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant import Home, Shown, Unsure
from controller.core.errors import Conflict, Interrupted, Permanent, Transient
from controller.core.ports import Clock
from controller.kinds.device.domain import STATE, Call, Domain, Values
from controller.kinds.device.seen import lost

_ITSELF = (STATE, "value", "option")


@dataclass(frozen=True)
class Actuator:
    """One entity that is being told. `code` reveals the code of a lock or an alarm panel, `sent` hears the context of each call,
    `seconds` is how long it may take to follow in all."""

    home: Home
    clock: Clock
    entity: str
    domain: Domain
    seconds: float
    code: Callable[[], str] | None
    sent: Callable[[str], None]

    def bring(self, wanted: Values, shown: Shown, interrupt: Flag) -> None:
        """Return when the entity shows what is wanted. Raises Transient when it goes away meanwhile, Permanent when it does not
        follow, Interrupted, and what the client raises."""
        until = self.clock.monotonic() + self.seconds
        leading = under_way(self.domain, wanted, self._values(shown))
        if leading:
            shown = self._follows(leading, until, interrupt, None, "was on its way")
        live = self._values(shown)
        missing = differing(self.domain, wanted, live)
        if not missing:
            return
        calls = self.domain.calls(missing, live)
        if not calls:
            raise Conflict(f"{self.entity} cannot be told to be {words(wanted)}")
        for call in calls:
            if interrupt.is_set():
                raise Interrupted("called off; the rest was not sent")
            doubt = self._send(call)
            self._follows({word: wanted[word] for word in call.brings if word in wanted}, until, interrupt, doubt)
        self._follows(wanted, until, interrupt, doubt)

    def _send(self, call: Call) -> Unsure | None:
        """Send a call. When its answer was lost, what the entity shows decides whether it was done."""
        data: dict[str, Any] = dict(call.data)
        if self.code is not None and call.service in self.domain.coded:
            data["code"] = self.code()
        domain = self.entity.partition(".")[0]
        try:
            self.sent(self.home.service(domain, call.service, {"entity_id": self.entity}, data))
        except Unsure as error:
            return error
        return None

    def _follows(
        self, wanted: Values, until: float, interrupt: Flag, doubt: Unsure | None, began: str = "took the command"
    ) -> Shown:
        """Wait until it shows some of the values; the state that does. An answer of Home Assistant says nothing of the device.
        Where the answer was lost (`doubt`), that state says in which context our call was."""
        last: list[Shown | None] = [None]

        def settled(shown: Shown | None) -> bool:
            last[0] = shown
            return shown is None or lost(shown) or not differing(self.domain, wanted, self._values(shown))

        followed = self.home.await_state(self.entity, settled, max(0.0, until - self.clock.monotonic()), interrupt)
        shown = last[0]
        if shown is None or lost(shown):
            raise Transient(f"{self.entity} went away before it followed: it is {shown.state if shown else 'gone'}")
        if followed:
            if doubt is not None and shown.context_id and shown.user_id == self.home.me:
                self.sent(shown.context_id)
            return shown
        if interrupt.is_set():
            raise Interrupted("called off while waiting for it to follow")
        if doubt is not None:
            raise doubt
        raise Permanent(self._failure(wanted, self._values(shown), began))

    def _failure(self, wanted: Values, values: Values, began: str) -> str:
        missing = differing(self.domain, wanted, values)
        how = "did not follow" if len(missing) == len(wanted) else "followed only in part"
        said = [
            f"it is {values.get(word, 'unknown')}" if word in _ITSELF else f"{word} is {values.get(word, 'not set')}, not {value}"
            for word, value in missing.items()
        ]
        return f"{self.entity} {began} and {how} within {self.seconds:g} s: {'; '.join(said)}"

    def _values(self, shown: Shown) -> Mapping[str, Any]:
        return self.domain.values(shown.state, shown.attributes)


def differing(domain: Domain, wanted: Values, live: Values) -> dict[str, Any]:
    """The wanted values that do not hold."""
    return {word: value for word, value in wanted.items() if not domain.near(word, value, live.get(word))}


def under_way(domain: Domain, wanted: Values, live: Values) -> dict[str, Any]:
    """The wanted values that do not hold yet, and will without another call."""
    return {word: value for word, value in wanted.items() if word == STATE and live.get(word) in domain.moving.get(value, ())}


def words(values: Values) -> str:
    """Values for people: `state on, brightness 180`."""
    return ", ".join(f"{word} {value}" for word, value in values.items())
