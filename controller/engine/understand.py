"""Understand: data that a person wrote becomes a model, with every finding at its place. What is wrong in it is set aside, so
that the rest can be judged in the same go; a misspelled key is read as the one that it was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from controller.core.document import Parsed, Path
from controller.core.errors import Diagnostic, Origin, Severity
from controller.core.explain import explain, meant

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Understood(Generic[M]):
    """`model` is what could be understood (None = nothing), `parsed` the document as it was understood: places in it are still
    those of what was written. `refused` are the top-level keys that were set aside. Without `problems` it is all as written."""

    model: M | None
    parsed: Parsed
    problems: tuple[Diagnostic, ...] = ()
    refused: frozenset[str] = frozenset()


def understand(model: type[M], data: Mapping[str, Any], parsed: Parsed, at: Path) -> Understood[M]:
    """What `data`, which stands at a path of a document, means to a model."""
    try:
        return Understood(model.model_validate(data), parsed)
    except ValidationError as error:
        problems = tuple(validation_diagnostics(error, parsed, at, model))
        mended = _Mended(deepcopy(dict(data)))
        hopeless = [item for item in _items(error) if not mended.set_aside(item, model)]
    try:
        found = None if hopeless else model.model_validate(mended.data)
    except ValidationError:
        found = None
    return Understood(found, mended.shown(parsed, at), problems, frozenset(mended.refused))


def diagnostic(parsed: Parsed, path: Path, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Diagnostic:
    """A finding at a path of a document, with position and source line."""
    origin = parsed.locate(path)
    return Diagnostic(message, origin, hint, parsed.snippet(origin), severity)


def where(data: Any, at: Path, token: str, after: str = "/") -> Path:
    """The first text or key below a place in which a word stands, else the place itself. `after` may follow the word."""
    inside = r"\w-" if "/" in after else r"\w/-"
    word = re.compile(rf"(?<![\w.-]){re.escape(token)}(?![{inside}])")
    return next((path for path, text in _texts(_value(data, at), at) if word.search(text)), at)


def _texts(data: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(data, dict | list):
        for step, value in data.items() if isinstance(data, dict) else enumerate(data):
            if isinstance(step, str):
                yield (*path, step), step
            yield from _texts(value, (*path, step))
    elif data is not None:
        yield path, str(data)


def validation_diagnostics(
    error: ValidationError, parsed: Parsed, at: Path, model: type[BaseModel], severity: Severity = Severity.ERROR
) -> list[Diagnostic]:
    """Pydantic's findings as diagnostics."""
    found: dict[tuple[Path, str], Diagnostic] = {}
    data = _value(parsed.data, at)
    for item in _items(error):
        path = (*at, *_written(item["loc"], data))
        if item["type"] == "missing":
            path = path[:-1]
        message, hint = explain(item, model, data)
        found.setdefault((path, message), diagnostic(parsed, path, message, hint, severity))
    return list(found.values())


@dataclass
class _Mended:
    """Data from which what is wrong is taken, or given its right name (`renamed`: right path → written word)."""

    data: dict[str, Any]
    renamed: dict[Path, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def set_aside(self, item: Mapping[str, Any], model: type[BaseModel]) -> bool:
        """Take out what a finding is about; False when it cannot be."""
        path = _written(item["loc"], self.data)
        if item["type"] == "missing":
            path = path[:-1]
        while path and not isinstance(path[-1], str):
            path = path[:-1]
        if not path:
            return False
        owner, word = _value(self.data, path[:-1]), path[-1]
        if isinstance(owner, dict) and word in owner:
            right = meant(str(word), model, path[:-1]) if item["type"] == "extra_forbidden" else None
            value = owner.pop(word)
            if right is not None and right not in owner:
                owner[right] = value
                self.renamed[(*path[:-1], right)] = str(word)
            else:
                self.refused.add(str(path[0]))
        return True

    def shown(self, parsed: Parsed, at: Path) -> Parsed:
        """The document with this data in it."""
        words = {(*at, *path): word for path, word in self.renamed.items()}

        def locate(path: Path) -> Origin:
            for right, word in words.items():
                if path[: len(right)] == right:
                    path = (*right[:-1], word, *path[len(right) :])
            return parsed.locate(path)

        data: Any = self.data
        for index, step in reversed(list(enumerate(at))):
            owner = _value(parsed.data, at[:index])
            if not isinstance(owner, dict):
                return replace(parsed, locate=locate)  # a part of it: it was put together from several places
            data = {**owner, step: data}
        return replace(parsed, data=data, locate=locate)


def _items(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_context=True, include_input=False))


def _value(data: Any, path: Path) -> Any:
    for step in path:
        inside = (isinstance(data, dict) and step in data) or (isinstance(data, list) and step in range(len(data)))
        data = data[step] if inside else None
    return data


def _written(loc: Path, data: Any) -> Path:
    """A location without the parts that pydantic adds for union members: only steps that exist in the data."""
    kept: list[str | int] = []
    for index, step in enumerate(loc):
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            kept.append(step)
        elif index == len(loc) - 1 and isinstance(data, dict) and isinstance(step, str):
            kept.append(step)
    return tuple(kept)
