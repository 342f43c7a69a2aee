"""Domains: every host with its records, certificate and route, as the last pass saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from controller.usecases.access import Scope
from controller.usecases.domains import DomainsView, HostView
from controller.usecases.domains import domains as domains_seen
from controller.web import page, writes
from controller.web.bodies import Body, KeyText, Query, Renew
from controller.web.call import Call, Face, Reply, Routes
from controller.web.lanes import Lane

Word = Annotated[str, Field(max_length=100)]
SOON = 14
"""Days that are left when a certificate is worth a look."""


class HostsQuery(Query):
    """Which hosts are shown. `done` is what a form has just done."""

    q: Word = ""
    exposure: Literal["", "public", "vpn", "private", "none"] = ""
    trouble: Literal["", "yes"] = ""
    done: Literal["", "renewed"] = ""


class Which(Body):
    """The certificate to renew."""

    key: KeyText


def show(face: Face, call: Call) -> Reply:
    """Every host."""
    found = domains_seen(face.desk.look)
    may = call.actor is not None and call.actor.may(Scope.APPLY)
    about = {
        "found": found,
        "hosts": hosts(found, call.query) if found is not None else (),
        "query": call.query,
        "soon": SOON,
        "renews": may and face.desk.sync is not None,
    }
    return page.render(face, call, "domains.html", about, title="Domains", view="domains")


def hosts(found: DomainsView, query: HostsQuery) -> tuple[HostView, ...]:
    """The hosts that a person asked to see. Pure."""
    words = query.q.lower().split()
    return tuple(
        host
        for host in found.hosts
        if (not query.exposure or (host.exposure or "none") == query.exposure)
        and (not query.trouble or troubled(host))
        and all(word in f"{host.host} {host.service} {' '.join(host.address)}".lower() for word in words)
    )


def troubled(host: HostView) -> bool:
    """True when something of it is not as it should be. Pure."""
    parts = [*host.records, *(part for part in (host.certificate, host.route) if part is not None)]
    wrong = any(part.sync not in ("Synced", "") or part.health not in ("Healthy", "") for part in parts)
    old = host.certificate is not None and host.certificate.days is not None and host.certificate.days < SOON
    return wrong or old or any(record.seen is not None and set(record.seen) != set(record.wanted) for record in host.records)


def renew(face: Face, call: Call) -> Reply:
    """Have a certificate renewed; answers when visitors get it."""
    writes.renew(face, replace(call, body=Renew(key=call.body.key)))
    return page.went("/domains?done=renewed")


ROUTES: Routes = {
    "/domains": {"GET": page.looks(show, "Every host.", query=HostsQuery)},
    "/domains/renew": {"POST": page.acts(renew, "Renew a certificate.", Scope.APPLY, Which, lane=Lane.WAITING)},
}
