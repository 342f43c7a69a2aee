"""Through Caddy's front door: what a visitor of a route gets. Verdicts are kept, so that a look at all routes asks only those
that were not well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from controller.clients.caddy import CaddyDoor, Connection, Door, failure, probe, reachable, visited
from controller.clients.tls import NoCertificate
from controller.core.errors import Transient
from controller.core.state import Health
from controller.kinds.route.layout import PLAIN, Placed, home_server, servers
from controller.kinds.route.render import identifier

Verdict = tuple[Health, str]
_FINE: Verdict = (Health.HEALTHY, "")
_AT_ONCE = 16
_SHORT, _LONG = 3.0, 10.0
"""Seconds for an answer: in a look at many, and when somebody waits for this one."""


class Front:
    """Verdicts about the routes of one Caddy. For many threads."""

    def __init__(self, connection: Connection, door: CaddyDoor) -> None:
        self._connection = connection
        self._door = door
        self._lock = Lock()
        self._verdicts: dict[str, Verdict] = {}
        self._doubtful = False
        self._version = 0
        self.since = 0.0
        """When the configuration was last written: what failed before says nothing about it."""

    def verdict(self, name: str) -> Verdict:
        """What was found out last."""
        with self._lock:
            return self._verdicts.get(name, _FINE)

    def doubt(self) -> None:
        """Ask about all of them again."""
        self._doubtful = True

    def look_again(self, found: Mapping[str, Placed], document: Any) -> int:
        """Ask about those that were not well, or about all after a doubt. Returns a number that changes with the verdicts."""
        with self._lock:
            doubtful, self._doubtful = self._doubtful, False
            names = [name for name in found if doubtful or self._verdicts.get(name, _FINE) != _FINE]
            for name in self._verdicts.keys() - found.keys():
                del self._verdicts[name]
        if names:
            with ThreadPoolExecutor(min(_AT_ONCE, len(names)), "probe") as pool:
                list(pool.map(lambda name: self._ask(name, found[name], document, _SHORT), names))
        return self._version

    def health(self, name: str) -> Verdict:
        """Ask now. Raises Transient."""
        raw = self._door.item(identifier(name))
        if raw is None:
            return Health.MISSING, "Caddy knows no such route"
        document = self._door.config().document
        plain = any(item.get("@id") == raw["@id"] for item in servers(document).get(PLAIN, {}).get("routes") or ())
        return self._ask(name, Placed(raw, {"issuer": "off"} if plain else {}), document, _LONG)

    def _ask(self, name: str, entry: Placed, document: Any, timeout: float) -> Verdict:
        found = self._found_out(entry, timeout, document)
        with self._lock:
            if self._verdicts.get(name, _FINE) != found:
                self._verdicts[name] = found
                self._version += 1
        return found

    def _found_out(self, entry: Placed, timeout: float, document: Any) -> Verdict:
        host = next(iter(entry.hosts), "")
        path = next(iter(entry.paths), "/")
        door = self._door_of(host, document, plain=entry.tls.get("issuer") == "off")
        if not host or door is None:
            return Health.UNKNOWN, "it is not known where Caddy listens for it; say so with `probe:` in the connection"
        try:
            status = probe(door, path, timeout)
        except NoCertificate as error:
            if reason := failure(self._connection.log, host, self.since):
                return Health.DEGRADED, f"there is no certificate for {host}: {reason}"
            return Health.PROGRESSING, str(error)
        except Transient as error:
            return Health.UNKNOWN, str(error)
        if status in self._connection.unhealthy:
            return Health.DEGRADED, f"{host} answers {status}: {_MEANING.get(status, 'what stands behind it is not well')}"
        return _FINE

    def _door_of(self, host: str, document: Any, *, plain: bool) -> Door | None:
        name = PLAIN if plain else home_server(document, self._connection)
        listen: Iterable[Any] = servers(document).get(name, {}).get("listen") or ()
        for text in listen:
            address, _, port = str(text).rpartition(":")
            if not port.isdigit():
                continue
            return Door(self._connection.probe or reachable(address), int(port), not plain, visited(host))
        return None


_MEANING = {
    502: "Caddy cannot reach what stands behind it",
    503: "nothing that stands behind it can serve",
    504: "what stands behind it gives no answer",
}
