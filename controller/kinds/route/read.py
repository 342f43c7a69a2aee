"""A route as Caddy shows it, in normal form. Total: what cannot be read is kept whole under `unrecognised`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from controller.core.errors import Permanent
from controller.kinds.route.render import EVERYBODY, PREFIX, Json, render

_DELAY = "stream_close_delay"


def read(raw: Mapping[str, Any], tls: Mapping[str, Any], listen: list[str], place: str = "") -> Json:
    """The state that a route shows. `tls` and `listen` are what its surroundings say; `place` names a wrong place in the
    configuration."""
    fields = _fields(raw)
    state: Json = {**fields, "tls": dict(tls), "listen": list(listen), "unrecognised": {}}
    rest = {key: value for key, value in raw.items() if key != "@id"}
    if not _says_the_same(state, rest):
        state["unrecognised"] = {"route": rest}
    if place:
        state["unrecognised"]["place"] = place
    return state


def name_of(raw: Any) -> str:
    """The name of a route of ours, or ""."""
    mark = raw.get("@id") if isinstance(raw, Mapping) else None
    return mark.removeprefix(PREFIX) if isinstance(mark, str) and mark.startswith(PREFIX) and mark != PREFIX else ""


def _says_the_same(state: Json, raw: Json) -> bool:
    """True when the fields say all that a route holds. Whether streams outlive a change depends on Caddy's version: no field."""
    with suppress(Permanent, KeyError, TypeError, AttributeError, IndexError):
        return any({**render("", state, streams=streams), "@id": ""} == {**raw, "@id": ""} for streams in (False, True))
    return False


def _fields(raw: Mapping[str, Any]) -> Json:
    match = _first(raw.get("match"))
    routes = _list(_first(raw.get("handle")).get("routes"))
    handlers = {item.get("handler"): item for item in map(_dict, _list(_dict(routes[-1] if routes else None).get("handle")))}
    return {
        "hosts": _list(match.get("host")),
        "paths": [path for path in _list(match.get("path")) if isinstance(path, str) and not path.endswith("/*")],
        "strip": "rewrite" in handlers,
        "allow": _allowed(routes),
        "target": _target(handlers),
        "headers": _headers(_dict(handlers.get("headers"))),
    }


def _allowed(routes: list[Any]) -> list[Any] | str:
    if len(routes) < 2:
        return EVERYBODY
    return _list(_dict(_first(_first(_dict(routes[0]).get("match")).get("not")).get("remote_ip")).get("ranges"))


def _target(handlers: Mapping[Any, Json]) -> Json:
    if "reverse_proxy" in handlers:
        return _proxied(handlers["reverse_proxy"])
    if "file_server" in handlers:
        return {"files": handlers["file_server"].get("root")}
    answer = handlers.get("static_response", {})
    location = _list(_dict(answer.get("headers")).get("Location"))
    return {"redirect": location[0] if location else None, "code": answer.get("status_code")}


def _proxied(proxy: Json) -> Json:
    transport, checks = _dict(proxy.get("transport")), _dict(proxy.get("health_checks"))
    words = {"connect": "dial_timeout", "response": "response_header_timeout", "read": "read_timeout", "write": "write_timeout"}
    active = _dict(checks.get("active"))
    health = {word: active.get(word) for word in ("uri", "interval", "timeout")} if active else {}
    if "expect_status" in active:
        health["status"] = active["expect_status"]
    tls = transport.get("tls")
    secured = "https-unverified" if _dict(tls).get("insecure_skip_verify") else "https"
    return {
        "upstreams": [_dict(item).get("dial") for item in _list(proxy.get("upstreams"))],
        "scheme": "http" if tls is None else secured,
        "retry": _dict(proxy.get("load_balancing")).get("try_duration"),
        "timeouts": {word: transport[field] for word, field in words.items() if field in transport},
        "health": health,
    }


def _headers(handler: Json) -> Json:
    found: Json = {}
    for word in ("request", "response"):
        change = _dict(handler.get(word))
        entry: Json = {}
        if "set" in change:
            entry["set"] = {header: (_list(values) or [None])[0] for header, values in _dict(change["set"]).items()}
        if "delete" in change:
            entry["remove"] = _list(change["delete"])
        if entry:
            found[word] = entry
    return found


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _first(value: Any) -> Json:
    return _dict(value[0]) if isinstance(value, list) and value else {}
