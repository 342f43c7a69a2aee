"""A faithful fake of ZoneEdit's dynamic interface: its rules, its answers, its limits and its faults. What it accepts is
published by a real name server through RFC 2136, so what the product sees is real DNS."""

from __future__ import annotations

import base64
import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update
from dns.rdtypes.ANY.TXT import TXT

from controller.core.ports import Clock
from tests.support.dns import ALGORITHM, HOST, KEY, SECRET, NameServer

USER = "homelab"
TTL = 60
_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z]{2,}")
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Published:
    """A zone as the world sees it, on a real name server: changed through RFC 2136 by the fake, or by a person's hand. It is a
    part of a zone of that server, so a test can have one of its own in no time. `servers` are (host, port) of those to ask."""

    _taken: ClassVar[dict[int, str]] = {}
    _numbers: ClassVar[Iterator[int]] = itertools.count()

    def __init__(self, server: NameServer) -> None:
        if server.port not in self._taken:
            self._taken[server.port] = server.fresh()
        self._around = self._taken[server.port]
        self.zone = f"z{next(self._numbers)}.{self._around}"
        self.servers = [(HOST, server.port)]

    def put(self, name: str, record_type: str, *values: str) -> None:
        """Make these the only values of a name and type (none = remove them)."""
        update = self._update()
        update.delete(f"{name}.", record_type)
        for value in values:
            update.add(f"{name}.", TTL, record_type, value)
        self._send(update)

    def set_address(self, name: str, address: str) -> None:
        """Make this the only address of a name."""
        self.put(name, "A", address)

    def add_text(self, name: str, value: bytes) -> None:
        """Add a TXT value beside the others."""
        update = self._update()
        update.add(f"{name}.", TTL, _text(value))
        self._send(update)

    def remove_text(self, name: str, value: bytes) -> None:
        """Remove a TXT value, if it is there."""
        update = self._update()
        update.delete(f"{name}.", _text(value))
        self._send(update)

    def addresses(self, name: str) -> list[str]:
        """The addresses of a name."""
        return self.values(name, "A")

    def values(self, name: str, record_type: str) -> list[str]:
        """What the first server says, as it says it."""
        host, port = self.servers[0]
        answer = dns.query.udp(dns.message.make_query(f"{name}.", record_type), host, port=port, timeout=30)
        kind = dns.rdatatype.from_text(record_type)
        return sorted(str(item) for each in answer.answer if each.rdtype == kind for item in each)

    def _update(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self._around, keyring=dns.tsig.Key(KEY, SECRET, ALGORITHM))

    def _send(self, update: dns.update.UpdateMessage) -> None:
        host, port = self.servers[0]
        answer = dns.query.tcp(update, host, port=port, timeout=30)
        assert answer.rcode() == dns.rcode.NOERROR, answer


