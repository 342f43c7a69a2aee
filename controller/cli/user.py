"""`homelab user`."""

from __future__ import annotations

import click

from controller.cli.house import Data, looking
from controller.cli.text import table, visible, when
from controller.cli.token import SCOPES
from controller.cli.verbs import Verb, talk
from controller.core.errors import Refused

_SCOPE = click.Choice(SCOPES)


@click.group("user")
def user_verb() -> None:
    """Manage the people who sign in to the web page.

    Passwords are read from standard input or asked for, never taken from the command line, where every process could see them."""


@user_verb.command(
    "add",
    cls=Verb,
    examples=[
        "homelab user add anna",
        "homelab user add evin --scope admin",
        "pwgen 20 1 | homelab user add anna --scope approve",
    ],
)
@click.argument("name", metavar="NAME")
@click.option("--scope", "scopes", type=_SCOPE, multiple=True, default=("read",), show_default=True, help="What they may do.")
@click.option("--no-password", is_flag=True, help="Only links let them in, until they have a password.")
def add_verb(name: str, scopes: tuple[str, ...], no_password: bool) -> None:
    """Let somebody sign in, with a password from standard input or asked for."""
    password = "" if no_password else _password(name)
    with looking() as house:
        made = house.people.add(name, scopes, password)
    talk().say(f"{made['name']} may sign in, with {', '.join(made['scopes'])}")


@user_verb.command("list", cls=Verb, examples=["homelab user list", "homelab user list -o json"], prints=True)
def list_verb() -> None:
    """List who may sign in, and how."""
    with looking() as house:
        found = list(house.people.people())
    rows = [
        (item["name"], ", ".join(item["scopes"]) or "locked out", _ways(item), when(item["at"]), item["by"]) for item in found
    ]
    head = ("NAME", "SCOPES", "SIGNS IN BY", "SINCE", "ADDED BY")
    talk().data({"people": found}, table(head, rows, talk().paint) if rows else ["nobody has signed in yet"])


@user_verb.command("remove", cls=Verb, examples=["homelab user remove anna"])
@click.argument("name", metavar="NAME")
def remove_verb(name: str) -> None:
    """Forget somebody: their sessions, links and tokens end at once."""
    with looking() as house:
        house.people.remove(name)
    talk().say(f"removed {visible(name)}")


@user_verb.command("lock", cls=Verb, examples=["homelab user lock anna"])
@click.argument("name", metavar="NAME")
def lock_verb(name: str) -> None:
    """Lock somebody out until `homelab user grant` lets them in again: their sessions, links and tokens end at once."""
    with looking() as house:
        house.people.lock(name)
    talk().say(f"locked {visible(name)} out")


@user_verb.command("passwd", cls=Verb, examples=["homelab user passwd anna", "pwgen 20 1 | homelab user passwd anna"])
@click.argument("name", metavar="NAME")
def passwd_verb(name: str) -> None:
    """Give somebody a new password; they sign in again everywhere."""
    password = _password(name)
    with looking() as house:
        house.people.set_password(name, password)
    talk().say(f"{visible(name)} has a new password")


@user_verb.command("grant", cls=Verb, examples=["homelab user grant anna --scope read --scope approve"])
@click.argument("name", metavar="NAME")
@click.option("--scope", "scopes", type=_SCOPE, multiple=True, required=True, help="What they may do, and nothing else.")
def grant_verb(name: str, scopes: tuple[str, ...]) -> None:
    """Say what somebody may do from now on; they sign in again."""
    with looking() as house:
        made = house.people.grant(name, scopes)
    talk().say(f"{made['name']} may {', '.join(made['scopes'])} from now on")


def _password(name: str) -> str:
    password = talk().ask_secret(f"the password of {name}")
    if not password:
        raise Refused(f"there is no password for {visible(name)}: type one at a terminal, or pipe one in")
    return password


def _ways(item: Data) -> str:
    return ", ".join([*(["password"] if item["password"] else []), *(["provider"] if item["provider"] else []), "link"])
