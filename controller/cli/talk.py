"""The conversation of one command: data goes to standard output, talk to standard error, questions only to a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import click

from controller.cli.text import Paint, visible
from controller.core.errors import Refused

_PLAIN = Paint(False)


class Ended(Exception):
    """The verb is over with an exit code; everything was said."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


@dataclass
class Talk:
    """What was asked of every verb (settings by name, form of the data), and the two streams."""

    flags: dict[str, str | None] = field(default_factory=dict)
    json: bool = False
    quiet: bool = False
    paint: Paint = _PLAIN
    paint_talk: Paint = _PLAIN

    def colorless(self) -> None:
        """Colours off on both streams."""
        self.paint, self.paint_talk = replace(self.paint, on=False), replace(self.paint_talk, on=False)

    def data(self, data: Any, lines: Iterable[str]) -> None:
        """The answer: JSON where it was asked for, else the lines."""
        if self.json:
            click.echo(_json(data, indent=2))
        else:
            self.lines(lines)

    def json_only(self, data: Any) -> None:
        """The answer where JSON was asked for; the text of it was printed before."""
        if self.json:
            self.data(data, ())

    def lines(self, lines: Iterable[str]) -> None:
        """Text of the answer."""
        click.echo("\n".join(lines), color=self.paint.on)

    def record(self, data: Mapping[str, Any], line: str) -> None:
        """One line of an answer that comes bit by bit: NDJSON or text, at once."""
        click.echo(_json(data) if self.json else line, color=self.paint.on)

    def say(self, line: str) -> None:
        """Something about what is being done; not part of the answer."""
        if not self.quiet:
            click.echo(line, err=True, color=self.paint_talk.on)

    def warn(self, line: str) -> None:
        """Something a person should know even when it is quiet."""
        click.echo(self.paint_talk("warning: ", "yellow") + line, err=True, color=self.paint_talk.on)

    def warn_plainly(self, line: str) -> None:
        """A line that a person must see, on the stream of talk."""
        click.echo(line, err=True, color=self.paint_talk.on)

    def confirm(self, question: str, flag: str = "--yes") -> None:
        """Goes on when a person agrees. Raises Refused without a terminal (naming the flag) and when the answer is no."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Refused(f"{question} Nobody can answer here: say so with {flag}")
        if not click.confirm(question, default=False, err=True):
            raise Refused("nothing was changed")

    def ask_secret(self, ref: str) -> str:
        """A secret value from standard input, or asked for without showing it; one line break at the end is dropped."""
        if sys.stdin.isatty():
            found: str = click.prompt(f"value of {visible(ref)}", hide_input=True, confirmation_prompt=True, err=True)
            return found
        try:
            return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            # Not chained: the error carries the value.
            raise Refused(f"the value of {visible(ref)} is not text (UTF-8): keep it as base64") from None

    def end(self, code: int) -> NoReturn:
        """Leave with an exit code."""
        raise Ended(code)


def _json(data: Any, indent: int | None = None) -> str:
    """JSON in which nothing acts on a terminal: beside the control characters that JSON itself escapes there are newer ones, and
    some that reorder or hide text."""
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    if all(map(str.isprintable, text.split("\n"))):
        return text
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
