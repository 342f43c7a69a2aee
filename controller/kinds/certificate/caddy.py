"""Certificates that a Caddy serves: found out by asking for them, as a visitor does."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Lock

from controller.clients.caddy import CaddyDoor, Config, Connection, failure, reachable, visited
from controller.clients.tls import Cut, NoCertificate, Served, distrust, served
from controller.core.change import Change
from controller.core.errors import Permanent, Transient
from controller.core.key import Key
from controller.core.limit import Limit, Never, Wait
from controller.core.ports import Clock
from controller.core.renewal import Renewal
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, Unknown
from controller.kinds.certificate.forced import Forcing, is_ordered, is_own
from controller.kinds.certificate.life import AT_ONCE, FRESH, LEFT, out_of_date, told
from controller.kinds.certificate.permitted import Permitted
from controller.kinds.certificate.resolve import ANY

_AGAIN = 5.0
"""Seconds for which an answer counts that is not as it should be: it is waited for."""
_TRIES = 4
_PAUSE = 0.1
Verdict = tuple[Health, str]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one handshake told; `trouble` when nothing could be found out."""

    at: float
    found: Served | None
    trouble: str
    observed: Observed


class CertificateProvider:
    """Certificates behind one Caddy. Nothing is written: who issues a certificate is part of the Route, and a change here stands
    for the promise that visitors get it. What was let go of is not looked at until it is wanted again."""

    visible_within = 0.0

    def __init__(self, connection: Connection, clock: Clock, issued: Path | None = None) -> None:
        """`issued` is the file that keeps what the authority issued in the last week (None = it is forgotten)."""
        self._connection = connection
        self._clock = clock
        self._door = CaddyDoor(connection.admin)
        self._lock = Lock()
        self._looks: dict[str, _Look] = {}
        self._wanted: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._released: set[Key] = set()
        self._trusted: dict[str, tuple[str, str]] = {}
        self._read: Config | None = None
        self.permitted = Permitted(connection, clock, issued)
        """What the public authority may and does issue."""

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets: nothing lists certificates. The same objects as last time where nothing moved."""
        self._read = None
        wanted = [target for target in targets if target.key not in self._released]
        stale = [target for target in wanted if self._stale(target.address)]
        if stale:
            with ThreadPoolExecutor(min(AT_ONCE, len(stale)), "handshake") as pool:
                list(pool.map(lambda target: self._look(target.address), stale))
        items: dict[Key, Observed] = {target.key: ABSENT for target in targets}
        with self._lock:
            items |= {target.key: self._looks[target.address].observed for target in wanted}
        return Snapshot(items)

    def apply(self, change: Change, _interrupt: Flag) -> Receipt:
        """Begin or end to vouch for a host. The gate waits until visitors get the certificate. Raises Transient."""
        host = change.address
        if change.after is None:
            self._released.add(change.key)
            self._wanted.pop(host, None)
            return Receipt("", None)
        self._released.discard(change.key)
        self._wanted[host] = str(change.after["issuer"])
        self._since[host] = self._clock.now()
        self._read = None
        look = self._look(host)
        if look.trouble:
            raise Transient(look.trouble)
        return Receipt(host, change.after)

    def health(self, target: Target) -> Verdict:
        """How it stands now. Raises Transient."""
        self._read = None
        look = self._look(target.address)
        if look.trouble:
            raise Transient(look.trouble)
        return self._verdict(target.address, look.found)

    def renew(self, target: Target, _state: State, interrupt: Flag) -> Renewal:
        """Have Caddy order it anew, now. Raises Transient, Permanent, Interrupted."""
        if self._is_ordered(target.address):
            self._require(self.permitted([target.address]))
        try:
            forcing = Forcing(self._door, self._clock, self._shown, partial(failure, self._connection.log))
            return forcing(target.address, interrupt)
        finally:
            with self._lock:
                self._looks.pop(target.address, None)

    @staticmethod
    def _require(allowed: Limit) -> None:
        if isinstance(allowed, (Wait, Never)):
            raise Permanent(allowed.why)

    def audit(self) -> None:
        """Ask for every certificate again at the next look."""
        with self._lock:
            self._looks.clear()

    def _stale(self, host: str) -> bool:
        with self._lock:
            look = self._looks.get(host)
        if look is None:
            return True
        well = isinstance(look.observed, Present) and look.observed.health is Health.HEALTHY
        return not 0 <= self._clock.now() - look.at < (FRESH if well else _AGAIN)

    def _look(self, host: str) -> _Look:
        found, trouble = self._handshake(host)
        observed = self._observed(host, found, trouble)
        with self._lock:
            before = self._looks.get(host)
            if before is not None and before.observed == observed:
                observed = before.observed
            look = self._looks[host] = _Look(self._clock.now(), found, trouble, observed)
        return look

    def _handshake(self, host: str) -> tuple[Served | None, str]:
        """What a visitor is shown, or why that cannot be found out."""
        try:
            return self._visit(host), ""
        except Cut as error:
            return None, str(error)
        except Transient as error:
            return None, str(error) if self._away() else ""

    def _asked(self, host: str) -> tuple[Served | None, str]:
        """What a visitor is shown, or why nobody answers."""
        try:
            return self._visit(host), ""
        except Transient as error:
            return None, str(error)

    def _visit(self, host: str) -> Served | None:
        """What a visitor is shown, None when there is nothing for the host. A connection that is cut is made again, as browsers
        do. Raises Cut, Transient (nothing listens)."""
        name = visited(host)
        for _ in range(_TRIES - 1):
            with suppress(Cut):
                return self._visit_once(name)
            self._clock.wait(Flag(), _PAUSE)
        return self._visit_once(name)

    def _visit_once(self, name: str) -> Served | None:
        try:
            found = served(*self._place(), name)
        except NoCertificate:
            return None
        return found if found.covers(name) else None

    def _place(self) -> tuple[str, int]:
        """Where a visitor of this machine meets Caddy."""
        return self._connection.probe or reachable(self._connection.listen[0]), self._connection.https_port

    def _shown(self, host: str) -> Served | None:
        """What a visitor of a host is shown now. Raises Transient."""
        found, trouble = self._handshake(host)
        if trouble:
            raise Transient(trouble)
        return found

    def _away(self) -> str:
        """Why nothing can be said, "" when Caddy is there: without a route it does not listen."""
        try:
            self._door.config()
        except Transient as error:
            return str(error)
        return ""

    def _observed(self, host: str, found: Served | None, trouble: str) -> Observed:
        if trouble:
            return Unknown(trouble)
        if found is None:
            return ABSENT
        health, why = self._verdict(host, found)
        state = {
            "host": host,
            "issuer": _kind_of(found),
            "issued_by": found.issuer,
            "names": sorted(found.names),
            "expires": told(found.until),
            "renews_around": told(found.until - (found.until - found.since) * LEFT),
        }
        return Present(state, host, Owner.FOREIGN, health, why)

    def _verdict(self, host: str, found: Served | None) -> Verdict:
        wanted = self._wanted.get(host, ANY)
        if found is None or wanted not in (ANY, _kind_of(found)):
            if reason := failure(self._connection.log, host, self._since.get(host, 0.0)):
                return Health.DEGRADED, f"no certificate for {host}: {reason}"
            shown = f"{found.issuer} issued the one that is served" if found else "none is served yet"
            return Health.PROGRESSING, f"{host} waits for its certificate: {shown}"
        if why := out_of_date(host, found.since, found.until, self._clock.now()):
            reason = failure(self._connection.log, host, 0.0)
            return Health.DEGRADED, f"{why}: {reason}" if reason else why
        with suppress(Transient):  # judged as soon as Caddy can be asked
            if why := self._distrust(host, found):
                return Health.DEGRADED, f"visitors do not trust the certificate of {host}, issued by {found.issuer}: {why}"
        return Health.HEALTHY, ""

    def _is_ordered(self, host: str) -> bool:
        """True when Caddy says that it orders the host's certificate from a public authority. Raises Transient."""
        read = self._read = self._read or self._door.config()
        return is_ordered(read.document, host)

    def _distrust(self, host: str, found: Served) -> str:
        """Why visitors do not trust what a public authority was to issue, "" when they do or that cannot be told: of an authority
        of one's own only its `trust` tells, but nobody trusts what vouches for itself. Raises Transient."""
        if _kind_of(found) != "acme" or not self._is_ordered(host):
            return ""
        self.permitted.shown(host, found.serial, found.since)
        acme = self._connection.acme
        if found.self_signed:
            return "it is signed by itself, not by the authority that is declared"
        if acme.ca and not acme.trust:
            return ""
        if self._trusted.get(host, ("", ""))[0] != found.serial:
            self._trusted[host] = found.serial, distrust(*self._place(), visited(host), acme.trust)
        return self._trusted[host][1]


def _kind_of(found: Served) -> str:
    return "internal" if is_own(found.issuer) else "acme"
