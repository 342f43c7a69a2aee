"""Routes on real Caddys: one write for many, nothing lost, nothing of others touched."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from controller.clients.caddy import Unsure
from controller.core.change import Action, Change
from controller.core.errors import Conflict, Permanent, Transient
from controller.core.limit import YES, Never
from controller.core.state import ABSENT, Present, Receipt
from tests.contract.caddy_yard import NO, Routes, person, target
from tests.support.caddy import NEW, Caddies, Caddy, WebSocket, echo, free_port, upstream
from tests.support.space import wait_until

PLAIN = {"to": "http://127.0.0.1:9", "exposure": "private"}


def host(name: str, **rest: Any) -> dict[str, Any]:
    return {"host": f"{name}.home.test", **PLAIN, **rest}


@pytest.fixture(params=["owned", "coexist"])
def routes(request: pytest.FixtureRequest, caddy: Caddy) -> Routes:
    if request.param == "coexist":
        caddy.load(person(caddy))
    return Routes(caddy, {"mode": request.param})


def test_routes_that_are_ready_together_are_one_write_and_one_back(routes: Routes) -> None:
    before = routes.caddy.document()
    names = [f"r{number}" for number in range(20)]
    changes = [routes.change(name, host(name)) for name in names]
    outcomes = routes.provider.apply_many(changes, NO)
    assert routes.tap.writes == 1
    assert [outcome.state for outcome in outcomes if isinstance(outcome, Receipt)] == [change.after for change in changes]
    assert [routes.shown(name) for name in names] == [change.after for change in changes]
    routes.provider.apply_many(changes, NO)
    assert routes.tap.writes == 1, "what is done is not done again"
    routes.provider.apply_many([change.inverse() for change in changes], NO)
    assert routes.tap.writes == 2
    assert [routes.look(name) for name in names] == [ABSENT] * 20
    if routes.declared["mode"] == "coexist":
        assert routes.caddy.document() == before, "byte for byte what the person had"


def test_what_a_person_has_stays_as_it_is(routes: Routes) -> None:
    routes.make({"a": host("a"), "b": host("b", tls="off")})
    if routes.declared["mode"] == "owned":
        own = {"@id": "theirs", "match": [{"host": ["own.home.test"]}], "handle": [{"handler": "static_response", "body": "own"}]}
        routes.caddy.call("POST", "/config/apps/http/servers/homelab/routes", own)
        other = {"listen": [f"127.0.0.1:{free_port()}"], "routes": [{"handle": [{"handler": "static_response"}]}]}
        routes.caddy.call("PUT", "/config/apps/http/servers/other", other)
        routes.make({"a": host("a", to="http://127.0.0.1:10"), "b": None, "c": host("c")})
        servers = routes.caddy.document()["apps"]["http"]["servers"]
        assert servers["other"] == other
        assert servers["homelab"]["routes"][-1] == own
        assert routes.caddy.get("own.home.test")[2] == "own"
        return
    theirs = person(routes.caddy)["apps"]["http"]["servers"]["srv0"]["routes"]
    routes.make({"a": host("a", to="http://127.0.0.1:10"), "b": None, "c": host("c")})
    document = routes.caddy.document()
    root, *rest = document["apps"]["http"]["servers"]["srv0"]["routes"]
    assert (root["@id"], rest) == ("homelab-root", theirs)
    assert document["logging"] == person(routes.caddy)["logging"]
    assert list(document["apps"]["pki"]["certificate_authorities"]) == ["homelab", "local"]
    assert document["apps"]["tls"]["automation"]["policies"][1:] == person(routes.caddy)["apps"]["tls"]["automation"]["policies"]
    assert routes.caddy.get("mine.home.test")[2] == "<mine & only>"


def test_a_writer_that_was_faster_loses_nothing(routes: Routes) -> None:
    server = "homelab" if routes.declared["mode"] == "owned" else "srv0"
    routes.make({"first": host("first")})
    raced = {"match": [{"host": ["raced.home.test"]}], "handle": [{"handler": "static_response", "body": "raced"}]}

    def race() -> None:
        status, answer = routes.caddy.call("POST", f"/config/apps/http/servers/{server}/routes", raced)
        assert status == 200, answer

    routes.tap.before_write = race
    routes.make({"second": host("second")})
    assert (routes.tap.writes, routes.tap.refused) == (2, 1), (
        "the stale write was refused, the next one was made from what was new"
    )
    assert raced in routes.caddy.document()["apps"]["http"]["servers"][server]["routes"]
    assert isinstance(routes.look("first"), Present)
    assert isinstance(routes.look("second"), Present)


def test_a_race_for_the_route_itself_is_a_conflict(routes: Routes) -> None:
    routes.make({"it": host("it")})
    change = routes.change("it", host("it", to="http://127.0.0.1:10"))

    def race() -> None:
        Routes(routes.caddy, routes.rest).make({"it": host("it", to="http://127.0.0.1:11")})

    routes.tap.before_write = race
    with pytest.raises(Conflict, match=r"target\.upstreams"):
        routes.provider.apply(change, NO)
    assert routes.shown("it")["target"]["upstreams"] == ["127.0.0.1:11"]


def test_a_lost_answer_is_read_from_the_world(routes: Routes) -> None:
    change = routes.change("it", host("it"))

    def lose() -> None:
        raise Unsure("the connection was cut after the write")

    routes.tap.after_write = lose
    assert routes.provider.apply(change, NO).state == change.after
    assert routes.tap.writes == 1


def test_a_route_that_caddy_refuses_does_not_harm_the_others(routes: Routes) -> None:
    with upstream() as server:
        routes.make({"old": host("old", to=server.url)})
        missing = {"certificate": "/nowhere/at-all.pem", "key": "/nowhere/key.pem"}
        specs = {f"r{number}": host(f"r{number}", to=server.url) for number in range(6)}
        specs["r3"]["tls"] = missing
        outcomes = dict(zip(specs, routes.put(specs), strict=True))
        refused = outcomes.pop("r3")
        assert isinstance(refused, Permanent)
        assert "/nowhere/at-all.pem" in str(refused), "Caddy's own reason"
        assert all(isinstance(outcome, Receipt) for outcome in outcomes.values())
        assert routes.look("r3") == ABSENT
        wait_until(lambda: {routes.health(name) for name in ("old", "r0", "r5")} == {("Healthy", "")}, "the others")


def test_a_route_to_nowhere_is_never_written(routes: Routes) -> None:
    change = routes.change("it", host("it"))
    assert change.after is not None
    nowhere = {**change.after, "target": {**change.after["target"], "upstreams": []}}
    empty = Change(change.key, "local", "it", Action.CREATE, None, nowhere, "test")
    with pytest.raises(Permanent, match="no address"):
        routes.provider.apply(empty, NO)
    assert routes.tap.writes == 0


def test_a_reload_by_hand_is_noticed_and_put_right(caddy: Caddy) -> None:
    caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": "coexist"})
    routes.make({"a": host("a"), "b": host("b")})
    full = caddy.document()
    caddy.load(person(caddy))
    assert [routes.look(name) for name in ("a", "b")] == [ABSENT, ABSENT]
    routes.make({"a": host("a"), "b": host("b")})
    assert caddy.document() == full
    assert routes.tap.writes == 2


def test_a_restart_that_forgets_everything_is_noticed(caddies: Caddies, caddy: Caddy) -> None:
    routes = Routes(caddy)
    routes.make({"a": host("a")})
    caddy.kill()
    found = routes.provider.observe([target("a")])
    assert not found.complete
    with pytest.raises(Transient, match="does not answer"):
        routes.provider.apply(Change(target("a").key, "local", "a", Action.DELETE, {}, None, "test"), NO)
    caddy.start()
    assert routes.look("a") == ABSENT


def test_a_look_at_an_unchanged_world_gives_the_same_objects(routes: Routes) -> None:
    routes.make({name: host(name) for name in ("a", "b")})
    targets = [target("a"), target("b")]
    first = routes.provider.observe(targets)
    assert routes.provider.observe(targets) is first
    routes.make({"c": host("c")})
    second = routes.provider.observe(targets)
    assert second.of(target("a").key) is first.of(target("a").key)
    assert routes.tap.writes == 2


def test_websockets_live_on(routes: Routes) -> None:
    with echo() as server:
        routes.make({"ws": host("ws", to=server.url)})
        wait_until(lambda: routes.health("ws") == ("Healthy", ""), "ws")
        with contextlib.closing(WebSocket(routes.caddy, "ws.home.test")) as socket:
            assert socket.echoes(b"one")
            for _ in range(3):
                routes.make({"ws": host("ws", to=server.url)})
            assert socket.echoes(b"two"), "a pass with nothing to do touches nothing"
            routes.put({"bad": host("bad", tls={"certificate": "/nowhere.pem", "key": "/nowhere.pem"})})
            assert socket.echoes(b"three"), "nor does a configuration that is refused"
            routes.make({"other": host("other")})
            assert socket.echoes(b"four") is (routes.caddy.version == NEW), "only 2.7 and newer keep streams over a change"


def test_two_caddys_on_one_port_are_told_apart(caddies: Caddies, caddy: Caddy) -> None:
    routes = Routes(caddy)
    routes.make({"a": host("a")})
    twin = Caddy(caddy.version)
    try:
        twin.load({"apps": {"http": {**ports(caddy), "servers": {"s": only_tcp(caddy)}}}})
        with pytest.raises(Transient, match=f"two servers listen on port {caddy.https_port}"):
            routes.provider.apply(routes.change("b", host("b")), NO)
        assert routes.tap.writes == 1
    finally:
        twin.close()
    routes.make({"b": host("b")})


def only_tcp(caddy: Caddy) -> dict[str, Any]:
    return {"listen": [f"127.0.0.1:{caddy.https_port}"], "protocols": ["h1", "h2"]}


def ports(caddy: Caddy) -> dict[str, Any]:
    return {"http_port": caddy.http_port, "https_port": caddy.https_port}


def test_somebody_elses_route_for_the_host_is_not_hidden(caddy: Caddy) -> None:
    caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": "coexist"})
    said = routes.provider.limit(routes.change("it", {"host": "mine.home.test", **PLAIN}))
    assert isinstance(said, Never)
    assert "srv0/routes/0" in said.why
    assert routes.provider.limit(routes.change("it", host("it"))) == YES


def test_a_configuration_without_the_persons_server_has_no_place(caddy: Caddy) -> None:
    routes = Routes(caddy, {"mode": "coexist"})
    with pytest.raises(Permanent, match="no server on the HTTPS port"):
        routes.provider.apply(routes.change("it", host("it")), NO)
    assert routes.tap.writes == 0


def test_the_admin_endpoint_stays_where_it_is(caddy: Caddy) -> None:
    caddy.call("DELETE", "/config/apps")
    routes = Routes(caddy)
    routes.make({"it": host("it")})
    assert caddy.document()["admin"]["listen"] == f"unix/{caddy.socket}"
