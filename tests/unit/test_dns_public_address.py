"""The public address: sources that must agree, changes that must be seen twice, addresses that nobody can reach."""

from __future__ import annotations

import itertools
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from controller.clients.dns.outside import Address, is_loopback, seen_from, unfit
from controller.clients.dns.public_address import EVERY, SOON, PublicAddress
from controller.core.errors import Permanent, Transient
from controller.core.key import Key
from controller.kinds.record.following import Following
from tests.support.clock import HandClock

HERE, THERE, WRONG = "93.184.216.34", "93.184.216.35", "8.8.4.4"
Said = dict[str, str]


class Voices:
    """Sources that say what the test writes down ("" = silence)."""

    def __init__(self, **said: str) -> None:
        self.said: Said = said
        self.asked: list[str] = []

    def __call__(self, url: str, family: int) -> Address:
        self.asked.append(url)
        if not self.said[url]:
            raise Transient(f"{url}: no answer")
        return ip_address(self.said[url])


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def following(voices: Voices, folder: Path, clock: HandClock) -> PublicAddress:
    return PublicAddress(4, folder / "address.json", clock, list(voices.said), voices)


def test_two_sources_that_agree_are_believed(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE, c=WRONG)
    address = following(voices, tmp_path, clock)
    assert address.good == ""
    assert address.current() == address.good == HERE


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"a": HERE, "b": THERE, "c": WRONG}, "three that say three things"),
        ({"a": HERE, "b": "", "c": ""}, "one alone"),
        ({"a": "", "b": "", "c": ""}, "silence"),
    ],
)
def test_without_agreement_nothing_is_known(said: Said, reason: str, tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(Transient):
        following(Voices(**said), tmp_path, clock).current()


def test_a_change_counts_when_it_was_seen_twice(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path, clock)
    address.current()
    voices.said = {"a": THERE, "b": THERE}
    clock.advance(EVERY)
    assert not address.look()
    assert address.current() == HERE
    assert address.wait == SOON
    clock.advance(SOON)
    assert address.look()
    assert address.current() == THERE


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"a": HERE, "b": HERE}, "the first look was wrong"),
        ({"a": WRONG, "b": WRONG}, "a third address is a first look of its own"),
        ({"a": "", "b": ""}, "nobody answers the second time"),
    ],
)
def test_a_change_that_is_seen_once_is_none(second: Said, reason: str, tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path, clock)
    address.current()
    voices.said = {"a": THERE, "b": THERE}
    clock.advance(EVERY)
    address.look()
    voices.said = second
    clock.advance(EVERY)
    assert not address.look()
    assert address.good == HERE, reason


def test_the_last_good_address_holds_while_nobody_agrees_and_after_a_restart(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    following(voices, tmp_path, clock).current()
    voices.said = {"a": "", "b": WRONG}
    again = following(voices, tmp_path, clock)
    assert again.good == HERE
    assert again.current() == HERE
    assert (tmp_path / "address.json").stat().st_mode & 0o777 == 0o600


def test_a_rumour_survives_a_restart(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    following(voices, tmp_path, clock).current()
    voices.said = {"a": THERE, "b": THERE}
    clock.advance(EVERY)
    assert not following(voices, tmp_path, clock).look()
    assert following(voices, tmp_path, clock).look()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"good": "not an address"}', '{"good": "192.168.1.1"}', '{"good": "2001:4860::1"}']
)
def test_a_spoilt_file_is_as_none(content: str, tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "address.json").write_text(content)
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path, clock)
    assert address.good == ""
    assert address.current() == HERE
    assert json.loads((tmp_path / "address.json").read_text())["good"] == HERE


def test_sources_are_not_asked_again_before_it_is_time(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path, clock)
    for _ in range(5):
        address.current()
    assert len(voices.asked) == 2
    clock.advance(EVERY)
    address.current()
    assert len(voices.asked) == 4


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("100.64.7.1", "carrier-grade NAT"),
        ("192.168.1.7", "private"),
        ("10.0.0.1", "private"),
        ("127.0.0.1", "private"),
        ("169.254.1.1", "private"),
        ("fd00::1", "private"),
        ("224.0.0.1", "reserved"),
        ("0.0.0.0", "private"),
        (HERE, ""),
        ("2606:4700::1", ""),
    ],
)
def test_an_address_that_nobody_can_reach_is_refused_with_the_reason(
    address: str, said: str, tmp_path: Path, clock: HandClock
) -> None:
    found = unfit(ip_address(address))
    assert said in found
    assert bool(found) == bool(said)
    voices = Voices(a=address, b=address)
    if said:
        with pytest.raises(Permanent, match=said):
            following(voices, tmp_path, clock).current()


