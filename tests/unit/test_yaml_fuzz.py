"""Whatever the bytes: documents with right positions, or a SpecError. Nothing else ever leaves the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.compose.data import Override, Reset
from controller.clients.yaml import read_yaml
from controller.clients.yaml.grow import Grower
from controller.clients.yaml.nodes import Node
from controller.clients.yaml.text import Text
from controller.core.document import Parsed, Path
from controller.core.errors import SpecError

_WORDS = "a b: - ? [ ] { } , : # & * ! | > ' % @ ` <<: *a &a !reset !override !!str --- ... %YAML 0 -1 012 1e9 .inf".split()
_BREAKS = ["\n", "\r\n", "\n  ", "\n\n", "\t", " ", "\u2028", "\x85", "\ufeff", "\n---\n"]
_LINES = ["\na: é\n", "\n- 漢\n", "\nb: &a {c: 1}\n", "\n\U0001f600: [1, {x: *a}]\n", '\nd: "\\u00e9"\n', "\n  e: |\n    text\n"]
_PIECES = st.sampled_from([*_WORDS, *_BREAKS, *_LINES])
_SOUP = st.lists(_PIECES, max_size=40).map("".join)
_VALUES = [
    "é",
    "[1, 漢, {x: y}]",
    "\n  - a\n  - b: c",
    "|\n  text\n",
    '"\\u00e9 \U0001f600"',
    "&a {c: [1]}",
    "!override {u: 1}",
    "012",
    "'\r\n '",
]
_ENTRIES = st.lists(
    st.tuples(st.sampled_from(_VALUES), st.sampled_from(["\n", "\r\n", "\n\n", "\n# é\n", "\n---\n", "\r\n---\r\n"])), max_size=12
)
_SENSE = _ENTRIES.map(lambda entries: "".join(f"k{number}: {value}{end}" for number, (value, end) in enumerate(entries)))
_TEXTS = _SOUP | _SENSE


def read(content: bytes) -> tuple[Parsed, ...]:
    try:
        return read_yaml("a.yaml", content)
    except SpecError as error:
        for found in error.diagnostics:
            assert found.origin.line > 0
            assert found.origin.column > 0
            assert found.message
            str(found)
        return ()


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    read(content)


def places(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    for name, (key, value) in (node.entries or {}).items():
        yield (*path, name), key
        yield from places(value, (*path, name))
    for number, item in enumerate(node.items or ()):
        yield (*path, number), item
        yield from places(item, (*path, number))


@settings(max_examples=1000, deadline=None)
@given(_TEXTS)
def test_any_text_is_found_again_where_it_is_written(written: str) -> None:
    found = read(written.encode())
    if not found:
        return
    trees = list(Grower(Text("a.yaml", written.encode()), written).trees())
    for parsed, tree in zip(found, trees, strict=True):
        json.dumps(
            parsed.data, default=lambda item: item.value if isinstance(item, Override) else {"reset": isinstance(item, Reset)}
        )
        assert parsed.locate(()) == parsed.origin
        for path, node in places(tree.root):
            origin = parsed.locate(path)
            assert (origin.line, origin.column) == (node.line, node.column)
            assert parsed.snippet(origin)
