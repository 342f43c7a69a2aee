"""Whatever is changed at a route by hand is told by the name of the field, and put back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from controller.core.state import Present
from tests.contract.caddy_yard import NO, Routes, person
from tests.support.caddy import Caddies, Caddy

HANDLERS = "handle/0/routes/1/handle"
RANGES = "handle/0/routes/0/match/0/not/0/remote_ip/ranges"
FULL = {
    "host": "it.home.test",
    "path": "/app",
    "strip": True,
    "to": ["http://127.0.0.1:9", "http://127.0.0.1:10"],
    "health": "/health",
    "timeouts": {"response": "30s"},
    "headers": {"request": {"set": {"X-A": "1"}}, "response": {"remove": ["Server"]}},
}
Edit = tuple[str, str, Any]

EDITS: Mapping[str, tuple[Edit, list[str], str]] = {
    "host": (("PATCH", "match/0/host", ["else.home.test"]), ["hosts"], "the plain case"),
    "path": (("PATCH", "match/0/path", ["/o", "/o/*"]), ["paths", "unrecognised.route"], "what is stripped no longer fits"),
    "path taken out": (("DELETE", "match/0/path", None), ["paths", "unrecognised.route"], "a missing field is a difference too"),
    "upstream": (("PATCH", f"{HANDLERS}/2/upstreams/1/dial", "127.0.0.1:11"), ["target.upstreams"], "one of several"),
    "one upstream more": (("POST", f"{HANDLERS}/2/upstreams", {"dial": "127.0.0.1:12"}), ["target.upstreams"], "one value"),
    "retry": (("PATCH", f"{HANDLERS}/2/load_balancing/try_duration", "1s"), ["target.retry"], "a number that nobody declared"),
    "policy": (
        ("PATCH", f"{HANDLERS}/2/load_balancing/selection_policy/policy", "random"),
        ["unrecognised.route"],
        "what no field says is kept whole",
    ),
    "timeout": (("PATCH", f"{HANDLERS}/2/transport/response_header_timeout", "1s"), ["target.timeouts.response"], "by name"),
    "a timeout more": (("PUT", f"{HANDLERS}/2/transport/read_timeout", "9s"), ["target.timeouts.read"], "not declared"),
    "to https": (("PUT", f"{HANDLERS}/2/transport/tls", {}), ["target.scheme"], "an empty object means something"),
    "unverified": (
        ("PUT", f"{HANDLERS}/2/transport/tls", {"insecure_skip_verify": True}),
        ["target.scheme"],
        "trust in anything is visible",
    ),
    "health": (("PATCH", f"{HANDLERS}/2/health_checks/active/uri", "/other"), ["target.health.uri"], "one of several"),
    "health status": (("PUT", f"{HANDLERS}/2/health_checks/active/expect_status", 204), ["target.health.status"], "one more"),
    "no health": (
        ("DELETE", f"{HANDLERS}/2/health_checks/active", None),
        ["target.health.uri", "target.health.interval", "target.health.timeout"],
        "all that is gone is named",
    ),
    "header": (("PATCH", f"{HANDLERS}/0/request/set/X-A", ["2"]), ["headers.request.set.X-A"], "by the header's name"),
    "a header more": (("PUT", f"{HANDLERS}/0/request/set/X-B", ["2"]), ["headers.request.set.X-B"], "one that nobody declared"),
    "a second value": (("PATCH", f"{HANDLERS}/0/request/set/X-A", ["1", "2"]), ["unrecognised.route"], "no field can say that"),
    "header removed": (("PATCH", f"{HANDLERS}/0/response/delete", ["Via"]), ["headers.response.remove"], "the other direction"),
    "exposure": (("PATCH", RANGES, ["0.0.0.0/0"]), ["allow"], "the dangerous one"),
    "no guard": (("DELETE", "handle/0/routes/0", None), ["allow"], "a guard that is gone lets everybody in"),
    "strip": (("DELETE", f"{HANDLERS}/1", None), ["strip"], "a handler that is gone"),
    "a handler more": (
        ("PUT", f"{HANDLERS}/0", {"handler": "vars", "mine": 1}),
        ["unrecognised.route"],
        "a handler that no field stands for",
    ),
    "another target": (
        ("PATCH", f"{HANDLERS}/2", {"handler": "file_server", "root": "/srv"}),
        ["target.upstreams", "target.scheme", "target.retry", "target.timeouts", "target.health", "target.files"],
        "a proxy became a folder",
    ),
    "something else": (
        ("PATCH", "handle", [{"handler": "static_response", "body": "hi"}]),
        ["strip", "allow", "target.upstreams", "target.scheme", "target.retry", "target.timeouts", "target.health",
         "headers.request", "headers.response", "unrecognised.route"],
        "nothing of it is left",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "fields", "reason"), [pytest.param(*item, id=name) for name, item in EDITS.items()])
def test_a_hand_edit_is_told_by_field_and_put_back(edit: Edit, fields: list[str], reason: str, caddies: Caddies) -> None:
    routes = Routes(caddies.clean("caddy-2.6"))
    routes.make({"it": FULL})
    before = routes.caddy.document()
    method, path, value = edit
    status, answer = routes.caddy.call(method, f"/id/homelab:it/{path}", value)
    assert status == 200, answer
    assert sorted(routes.drift("it", FULL)) == sorted(fields), reason
    edited = routes.shown("it")
    repair = routes.change("it", FULL)
    routes.provider.apply(repair, NO)
    assert routes.caddy.document() == before
    routes.provider.apply(repair.inverse(), NO)
    assert routes.shown("it") == edited, "an undo puts back also what nobody understands"


def cut_listener(routes: Routes) -> None:
    routes.caddy.call("PATCH", "/config/apps/http/servers/homelab/listen", ["127.0.0.1:0"])


def drop_policies(routes: Routes) -> None:
    routes.caddy.call("DELETE", "/config/apps/tls/automation")


def drop_rest(routes: Routes) -> None:
    policies = routes.caddy.document()["apps"]["tls"]["automation"]["policies"]
    routes.caddy.call("PATCH", "/config/apps/tls/automation/policies", policies[:-1])


def change_grace(routes: Routes) -> None:
    routes.caddy.call("PATCH", "/config/apps/http/grace_period", "5s")


def turn_round(routes: Routes) -> None:
    found = routes.caddy.document()["apps"]["http"]["servers"]["homelab"]["routes"]
    routes.caddy.call("PATCH", "/config/apps/http/servers/homelab/routes", found[::-1])


def move_away(routes: Routes) -> None:
    document = copy.deepcopy(routes.caddy.document())
    servers = document["apps"]["http"]["servers"]
    servers["other"] = {"listen": ["127.0.0.1:0"], "routes": [servers["homelab"]["routes"].pop(0)]}
    status, answer = routes.caddy.call("POST", "/config/", document)
    assert status == 200, answer


@pytest.mark.parametrize(
    ("break_it", "name", "fields", "reason"),
    [
        (cut_listener, "a", ["listen", "unrecognised.surroundings"], "nobody could reach it"),
        (
            drop_policies,
            "p",
            ["tls.issuer", "tls.ca", "tls.email", "tls.roots", "tls.challenges"],
            "any public CA would be asked",
        ),
        (drop_rest, "a", ["tls.issuer", "unrecognised.surroundings"], "a host that no policy names would go to a public CA"),
        (change_grace, "a", ["unrecognised.surroundings"], "the frame around the routes is ours in a Caddy of our own"),
        (turn_round, "a", ["unrecognised.surroundings"], "the order decides who answers"),
        (move_away, "a", ["listen", "unrecognised.place"], "in another server it does something else"),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_what_is_changed_around_routes_is_told_and_put_back(
    break_it: Callable[[Routes], None], name: str, fields: list[str], reason: str, caddies: Caddies
) -> None:
    nobody = {"ca": "https://127.0.0.1:1/dir", "email": "me@home.test"}
    routes = Routes(caddies.clean("caddy-2.6"), {"acme": nobody})
    # Names that no public authority is asked for, whatever is broken.
    plain = {"to": "http://127.0.0.1:9"}
    specs: dict[str, dict[str, Any]] = {
        "a": {"host": "a.lab.localhost", **plain},
        "b": {"host": "b.lab.localhost", **plain},
        "p": {"host": "p.lab.localhost", "exposure": "public", **plain},
    }
    routes.make(specs)
    before = routes.caddy.document()
    break_it(routes)
    assert routes.caddy.document() != before
    assert set(fields) <= set(routes.drift(name, specs[name])), (reason, routes.drift(name, specs[name]))
    routes.make(specs)
    after = copy.deepcopy(routes.caddy.document())
    after["apps"]["http"]["servers"].pop("other", None)
    assert after == before, reason
    assert [routes.drift(each, spec) for each, spec in specs.items()] == [[], [], []]


def test_beside_a_persons_config_the_root_is_held_too(caddies: Caddies) -> None:
    caddy: Caddy = caddies.clean("caddy-2.11")
    caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": "coexist"})
    spec = {"host": "a.home.test", "to": "http://127.0.0.1:9"}
    routes.make({"a": spec, "b": {**spec, "host": "b.home.test"}})
    before = caddy.document()
    caddy.call("PATCH", "/id/homelab-root/match/0/host", ["b.home.test"])
    assert routes.drift("a", spec) == ["unrecognised.surroundings"]
    found = routes.look("a")
    assert isinstance(found, Present)
    assert found.state["unrecognised"]["surroundings"] == ["apps.http.servers.srv0.routes"]
    routes.make({"a": spec})
    assert caddy.document() == before
    caddy.call("PUT", "/config/apps/http/servers/srv0/routes/0", {"match": [{"host": ["x.home.test"]}]})
    assert routes.drift("a", spec) == ["unrecognised.place"], "somebody's route stands before the root"
    routes.make({"a": spec, "b": {**spec, "host": "b.home.test"}})
    shown = caddy.document()["apps"]["http"]["servers"]["srv0"]["routes"]
    assert [item.get("@id", item["match"][0]["host"][0]) for item in shown][:2] == ["homelab-root", "x.home.test"]
