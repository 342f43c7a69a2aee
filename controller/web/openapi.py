"""The API document (OpenAPI 3.1), made from the route table and the types of its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from controller.web.call import HTML, JSON, Operation, Routes
from controller.web.problem import PROBLEM
from controller.web.repeats import KEY

_REF = "#/components/schemas/{model}"
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. `code` never changes its meaning; further members depend on it.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}
_Schemas = Mapping[tuple[Any, JsonSchemaMode], Any]
_DOORS = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token `hlc_…`, made by `homelab token create`."},
}


def document(routes: Routes, cookie: str) -> dict[str, Any]:
    """The whole document as JSON data; `cookie` is the name of the page's session cookie. What is only for a person's browser is
    left out."""
    routes = programs(routes)
    schemas, definitions = _schemas(routes)
    paths = {
        path: {method.lower(): _operation(path, method, item, schemas) for method, item in methods.items()}
        for path, methods in routes.items()
    }
    session = {"type": "apiKey", "in": "cookie", "name": cookie, "description": "The page's session."}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HomeLabHub",
            "version": version("homelabhub"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": {**definitions, "Problem": _PROBLEM_SCHEMA}, "securitySchemes": {**_DOORS, "session": session}},
    }


def programs(routes: Routes) -> Routes:
    """The operations for programs: not the page, and none of its files."""
    kept = {
        path: {method: item for method, item in methods.items() if item.media != HTML}
        for path, methods in routes.items()
        if not path.startswith("/static/")
    }
    return {path: methods for path, methods in kept.items() if methods}


def _schemas(routes: Routes) -> tuple[_Schemas, dict[str, Any]]:
    wanted: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = []
    for methods in routes.values():
        for item in methods.values():
            if item.answer is not None:
                wanted.append((item.answer, "serialization", _adapter(item.answer)))
            if item.body is not None:
                wanted.append((item.body, "validation", _adapter(item.body)))
    found, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    return found, definitions.get("$defs", {})


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _operation(path: str, method: str, item: Operation, schemas: _Schemas) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": f"{method.lower()} {path}",
        "summary": item.summary,
        "parameters": [*_path_parameters(path), *_query_parameters(item.query), *_header_parameters(method, item)],
        "responses": {**_successes(item, schemas), **_problems(method, item)},
        "security": [] if item.scope is None else [{"token": []}, {"session": []}],
    }
    if item.scope is not None:
        said["x-scope"] = item.scope
    if item.socket:
        said["description"] = "Only at the controller's own socket."
    if item.body is not None:
        said["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas[item.body, "validation"]}}}
    return said


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": _plain(each)} for name, each in schema["properties"].items()
    ]


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is not null: it is not there."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    plain = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "default")}
    return {**plain, **choices[0]} if choices else plain


def _header_parameters(method: str, item: Operation) -> list[dict[str, Any]]:
    names = []
    if method == "POST" and item.scope is not None:
        names.append("Idempotency-Key")
    if item.etag:
        names.append("If-None-Match")
    if 412 in item.problems:
        names.append("If-Match")
    if item.query is not None and "after" in item.query.model_fields:
        names.append("Last-Event-ID")
    once = {"type": "string", "pattern": KEY}
    schemas = {"Idempotency-Key": once}
    return [{"name": name, "in": "header", "required": False, "schema": schemas.get(name, {"type": "string"})} for name in names]


def _successes(item: Operation, schemas: _Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if item.answer is not None:
        content = {JSON: {"schema": schemas[item.answer, "serialization"]}}
        if item.query is not None and "after" in item.query.model_fields:
            content["text/event-stream"] = {"schema": {"type": "string"}}
    elif item.media != JSON:
        content = {item.media.partition(";")[0]: {"schema": {"type": "string"}}}
    found: dict[str, Any] = {}
    for status in (item.status, *item.also):
        found[str(status)] = {"description": HTTPStatus(status).phrase, **({"content": content} if content else {})}
    if item.etag:
        found["304"] = {"description": "Not Modified"}
    return found


def _problems(method: str, item: Operation) -> dict[str, Any]:
    known = {400, 429, *item.problems}
    if item.scope is not None:
        known |= {401, 403}
    if item.query is not None or item.body is not None:
        known.add(422)
    if method == "POST":
        known |= {408, 413, 415}
        if item.scope is None:
            known |= {401, 403}
        else:
            known |= {409, 422}
    known -= {item.status, *item.also}
    content = {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(known)}
