"""Log lines: what is said is whole, and no text in it makes a line of its own."""

from __future__ import annotations

import logging
import sys

from controller.cli.log_lines import OneLine


def record(message: str, *, raised: bool = False, **about: object) -> logging.LogRecord:
    found = logging.makeLogRecord({"msg": message, "levelname": "WARNING", **about})
    if raised:
        try:
            raise ValueError("two\nlines \x1b[31m")
        except ValueError:
            found.exc_info = sys.exc_info()
    return found


def test_what_it_is_about_stands_in_the_line() -> None:
    said = OneLine().format(record("proposals were not looked after", error="git is away", target="phone"))
    assert said == "WARNING: proposals were not looked after error=git is away target=phone"


def test_a20_no_text_forges_a_line_or_acts_on_a_terminal() -> None:
    said = OneLine().format(record("a\nERROR: forged \x1b]0;title\x07", error="x\r\nERROR: \u202eforged"))
    assert said.count("\n") == 0
    assert said.replace(" ", "").isprintable()
    assert said == "WARNING: a\\nERROR: forged \\e]0;title\\x07 error=x\\r\\nERROR: \\u202eforged"


def test_what_was_raised_is_indented() -> None:
    lines = OneLine().format(record("pass failed", raised=True)).split("\n")
    assert lines[0] == "WARNING: pass failed"
    assert all(line.startswith("    ") and line.isprintable() for line in lines[1:])
    assert lines[-1] == "    lines \\e[31m"