class Fault(StrEnum):
    """What goes wrong with one request. Those after `LOCKED` carry the change out first, unless they say so."""

    LOCKED = "zone LOCKED: refused"
    UPDATE_FAILED = "702 without a cause: refused"
    TOO_FREQUENT = "707 too frequent: refused"
    DUPLICATE = "707 duplicate: it was so already"
    NO_EFFECT = "success that changes nothing"
    EMPTY = "an empty body"
    HTML = "a page for people"
    BROKEN = "HTTP 500"
    TIMEOUT = "no answer at all"
    TIMEOUT_BEFORE = "no answer, and nothing done"
    UNREADABLE = "bytes that are no text"
    DRIP = "an answer that never ends"
    MOVED = "a redirect elsewhere: refused"
    TOKEN_BACK = "an answer that repeats what was sent: refused"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what was asked for, when, and the answer ("" = none)."""

    path: str
    parameters: Mapping[str, str]
    at: float
    answer: str

    @property
    def said(self) -> str:
        """`update plex.example.net 203.0.113.7`."""
        verb = {"/auth/dynamic.html": "update", "/txt-create.php": "add", "/txt-delete.php": "remove"}[self.path]
        return f"{verb} {self.parameters.get('host', '')} {self.parameters.get('dnsto', self.parameters.get('rdata', ''))}"


@dataclass
class FakeZoneEdit:
    """The account of USER. `zones` are tokens by zone, `dynamic` the hosts that are DYN records.

    `per_zone` = the limit of dynamic hosts is the zone's; `delayed` = nothing is published until `publish`; `accepted` is called
    when something was accepted, before it is answered; `outside` is what `/checkip.html` and `/ip` say."""

    published: Published
    clock: Clock
    zones: dict[str, str]
    dynamic: set[str] = field(default_factory=set)
    dynamic_every: float = 600.0
    txt_every: float = 10.0
    per_zone: bool = False
    delayed: bool = False
    accepted: Callable[[], None] = lambda: None
    outside: str = ""
    requests: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._held: list[Callable[[], None]] = []
        self._set: dict[str, str] = {}
        self._gone = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakeZoneEdit]:
        """Listen on loopback while the block runs."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._gone.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def publish(self) -> None:
        """Let the world see everything that was accepted."""
        with self._lock:
            held, self._held = self._held, []
        for each in held:
            each()

    def lose(self) -> None:
        """Forget everything that was accepted and not published."""
        with self._lock:
            self._held.clear()
            self._set.clear()

    @property
    def said(self) -> list[str]:
        """What was asked for, in order."""
        return [each.said for each in self.requests]

    def connection(self, **rest: object) -> dict[str, object]:
        """The declaration of a connection to it, with a reference per zone: `zoneedit/<first label>`."""
        tokens = {zone: {"token": {"ref": f"zoneedit/{zone.split('.')[0]}"}} for zone in self.zones}
        return {"type": "zoneedit", "user": USER, "zones": tokens, "url": self.url, **rest}

    @property
    def sources(self) -> list[str]:
        """Two services that say under which address a home is seen."""
        return [f"{self.url}/checkip.html", f"{self.url}/ip"]

    def answer(self, path: str, parameters: Mapping[str, str], authorization: str) -> tuple[int, str | bytes | None]:
        """Status and body; None = one that never ends, or (status 0) never comes."""
        with self._lock:
            fault = self.faults.pop(0) if self.faults else None
            status, body = self._answer(path, parameters, authorization, fault)
            self.requests.append(Asked(path, dict(parameters), self.clock.now(), body if isinstance(body, str) else ""))
            return status, body

    def hold_until_end(self, seconds: float = 60.0) -> bool:
        """Never answer: returns when the fake ends, with True, or after some time."""
        return self._gone.wait(seconds)

    def _answer(
        self, path: str, parameters: Mapping[str, str], authorization: str, fault: Fault | None
    ) -> tuple[int, str | bytes | None]:
        credentials = _credentials(authorization)
        if credentials is None:
            return 401, _PAGE.format("Authentication Failed")
        if path not in ("/auth/dynamic.html", "/txt-create.php", "/txt-delete.php"):
            return 404, _PAGE.format("Not Found")
        if fault is Fault.MOVED:
            return 302, ""
        if fault is Fault.TOKEN_BACK:
            return 200, f"<b>{'x' * 240} {credentials[1]} {authorization}</b>"
        body = self._act(path, parameters, credentials, fault)
        if fault in (Fault.TIMEOUT, Fault.TIMEOUT_BEFORE, Fault.DRIP):
            return 200 if fault is Fault.DRIP else 0, None
        spoilt: dict[Fault, tuple[int, str | bytes]] = {
            Fault.EMPTY: (200, ""),
            Fault.HTML: (200, _PAGE.format("SUCCESS is near: maintenance, no update today")),
            Fault.BROKEN: (500, _PAGE.format("Internal Server Error")),
            Fault.UNREADABLE: (200, b"\xff\xfe\x00<SUCCES"),
        }
        return spoilt.get(fault, (200, body)) if fault is not None else (200, body)

    def _act(self, path: str, parameters: Mapping[str, str], credentials: tuple[str, str], fault: Fault | None) -> str:
        hosts = parameters.get("host", "")
        if not hosts:
            return _tag("ERROR", 703, "one of either parameters 'zones' or 'host' are required.", ZONE="")
        if path != "/auth/dynamic.html":
            return self._text(path, hosts, parameters, credentials, fault)
        answers = [self._dynamic(host, parameters.get("dnsto", ""), credentials, fault) for host in hosts.split(",")]
        if self.per_zone:
            for zone in {self._zone(host) for host in hosts.split(",")}:
                if any("<SUCCESS" in answer for answer in answers):
                    self._last[zone] = self.clock.now()
        return " ".join(answers)

    def _dynamic(self, host: str, address: str, credentials: tuple[str, str], fault: Fault | None) -> str:
        zone = self._zone(host)
        refusal = self._refusal(host, zone, credentials, fault)
        if refusal:
            return refusal
        if host not in self.dynamic:
            return _tag("ERROR", 709, "Invalid hostname", ZONE=zone)
        key = zone if self.per_zone else f"{host} A"
        left = self._last.get(key, float("-inf")) + self.dynamic_every - self.clock.now()
        if left > 0:
            return _tag("ERROR", 702, f"Minimum {self.dynamic_every:.0f} seconds between requests",
                        PARAM=f"{self.dynamic_every:.0f}", ZONE=zone)  # fmt: skip
        if not self.per_zone:
            self._last[key] = self.clock.now()
        now = self._set.get(host) or next(iter(self.published.addresses(host)), "")
        if fault is Fault.DUPLICATE and now == address:
            return _tag("ERROR", 707, "Duplicate updates for the same host/ip, adjust client settings", ZONE=zone, HOST=host)
        if now == address:
            return _tag("SUCCESS", 201, f"no update required for {host} to {address}", ZONE=zone)
        if fault not in (Fault.NO_EFFECT, Fault.TIMEOUT_BEFORE):
            self._set[host] = address
            self._publish(lambda: self.published.set_address(host, address))
        return _tag("SUCCESS", 200, f"{host} updated to {address}", ZONE=zone, HOST=host, IP=address)

    def _text(
        self, path: str, host: str, parameters: Mapping[str, str], credentials: tuple[str, str], fault: Fault | None
    ) -> str:
        name = host.removeprefix("@.")
        zone = self._zone(name)
        refusal = self._refusal(name, zone, credentials, fault)
        if refusal:
            return refusal
        if not parameters.get("rdata"):
            return _tag("ERROR", 703, "No rdata specified", ZONE="")
        left = self._last.get(f"{name} TXT", float("-inf")) + self.txt_every - self.clock.now()
        if left > 0:
            return _tag("ERROR", 702, f"Minimum {self.txt_every:.0f} seconds between requests", PARAM=f"{self.txt_every:.0f}",
                        ZONE=zone)  # fmt: skip
        self._last[f"{name} TXT"] = self.clock.now()
        value = parameters["rdata"].encode("latin-1")
        if fault not in (Fault.NO_EFFECT, Fault.TIMEOUT_BEFORE):
            act = self.published.add_text if path == "/txt-create.php" else self.published.remove_text
            self._publish(lambda: act(name, value))
        if path == "/txt-create.php":
            return _tag("SUCCESS", 200, f"{name} TXT updated to {parameters['rdata']}", ZONE=zone)
        return _tag("SUCCESS", 200, f"{name} TXT with rdata {parameters['rdata']} deleted", ZONE=zone)

    def _refusal(self, host: str, zone: str, credentials: tuple[str, str], fault: Fault | None) -> str:
        if host.endswith(".") or not _HOST.fullmatch(host):
            return _tag("ERROR", 709, "Invalid hostname", ZONE=zone or host)
        if credentials[0] != USER or (zone and credentials[1] != self.zones[zone]):
            return _tag("ERROR", 708, f"Failed Login: {credentials[0]}", ZONE=host)
        if not zone:
            return _tag("ERROR", 701, "Zone is not set up in this account.", ZONE=host)
        if fault is Fault.LOCKED:
            return _tag("ERROR", 702, "zone LOCKED", PARAM="10")
        if fault is Fault.UPDATE_FAILED:
            return _tag("ERROR", 702, "Update failed.", ZONE=zone, HOST=host)
        if fault is Fault.TOO_FREQUENT:
            return _tag("ERROR", 707, "Too frequent updates for the same host, adjust client settings", ZONE=zone)
        return ""

    def _publish(self, act: Callable[[], None]) -> None:
        if self.delayed:
            self._held.append(act)
        else:
            act()
        self.accepted()

    def _zone(self, host: str) -> str:
        """The longest zone of this account around a host."""
        around = [zone for zone in self.zones if host == zone or host.endswith(f".{zone}")]
        return max(around, key=len, default="")


