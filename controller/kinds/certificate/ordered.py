"""Certificates that the controller orders, with proofs in the DNS, and hands to a Caddy as files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from threading import Event as Flag
from threading import Lock
from typing import Any, Protocol

from controller.clients.acme import Bundle, Prove
from controller.clients.caddy import CaddyDoor, Connection, Stale, Unsure
from controller.clients.tls import Served
from controller.core.change import Change
from controller.core.dns import RecordPlace
from controller.core.errors import Deferred, Interrupted, Permanent, ProviderError, Transient
from controller.core.key import Key
from controller.core.ports import Clock
from controller.core.renewal import Renewal
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, State, Target, Unknown
from controller.kinds.certificate.by_dns import DUE, IN_TIME, holder, host_of
from controller.kinds.certificate.life import AT_ONCE, FRESH, LEFT, out_of_date, told
from controller.kinds.certificate.proofs import ProofPlace, Proofs
from controller.kinds.certificate.shelf import Shelf

_SPREAD = 0.1
"""Part of the share of its life at which a certificate is renewed, by which renewals of different ones lie apart."""
_FIRST, _LONGEST = 600.0, 43_200.0
"""Seconds between two repairs that are refused: doubled each time. Let's Encrypt bears five failures in an hour for one name."""
_TRIES = 10
_PAUSE = 0.1
Shown = Callable[[str], tuple[Served | None, str]]
"""What a visitor of a host is shown, or why that cannot be told."""
Counted = Callable[[str, str, float], None]
"""Hears of each that was issued: host, serial, since when it is valid."""


class Orders(Protocol):
    """An authority."""

    directory: str

    def order(self, names: Sequence[str], prove: Prove, interrupt: Flag) -> Bundle:
        """A new certificate."""


