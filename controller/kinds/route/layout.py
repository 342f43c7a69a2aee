"""Where routes of ours stand in a whole configuration of Caddy: found there, and put there. Pure.

Owned: the server `homelab` is ours, with everything that decides about certificates. Coexist: one route with the `@id`
`homelab-root` at the head of a person's server, and policies for our hosts alone. What is not ours stays as it is in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.clients.caddy import LOGGERS, OWNED, Connection
from controller.core.errors import Permanent
from controller.kinds.route import policies
from controller.kinds.route.hosts import order
from controller.kinds.route.read import name_of
from controller.kinds.route.render import Json

HOME, PLAIN, ROOT = "homelab", "homelab-plain", "homelab-root"
_PORT, _PLAIN_PORT = 443, 80


@dataclass(frozen=True, slots=True)
class Placed:
    """A route in its surroundings: its JSON, who issues its certificate, the listeners that are ours, and where it stands when
    that is not where we put it."""

    raw: Json
    tls: Mapping[str, Any]
    listen: tuple[str, ...] = ()
    place: str = ""

    @property
    def hosts(self) -> list[str]:
        """The hosts that it matches."""
        return [host for item in self.raw.get("match") or () for host in item.get("host") or () if isinstance(host, str)]

    @property
    def paths(self) -> list[str]:
        """The patterns of paths that it matches."""
        return [path for item in self.raw.get("match") or () for path in item.get("path") or () if isinstance(path, str)]


def placed(document: Any, connection: Connection) -> dict[str, Placed]:
    """Every route of ours, by name."""
    found: dict[str, Placed] = {}
    certificates = policies.Certificates.of(document, owned=connection.mode == OWNED)
    home = home_server(document, connection)
    for server, spot, raw in _ours(servers(document)):
        name = name_of(raw)
        expected = {PLAIN: PLAIN, home: HOME if connection.mode == OWNED else ROOT}.get(server, "")
        listen = tuple(servers(document)[server].get("listen") or ())
        plain = server == PLAIN
        entry = Placed(
            raw, {}, listen if plain or connection.mode == OWNED else (), "" if spot == expected else f"{server}/{spot}"
        )
        found[name] = Placed(raw, certificates.tls(name, entry.hosts, plain=plain), entry.listen, entry.place)
    return found


def weave(document: Any, routes: Mapping[str, Placed], connection: Connection) -> Json:
    """The configuration with exactly these routes of ours. Raises Permanent when there is no place for them."""
    made = dict(document or {})
    apps = made["apps"] = dict(made.get("apps") or {})
    http = apps["http"] = dict(apps.get("http") or {})
    http["servers"] = {name: _without_ours(server) for name, server in (http.get("servers") or {}).items()}
    plain = {name: entry for name, entry in routes.items() if entry.tls.get("issuer") == "off"}
    secured = {name: entry for name, entry in routes.items() if name not in plain}
    if connection.mode == OWNED:
        _own(made, http, connection)
        _put(http["servers"], HOME, connection.https, _ordered(secured))
    else:
        _join(http["servers"], home_server(document, connection), _ordered(secured), connection)
    if plain or _list(http["servers"].get(PLAIN, {}).get("routes")):
        _put(http["servers"], PLAIN, connection.http, _ordered(plain))
    else:
        http["servers"].pop(PLAIN, None)
    if not http["servers"]:
        del http["servers"]
    owned = connection.mode == OWNED
    policies.put(apps, {name: (entry.hosts, entry.tls) for name, entry in secured.items()}, owned=owned)
    policies.put_authority(apps, owned=owned, internal=any(entry.tls.get("issuer") == "internal" for entry in secured.values()))
    for name in [name for name, app in apps.items() if not app and name not in ((document or {}).get("apps") or {})]:
        del apps[name]
    if not apps and "apps" not in (document or {}):
        del made["apps"]
    return made


def servers(document: Any) -> Json:
    """The HTTP servers of a configuration."""
    found = (((document or {}).get("apps") or {}).get("http") or {}).get("servers")
    return found if isinstance(found, dict) else {}


def home_server(document: Any, connection: Connection) -> str:
    """The server that holds our routes, "" when there is none."""
    if connection.mode == OWNED:
        return HOME
    known = {name: server for name, server in servers(document).items() if name != PLAIN}
    if connection.server:
        return connection.server if connection.server in known else ""
    http = ((document or {}).get("apps") or {}).get("http") or {}
    port = http.get("https_port", _PORT)
    return next((name for name in sorted(known) if any(_port(each) == port for each in _list(known[name].get("listen")))), "")


def strangers(document: Any, hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(host, where) of the hosts that routes of somebody else already answer for, at the top of a server."""
    wanted = set(hosts)
    for name, server in servers(document).items():
        for index, raw in enumerate(_list(server.get("routes"))):
            if not isinstance(raw, dict) or name_of(raw) or raw.get("@id") == ROOT:
                continue
            for item in _list(raw.get("match")):
                if isinstance(item, dict) and "path" not in item:
                    yield from ((host, f"{name}/routes/{index}") for host in _list(item.get("host")) if host in wanted)


