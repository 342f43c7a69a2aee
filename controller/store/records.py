"""Core records as the JSON text that the stores keep."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from controller.core.audit import Deed
from controller.core.codec import from_json, to_json
from controller.core.errors import JournalError
from controller.core.event import Event

T = TypeVar("T")
Flat = TypeVar("Flat", Event, Deed)


@dataclass(frozen=True)
class Proposal:
    """A proposal as it is kept: `data` is whatever its use case wrote."""

    id: str
    at: float
    standing: str
    data: str


def encode(record: object) -> str:
    """JSON text of a record. Raises JournalError for text that JSON cannot hold (half a surrogate pair)."""
    try:
        return to_json(record)
    except PydanticSerializationError as error:
        raise JournalError(f"a {type(record).__name__} holds text that is not Unicode and cannot be recorded") from error


def encode_anyway(record: Flat) -> str:
    """JSON text of a flat record; hostile file names and log lines must not stop it, so what is not Unicode becomes `?`."""
    try:
        return to_json(record)
    except PydanticSerializationError:
        values = {item.name: getattr(record, item.name) for item in fields(record)}
        words: dict[str, Any] = {
            name: value.encode("utf-8", "replace").decode() for name, value in values.items() if type(value) is str
        }
        return to_json(replace(record, **words))


def decode(kind: type[T], text: str) -> T:
    """A record from its JSON text. Raises JournalError when it is not one."""
    try:
        return from_json(kind, text)
    except ValidationError as error:
        raise JournalError(f"a stored {kind.__name__} cannot be read; the store is damaged: restore a backup") from error
