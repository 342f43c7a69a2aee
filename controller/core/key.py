"""Identity: what a resource is called, and what only one resource may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

NAME_PATTERN = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(NAME_PATTERN)
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")

Claim = str
"""A token that only one resource may hold: `port:8096/tcp@local`, `host:plex.example.net`, `dns:A:plex.example.net`."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Kind and name of one resource; prints `service/plex`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read `kind/name`; raises ValueError for anything else."""
        kind, slash, name = text.partition("/")
        if not slash or not _KIND.fullmatch(kind) or not is_name(name):
            raise ValueError(f"{text!r} is not a key; write it as kind/name, for example service/plex")
        return cls(kind, name)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )


def is_name(text: str) -> bool:
    """True when text may name a resource (RFC 1123 label: at most 63 lower-case letters, digits and inner dashes)."""
    return _NAME.fullmatch(text) is not None
