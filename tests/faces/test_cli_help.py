"""The list of verbs, their help and their examples; and that little is loaded for it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from controller.cli.main import ALIASES, VERBS, homelab
from controller.cli.talk import Talk
from controller.cli.verbs import Verb
from tests.faces.command import BINARY

HEAVY = ("pydantic", "sqlalchemy", "docker", "rich", "starlette", "yaml", "git", "controller.wire", "controller.engine")


def verbs() -> Iterator[tuple[str, click.Command]]:
    """Every verb that can be typed, with its words."""
    context = click.Context(homelab)
    for name in homelab.list_commands(context):
        command = homelab.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


LEAVES = dict(verbs())


@pytest.mark.parametrize("name", LEAVES, ids=str)
def test_every_verb_shows_an_example_that_parses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    command = LEAVES[name]
    assert isinstance(command, Verb)
    assert command.examples, "help without an example"
    for example in command.examples:
        for words in calls(example):
            for word in words:
                if word.endswith((".yaml", ".db", ".zone", "Caddyfile")):
                    path = Path(word).expanduser()
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.touch()
            parsed = parse(words)
            assert parsed is command, f"{example!r} is another verb's"
        assert example in command.get_help(click.Context(command, info_name=name))


def calls(example: str) -> Iterator[list[str]]:
    """The `homelab` calls of an example, which may be part of a shell's line."""
    for call in re.findall(r"homelab [^|>\n]*", re.sub(r'eval "\$\((.*)\)"', r"\1", example)):
        yield [str(Path(word).expanduser()) if word.startswith("~") else word for word in shlex.split(call)[1:]]


def parse(words: list[str]) -> click.Command:
    """The verb that a command line calls, with its arguments checked."""
    command: click.Command = homelab
    context = click.Context(homelab, obj=Talk())
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, parent=context, info_name=command.name)
    command.parse_args(context, list(words))
    return command


def test_the_list_of_verbs_says_what_each_verb_says() -> None:
    context = click.Context(homelab)
    for section in VERBS.values():
        for name, (_, text) in section.items():
            command = homelab.get_command(context, name)
            assert command is not None
            told = (command.help or "").split("\n\n")[0].replace("\n", " ")
            assert told.startswith(text.rstrip(".")), f"{name}: {told!r} begins otherwise than {text!r}"


def test_the_help_lists_every_verb_and_an_alias_works() -> None:
    done = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True)
    for section in VERBS.values():
        for name in section:
            assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)
    for alias, name in ALIASES.items():
        assert homelab.get_command(click.Context(homelab), alias) is homelab.get_command(click.Context(homelab), name)


LOADED = """
import json, sys
from controller.cli.main import main
code = main({arguments!r})
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--help"], "a person looks for a verb"),
        (["version"], "scripts ask for it"),
        (["plan", "--help"], "a person looks for a flag"),
        (["apply", "--help"], "the flags of a writing verb"),
        (["plam"], "a typing mistake"),
    ],
)
def test_little_is_loaded(arguments: list[str], reason: str, tmp_path: Path) -> None:
    assert loaded(arguments, {}, tmp_path)[1] == [], reason


def loaded(arguments: list[str], environment: dict[str, str], folder: Path) -> tuple[int, list[str], str]:
    """Exit code of a call, the heavy modules that it loaded, and what it printed."""
    text = LOADED.format(arguments=arguments)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(root), **environment},
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, [name for name in modules if name in HEAVY], done.stdout


@pytest.mark.parametrize(("word", "meant"), [("plam", "plan"), ("stauts", "status"), ("rolback", "rollback")])
def test_an_unknown_verb_is_answered_with_the_nearest(word: str, meant: str) -> None:
    done = subprocess.run([BINARY, word], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"did you mean `{meant}`?" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_completion_script(shell: str) -> None:
    done = subprocess.run([BINARY, "completion", shell], capture_output=True, text=True, check=True)
    assert "_HOMELAB_COMPLETE" in done.stdout


def test_the_completion_script_completes_verbs() -> None:
    words = {"_HOMELAB_COMPLETE": "bash_complete", "COMP_WORDS": "homelab roll", "COMP_CWORD": "1"}
    done = subprocess.run([BINARY], capture_output=True, text=True, check=False, env={**os.environ, **words})
    assert done.stdout.split() == ["plain,rollback"]
