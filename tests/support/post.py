"""Where messages arrive: a sender that keeps them, a service on loopback, and recipients."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Thread
from typing import Any

from controller.core.notice import Message, Recipient, Undelivered
from controller.core.secret import SecretVersion


@dataclass
class Postbox:
    """`core.notice.Sender`: `sent` holds what arrived, by address, in order; `refuses` says why nothing does ("" = it does)."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    refuses: str = ""

    def send(self, url: str, message: Message) -> None:
        if self.refuses:
            raise Undelivered(self.refuses)
        self.sent.append((url, message))

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Topic and text of everything that arrived."""
        return [(message.topic.value, message.body) for _, message in self.sent]


def recipient(name: str = "phone", **rest: Any) -> Recipient:
    """Somebody whose address is the secret `notify/<name>`."""
    return Recipient(name, SecretVersion(f"notify/{name}", 1, "aa"), **{"zone": "UTC", **rest})


class Receiver:
    """A service on loopback that takes messages over HTTP: `got` holds (path, JSON) of each; `status` is what it answers. While
    `gate` is not set it answers nobody."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.location = ""
        self.gate = Flag()
        self.gate.set()
        self.asked = Flag()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Title and text of what came as JSON."""
        return [(body["title"], body["message"]) for _, body in self.got]

    def url(self, path: str = "", query: str = "") -> str:
        """Its address as apprise writes it."""
        return f"json://127.0.0.1:{self.port}/{path}{query}"

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver.asked.set()
                receiver.gate.wait(60)
                if receiver.status == 200:
                    receiver.got.append((self.path, body))
                with suppress(OSError):  # who asked did not wait
                    self.send_response(receiver.status)
                    if receiver.location:
                        self.send_header("Location", receiver.location)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is said on the terminal."""

        return Handler
