"""Tries: how often somebody was wrong, counted durably, so that neither a restart nor another controller gives new tries."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from controller.core.errors import HomelabError, Severity
from controller.core.ports import Clock, Store
from controller.usecases.access_kept import MINUTE
from controller.usecases.actors import Denied, Throttled

TRIES = 10
"""So many wrong credentials from one address within WINDOW; then that address waits until the window ends."""
NAME_TRIES = 30
"""So many wrong passwords for one name, wherever they come from."""
WINDOW = 15 * MINUTE

_FACT = "access.failures"
_MOST = 256
_Failures = dict[str, list[float]]
Tell = Callable[[str, str, Severity], None]


class Tries:
    """Wrong credentials per door and address, and per name. The socket ("" as `peer`) is never throttled."""

    def __init__(self, store: Store, clock: Clock, tell: Tell) -> None:
        self._store, self._clock, self._tell = store, clock, tell

    def check(self, door: str, peer: str, name: str = "") -> None:
        """Raises Throttled when this address, or anybody for this name, was wrong too often."""
        self._allowed(_buckets(door, peer, name), self._store.fact(_FACT) or {})

    def failed(self, door: str, peer: str, why: str, name: str = "") -> HomelabError:
        """Count a wrong credential; the error to raise."""
        buckets, reached = _buckets(door, peer, name), list[str]()
        if not buckets:
            return Denied(why)

        def with_one_more(found: _Failures | None) -> _Failures:
            failures, now = self._allowed(buckets, found or {}), self._clock.now()
            for bucket, limit in buckets.items():
                count, since = failures.pop(bucket, (0, now))
                reached.extend([bucket] if count + 1 == limit else [])
                failures[bucket] = [count + 1, since]
            # Who was wrong most often is forgotten last: a flood from many addresses clears nobody's count.
            others = sorted((item for item in failures.items() if item[0] not in buckets), key=lambda item: item[1])
            kept = others[len(others) + len(buckets) - _MOST :] if len(failures) > _MOST else others
            return {**dict(kept), **{bucket: failures[bucket] for bucket in buckets}}

        try:
            self.check(door, peer, name)  # a flood of tries writes nothing
            self._store.revise(_FACT, with_one_more)
        except Throttled as error:
            return error
        for bucket in reached:
            self._tell("SignInThrottled", f"{buckets[bucket]} wrong credentials ({bucket})", Severity.WARNING)
        return Denied(why)

    def _allowed(self, buckets: dict[str, int], known: _Failures) -> _Failures:
        """What failed within the window. Raises Throttled when one of the buckets is full."""
        now = self._clock.now()
        failures = {each: item for each, item in known.items() if item[1] > now - WINDOW}
        for bucket, limit in buckets.items():
            count, since = failures.get(bucket, (0, 0.0))
            if count >= limit:
                raise Throttled(max(1.0, since + WINDOW - now))
        return failures


def _buckets(door: str, peer: str, name: str) -> dict[str, int]:
    """What is counted together, with its limit: a door and an address (or the /64 that one IPv6 customer has), and a name."""
    if not peer:
        return {}
    return {f"{door} {_customer(peer)}": TRIES, **({f"name {name[:64]}": NAME_TRIES} if name else {})}


def _customer(peer: str) -> str:
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
