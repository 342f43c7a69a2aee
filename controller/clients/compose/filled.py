"""Variables put into data that is ours and stands beside Compose's: the same rules, and a variable without a value is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.clients.compose.findings import Invalid
from controller.clients.compose.substitute import Variables, substitute
from controller.clients.compose.unset import unset_hint, unset_references
from controller.core.document import Path
from controller.core.errors import Problem


def filled(data: Any, variables: Mapping[str, str], path: Path = ()) -> tuple[Any, list[Problem]]:
    """Data with every reference replaced, and what is wrong, with paths that begin with `path`."""
    found = [
        Problem(place, f"the variable {name} is not set", unset_hint(name, variables))
        for place, name in unset_references(data, variables, path)
    ]
    return _filled(data, Variables(variables), path, found), found


def _filled(data: Any, variables: Variables, path: Path, found: list[Problem]) -> Any:
    if isinstance(data, Mapping):
        return {name: _filled(value, variables, (*path, name), found) for name, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, variables, (*path, index), found) for index, value in enumerate(data)]
    if not isinstance(data, str):
        return data
    try:
        return substitute(data, variables)
    except Invalid as error:
        found.append(Problem(path, error.message, error.hint))
        return data
