"""`homelab secret`."""

from __future__ import annotations

import click

from controller.cli.house import looking, writing
from controller.cli.text import table, visible
from controller.cli.verbs import Verb, talk
from controller.core.errors import Refused


@click.group("secret")
def secret_verb() -> None:
    """Keep secret values in the vault.

    Specifications name them by reference (`secrets: {NAME: {ref: app/password}}`). Values are read from standard input or asked
    for, never taken from the command line, where every process could see them."""


@secret_verb.command(
    "set", cls=Verb, examples=["homelab secret set app/password", "pwgen 40 1 | homelab secret set app/password"]
)
@click.argument("ref", metavar="REF")
def set_verb(ref: str) -> None:
    """Keep a value, from standard input or asked for."""
    value = talk().ask_secret(ref)
    if not value:
        pipe = f"pwgen 40 1 | homelab secret set {visible(ref)}"
        raise Refused(f"there is no value for {visible(ref)}: type one at a terminal, or pipe one in: {pipe}")
    with writing() as house:
        kept = house.set_secret(ref, value)
    talk().say(f"kept {kept['ref']} version {kept['version']}; what uses it follows with the next pass")


@secret_verb.command("list", cls=Verb, examples=["homelab secret list", "homelab secret list -o json"], prints=True)
def list_verb() -> None:
    """List references with their newest version; a value is never shown."""
    with looking() as house:
        found = list(house.secrets())
    rows = [(item["ref"], f"v{item['version']}", item["fingerprint"]) for item in found]
    lines = table(("REF", "VERSION", "FINGERPRINT"), rows, talk().paint) if rows else ["the vault is empty"]
    talk().data({"secrets": found}, lines)


@secret_verb.command(
    "rotate", cls=Verb, examples=["homelab secret rotate app/password", "homelab secret rotate app/token --length 64"]
)
@click.argument("ref", metavar="REF")
@click.option("--length", type=click.IntRange(16, 1024), help="Characters; default: as long as the value it replaces.")
def rotate_verb(ref: str, length: int | None) -> None:
    """Generate a new value; what uses it follows with the next pass, and an undo brings back the old one."""
    with writing() as house:
        kept = house.rotate_secret(ref, length)
    talk().say(f"{kept['ref']} has version {kept['version']} now; what uses it follows with the next pass")


@secret_verb.command(
    "export", cls=Verb, examples=["homelab secret export --yes", "homelab secret export --yes -o json"], prints=True
)
@click.option("--yes", is_flag=True, help="Print plain values without asking.")
def export_verb(yes: bool) -> None:
    """Print every value in plain text, as REF=VALUE or JSON. That it was done is recorded."""
    if not yes:
        talk().confirm("Print every secret in plain text?")
    with looking() as house:
        found = dict(house.export_secrets())
    talk().data(found, [f"{ref}={value}" for ref, value in found.items()])
