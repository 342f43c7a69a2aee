"""Renewing before time: for a moment Caddy is told that the certificate of one host is due, and to look at each handshake.

Both words are needed. Caddy 2.6 reads every certificate anew at each load and renews what `renewal_window_ratio` says is due;
newer ones keep what they have until their own rounds. With `on_demand` each of them looks when a visitor comes, serves the old
certificate and orders the new one beside it: nobody is without one. Measured with 2.6.2 and 2.11."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.caddy import CaddyDoor, Stale, Unsure
from controller.clients.tls import Served
from controller.core.errors import Interrupted, Permanent, ProviderError, Transient
from controller.core.ports import Clock
from controller.core.renewal import Renewal

MARK = "homelab:tls:renewed"
"""The `@id` of the policy. Routes put policies with this beginning in order, so one that a crash left goes with the next pass."""
_PATIENCE = 90.0
"""Seconds for the new certificate: an authority takes a few, and a first proof may fail while listeners change hands."""
_PAUSE = 0.1
_TRIES = 10
_AGAIN = 60.0
"""Seconds in which the new one must not count as due."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Forcing:
    """Has certificates of one Caddy renewed. `look` is a handshake (None = there is no certificate; raises Transient), `reason`
    why the last try for a host failed since a time ("" = none did)."""

    door: CaddyDoor
    clock: Clock
    look: Callable[[str], Served | None]
    reason: Callable[[str, float], str]

    def __call__(self, host: str, interrupt: Flag) -> Renewal:
        """Renew the certificate of a host. Raises Transient, Permanent, Interrupted."""
        before = self.look(host)
        if before is None:
            raise Permanent(f"no certificate is served for {host}, so there is none to renew")
        forced = _Forced(host, before.issuer, due(before, self.clock.now()))
        with self.door.aside(forced.without):
            since = self.clock.now()
            self._write(forced.into)
            try:
                after = self._awaited(host, before, since, interrupt)
            finally:
                self._write(forced.without)
        with suppress(Transient):
            after = self.look(host) or after  # a very young one may be renewed twice
        return Renewal(host, before.serial, after.serial, after.issuer, after.until)

    def _awaited(self, host: str, before: Served, since: float, interrupt: Flag) -> Served:
        deadline = self.clock.monotonic() + _PATIENCE
        trouble = ""
        while self.clock.monotonic() < deadline:
            try:
                found = self.look(host)
            except Transient as error:
                found, trouble = None, str(error)
            if found is not None and found.serial != before.serial:
                return found
            if why := self.reason(host, since):
                raise Permanent(f"{host} keeps its certificate, a new one was not to be had: {why}")
            if self.clock.wait(interrupt, _PAUSE):
                raise Interrupted("called off while waiting for the new certificate")
        told = f": {trouble}" if trouble else ""
        raise Permanent(f"{host} still serves the same certificate after {_PATIENCE:.0f} s{told}; Caddy's log tells why")

    def _write(self, change: Callable[[Any], Any]) -> None:
        """Change the configuration, whoever else does so at the same time. Raises Transient, Permanent."""
        reason: ProviderError = Transient(f"the configuration of Caddy at {self.door.admin} does not come to rest")
        for _ in range(_TRIES):
            try:
                config = self.door.raw()
                made = change(config.document)
                if made is not config.document:
                    self.door.write(made, config)
            except (Stale, Unsure) as error:
                reason = error
                self.clock.wait(Flag(), _PAUSE)
            else:
                return
        raise reason


class _Forced:
    """The policy for one host: how it comes into a configuration, and out again."""

    def __init__(self, host: str, issuer: str, ratio: float) -> None:
        self._host = host
        self._issuer = issuer
        self._ratio = ratio
        self._before: list[Any] = []
        self._written: list[Any] = []

    def into(self, document: Any) -> Any:
        """The configuration with the policy, in front of the others: of those that name a host the first counts; the same object
        when it has it already. Raises Permanent when Caddy does not order the certificate."""
        if self._written and _policies(document) == self._written:
            return document  # it was done, and only the answer was lost
        document = self.without(document)
        policies = _policies(document)
        found = next((item for item in policies if self._host in _subjects(item)), None)
        if found is None:
            found = next((item for item in policies if not _subjects(item)), {})
            if [issuer.get("module") for issuer in found.get("issuers") or ()] == ["internal"] and not is_own(self._issuer):
                raise Permanent(f"the certificate of {self._host} comes from files of your own: put a new one there")
        forced = {**found, "@id": MARK, "subjects": [self._host], "on_demand": True, "renewal_window_ratio": self._ratio}
        rest = [cut for item in policies if (cut := self._cut(item)) is not None]
        self._before, self._written = policies, [forced, *rest]
        return _with(document, self._written)

    def without(self, document: Any) -> Any:
        """The configuration as it is when the policy is gone; the same object when it is gone already."""
        policies = _policies(document)
        forced = next((item for item in policies if item.get("@id") == MARK), None)
        if forced is None:
            return document
        if policies == self._written:
            return _with(document, self._before)
        # Somebody changed the policies meanwhile. The host keeps its authority; the next pass puts it in its place.
        plain = {key: value for key, value in forced.items() if key not in ("on_demand", "renewal_window_ratio")}
        return _with(document, [plain if item is forced else item for item in policies])

    def _cut(self, policy: Json) -> Json | None:
        """A policy without the host; None when it was for this host alone: one without subjects would be for everybody."""
        subjects = _subjects(policy)
        if self._host not in subjects:
            return policy
        left = [subject for subject in subjects if subject != self._host]
        return {**policy, "subjects": left} if left else None


def is_own(issuer: str) -> bool:
    """True for the name that an authority of Caddy's own gives itself (module caddypki, `defaultCAName`)."""
    return issuer.startswith("Caddy Local Authority")


def is_ordered(document: Any, host: str) -> bool:
    """True when a configuration has Caddy order the certificate of a host from a public authority."""
    found = next((item for item in _policies(document) if host in _subjects(item)), {})
    return any(issuer.get("module") == "acme" for issuer in found.get("issuers") or ())


def due(found: Served, now: float) -> float:
    """The share of its life left at which the certificate is due and one that is issued now is not: it is due since it had a
    little less than its age, and a new one gets there only later."""
    age = max(now - found.since, 0.0)
    return 1 - (age - min(_AGAIN, age / 2)) / (found.until - found.since)


def _subjects(policy: Json) -> list[Any]:
    found = policy.get("subjects")
    return found if isinstance(found, list) else []


def _policies(document: Any) -> list[Json]:
    tls = ((document or {}).get("apps") or {}).get("tls") or {}
    found = (tls.get("automation") or {}).get("policies")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _with(document: Any, policies: list[Any]) -> Json:
    made = dict(document or {})
    apps = made["apps"] = dict(made.get("apps") or {})
    tls = apps["tls"] = dict(apps.get("tls") or {})
    tls["automation"] = {**(tls.get("automation") or {}), "policies": policies}
    return made
