"""What visitors get through routes on real Caddys, and what a look says about it."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from controller.core.edge import slots
from controller.core.state import Present
from tests.contract.caddy_yard import NO, Routes, folder
from tests.support.caddy import NEW, OLD, Caddies, Caddy, free_port, upstream
from tests.support.space import wait_until

WELL = ("Healthy", "")


@pytest.fixture
def routes(caddy: Caddy) -> Routes:
    return Routes(caddy)


def well(routes: Routes, *names: str) -> None:
    wait_until(lambda: {routes.health(name) for name in names} == {WELL}, f"{names}: {[routes.health(name) for name in names]}")


def asked(routes: Routes, host: str, path: str = "/") -> dict[str, Any]:
    status, _, body = routes.caddy.get(host, path)
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def test_headers_paths_and_prefixes_reach_the_target(routes: Routes) -> None:
    with upstream() as plain, upstream() as api:
        changes = {
            "request": {"set": {"X-Visitor": "{http.request.remote.host}"}, "remove": ["accept-encoding"]},
            "response": {"set": {"X-Frame-Options": "DENY"}, "remove": ["x-powered-by"]},
        }
        routes.make(
            {
                "plain": {"host": "app.home.test", "to": plain.url, "headers": changes},
                "api": {"host": "app.home.test", "path": "/api", "strip": True, "to": api.url},
            }
        )
        well(routes, "plain", "api")
        assert asked(routes, "app.home.test", "/api/v1?x=1")["path"] == "/v1?x=1"
        assert asked(routes, "app.home.test", "/api/v1")["port"] == api.port
        assert asked(routes, "app.home.test", "/apiary")["port"] == plain.port, "a prefix ends at a slash"
        heard = asked(routes, "app.home.test", "/x")["headers"]
        assert (heard["x-visitor"], heard["host"], heard["x-forwarded-proto"]) == ("127.0.0.1", "app.home.test", "https")
        _, headers, _ = routes.caddy.get("app.home.test")
        assert headers["x-frame-options"] == "DENY"
        assert "x-powered-by" not in headers, "also those that the target sets itself"


def test_redirects_folders_and_plain_http(routes: Routes, tmp_path: Path) -> None:
    with upstream() as server:
        routes.make(
            {
                "www": {"host": "www.home.test", "redirect": "https://home.test"},
                "moved": {"host": "moved.home.test", "redirect": {"to": "https://x.test/new", "code": 302, "path": "drop"}},
                "docs": {"host": "docs.home.test", "files": str(folder(tmp_path / "site"))},
                "plain": {"host": "plain.home.test", "to": server.url, "tls": "off"},
            }
        )
        well(routes, "www", "moved", "docs", "plain")
        status, headers, _ = routes.caddy.get("www.home.test", "/a?b=c")
        assert (status, headers["location"]) == (308, "https://home.test/a?b=c")
        status, headers, _ = routes.caddy.get("moved.home.test", "/a")
        assert (status, headers["location"]) == (302, "https://x.test/new")
        assert routes.caddy.get("docs.home.test")[2] == "a page"
        assert routes.caddy.get("plain.home.test", tls=False)[0] == 200
        status, headers, _ = routes.caddy.get("docs.home.test", tls=False)
        assert (status, headers["location"]) == (308, "https://docs.home.test/"), "to HTTPS"


def test_strangers_are_kept_out(routes: Routes) -> None:
    with upstream() as server:
        routes.make({"it": {"host": "it.home.test", "to": server.url}})
        change = routes.change("it", {"host": "it.home.test", "to": server.url})
        assert change.after is not None
        routes.provider.apply(replace(change, after={**change.after, "allow": ["10.9.0.0/24"]}), NO)
        status, _, body = routes.caddy.get("it.home.test")
        assert (status, body) == (403, "")
        assert routes.shown("it")["allow"] == ["10.9.0.0/24"]


def test_a_name_goes_before_a_wildcard(routes: Routes) -> None:
    with upstream() as star, upstream() as exact:
        routes.make(
            {
                "a-rest": {"host": "*.home.test", "to": star.url, "fallback": True},
                "z-name": {"host": "name.home.test", "to": exact.url},
            }
        )
        well(routes, "a-rest", "z-name")
        assert asked(routes, "name.home.test")["port"] == exact.port
        assert asked(routes, "other.home.test")["port"] == star.port


def test_a_service_is_found_at_whichever_slot_it_has(routes: Routes) -> None:
    first, second = slots("web", "127.77.0.0/16")
    port = free_port()
    routes.make({"web": {"host": "web.home.test", "service": "web", "port": port}})
    for address in (first, second, first):
        with answering(address, port):
            assert [routes.caddy.get("web.home.test")[2] for _ in range(3)] == [address] * 3
    assert routes.tap.writes == 1, "a move from slot to slot writes nothing"


def test_a_request_waits_while_a_service_moves(routes: Routes) -> None:
    first, second = slots("web", "127.77.0.0/16")
    port = free_port()
    routes.make({"web": {"host": "web.home.test", "service": "web", "port": port}})
    with answering(first, port):
        assert routes.caddy.get("web.home.test")[2] == first
    got: list[Any] = []
    visitor = Thread(target=lambda: got.append(routes.caddy.get("web.home.test")))
    visitor.start()
    wait_until(lambda: any(each["fails"] for each in upstreams(routes.caddy)), "the request to meet nobody")
    with answering(second, port):
        visitor.join(60)
    assert (got[0][0], got[0][2]) == (200, second)


def test_a_route_to_something_that_is_not_well_says_so(routes: Routes) -> None:
    with upstream(status=503) as server:
        routes.make(
            {
                "sick": {"host": "sick.home.test", "to": server.url},
                "fine": {"host": "fine.home.test", "redirect": "https://x.test"},
            }
        )
        well(routes, "fine")
        wait_until(lambda: routes.health("sick")[0] != "Progressing", "a certificate")
        health, why = routes.health("sick")
        assert (health, "sick.home.test answers 503" in why) == ("Degraded", True)
        found = routes.look("sick")
        assert isinstance(found, Present)
        assert found.health == "Degraded", "a look remembers"
        server.status = 200
        assert isinstance(again := routes.look("sick"), Present)
        assert again.health == "Healthy", "and asks again what was not well"
        server.status = 503
        assert isinstance(kept := routes.look("sick"), Present)
        assert kept.health == "Healthy"
        routes.provider.audit()
        assert isinstance(audited := routes.look("sick"), Present)
        assert audited.health == "Degraded"
    assert routes.health("gone") == ("Missing", "Caddy knows no such route")


def test_an_upstream_that_is_down_is_told_with_the_reason(routes: Routes) -> None:
    change = routes.change("down", {"host": "down.home.test", "to": f"http://127.0.0.1:{free_port()}"})
    assert change.after is not None
    hasty = {**change.after, "target": {**change.after["target"], "retry": "1ms"}}
    routes.provider.apply(replace(change, after=hasty), NO)
    wait_until(lambda: routes.health("down")[0] == "Degraded", "a verdict")
    assert routes.health("down")[1].startswith("down.home.test answers 50")


def test_a_host_without_a_certificate_is_not_there_yet(caddies: Caddies, caddy: Caddy) -> None:
    nobody = {"ca": f"https://127.0.0.1:{free_port()}/dir", "email": "me@home.test"}
    routes = Routes(caddy, {"acme": nobody})
    with upstream() as server:
        routes.make({"it": {"host": "it.home.test", "to": server.url, "exposure": "public"}})
        health, why = routes.health("it")
        assert (health, "no certificate for it.home.test" in why) == ("Progressing", True)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_no_host_ever_goes_to_a_ca_that_nobody_named(version: str) -> None:
    # A Caddy of its own: in the log of a shared one stand hosts of other tests, whose configuration is gone.
    with contextlib.closing(Caddy(version)) as caddy, upstream() as server:
        routes = Routes(caddy)
        routes.make({"it": {"host": "it.home.test", "to": server.url}})
        strange = {"match": [{"host": ["strange.home.test"]}], "handle": [{"handler": "static_response", "body": "mine"}]}
        caddy.call("POST", "/config/apps/http/servers/homelab/routes", strange)
        assert caddy.get("strange.home.test")[2] == "mine", "with a certificate of Caddy's own authority"
        policies = caddy.document()["apps"]["tls"]["automation"]["policies"]
        assert policies[-1]["issuers"] == [{"module": "internal"}]
        told = caddy.log()
    assert "certificate obtained successfully" in told, "the log is one of certificates"
    assert [word for word in ("letsencrypt", "zerossl") if word in told] == []


def upstreams(caddy: Caddy) -> list[dict[str, Any]]:
    """What Caddy tells about its targets: address, requests under way, recent failures."""
    _, body = caddy.call("GET", "/reverse_proxy/upstreams")
    found: list[dict[str, Any]] = json.loads(body)
    return found


@contextlib.contextmanager
def answering(address: str, port: int) -> Iterator[None]:
    """A web server on one address that answers with that address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(address.encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET
        daemon_threads = True

    with Server((address, port), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
