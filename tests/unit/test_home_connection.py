"""A connection to Home Assistant as it is declared, and which one a document means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from controller.clients.homeassistant import Connection, connection_of
from controller.clients.homeassistant.errors import Refused, cut
from controller.core.errors import Rejected
from controller.wire.backends import connection_problems

DECLARED: Mapping[str, Any] = {"type": "homeassistant", "url": "http://192.0.2.5:8123", "token": {"ref": "homeassistant/token"}}


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://192.0.2.5:8123", "ws://192.0.2.5:8123/api/websocket"),
        ("http://192.0.2.5:8123/", "ws://192.0.2.5:8123/api/websocket"),
        ("https://home.example", "wss://home.example/api/websocket"),
        ("http://[2001:db8::5]:8123", "ws://[2001:db8::5]:8123/api/websocket"),
    ],
)
def test_where_its_socket_is(url: str, socket: str) -> None:
    read = Connection.parse("home", {**DECLARED, "url": url})
    assert read.socket == socket
    assert read.url == url.rstrip("/")
    assert read.ref == "homeassistant/token"


@pytest.mark.parametrize(
    ("wrong", "path", "said"),
    [
        ({"url": "home.example:8123"}, ("url",), "not the address"),
        ({"url": "ftp://home.example"}, ("url",), "not the address"),
        ({"url": "http://"}, ("url",), "not the address"),
        ({"url": "http://home.example:99999"}, ("url",), "not the address"),
        ({"url": "http://home.example:0"}, ("url",), "not the address"),
        ({"url": "http://home.example/lovelace/0"}, ("url",), "behind the host"),
        ({"url": "http://home.example?x=1"}, ("url",), "behind the host"),
        ({"url": "http://ada:secret@home.example"}, ("url",), "`token` is what opens it"),
        ({"url": 8123}, ("url",), "must be text"),
        ({"token": "eyJhbGciOi"}, ("token",), "must not stand here"),
        ({"token": {}}, ("token", "ref"), "missing"),
        ({"token": None}, ("token",), "must be a map"),
        ({"ca": "/ca.pem"}, ("ca",), "the address is http"),
        ({"url": "https://home.example", "ca": "ca.pem"}, ("ca",), "not an absolute path"),
        ({"tokn": {"ref": "x"}}, ("tokn",), "unknown key"),
    ],
)
def test_what_is_wrong_with_it(wrong: Mapping[str, Any], path: tuple[str, ...], said: str) -> None:
    declared = {**DECLARED, **wrong}
    with pytest.raises(Rejected) as caught:
        Connection.parse("home", declared)
    [problem] = caught.value.problems
    assert problem.path == path
    assert said in problem.message
    assert "eyJhbGciOi" not in problem.message + problem.hint
    assert "secret@" not in problem.message
    assert list(connection_problems("home", declared)) == [problem]


@pytest.mark.parametrize(
    ("via", "names", "found", "reason"),
    [
        ("", ["home"], "home", "the only one"),
        ("home", ["home", "cabin"], "home", "the one that is named"),
        ("", [], "declares no Home Assistant", "there is none"),
        ("home", [], "declares no Home Assistant", "there is none, whatever it is called"),
        ("hom", ["home", "cabin"], "did you mean", "a slip"),
        ("elsewhere", ["home", "cabin"], "known: cabin, home", "another name"),
        ("", ["home", "cabin"], "via: cabin", "several"),
        ("local", ["home"], "no Home Assistant 'local'", "a connection of another type"),
    ],
)
def test_which_one_is_meant(via: str, names: list[str], found: str, reason: str) -> None:
    connections = {"local": {"type": "docker"}, **dict.fromkeys(names, DECLARED)}
    try:
        assert connection_of(via, connections) == found, reason
    except Rejected as error:
        [problem] = error.problems
        assert found in f"{problem.message} {problem.hint}", reason


def test_what_is_said_stays_short() -> None:
    assert len(cut("word " * 200)) == 256
    assert cut("a\n  b") == "a b"
    assert len(str(Refused("invalid_format", "x" * 1000))) == 256
