"""Sites of a Caddyfile, as Caddy's adapter puts them, in the words of Routes. What no Route can say is told, never dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.kinds.route.hosts import covers
from controller.kinds.route.layout import _port, servers
from controller.kinds.route.render import Json

_INSIDE = re.compile(r"(^|\.)(localhost|local|internal|home\.arpa)$|^[^.]+$|^[\d.]+$|:")
"""Hosts whose certificate Caddy issues itself when nobody says otherwise (certmagic, `SubjectQualifiesForPublicCert`)."""
_NAME = re.compile(r"[^a-z0-9]+")
_QUIET = ("encode", "vars")
_URI = "{http.request.uri}"


class Unsayable(ValueError):
    """Something that no Route can say; in words."""


@dataclass
class Draft:
    """One Route in the making."""

    hosts: list[str]
    path: str = ""
    spec: Json = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    root: str = ""

    @property
    def name(self) -> str:
        """As a Service's `expose` would call it."""
        return _NAME.sub("-", f"{self.hosts[0]}{self.path}".lower().replace("*", "wildcard")).strip("-")[:63].strip("-")


def sites(document: Any) -> Iterator[tuple[Json, list[Draft], str]]:
    """Each route of an adapted Caddyfile with the Routes that it comes to, or why there are none."""
    http = ((document or {}).get("apps") or {}).get("http") or {}
    plain = http.get("http_port", 80)
    for server in servers(document).values():
        off = all(_port(listen) == plain for listen in server.get("listen") or ())
        for raw in server.get("routes") or ():
            try:
                drafts = _drafts(raw)
                issuer = "off" if off else "internal" if drafts and _issued_inside(drafts[0].hosts, document) else ""
                yield raw, [_finished(draft, issuer) for draft in drafts], ""
            except Unsayable as error:
                yield raw, [], str(error)


def _drafts(raw: Json) -> list[Draft]:
    match = raw.get("match") or []
    if len(match) != 1 or set(match[0]) != {"host"}:
        raise Unsayable("it is not for host names alone")
    hosts = list(match[0]["host"])
    drafts: dict[str, Draft] = {}
    for path, handlers in _steps(raw.get("handle") or [], ""):
        draft = drafts.setdefault(path, Draft(hosts, path))
        for handler in handlers:
            _take(draft, handler)
    shared = drafts.get("")
    if shared is not None and len(drafts) > 1 and not _aims(shared):
        for path, draft in drafts.items():
            if path:
                draft.spec = {**shared.spec, **draft.spec}
        del drafts[""]
    elif shared is not None and len(drafts) > 1 and "headers" in shared.spec:
        raise Unsayable("its headers are for several paths")
    return list(drafts.values())


def _steps(handle: list[Json], path: str) -> Iterator[tuple[str, list[Json]]]:
    """(path, handlers) in order, with subroutes opened."""
    for handler in handle:
        if handler.get("handler") != "subroute":
            yield path, [handler]
            continue
        for route in handler.get("routes") or ():
            inner = path
            for match in route.get("match") or ():
                inner = _prefix(match, path)
            if len(route.get("match") or ()) > 1:
                raise Unsayable("it chooses by several matchers")
            yield from _steps(route.get("handle") or [], inner)


def _prefix(match: Json, path: str) -> str:
    found = match.get("path") or []
    if path or set(match) != {"path"} or len({each.removesuffix("*").rstrip("/") for each in found}) != 1:
        raise Unsayable("it chooses by more than a path")
    if not all(each.endswith("/*") or "*" not in each for each in found):
        raise Unsayable(f"the path {found[0]} is no prefix that ends at a slash")
    return str(found[0]).removesuffix("*").rstrip("/")


