"""A running web endpoint over a small house: real engine, store, vault and uvicorn, on loopback and on a unix socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from controller.clients.clock import SystemClock
from controller.clients.oidc import OpenIdClient
from controller.clients.passwords import Argon2
from controller.clients.tally import TALLY
from controller.clients.vault import AgeVault
from controller.core.event import Event, Report
from controller.core.notice import Recipient
from controller.core.sign_in import OpenIdProvider
from controller.loop.chronicle import Chronicle
from controller.usecases.access import Access, Scope
from controller.usecases.desk import Desk
from controller.usecases.importing import Importing
from controller.usecases.look import Look
from controller.usecases.notices import Notices
from controller.usecases.rollback import Rollback
from controller.usecases.secrets import Secrets
from controller.usecases.sign_in import SignIn
from controller.usecases.sync import Sync
from controller.web import Meter, create_app, serve
from controller.wire.proposing import proposals
from tests.support.house import House, OpenVault
from tests.support.post import Postbox, recipient


class ShiftedClock(SystemClock):
    """The system's clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@dataclass
class WebHouse:
    """One controller with its page. `kicks` are the passes that were asked for."""

    folder: Path
    writes: bool = True
    public: Sequence[str] = ()
    trusted: Sequence[str] = ()
    provider: OpenIdProvider | None = None
    heartbeat: float = 15.0
    send_seconds: float = 20.0
    house: House = field(default_factory=House)
    kicks: list[str] = field(default_factory=list)
    clock: ShiftedClock = field(default_factory=ShiftedClock)
    post: Postbox = field(default_factory=Postbox)
    recipients: list[Recipient] = field(default_factory=lambda: [recipient()])

    def __post_init__(self) -> None:
        self.store = self.house.store
        self.chronicle = Chronicle(self.store, self.house.clock)
        self.chronicle.start()
        self.vault = AgeVault(self.folder)
        self.desk = self._desk()
        self.access = Access(self.store, self.clock, self.vault, Argon2())
        self.meter = Meter(self.desk.look, self.desk.world, TALLY.counts)
        self.stop = threading.Event()
        self.address = ""
        self._clients: list[httpx2.Client] = []
        self.socket = self.folder / "controller.sock"

    def _desk(self) -> Desk:
        house, reconciler = self.house, self.house.reconciler
        tell = self.chronicle.tell
        sync = Sync(reconciler, house.book, house.store, house.clock, self.reconcile)
        proposed = proposals(reconciler, house.book, house.store, house.clock, lambda: None)
        return Desk(
            look=Look(reconciler, house.book, house.store),
            sync=sync if self.writes else None,
            world="memory (simulated)",
            instance=f"test {self.folder.name}",
            wait_event=self.chronicle.wait,
            kick=self.kicks.append,
            notices=Notices(house.store, house.clock, OpenVault(), self.post, lambda: self.recipients, tell, "Home"),
            rollback=Rollback(reconciler, house.book, house.store) if self.writes else None,
            importing=Importing(reconciler, house.book, house.store, self.vault, house.clock, json.dumps)
            if self.writes
            else None,
            secrets=Secrets(self.vault, house.store, house.clock, reconciler.forget) if self.writes else None,
            propose=proposed.propose if self.writes else None,
            review=proposed.review if self.writes else None,
        )

    def reconcile(self, cause: str = "test", by: str = "tester") -> Report:
        """One pass; what it tells goes to the chronicle."""
        report = self.house.reconciler.reconcile(cause, by)
        while self.house.said:
            self.chronicle.tell(self.house.said.pop(0))
        self.chronicle.flush()
        return report

    def start(self) -> None:
        """Serve until `end`."""
        ready = threading.Event()

        def started(address: str) -> None:
            self.address = address
            ready.set()

        self.app = create_app(
            self.desk,
            self.access,
            meter=self.meter,
            public=self.public,
            trusted=self.trusted,
            sign_in=SignIn(self.access, lambda: self.provider, OpenIdClient(self.clock), self.vault, self.clock),
            heartbeat=self.heartbeat,
            send_seconds=self.send_seconds,
        )
        self.thread = serve(self.app, ("127.0.0.1", 0), self.socket, self.stop, started)
        assert ready.wait(60)

    def end(self) -> None:
        """Stop and wait for the thread."""
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.chronicle.close()
        for client in self._clients:
            client.close()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def client(self, token: str = "", **headers: str) -> httpx2.Client:
        """A program on the network."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._kept(httpx2.HTTPTransport(verify=False), self.address, headers)

    def operator(self) -> httpx2.Client:
        """The command line at the socket."""
        return self._kept(httpx2.HTTPTransport(uds=str(self.socket), verify=False), "http://homelab", {})

    def token(self, *scopes: Scope) -> str:
        """A token with these scopes."""
        return self.access.issue("tester", scopes or tuple(Scope), None, "tester")[0]

    def browser(self, *scopes: Scope) -> httpx2.Client:
        """A browser that is signed in (with all scopes, or as a person who has these); it sends what browsers send from our own
        page."""
        browser = self.client(**self.own_page())
        invitation = self.access.invite(f"person-{'-'.join(scopes)}", scopes) if scopes else self.access.invite()
        answer = browser.post("/api/v1/session", json={"token": invitation})
        assert answer.status_code == 201, answer.text
        return browser

    def _kept(self, transport: httpx2.HTTPTransport, base: str, headers: dict[str, str]) -> httpx2.Client:
        client = httpx2.Client(transport=transport, base_url=base, headers=headers, timeout=60, trust_env=False)
        self._clients.append(client)
        return client

    def own_page(self) -> dict[str, str]:
        """The headers of a request that our own page makes."""
        return {"Origin": self.address, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}

    def raw(self, sent: bytes, wait: float = 60.0) -> bytes:
        """Bytes as they are, and everything that comes back until the other side closes (or nothing more comes)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as link:
            link.sendall(sent)
            return b"".join(_received(link))

    def events(self, count: int, size: int = 0) -> None:
        """Let some things happen; `size` makes each as large as that many bytes."""
        about = " " * size
        self.store.append([Event(self.house.clock.now(), "Happened", f"number {number}{about}") for number in range(count)])


def _received(link: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while part := link.recv(65536):
            yield part


def read_frames(response: httpx2.Response, count: int) -> list[dict[str, str]]:
    """The next frames of an event stream, each as its fields (a comment under "")."""
    # A response can be read by one iterator only; it stays with its response.
    lines: Iterator[str] = response.extensions.setdefault("lines", response.iter_lines())
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = next(lines)
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "retry" not in fields:
            found.append(fields)
            fields = {}
        else:
            fields = {}
    return found
