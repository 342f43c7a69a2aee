"""The `homelab` command: finds the verb, runs it, and turns whatever happens into a published exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import IO, Any, cast

import click

from controller.cli.exits import ERROR, INTERRUPTED, code_of, error_json, error_lines
from controller.cli.talk import Ended, Talk
from controller.cli.text import Paint, visible
from controller.core.errors import HomelabError
from controller.settings import disarm, plain_terminal

VERBS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "init": ("begin", "Make a spec repository that works as it is."),
        "new": ("begin", "Write a document of a kind from its example."),
        "import": ("bring_in", "Write specs for what already runs, and take it over."),
        "demo": ("run", "Show the product on a simulated world."),
    },
    "Look": {
        "validate": ("plan", "Check the specification without looking at any backend."),
        "plan": ("plan", "Show what an apply would do."),
        "status": ("status", "Show how everything stands."),
        "history": ("history", "List what was done, newest first."),
        "show": ("history", "Show everything about a key, a run, a revision or a proposal."),
        "proposals": ("propose", "List proposals, newest first."),
        "events": ("watch", "Show what happened."),
        "energy": ("energy", "Show how much energy the house used, and what it cost."),
        "logs": ("watch", "Show what a service says."),
        "notify": ("notify", "Show and test who is told what happens."),
        "lock": ("lock", "Show who holds the writing lease."),
        "doctor": ("doctor", "Find what is wrong with this installation, and say how to fix it."),
    },
    "Change": {
        "apply": ("apply", "Make the world follow git, as far as the rules allow."),
        "sync": ("apply", "Ask the running controller for a pass soon."),
        "propose": ("propose", "Propose a change of the specification."),
        "approve": ("decide", "Approve a proposal or held rollouts, and apply them."),
        "reject": ("decide", "Say no to a proposal or to held rollouts."),
        "request-changes": ("propose", "Say what has to change in a proposal first."),
        "retry": ("decide", "Lift a quarantine and try again."),
        "suspend": ("decide", "Leave keys alone until they are resumed."),
        "resume": ("decide", "Take suspended keys up again."),
        "renew": ("renew", "Renew certificates now."),
        "rollback": ("rollback", "Go back to an earlier revision, or take one key back."),
        "adopt": ("take_over", "Take over what runs for a declared key, as it is."),
        "detach": ("take_over", "Let go of keys; everything keeps running."),
        "secret": ("secret", "Keep secret values in the vault."),
    },
    "Operate": {
        "run": ("run", "Run the controller with its web page."),
        "user": ("user", "Manage the people who sign in to the web page."),
        "session": ("session", "See which browsers are signed in, and sign them out."),
        "token": ("token", "Manage the tokens of programs, and links for browsers."),
        "audit": ("audit", "Show who did what."),
        "backup": ("archive", "Write the state of the controller to a file."),
        "restore": ("archive", "Replace the state of the controller by a backup."),
        "schema": ("schema", "Print or write JSON Schemas of the kinds."),
        "completion": ("completion", "Print a completion script for a shell."),
        "version": ("version", "Print the version."),
    },
}
"""Every verb by section, with the module that holds it and what the list of verbs says of it."""

ALIASES = {"diff": "plan"}


class Verbs(click.Group):
    """The list of verbs; a verb's module is imported when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [name for verbs in VERBS.values() for name in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        name = ALIASES.get(cmd_name, cmd_name)
        for verbs in VERBS.values():
            if name in verbs:
                module = import_module(f"controller.cli.{verbs[name][0]}")
                return cast(click.Command, getattr(module, f"{name.replace('-', '_')}_verb"))
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from controller.core.suggest import did_you_mean

            known = [*self.list_commands(ctx), *ALIASES]
            hint = did_you_mean(args[0], known) or "`homelab --help` lists the verbs"
            raise click.UsageError(f"there is no verb {visible(args[0])!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section, verbs in VERBS.items():
            with formatter.section(section):
                formatter.write_dl([(name, text) for name, (_, text) in verbs.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def homelab() -> None:
    """GitOps for a home: what runs follows what is committed.

    Begin with `homelab init DIR`, or with `homelab import docker` where things already run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    disarm()
    _calm(sys.stdout)
    _calm(sys.stderr)
    plain = plain_terminal()
    talk = Talk(
        paint=Paint(not plain and sys.stdout.isatty(), _columns(sys.stdout)),
        paint_talk=Paint(not plain and sys.stderr.isatty(), _columns(sys.stderr)),
    )
    try:
        code = homelab.main(args=arguments, prog_name="homelab", standalone_mode=False, obj=talk)
        sys.stdout.flush()
    except Ended as end:
        return end.code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        _usage(error, talk)
        return ERROR
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        _close(sys.stdout)
        return ERROR
    except (HomelabError, OSError) as error:
        _tell(error, talk)
        return code_of(error)
    return code if isinstance(code, int) else 0


def _tell(error: Exception, talk: Talk) -> None:
    with suppress(BrokenPipeError):
        if talk.json:
            click.echo(error_json(error), err=True)
        else:
            click.echo("\n".join(error_lines(error, talk.paint_talk)), err=True, color=talk.paint_talk.on)


def _usage(error: click.ClickException, talk: Talk) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "homelab"
    click.echo(f"{talk.paint_talk('error', 'red bold')}: {visible(error.format_message())}", err=True, color=talk.paint_talk.on)
    click.echo(f"  fix: see `{command} --help`", err=True)


def _calm(stream: IO[str]) -> None:
    """Characters that the terminal's encoding does not have are written as escapes instead of ending the verb."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _columns(stream: IO[str]) -> int:
    """The width of a terminal, 0 for anything else."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def _close(stream: IO[str]) -> None:
    """Nobody reads any more: keep the interpreter from writing what is left at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
