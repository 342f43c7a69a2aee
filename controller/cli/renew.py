"""`homelab renew`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from controller.cli.house import writing
from controller.cli.text import Paint, visible, when
from controller.cli.verbs import talk, verb


@verb("renew", examples=["homelab renew certificate/app-example-net"], prints=True)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
def renew_verb(keys: tuple[str, ...]) -> None:
    """Renew certificates now, whenever they expire.

    The old one is served until the new one is there; when none can be had, it is served on. A public authority gives the same
    host only a few certificates in a week, so this is for a key that others may have seen, not for every day."""
    with writing() as house:
        done = [house.renew(key) for key in keys]
    talk().data({"renewed": done}, [line for item in done for line in renewal_lines(item, talk().paint)])


def renewal_lines(item: Mapping[str, Any], paint: Paint) -> list[str]:
    """What took the place of what."""
    return [
        f"renewed {paint(visible(item['key']), 'bold')}: {visible(item['host'])}",
        f"  serial  {visible(item['before'])} → {visible(item['after'])}",
        f"  issuer  {visible(item['issuer'])}, valid until {when(item['until'])}",
    ]
