"""What comes of a file that a person edited in a form: what they left alone keeps its bytes."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.yaml import read_yaml
from controller.core.errors import Refused
from controller.core.veil import HIDDEN, veiled
from controller.usecases.editing import _texts, check_texts, woven


def shown(content: bytes) -> list[str]:
    return [line.removesuffix("\r") for line in content.decode().split("\n")]


def wove(content: bytes, form: list[str], text: str) -> bytes:
    return woven(content, form, text)[0]


LINES = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=12), min_size=1, max_size=12)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(lines=LINES, ends=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), crlf=st.booleans())
def test_a_form_that_changes_nothing_changes_no_byte(lines: list[str], ends: str, last: bool, crlf: bool) -> None:
    content = (ends.join(lines) + (ends if last else "")).encode()
    text = "\n".join(shown(content))
    assert wove(content, shown(content), text.replace("\n", "\r\n") if crlf else text) == content


@settings(derandomize=True, max_examples=200, deadline=None)
@given(lines=LINES, at=st.integers(0, 11), mixed=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=12, max_size=12))
def test_one_changed_line_leaves_the_bytes_of_the_others(lines: list[str], at: int, mixed: list[str]) -> None:
    at %= len(lines)
    before = "".join(line + end for line, end in zip(lines[:at], mixed, strict=False)).encode()
    after = "".join(line + end for line, end in zip(lines[at + 1 :], mixed[at + 1 :], strict=False)).encode()
    content = before + (lines[at] + mixed[at]).encode() + after
    form = shown(content)
    form[at] = "§ changed §"
    made = wove(content, shown(content), "\r\n".join(form))
    assert made.decode().replace("\r\n", "\n") == "\n".join(form)
    assert made.startswith(before)
    assert made.endswith(after)


def test_a_hidden_value_stays_and_is_not_written_over() -> None:
    content = b"name: web\npassword: canary\nimage: web:1\n"
    form = ["name: web", f"password: {HIDDEN}", "image: web:1", ""]
    assert wove(content, form, f"name: web\npassword: {HIDDEN}\nimage: web:2\n") == content.replace(b"web:1", b"web:2")
    with pytest.raises(Refused, match="holds a secret"):
        wove(content, form, f"name: web\npassword: x{HIDDEN}\nimage: web:1\n")
    assert wove(content, form, "name: web\npassword: mine\nimage: web:1\n") == content.replace(b"canary", b"mine")


def veiled_lines(content: bytes) -> list[str]:
    lines = shown(content)
    return [veiled(lines, index) for index in range(len(lines))]


BELOW = b"spec:\n  password:\n    canary\n  image: web:1\n"
ITEMS = b"spec:\n  note: none\n  tokens:\n  token:\n  - x\n  - DB_PASSWORD: y\n"


@pytest.mark.parametrize(
    ("content", "old", "new"),
    [
        pytest.param(BELOW, "  password:", "  note:", id="renamed: the name that hides the line below it"),
        pytest.param(BELOW, "  password:\n", "", id="removed: so that it belongs to another"),
        pytest.param(BELOW, "  password:\n", "  password:\n  note: >-\n", id="inserted: between the name and the value"),
        pytest.param(BELOW, "  password:\n", "  note: >-\n", id="replaced: by a text"),
        pytest.param(ITEMS, "  token:\n", "  names:\n", id="list: shorter than the mark that hid it"),
        pytest.param(BELOW.replace(b"\n", b"\r\n"), "  password:", "  note:", id="crlf: the same"),
    ],
)
def test_what_hides_a_kept_value_is_not_taken_away(content: bytes, old: str, new: str) -> None:
    form = veiled_lines(content)
    text = "\n".join(form)
    assert old in text
    with pytest.raises(Refused, match="holds a secret, and what hides it was changed"):
        wove(content, form, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("  password:", "  db_password:", id="renamed: to another that hides"),
        pytest.param("spec:", "specs:", id="around: a name that hides nothing"),
        pytest.param("web:1", "web:2", id="beside: another value"),
        pytest.param(f"  password:\n    {HIDDEN}\n", "", id="gone: name and value together"),
    ],
)
def test_what_leaves_a_value_hidden_is_taken(old: str, new: str) -> None:
    text = "\n".join(veiled_lines(BELOW))
    assert old in text
    made = wove(BELOW, veiled_lines(BELOW), text.replace(old, new)).decode()
    assert made == text.replace(old, new).replace(HIDDEN, "canary")


HIDES = """\
spec:
  text: |
    see DB_PASSWORD=told-anyway
    and more
  url: http://ann:sesame@example.net/
  password:
    canary
  pin: 7351
  token: &mine "a\\\\canary"
  DB_PASSWORD: can\\\\ary
  image: web:1
  # api_key: can\\\\ary