def _take(draft: Draft, handler: Json) -> None:
    kind = handler.get("handler")
    if kind == "vars" and set(handler) == {"handler", "root"}:
        draft.root = handler["root"]
    elif kind == "encode":
        draft.lost.append("compression (encode)")
    elif kind == "headers":
        _headers(draft, handler)
    elif kind == "rewrite" and handler.get("strip_path_prefix", "").rstrip("/") == draft.path != "" and len(handler) == 2:
        draft.spec["strip"] = True
    elif kind == "reverse_proxy":
        _aim(draft, _proxy(draft, handler))
    elif kind == "file_server":
        if set(handler) - {"handler", "hide", "root"}:
            raise Unsayable("it lists folders")
        _aim(draft, {"files": handler.get("root") or draft.root})
    elif kind == "static_response" and "Location" in (handler.get("headers") or {}) and "body" not in handler:
        _aim(draft, {"redirect": _redirect(handler)})
    else:
        raise Unsayable(f"no Route can do what the handler {kind} does")


def _headers(draft: Draft, handler: Json) -> None:
    found = draft.spec.setdefault("headers", {})
    for word in ("request", "response"):
        change = handler.get(word) or {}
        if set(change) - {"set", "delete", "deferred"}:
            raise Unsayable(f"it does more to {word} headers than set and remove them")
        entry = found.setdefault(word, {})
        entry.setdefault("set", {}).update({name: ", ".join(values) for name, values in (change.get("set") or {}).items()})
        entry.setdefault("remove", []).extend(change.get("delete") or [])


def _proxy(draft: Draft, handler: Json) -> Json:
    strange = set(handler) - {"handler", "upstreams", "transport", "headers", "flush_interval"}
    if strange:
        raise Unsayable(f"no Route can say {', '.join(sorted(strange))} of a reverse_proxy")
    if "flush_interval" in handler:
        draft.lost.append("flush_interval")
    if "headers" in handler:
        _headers(draft, handler["headers"])
    transport = handler.get("transport") or {}
    if set(transport) - {"protocol", "tls"} or transport.get("protocol", "http") != "http":
        raise Unsayable("its transport is not plain HTTP or HTTPS")
    tls = transport.get("tls")
    if tls and set(tls) - {"insecure_skip_verify"}:
        raise Unsayable("it trusts its target by rules of its own")
    scheme = "http" if tls is None else "https"
    target: Json = {"to": [f"{scheme}://{item['dial']}" for item in handler.get("upstreams") or ()]}
    return {**target, "insecure": True} if tls and tls.get("insecure_skip_verify") else target


def _redirect(handler: Json) -> Json:
    to, code = handler["headers"]["Location"][0], int(handler.get("status_code", 302))
    return {"to": to.removesuffix(_URI), "code": code, "path": "keep" if to.endswith(_URI) else "drop"}


def _aims(draft: Draft) -> bool:
    return any(word in draft.spec for word in ("to", "files", "redirect"))


def _aim(draft: Draft, target: Mapping[str, Any]) -> None:
    if _aims(draft):
        raise Unsayable("it has several targets")
    draft.spec |= target


def _issued_inside(hosts: list[str], document: Json) -> bool:
    """True when Caddy's own authority issues the certificates of all hosts."""
    policies = (((document.get("apps") or {}).get("tls") or {}).get("automation") or {}).get("policies") or []

    def inside(host: str) -> bool:
        for policy in policies:
            subjects = policy.get("subjects") or [host]
            if any(host == subject or covers(subject, host) for subject in subjects) and policy.get("issuers"):
                return all(issuer.get("module") == "internal" for issuer in policy["issuers"])
        return bool(_INSIDE.search(host))

    return all(map(inside, hosts))


def _finished(draft: Draft, issuer: str) -> Draft:
    if not _aims(draft):
        raise Unsayable("nothing answers")
    spec: Json = {"host": draft.hosts[0], "hosts": draft.hosts[1:], "path": [draft.path] if draft.path else [], **draft.spec}
    spec |= {"exposure": "public", "dns": "off", "tls": issuer}
    headers = {word: {key: each for key, each in change.items() if each} for word, change in spec.pop("headers", {}).items()}
    spec["headers"] = {word: change for word, change in headers.items() if change}
    draft.spec = {word: value for word, value in spec.items() if value not in ("", [], {})}
    return draft
