"""Values in compose files and in the `.env` files beside them, as far as an importer must understand them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.secret import looks_sensitive

_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-+?])(?P<word>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
_STATEMENT = re.compile(
    r"""^[^\S\n]*(?:export\s+)?(?P<name>[A-Za-z_][\w.-]*)[^\S\n]*=[^\S\n]*
        (?:(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)[^\n]*|(?P<bare>[^\n]*))$\n?""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_SOURCE = re.compile(r"((?:\$\{[^{}]*\}|[^:])*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """NAME=value in an env file: `text` is all that was written, over several lines when it is quoted; `literal` values hold no
    variables."""

    name: str
    value: str
    text: str
    literal: bool


def statements(content: bytes | None) -> Iterator[Statement]:
    """Every value that an env file sets. Quotes go, comments go."""
    for found in _STATEMENT.finditer((content or b"").decode("utf-8", "replace").replace("\r\n", "\n")):
        quote, bare = found["quote"] or "", found["bare"]
        value = re.split(r"\s#", bare)[0].strip() if bare is not None else found["quoted"]
        if quote == '"':
            value = value.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
        yield Statement(found["name"], value, found[0], quote == "'")


def dotenv(content: bytes | None, outer: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an env file sets. Its values may refer to `outer` ones, which win, and to those before them."""
    found: dict[str, str] = {}
    for each in statements(content):
        found[each.name] = each.value if each.literal else expanded(each.value, {**found, **(outer or {})})
    return found


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


def only_variable(text: str) -> str:
    """The variable that a text is all of (`${NAME}`, with whatever it says for when that is missing), or ""."""
    found = _REFERENCE.fullmatch(text)
    return "" if found is None or found["escaped"] or (found["how"] or "").endswith("+") else found["braced"] or found["plain"]


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


def as_list(value: Any) -> list[Any]:
    """One or several, as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def as_paths(entry: Any) -> list[str]:
    """`env_file`, or the `path` of an `include`, as paths."""
    return [str(each.get("path", "")) if isinstance(each, Mapping) else str(each) for each in as_list(entry)]


def source_of(mount: str) -> tuple[str, str]:
    """The source of a mount in short syntax, and the rest with its colon."""
    found = _SOURCE.fullmatch(mount)
    return (found[1], found[2]) if found else (mount, "")
