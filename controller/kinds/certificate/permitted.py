"""Before an order: whether the host's CAA records let the authority issue, and whether the authority takes another order now.

Asked when a plan is made, so that what cannot work is never sent: each try in vain counts against the limits of the authority."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from controller.clients.acme import LETS_ENCRYPT
from controller.clients.caddy import Connection, failed_tries
from controller.clients.dns.caa import Caa, Forbidden, Silent, judged
from controller.clients.durable import replace
from controller.core.errors import Transient
from controller.core.limit import YES, Limit, Never, Wait
from controller.core.ports import Clock

_CAA_NAME = "letsencrypt.org"
_KNOWN = {
    "letsencrypt.org": (_CAA_NAME,),
    "zerossl.com": ("sectigo.com", "zerossl.com"),
    "pki.goog": ("pki.goog",),
    "buypass.com": ("buypass.com",),
}
"""Names of authorities in CAA records, by the end of the host of their directory."""
_LIMITED = ("", LETS_ENCRYPT)
"""Directories whose limits are known: https://letsencrypt.org/docs/rate-limits/."""
HOUR, WEEK = 3600.0, 7 * 86_400.0
FAILURES, DUPLICATES, PER_DOMAIN = 5, 5, 50
"""Failed validations of a host in an hour; certificates of the same host, and of one registered domain, in a week."""
_WELL, _ILL = 300.0, 10.0
"""Seconds for which an answer about CAA counts: what is forbidden or unknown may be mended any time."""
_METHODS = {"http": "http-01", "tls-alpn": "tls-alpn-01"}


class Permitted:
    """What one connection's authority may and does issue. What was issued is what handshakes have shown: certificates that were
    ordered by others for the same domain are not known here. For many threads."""

    def __init__(self, connection: Connection, clock: Clock, file: Path | None = None) -> None:
        """`file` keeps the certificates of the last week over a restart (None = it is forgotten)."""
        self._connection = connection
        self._clock = clock
        self._caa = Caa(connection.acme.resolvers)
        self._file = file
        self._lock = Lock()
        self._said: dict[tuple[str, tuple[str, ...]], tuple[float, Forbidden | None]] = {}
        self._silent = 0.0
        self._issued: dict[str, tuple[str, float]] = self._read()

    def __call__(self, hosts: Collection[str], methods: Collection[str] = ()) -> Limit:
        """Whether certificates for hosts may be ordered now, by proofs of these methods (default: those of the connection)."""
        proofs = tuple(methods) or tuple(_METHODS[each] for each in self._connection.acme.challenges)
        for host in hosts:
            if (answer := self._by_caa(host, proofs)) is not YES or (answer := self._by_rates(host)) is not YES:
                return answer
        return YES

    def shown(self, host: str, serial: str, since: float) -> None:
        """A certificate of the authority that a handshake has shown, and since when it is valid."""
        now = self._clock.now()
        with self._lock:
            if serial in self._issued or not now - WEEK < since <= now:
                return
            kept = {each: entry for each, entry in self._issued.items() if entry[1] > now - WEEK}
            self._issued = {**kept, serial: (host, since)}
            if self._file is not None:
                with suppress(OSError):  # it is only counted anew
                    replace(self._file, json.dumps(self._issued).encode())

    @property
    def authorities(self) -> tuple[str, ...]:
        """The authority's names in CAA records; none = they are not known, and CAA is not asked."""
        acme = self._connection.acme
        if acme.caa or not acme.ca:
            return acme.caa or (_CAA_NAME,)
        host = acme.ca.removeprefix("https://").partition("/")[0].partition(":")[0]
        return next((names for end, names in _KNOWN.items() if host == end or host.endswith(f".{end}")), ())

    def _by_caa(self, host: str, methods: tuple[str, ...]) -> Limit:
        names = self.authorities
        found = self._forbidden(host, names, methods) if names else None
        if found is None:
            return YES
        tag = "issuewild" if host.startswith("*.") else "issue"
        if found.critical:
            mend = "remove that record: no authority knows what it asks for"
        else:
            mend = f'add the record `{found.at} CAA 0 {tag} "{names[0]}"`, or name another authority with `acme: ca:`'
        return Never(f"no certificate may be ordered for {host}: CAA at {found.at} says {found.record}; {mend}")

    def _forbidden(self, host: str, names: Collection[str], methods: tuple[str, ...]) -> Forbidden | None:
        now = self._clock.monotonic()
        with self._lock:
            known = self._said.get((host, methods))
            if known is not None and now < known[0]:
                return known[1]
            if now < self._silent:
                return None
        answer, good = None, _WELL
        try:
            at, found = self._caa.relevant(host)
            answer = judged(at, found, names, methods, wildcard=host.startswith("*."))
        except Silent:
            self._silent = now + _ILL  # asked for every host, it would hold up the plan
            return None
        except Transient:
            good = _ILL  # the authority looks for itself
        with self._lock:
            self._said[host, methods] = now + (good if answer is None else _ILL), answer
        return answer

    def _by_rates(self, host: str) -> Limit:
        if self._connection.acme.ca not in _LIMITED:
            return YES
        now = self._clock.now()
        with self._lock:
            issued = [(name, at) for name, at in self._issued.values() if at > now - WEEK]
        domain = registered(host)
        failed = failed_tries(self._connection.log, host, now - HOUR)
        same = [at for name, at in issued if name == host]
        below = [at for name, at in issued if registered(name) == domain]
        counts: tuple[tuple[list[float], int, float, str], ...] = (
            (failed, FAILURES, HOUR, f"{host} failed {len(failed)} validations within an hour"),
            (same, DUPLICATES, WEEK, f"{host} got {len(same)} certificates within a week"),
            (below, PER_DOMAIN, WEEK, f"{domain} got {len(below)} certificates within a week"),
        )
        for times, most, span, words in counts:
            if len(times) >= most:
                return Wait(sorted(times)[len(times) - most] + span, f"{words}, and Let's Encrypt allows {most}")
        return YES

    def _read(self) -> dict[str, tuple[str, float]]:
        if self._file is None:
            return {}
        try:
            kept: Any = json.loads(self._file.read_bytes())
            return {str(serial): (str(host), float(at)) for serial, (host, at) in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def registered(host: str) -> str:
    """The registered domain of a host as far as that can be told without a list: its last two labels, three below a short second
    label of a country (`co.uk`)."""
    labels = host.removeprefix("*.").split(".")
    country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if country else labels[-2:])
