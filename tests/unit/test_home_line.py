"""The conversation with Home Assistant against a server that does what the real one does only rarely."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Thread
from typing import Any

import pytest
from websockets.server import ServerProtocol

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Home, Unsure, channel, line
from controller.core.errors import Transient
from tests.support.space import wait_until

SECONDS = 60.0
NEVER = Event()
STATE = {
    "entity_id": "light.a",
    "state": "on",
    "attributes": {},
    "last_changed": "2026-11-23T08:00:00+00:00",
    "last_updated": "2026-11-23T08:00:00+00:00",
    "context": {"id": "c", "user_id": None, "parent_id": None},
}
RUNNING = {"state": "RUNNING", "recovery_mode": False, "safe_mode": False}
Reply = Callable[["Visit", dict[str, Any]], None]


class Visit:
    """One visitor of the server."""

    def __init__(self, server: Server, connected: socket.socket) -> None:
        self.server = server
        self.protocol = ServerProtocol(max_size=None)
        self._socket = connected
        self.followed: dict[str, int] = {}

    def run(self) -> None:
        try:
            with self._socket:
                while data := self._socket.recv(65_536):
                    self.protocol.receive_data(data)
                    for event in self.protocol.events_received():
                        self._take(event)
                    self.flush()
        except OSError:
            pass  # it is gone

    def _take(self, event: Any) -> None:
        if hasattr(event, "headers"):
            self.server.asked.append(event.path)
            if self.server.greeting:
                self._socket.sendall(self.server.greeting)
                self._socket.shutdown(socket.SHUT_WR)
                return
            self.protocol.send_response(self.protocol.accept(event))
            self.say({"type": "auth_required"})
        elif event.opcode.name == "TEXT" and not self.server.silent.is_set():
            found = json.loads(event.data)
            for message in found if isinstance(found, list) else [found]:
                self.server.reply(self, message)

    def say(self, *messages: Any) -> None:
        self.write(json.dumps(messages[0] if len(messages) == 1 else messages))

    def write(self, text: str, pieces: int = 1) -> None:
        data = text.encode()
        size = -(-len(data) // pieces)
        self.protocol.send_text(data[:size], fin=pieces == 1)
        for start in range(size, len(data), size):
            self.protocol.send_continuation(data[start : start + size], fin=start + size >= len(data))
        self.flush()

    def flush(self) -> None:
        if not self.server.silent.is_set():
            for data in self.protocol.data_to_send():
                self._socket.sendall(data)

    def cut(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)


class Server:
    """What answers like Home Assistant. `config` is what it says of itself; `reply` can be replaced."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = dict(RUNNING)
        self.states: list[dict[str, Any]] = [STATE]
        self.greeting = b""
        self.silent = Event()
        self.reply: Reply = usual
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self.visits: list[Visit] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._socket.accept()
            except OSError:
                return
            self.visits.append(Visit(self, connected))
            Thread(target=self.visits[-1].run, daemon=True).start()

    def close(self) -> None:
        self._socket.close()


def usual(visit: Visit, message: dict[str, Any]) -> None:
    server, kind = visit.server, message["type"]
    if kind == "auth":
        server.tokens.append(message["access_token"])
        visit.say({"type": "auth_ok", "ha_version": "2026.11.0"})
        return
    results = {
        "get_config": server.config,
        "auth/current_user": {"id": "us", "is_admin": True},
        "get_states": server.states,
        "get_services": {},
    }
    if kind == "subscribe_events":
        visit.followed[message["event_type"]] = message["id"]
    result = results.get(kind, [] if kind.endswith("/list") else None)
    visit.say({"id": message["id"], "type": "result", "success": True, "result": result})
    if kind.endswith("/subscribe"):
        visit.say({"id": message["id"], "type": "event", "event": []})


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


