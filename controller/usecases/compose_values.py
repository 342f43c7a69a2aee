"""Values in compose files and in the `.env` files beside them, as far as an importer must understand them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.secret import looks_sensitive

_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-+?])(?P<word>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)


def variables_in(data: Any) -> Iterator[str]:
    """Every variable that texts in data refer to."""
    if isinstance(data, str):
        yield from (found["braced"] or found["plain"] for found in _REFERENCE.finditer(data) if not found["escaped"])
        yield from (name for found in _REFERENCE.finditer(data) if found["word"] for name in variables_in(found["word"]))
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from variables_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from variables_in(value)


def expanded(text: str, env: Mapping[str, str]) -> str:
    """A text with its variables filled in."""

    def fill(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        name, how, word = found["braced"] or found["plain"], found["how"] or "", found["word"] or ""
        value = env.get(name)
        there = bool(value) if how.startswith(":") else value is not None
        if how.endswith("+"):
            return expanded(word, env) if there else ""
        return value or "" if there or not how.endswith("-") else expanded(word, env)

    return _REFERENCE.sub(fill, text)


def secret_parts(name: str, value: str) -> Iterator[str]:
    """The variables in a sensitive value that hold its secret: all of it, or the password in a URL."""
    bare = _REFERENCE.sub(lambda found: "$$" if found["escaped"] else f"${{{found['braced'] or found['plain']}}}", value)
    if looks_sensitive(name):
        yield from (variables_in(bare) if _REFERENCE.fullmatch(bare) else ())
    for found in _PASSWORD.finditer(bare):
        yield from variables_in(found[1])


def as_map(environment: Any) -> dict[str, Any]:
    """`environment` as a map, whichever way it is written."""
    if isinstance(environment, Mapping):
        return dict(environment)
    split = [str(entry).partition("=") for entry in environment or ()]
    return {name: value if equals else None for name, equals, value in split}


def as_paths(entry: Any) -> list[str]:
    """`env_file` as paths."""
    entries = entry if isinstance(entry, list) else [entry] if entry else []
    return [str(each.get("path", "")) if isinstance(each, Mapping) else str(each) for each in entries]


def dotenv(content: bytes | None) -> dict[str, str]:
    """NAME=value lines; quotes go, comments go."""
    found: dict[str, str] = {}
    for line in (content or b"").decode("utf-8", "replace").splitlines():
        name = assigned(line)
        if name:
            value = line.partition("=")[2].strip()
            quote = value[:1]
            if quote in ("'", '"') and value.find(quote, 1) > 0:
                found[name] = value[1 : value.find(quote, 1)]
            else:
                found[name] = re.split(r"\s#", value)[0].strip()
    return found


def assigned(line: str) -> str:
    """The name that a line of an env file sets, or ""."""
    found = re.match(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=", line)
    return found[1] if found else ""
