"""JSON Schemas (2020-12) of everything that can be declared, generated from the kinds' models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from controller.core.estate import HomelabSpec
from controller.core.key import NAME_PATTERN
from controller.core.kind import Kind
from controller.core.policy import PolicySpec
from controller.engine.load import Envelope

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
EVERYTHING = "homelab"
"""Name of the schema that takes any document; the Homelab document itself has no file of its own."""
_FIELDS = {
    "kind": "What this document declares.",
    "name": "Unique per kind: lower-case letters, digits and inner dashes, at most 63.",
    "spec": "What is wanted; see the kind.",
    "apiVersion": "Version of this format.",
    "labels": "Free words for your own use.",
    "needs": "What must be in place first, as kind/name.",
    "mode": "apply = make it so; observe = report differences, never write; adopt = take over what exists without a change.",
    "protect": "A person must approve that it is deleted.",
    "suspend": "Leave it alone, on purpose.",
}

Models = Mapping[str, tuple[type[BaseModel], str]]
"""Model and summary by the name of the kind."""


def schemas(kinds: Mapping[str, Kind]) -> Mapping[str, str]:
    """The text of every schema file by name: one per kind, `policy`, and `homelab` for any document."""
    models: dict[str, tuple[type[BaseModel], str]] = {name: (kind.model, kind.summary) for name, kind in sorted(kinds.items())}
    models["policy"] = (PolicySpec, "House rules: what happens by itself and what a person must approve.")
    texts = {name: _text(_one(name, models[name])) for name in models}
    house = (HomelabSpec, "Connections to backends and variables, in homelab.yaml at the root of the specs.")
    texts[EVERYTHING] = _text(_any({**models, EVERYTHING: house}))
    return texts


def _one(name: str, described: tuple[type[BaseModel], str]) -> dict[str, Any]:
    """The schema of one kind's documents."""
    references, definitions = _definitions({name: described})
    return {"$schema": _DIALECT, **_document(name, described[1], references[name]), "$defs": definitions}


def _any(models: Models) -> dict[str, Any]:
    """The schema of any document: one branch per kind."""
    references, definitions = _definitions(models)
    documents = {f"{name.capitalize()}Document": _document(name, text, references[name]) for name, (_, text) in models.items()}
    branches = [{"$ref": f"#/$defs/{name}"} for name in documents]
    return {
        "$schema": _DIALECT,
        "title": "A document of a spec repository",
        "type": "object",
        "required": ["kind", "name"],
        "oneOf": branches,
        "$defs": {**documents, **definitions},
    }


def _definitions(models: Models) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What stands for each kind's `spec`, and everything it refers to."""
    wanted = [(model, "validation") for model, _ in models.values()]
    made, shared = models_json_schema(wanted, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    references = {name: made[model, "validation"] for name, (model, _) in models.items()}
    definitions = _without_titles(shared.get("$defs", {}))
    for model, _ in models.values():
        if _takes_notes(model):
            definitions[model.__name__]["patternProperties"] = {"^x-": {}}
    return references, definitions


def _takes_notes(model: type[BaseModel]) -> bool:
    """True when `x-…` keys are free for a person's own notes."""
    try:
        model.model_validate({"x-note": None})
    except ValidationError as error:
        return all(item["type"] != "extra_forbidden" for item in error.errors(include_input=False))
    return True


def _document(name: str, summary: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of one kind around its `spec`."""
    envelope = Envelope.model_json_schema()
    shared = envelope.get("$defs", {})
    fields = {field: dict(_resolved(schema, shared)) for field, schema in envelope["properties"].items()}
    for field, schema in fields.items():
        schema.pop("title", None)
        schema["description"] = _FIELDS[field]
    fields["kind"] = {"enum": [name.capitalize(), name], "description": _FIELDS["kind"]}
    fields["name"]["pattern"] = f"^{NAME_PATTERN}$"
    fields["apiVersion"] = {"const": "homelab/v1", "description": _FIELDS["apiVersion"]}
    fields["spec"] = dict(spec)
    return {
        "title": name.capitalize(),
        "description": summary,
        "type": "object",
        "properties": fields,
        "required": ["kind", "name"],
        "additionalProperties": False,
    }


def _resolved(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in schema.items():
        if name == "$ref":
            found = shared[value.rpartition("/")[2]]
            yield from ((key, part) for key, part in found.items() if key in ("type", "enum"))
        else:
            yield name, value


def _without_titles(data: Any, properties: bool = False) -> Any:
    """The same without the titles that only repeat a field's name."""
    if isinstance(data, dict):
        return {
            name: _without_titles(value, name in ("properties", "$defs") and not properties)
            for name, value in data.items()
            if properties or not (name == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in data] if isinstance(data, list) else data


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
