"""Paths that try to be others (A36), and more listeners than anybody has (A40), as bytes on the wire."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.usecases.access import Scope
from tests.support.space import wait_until
from tests.support.webhouse import WebHouse


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/static/../routes.py", "up"),
        ("/static/%2e%2e/routes.py", "up, encoded"),
        ("/static/%2e%2e%2froutes.py", "up, with its slash encoded"),
        ("/static/..%5croutes.py", "up by a backslash"),
        ("/static/%252e%252e/routes.py", "encoded twice"),
        ("/static/..;/routes.py", "a parameter of a step"),
        ("/static/js/page.js/", "one slash too many at the end"),
        ("//static/js/page.js", "one slash too many at the start"),
        ("/static//js/page.js", "one slash too many inside"),
        ("/static/js/page.js%00.css", "a NUL that ends a name"),
        ("/static/js/page.js%0a", "a line break"),
        ("/static/JS/PAGE.JS", "another case"),
        ("/static/js/page.js::$DATA", "a stream of a file"),
        ("/static//etc/passwd", "an absolute path"),
        ("/static/%c0%ae%c0%ae/routes.py", "dots that are too long in UTF-8"),
        ("/static/%ef%bc%8e%ef%bc%8e/routes.py", "dots of another script"),
        ("/static/", "the folder itself"),
        ("/static/__init__.py", "a file of the program"),
        ("/templates/base.html", "a template"),
        ("/api//v1/status", "an empty step"),
        ("/api/v1/../v1/status", "there and back"),
        ("/api/v1/status/", "a slash at the end"),
        ("/api/v1/status;x=1", "a parameter"),
        ("/api/v1/status%2f", "an encoded slash at the end"),
        ("/API/v1/status", "another case"),
        ("/api/v1/status%00", "a NUL"),
        ("/api/v1/runs/..%2f..%2fstatus", "up inside of an id"),
    ],
)
def test_a36_a_path_is_right_or_it_is_not(still: WebHouse, path: str, reason: str) -> None:
    token = still.token(*Scope)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    answer = still.raw(head.encode())
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), (reason, answer[:200])
    assert not any(word in answer for word in (b"import ", b"root:", b"<html", b"statuses"))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/v1/resources/box/..%2f..%2fone", "up inside of a name"),
        ("/api/v1/resources/%2e%2e/one", "up as a kind"),
        ("/api/v1/resources/box/one%00", "a NUL behind a name"),
        ("/api/v1/resources/box/%F0%9F%92%A9", "a name that nothing can have"),
        ("/api/v1/logs/box/..%2f..%2fetc%2fpasswd", "a log of a file"),
        ("/api/v1/resources/box/" + "x" * 4000, "a name without end"),
    ],
)
def test_a36_a_name_in_a_path_is_a_name(still: WebHouse, path: str, reason: str) -> None:
    answer = still.client(still.token(*Scope)).get(path)
    assert answer.status_code in (400, 404, 422), (reason, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/static/../../pyproject.toml", "/%2e%2e/%2e%2e/etc/passwd", "http://elsewhere.test/static/x"])
def test_a36_a_stranger_learns_nothing_more(still: WebHouse, path: str) -> None:
    answer = still.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"traceback" not in answer.lower()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Leave to open more files than a shell gives by default: both ends of every connection are here."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(before[1], 4096)), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.usefixtures("many_files")
def test_a40_five_hundred_listen_and_one_never_reads(tmp_path: Path) -> None:
    """Each of them wants to begin somewhere else, most of it nonsense. The one that does not read would take twelve megabytes."""
    web = WebHouse(tmp_path, send_seconds=0.5)
    web.start()
    program = web.client(web.token(Scope.READ))
    web.events(600, size=20_000)
    last = web.store.last_event()
    begins = [f"Last-Event-ID: {odd}\r\n" for odd in ("999999999999", "garbage", "-1", "9" * 40, "\u00b2", str(last), "")]
    head = (
        f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {web.token(Scope.READ)}\r\n"
    )
    links: list[socket.socket] = []
    try:
        deaf = socket.socket()
        links.append(deaf)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", web.port))
        deaf.sendall(f"{head}Last-Event-ID: 0\r\n\r\n".encode())
        links += [socket.create_connection(("127.0.0.1", web.port), timeout=60) for _ in range(499)]
        before = resident()
        for number, link in enumerate(links[1:]):
            link.sendall(f"{head}{begins[number % len(begins)]}\r\n".encode("latin-1"))
        for link in links[1:]:
            assert link.recv(12) == b"HTTP/1.1 200"
        web.events(3)
        for link in links[1:]:
            heard = b""
            while f"id: {last + 3}\n".encode() not in heard:
                part = link.recv(65536)
                assert part
                heard += part
            assert f"id: {last}\n".encode() not in heard, "nothing of before"
        feed = web.app.state.feed
        wait_until(lambda: feed.dropped == 1, "the one that does not read to be let go")
        assert feed.listeners() == 499
        # A copy of what was sent for each of them would be six thousand megabytes.
        assert resident() - before < 256 * 1024 * 1024
        told = program.get("/metrics").text
        assert "homelab_event_listeners 499.0\n" in told
        assert "homelab_event_listeners_dropped_total 1.0\n" in told
        assert web.client().get("/livez").status_code == 200
    finally:
        for link in links:
            link.close()
        web.end()
