"""A small house with hosts: the real kinds on the simulated world, with a zone, a Caddy and a few services behind it."""

from __future__ import annotations

from collections.abc import Mapping

from controller.clients.memory import MemoryProvider
from controller.wire import load_kinds
from tests.support.house import House

CONNECTIONS = ("local", "caddy", "zone")
HOMELAB = """\
kind: Homelab
name: home
spec:
  connections:
    caddy: {type: caddy, admin: "http://127.0.0.1:2019", vpn: [10.8.0.0/24], acme: {email: me@example.net}}
    zone: {type: rfc2136, server: 127.0.0.1}
"""
SPECS = {
    "homelab.yaml": HOMELAB,
    "policy/house.yaml": "kind: Policy\nname: house\nspec:\n  rules:\n"
    "    - {name: everything, match: {}, verdict: allow, reason: a test}\n",
    "domain.yaml": """\
kind: Domain
name: example
spec:
  zone: example.net
  via: zone
  records:
    - {name: "*", type: A, value: publicIP}
    - {name: direct, type: A, value: 192.0.2.5}
    - {name: "@", type: TXT, value: "v=spf1 -all"}
""",
    "web.yaml": """\
kind: Service
name: web
spec:
  image: web:1
  volumes: ["pictures:/pictures", {type: volume, source: kept, target: /kept, resource: volume/kept}]
  expose: {host: web.example.net, port: 80, exposure: public}
needs: [service/base]
""",
    "base.yaml": "kind: Service\nname: base\nspec: {image: 'base:1'}\n",
    "kept.yaml": "kind: Volume\nname: kept\nspec: {}\n",
    "admin.yaml": """\
kind: Route
name: admin
spec: {host: admin.example.net, to: "http://192.0.2.9:8080", exposure: vpn}
""",
    "old.yaml": """\
kind: Route
name: old
spec: {host: direct.example.net, redirect: "https://web.example.net"}
""",
}


def house_of_hosts(files: Mapping[str, str] | None = None) -> House:
    """The house with its specs committed; nothing is applied yet."""
    kinds = load_kinds()
    house = House(kinds=kinds)
    standing = {name: kind for name, kind in kinds.items() if kind.resolve is not None}
    house.providers = {
        (name, connection): MemoryProvider(kind, house.world, connection)
        for name, kind in standing.items()
        for connection in CONNECTIONS
    }
    house.book.write({**SPECS, **(files or {})})
    return house
