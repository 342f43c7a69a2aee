"""Files beside a compose file that give values to services: env_file and label_file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from controller.clients.compose.data import Data
from controller.clients.compose.dotenv import parse_env_file
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.places import Places

Read = Callable[[str], bytes | None]
"""The bytes of a file of the repository, by its path from the top; None when it does not exist."""


def read_env_files(paths: Iterable[str], read: Read, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of dotenv files of the repository, later ones winning. Their values see `environment` first, then each
    other. A file that does not exist says nothing. Raises Invalid naming the file."""
    known: dict[str, str] = {}
    for path in paths:
        content = read(path)
        try:
            if content is not None:
                parse_env_file(content, environment.get, known)
        except Invalid as error:
            raise Invalid(f"`{path}`: {error.message}", error.hint) from error
    return {name: value for name, value in known.items() if not name[:1].isdigit()}


def fill_environment(service: dict[str, Data], raw: dict[str, Data], source: Source, findings: Findings, path: Path) -> None:
    """Complete the environment of a canonical service from outside values and from the env_file entries of its long form."""
    declared: dict[str, str | None] = service.get("environment") or {}
    for name, value in declared.items():
        if value is None:
            declared[name] = source.variables.get(name)
    known = {name: value for name, value in declared.items() if value is not None}

    def lookup(name: str) -> str | None:
        found = source.variables.get(name)
        return found if found is not None else declared.get(name)

    for index, entry in enumerate(raw.get("env_file") or []):
        try:
            content = source.content(entry["path"], required=entry.get("required", True) not in (False, "false"))
            if content is not None:
                source.parse(content, entry, lookup, known)
        except Invalid as error:
            findings.add_invalid((*path, "env_file", index), error)
    merged: dict[str, str | None] = {**known, **declared}
    if merged:
        service["environment"] = merged


def fill_labels(service: dict[str, Data], raw: dict[str, Data], source: Source, findings: Findings, path: Path) -> None:
    """Complete the labels of a canonical service from the label files of its long form."""
    known: dict[str, str] = {}
    for index, name in enumerate(raw.get("label_file") or []):
        try:
            content = source.content(name, required=True)
            if content is not None:
                parse_env_file(content, known.get, known)
        except Invalid as error:
            findings.add_invalid((*path, "label_file", index), error)
    labels = known | (service.get("labels") or {})
    if labels:
        service["labels"] = labels


class Source:
    """Where values from outside come from: the files of the repository and the given variables."""

    def __init__(self, read: Read, places: Places, variables: Mapping[str, str]) -> None:
        self.read, self.places, self.variables = read, places, variables

    def content(self, path: str, *, required: bool) -> bytes | None:
        """The bytes of a file by its absolute path; raises Invalid outside the repository and when a required one is missing."""
        inside = self.places.file(path, self.places.root)
        found = self.read(inside)
        if found is None and required:
            raise Invalid(f"`{inside}` does not exist", "create it, or say `required: false`")
        return found

    @staticmethod
    def parse(content: bytes, entry: dict[str, Data], lookup: Callable[[str], str | None], known: dict[str, str]) -> None:
        """Read an env_file entry into `known`."""
        kind = entry.get("format", "")
        if kind not in ("", "raw"):
            raise Invalid(f"`{kind}` is not a format of an env_file", "use `raw`, or leave it out", ("format",))
        parse_env_file(content, lookup, known, raw=kind == "raw")
