"""Whatever a file looks like: an edit means what it says, leaves all other lines and comments alone, or is refused by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.clients.compose.data import Override, Reset
from controller.clients.yaml import read_yaml, splice
from controller.core.document import Parsed, Path
from controller.core.edit import AppendValue, Nth, RemoveValue, SetValue
from controller.core.errors import SpecError

Change = SetValue | RemoveValue | AppendValue
FILE = "a.yaml"
NEW = "sentinel: on"

INLINE = [
    "text",
    "two words",
    "1",
    "0777",
    "1.5",
    "true",
    "~",
    "",
    "é 漢 \U0001f600",
    "'it''s'",
    '"a\tb"',
    '"\\u00e9 \\" x"',
    "http://x:80/#a",
    "-v",
    "[]",
    "{}",
    "[a, 'b', {c: 1}]",
    "{a: 1, 'b c': [x, ], d: }",
    "[\n{0}  a,  \n{0}  b ]",
    "{{\n{0}  a: 1, #c\n{0}  b: 2,\n{0}  }}",
    "plain\n{0}  goes on",
    "'quoted\n\n{0}  goes on'",
    "|\n{0}  text\n{0}    more  \n\n{0}  end",
    "|-\n{0}  text",
    ">+ #c\n{0}  folded\n{0}  text\n\n",
    "|2\n{0}   text",
    "!override [a, b]",
    "!reset",
]
SCALARS = st.sampled_from(INLINE)
GAPS = st.sampled_from([""] * 6 + ["\n", "#c\n", "    #c\n", "\n  #c\n\n"])
TAILS = st.sampled_from(["", "", "", " #c", "   # - a: [ #c"])


class Writing:
    """One document in the making: anchors of what is complete, so that aliases name something."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0
        self.anchors: list[str] = []
        self.mappings: list[str] = []

    def value(self, column: int, depth: int) -> str:
        """Text from behind a key or a dash that stands in this column to the end of its last line."""
        what = self.draw(st.integers(0, 9))
        if what == 0 and self.anchors:
            return f" *{self.draw(st.sampled_from(self.anchors))}{self.draw(TAILS)}\n"
        self.count += 1
        name = f"n{self.count}" if what in (1, 5) else ""
        mark = f" &{name}" if name else ""
        if what < 5 or depth > 3:
            text = self.draw(SCALARS).replace("{{", "{").replace("}}", "}").replace("{0}", " " * column)
            tail = "" if text[:1] in ("|", ">") else self.draw(TAILS)
            done = f"{mark} {text}{tail}\n"
        elif what < 8:
            done = f"{mark}{self.draw(TAILS)}\n{self.mapping(column + self.draw(st.sampled_from([1, 2, 4])), depth + 1)}"
            self.mappings += [name] if name else []
        else:
            done = f"{self.draw(TAILS)}\n{self.items(column + self.draw(st.sampled_from([0, 2])), depth + 1)}"
        self.anchors += [name] if name else []
        return done

    def mapping(self, column: int, depth: int) -> str:
        keys = self.draw(st.lists(st.sampled_from(["a", "b", "'q u'", '"1"', "é", "<<"]), min_size=1, max_size=4, unique=True))
        lines = [] if keys != ["<<"] or self.mappings else [f"{' ' * column}a: 1\n"]
        for key in keys:
            if key != "<<":
                lines.append(f"{self.draw(GAPS)}{' ' * column}{key}:{self.value(column, depth)}")
            elif self.mappings:
                lines.append(f"{' ' * column}<<: *{self.draw(st.sampled_from(self.mappings))}\n")
        return "".join(lines)

    def items(self, column: int, depth: int) -> str:
        lines = []
        for _ in range(self.draw(st.integers(1, 3))):
            if self.draw(st.booleans()):
                inner = self.mapping(column + 2, depth + 1)
                first = inner.lstrip(" ")
                lines.append(f"{' ' * column}- {first}" if first[0] not in "#\n" else f"{' ' * column}-\n{inner}")
            else:
                lines.append(f"{' ' * column}-{self.value(column, 4)}")
        return "".join(lines)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A file of one to three documents, each comment in it with a number."""
    parts = [Writing(draw).mapping(0, 0) for _ in range(draw(st.integers(1, 3)))]
    text = draw(GAPS) + draw(st.sampled_from(["", "---\n", "--- #c\n"])) + "---\n".join(parts)
    pieces = text.split("#c")
    text = pieces[0] + "".join(f"#c{number}{piece}" for number, piece in enumerate(pieces[1:]))
    if draw(st.integers(0, 3)) == 0:
        text = text.rstrip("\n")
    return (text.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else text).encode()


def places(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    inner = data.value if isinstance(data, Override) else data
    yield path, inner
    if isinstance(inner, dict | list):
        for part, value in inner.items() if isinstance(inner, dict) else enumerate(inner):
            yield from places(value, (*path, part))


def shown(data: Any) -> str:
    return json.dumps(
        data,
        sort_keys=True,
        default=lambda item: {"override": item.value} if isinstance(item, Override) else {"reset": isinstance(item, Reset)},
    )


def plain(data: Any) -> Any:
    """A copy that shares nothing."""
    return json.loads(json.dumps(data, default=str))


def edit_plainly(data: Any, edit: Change) -> None:
    """The edit on the data, in the plainest way there is."""
    parent = parent_of(data, (*edit.path, -1) if isinstance(edit, AppendValue) else edit.path)
    if isinstance(edit, SetValue):
        parent[edit.path[-1]] = edit.value
    elif isinstance(edit, AppendValue):
        parent.append(edit.value)
    else:
        del parent[edit.path[-1]]


def parent_of(data: Any, path: Path) -> Any:
    for part in path[:-1]:
        data = (data.value if isinstance(data, Override) else data)[part]
    return data.value if isinstance(data, Override) else data


def comments(content: bytes) -> Counter[str]:
    return Counter(word for word in content.decode().split() if word.startswith("#c"))


def line_bounds(parsed: Parsed, path: Path, lines: list[bytes]) -> tuple[int, int]:
    """Lines (from 0) from that of an entry to that of the next thing in its document, which is the end when there is none."""
    first = parsed.locate(path).line - 1
    while path and isinstance(path[-1], int) and first and not lines[first].lstrip().startswith(b"-"):
        first -= 1
    inside = {parsed.locate(other).line for other, _ in places(parsed.data) if other[: len(path)] == path}
    later = [
        line
        for other, _ in places(parsed.data)
        if other[: len(path)] != path and (line := parsed.locate(other).line) > max(inside)
    ]
    return first, min(later) - 1 if later else len(lines)


def chosen(documents: tuple[Parsed, ...], number: int, what: int) -> tuple[int, Change] | None:
    """One edit of one place; None where the place does not take this one."""
    everywhere = [(at, path, value) for at, parsed in enumerate(documents) for path, value in places(parsed.data)]
    at, path, old = everywhere[number % len(everywhere)]
    target, value = Nth(FILE, at), VALUES[number % len(VALUES)]
    if what < 3 and path:
        return at, SetValue(target, path, value)
    if what < 5 and path:
        return at, RemoveValue(target, path)
    if isinstance(old, dict):
        return at, SetValue(target, (*path, "new"), value)
    return (at, AppendValue(target, path, value)) if isinstance(old, list) else None


VALUES: list[Any] = [NEW, 8080, "x\n y\n", {"k": [1, {"l": "off"}], "": None}, [[], {}, "z"], "'"]
CASES = st.tuples(texts(), st.integers(0, 1 << 30), st.integers(0, 7))
FUZZ = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # texts shrink for minutes
    suppress_health_check=list(HealthCheck),
)


def check(content: bytes, number: int, what: int) -> str:
    """Make one edit and hold it against the laws; gives what came of it."""
    documents = read_yaml(FILE, content)
    choice = chosen(documents, number, what)
    if choice is None:
        return "nothing to do"
    at, edit = choice
    try:
        new = splice(FILE, content, [edit])
    except SpecError as refused:
        return allowed(refused, content.decode())
    expected = [parsed.data for parsed in read_yaml(FILE, content)]
    edit_plainly(expected[at], edit)
    assert [shown(parsed.data) for parsed in read_yaml(FILE, new)] == [shown(data) for data in expected]
    assert not isinstance(edit, SetValue) or whole(documents[at], expected[at], edit, content) == new
    added = isinstance(edit, AppendValue) or (isinstance(edit, SetValue) and edit.path[-1:] == ("new",))
    assert not added or comments(new) == comments(content)
    within = edit.path
    if edit.path and (added if isinstance(edit, SetValue) else len(parent_of(documents[at].data, within)) == 1):
        within = within[:-1]
    lines = content.splitlines(keepends=True)
    first, end = line_bounds(documents[at], within, lines)
    rest = b"".join(lines[end:]).lstrip(b" ")  # the second key of a list entry moves up to the dash
    if new.startswith(b"".join(lines[:first])) and new.endswith(rest):
        return "done"
    # Something around it was written anew, which no comment may be lost by.
    assert comments(new) == comments(content), (edit, content.decode(), new.decode())
    return "around"


def allowed(refused: SpecError, text: str) -> str:
    """Which of the named reasons a refusal has."""
    message = refused.diagnostics[0].message
    reason = next(reason for reason in ("anchor", "alias", "`<<`", "alone") if reason in message)
    if reason == "alone":  # a text block takes in what comes to stand behind it: blank lines, comments, the end of the file
        assert "|" in text or ">" in text, text
    else:
        assert "*n" in text
    return reason


def whole(parsed: Parsed, data: Any, edit: SetValue, content: bytes) -> bytes:
    """The same as a new whole document, from which the difference has to be found."""
    return (
        splice(FILE, content, [SetValue(edit.target, (), plain(data))])
        if shown(data) == shown(plain(data))
        else splice(FILE, content, [edit])
    )


def test_edits_of_any_file() -> None:
    seen: Counter[str] = Counter()

    @FUZZ
    @given(CASES)
    def run(case: tuple[bytes, int, int]) -> None:
        seen[check(*case)] += 1

    run()
    assert seen["done"] > 250
    assert seen["anchor"] + seen["alias"] + seen["`<<`"] > 10
    assert seen["alone"] + seen["around"] < 10


_WORDS = "a b: - ? [ ] { } , : # & * ! | > ' % @ <<: *a &a !reset !override --- ... 0 012 1e9".split()
_SOUP = st.lists(
    st.sampled_from([*_WORDS, "\n", "\n", "\r\n", "\n  ", "\n\n", "\t", " ", "\u2028", "\x85", "\na: ", "\n- "]), max_size=40
)


@settings(FUZZ, max_examples=1000)
@given(_SOUP.map("".join), st.integers(0, 1 << 30), st.integers(0, 7))
def test_any_text_is_edited_rightly_or_refused(text: str, number: int, what: int) -> None:
    try:
        documents = read_yaml(FILE, text.encode())
        choice = chosen(documents, number, what) if documents else None
        new = splice(FILE, text.encode(), [choice[1]]) if choice else b""
    except SpecError:
        return
    if choice:
        expected = [parsed.data for parsed in read_yaml(FILE, text.encode())]
        edit_plainly(expected[choice[0]], choice[1])
        assert [shown(parsed.data) for parsed in read_yaml(FILE, new)] == [shown(data) for data in expected]
