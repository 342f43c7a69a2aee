"""A route as Caddy reads it. `read` is the way back: both together are the identity for every route that is rendered here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.core.errors import Permanent
from controller.core.state import State
from controller.kinds.route import tuning

PREFIX = "homelab:"
EVERYBODY = "everybody"
Json = dict[str, Any]


def identifier(name: str) -> str:
    """The `@id` by which Caddy knows a route of ours."""
    return f"{PREFIX}{name}"


def render(name: str, state: State, *, streams: bool) -> Json:
    """The JSON of one route. With `streams` open websockets outlive a change. Raises Permanent for a route to nowhere."""
    if kept := state["unrecognised"].get("route"):
        return {**kept, "@id": identifier(name)}
    return {
        "@id": identifier(name),
        "match": [_match(state)],
        "handle": [{"handler": "subroute", "routes": [*_guard(state["allow"]), {"handle": _handlers(name, state, streams)}]}],
        "terminal": True,
    }


def _match(state: State) -> Json:
    found: Json = {"host": list(state["hosts"])}
    if state["paths"]:
        found["path"] = [pattern for path in state["paths"] for pattern in (path, f"{path}/*")]
    return found


def _guard(allow: Any) -> list[Json]:
    if allow == EVERYBODY:
        return []
    strangers = [{"not": [{"remote_ip": {"ranges": list(allow)}}]}]
    return [{"match": strangers, "handle": [{"handler": "static_response", "status_code": 403}], "terminal": True}]


def _handlers(name: str, state: State, streams: bool) -> list[Json]:
    found: list[Json] = []
    if state["headers"]:
        found.append(_headers(state["headers"]))
    if state["strip"]:
        found.append({"handler": "rewrite", "strip_path_prefix": state["paths"][0]})
    target = state["target"]
    if "redirect" in target:
        location = {"Location": [target["redirect"]]}
        found.append({"handler": "static_response", "status_code": target["code"], "headers": location})
    elif "files" in target:
        found.append({"handler": "file_server", "root": target["files"]})
    else:
        found.append(_proxy(name, target, streams))
    return found


def _headers(changes: Mapping[str, Any]) -> Json:
    found: Json = {"handler": "headers"}
    for word, change in changes.items():
        entry: Json = {}
        if "set" in change:
            entry["set"] = {header: [value] for header, value in change["set"].items()}
        if "remove" in change:
            entry["delete"] = list(change["remove"])
        if word == "response":
            entry["deferred"] = True  # after the target's own headers, not before
        found[word] = entry
    return found


def _proxy(name: str, target: Mapping[str, Any], streams: bool) -> Json:
    if not target.get("upstreams"):
        raise Permanent(f"route/{name} has no address to send requests to")
    timeouts, health = target["timeouts"], target["health"]
    transport: Json = {"protocol": "http", "dial_timeout": timeouts["connect"]}
    for word, field in (("response", "response_header_timeout"), ("read", "read_timeout"), ("write", "write_timeout")):
        if word in timeouts:
            transport[field] = timeouts[word]
    if target["scheme"] != "http":
        transport["tls"] = {"insecure_skip_verify": True} if target["scheme"] == "https-unverified" else {}
    checks: Json = {"passive": {"fail_duration": tuning.FAIL_FOR}}
    if health:
        checks["active"] = {"uri": health["uri"], "interval": health["interval"], "timeout": health["timeout"]}
        if "status" in health:
            checks["active"]["expect_status"] = health["status"]
    found: Json = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": address} for address in target["upstreams"]],
        "load_balancing": {
            "selection_policy": {"policy": "first"},
            "try_duration": target["retry"],
            "try_interval": tuning.RETRY_EVERY,
        },
        "health_checks": checks,
        "transport": transport,
    }
    if streams:
        found["stream_close_delay"] = tuning.STREAM_CLOSE_DELAY
    return found
