"""From the bytes of a file to documents of plain data that know where each part is written."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from controller.clients.compose.data import Override, Reset
from controller.clients.yaml.grow import MOST_PROBLEMS, Grower
from controller.clients.yaml.nodes import RESET, Node
from controller.clients.yaml.text import Text
from controller.core.document import Parsed, Path
from controller.core.errors import Diagnostic, Origin, SpecError


def read_yaml(path: str, content: bytes, *, revision: str = "") -> tuple[Parsed, ...]:
    """The documents of a YAML file, in order; those that say nothing are left out.

    Scalars are YAML 1.2, keys are text, aliases and `<<` are written out (no object is shared), `!reset` and `!override` are
    the markers of clients.compose. Raises SpecError, with every problem it could find, for anything else: other tags, keys
    written twice, numbers that cannot be kept, characters that are no text, malformed YAML, and what passes the limits
    (1 MiB per file; per document 10,000 values, 40 levels and 4 MiB of text once aliases are written out)."""
    text = Text(path, content, revision)
    grower = Grower(text, text.decoded())
    found: list[Parsed] = []
    problems: list[Diagnostic] = []
    try:
        for tree in grower.trees():
            origin = text.origin(tree.root.line, tree.root.column)
            data = _data(tree.root, text, problems)
            found.append(Parsed(data, origin, partial(_locate, text, tree.offset, tree.before), text.snippet))
    except SpecError as error:
        problems += error.diagnostics
    if problems:
        raise SpecError(sorted(problems, key=lambda problem: problem.origin))
    return tuple(found)


def _data(node: Node, text: Text, problems: list[Diagnostic]) -> Any:
    if node.tag:
        return Reset() if node.tag == RESET else Override(_bare(node, text, problems))
    return _bare(node, text, problems)


def _bare(node: Node, text: Text, problems: list[Diagnostic]) -> Any:
    if node.entries is not None:
        return {name: _data(entry[1], text, problems) for name, entry in node.entries.items()}
    if node.items is not None:
        return [_data(item, text, problems) for item in node.items]
    try:
        return node.scalar()
    except ValueError as error:
        problem = text.diagnostic(node.line, node.column, str(error), "put it in quotes if it is text")
        if problem not in problems and len(problems) < MOST_PROBLEMS:  # an alias leads here again
            problems.append(problem)
        return None


@lru_cache(maxsize=1)
def _tree(text: Text, offset: int, before: int) -> Node:
    grower = Grower(text, text.decoded()[offset:], before)
    return next(grower.trees()).root


def _locate(text: Text, offset: int, before: int, path: Path) -> Origin:
    node = place = _tree(text, offset, before)
    for part in path:
        if node.entries is not None and str(part) in node.entries:
            place, node = node.entries[str(part)]
        elif node.items is not None and isinstance(part, int) and 0 <= part < len(node.items):
            place = node = node.items[part]
        else:
            break
    return text.origin(place.line, place.column)
