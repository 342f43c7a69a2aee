"""Any route that may be declared is read back as it was written: by itself, and through real Caddys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.caddy import Connection
from controller.core.diff import compare
from controller.core.errors import Rejected
from controller.core.state import Receipt
from controller.kinds.route import KIND
from controller.kinds.route.layout import Placed, placed, weave
from controller.kinds.route.read import read
from controller.kinds.route.render import render
from tests.contract.caddy_yard import NO, Routes, person, resolved
from tests.support.caddy import Caddy

ACME = {"ca": "https://127.0.0.1:1/dir", "email": "a@b.test"}
DECLARED = {"type": "caddy", "vpn": ["10.8.0.0/24"], "edge": "127.77.0.0/16", "acme": ACME}
ATTACKS = [
    "a.home.test }",
    "{env.HOME}",
    "/x/{file./etc/passwd}",
    "{http.request.host}",
    '"}]}',
    "/../../etc",
    "homelab:other",
    "https://x.test/{env.SECRET}",
    "a\r\nX-B: c",
    "*",
    "*.*.test",
    "http://[::1",
    "http://a b:1",
    "/x?y=\x00",
]

WORD = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.builds(lambda words: ".".join([*words, "home.test"]), st.lists(WORD, min_size=1, max_size=2))
PATH = st.builds(lambda words: "/" + "/".join(words), st.lists(WORD, min_size=1, max_size=2))
SECONDS = st.integers(1, 600).map(lambda number: f"{number}s")
ADDRESS = st.builds(
    lambda host, port: f"http://{host}:{port}", st.sampled_from(["127.0.0.1", "nas", "[::1]"]), st.integers(1, 65_535)
)
HEADER = st.sampled_from(["X-A", "x-b", "Accept", "cache-control", "Host"])
VALUE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="{}\x7f", exclude_categories=["Cc", "Cs"]),
    max_size=12,
)


@st.composite
def header_changes(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(HEADER, unique_by=str.lower, max_size=3))
    cut = draw(st.integers(0, len(names)))
    return {"set": {name: draw(VALUE) for name in names[:cut]}, "remove": names[cut:]}


@st.composite
def specs(draw: st.DrawFn, *, public: bool = True) -> dict[str, Any]:
    """A spec of a route; nearly every one is valid."""
    spec: dict[str, Any] = {"hosts": draw(st.lists(HOST, min_size=1, max_size=3, unique=True))}
    spec |= draw(
        st.one_of(
            st.fixed_dictionaries({"service": WORD, "port": st.integers(1, 65_535)}),
            st.fixed_dictionaries({"to": st.lists(ADDRESS, min_size=1, max_size=3, unique=True)}),
            st.fixed_dictionaries({"to": st.just(["https://nas:443"]), "insecure": st.booleans()}),
            st.fixed_dictionaries(
                {"redirect": st.sampled_from([{"to": "https://x.test", "code": 302}, {"to": "http://y.test/z", "path": "drop"}])}
            ),
            st.fixed_dictionaries({"files": PATH}),
        )
    )
    if "service" in spec or "to" in spec:
        if draw(st.booleans()):
            spec["health"] = draw(
                st.fixed_dictionaries({"uri": PATH, "interval": SECONDS}, optional={"status": st.integers(200, 399)})
            )
        spec["timeouts"] = draw(
            st.fixed_dictionaries({}, optional=dict.fromkeys(("connect", "response", "read", "write"), SECONDS))
        )
    spec["path"] = draw(st.lists(PATH, max_size=2, unique=True))
    spec["strip"] = len(spec["path"]) == 1 and draw(st.booleans())
    spec["headers"] = {"request": draw(header_changes()), "response": draw(header_changes())}
    spec["exposure"] = draw(st.sampled_from(["private", "vpn", "public"] if public else ["private", "vpn"]))
    if draw(st.booleans()):
        spec["tls"] = draw(st.sampled_from(["internal", "off"]))
    return spec


def state_of(spec: dict[str, Any], declared: dict[str, Any]) -> Any:
    return resolved(declared, "it", spec).state


@settings(derandomize=True, deadline=None, max_examples=300)
@given(specs(), st.booleans())
def test_what_is_rendered_reads_back_as_it_was(spec: dict[str, Any], streams: bool) -> None:
    state = state_of(spec, DECLARED)
    shown = json.loads(json.dumps(render("it", state, streams=streams)))
    assert read(shown, state["tls"], state["listen"]) == state


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(specs(), min_size=1, max_size=4), st.sampled_from(["owned", "coexist"]))
def test_what_is_woven_into_a_configuration_is_found_there(several: list[dict[str, Any]], mode: str) -> None:
    declared = {**DECLARED, "mode": mode}
    connection = Connection.parse("local", declared)
    theirs = {"apps": {"http": {"servers": {"srv0": {"listen": [":443"], "routes": [{"match": [{"host": ["mine.test"]}]}]}}}}}
    before = theirs if mode == "coexist" else None
    alone = _alone(several)
    states = {f"r{number}": state_of(spec, declared) for number, spec in enumerate(alone)}
    routes = {name: Placed(render(name, state, streams=False), state["tls"]) for name, state in states.items()}
    woven = weave(before, routes, connection)
    found = placed(woven, connection)
    assert {name: read(each.raw, each.tls, list(each.listen), each.place) for name, each in found.items()} == states
    assert weave(woven, found, connection) == woven, "nothing differs the second time"
    if mode == "coexist":
        assert weave(woven, {}, connection) == before


def _alone(several: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With hosts of their own: one host has one certificate."""
    return [{**spec, "hosts": [f"r{number}.{host}" for host in spec["hosts"]]} for number, spec in enumerate(several)]


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    st.one_of(st.text(max_size=40), st.sampled_from(ATTACKS)),
    st.sampled_from(["host", "path", "redirect", "files", "to", "header", "uri"]),
)
def test_no_text_breaks_out(text: str, where: str) -> None:
    """Whatever is written is refused, or stands in the configuration as one value and as nothing else."""
    spec: dict[str, Any] = {"host": "a.home.test", "to": "http://127.0.0.1:1"}
    words: dict[str, dict[str, Any]] = {
        "host": {"host": text},
        "path": {"path": [text]},
        "redirect": {"redirect": {"to": text, "path": "drop"}, "to": []},
        "files": {"files": text, "to": []},
        "to": {"to": [text]},
        "header": {"headers": {"request": {"set": {"X-A": text}}}},
        "uri": {"health": {"uri": text}},
    }
    try:
        state = state_of({**spec, **words[where]}, DECLARED)
    except Rejected:
        return
    shown = json.dumps(render("it", state, streams=False))
    assert read(json.loads(shown), state["tls"], state["listen"]) == state
    assert "{env." not in shown
    assert "{file." not in shown


@pytest.mark.parametrize("mode", ["owned", "coexist"])
def test_routes_of_every_sort_stay_as_caddy_took_them(mode: str, caddy: Caddy) -> None:
    if mode == "coexist":
        caddy.load(person(caddy))
    routes = Routes(caddy, {"mode": mode, "acme": ACME})
    drawn = _drawn(30)
    specs_by_name = {f"r{number}": spec for number, spec in enumerate(_alone(drawn))}
    outcomes = routes.put(specs_by_name)
    assert [outcome for outcome in outcomes if not isinstance(outcome, Receipt)] == []
    assert routes.tap.writes == 1
    for name, spec in specs_by_name.items():
        wanted = routes.state(name, spec)
        assert compare(wanted, routes.shown(name), same=KIND.same, whole=KIND.whole) == (), name
        assert routes.shown(name) == wanted
    routes.provider.apply_many([routes.change(name, spec) for name, spec in specs_by_name.items()], NO)
    assert routes.tap.writes == 1


def _drawn(count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    @settings(derandomize=True, deadline=None, max_examples=count, database=None)
    @given(specs(public=False))
    def collect(spec: dict[str, Any]) -> None:
        found.append(spec)

    collect()
    assert len(found) >= count
    return found[:count]
