"""What is not ours yet, or no longer: objects as the documents that would declare them, and letting go of an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

from controller.core.key import Key
from controller.core.secret import has_credentials
from controller.core.state import Target

_OPTION = re.compile(r"-{1,2}[\w.-]*(?:pass(?:word|wd|phrase)?|secret|token|api-?key)(?:=(?P<value>.*))?", re.IGNORECASE)
_HARMLESS = re.compile(r"|-.*|[./~$].*|\d+\w{0,2}|true|false|yes|no|on|off", re.IGNORECASE)
"""What may stand after such an option: a path, a variable, a number, the next option."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """An object that is there but is not ours, as the documents that would declare it. `secrets` are values to move into the
    vault, by reference; `handle` and `address` as in Present and Target.

    `group` is the project that it belongs to and `files` the paths that this was declared in, on the machine that made it.
    `stopped` says why it does not run, `obstacle` why no document can declare it, `lost` what of it no document can say."""

    key: Key
    spec: Mapping[str, Any]
    address: str
    handle: str
    needs: tuple[Key, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    files: tuple[str, ...] = ()
    stopped: str = ""
    obstacle: str = ""
    lost: tuple[str, ...] = ()


@runtime_checkable
class Discovers(Protocol):
    """A provider that can describe what runs on its backend without being ours."""

    def discover(self) -> Sequence[Discovery]:
        """Every object that is not ours, also those that it could not take over. Read-only; raises Transient."""


@runtime_checkable
class LetsGo(Protocol):
    """A provider that keeps something beside an object in case it is needed for an undo."""

    def let_go(self, target: Target) -> Sequence[str]:
        """Remove what is kept, never the object itself, because it is no longer ours: names of what was removed. Raises what
        `apply` raises."""


def secret_option(arguments: Iterable[str]) -> str:
    """The option in a command line that gives a secret in plain text (`--requirepass x`), or ""."""
    texts = [str(argument) for argument in arguments]
    if any(map(has_credentials, texts)):
        return "a URL with a password"
    for word, following in pairwise([*" ".join(texts).split(), ""]):
        found = _OPTION.fullmatch(word)
        if found and not _HARMLESS.fullmatch((following if found["value"] is None else found["value"]).strip("'\"")):
            return word.partition("=")[0]
    return ""
