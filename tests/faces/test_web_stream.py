"""The event stream: live, repeated from where it broke off, bounded, and ended with what it was allowed by."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import httpx2
import pytest

from controller.core.errors import LeaseHeld, SettingsError
from controller.usecases.access import Scope
from controller.web import create_app, feed, reads, serve
from tests.support.webhouse import WebHouse, read_frames

STREAM = {"Accept": "text/event-stream"}
HEAD = (
    "GET /api/v1/events?after={after} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
    "Authorization: Bearer {token}\r\n\r\n"
)


def stream(client: httpx2.Client, count: int, after: int | None = None, **headers: str) -> list[str]:
    """The ids of the next events of a stream."""
    params = {} if after is None else {"after": after}
    with client.stream("GET", "/api/v1/events", params=params, headers={**STREAM, **headers}) as response:
        assert response.headers["content-type"] == "text/event-stream"
        frames = [item for item in read_frames(response, count) if "id" in item]
    return [frame["id"] for frame in frames]


def test_events_come_as_a_list_for_who_does_not_ask_for_a_stream(web: WebHouse) -> None:
    program = web.client(web.token(Scope.READ))
    web.events(5)
    first = web.store.last_event() - 5
    page = program.get("/api/v1/events", params={"after": first, "limit": 2}).json()
    assert [event["message"] for event in page["events"]] == ["number 0", "number 1"]
    rest = program.get("/api/v1/events", params={"after": page["next"]}).json()
    assert [event["message"] for event in rest["events"]] == ["number 2", "number 3", "number 4"]
    assert program.get("/api/v1/events", params={"after": rest["next"]}).json() == {**rest, "events": []}


def test_a_stream_goes_on_where_it_broke_off(web: WebHouse) -> None:
    program = web.client(web.token(Scope.READ))
    web.events(600)
    last = web.store.last_event()
    expected = [str(number) for number in range(last - 500 + 1, last + 1)]
    with program.stream("GET", "/api/v1/events", headers={**STREAM, "Last-Event-ID": str(last - 500)}) as response:
        found = [frame["id"] for frame in read_frames(response, 501) if "id" in frame]
    assert found == expected


def test_what_happens_while_listening_comes_in_order_and_once(web: WebHouse) -> None:
    program = web.client(web.token(Scope.READ))
    last = web.store.last_event()
    with program.stream("GET", "/api/v1/events", headers=STREAM) as response:
        web.events(3)
        threading.Timer(0.2, lambda: web.events(3)).start()
        found: list[str] = []
        while len(found) < 6:
            found += [frame["id"] for frame in read_frames(response, 1) if "id" in frame]
    assert found == [str(number) for number in range(last + 1, last + 7)]


def test_a_pass_is_told_even_when_nothing_happened(web: WebHouse) -> None:
    program = web.client(web.token(Scope.READ))
    with program.stream("GET", "/api/v1/events", headers=STREAM) as response:
        seen: list[dict[str, str]] = []
        reports: list[float] = []
        web.reconcile()
        while len(reports) < 2:
            seen += read_frames(response, 1)
            reports = [json.loads(frame["data"])["at"] for frame in seen if frame.get("event") == "report"]
            if len(reports) == 1:
                web.reconcile()
    assert reports[0] < reports[1]


@pytest.mark.parametrize(
    ("last", "count", "reason"),
    [
        ("999999999999", 0, "A40: a number that never was"),
        ("99999999999999999999999999", 0, "A40: too long for a number of ours"),
        ("garbage", 0, "A40: no number"),
        ("-1", 0, "A40: below the first"),
        ("1e3", 0, "A40: another way to write a number"),
        ("²", 0, "A40: a digit that is none"),
        ("0", None, "everything, as far as it is kept for streams"),
    ],
)
def test_a40_any_last_event_id_begins_somewhere(web: WebHouse, last: str, count: int | None, reason: str) -> None:
    program = web.client(web.token(Scope.READ))
    web.events(10)
    newest = web.store.last_event()
    headers = [(b"Accept", b"text/event-stream"), (b"Last-Event-ID", last.encode())]
    begin = newest + 1 if count == 0 else 1
    with program.stream("GET", "/api/v1/events", headers=headers) as response:
        web.events(1)
        while "id" not in (frame := read_frames(response, 1)[0]):
            pass
    assert int(frame["id"]) == begin, reason


def test_a40_a_stream_repeats_only_so_much(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "REPLAY", 20)
    program = web.client(web.token(Scope.READ))
    web.events(100)
    newest = web.store.last_event()
    found = stream(program, 21, after=0)
    assert found == [str(number) for number in range(newest - 19, newest + 1)]


def test_a40_too_many_listeners_are_told_so(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LISTENERS", 2)
    program = web.client(web.token(Scope.READ))
    with (
        program.stream("GET", "/api/v1/events", headers=STREAM) as one,
        program.stream("GET", "/api/v1/events", headers=STREAM) as two,
    ):
        assert (one.status_code, two.status_code) == (200, 200)
        refused = program.get("/api/v1/events", headers=STREAM)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert stream(program, 1, after=0) == ["1"]


def test_a40_a_listener_that_never_reads_is_let_go_and_nobody_waits_for_it(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, send_seconds=0.5)
    web.start()
    token = web.token(Scope.READ)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(60)
        deaf.connect(("127.0.0.1", web.port))
        deaf.sendall(HEAD.format(token=token, after=0).encode())
        # Far more than all buffers between us hold.
        web.events(600, size=20_000)
        newest = web.store.last_event()
        assert stream(web.client(token), 2, after=newest - 2) == [str(newest - 1), str(newest)]
        while web.app.state.feed.listeners():
            threading.Event().wait(0.05)
        heard = 0
        while part := deaf.recv(65536):
            heard += len(part)
    assert 0 < heard < 600 * 20_000
    web.end()


def test_silence_is_broken_by_a_heartbeat(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, heartbeat=0.1)
    web.start()
    try:
        with web.client(web.token(Scope.READ)).stream("GET", "/api/v1/events", headers=STREAM) as response:
            lines = response.iter_lines()
            assert [next(lines) for _ in range(4)] == ["retry: 2000", "", ": alive", ""]
    finally:
        web.end()


@pytest.mark.parametrize("how", ["signed out", "revoked", "expired"])
def test_a17_a_stream_ends_with_what_it_was_allowed_by(tmp_path: Path, how: str) -> None:
    web = WebHouse(tmp_path, heartbeat=0.1)
    web.start()
    try:
        text, about = web.access.issue("t", [Scope.READ], 1, "tester")
        browser = web.browser()
        client = browser if how == "signed out" else web.client(text)
        with client.stream("GET", "/api/v1/events", headers=STREAM) as response:
            if how == "signed out":
                browser.delete("/api/v1/session")
            elif how == "revoked":
                web.access.revoke(about.id, "tester")
            else:
                web.clock.ahead = 86_401
            for _ in response.iter_lines():
                pass  # until it ends; a stream that goes on would never leave here
    finally:
        web.end()


def test_a_stop_ends_open_streams_and_frees_the_addresses(tmp_path: Path) -> None:
    web = WebHouse(tmp_path)
    web.start()
    clients = [web.client(web.token(Scope.READ)), web.operator()]
    with (
        clients[0].stream("GET", "/api/v1/events", headers=STREAM) as one,
        clients[1].stream("GET", "/api/v1/events", headers=STREAM) as two,
    ):
        assert (one.status_code, two.status_code) == (200, 200)
        web.stop.set()
        web.thread.join(60)
        assert not web.thread.is_alive()
        assert [line for response in (one, two) for line in response.iter_lines() if line.startswith("data")] == []
    assert not web.socket.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", web.port), timeout=5)
    web.end()


def test_a_second_controller_on_the_same_socket_is_refused(web: WebHouse) -> None:
    app = create_app(web.desk, web.access)
    with pytest.raises(LeaseHeld):
        serve(app, None, web.socket, threading.Event(), lambda _address: None)
    assert web.operator().get("/livez").status_code == 200


def test_an_address_that_is_taken_is_named(web: WebHouse) -> None:
    app = create_app(web.desk, web.access)
    with pytest.raises(SettingsError, match=f"127.0.0.1:{web.port}"):
        serve(app, ("127.0.0.1", web.port), None, threading.Event(), lambda _address: None)


def test_what_a_killed_controller_left_behind_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(tmp_path / "controller.sock"))
    left.close()
    web = WebHouse(tmp_path)
    web.start()
    try:
        assert web.operator().get("/livez").status_code == 200
    finally:
        web.end()


def test_a_file_in_the_sockets_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "controller.sock").write_text("precious")
    web = WebHouse(tmp_path)
    with pytest.raises(SettingsError):
        web.start()
    assert (tmp_path / "controller.sock").read_text() == "precious"
    web.chronicle.close()
