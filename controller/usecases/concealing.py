"""Concealing: known secret values taken out of data that people see, wherever somebody wrote them in plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Conceal = Callable[[str], str]
"""A text without any value that the vault keeps."""

BETWEEN = "\x00"
"""Between texts that are concealed together: who conceals looks through everything that is kept each time."""


def concealed(data: Any, conceal: Conceal) -> Any:
    """JSON-shaped data with every text in it concealed. Names of maps stay: they are written by people for people."""
    texts = list(_texts(data))
    found = conceal(BETWEEN.join(texts)).split(BETWEEN)
    if len(found) != len(texts):  # a text holds the separator itself
        found = [conceal(text) for text in texts]
    return _with(data, iter(found))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for item in data.values():
            yield from _texts(item)
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from _texts(item)


def _with(data: Any, texts: Iterator[str]) -> Any:
    if isinstance(data, str):
        return next(texts)
    if isinstance(data, dict):
        return {name: _with(item, texts) for name, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [_with(item, texts) for item in data]
    return data
