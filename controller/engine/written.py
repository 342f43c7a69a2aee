"""Where things are written: other files of a revision, each read once, and documents whose parts come from several places."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from controller.core.document import Draft, Files, Parsed, Path, Reader
from controller.core.errors import Origin, SourceError, SpecError

_Layer = tuple[Parsed, Path]


@dataclass
class Shelf:
    """The other files that documents of one revision point into."""

    files: Files
    reader: Reader
    _read: dict[str, Parsed | None] = field(default_factory=dict)

    def parsed(self, file: str, folder: str) -> tuple[str, Parsed | None]:
        """The path of a file that a document in `folder` names, and its content, or None when it cannot be shown."""
        path = posixpath.normpath(posixpath.join(folder, file))
        if path not in self._read:
            try:
                documents = self.reader(path, self.files.read(path) or b"")
            except (SpecError, SourceError):
                documents = ()
            self._read[path] = documents[0] if documents else None
        return path, self._read[path]

    def draft(self, draft: Draft, parent: Parsed, at: Path, folder: str) -> _Layer:
        """The text that a draft comes from and its path there. `at` is the path of the parent's spec in `parent`."""
        layers = []
        for file, path in ((draft.file, draft.at), *draft.also):
            found = self.parsed(file, folder)[1] if file else parent
            if found is not None:
                layers.append((found, path if file else (*at, *path)))
        if len(layers) < 2:
            return layers[0] if layers else (parent, at)
        main, start = layers[0]
        return Parsed(main.data, main.origin, partial(_locate, layers), partial(_snippet, layers)), start


def _locate(layers: Sequence[_Layer], path: Path) -> Origin:
    main, start = layers[0]
    if path[: len(start)] != start:
        return main.locate(path)
    parsed, place = _place(layers, path[len(start) :])
    return parsed.locate(place)


def _place(layers: Sequence[_Layer], path: Path) -> _Layer:
    """The layer that says most about a path below all of them. Lists follow each other, the weakest layer's first."""
    step = next((index for index, part in enumerate(path) if isinstance(part, int)), None)
    if step is not None:
        position = int(path[step])
        for parsed, start in reversed(layers):
            entries = _value(parsed.data, (*start, *path[:step]))
            if isinstance(entries, list):
                if position < len(entries):
                    return parsed, (*start, *path[:step], position, *path[step + 1 :])
                position -= len(entries)
        path = path[:step]
    parsed, start = max(layers, key=lambda layer: _depth(layer[0].data, (*layer[1], *path)) - len(layer[1]))
    return parsed, (*start, *path)


def _value(data: Any, path: Path) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _depth(data: Any, path: Path) -> int:
    for depth, part in enumerate(path):
        if not isinstance(data, dict) or part not in data:
            return depth
        data = data[part]
    return len(path)


def _snippet(layers: Sequence[_Layer], origin: Origin) -> str:
    return next((parsed.snippet(origin) for parsed, _ in layers if parsed.origin.file == origin.file), "")
