"""The door of apprise against real services on loopback: what arrives, what does not and why, and what is never tried."""

from __future__ import annotations

import logging
import socketserver
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from threading import Thread

import pytest

from controller.clients.notifying import SCHEMES, AppriseSender
from controller.core.errors import Severity
from controller.core.notice import Message, Topic, Undelivered
from tests.support.ports import free_port
from tests.support.post import Receiver

TOKEN = "s3cr3t-t0k3n"
TEXT = "service/web: <b>exit 3</b> {{ x }} \\n ${HOME}\nservice/db: ü"
MESSAGE = Message(Topic.FAILED, "Home: failed (2)", TEXT, Severity.ERROR)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.mark.parametrize(
    ("topic", "severity", "kind"),
    [
        (Topic.FAILED, Severity.ERROR, "failure"),
        (Topic.HELD, Severity.WARNING, "warning"),
        (Topic.PROPOSAL, Severity.INFO, "info"),
        (Topic.RECOVERED, Severity.INFO, "success"),
    ],
)
def test_a_message_arrives_as_it_is(receiver: Receiver, topic: Topic, severity: Severity, kind: str) -> None:
    AppriseSender().send(receiver.url(TOKEN), Message(topic, MESSAGE.title, TEXT, severity))
    [(path, body)] = receiver.got
    assert path == f"/{TOKEN}"
    assert (body["title"], body["message"], body["type"]) == (MESSAGE.title, TEXT, kind)
    assert body["attachments"] == []


@pytest.mark.parametrize(("scheme", "path"), [("ntfy", "/"), ("gotify", "/message")])
def test_services_that_people_use_take_it(receiver: Receiver, scheme: str, path: str) -> None:
    AppriseSender().send(f"{scheme}://127.0.0.1:{receiver.port}/{TOKEN}", MESSAGE)
    [(where, body)] = receiver.got
    assert (where, body["title"], body["message"]) == (path, MESSAGE.title, TEXT)


class Mailbox(socketserver.StreamRequestHandler):
    """As much of a mail server as a letter needs."""

    letters: list[str]

    def handle(self) -> None:
        self._say("220 home")
        letter: list[str] | None = None
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if letter is not None and line == ".":
                self.letters.append("\n".join(letter))
                letter = None
                self._say("250 kept")
            elif letter is not None:
                letter.append(line)
            elif line.upper() == "DATA":
                letter = []
                self._say("354 go on")
            else:
                self._say("221 bye" if line.upper() == "QUIT" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def test_a_letter_arrives_as_plain_text() -> None:
    letters: list[str] = []
    handler = type("Handler", (Mailbox,), {"letters": letters})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            AppriseSender().send(f"mailto://127.0.0.1:{server.server_address[1]}?from=hub@home.lan&to=me@home.lan", MESSAGE)
        finally:
            server.shutdown()
            thread.join(60)
    [letter] = [message_from_string(each, policy=default) for each in letters]
    assert (letter["Subject"], letter["To"], letter.get_content_type()) == (MESSAGE.title, "me@home.lan", "text/plain")
    assert letter.get_content().strip().splitlines() == TEXT.splitlines()


@pytest.mark.parametrize(
    ("status", "why"), [(401, "answers with HTTP 401"), (429, "answers with HTTP 429"), (500, "answers with HTTP 500")]
)
def test_a_refusal_is_told_without_the_address(
    receiver: Receiver, status: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = status
    with caplog.at_level(logging.DEBUG, logger="apprise"), pytest.raises(Undelivered, match=why) as caught:
        AppriseSender().send(receiver.url(TOKEN), MESSAGE)
    assert TOKEN not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert TOKEN not in caplog.text


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.status, receiver.location = 307, f"http://127.0.0.1:{elsewhere.port}/"
        with pytest.raises(Undelivered, match="HTTP 307"):
            AppriseSender().send(receiver.url(TOKEN), MESSAGE)
        assert elsewhere.got == []


def test_a_service_that_is_away_and_one_that_does_not_answer(receiver: Receiver) -> None:
    with pytest.raises(Undelivered, match="cannot be reached, or does not answer in time"):
        AppriseSender().send(f"json://127.0.0.1:{free_port()}/{TOKEN}", MESSAGE)
    receiver.gate.clear()
    with pytest.raises(Undelivered, match="cannot be reached, or does not answer in time"):
        AppriseSender().send(receiver.url(TOKEN, "?rto=0.1"), MESSAGE)


@pytest.mark.parametrize(
    "url",
    [
        *(f"{scheme}://{TOKEN}" for scheme in ("syslog", "dbus", "gnome", "glib", "kde", "macosx", "windows", "rsyslog", "fcm")),
        f"file:///etc/{TOKEN}",
        f"https://127.0.0.1/{TOKEN}",
        f"exec://{TOKEN}",
        f"://{TOKEN}",
        TOKEN,
        "",
        f"json://[{TOKEN}",
        f"discord://{TOKEN}",
        f"jsons://{TOKEN}.example/?attach=/etc/passwd",
        f"mailto://127.0.0.1?to=a@b&pgpkey=file:///etc/{TOKEN}",
    ],
)
def test_what_is_not_a_service_on_the_network_is_refused(url: str) -> None:
    with pytest.raises(Undelivered, match="its address") as caught:
        AppriseSender().send(url, MESSAGE)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_everything_that_is_allowed_is_something_that_apprise_knows() -> None:
    from apprise.manager_plugins import NotificationManager

    known: set[str] = set(NotificationManager().schemas())  # type: ignore[no-untyped-call]
    assert SCHEMES - known == set()
    assert not SCHEMES & {"dbus", "gnome", "kde", "glib", "macosx", "windows", "syslog", "rsyslog", "blink1", "fcm", "vapid"}
