"""`homelab completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from controller.cli.verbs import talk, verb


@verb(
    "completion",
    examples=['eval "$(homelab completion bash)"', "homelab completion fish > ~/.config/fish/completions/homelab.fish"],
    settings=False,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_verb(shell: str) -> None:
    """Print a completion script for a shell."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 (click knows all three)
    root = click.get_current_context().find_root().command
    made = found(root, {}, "homelab", "_HOMELAB_COMPLETE")
    talk().lines([(made.source_template % made.source_vars()).rstrip("\n")])