"""


def edit(content: str, *changes: tuple[str, str]) -> str:
    """What comes of changes in the form of a file."""
    form = veiled_lines(content.encode())
    text = "\n".join(form)
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    made, hidden = woven(content.encode(), form, text)

    def texts(each: bytes) -> list[str]:
        return _texts(read_yaml, "web.yaml", each)

    assert texts(made), "it can be understood"
    check_texts(texts, content.encode(), made, hidden)
    return made.decode()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([("  password:", "  password: &p"), ("web:1", "*p")], id="alias: of what stands below its name"),
        pytest.param([("web:1", "*mine")], id="alias: of an anchor that cannot be seen"),
        pytest.param([("  pin:", "  pin: &p"), ("web:1", "*p")], id="alias: refused before, the line was changed"),
        pytest.param([("  password:", "  password: &p"), ("web:1", "!override [*p]")], id="alias: behind a tag"),
        pytest.param([("  password:", "  password: &p"), ("web:1", "{<<: {a: *p}}")], id="alias: in a merge"),
        pytest.param([(f"  DB_PASSWORD: {HIDDEN}", f'  note: "\n  DB_PASSWORD: {HIDDEN}\n  "')], id="quoted: with its escapes"),
        pytest.param([(f"  # api_key: {HIDDEN}", f'  note: "\n  # api_key: {HIDDEN}\n  "')], id="quoted: a remark"),
        pytest.param(
            [(f"  DB_PASSWORD: {HIDDEN}", f"  note: |\n    x\n  DB_PASSWORD: {HIDDEN}")], id="no: it stands outside of the text"
        ),
        pytest.param(
            [(f"  DB_PASSWORD: {HIDDEN}", f"  note:\n  - |\n   x\n  DB_PASSWORD: {HIDDEN}")], id="no: outside of the list"
        ),
    ],
)
def test_a_hidden_line_is_not_seen_as_something_else(changes: list[tuple[str, str]], request: pytest.FixtureRequest) -> None:
    with nullcontext() if "[no" in request.node.name else pytest.raises(Refused, match="holds a secret"):
        edit(HIDES, *changes)


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        pytest.param("a:\n  b:\n    PASSWORD: canary\n", [("  b:", "  b: |")], id="literal: the lines as they are"),
        pytest.param("a:\n  b:\n    PASSWORD: canary\n", [("  b:", "  b: >-\n    x\n")], id="folded: in one line"),
        pytest.param("a:\n  b:\n    PASSWORD: 'can''ary'\n", [("  b:", '  b: "'), (HIDDEN, f'{HIDDEN}\n    "')], id="in quotes"),
        pytest.param("a:\n    PASSWORD: canary\n", [("a:", "a:\n  ? |"), (HIDDEN, f"{HIDDEN}\n  : x")], id="name: a long one"),
    ],
)
def test_a_hidden_line_does_not_become_a_text(content: str, changes: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused, match="holds a secret"):
        edit(content, *changes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("web:1", "web:2", id="another value"),
        pytest.param("and more", "and less", id="the rest of a text with a line that is told"),
        pytest.param("spec:", "name: web\nspec:", id="an entry above"),
        pytest.param(f"  # api_key: {HIDDEN}\n", "", id="a remark goes"),
        pytest.param(
            "  image: web:1\n", "  image: web:1\n  note: a password is a word, and 7351 a number\n", id="words of one's own"
        ),
        pytest.param(f"  pin: {HIDDEN}", "  pin: 1", id="a value of one's own"),
        pytest.param(f"  url: {HIDDEN}\n", f"  more: 1\n  url: {HIDDEN}\n", id="another line for what is hidden"),
    ],
)
def test_what_depends_on_nothing_hidden_is_taken(old: str, new: str) -> None:
    shows = "\n".join(veiled_lines(HIDES.encode())).replace(old, new)
    made = edit(HIDES, (old, new))
    assert "\n".join(veiled_lines(made.encode())) == "\n".join(veiled_lines(shows.encode()))


@pytest.mark.parametrize(
    ("content", "text", "made", "reason"),
    [
        (b"a\nb", "a\nb\n", b"a\nb\n", "a final line break is added"),
        (b"a\nb\n", "a\nb", b"a\nb", "and taken away"),
        (b"a\r\nb\r\n", "a\nnew\nb\n", b"a\r\nnew\r\nb\r\n", "new lines end as the others do"),
        (b"a\r\nb", "a\nb\nc", b"a\r\nb\nc", "one line break is no custom"),
        (b"", "a\n", b"a\n", "an empty file"),
        (b"a\n", "", b"", "all of it removed"),
    ],
)
def test_line_ends(content: bytes, text: str, made: bytes, reason: str) -> None:
    assert wove(content, shown(content), text) == made, reason
