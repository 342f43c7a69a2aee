"""Reference: the API document as people read it: by subject, types in words, an example of each call. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SUBJECTS = (
    (
        "status",
        "How the house stands",
        r"/api/v1/(status|summary|plan|domains|topology|resources|logs|energy|uptime|decisions|notifications)",
    ),
    ("past", "What happened", r"/api/v1/(events|history|runs|revisions|compare|audit)"),
    ("steering", "Decide and steer", r"/api/v1/(sync|approvals|rejections|retry|rollback|renewals|suspensions|detach|adoptions)"),
    ("proposals", "Proposals", r"/api/v1/proposals"),
    ("secrets", "Secrets", r"/api/v1/(secrets|webhook)"),
    ("people", "People, sessions and tokens", r"/api/v1/(me|people|session|sessions|tokens|invitations)"),
    ("beside", "Beside the API", r""),
)
"""Names and titles of subjects, and what the paths of each begin with; the first that fits."""

_REF = "#/components/schemas/"
_HEX = "0123456789abcdef"
_EXAMPLES: Mapping[str, object] = {
    "key": "service/plex",
    "keys": ["service/plex"],
    "target": "service/plex",
    "kind": "service",
    "id": "ID",
    "digests": [_HEX * 4],
    "plan": _HEX * 4,
    "revision": (_HEX * 3)[:40],
    "tip": (_HEX * 3)[:40],
    "objects": [{"key": "service/plex", "handle": "plex"}],
    "scopes": ["read"],
    "files": {"services/plex.yaml": "kind: Service\n"},
    "file": "services/plex.yaml",
    "ref": "plex/token",
    "password": "a long password",
    "title": "A newer plex",
    "reason": "why",
}
"""What stands in an example, by the name of its field."""


_PLAIN = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "nothing"}
_NOTES: Mapping[str, str] = {
    "/hooks/git": "Signed by the git server with the webhook's secret.",
    "/api/v1/session": "Only from the page itself, by a browser.",
    "/api/v1/session/provider": "Only from the page itself, by a browser.",
}
"""What limits an operation that is open to everybody."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field: `place` is where it is sent ("path", "query", "header", "body") or "" in an answer."""

    name: str
    place: str
    kind: str
    needed: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: the status with its phrase, and the type (`name` is that of a type of the document, "" = none)."""

    status: str
    phrase: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. `may` is the right that it needs ("" = none); `note` is what else limits it; `example` is a command line."""

    method: str
    path: str
    about: str
    may: str
    note: str
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the document."""

    name: str
    about: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """Operations that belong together, and the types that they use."""

    name: str
    title: str
    calls: tuple[Call, ...]
    kinds: tuple[Kind, ...]


def reference(document: Mapping[str, Any], address: str) -> tuple[Subject, ...]:
    """The document as people read it; `address` is where this controller is reached, for the examples."""
    found: dict[str, list[tuple[Call, Mapping[str, Any]]]] = {name: [] for name, _, _ in _SUBJECTS}
    kinds = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        name = next(name for name, _, pattern in _SUBJECTS if not pattern or re.match(rf"{pattern}(?![a-z])", path))
        found[name] += [(_call(path, method.upper(), said, kinds, address), said) for method, said in methods.items()]
    return tuple(
        Subject(name, title, tuple(call for call, _ in found[name]), _used([said for _, said in found[name]], kinds))
        for name, title, _ in _SUBJECTS
    )


def _used(said: Sequence[Mapping[str, Any]], kinds: Mapping[str, Any]) -> tuple[Kind, ...]:
    """The types that operations use, and those that these use."""
    names: set[str] = set()
    waiting = [json.dumps(each) for each in said]
    while waiting:
        new = set(re.findall(rf'"{_REF}(\w+)"', waiting.pop())) - names
        names |= new
        waiting += [json.dumps(kinds[name]) for name in new]
    return tuple(
        Kind(name, _line(kinds[name].get("description", "")), tuple(_fields(kinds[name], "")))
        for name in sorted(names)
        if kinds[name].get("properties")
    )


def _call(path: str, method: str, said: Mapping[str, Any], kinds: Mapping[str, Any], address: str) -> Call:
    sent = said.get("requestBody")
    body = _resolved(next(iter(sent["content"].values()))["schema"], kinds) if sent else {}
    parameters = tuple(
        Field(item["name"], item["in"], _kind(item["schema"]), item["required"], _line(item["schema"].get("description", "")))
        for item in said["parameters"]
    )
    open_ = not said["security"]
    note = said.get("description", "") and "Only at the controller's own socket: `homelab` does it on its machine."
    note = note or (_NOTES.get(path, "") if open_ else "")
    return Call(
        method=method,
        path=path,
        about=said["summary"],
        may=str(said.get("x-scope", "")),
        note=note,
        fields=(*parameters, *_fields(body, "body")),
        answers=tuple(_answer(status, answer) for status, answer in sorted(said["responses"].items())),
        example="" if note else _command(path, method, body if sent else None, address, open_=open_),
    )


def _answer(status: str, said: Mapping[str, Any]) -> Answer:
    content = said.get("content", {})
    if not content:
        return Answer(status, said["description"], "")
    media, first = next(iter(content.items()))
    schema = first["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return Answer(status, said["description"], name or (_kind(schema) if media == "application/json" else media), name)


def _fields(schema: Mapping[str, Any], place: str) -> Iterable[Field]:
    needed = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        yield Field(name, place, _kind(each), name in needed, _line(each.get("description", "")))


def _kind(schema: Mapping[str, Any] | bool) -> str:
    """A type in words."""
    if isinstance(schema, bool) or not schema:
        return "anything"
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(each) for each in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', True))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"{_kind(schema['additionalProperties'])} by name"
    return _PLAIN.get(kind, str(kind))


def _resolved(schema: Mapping[str, Any], kinds: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = kinds[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def body_of(schema: Mapping[str, Any]) -> dict[str, object]:
    """A body that a schema takes, with what it needs."""
    wanted: Sequence[str] = schema.get("required") or schema.get("oneOf", [{}])[0].get("required", ())
    return {name: _example(name, schema["properties"][name]) for name in wanted}


def _example(name: str, schema: Mapping[str, Any]) -> object:
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    return 1 if kind in ("integer", "number") else True if kind == "boolean" else "plex"


def _command(path: str, method: str, body: Mapping[str, Any] | None, address: str, *, open_: bool) -> str:
    place = re.sub(r"\{(\w+)\}", lambda found: str(_example(found[1], {})), path)
    parts = ["curl --fail-with-body"]
    if not open_:
        parts.append('-H "Authorization: Bearer $HOMELAB_TOKEN"')
    if method != "GET":
        parts.append(f"-X {method}")
    if body is not None:
        text = json.dumps(body_of(body)).replace("'", "'\\''")
        parts += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join([*parts, f"'{address}{place}'"])


def _line(text: str) -> str:
    return " ".join(text.split())
