"""Renewing: what a person wants anew now although nothing is declared otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag

from controller.core.errors import ProviderError, Refused, Severity
from controller.core.event import Event
from controller.core.key import Key
from controller.core.renewal import Renews
from controller.core.state import Target
from controller.usecases.look import nobodys
from controller.usecases.sync import Sync


@dataclass(frozen=True, slots=True)
class Renewed:
    """What took the place of what: serial numbers in hex as visitors got them, who signed the new one, and until when it is
    valid (seconds since the epoch)."""

    key: str
    host: str
    before: str
    after: str
    issuer: str
    until: float


def renew(sync: Sync, key: Key, by: str) -> Renewed:
    """Have a declared certificate renewed now; returns when visitors get the new one. Raises Refused, Transient, Permanent (why
    there is none; the old one is served on)."""
    found = sync.reconciler.survey()
    resource = found.estate.resources.get(key)
    if resource is None:
        raise nobodys(key, found.estate.resources)
    if str(key) in sync.store.suspensions():
        raise Refused(f"{key} is suspended; `homelab resume {key}` takes it up again")
    provider: object = sync.reconciler.bench.providers().get((key.kind, resource.provider))
    if not isinstance(provider, Renews):
        raise Refused(f"{key} cannot be renewed: only certificates of a real Caddy can")
    row = sync.store.rows().get((key, resource.provider))
    target = Target(key, resource.address, row.handle if row is not None else "")

    def tell(reason: str, message: str, severity: Severity = Severity.INFO) -> None:
        sync.store.append([Event(sync.clock.now(), reason, message, severity, str(key))])

    tell("Renewing", f"{by} has {key} renewed")
    try:
        made = provider.renew(target, resource.state, Flag())
    except ProviderError as error:
        tell("RenewalFailed", str(error), Severity.ERROR)
        raise
    tell("Renewed", f"{made.host}: {made.before} became {made.after}, of {made.issuer}")
    return Renewed(str(key), made.host, made.before, made.after, made.issuer, made.until)
