"""What the parts of a stack are called here."""

from __future__ import annotations

import re

from controller.core.key import Key

_OTHER = re.compile(r"[^a-z0-9-]+")


def key(kind: str, stack: str, name: str) -> Key:
    """The key of a part of a stack: lower case, with dashes for what a name must not hold."""
    return Key(kind, f"{stack}-{_OTHER.sub('-', name.lower()).strip('-')}")
