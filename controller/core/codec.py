"""Core records as JSON and back, for the store, the API and the socket."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: Any, kind: Any = None) -> str:
    """JSON text of a core record (or of `kind`, for containers of records)."""
    return _adapter(cast(Hashable, kind or type(value))).dump_json(value).decode()


def to_data(value: Any, kind: Any = None) -> Any:
    """JSON-shaped data of a core record."""
    return _adapter(cast(Hashable, kind or type(value))).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes) -> T:
    """A core record from JSON text; raises pydantic.ValidationError."""
    result: T = _adapter(cast(Hashable, kind)).validate_json(text)
    return result


def from_data(kind: type[T], data: Any) -> T:
    """A core record from JSON-shaped data; raises pydantic.ValidationError."""
    result: T = _adapter(cast(Hashable, kind)).validate_python(data)
    return result
