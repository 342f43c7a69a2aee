"""Every verb that changes something for others leaves a row in the audit trail; a new verb must say which it is."""

from __future__ import annotations

import inspect
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from controller.cli import bring_in
from controller.cli.main import homelab
from tests.faces.command import Home, empty

LOOKS = {
    *("validate", "plan", "status", "history", "show", "proposals", "events", "energy", "logs", "notify list", "lock", "doctor"),
    *("secret list", "user list", "session list", "token list", "audit", "schema", "completion", "version"),
}
"""Verbs that only look, or print."""
OWN_FILES = {"init", "new", "demo"}
"""Verbs that write files of whoever calls them, where no controller has ever been."""
CONTROLLER = {"run", "sync", "token url"}
"""The controller itself, and verbs that only ask a running one: the API writes their row (tests/faces/test_web_people.py)."""
IMPORTS = {"import docker", "import zone", "import caddyfile", "import homeassistant"}
"""They commit by the same function as `import compose`."""


def verbs(command: click.Command = homelab, *path: str) -> Iterator[str]:
    """Every verb, with the words before it."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from verbs(found, *path, name)


@dataclass
class Step:
    """A verb with its arguments and its input, and what the trail calls it. A refusal leaves a row too: `refused` = it is one."""

    verb: str
    action: str
    arguments: tuple[str, ...] = ()
    given: str = ""
    refused: bool = False


STEPS = (
    Step("apply", "sync"),
    Step("approve", "approve", ("f" * 12, "--no-apply"), refused=True),
    Step("reject", "reject", ("f" * 12,), refused=True),
    Step("retry", "retry", ("f" * 12, "--no-apply"), refused=True),
    Step("suspend", "suspend", ("volume/media",)),
    Step("resume", "resume", ("volume/media",)),
    Step("renew", "renew", ("certificate/none",), refused=True),
    Step("detach", "detach", ("volume/media",)),
    Step("adopt", "adopt", ("volume/media",)),
    Step("secret set", "set-secret", ("a/b",), "a secret value\n"),
    Step("secret rotate", "rotate-secret", ("a/b",)),
    Step("secret export", "export-secrets", ("--yes",)),
    Step("user add", "add-person", ("anna", "--no-password")),
    Step("user grant", "grant", ("anna", "--scope", "read")),
    Step("user passwd", "set-password", ("anna",), "four words of nobody\n"),
    Step("user lock", "lock-person", ("anna",)),
    Step("session revoke", "end-session", ("none",), refused=True),
    Step("session revoke", "end-sessions", ("--user", "anna")),
    Step("user remove", "remove-person", ("anna",)),
    Step("token create", "issue", ("ci", "--scope", "read")),
    Step("token revoke", "revoke", ("none",), refused=True),
    Step("token webhook", "make-webhook", ("--make",)),
    Step("notify test", "test-notifications", ("phone",), refused=True),
    Step("propose", "propose", ("--remove", "volume/media", "--title", "Less")),
    Step("request-changes", "request-changes", ("zuzuzu", "--reason", "why"), refused=True),
    Step("reject", "reject-proposal", ("zuzuzu",), refused=True),
    Step("import compose", "import", ("../compose.yaml",)),
    Step("rollback", "go-back", ("--yes",)),
    Step("backup", "backup", ("../copy.db",)),
    Step("restore", "restore", ("../copy.db", "--yes")),
)


def rows(home: Home) -> list[dict[str, Any]]:
    """The trail, oldest first."""
    with closing(sqlite3.connect(home.state / "memory" / "state.db")) as store:
        return [json.loads(text) for (text,) in store.execute("SELECT data FROM audit ORDER BY number")]


def test_every_verb_that_changes_something_leaves_a_row(tmp_path: Path) -> None:
    home = empty(tmp_path)
    home.commit("all", {"volumes/media.yaml": "kind: Volume\nname: media\nspec: {}\n"})
    (tmp_path / "compose.yaml").write_text("volumes: {side: {}}\nservices: {}\n")
    home.state.mkdir(mode=0o700)
    known = 0
    for step in STEPS:
        said = home(*step.verb.split(), *step.arguments, stdin=step.given)
        new = rows(home)[known:]
        assert (step.action, "refused" if step.refused else "ok") in [(row["action"], row["outcome"]) for row in new], (
            step,
            said,
            new,
        )
        assert all((row["door"], bool(row["actor"])) == ("cli", True) for row in new), new
        known += len(new)
    assert {*verbs()} == LOOKS | OWN_FILES | CONTROLLER | IMPORTS | {step.verb for step in STEPS}


@pytest.mark.parametrize("verb", sorted(IMPORTS))
def test_every_import_commits_in_one_way(verb: str) -> None:
    found = bring_in.import_verb.commands[verb.partition(" ")[2]].callback
    assert found is not None
    assert "_write(house.access(), importing, sketch" in inspect.getsource(found)