class OrderedCertificates:
    """Those of one Caddy. The file in the folder that Caddy reads is what exists; each that was issued is kept by its serial, so
    that nothing is ordered twice and an undo serves the one before. For many threads."""

    def __init__(
        self,
        connection: Connection,
        door: CaddyDoor,
        authority: Orders,
        proofs: Proofs,
        shelf: Shelf,
        shown: Shown,
        counted: Counted,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._door = door
        self._authority = authority
        self._proofs = proofs
        self._shelf = shelf
        self._shown = shown
        self._counted = counted
        self._clock = clock
        self._lock = Lock()
        self._handing = Lock()
        self._known: dict[Key, Present] = {}
        self._seen: dict[str, tuple[str, float]] = {}
        """Serial of the one that visitors of a host were served with, and when that was seen."""
        self._vain: dict[str, tuple[int, float, str]] = {}
        """Repairs that the authority refused: how many in a row, when the next may be tried, and why."""

    def observe(self, targets: Collection[Target]) -> dict[Key, Observed]:
        """What stands in the files, and whether Caddy serves it. What is not in the ledger does not count: a new declaration
        takes what can be used of it without an order."""
        known = [target for target in targets if target.handle]
        found: dict[Key, Observed] = {target.key: ABSENT for target in targets}
        if known:
            try:
                loaded = self._loaded()
            except ProviderError as error:
                return found | {target.key: Unknown(str(error)) for target in known}
            with ThreadPoolExecutor(min(AT_ONCE, len(known)), "handshake") as pool:
                seen = pool.map(lambda target: self._observed(target, loaded), known)
                found |= {target.key: observed for target, observed in zip(known, seen, strict=True)}
        return found

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Order it, unless one that can be used was ordered before, and hand it to Caddy. Raises what the port allows."""
        host = host_of(change.address)
        if change.after is None:
            if self._connection.bundle(host) not in self._loaded():
                self._shelf.withdraw(host)
            return Receipt("", None)
        if wanted := str(change.after.get("serial", "")):
            bundle = self._former(host, wanted)
        else:
            bundle = self._usable(host, change.after) or self._ordered(host, change.after, interrupt, repair=change.drift)
        self._hand(host, bundle)
        return Receipt(host, {**self._state(host, bundle), **change.after, "serial": bundle.serial})

    def keeps(self, host: str, state: State) -> bool:
        """True when nothing has to be ordered for a state. Raises Transient."""
        return bool(state.get("serial")) or self._usable(host, state) is not None

    def health(self, target: Target) -> tuple[Health, str]:
        """How it stands. Raises Transient."""
        host = host_of(target.address)
        bundle = self._shelf.handed(host)
        if bundle is None:
            return Health.MISSING, f"no certificate for {host} has been ordered"
        return self._verdict(host, bundle, served=self._is_served(host, bundle, self._loaded()))

    def renew(self, host: str, state: State, interrupt: Flag) -> Renewal:
        """Order it anew, now; returns when visitors get the new one. Raises Transient, Permanent, Interrupted, Deferred."""
        before = self._shelf.handed(host)
        if before is None:
            raise Permanent(f"no certificate for {host} has been ordered from here")
        bundle = self._new(host, state, interrupt)
        self._hand(host, bundle)
        for _ in range(_TRIES):
            if self._is_served(host, bundle, self._loaded()):
                return Renewal(host, before.serial, bundle.serial, bundle.issuer, bundle.until)
            if self._clock.wait(interrupt, _PAUSE):
                raise Interrupted("called off while Caddy took the new certificate")
        raise Transient(f"Caddy does not serve the new certificate of {host} yet")

    def audit(self) -> None:
        """Ask Caddy for every certificate again at the next look."""
        with self._lock:
            self._seen.clear()

    def tidy(self, now: float) -> None:
        """Proofs that a crash left in the DNS, and certificates that nobody can use any more."""
        self._proofs.clean(0.0)
        self._shelf.discard_expired(now)

    def _observed(self, target: Target, loaded: Collection[str]) -> Observed:
        host = host_of(target.address)
        try:
            bundle = self._shelf.handed(host)
            if bundle is None:
                return ABSENT
            served = self._is_seen(host, bundle) or self._is_served(host, bundle, loaded)
        except Permanent:
            return ABSENT  # what cannot be read is as good as nothing, and is written over
        except ProviderError as error:
            return Unknown(str(error))
        health, why = self._verdict(host, bundle, served=served)
        present = Present({**self._state(host, bundle), "served": served}, host, Owner.FOREIGN, health, why)
        with self._lock:
            known = self._known.setdefault(target.key, present)
            if known != present:
                known = self._known[target.key] = present
        return known

    def _state(self, host: str, bundle: Bundle) -> dict[str, Any]:
        return {
            "host": host,
            "issuer": "acme",
            "challenge": "dns",
            "names": list(bundle.names),
            "authority": bundle.authority,
            "renewal": DUE if self._clock.now() >= renewed_at(bundle) else IN_TIME,
            "served": True,
            "serial": bundle.serial,
            "issued_by": bundle.issuer,
            "expires": told(bundle.until),
            "renews_around": told(renewed_at(bundle)),
        }

    def _verdict(self, host: str, bundle: Bundle, *, served: bool) -> tuple[Health, str]:
        if why := out_of_date(host, bundle.since, bundle.until, self._clock.now()):
            return Health.DEGRADED, why
        if not served:
            return Health.PROGRESSING, f"Caddy serves another certificate for {host} than the one that was ordered"
        return Health.HEALTHY, ""

    def _former(self, host: str, serial: str) -> Bundle:
        found = next((each for each in self._shelf.all(host) if each.serial == serial), None)
        if found is None:
            raise Permanent(f"the certificate {serial} of {host} is no longer kept")
        return found

    def _usable(self, host: str, state: State) -> Bundle | None:
        """The newest that fits and is not due."""
        now = self._clock.now()
        fitting = [
            each
            for each in self._shelf.all(host)
            if list(each.names) == list(state["names"]) and each.authority == state["authority"] and now < renewed_at(each)
        ]
        return fitting[-1] if fitting else None

    def _ordered(self, host: str, state: State, interrupt: Flag, *, repair: bool) -> Bundle:
        """A new one. A repair that was refused is not tried again at once: authorities count what fails."""
        count, until, why = self._vain.get(host, (0, 0.0, ""))
        if repair and self._clock.now() < until:
            raise Deferred(f"{host} is not asked for again yet: {why}", until)
        try:
            bundle = self._new(host, state, interrupt)
        except Permanent as error:
            self._vain[host] = count + 1, self._clock.now() + min(_FIRST * 2**count, _LONGEST), str(error)
            raise
        self._vain.pop(host, None)
        return bundle

    def _new(self, host: str, state: State, interrupt: Flag) -> Bundle:
        if state["authority"] != self._authority.directory:
            raise Permanent(f"the connection {self._connection.name!r} orders at {self._authority.directory} now")
        self._proofs.clean(0.0)

        def prove(wanted: Mapping[str, Sequence[str]]) -> AbstractContextManager[None]:
            spots: dict[ProofPlace, Sequence[str]] = {}
            for name, texts in wanted.items():
                zone, via = holder(str(state["proofs"][name]))
                spots[ProofPlace(RecordPlace(name, "TXT", zone), via)] = texts
            return self._proofs.shown(spots, interrupt)

        bundle = self._authority.order(list(state["names"]), prove, interrupt)
        self._shelf.keep(host, bundle)
        self._counted(host, bundle.serial, bundle.since)
        return bundle

    def _hand(self, host: str, bundle: Bundle) -> None:
        """Put it where Caddy reads it, and have Caddy read it when it does so already."""
        with self._handing:
            handed = self._handed(host)
            if handed is None or handed.serial != bundle.serial:
                self._shelf.hand(host, bundle)
            reason: ProviderError = Transient(f"the configuration of Caddy at {self._connection.admin} does not come to rest")
            for _ in range(_TRIES):
                with suppress(Transient):  # nobody answers for now: it is read all the same
                    if self._is_served(host, bundle, self._loaded()):
                        return
                try:
                    self._door.reload(self._door.config())
                except (Stale, Unsure) as error:
                    reason = error
                    self._clock.wait(Flag(), _PAUSE)
                else:
                    return
            raise reason

    def _handed(self, host: str) -> Bundle | None:
        try:
            return self._shelf.handed(host)
        except Permanent:
            return None

    def _is_seen(self, host: str, bundle: Bundle) -> bool:
        """True when visitors got it a short while ago."""
        with self._lock:
            serial, at = self._seen.get(host, ("", 0.0))
        return serial == bundle.serial and 0 <= self._clock.now() - at < FRESH

    def _is_served(self, host: str, bundle: Bundle, loaded: Collection[str]) -> bool:
        """True when visitors get it, or another of ours that is as good, and when no route needs it yet. Raises Transient."""
        if self._connection.bundle(host) not in loaded:
            return True
        found, trouble = self._shown(host)
        if trouble:
            raise Transient(trouble)
        if found is None or (found.serial != bundle.serial and found.serial not in self._shelf.serials(loaded)):
            return False
        with self._lock:
            self._seen[host] = bundle.serial, self._clock.now()
        return True

    def _loaded(self) -> frozenset[str]:
        """The files that Caddy's configuration names. Raises Transient."""
        tls = ((self._door.config().document or {}).get("apps") or {}).get("tls") or {}
        items = (tls.get("certificates") or {}).get("load_files") or ()
        return frozenset(str(item.get("certificate")) for item in items if isinstance(item, dict))


def renewed_at(bundle: Bundle) -> float:
    """When a certificate is to be renewed, in seconds since the epoch: always the same for the same one."""
    share = int.from_bytes(sha256(bundle.serial.encode()).digest()[:4], "big") / 2**32
    return bundle.until - (bundle.until - bundle.since) * LEFT * (1 + _SPREAD * share)