class Skipping(SystemClock):
    """The system's clock, put forward by hand; what passes by itself does not count."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return self.skipped


@pytest.fixture
def clock() -> Skipping:
    return Skipping()


@pytest.fixture
def home(server: Server, clock: Skipping) -> Iterator[Home]:
    made = at(server.url, clock)
    yield made
    made.close()


@pytest.fixture
def timed(server: Server) -> Iterator[Home]:
    """A home for which time passes."""
    made = at(server.url, SystemClock())
    yield made
    made.close()


def at(url: str, clock: SystemClock) -> Home:
    connection = Connection.parse("fake", {"type": "homeassistant", "url": url, "token": {"ref": "the-token"}})
    return Home(connection, lambda: "the-secret", clock)


def why_not(home: Home) -> str:
    with pytest.raises(Transient) as caught:
        home.states()
    assert "the-secret" not in str(caught.value)
    assert len(str(caught.value)) <= 256
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"state": "NOT_RUNNING"}, "is starting"),
        ({"state": "STARTING"}, "is starting"),
        ({"state": "STOPPING"}, "is stopping"),
        ({"state": "FINAL_WRITE"}, "is stopping"),
        ({"recovery_mode": True}, "is in recovery mode"),
        ({"safe_mode": True}, "is in safe mode"),
    ],
)
def test_what_is_not_ready_shows_nothing(server: Server, home: Home, clock: Skipping, config: dict[str, Any], said: str) -> None:
    server.config |= config
    assert said in why_not(home)
    with pytest.raises(Transient, match=said):
        home.call("call_service")
    server.config |= RUNNING
    clock.skipped += 1.0
    assert home.states()["light.a"].state == "on"
    assert len(server.visits) == 1, "the connection stood all the time"


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://else.example/\r\nContent-Length: 0\r\n\r\n",
            "points to https://else.example/",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "ip_bans.yaml"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "trusted_proxies"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "no Home Assistant at that address"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "HTTP 502"),
        (b"220 mail.example ESMTP\r\n", "does not answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "does not answer"),
    ],
)
def test_what_is_no_home_assistant_never_sees_the_token(server: Server, home: Home, greeting: bytes, said: str) -> None:
    server.greeting = greeting
    assert said in why_not(home)
    assert server.asked == ["/api/websocket"]
    assert server.tokens == []


def test_nothing_is_tried_in_a_pause(server: Server, home: Home) -> None:
    server.greeting = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    assert len({why_not(home) for _ in range(20)}) == 1
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "tries", "reason"),
    [
        (404, [0, 1, 3, 7, 15, 31, 61, 91], "who answers is somebody else: that takes a person"),
        (500, [0, 1, 3, 7, 15, 31, 61, 91], "who answers is in trouble"),
        (502, [0, 1, 3, 7, *range(12, 95, 5)], "the proxy answers, and what stands behind it may come any moment"),
        (503, [0, 1, 3, 7, *range(12, 95, 5)], "as above"),
        (504, [0, 1, 3, 7, *range(12, 95, 5)], "as above"),
    ],
)
def test_pauses_grow(server: Server, home: Home, clock: Skipping, status: int, tries: list[int], reason: str) -> None:
    server.greeting = f"HTTP/1.1 {status} Sorry\r\nContent-Length: 0\r\n\r\n".encode()
    tried = []
    for second in range(95):
        before = len(server.asked)
        why_not(home)
        tried += [second] * (len(server.asked) - before)
        clock.skipped += 1.0
    assert tried == tries, reason
    server.greeting = b""
    clock.skipped += 30.0
    assert home.states()
    server.greeting = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    server.visits[-1].cut()
    wait_until(lambda: home._contact._line is not None and home._contact._line.ended.is_set(), "the end", SECONDS)
    before = len(server.asked)
    why_not(home)
    clock.skipped += 1.0
    why_not(home)
    assert len(server.asked) - before == 2, "after it worked they are short again"


def test_a_refused_token_is_shown_again_after_a_while(server: Server, home: Home, clock: Skipping) -> None:
    shown = []

    def refuse(visit: Visit, message: dict[str, Any]) -> None:
        shown.append(message["access_token"])
        visit.say({"type": "auth_invalid", "message": "Invalid"})

    server.reply = refuse
    for _ in range(3):
        assert "refuses the token" in why_not(home)
    clock.skipped += 59.0
    why_not(home)
    assert shown == ["the-secret"]
    clock.skipped += 1.0
    why_not(home)
    assert shown == ["the-secret"] * 2


def test_a_peer_that_is_silent_is_given_up(server: Server, timed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine is off: nothing ends the connection."""
    timed.states()
    server.silent.set()
    monkeypatch.setattr(channel, "ASK_AFTER", 0.1)
    monkeypatch.setattr(channel, "DEAD_AFTER", 0.5)
    with pytest.raises(Unsure, match="no answer in time"):
        timed.call("ping")


