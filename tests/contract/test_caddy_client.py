"""The door to Caddy: what it says of a declaration, and how it reads and writes a real one."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.clients.caddy import CaddyDoor, Connection, Door, Refused, Stale, doubled, probe
from controller.clients.caddy.door import fnv1a
from controller.clients.tls import NoCertificate
from controller.core.errors import Rejected, Transient
from tests.support.caddy import NEW, OLD, Caddies, Caddy, free_port, upstream


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        (b"", 0x811C9DC5, "the offset basis"),
        (b"a", 0xE40C292C, "a published value"),
        (b"foobar", 0xBF9CF968, "a published value"),
    ],
)
def test_the_hash_is_the_published_one(text: bytes, value: int, reason: str) -> None:
    assert fnv1a(text) == value, reason


def test_a_write_counts_only_while_nothing_changed(caddy: Caddy) -> None:
    read = caddy.door.config()
    assert bool(read.header) is (caddy.version == NEW), "older ones send it after the body"
    assert bool(read.trailer) is (caddy.version == OLD)
    assert read.tag == read.header or read.tag == replace(read, trailer="").tag, "what got lost can be told from the body"
    first = {**read.document, "apps": {"http": {"grace_period": "1s"}}}
    caddy.door.write(first, read)
    assert caddy.document() == first
    with pytest.raises(Stale):
        caddy.door.write({**read.document, "apps": {"http": {"grace_period": "2s"}}}, read)
    assert caddy.document() == first
    assert caddy.door.config() is caddy.door.config(), "an unchanged configuration is the same object"


def test_a_configuration_survives_letters_that_json_escapes(caddy: Caddy) -> None:
    read = caddy.door.config()
    odd = {"apps": {"http": {"servers": {"s": {"listen": ["127.0.0.1:0"], "routes": [{"handle": [text('<&>\u2028é\\"😀')]}]}}}}}
    caddy.door.write({**read.document, **odd}, read)
    again = caddy.door.config()
    assert again.document["apps"] == odd["apps"]
    caddy.door.write({**again.document, "apps": {}}, again)


def text(body: str) -> dict[str, str]:
    return {"handler": "static_response", "body": body}


def test_a_refusal_has_caddys_reason_and_is_cut(caddy: Caddy) -> None:
    read = caddy.door.config()
    wrong: dict[str, Any] = copy.deepcopy(read.document)
    wrong["apps"] = {"http": {"servers": {"s": {"routes": [{"handle": [{"handler": "no_such_thing"}]}]}}}}
    with pytest.raises(Refused, match="no_such_thing"):
        caddy.door.write(wrong, read)
    wrong["apps"] = {"x" * 2000: {}}
    with pytest.raises(Refused) as caught:
        caddy.door.write(wrong, read)
    assert len(str(caught.value)) < 300
    assert caddy.document() == read.document


def test_a_caddyfile_becomes_configuration(caddy: Caddy) -> None:
    made, _ = caddy.door.adapt("a.home.test {\n\treverse_proxy 127.0.0.1:9\n}\n")
    assert made["apps"]["http"]["servers"]["srv0"]["routes"][0]["match"] == [{"host": ["a.home.test"]}]
    with pytest.raises(Refused, match="nonsense"):
        caddy.door.adapt("a.home.test {\n\tnonsense\n}\n")


def test_objects_are_found_by_their_mark(caddy: Caddy) -> None:
    read = caddy.door.config()
    marked = {"@id": "mine", "listen": ["127.0.0.1:0"]}
    caddy.door.write({**read.document, "apps": {"http": {"servers": {"s": marked}}}}, read)
    assert caddy.door.item("mine") == marked
    assert caddy.door.item("no/such") is None


def test_over_tcp_on_loopback_it_is_the_same(caddies: Caddies) -> None:
    caddy = caddies.clean(OLD)
    port = free_port()
    document = caddy.document()
    caddy.call("POST", "/config/", {**document, "admin": {"listen": f"127.0.0.1:{port}"}})
    door = CaddyDoor(f"http://127.0.0.1:{port}")
    read = door.config()
    assert read.document["admin"]["listen"] == f"127.0.0.1:{port}"
    door.write(document, read)
    assert caddy.document() == document


def test_nobody_there_is_told_apart_from_a_refusal(tmp_path: Path) -> None:
    for admin in (f"unix://{tmp_path}/none.sock", f"http://127.0.0.1:{free_port()}"):
        with pytest.raises(Transient, match="does not answer"):
            CaddyDoor(admin).config()


def test_the_front_door_tells_what_is_missing(caddies: Caddies) -> None:
    caddy = caddies.clean(OLD)
    with pytest.raises(Transient, match="nothing answers"):
        probe(Door("127.0.0.1", free_port(), True, "a.home.test"))
    with upstream() as server, pytest.raises(NoCertificate):
        probe(Door("127.0.0.1", server.port, True, "a.home.test"))
    with upstream(status=418) as server:
        assert probe(Door("127.0.0.1", server.port, False, "a.home.test"), "/x") == 418
    assert caddy.version == OLD


def test_two_listeners_on_one_port_are_seen(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    line = "   {}: {}:01BB 00000000:0000 {} 00000000:00000000 00:00000000\n"
    everywhere, home = "00000000", "0100007F"
    (tmp_path / "tcp").write_text(
        head + line.format(0, everywhere, "0A") + line.format(1, home, "0A") + line.format(2, home, "01")
    )
    assert doubled([443], tmp_path) == [], "another address, and a connection that is no listener"
    (tmp_path / "tcp6").write_text(head + line.format(0, "0" * 32, "0A") * 2)
    assert doubled([443, 80], tmp_path) == [443]
    assert doubled([80], tmp_path) == []
    assert doubled([443], tmp_path / "none") == []


@pytest.mark.parametrize(
    ("declared", "path", "said", "reason"),
    [
        ({"admin": "http://192.168.1.2:2019"}, ("admin",), "open to the network", "whoever reaches it controls Caddy"),
        ({"admin": "unix://run/x.sock"}, ("admin",), "not the address of a socket", "a slash is missing"),
        ({"admin": "http://127.0.0.1"}, ("admin",), "not the address", "the port is missing"),
        ({"admin": "http://[::1"}, ("admin",), "not the address", "no address at all"),
        ({"admin": "ftp://127.0.0.1:1"}, ("admin",), "not the address", "another protocol"),
        ({"mod": "owned"}, ("mod",), "no field 'mod'", "a word mistyped"),
        ({"mode": "shared"}, ("mode",), "owned", "a mode that there is not"),
        ({"vpn": ["10.8.0.1/24"]}, ("vpn", 0), "not a range", "an address is no range"),
        ({"private": ["home"]}, ("private", 0), "not a range", "a name is no range"),
        ({"edge": "10.0.0.0/30"}, ("edge",), "too small", "no room for slots"),
        ({"listen": ["0.0.0.0:443"], "https_port": 443, "http_port": 443}, ("https_port",), "the same", "one port for two"),
        ({"listen": []}, ("listen",), "no address", "nothing would listen"),
        ({"grace_period": "long"}, ("grace_period",), "not a duration", "no number"),
        ({"acme": {"ca": "http://ca.test"}}, ("acme", "ca"), "https", "a CA is asked over TLS"),
        ({"acme": {"roots": ["ca.pem"]}}, ("acme", "roots", 0), "absolute", "relative to what?"),
        ({"version": "2"}, ("version",), "not a version", "no such version"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_place(
    declared: dict[str, Any], path: tuple[str | int, ...], said: str, reason: str
) -> None:
    with pytest.raises(Rejected) as caught:
        Connection.parse("caddy", {"type": "caddy", **declared})
    assert [problem.path for problem in caught.value.problems if said in problem.message] == [path], reason


def test_a_declaration_may_say_nothing() -> None:
    plain = Connection.parse("caddy", {"type": "caddy"})
    assert (plain.https, plain.http, plain.admin_listen) == ((":443",), (":80",), "127.0.0.1:2019")
    assert Connection.parse("caddy", {"admin": "unix:///run/c.sock", "listen": ["127.0.0.1"]}).admin_listen == "unix//run/c.sock"
