"""What the parser's own complaints mean to a person."""

from __future__ import annotations

import re

import yaml

_CONFLICT = re.compile("^<{7} ", re.MULTILINE)
_BEGINNING = ("found unexpected end of stream", "did not find expected ',' or ']'", "did not find expected ',' or '}'")

_MEANING = {
    "mapping values are not allowed in this context": (
        "a `:` stands where no key may be",
        "put the text in quotes if it contains `: `, or check the indentation of this line and the one above",
    ),
    "could not find expected ':'": (
        "this line is neither `key: value` nor a list entry",
        "add the missing `:` or fix the indentation",
    ),
    "did not find expected key": ("the indentation does not fit the lines above", "line it up with its neighbours"),
    "did not find expected '-' indicator": ("this is not an entry of the list above", "start it with `- `, or indent it less"),
    "did not find expected node content": ("a value is missing here", "write it, or close the `[` or `{` that is open above"),
    "found a tab character that violates indentation": ("a tab cannot indent YAML", "use spaces"),
    "found unexpected end of stream": ("this quote is never closed", "add the missing quote"),
    "found undefined tag handle": ("this tag is not defined", "leave it out"),
    "did not find expected ',' or ']'": ("this `[` is not closed where it should be", "add the missing `,` or `]`"),
    "did not find expected ',' or '}'": ("this `{` is not closed where it should be", "add the missing `,` or `}`"),
    "found unknown escape character": ("this escape is unknown", "use single quotes, or write `\\\\` for a backslash"),
    "found invalid Unicode character escape code": ("this escape is not a character", "leave it out"),
    "found incompatible YAML document": ("only YAML 1.1 and 1.2 are read", "remove the %YAML line"),
}


def explain(error: yaml.MarkedYAMLError, source: str) -> tuple[int, int, str, str]:
    """Line and column (from 0), a sentence and a fix for a complaint of the parser about `source`."""
    problem = str(error.problem or "the text is not YAML")
    mark = error.problem_mark or error.context_mark
    if problem in _BEGINNING and error.context_mark is not None:
        mark = error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if conflict := _CONFLICT.search(source):
        line = source.count("\n", 0, conflict.start())
        return (
            line,
            0,
            "a merge conflict is not resolved here",
            "keep one side; remove the <<<<<<<, =======, >>>>>>> lines",
        )
    if problem == "found character that cannot start any token":
        return line, column, *_odd_character(source[mark.index : mark.index + 1] if mark else "")
    message, hint = _MEANING.get(problem, (problem, ""))
    return line, column, message, hint


def _odd_character(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent YAML", "use spaces"
    return f"a value cannot start with `{character}`", "put it in quotes"
