"""Nothing hostile reaches a terminal, and no secret reaches any output."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller.cli.show_history import resource_lines
from controller.cli.show_plan import change_lines
from controller.cli.talk import Talk
from controller.cli.text import Paint, both, counted, cut, long, table, value, visible, width
from controller.usecases.fields import differing
from tests.faces.command import BINARY, SERVICE, Home, empty

CANARY = "canary-4f1c-8f3a-do-not-show"
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\u202egnp.exe\r\b\x9b2J"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing declared."""
    return empty(tmp_path)


@pytest.mark.parametrize(
    ("text", "shown", "reason"),
    [
        ("plain text, ümläut, 漢字, 🙂", "plain text, ümläut, 漢字, 🙂", "letters of any script stay"),
        ("\x1b[31mred", "\\e[31mred", "an escape sequence would act on the terminal"),
        ("\x9b2J", "\\x9b2J", "so would its one-byte form"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd", "a line break would forge a line"),
        ("cod\u202egnp.exe", "cod\\u202egnp.exe", "text may not run backwards"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff", "nothing may hide"),
        ("\U000e0041", "\\U000e0041", "tag characters hide words"),
        ("\ud800", "\\ud800", "a lone surrogate cannot be written"),
    ],
)
def test_visible(text: str, shown: str, reason: str) -> None:
    assert visible(text) == shown, reason


@pytest.mark.parametrize(
    ("data", "shown", "reason"),
    [
        (None, "not set", "nothing there"),
        ("", '""', "empty text can be seen"),
        (" a", '" a"', "so can a space at an end"),
        (True, "true", "as in YAML"),
        ({"a": [1, None]}, '{"a": [1, null]}', "data on one line"),
        ("x" * 200, "x" * 99 + "…", "long values are cut"),
    ],
)
def test_value(data: object, shown: str, reason: str) -> None:
    assert value(data) == shown, reason


LONG = [{"action": "light.turn_on", "target": {"entity_id": f"light.room_{number}"}} for number in range(5)]
DIM, BRIGHT = ({"actions": [*LONG, {"action": "light.turn_on", "data": {"brightness": value}}]} for value in (80, 180))


@pytest.mark.parametrize(
    ("old", "new", "lines", "reason"),
    [
        ([1, 2], [1, 3], ["body: [1, 2] → [1, 3]"], "short values are shown whole"),
        (DIM, BRIGHT, ["body.actions[5].data.brightness: 80 → 180"], "only what differs of long ones"),
        ([*LONG, {"alias": "a"}], [*LONG, {"mode": "b"}], ["body[5].alias: a → not set", "body[5].mode: not set → b"],
         "what came and what went inside of one entry"),
        (LONG, [*LONG[:2], "x", *LONG[2:]], ["body[2]: not set → x"], "one that came in the middle"),
        (["x", "y", *LONG], LONG, ["body[0]: x → not set", "body[1]: y → not set"], "two that went at the start"),
        ("a" * 100 + "bc", "a" * 100 + "d", [f"body: …{'a' * 20}bc → …{'a' * 20}d"], "long texts around their first difference"),
        (None, "a" * 200, [f"body: not set → {'a' * 99}…"], "a long text where there was none"),
    ],
)  # fmt: skip
def test_a_plan_shows_where_long_values_differ(old: object, new: object, lines: list[str], reason: str) -> None:
    fields = [{"path": path, "old": one, "new": other} for path, one, other in differing("body", old, new)]
    change = {"key": "scene/it", "action": "update", "cause": "", "reversal": "exact", "provider": "", "fields": fields}
    _, *shown = change_lines(change, Paint(False))
    assert [line.strip() for line in shown] == lines, reason


@pytest.mark.parametrize("one", [LONG, [*LONG[1:], "x"], [], "a" * 150, {"a": LONG}, [[*LONG]] * 2, 5, None], ids=repr)
def test_nothing_that_differs_is_left_out(one: object) -> None:
    """Long or short, of one kind or of two: two values that differ never look the same."""
    for other in (LONG, ["x"], "a" * 149 + "b", {"a": LONG[1:]}, [LONG, []], DIM, BRIGHT):
        if one != other:
            found = list(differing("body", one, other))
            assert found
            assert all(old != new for _, old, new in found)
            assert all(len(set(both(old, new))) == 2 for _, old, new in found)


def test_people_are_told_a_body_once() -> None:
    told = {"body": {"alias": "It"}, "raw": '{"alias": "It"}', "promised": ["automation.it"]}
    found: dict[str, Any] = {"origin": "a.yaml:1", "handle": "", "needs": [], "claims": [], "observed": None, "applied": told}
    for kind, times in (("automation", 1), ("service", 2)):
        lines = resource_lines({**found, "status": {"key": f"{kind}/it"}, "desired": {"body": {"alias": "It"}}}, Paint(False))
        assert sum("It" in line for line in lines if "desired" not in line) == times + (kind == "service"), lines
        assert ("  the same as desired" in lines) == (kind == "automation")


def test_columns_line_up_for_wide_letters() -> None:
    lines = table(("NAME", "X"), [("漢字", "1"), ("ab", ("2", "red")), ("é", "")], Paint(True))
    assert [width(re.sub("\x1b.*?m", "", line).rstrip("12")) for line in lines[1:3]] == [6, 6]
    assert "\x1b[31m2\x1b[0m" in lines[2]
    assert table(("A", "B"), [("1", ""), ("2", "")], Paint(False)) == ["A", "1", "2"], "an empty column is left out"
    assert cut("漢字漢字", 5) == "漢字…"


def test_words_for_numbers() -> None:
    assert [counted(1, "change"), counted(2, "change"), counted(3, "entry"), counted(2, "day")] == [
        "1 change",
        "2 changes",
        "3 entries",
        "2 days",
    ]
    assert [long(-1), long(0.44), long(90), long(600), long(90_000), long(900_000)] == [
        "0.0 s",
        "0.4 s",
        "90 s",
        "10 min",
        "25 h",
        "10 d",
    ]


def test_hostile_texts_are_escaped_in_every_answer(home: Home) -> None:
    spec = {"image": "app:1", "environment": {"TITLE": HOSTILE}, "labels": {"note": HOSTILE}}
    document = f"kind: Service\nname: web\nspec: {visible_json(spec)}\n"
    home.commit(f"subject {HOSTILE.replace(chr(13), '')}", {"services/web.yaml": document}, author="Evil \x1b[31m <e@e>")
    home.write("services/other.yaml", f"kind: 'Serv\\{HOSTILE[:4]}'\n")
    answers = [
        home(*words)
        for words in (
            ["plan"],
            ["plan", "--worktree"],
            ["validate", "--worktree"],
            ["apply", f"--{HOSTILE[:5]}"],
            ["apply"],
            ["status"],
            ["show", "service/web"],
            ["show", "HEAD"],
            ["show", HOSTILE.replace("\x00", "")],
            ["history"],
            ["events"],
            ["suspend", "service/web", "--reason", HOSTILE],
            ["status"],
            ["approve", HOSTILE],
            ["doctor"],
            ["secret", "set", HOSTILE],
            ["new", "service", HOSTILE],
            ["rollback", HOSTILE, "--yes"],
            [HOSTILE],
        )
    ]
    assert not [said for said in answers if CONTROLS.search(said.out) or CONTROLS.search(said.err)]
    assert "\\e]0;owned" in answers[6].out, "it is shown, but as text"


def visible_json(data: object) -> str:
    """Data as JSON in pure ASCII, which is YAML too."""
    return json.dumps(data)


@pytest.mark.parametrize(
    "name",
    ["../x", "..%2f", "/etc", "a/b", "-rf", ".", "x" * 300, "Web", "раypal", "a\u202eb", "a\u200db", "a\nb"],
)
def test_hostile_names_are_refused_at_every_entrance(home: Home, name: str) -> None:
    for words in (["new", "service", "--", name], ["show", f"service/{name}"], ["suspend", "--", f"service/{name}"]):
        said = home(*words)
        assert said.code in (1, 4), words
        assert not CONTROLS.search(said.err)
    assert {path.name for path in home.folder.iterdir()} <= {"home", "state"}
    assert home.git("status", "--short") == ""


def test_a_secret_is_in_no_output(home: Home) -> None:
    assert home("secret", "set", "web/token", stdin=CANARY + "\n").code == 0
    spec = "{image: 'app:1', container_name: web, environment: {TOKEN: {ref: web/token}, API_KEY: " + CANARY + "2}}"
    home.commit("secret", {"services/web.yaml": f"kind: Service\nname: web\nspec: {spec}\n"})
    answers = [home(*words.split()) for words in OUTPUTS]
    home.service("app:bad")
    answers += [home(*words.split()) for words in OUTPUTS]
    answers += [home(*words.split(), "-o", "json") for words in OUTPUTS]
    assert home("secret", "rotate", "web/token").code == 0
    answers.append(home("rollback", "--yes"))
    with home.controller():
        answers += [home(*words.split(), "-o", "json") for words in OUTPUTS]
    everything = "".join(said.out + said.err for said in answers) + home.controller_said()
    assert CANARY not in everything
    assert {said.code for said in answers} <= {0, 1, 5}, "the doctor finds the bad version"
    kept = [path for path in home.state.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert kept == [], "only the encrypted vault has it"
    assert home("secret", "export", "--yes").out.count(CANARY) == 0, "it was rotated away"


OUTPUTS = (
    "plan",
    "apply",
    "status",
    "history",
    "show service/web",
    "events",
    "validate",
    "doctor",
    "secret list",
)


def test_secrets_come_from_standard_input_only(home: Home) -> None:
    assert home("secret", "set", "web/token", CANARY).code == 1, "a value on the command line is refused"
    assert home("secret", "set", "web/token", stdin="").code == 4, "an empty value is refused"
    assert home("secret", "set", "web/token", stdin=CANARY).code == 0
    assert home("secret", "export", "--yes").out == f"web/token={CANARY}\n"
    refused = home("secret", "export")
    assert refused.code == 4
    assert "--yes" in refused.err


@pytest.mark.parametrize(
    ("arguments", "environment", "colourful", "reason"),
    [
        ([], {}, True, "a terminal shows colours"),
        (["--no-color"], {}, False, "a flag turns them off"),
        ([], {"NO_COLOR": "1"}, False, "https://no-color.org"),
        ([], {"TERM": "dumb"}, False, "a terminal that cannot"),
    ],
)
def test_colours(home: Home, arguments: list[str], environment: dict[str, str], colourful: bool, reason: str) -> None:
    home.commit("one", {"services/web.yaml": SERVICE.format(name="web", image="app:1")})
    assert "\x1b" not in home("plan").out, "a pipe gets none"
    assert ("\x1b[" in on_a_terminal(home, ["plan", *arguments], environment)) is colourful, reason


def on_a_terminal(home: Home, arguments: list[str], environment: dict[str, str]) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    settings = {"TERM": "xterm", **home.settings(), **environment}
    process = subprocess.Popen([BINARY, *arguments], cwd=home.repo, env=settings, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                block = terminal.read(4096)
            except OSError:
                break
            if not block:
                break
            written += block
    assert process.wait(120) == 0
    return written.decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\x1b[31m", "an escape sequence, which JSON escapes itself"),
        ("\x9b31m", "the same in one character, which it does not"),
        ("a\u202eb", "text that reads backwards"),
        ("\U000e0041", "text that nobody sees"),
        ("ümläut ✨", "what may be seen stays"),
    ],
)
def test_json_holds_nothing_that_acts_on_a_terminal(text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    talk = Talk(json=True)
    talk.data({"text": [text]}, ())
    talk.record({"text": text}, "")
    said = capsys.readouterr().out
    assert all(each.isprintable() or each == "\n" for each in said), reason
    whole, _, line = said.rstrip("\n").rpartition("\n")
    assert (json.loads(whole)["text"], json.loads(line)["text"]) == ([text], text)
    assert (text in said) is text.isprintable()