def test_a_peer_that_lives_is_kept(server: Server, timed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "ASK_AFTER", 0.02)
    timed.states()
    pings: list[bytes] = []
    visit = server.visits[0]
    take = visit._take

    def note(event: Any) -> None:
        if event.opcode.name == "PING":
            pings.append(event.data)
        take(event)

    visit._take = note  # type: ignore[method-assign]
    wait_until(lambda: len(pings) > 5, "pings", SECONDS)
    assert timed.states()
    assert len(server.visits) == 1


def test_an_answer_that_never_comes(server: Server, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.states()

    def deaf(visit: Visit, message: dict[str, Any]) -> None:
        if message["type"] != "script/never":
            usual(visit, message)

    server.reply = deaf
    monkeypatch.setattr(line.Line.ask, "__defaults__", (0.2,))
    with pytest.raises(Unsure, match="no answer within"):
        home.call("script/never")
    monkeypatch.undo()
    assert home.call("get_config") == RUNNING, "the conversation goes on"


def test_a_doubt_is_settled_by_an_answer_only(
    server: Server, home: Home, clock: Skipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant is busy for longer than it is waited for, on a line that stays up: nothing was checked."""
    home.states()

    def busy(visit: Visit, message: dict[str, Any]) -> None:
        if message["type"] != "get_states":
            usual(visit, message)

    server.reply = busy
    server.states = [{**STATE, "state": "off"}]
    monkeypatch.setattr(line.Line.ask, "__defaults__", (0.2,))
    home.audit()
    assert "no answer within" in why_not(home)
    monkeypatch.undo()
    server.reply = usual
    clock.skipped += 1.0
    assert home.states()["light.a"].state == "off", "what moved unheard is known now"
    assert len(server.visits) == 1, "the connection stood all the time"


def test_a_doubt_that_comes_while_all_is_read_is_a_doubt_of_its_own(server: Server, home: Home) -> None:
    home.states()
    asked: list[str] = []

    def doubting(visit: Visit, message: dict[str, Any]) -> None:
        asked.append(message["type"])
        if asked.count("get_states") == 1 and message["type"] == "get_states":
            home.audit()
        usual(visit, message)

    server.reply = doubting
    home.audit()
    home.states()
    home.states()
    home.states()
    assert asked.count("get_states") == 2


def test_messages_in_pieces_and_of_any_size(server: Server, home: Home) -> None:
    big = [{**STATE, "entity_id": f"light.l{number}", "attributes": {"text": "é" * 900}} for number in range(5000)]

    def pieces(visit: Visit, message: dict[str, Any]) -> None:
        if message["type"] == "get_states":
            text = json.dumps({"id": message["id"], "type": "result", "success": True, "result": big}, ensure_ascii=False)
            assert len(text.encode()) > 8 * 1024 * 1024
            visit.write(text, pieces=7)
        else:
            usual(visit, message)

    server.reply = pieces
    assert len(home.states()) == 5000
    assert home.states()["light.l4999"].attributes == {"text": "é" * 900}


@pytest.mark.parametrize(
    "text", ["not JSON", '{"id": 1', '["x"]', "17", '{"type": "event", "id": %d, "event": {"data": {"x": 1}}}']
)
def test_what_cannot_be_read_ends_the_conversation(server: Server, home: Home, text: str) -> None:
    home.states()
    visit = server.visits[0]
    visit.write(text % visit.followed["state_changed"] if "%d" in text else text)
    wait_until(lambda: not home._contact._line.ready, "it ends", SECONDS)  # type: ignore[union-attr]
    assert home.states(), "the next one begins anew"
    assert len(server.visits) == 2


def test_what_was_said_before_the_states_are_read_counts_once(server: Server, home: Home) -> None:
    """A change that is told while everything is read: before the answer it is in it, after the answer it is new."""
    off = {**STATE, "state": "off", "last_updated": "2026-11-23T08:00:01+00:00"}

    def late(visit: Visit, message: dict[str, Any]) -> None:
        number = visit.followed.get("state_changed", 0)
        event = {"event_type": "state_changed", "data": {"entity_id": "light.a", "old_state": STATE, "new_state": off}}
        told = {"id": number, "type": "event", "event": event}
        if message["type"] == "get_states":
            gone = {
                "id": number,
                "type": "event",
                "event": {"data": {"entity_id": "light.a", "old_state": off, "new_state": None}},
            }
            answer = {"id": message["id"], "type": "result", "success": True, "result": [STATE]}
            visit.say(gone, answer, told)
        else:
            usual(visit, message)

    server.reply = late
    assert home.states()["light.a"].state == "off"


def test_a_loss_while_everything_is_read(server: Server, home: Home, clock: Skipping) -> None:
    def cut(visit: Visit, message: dict[str, Any]) -> None:
        if message["type"] == "get_states":
            server.reply = usual
            visit.cut()
        else:
            usual(visit, message)

    server.reply = cut
    with pytest.raises(Transient) as caught:
        home.states()
    assert not isinstance(caught.value, Unsure), "a look changes nothing"
    clock.skipped += 1.0
    assert home.states()["light.a"].state == "on"


def test_a_refused_subscription_is_told(server: Server, home: Home) -> None:
    def refuse(visit: Visit, message: dict[str, Any]) -> None:
        if message.get("event_type") == "entity_registry_updated":
            error = {"code": "unauthorized", "message": "Unauthorized"}
            visit.say({"id": message["id"], "type": "result", "success": False, "error": error})
        else:
            usual(visit, message)

    server.reply = refuse
    assert "unauthorized" in why_not(home)


def test_a_listener_may_ask(server: Server, home: Home) -> None:
    """It is not the thread that reads that calls it."""
    answers: list[Any] = []
    stop = Event()
    thread = Thread(target=home.listen, args=(lambda _: answers.append(home.call("get_config")), stop))
    thread.start()
    wait_until(lambda: answers == [RUNNING], "an answer", SECONDS)
    stop.set()
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_ids_grow_however_many_ask(server: Server, home: Home) -> None:
    """Home Assistant takes no number twice and none that is lower."""
    home.states()
    numbers: list[int] = []

    def note(visit: Visit, message: dict[str, Any]) -> None:
        numbers.append(message["id"])
        usual(visit, message)

    server.reply = note
    threads = [Thread(target=lambda: [home.call("x") for _ in range(50)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)
    assert len(numbers) == 400
    assert numbers == sorted(set(numbers))


def test_a_machine_on_which_nothing_listens_is_asked_every_few_seconds(clock: Skipping, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, inner = [], socket.create_connection

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(clock.skipped)
        return inner(address, timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, and nobody listens
        with closing(at(f"http://127.0.0.1:{silent.getsockname()[1]}", clock)) as home:
            for _ in range(40):
                assert "does not answer" in why_not(home)
                clock.skipped += 1.0
    assert tried == [0, 1, 3, 7, 12, 17, 22, 27, 32, 37]
