"""`homelab session`."""

from __future__ import annotations

import click

from controller.cli.house import looking
from controller.cli.text import table, visible, when
from controller.cli.verbs import Verb, talk


@click.group("session")
def session_verb() -> None:
    """See which browsers are signed in, and sign them out."""


@session_verb.command("list", cls=Verb, examples=["homelab session list", "homelab session list -o json"], prints=True)
def list_verb() -> None:
    """List the sessions that work, the newest first."""
    with looking() as house:
        found = list(house.people.sessions())
    rows = [
        (
            item["id"],
            item["name"],
            ", ".join(item["scopes"]),
            item["way"],
            item["peer"] or "this machine",
            when(item["began"]),
            when(item["used"]),
            when(item["ends"]),
        )
        for item in found
    ]
    head = ("ID", "NAME", "SCOPES", "BY", "FROM", "BEGAN", "LAST USED", "ENDS")
    talk().data({"sessions": found}, table(head, rows, talk().paint) if rows else ["nobody is signed in"])


@session_verb.command("revoke", cls=Verb, examples=["homelab session revoke 5e5510112233", "homelab session revoke --user anna"])
@click.argument("name", metavar="ID", required=False)
@click.option("--user", metavar="NAME", help="Every session of this person.")
def revoke_verb(name: str | None, user: str | None) -> None:
    """Sign a browser out at once, or every browser of somebody."""
    if (name is None) == (user is None):
        raise click.UsageError("name a session, or a person with --user")
    with looking() as house:
        if user is not None:
            house.people.end_sessions(user)
        elif name is not None:
            house.people.end_session(name)
    talk().say(f"ended session {visible(name)}" if name is not None else f"ended every session of {visible(user or '')}")
