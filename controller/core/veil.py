"""Source lines as they may be shown: what a person wrote beside a name such as `DB_PASSWORD` stays in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from controller.core.secret import has_credentials, looks_sensitive

HIDDEN = "•••"
_OPENS = frozenset(["code", "pin", "webhook_id", "authorization"])
"""What opens a door, disarms an alarm or lets in whoever knows it."""
# A name begins where a word does and has an end: lines may be very long.
_NAME = re.compile(r"""(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,200})["']? ?[:=] {0,9}(?=\S)""")
_OUTER = re.compile(r"""^[\s-]*["']?([A-Za-z0-9_.-]{1,200})["']? ?:""")


def veiled(lines: Sequence[str], index: int) -> str:
    """A line of a file without the value of a sensitive name, and without all its text when it belongs to such a value."""
    line = lines[index]
    if any(hides(name) for name in _parents(lines, index)):
        return line[: len(line) - len(line.lstrip())] + HIDDEN
    ends = [found.end() for found in _NAME.finditer(line) if hides(found[1])][:1]
    if has_credentials(line):
        ends.append(line.rfind(" ", 0, line.find("://")) + 1)
    return line[: min(ends)] + HIDDEN if ends else line


def hides(name: str) -> bool:
    """True for a name whose value is not shown."""
    return looks_sensitive(name) or name.lower() in _OPENS


def _parents(lines: Sequence[str], index: int) -> list[str]:
    """Names of the entries that a line stands in, from its indentation."""
    found: list[str] = []
    deep = _depth(lines[index])
    for line in reversed(lines[:index]):
        if deep <= 0:
            break
        if line.strip() and _depth(line) < deep:
            deep = _depth(line)
            name = _OUTER.match(line)
            found += [name[1]] if name is not None else []
    return found


def _depth(line: str) -> float:
    """Indentation; an item of a list may stand as far left as the name that it belongs to."""
    inner = line.lstrip()
    return len(line) - len(inner) + (0.5 if inner.startswith("- ") or inner == "-" else 0)
