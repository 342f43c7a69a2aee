"""The spec repository as a compose file sees it: paths from its top, files parsed once, and what is ours in them set apart."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from controller.clients.compose import Data, Override
from controller.core.errors import Problem, Rejected, SourceError
from controller.core.kind import Surroundings
from controller.kinds.stack.marks import Marks

ROOT = "/.specs-of-this-house"
"""Where the top of the repository stands in canonical paths; no path of a machine."""
_INLINE = "this document"
OURS = ("secrets", "expose")
"""Attributes of a service that are ours when they are a map and Compose's when they are a list."""


class Repository(Mapping[str, Data]):
    """Compose files by path from the top of the repository, without what is ours. Files are read when they are asked for.

    `inline` is the compose file that the document itself holds, or None."""

    def __init__(self, around: Surroundings, inline: Mapping[str, Any] | None, marks: Marks) -> None:
        self._around = around
        self._marks = marks
        self.inline = posixpath.join(around.base, _INLINE)
        self.raw: dict[str, Any] = {} if inline is None else {self.inline: inline}

    def __getitem__(self, path: str) -> Data:
        if path not in self.raw:
            content = self.read(path)
            if content is None:
                raise KeyError(path)
            self.raw[path] = self._around.parse(self.local(path), content)
        return self._without_ours(self.raw[path])

    def __contains__(self, path: object) -> bool:
        return path in self.raw or (isinstance(path, str) and self.read(path) is not None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def read(self, path: str) -> bytes | None:
        """The content of a file, or None."""
        try:
            return self._around.file(self.local(path))
        except SourceError as error:
            raise Rejected([Problem((), str(error), file=self.local(path))]) from error

    def local(self, path: str) -> str:
        """A path from the top as seen from the document's folder; "" for the document itself."""
        return "" if path == self.inline else posixpath.relpath(f"/{path}", f"/{self._around.base}")

    def inside(self, source: str) -> str | None:
        """The path from the top that a canonical host path stands for; None for a path of the host."""
        if source == ROOT:
            return "."
        return source.removeprefix(f"{ROOT}/") if source.startswith(f"{ROOT}/") else None

    def mounted(self, source: str) -> str:
        """A canonical host path: one inside the repository as seen from the document's folder, others as they are."""
        inside = self.inside(source)
        if inside is None:
            return source
        found = self.local(inside)
        return found if found.startswith("..") else f"./{found}"

    def _without_ours(self, data: Data) -> Data:
        services = bare(data.get("services")) if isinstance(data, dict) else None
        if not isinstance(services, dict):
            return data
        return {**data, "services": {name: self._service(service) for name, service in services.items()}}

    def _service(self, service: Data) -> Data:
        if not isinstance(service, dict):
            return service
        kept = {key: value for key, value in service.items() if key not in OURS or not isinstance(bare(value), dict)}
        environment = kept.get("environment")
        if isinstance(environment, dict):
            kept["environment"] = {name: self._marks.marked(value) for name, value in environment.items()}
        return kept


def bare(value: Data) -> Data:
    """A value without its `!override` tag."""
    return value.value if isinstance(value, Override) else value
