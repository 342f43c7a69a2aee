"""States of one object, before and after, as lines of YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.usecases.compare_files import LineView, hunks

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=-]+)*")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_ALL = 10_000


def state_hunks(before: Any, after: Any) -> tuple[tuple[LineView, ...], ...]:
    """The states (masked; null = it is not there), line by line. What is made or deleted is shown whole."""
    old, new = ([f"{line}\n" for line in yaml_lines(state)] if state is not None else [] for state in (before, after))
    return tuple(hunks(old, new, around=3 if old and new else _ALL))


def yaml_lines(data: Any, indent: str = "") -> Iterator[str]:
    """Data as YAML that reads back as the same data."""
    if isinstance(data, Mapping) and data:
        for name, item in data.items():
            yield from _entry(f"{indent}{_scalar(str(name))}:", item, f"{indent}  ")
    elif isinstance(data, list) and data:
        for item in data:
            yield from _entry(f"{indent}-", item, f"{indent}  ")
    else:
        yield indent + _scalar(data)


def _entry(head: str, item: Any, inner: str) -> Iterator[str]:
    if isinstance(item, (Mapping, list)) and item:
        yield head
        yield from yaml_lines(item, inner)
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(item: Any) -> str:
    if isinstance(item, str) and _PLAIN.fullmatch(item) and item.lower() not in _WORDS:
        return item
    return json.dumps(item, ensure_ascii=False)
