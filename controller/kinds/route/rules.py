"""What a Route may say: everything that its model cannot express. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from controller.clients.caddy import DURATION
from controller.core.errors import Problem
from controller.kinds.route.hosts import Place
from controller.kinds.route.model import CertificateFiles, HeaderChange, Headers, RouteSpec
from controller.kinds.route.targets import address_problems

_TARGETS = ("service", "to", "redirect", "files")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PLACEHOLDER = re.compile(r"\{http\.[A-Za-z0-9_.*-]+\}")
_BRACE_HINT = "only {http.…} placeholders may stand here; Caddy would read its environment or files for others"


def problems(spec: RouteSpec) -> Iterable[Problem]:
    """Every finding about a spec by itself."""
    if not spec.names():
        yield Problem((), "a route needs a host", "write `host: plex.example.net`")
    yield from _target_problems(spec)
    yield from _path_problems(spec)
    yield from _header_problems(("headers", "request"), spec.headers.request)
    yield from _header_problems(("headers", "response"), spec.headers.response)
    yield from _file_problems(spec)
    for word, text in spec.timeouts.model_dump().items():
        if text and not DURATION.fullmatch(text):
            yield Problem(("timeouts", word), f"{text!r} is not a duration", "write 30s")
    if spec.health is not None:
        yield from _health_problems(spec)


def header_changes(headers: Headers) -> dict[str, Any]:
    """The normal form: names as Caddy writes them, nothing that is empty."""
    found = {}
    for word, change in (("request", headers.request), ("response", headers.response)):
        entry: dict[str, Any] = {}
        if change.set:
            entry["set"] = {_title(name): value for name, value in sorted(change.set.items())}
        if change.remove:
            entry["remove"] = sorted({_title(name) for name in change.remove})
        if entry:
            found[word] = entry
    return found


def _target_problems(spec: RouteSpec) -> Iterable[Problem]:
    chosen = [word for word in _TARGETS if getattr(spec, word)]
    if len(chosen) != 1:
        said = f"both {chosen[0]} and {chosen[1]}" if chosen else "no target"
        yield Problem(
            (chosen[1],) if chosen else (), f"a route has one target, this one has {said}", f"one of {', '.join(_TARGETS)}"
        )
        return
    target = chosen[0]
    if target == "service" and spec.port is None:
        yield Problem(("service",), "a service needs the port on which it listens", "add `port: 8080`")
    if target != "service" and spec.port is not None:
        yield Problem(("port",), "port belongs to a service", "put the port into the address")
    yield from address_problems(spec.to)
    if spec.insecure and not any(text.startswith("https://") for text in spec.to):
        yield Problem(("insecure",), "insecure is about https:// addresses in `to`")
    if target in ("redirect", "files"):
        for word in ("health", "timeouts"):
            if word in spec.model_fields_set:
                yield Problem((word,), f"{word} is about a service or addresses")
    if spec.redirect is not None:
        yield from _redirect_problems(spec.redirect.to)
    if spec.files and (not spec.files.startswith("/") or _odd(spec.files) or ".." in spec.files.split("/")):
        yield Problem(("files",), f"{spec.files!r} is not an absolute path on Caddy's machine")


def _redirect_problems(to: str) -> Iterable[Problem]:
    at: Place = ("redirect", "to")
    try:
        parts = urlsplit(to)
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        sound = None
    if not sound:
        yield Problem(at, f"{to!r} is not an address to send visitors to", "write https://example.net")
    elif _odd(to) or " " in to:
        yield Problem(at, f"{to!r} holds characters that no address has")


def _path_problems(spec: RouteSpec) -> Iterable[Problem]:
    if spec.strip and len(spec.path) != 1:
        yield Problem(("strip",), "strip takes exactly one path away", "write one `path`, or leave strip out")


def _header_problems(at: Place, change: HeaderChange) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for word, names in (("set", list(change.set)), ("remove", change.remove)):
        for index, name in enumerate(names):
            here = (*at, word, name if word == "set" else index)
            if not _HEADER.fullmatch(name):
                yield Problem(here, f"{name!r} is not the name of a header")
            elif _title(name) in seen:
                yield Problem(here, f"{name} is named twice: also as {seen[_title(name)]}")
            seen[_title(name)] = name
    yield from _value_problems(at, change.set)


def _value_problems(at: Place, values: Mapping[str, str]) -> Iterable[Problem]:
    for name, value in values.items():
        if any((ord(letter) < 32 and letter != "\t") or ord(letter) == 127 for letter in value):
            yield Problem((*at, "set", name), f"the value of {name} holds control characters")
        elif _odd(_PLACEHOLDER.sub("", value)):
            yield Problem((*at, "set", name), f"the value of {name} holds braces", _BRACE_HINT)


def _file_problems(spec: RouteSpec) -> Iterable[Problem]:
    if isinstance(spec.tls, CertificateFiles):
        for word, path in (("certificate", spec.tls.certificate), ("key", spec.tls.key)):
            if not path.startswith("/") or _odd(path):
                yield Problem(("tls", word), f"{path!r} is not an absolute path on Caddy's machine")


def _health_problems(spec: RouteSpec) -> Iterable[Problem]:
    health = spec.health
    assert health is not None  # noqa: S101 (said by the caller)
    if not health.uri.startswith("/") or _odd(health.uri) or " " in health.uri:
        yield Problem(("health", "uri"), f"{health.uri!r} is not a path", "write /health")
    for word, text in (("interval", health.interval), ("timeout", health.timeout)):
        if not DURATION.fullmatch(text):
            yield Problem(("health", word), f"{text!r} is not a duration", "write 2s")


def _odd(text: str) -> bool:
    """True for what Caddy would take for a placeholder, and for control characters."""
    return any(letter in "{}" or ord(letter) < 32 or ord(letter) == 127 for letter in text)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
