"""Certificates that real Caddys order from a real authority because a route says so, and what is said when they get none."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.contract.caddy_yard import Routes, person
from tests.support.caddy import OLD, Caddy, upstream
from tests.support.pebble import Pebble
from tests.support.space import wait_until

WELL = ("Healthy", "")


@pytest.fixture
def authority(caddy: Caddy) -> Iterator[Pebble]:
    made = Pebble(caddy.http_port, caddy.https_port)
    yield made
    made.close()


def trusted(caddy: Caddy, host: str, root: str) -> bool:
    """True when a visitor who trusts a root trusts what the host serves."""
    context = ssl.create_default_context(cadata=root)
    made = socket.create_connection(("127.0.0.1", caddy.https_port), 60)
    with contextlib.closing(made):
        try:
            context.wrap_socket(made, server_hostname=host).close()
        except ssl.SSLCertVerificationError:
            return False
    return True


@pytest.mark.parametrize("mode", ["owned", "coexist"])
@pytest.mark.parametrize("challenge", ["http", "tls-alpn"])
def test_a_public_route_gets_its_certificate(mode: str, challenge: str, caddy: Caddy, authority: Pebble) -> None:
    # Caddy 2.6 takes the first proof for its own only when it comes in at port 80, and then offers the second.
    challenges = ["http", "tls-alpn"] if (challenge, caddy.version) == ("http", OLD) else [challenge]
    if mode == "coexist":
        caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": mode, "acme": {**authority.acme, "challenges": challenges}})
    host = f"{mode}-{challenge}.home.test"
    with upstream() as server:
        specs = {
            "public": {"host": host, "to": server.url, "exposure": "public"},
            "private": {"host": f"in-{host}", "to": server.url},
        }
        routes.make(specs)
        wait_until(lambda: {routes.health(name) for name in specs} == {WELL}, "certificates")
        assert trusted(caddy, host, authority.root())
        assert not trusted(caddy, f"in-{host}", authority.root()), "a private host is never told to a public authority"
        assert caddy.get(host)[0] == 200
        assert f"in-{host}" not in authority.log()
        assert routes.drift("public", specs["public"]) == []


def test_a_host_that_the_authority_cannot_reach_waits_alone(caddy: Caddy, authority: Pebble) -> None:
    caddy.acquaint(authority.acme)
    routes = Routes(caddy, {"acme": {**authority.acme, "challenges": ["tls-alpn"]}})
    authority.place("lost.home.test", "127.0.0.9")
    with upstream() as server:
        public = {"to": server.url, "exposure": "public"}
        routes.make({"lost": {"host": "lost.home.test", **public}, "found": {"host": "found.home.test", **public}})
        wait_until(lambda: routes.health("found") == WELL, "the certificate of the other host")
        wait_until(lambda: "lost.home.test" in authority.log(), "an order")
        health, why = routes.health("lost")
        assert (health != "Healthy", "no certificate for lost.home.test" in why) == (True, True)
