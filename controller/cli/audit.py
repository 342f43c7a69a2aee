"""`homelab audit`."""

from __future__ import annotations

import re

import click

from controller.cli.exits import ERROR
from controller.cli.house import House, looking
from controller.cli.text import table, when
from controller.cli.verbs import talk, verb
from controller.core.errors import Refused


@verb("audit", examples=["homelab audit", "homelab audit --limit 500 -o json", "homelab audit --verify"], prints=True)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many rows.")
@click.option("--verify", is_flag=True, help="Check that every row is still as it was written.")
@click.option("--noted", metavar="HEAD", default="", help="With --verify: a head printed earlier, which must still be in it.")
def audit_verb(limit: int, verify: bool, noted: str) -> None:
    """Show who did what, newest first.

    Each row holds the digest of the row before it. `--verify` walks along all of them and prints the newest digest: note it
    somewhere else, and nobody can write the trail anew without being noticed."""
    if noted and not (verify and re.fullmatch("[0-9a-f]{64}", noted)):
        raise Refused("--noted takes the 64 characters that `homelab audit --verify` printed, together with --verify")
    with looking() as house:
        if verify:
            _verify(house, noted)
            return
        found = list(house.people.audit(limit))
    rows = [
        (
            str(item["number"]),
            when(item["at"]),
            item["actor"] or "a stranger",
            " ".join(filter(None, (item["door"], item["id"]))),
            item["peer"],
            item["action"],
            item["subject"],
            item["outcome"],
        )
        for item in found
    ]
    head = ("ROW", "AT", "WHO", "BY", "FROM", "DID", "TO", "OUTCOME")
    talk().data({"rows": found}, table(head, rows, talk().paint) if rows else ["nobody has changed anything yet"])


def _verify(house: House, noted: str) -> None:
    proof = house.people.prove(noted)
    missing = bool(noted) and not proof["noted"]
    lines = [f"rows: {proof['rows']}", f"head: {proof['head'] or 'none yet'}"]
    if proof["broken"]:
        lines.append(f"BROKEN: {proof['why']}")
    elif missing:
        lines.append("BROKEN: the head that was noted is not in it: the trail was written anew")
    else:
        lines.append("whole: every row follows from the row before")
    talk().data(proof, lines)
    if proof["broken"] or missing:
        talk().end(ERROR)