def test_a_private_answer_does_not_replace_the_last_good_address(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path, clock)
    address.current()
    voices.said = {"a": "100.64.7.1", "b": "100.64.7.1"}
    for _ in range(3):
        clock.advance(EVERY)
        assert address.current() == HERE


def test_a_provider_tells_when_the_address_moved(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    following_it = Following({4: following(voices, tmp_path, clock)}, clock)
    assert following_it.token() == "", "nothing follows it yet"
    state = {"type": "A", "values": ["publicIP"], "name": "example.net", "zone": "example.net"}
    assert following_it.adapt(state, None) == {**state, "values": [HERE]}
    plain = {**state, "values": ["192.0.2.1"]}
    assert following_it.adapt(plain, None) is plain
    before = following_it.token()
    voices.said = {"a": THERE, "b": THERE}
    stop, heard = Flag(), []

    def moved(key: Key | None) -> None:
        heard.append(key)
        stop.set()

    following_it.watch(moved, stop)
    assert heard == [None]
    assert following_it.token() != before
    assert following_it.adapt(state, None)["values"] == [THERE]


def test_nobody_is_asked_while_no_record_follows(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    stop = Flag()
    following_it = Following({4: following(voices, tmp_path, clock)}, clock)
    wait, looks = clock.wait, itertools.count()

    def waited(flag: Flag, seconds: float) -> bool:
        if next(looks) == 5:
            stop.set()
        return wait(flag, seconds)

    clock.wait = waited  # type: ignore[method-assign]
    following_it.watch(lambda _key: None, stop)
    assert voices.asked == []


def test_a_full_disk_does_not_stop_it(tmp_path: Path, clock: HandClock) -> None:
    voices = Voices(a=HERE, b=HERE)
    address = following(voices, tmp_path / "none", clock)
    assert address.current() == HERE


Page = tuple[int, Mapping[str, str], bytes]


@contextmanager
def web(pages: Callable[[str], Page]) -> Iterator[tuple[str, list[str]]]:
    """A web server on loopback and the paths that it was asked for."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            status, headers, body = pages(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()
    thread.join(60)


TEXT, HTML = {"Content-Type": "text/plain"}, {"Content-Type": "text/html"}
CHECKIP = b"<html><body>Current IP Address: 93.184.216.34</body></html>"


@pytest.mark.parametrize(
    ("page", "wanted", "reason"),
    [
        ((200, TEXT, b"93.184.216.34\n"), HERE, "plain text"),
        ((200, {}, b" 93.184.216.34 "), HERE, "no type"),
        ((200, HTML, CHECKIP), HERE, "the page of ZoneEdit and others"),
        ((200, HTML, b"<p>93.184.216.34</p>"), "", "a page of another form"),
        ((200, TEXT, b"93.184.216.34 93.184.216.35"), "", "two addresses"),
        ((200, TEXT, b"93.184.216.034"), "", "no address"),
        ((200, TEXT, b"2606:4700::1"), "", "of the other family"),
        ((200, TEXT, b""), "", "nothing"),
        ((200, TEXT, b"\xff\xfe\x00"), "", "bytes"),
        ((503, TEXT, b"93.184.216.34"), "", "an error page"),
        ((302, {"Location": "/other"}, b""), "", "a redirect"),
    ],
)
def test_only_an_address_is_taken_for_one(page: Page, wanted: str, reason: str) -> None:
    with web(lambda path: page) as (url, heard):
        if wanted:
            assert str(seen_from(f"{url}/ip?format=text", 4)) == wanted, reason
        else:
            with pytest.raises(Transient):
                seen_from(f"{url}/ip?format=text", 4)
        assert heard == ["/ip?format=text"], "asked once, and no redirect followed"


def test_a_name_that_points_into_the_home_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what is not written as this machine must not lead to it."""
    import socket

    with web(lambda path: (200, TEXT, HERE.encode())) as (url, heard):
        port = int(url.rpartition(":")[2])
        for inside in ("127.0.0.1", "192.168.1.1", "169.254.169.254"):
            answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, port))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, answer=answer, **_more: answer)
            with pytest.raises(Transient, match="not on the internet"):
                seen_from(f"http://ip.example.net:{port}/", 4)
        assert heard == []


def test_a_service_without_a_good_certificate_is_not_believed() -> None:
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
    with web(lambda path: (200, TEXT, HERE.encode())) as (url, heard):
        with pytest.raises(Transient):
            seen_from(url.replace("http:", "https:"), 4)
        assert heard == []


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://localhost/", True),
        ("http://[::1]/", True),
        ("http://127.0.0.1.example.net/", False),
        ("https://api.ipify.org", False),
        ("http://192.168.1.1/", False),
    ],
)
def test_only_what_is_written_as_this_machine_is(url: str, wanted: bool) -> None:
    assert is_loopback(url) is wanted
