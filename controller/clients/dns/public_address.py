"""The address under which the home is seen from outside: two sources must agree, and a change must be seen twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from random import SystemRandom
from threading import Lock

from controller.clients.dns.outside import Address, seen_from, unfit
from controller.clients.durable import replace
from controller.core.errors import Permanent, Transient
from controller.core.ports import Clock

SOURCES: dict[int, tuple[str, ...]] = {
    4: (
        "https://api.ipify.org",
        "https://ipv4.icanhazip.com",
        "https://checkip.amazonaws.com",
        "https://v4.ident.me",
        "https://dynamic.zoneedit.com/checkip.html",
    ),
    6: ("https://api6.ipify.org", "https://ipv6.icanhazip.com", "https://v6.ident.me"),
}
EVERY = 300.0
"""Seconds between two looks while nothing changes."""
SOON = 20.0
"""Seconds until the second look at a change."""
_AGREE = 2

Seen = Callable[[str, int], Address]


class PublicAddress:
    """One family (4 or 6) of the public address; `sources` are two or more (none = the built-in ones).

    What was last found good stands in the file at `path` and holds until two looks, each with two sources that agree, show
    another one: single wrong answers are common. For many threads."""

    def __init__(self, family: int, path: Path, clock: Clock, sources: Sequence[str] = (), seen: Seen = seen_from) -> None:
        self.family = family
        self._path = path
        self._clock = clock
        self._sources = tuple(sources) or SOURCES[family]
        self._seen = seen
        self._lock = Lock()
        self._good, self._rumour = self._kept()
        self._next = 0.0
        self._trouble = ""
        self._why = "it has not been asked for yet"

    @property
    def good(self) -> str:
        """The address found last, "" before the first look. Answers at once."""
        return self._good

    def current(self) -> str:
        """The address; looks when none is known or it is time to. Raises Transient while none is known, Permanent when the only
        one cannot be reached from outside."""
        self.look()
        if self._good:
            return self._good
        if self._trouble:
            raise Permanent(self._trouble)
        raise Transient(f"the public IPv{self.family} address is not known: {self._why}")

    def look(self) -> bool:
        """Ask, when it is time to; True when the address changed. Never raises: without agreement the last good one stays."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next:
                return False
            self._next = now + EVERY
            found = self._agreed()
            if found is None:
                return False
            self._trouble = unfit(found)
            address = "" if self._trouble else str(found)
            if not address or address == self._good:
                self._keep(self._good, "")
                return False
            if self._good and self._rumour != address:
                self._next = now + SOON
                self._keep(self._good, address)
                return False
            self._keep(address, "")
            return True

    @property
    def wait(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next - self._clock.monotonic())

    def _agreed(self) -> Address | None:
        """What two of the sources say, asked in random order until two agree."""
        order = SystemRandom().sample(self._sources, len(self._sources))
        votes: dict[Address, int] = {}
        troubles: list[str] = []
        for source in order:
            try:
                found = self._seen(source, self.family)
            except Transient as error:
                troubles.append(str(error))
                continue
            votes[found] = votes.get(found, 0) + 1
            if votes[found] >= _AGREE:
                return found
        said = [f"{count} of {len(order)} sources say {address}" for address, count in votes.items()]
        self._why = "; ".join([*said, *troubles]) or "there are no sources"
        return None

    def _keep(self, good: str, rumour: str) -> None:
        if (good, rumour) == (self._good, self._rumour):
            return
        self._good, self._rumour = good, rumour
        with suppress(OSError):  # without a place to keep it, it is found anew after a restart
            replace(self._path, json.dumps({"good": good, "rumour": rumour}).encode())

    def _kept(self) -> tuple[str, str]:
        with suppress(OSError, ValueError, AttributeError):
            data = json.loads(self._path.read_text())
            good, rumour = str(data.get("good", "")), str(data.get("rumour", ""))
            if not good or (ip_address(good).version == self.family and not unfit(ip_address(good))):
                return good, rumour
        return "", ""
