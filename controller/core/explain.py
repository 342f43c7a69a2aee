"""What pydantic finds wrong with data, in the words of whoever wrote the data. Values are not repeated: they may be secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from controller.core.suggest import did_you_mean, nearest

_WANTED = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), "a map"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "string_type": "text",
}
_SHOWN = {type(None): "nothing", dict: "a map", list: "a list", str: "text", bool: "true or false", int: "a number"}
_HINTS = {
    ("a map", type(None)): "write its fields below it, indented with two spaces",
    ("a map", str): "write `name: value` lines below it, indented with two spaces",
    ("a list", str): "put `- ` before it, on a line of its own",
    ("text", int): "write it in quotes",
    ("text", float): "write it in quotes",
    ("text", bool): "write it in quotes",
}
_FEW = 12
_CHOICE = re.compile(r"'([^']*)'")


def explain(item: Mapping[str, Any], model: type[BaseModel], data: Any) -> tuple[str, str]:
    """The message and the hint for one of `ValidationError.errors()` about `data`. What the model itself says of a word (`field`)
    or of a value (`field: value`), in a class variable `hints`, goes before every other hint."""
    place = item["loc"]
    message, hint = _explained(item, model, data)
    if len(place) != 1:
        return message, hint
    said, value = getattr(model, "hints", {}), _at(data, place)
    own = said.get(f"{place[0]}: {value}") if isinstance(value, str) else None
    return message, own or said.get(place[0]) or hint


def _explained(item: Mapping[str, Any], model: type[BaseModel], data: Any) -> tuple[str, str]:
    place = item["loc"]
    name = next((step for step in reversed(place) if isinstance(step, str)), "")
    kind, value = item["type"], _at(data, place)
    if kind == "extra_forbidden":
        return f"unknown key {place[-1]!r}", _unknown(str(place[-1]), model, place[:-1])
    if kind == "missing":
        return f"{place[-1]!r} is missing", _described(str(place[-1]), model, place[:-1])
    if kind in _WANTED:
        wanted = _WANTED[kind]
        return f"`{name}` must be {wanted}, not {_SHOWN.get(type(value), 'a number')}", _HINTS.get((wanted, type(value)), "")
    if kind in ("literal_error", "enum"):
        choices = _CHOICE.findall(item["ctx"]["expected"])
        return f"`{name}` must be {item['ctx']['expected']}", did_you_mean(value, choices) if isinstance(value, str) else ""
    message = item["msg"].removeprefix("Value error, ")
    return (message.replace("Input", f"`{name}`", 1) if name and message.startswith("Input ") else message), ""


def meant(word: str, model: type[BaseModel], place: tuple[str | int, ...]) -> str | None:
    """The field that an unknown key at a place was most likely meant to be, or None."""
    return nearest(word, _fields(model, place))


def _unknown(word: str, model: type[BaseModel], place: tuple[str | int, ...]) -> str:
    known = _fields(model, place)
    if near := did_you_mean(word, known):
        return near
    if not place and _takes_notes(model):
        return "x-… keys are free for your own notes"
    return f"known here: {', '.join(known)}" if 0 < len(known) <= _FEW else ""


def _described(word: str, model: type[BaseModel], place: tuple[str | int, ...]) -> str:
    field = model.model_fields.get(word) if not place else None
    return f"write `{word}: …`" + (f" ({field.description.rstrip('.')})" if field is not None and field.description else "")


def _takes_notes(model: type[BaseModel]) -> bool:
    try:
        model.model_validate({"x-note": None})
    except ValidationError as error:
        return all(item["loc"] != ("x-note",) for item in error.errors(include_url=False, include_input=False))
    return True


def _fields(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    names = [info.alias or name for name, info in model.model_fields.items()]
    if not place:
        return names
    inner = model.model_fields.get(str(place[0]))
    annotation = inner.annotation if inner else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation, place[1:])
    return []


def _at(data: Any, place: tuple[str | int, ...]) -> Any:
    """The value at a place, passing over the steps that pydantic adds for members of unions."""
    for step in place:
        if isinstance(data, dict):
            data = data.get(step, data)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
    return data
