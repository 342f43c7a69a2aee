"""`value: publicIP`: records that follow the address under which the home is seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event as Flag

from controller.clients.dns.public_address import PublicAddress
from controller.core.dns import PUBLIC_ADDRESS
from controller.core.key import Key
from controller.core.ports import Clock
from controller.core.state import State

_FAMILY = {"A": 4, "AAAA": 6}
_IDLE = 5.0


class Following:
    """The part of a provider that knows the public address. It is asked for only while a record follows it."""

    def __init__(self, addresses: Mapping[int, PublicAddress], clock: Clock) -> None:
        self._addresses = addresses
        self._clock = clock
        self._followed: set[int] = set()

    def adapt(self, state: State, applied: State | None) -> State:  # noqa: ARG002 (what was pinned is kept by the address itself)
        """The state with the address in it. Raises Transient while it is not known, Permanent when it cannot be published."""
        if list(state["values"]) != [PUBLIC_ADDRESS]:
            return state
        family = _FAMILY[state["type"]]
        self._followed.add(family)
        return {**state, "values": [self._addresses[family].current()]}

    def token(self) -> str:
        """Changes when an address that a record follows does."""
        return " ".join(self._addresses[family].good for family in sorted(self._followed))

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Look at the address from time to time and tell when it moved."""
        while not stop.is_set():
            followed = [self._addresses[family] for family in sorted(self._followed)]
            for address in followed:
                if address.look():
                    moved(None)
            self._clock.wait(stop, max(1.0, min((address.wait for address in followed), default=_IDLE)))