def _text(value: bytes) -> TXT:
    """A TXT record, in strings of at most 255 bytes."""
    parts = [value[at : at + 255] for at in range(0, len(value), 255)] or [b""]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, parts)


def _tag(word: str, code: int, text: str, **attributes: str) -> str:
    """A tag as it is seen in captures: not closed, in no fixed order, sometimes with blanks around the equals sign."""
    said = {"CODE": str(code), "TEXT": text, **attributes}
    names = sorted(said, key=lambda name: (name != "TEXT", name)) if code % 2 else list(said)
    equals = " = " if code == 709 else "="
    return f"<{word} " + " ".join(f'{name}{equals}"{said[name]}"' for name in names) + (" />" if code == 201 else ">")


def _credentials(authorization: str) -> tuple[str, str] | None:
    kind, _, text = authorization.partition(" ")
    if kind != "Basic":
        return None
    user, colon, token = base64.b64decode(text).decode().partition(":")
    return (user, token) if colon else None


def _handler(fake: FakeZoneEdit) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path in ("/checkip.html", "/ip"):
                page = f"<html><body>Current IP Address: {fake.outside}</body></html>"
                self._say(200, page if parts.path == "/checkip.html" else f"{fake.outside}\n")
                return
            parameters = dict(parse_qsl(parts.query, keep_blank_values=True, encoding="latin-1"))
            status, body = fake.answer(parts.path, parameters, self.headers.get("Authorization", ""))
            if body is None:
                self._drip() if status else fake.hold_until_end()
                return
            self._say(status, body)

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side gives up
                while not fake.hold_until_end(0.02):
                    self.wfile.write(b" ")

        def _say(self, status: int, body: str | bytes) -> None:
            content = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if content[:1] == b"<" else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Nothing is printed."""

    return Handler
