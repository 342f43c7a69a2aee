"""Real DNS servers on loopback: BIND and Knot, each primary for its own zones and secondary of the other's, and PowerDNS.

They run over the root of `roots.DNS` with the machine's network (DNS is asked over UDP), on ports that were free, and listen on
127.0.0.1 only. `Zones.fresh()` gives a zone that no other test has; it holds records of somebody else (`STRANGERS`)."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import dns.xfr
import dns.zone
import requests

from tests.support.ports import free_port as free_port
from tests.support.roots import DNS, root_of
from tests.support.space import CommandFailed, Space, wait_until

HOST = "127.0.0.1"
KEY, SECRET, ALGORITHM = "homelab", "aG9tZWxhYi1ob21lbGFiLWhvbWVsYWItaG9tZWxhYi0=", "hmac-sha256"
API_KEY = "the-key-of-powerdns"
POOL = 150
STRANGERS = (
    ("ns1", "A 192.0.2.1"),
    ("ns2", "A 192.0.2.2"),
    ("mail", "A 192.0.2.25"),
    ("@", "MX 10 mail"),
    ("@", 'TXT "v=spf1 mx -all" "second string"'),
    ("theirs", 'TXT "semi;colon \\"quoted\\" back\\\\slash \\195\\188"'),
    ("theirs", "SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
    ("*.wild", "A 192.0.2.99"),
    ("sub", "NS ns.example.org."),
)


def _zone_text(zone: str) -> str:
    lines = [f"$ORIGIN {zone}.", "$TTL 3600", "@ SOA ns1 admin 1 3600 600 86400 60", "@ NS ns1", "@ NS ns2"]
    return "\n".join([*lines, *(f"{name} {record}" for name, record in STRANGERS), ""])


@dataclass
class NameServer:
    """One server and the zones that it is primary for. `others` are the ports of its secondaries, `unused` gives a new zone."""

    name: str
    port: int
    space: Space
    words: Sequence[str]
    unused: Callable[[], str]
    pid_file: str
    others: tuple[int, ...] = ()
    web: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _given: list[str] = field(default_factory=list, repr=False)

    def fresh(self) -> str:
        """The name of a zone that no other test has."""
        self._given.append(self.unused())
        return self._given[-1]

    def start(self) -> None:
        """Start it; returns when it answers, also for the zones that tests have: it loads them while it says SERVFAIL."""
        self._process = self.space.start(*self.words, log=f"{self.name}.log")
        wait_until(self.answers, self.name)
        wait_until(lambda: all(serial(zone, self.port) for zone in self._given), f"{self.name} to load its zones")

    def stop(self) -> None:
        """End it at once, as a crash does."""
        with suppress(CommandFailed):
            self.space.signal(self.pid_file, "KILL")
        assert self._process is not None
        self._process.wait(30)

    def answers(self) -> bool:
        query = dns.message.make_query("version.bind", "TXT", "CH")
        try:
            dns.query.tcp(query, HOST, 2, self.port)
        except (OSError, EOFError, dns.exception.Timeout):
            return False
        return not self.web or _web_answers(self.web)

    def dump(self, zone: str, port: int = 0) -> list[str]:
        """Every record of a zone as the server hands it out, but for the SOA: text, sorted."""
        content = dns.zone.Zone(dns.name.from_text(zone), relativize=False)
        query, _ = dns.xfr.make_query(content, keyring=_keyring())
        if self.web:
            query, _ = dns.xfr.make_query(content)
        dns.query.inbound_xfr(HOST, content, query, port or self.port, 10, 30)
        rows = [
            f"{name} {rdataset.ttl} {rdata.rdtype.name} {rdata.to_text()}"
            for name, rdataset in content.iterate_rdatasets()
            for rdata in rdataset
            if rdata.rdtype.name != "SOA"
        ]
        return sorted(rows)

    def edit(self, zone: str, name: str, record_type: str, *values: str, ttl: int = 3600) -> None:
        """A person's hand: the records of a full name and type become these (none = they go)."""
        if self.web:
            change = {"name": f"{name}.", "type": record_type, "changetype": "REPLACE" if values else "DELETE"}
            if values:
                change |= {"ttl": ttl, "records": [{"content": each, "disabled": False} for each in values]}  # type: ignore[dict-item]
            self.api("PATCH", f"/zones/{zone}.", {"rrsets": [change]})
            return
        message = dns.update.UpdateMessage(zone, keyring=_keyring())
        message.delete(f"{name}.", record_type)
        for value in values:
            message.add(f"{name}.", ttl, record_type, value)
        reply = dns.query.tcp(message, HOST, 10, self.port)
        assert reply.rcode() == dns.rcode.NOERROR, dns.rcode.to_text(reply.rcode())

    def api(self, method: str, path: str, body: object = None) -> requests.Response:
        """A call to PowerDNS."""
        url = f"{self.web}/api/v1/servers/localhost{path}"
        reply = requests.request(method, url, json=body, headers={"X-API-Key": API_KEY}, timeout=30)
        assert reply.ok, reply.text
        return reply


