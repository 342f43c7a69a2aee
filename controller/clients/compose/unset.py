"""References to variables that have no value. Compose takes empty text with a warning; the value may live in a shell or a file
that a repository does not have, so silence would break the service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from controller.clients.compose.data import Data, Override
from controller.clients.compose.findings import Invalid, Path
from controller.clients.compose.substitute import Variables, substitute
from controller.core.suggest import did_you_mean

_REFERENCE = r"(?<!\$)(?:\$\$)*\$(?:{name}(?![_a-zA-Z0-9])|\{{{name}\}})"


def unset_references(data: Data, variables: Mapping[str, str], path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The path and the name of each variable without a value that a text in `data` refers to; keys are never interpolated."""
    if isinstance(data, Override):
        data = data.value
    if isinstance(data, str):
        if "$" in data:
            yield from ((path, name) for name in _unset(data, variables))
    elif isinstance(data, dict | list):
        for part, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from unset_references(value, variables, (*path, part))


def unset_hint(name: str, known: Mapping[str, str], where: str = "") -> str:
    """How to give a variable its value; `where` names further places than homelab.yaml."""
    near = did_you_mean(name, known)
    return (
        (f"{near} Or " if near else "")
        + f"set it in homelab.yaml (`spec: {{variables: {{{name}: …}}}}`){where}, or give it a default: ${{{name}:-…}} "
        + "(write $$ for a plain dollar sign)"
    )


def _unset(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    values = Variables(variables)
    try:
        substitute(text, values)
    except Invalid:
        return  # told by who interpolates
    # Compose also looks at what stands in a default; only what is written as a reference of its own is one to a person.
    yield from (name for name in values.unset if re.search(_REFERENCE.format(name=name), text))
