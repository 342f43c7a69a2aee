"""Core records as the JSON text that the stores keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from controller.core.codec import from_json, to_json
from controller.core.errors import JournalError
from controller.core.event import Event

T = TypeVar("T")


def encode(record: object) -> str:
    """JSON text of a record. Raises JournalError for text that JSON cannot hold (half a surrogate pair)."""
    try:
        return to_json(record)
    except PydanticSerializationError as error:
        raise JournalError(f"a {type(record).__name__} holds text that is not Unicode and cannot be recorded") from error


def encode_event(event: Event) -> str:
    """JSON text of an event; hostile file names and log lines must not stop it, so what is not Unicode becomes `?`."""
    try:
        return to_json(event)
    except PydanticSerializationError:
        words = {name: getattr(event, name).encode("utf-8", "replace").decode() for name in ("reason", "message", "key", "run")}
        return to_json(replace(event, **words))


def decode(kind: type[T], text: str) -> T:
    """A record from its JSON text. Raises JournalError when it is not one."""
    try:
        return from_json(kind, text)
    except ValidationError as error:
        raise JournalError(f"a stored {kind.__name__} cannot be read; the store is damaged: restore a backup") from error
