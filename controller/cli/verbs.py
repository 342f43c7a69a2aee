"""What every verb shares: its help with examples, the settings that any verb takes, and the words on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from controller.cli.talk import Talk

SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("repo", "PATH|URL", "Spec repository; default: the git repository around the current folder."),
    ("path", "FOLDER", "Folder of the specs inside the repository."),
    ("branch", "NAME", "Branch to follow; default: the one checked out, or the remote's default."),
    ("state", "FOLDER", "Folder of the store, the keys and retained files."),
    ("database", "URL", "SQLAlchemy URL of the store; default: SQLite in the state folder."),
    ("world", "docker|memory", "Real Docker, or the simulated world."),
    ("listen", "HOST:PORT", "Where the web page is served."),
)
"""Flags that settings take, each also a variable `HOMELAB_<NAME>` and a line of `homelab.toml`."""


class Verb(click.Command):
    """One verb. `examples` are command lines that its help shows; `settings` = it takes the flags of SETTINGS; `prints` = it
    prints data, so it takes `-o json`."""

    def __init__(
        self, name: str, *, examples: Sequence[str] = (), settings: bool = True, prints: bool = False, **rest: Any
    ) -> None:
        params = list(rest.pop("params", None) or [])
        if prints:
            params.append(_output())
        self.own = len(params)
        params += [_setting(*item) for item in SETTINGS] if settings else []
        params += [_no_color(), _quiet()]
        super().__init__(name, params=params, **rest)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Own options first, then those that any verb takes."""
        own = [record for param in self.params[: self.own] if (record := param.get_help_record(ctx))]
        shared = [record for param in self.get_params(ctx)[self.own :] if (record := param.get_help_record(ctx))]
        if own:
            with formatter.section("Options"):
                formatter.write_dl(own)
        with formatter.section("Options of every verb"):
            formatter.write_dl(shared)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as they are typed."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")


def verb(
    name: str, *, examples: Sequence[str], settings: bool = True, prints: bool = False, **rest: Any
) -> Callable[[Callable[..., Any]], Verb]:
    """Decorator that makes a function a verb."""

    def make(function: Callable[..., Any]) -> Verb:
        return click.command(name, cls=Verb, examples=examples, settings=settings, prints=prints, **rest)(function)

    return make


def talk() -> Talk:
    """The conversation of the running verb."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, Talk)  # noqa: S101 (main puts it there)
    return found


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and param.name:
        found = ctx.find_root().ensure_object(Talk)
        found.flags[param.name] = value


def _setting(name: str, metavar: str, text: str) -> click.Option:
    return click.Option([f"--{name}"], metavar=metavar, help=text, expose_value=False, callback=_remember)


def _output() -> click.Option:
    def choose(ctx: click.Context, _param: click.Parameter, value: str) -> None:
        ctx.find_root().ensure_object(Talk).json = value == "json"

    return click.Option(
        ["-o", "--output"],
        type=click.Choice(["text", "json"]),
        default="text",
        help="Form of the data on standard output.",
        expose_value=False,
        callback=choose,
    )


def _no_color() -> click.Option:
    def choose(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().ensure_object(Talk).colorless()

    return click.Option(["--no-color"], is_flag=True, help="No colours (as with NO_COLOR).", expose_value=False, callback=choose)


def _quiet() -> click.Option:
    def choose(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().ensure_object(Talk).quiet = True

    return click.Option(
        ["-q", "--quiet"], is_flag=True, help="No talk, only data and errors.", expose_value=False, callback=choose
    )
