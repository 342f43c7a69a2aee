"""`homelab token`."""

from __future__ import annotations

import click

from controller.cli.house import House, looking
from controller.cli.text import table, visible, when
from controller.cli.verbs import Verb, talk
from controller.core.errors import Refused

SCOPES = ("read", "plan", "propose", "approve", "apply", "admin")


@click.group("token")
def token_verb() -> None:
    """Manage the tokens of programs, and links for browsers."""


@token_verb.command("url", cls=Verb, examples=["homelab token url"], prints=True)
def url_verb() -> None:
    """Print a link that lets one browser in, once, within 15 minutes."""
    with looking() as house:
        _must_run(house)
        made = house.invite()
    talk().data(made, [made["url"] or made["token"]])


@token_verb.command(
    "create",
    cls=Verb,
    examples=["homelab token create dashboard --scope read", "homelab token create ci --scope plan --scope apply --days 365"],
    prints=True,
)
@click.argument("name", metavar="NAME")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=("read",), show_default=True, help="What it may do."
)
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=90.0, show_default=True, help="When it ends.")
@click.option("--forever", is_flag=True, help="It ends only when it is revoked.")
@click.option("--assistant", is_flag=True, help="It is for an assistant: read, plan and propose at most.")
def create_verb(name: str, scopes: tuple[str, ...], days: float, forever: bool, assistant: bool) -> None:
    """Make a token for a program. Its text is shown only now."""
    with looking() as house:
        made = house.issue(name, scopes, None if forever else days, assistant=assistant)
    talk().data(made, [made["token"]])
    talk().say(f"token {made['about']['id']} for {', '.join(made['about']['scopes'])}; it is not shown again")


@token_verb.command("list", cls=Verb, examples=["homelab token list"], prints=True)
def list_verb() -> None:
    """List the tokens that work, without their text."""
    with looking() as house:
        found = list(house.tokens())
    rows = [
        (
            item["id"],
            item["name"],
            ", ".join(item["scopes"]),
            when(item["created"]),
            when(item["expires"]) or "never",
            when(item["used"]),
        )
        for item in found
    ]
    head = ("ID", "NAME", "SCOPES", "CREATED", "ENDS", "LAST USED")
    talk().data({"tokens": found}, table(head, rows, talk().paint) if rows else ["there is no token"])


@token_verb.command("revoke", cls=Verb, examples=["homelab token revoke 1a2b3c4d"])
@click.argument("name", metavar="ID")
def revoke_verb(name: str) -> None:
    """End a token at once."""
    with looking() as house:
        house.revoke(name)
    talk().say(f"revoked {visible(name)}")


@token_verb.command("webhook", cls=Verb, examples=["homelab token webhook", "homelab token webhook --make"], prints=True)
@click.option("--make", is_flag=True, help="Make the secret where there is none.")
def webhook_verb(make: bool) -> None:
    """Print the secret with which a git server signs its webhook (POST to /hooks/git)."""
    with looking() as house:
        secret = house.webhook(make=make)
    if secret is None:
        raise Refused("no webhook secret was made yet, so every hook is refused; `homelab token webhook --make` makes one")
    talk().data({"secret": secret}, [secret])


def _must_run(house: House) -> None:
    if not house.running:
        raise Refused("no controller runs, so there is no page; start one with `homelab run`")
