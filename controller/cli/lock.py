"""`homelab lock`."""

from __future__ import annotations

from controller.cli.house import settings
from controller.cli.text import long, visible
from controller.cli.verbs import talk, verb


@verb("lock", examples=["homelab lock", "homelab lock -o json"], prints=True)
def lock_verb() -> None:
    """Show who holds the writing lease, until when, and whether it answers here."""
    from controller.cli.controller_socket import answers
    from controller.wire import open_house

    found = settings()
    here = answers(found.socket)
    with open_house(found, write=False) as house:
        holder, end = house.store.leader()
        left = end - house.clock.now()
    held = bool(holder) and left > 0
    lines = [
        f"{visible(holder)} writes; its lease ends in {long(left)} unless it is renewed" if held else "nobody holds the lease"
    ]
    lines.append(f"a controller answers at {visible(found.socket)}" if here else "no controller answers for this state folder")
    talk().data({"holder": holder if held else "", "ends_in": max(left, 0.0) if held else 0.0, "answers": here}, lines)