class DnsServers:
    """All of them, started on first use, each once."""

    def __init__(self) -> None:
        self.space = Space(root_of(DNS), "dns", own_network=False)
        self._folder = self.space.folder / "dns"
        self._folder.mkdir()
        self._ports = {name: free_port() for name in ("bind", "knot", "powerdns", "web")}
        self._made: dict[str, NameServer] = {}
        self._numbers = itertools.count()

    @property
    def bind(self) -> NameServer:
        """BIND as primary, Knot as its secondary."""
        return self._pair()["bind"]

    @property
    def knot(self) -> NameServer:
        """Knot as primary, BIND as its secondary."""
        return self._pair()["knot"]

    @property
    def powerdns(self) -> NameServer:
        """PowerDNS with its HTTP interface."""
        if "powerdns" not in self._made:
            self._write_powerdns()
            words = ["pdns_server", f"--config-dir={self._folder / 'powerdns'}"]
            pid = str(self._folder / "powerdns" / "run" / "pdns.pid")
            web = f"http://{HOST}:{self._ports['web']}"
            server = NameServer("powerdns", self._ports["powerdns"], self.space, words, self._powerdns_zone, pid, (), web)
            self._made["powerdns"] = server
            server.start()
        return self._made["powerdns"]

    def close(self) -> None:
        self.space.close()

    def _pair(self) -> dict[str, NameServer]:
        if "bind" not in self._made:
            self._write_bind()
            self._write_knot()
            for name, other in (("knot", "bind"), ("bind", "knot")):
                self._made[name] = self._primary(name, other)
        return self._made

    def _primary(self, name: str, other: str) -> NameServer:
        folder = self._folder / name
        words = ["named", "-g", "-c", f"{folder}/named.conf"] if name == "bind" else ["knotd", "-c", f"{folder}/knot.conf"]
        pool = iter(range(POOL))
        pid, secondary = f"{folder}/server.pid", self._ports[other]

        def fresh() -> str:
            zone = f"{name[0]}{next(pool)}.test"
            wait_until(lambda: serial(zone, secondary), f"{other} to have {zone}")
            return zone

        server = NameServer(name, self._ports[name], self.space, words, fresh, pid, (secondary,))
        server.start()
        return server

    def _write_bind(self) -> None:
        folder = self._folder / "bind"
        folder.mkdir()
        port, knot = self._ports["bind"], self._ports["knot"]
        lines = [
            f'options {{ directory "{folder}"; pid-file "{folder}/server.pid"; session-keyfile "{folder}/session.key";',
            f"listen-on port {port} {{ {HOST}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no;",
            f'notify explicit; notify-delay 0; also-notify {{ {HOST} port {knot} key "{KEY}"; }};',
            f'allow-transfer {{ key "{KEY}"; }};',
            "serial-query-rate 1000; notify-rate 1000; startup-notify-rate 1000; transfers-in 100; transfers-per-ns 100; };",
            f'key "{KEY}" {{ algorithm {ALGORITHM}; secret "{SECRET}"; }};',
            "controls {};",
        ]
        for number in range(POOL):
            zone, other = f"b{number}.test", f"k{number}.test"
            (folder / zone).write_text(_zone_text(zone))
            lines.append(f'zone "{zone}" {{ type primary; file "{zone}"; allow-update {{ key "{KEY}"; }}; }};')
            source = f'primaries {{ {HOST} port {knot} key "{KEY}"; }}'
            lines.append(f'zone "{other}" {{ type secondary; file "{other}"; {source}; notify no; }};')
        (folder / "named.conf").write_text("\n".join(lines))

    def _write_knot(self) -> None:
        folder = self._folder / "knot"
        folder.mkdir()
        lines = [
            f"server:\n  listen: {HOST}@{self._ports['knot']}\n  rundir: {folder}\n  pidfile: {folder}/server.pid",
            "  udp-workers: 1\n  tcp-workers: 2\n  background-workers: 1",
            f"database:\n  storage: {folder}\n  journal-db-max-size: 64M\n  kasp-db-max-size: 8M\n  timer-db-max-size: 8M",
            f"key:\n  - id: {KEY}\n    algorithm: {ALGORITHM}\n    secret: {SECRET}",
            f"remote:\n  - id: bind\n    address: {HOST}@{self._ports['bind']}\n    key: {KEY}",
            f"acl:\n  - id: ours\n    key: {KEY}\n    action: [transfer, update, notify]",
            f"template:\n  - id: default\n    storage: {folder}\n    acl: ours\n    semantic-checks: off",
            "zone:",
        ]
        for number in range(POOL):
            zone, other = f"k{number}.test", f"b{number}.test"
            (folder / zone).write_text(_zone_text(zone))
            lines.append(f"  - domain: {zone}\n    file: {zone}\n    notify: bind")
            lines.append(f"  - domain: {other}\n    file: {other}\n    master: bind")
        (folder / "knot.conf").write_text("\n".join(lines) + "\n")

    def _write_powerdns(self) -> None:
        folder = self._folder / "powerdns"
        (folder / "run").mkdir(parents=True)
        schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
        self.space.run("sh", "-c", f"sqlite3 {folder}/zones.db <{schema}")
        lines = [
            "launch=gsqlite3",
            f"gsqlite3-database={folder}/zones.db",
            "gsqlite3-pragma-synchronous=0",
            f"local-address={HOST}\nlocal-port={self._ports['powerdns']}",
            f"webserver=yes\nwebserver-address={HOST}\nwebserver-port={self._ports['web']}\napi=yes\napi-key={API_KEY}",
            f"webserver-allow-from={HOST}\nsocket-dir={folder}/run\ndaemon=no\nguardian=no\nwrite-pid=yes",
            "security-poll-suffix=\nreceiver-threads=1\ndistributor-threads=1\ndisable-axfr=no\nallow-axfr-ips=127.0.0.1",
        ]
        (folder / "pdns.conf").write_text("\n".join(lines) + "\n")

    def _powerdns_zone(self) -> str:
        zone = f"p{next(self._numbers)}.test"
        self.powerdns.api("POST", "/zones", {"name": f"{zone}.", "kind": "Native", "zone": _zone_text(zone)})
        return zone


def serial(zone: str, port: int) -> int:
    """The serial number that a server has of a zone, 0 = it does not have it."""
    try:
        reply, _ = dns.query.udp_with_fallback(dns.message.make_query(zone, "SOA"), HOST, 2, port)
    except dns.exception.Timeout:
        return 0
    return next((int(rdata.serial) for rrset in reply.answer for rdata in rrset), 0)


def _keyring() -> dns.tsig.Key:
    return dns.tsig.Key(KEY, SECRET, ALGORITHM)


def _web_answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/v1/servers", headers={"X-API-Key": API_KEY}, timeout=30).ok
    except requests.RequestException:
        return False


def log_of(servers: DnsServers, name: str) -> str:
    """What a server wrote, to tell why a test failed."""
    return Path(servers.space.folder / f"{name}.log").read_text(errors="replace")
