"""Paths that try to be others (A36), and more listeners than anybody has (A40), as bytes on the wire."""

from __future__ import annotations

import socket

import pytest

from controller.usecases.access import Scope
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


def test_a40_hundreds_listen_and_one_never_reads(web: WebHouse) -> None:
    count = 300
    last = web.store.last_event()
    head = (
        f"GET /api/v1/events?after={last} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {web.token(Scope.READ)}\r\n\r\n"
    )
    links = [socket.create_connection(("127.0.0.1", web.port), timeout=60) for _ in range(count)]
    try:
        for link in links:
            link.sendall(head.encode())
        for link in links:
            assert link.recv(12) == b"HTTP/1.1 200"
        assert web.app.state.feed.listeners() == count
        web.events(3)
        for link in links[1:]:  # the first never reads
            heard = b""
            while f"id: {last + 3}\n".encode() not in heard:
                part = link.recv(65536)
                assert part
                heard += part
        assert web.client().get("/livez").status_code == 200
    finally:
        for link in links:
            link.close()
