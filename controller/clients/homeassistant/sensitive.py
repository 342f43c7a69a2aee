"""Values in bodies of Home Assistant that nobody but Home Assistant may hold: one question for what is declared, for what is seen
and for what is imported. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.clients.homeassistant.values import is_template
from controller.core.secret import has_credentials, looks_sensitive

_CODES = frozenset(["code", "pin"])
"""What opens a lock or stills an alarm, where it stands in the data of an action."""
_DOORS = frozenset(["webhook_id", "authorization"])
"""What lets in whoever knows it."""
_FREE = frozenset(["input_text", "text"])
"""Domains of entities whose state is any text."""
_HARMLESS = frozenset(["", "true", "false", "none", "null", "unknown", "unavailable"])
Place = tuple[str | int, ...]


def secret_places(body: Any) -> Iterator[Place]:
    """Where a body holds values that look secret."""
    yield from _secrets(body, ())


def secret_in_body(body: Any) -> str:
    """The first place where a body holds a value that looks secret (`actions.0.data.code`), or ""."""
    return ".".join(map(str, next(_secrets(body, ()), ())))


def hidden(place: str) -> str:
    """Why something with a secret in it cannot be declared."""
    return f"{place} looks like a secret, and a body cannot hold one by reference: it stays as it is in Home Assistant"


def _secrets(value: Any, path: Place) -> Iterator[Place]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, (*path, str(name)))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _secrets(item, (*path, number))
    elif path and _is_secret(path, value):
        yield path


def _is_secret(path: Place, value: Any) -> bool:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if text.lower() in _HARMLESS or is_template(text):
        return has_credentials(text)
    return _is_named_so(path) or has_credentials(text)


def _is_named_so(path: Place) -> bool:
    names = [part.lower() for part in path if isinstance(part, str)]
    if not names:
        return False
    name = names[-2] if names[-1] == "state" and len(names) > 1 else names[-1]
    domain, dot, _ = name.partition(".")
    if dot and names[0] == "entities" and domain not in _FREE:
        return False
    return looks_sensitive(name) or name in _DOORS or (name in _CODES and "data" in names)
