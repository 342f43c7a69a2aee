"""What importers understand of values: env files as Compose reads them, secrets in commands, names added to a file's text."""

from __future__ import annotations

from typing import Any

import pytest

from controller.clients.compose.dotenv import parse_env_file
from controller.clients.yaml import read_yaml
from controller.core.discovery import secret_option
from controller.usecases.compose_values import dotenv, source_of, statements
from controller.usecases.importing_files import ComposeFile, named, same


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A=1\nexport B=two words  # comment\n", "comments and export"),
        ("A='l$B' # c\nB=\"x y\" # c\n", "quotes of both kinds"),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=2\n', "a value over several lines"),
        ("A=1\nB=${A}-${C:-3}\nC=$A$$\n", "values of earlier lines, defaults, an escaped dollar sign"),
        ("A=\nB=a#b\nC=${OUT}\n\n # D=4\n", "empty, a hash inside a word, a variable from outside, a comment"),
        ("A = 1\r\nB=2\r\n", "spaces and foreign line ends"),
    ],
)
def test_an_env_file_says_what_compose_reads_in_it(text: str, reason: str) -> None:
    outside = {"OUT": "side"}
    known: dict[str, str] = {}
    parse_env_file(text.encode(), outside.get, known)
    assert dotenv(text.encode(), outside) == known, reason


def test_a_statement_is_all_that_was_written() -> None:
    text = 'A=1\nKEY="one\ntwo"\nB=2'
    assert "".join(each.text for each in statements(text.encode())) == text
    assert [each.name for each in statements(text.encode())] == ["A", "KEY", "B"]


@pytest.mark.parametrize(
    ("command", "option", "reason"),
    [
        ("redis-server --requirepass hunter2", "--requirepass", "the usual place"),
        ("serve --api-key=abcdef --port 80", "--api-key", "in one word"),
        ("sh -c 'serve --token abcdef'", "--token", "inside a shell's text"),
        ("migrate postgres://user:hunter2@db/x", "a URL with a password", "inside a URL"),
        ("serve --password-file /run/secrets/x --token /run/y", "", "a path is none"),
        ("serve --token $TOKEN --secret ${S} --token-ttl 3600", "", "a variable of the container is none"),
        ("serve --no-password --verbose", "", "an option without a value"),
    ],
)
def test_secrets_in_a_command(command: str, option: str, reason: str) -> None:
    assert secret_option(command.split()) == option, reason
    assert secret_option([command]) == option, reason


@pytest.mark.parametrize(
    ("mount", "parts", "reason"),
    [
        ("./a:/b:ro", ("./a", ":/b:ro"), "short syntax"),
        ("${DATA:-./d}:/b", ("${DATA:-./d}", ":/b"), "a default has a colon of its own"),
        ("/only", ("/only", ""), "no source at all"),
    ],
)
def test_the_source_of_a_mount(mount: str, parts: tuple[str, str], reason: str) -> None:
    assert source_of(mount) == parts, reason


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        ("# note\nservices:\n  web: # the one\n    image: x\n", True, "a line of its own after the service's"),
        ("---\nvolumes:\n  web:\n\nservices:\n  db: {image: y}\n  web:\n\n    # which\n    image: x\n", True, "not a volume's"),
        ("services:\n  'web':\n      image: x\n", True, "quotes, another indentation"),
        ("services: {web: {image: x}}\n", False, "a flow has no line for it"),
    ],
)
def test_names_are_added_as_lines_where_that_can_be(text: str, kept: bool, reason: str) -> None:
    data: Any = read_yaml("a.yaml", text.encode())[0].data
    wanted: Any = read_yaml("a.yaml", text.encode())[0].data
    wanted = {"name": "home", **wanted}
    wanted["services"]["web"]["container_name"] = "home-web-1"
    made = named(ComposeFile("a.yaml", ".", data), text.encode(), wanted).decode()
    assert same(read_yaml("a.yaml", made.encode())[0].data, wanted) is kept, reason
    assert set(text.splitlines()) <= set(made.splitlines()), "nothing that was written goes"