def ports(document: Any, connection: Connection) -> set[int]:
    """Ports of the listeners through which our routes are reached."""
    found = servers(document)
    names = {home_server(document, connection), PLAIN} & found.keys()
    return {port for name in names for port in map(_port, _list(found[name].get("listen"))) if port}


def _ours(found: Json) -> Iterator[tuple[str, str, Json]]:
    """(server, spot, route) of every route with our mark."""
    for name, server in found.items():
        top = HOME if name == HOME else PLAIN if name == PLAIN else "routes"
        for index, raw in enumerate(_list(server.get("routes"))):
            if not isinstance(raw, dict):
                continue
            if raw.get("@id") == ROOT and index == 0:
                yield from ((name, ROOT, inner) for inner in _inner(raw) if name_of(inner))
            elif name_of(raw):
                yield name, top, raw
            else:
                yield from ((name, f"routes/{index}", inner) for inner in _nested(raw.get("handle")))


def _nested(value: Any) -> Iterator[Json]:
    """Routes with our mark somewhere inside of a route that is not ours."""
    if isinstance(value, list):
        for item in value:
            yield from _nested(item)
    elif isinstance(value, dict):
        if name_of(value):
            yield value
        else:
            for item in value.values():
                yield from _nested(item)


def _inner(root: Json) -> list[Json]:
    handle = _list(root.get("handle"))
    routes = _list(handle[0].get("routes")) if handle and isinstance(handle[0], dict) else []
    return [item for item in routes if isinstance(item, dict)]


def _without_ours(server: Any) -> Any:
    routes = server.get("routes") if isinstance(server, dict) else None
    if not isinstance(routes, list) or not any(_holds_ours(raw) for raw in routes):
        return server
    return {**server, "routes": [_purged(raw) for raw in routes if not _is_ours(raw)]}


def _is_ours(raw: Any) -> bool:
    return isinstance(raw, dict) and (raw.get("@id") == ROOT or bool(name_of(raw)))


def _holds_ours(raw: Any) -> bool:
    return _is_ours(raw) or (isinstance(raw, dict) and next(_nested(raw.get("handle")), None) is not None)


def _purged(value: Any) -> Any:
    """The same without what carries our mark inside."""
    if isinstance(value, list):
        return [_purged(item) for item in value if not _is_ours(item)]
    return {key: _purged(item) for key, item in value.items()} if isinstance(value, dict) else value


def _ordered(routes: Mapping[str, Placed]) -> list[Json]:
    return [routes[name].raw for name in sorted(routes, key=lambda name: order(routes[name].hosts, routes[name].paths, name))]


def _own(made: Json, http: Json, connection: Connection) -> None:
    """What is ours to say in a Caddy of our own. Without an address the admin endpoint would move to its default one."""
    made["admin"] = {"listen": connection.admin_listen, **(made.get("admin") or {})}
    for word, port, usual in (("http_port", connection.http_port, _PLAIN_PORT), ("https_port", connection.https_port, _PORT)):
        if port != usual or word in http:
            http[word] = port
    http["grace_period"] = connection.grace_period
    if connection.log:
        logging = made["logging"] = dict(made.get("logging") or {})
        logging["logs"] = {**(logging.get("logs") or {}), HOME: _log(connection.log)}


def _log(path: str) -> Json:
    """What Caddy is to write down about certificates: nothing else tells why there is none."""
    writer = {"output": "file", "filename": path, "roll_size_mb": 1, "roll_keep": 1}
    return {"writer": writer, "encoder": {"format": "json"}, "include": list(LOGGERS)}


def _put(found: Json, name: str, listen: Iterable[str], routes: list[Json]) -> None:
    server = found.get(name) or {}
    found[name] = {**server, "listen": list(listen), "routes": [*routes, *_list(server.get("routes"))]}


def _join(found: Json, name: str, routes: list[Json], connection: Connection) -> None:
    if not routes:
        return
    if not name:
        wanted = f"called {connection.server!r}" if connection.server else "on the HTTPS port"
        raise Permanent(f"Caddy has no server {wanted}; name one with `server:` in the connection {connection.name!r}")
    hosts = sorted({host for raw in routes for host in Placed(raw, {}).hosts})
    root = {"@id": ROOT, "match": [{"host": hosts}], "handle": [{"handler": "subroute", "routes": routes}]}
    found[name] = {**found[name], "routes": [root, *_list(found[name].get("routes"))]}


def _port(address: Any) -> int:
    """Port of a listener address of Caddy's, 0 for what has none (a socket, a range)."""
    text = str(address).rpartition(":")[2].partition("/")[0]
    return int(text) if text.isdigit() else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def differing(shown: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Dotted paths at which two configurations differ."""
    if isinstance(shown, dict) and isinstance(wanted, dict):
        for key in sorted(shown.keys() | wanted.keys()):
            yield from differing(shown.get(key), wanted.get(key), f"{path}.{key}" if path else str(key))
    elif shown != wanted:
        yield path
