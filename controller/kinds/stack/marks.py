"""Secrets on their way through a compose file: a mark stands for each while values are interpolated and merged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.clients.compose import Data
from controller.core.document import Path

_MARK = re.compile("\ue000([^\ue001]*)\ue001")


class Marks:
    """The secrets of one stack (`{ref: …, generate: …}` as data), by the mark that stands for each."""

    def __init__(self) -> None:
        self._secrets: dict[str, Mapping[str, Any]] = {}

    def mark(self, secret: Mapping[str, Any]) -> str:
        """The text that stands for a secret."""
        length = secret.get("generate")
        text = f"\ue000{secret['ref']}{'' if length is None else f' {length}'}\ue001"
        self._secrets[text] = secret
        return text

    def marked(self, value: Data) -> Data:
        """A value of an environment; the mark for one that is a reference to a secret."""
        return self.mark(value) if isinstance(value, dict) and isinstance(value.get("ref"), str) else value

    def secret(self, value: Data) -> Mapping[str, Any] | None:
        """The secret that a value stands for as a whole."""
        return self._secrets.get(value) if isinstance(value, str) else None

    def inside(self, data: Data, path: Path = ()) -> Iterator[tuple[Path, str]]:
        """The paths of all texts with a mark in them, with the secret's reference."""
        if isinstance(data, str):
            if match := _MARK.search(data):
                yield path, match[1].partition(" ")[0]
        elif isinstance(data, dict):
            for name, value in data.items():
                yield from self.inside(value, (*path, name))
        elif isinstance(data, list):
            for index, value in enumerate(data):
                yield from self.inside(value, (*path, index))


def shown(text: str) -> str:
    """A message without marks."""
    return _MARK.sub(lambda match: f"secret {match[1].partition(' ')[0]}", text)
