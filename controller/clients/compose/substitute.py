"""Compose's `$NAME` and `${NAME…}` in one text.

Forms: `$N`, `${N}`, `${N:-d}`, `${N-d}`, `${N:?e}`, `${N?e}`, `${N:+x}`, `${N+x}`, and `$$` for a dollar; defaults, messages
and replacements may hold further variables. A `$` before anything else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from controller.clients.compose.findings import Invalid

_NAME = "[_a-zA-Z][_a-zA-Z0-9]*"
_REFERENCE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{_NAME})|\{{(?:(?P<braced>{_NAME}(?::?[-+?].*)?)\}}|(?P<invalid>)))",
)
_OPERATORS = (":?", "?", ":-", "-", ":+", "+")


class Variables:
    """The only values that interpolation may see, and the names it looked for in vain."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.unset: dict[str, None] = {}

    def get(self, name: str) -> str | None:
        return self.values.get(name)


def substitute(text: str, variables: Variables) -> str:
    """`text` with every reference replaced; raises Invalid for a broken reference or a required variable without a value."""
    if "$" not in text:
        return text
    return _REFERENCE.sub(lambda match: _replacement(match[0], text, variables), text)


def _replacement(matched: str, text: str, variables: Variables) -> str:
    # The pattern is greedy up to the last brace of a line: cut at the brace that closes the first one.
    end = _closing_brace(matched)
    head, rest = (matched, "") if end < 0 else (matched[: end + 1], matched[end + 1 :])
    match = _REFERENCE.match(head)
    if match is None:
        raise Invalid(f"`{text}` is not a valid variable reference", "write `$$` for a plain dollar sign")
    if match["escaped"]:
        return "$"
    if match["named"]:
        return _value(match["named"], variables) + rest
    if not match["braced"]:
        raise Invalid(f"`{text}` is not a valid variable reference", "write `$$` for a plain dollar sign")
    return _expanded(match["braced"], variables) + substitute(rest, variables)


def _closing_brace(text: str) -> int:
    depth, position = 0, 0
    while position < len(text):
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        elif text[position] == "{":
            depth += 1
            position += 1  # Compose never looks at the character after an opening brace
        position += 1
    return -1


def _value(name: str, variables: Variables) -> str:
    value = variables.get(name)
    if value is None:
        variables.unset[name] = None
    return value or ""


def _expanded(reference: str, variables: Variables) -> str:
    present = [(position, operator) for operator in _OPERATORS if (position := reference.find(operator)) >= 0]
    if not present:
        return _value(reference, variables)
    operator = min(present)[1]
    name, _, argument = reference.partition(operator)
    value = variables.get(name)
    given = value is not None and not (operator.startswith(":") and value == "")
    match operator[-1]:
        case "-":
            return (value or "") if given else substitute(argument, variables)
        case "+":
            return substitute(argument, variables) if given else (value or "")
        case _:
            if not given:
                reason = substitute(argument, variables)
                raise Invalid(f"the variable {name} is required" + (f": {reason}" if reason else ""), f"set {name}")
            return value or ""
