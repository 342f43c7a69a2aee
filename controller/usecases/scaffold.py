"""Scaffold: a spec repository that works as it is, and new documents from the kinds' examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from controller.core.errors import HomelabError, Refused
from controller.core.key import is_name
from controller.core.suggest import did_you_mean

HOMELAB_FILE = "homelab.yaml"
SCHEMA_FILE = "schemas/homelab.json"
_LINE = "# yaml-language-server: $schema={}schemas/homelab.json\n"
_TEMPLATES = "usecases/template"

Git = Callable[..., str]
"""A person's own git: a folder and arguments → what it prints. Raises HomelabError."""


@dataclass(frozen=True, slots=True)
class Made:
    """What `init` did: files that are new, whether the repository is new, and the commit ("" = there was nothing to commit)."""

    folder: Path
    files: tuple[str, ...]
    repository: bool
    commit: str


@dataclass(frozen=True)
class Scaffold:
    """The use cases behind `init`, `new` and `demo`. `by` names the author where git knows none; `schema` is the text of
    `schemas/homelab.json`."""

    by: str
    schema: str
    git: Git

    def init(self, folder: Path, *, here: bool = False) -> Made:
        """Make a spec repository in a folder, or complete the one there is: existing files stay as they are.

        Raises Refused for a folder with content that is no repository (unless `here`), HomelabError when git fails."""
        new = not (folder / ".git").exists()
        if folder.exists() and not folder.is_dir():
            raise Refused(f"{folder} is not a folder")
        if new and not here and folder.is_dir() and any(folder.iterdir()):
            raise Refused(f"{folder} is not empty and not a git repository; to make it one, say --here")
        folder.mkdir(parents=True, exist_ok=True)
        if new:
            self.git(folder, "init", "--quiet", "--initial-branch=main")
        written = tuple(name for name, text in self._wanted(folder).items() if _write(folder / name, text))
        message = "Start a home as code" if HOMELAB_FILE in written else "Add what was missing"
        return Made(folder, written, new, self._commit(folder, written, message))

    def demo(self, folder: Path) -> Made:
        """A spec repository with more to look at, for the simulated world. What a person changed in it stays."""
        made = self.init(folder)
        if not made.repository:
            return made
        root = files("controller").joinpath("usecases", "template")
        shown = {HOMELAB_FILE: "demo-home.yaml", "services/demo.yaml": "demo.yaml", "home/demo.yaml": "demo-rooms.yaml"}
        for path, name in shown.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(root.joinpath(name).read_text("utf-8"), "utf-8")
        written = tuple(dict.fromkeys((*made.files, *shown)))
        return Made(folder, written, True, self._commit(folder, tuple(shown), "Show a home"))

    def _wanted(self, folder: Path) -> Mapping[str, str]:
        if (folder / HOMELAB_FILE).exists():
            return {SCHEMA_FILE: self.schema}
        return {**template(), SCHEMA_FILE: self.schema}

    def _commit(self, folder: Path, written: Sequence[str], message: str) -> str:
        if not written:
            return ""
        self.git(folder, "add", "--", *written)
        said = (
            () if self._known(folder, "user.email") else ("-c", f"user.name={self.by}", "-c", f"user.email={self.by}@localhost")
        )
        self.git(folder, *said, "commit", "--quiet", "--message", message, "--", *written)
        return self.git(folder, "rev-parse", "HEAD").strip()

    def _known(self, folder: Path, setting: str) -> bool:
        try:
            return bool(self.git(folder, "config", "--get", setting).strip())
        except HomelabError:
            return False


def template() -> Mapping[str, str]:
    """The files of a new spec repository, by path."""
    root = files("controller").joinpath("usecases", "template")
    names = {
        "homelab.yaml": HOMELAB_FILE,
        "hello.yaml": "services/hello.yaml",
        "house.yaml": "policy/house.yaml",
        "README.md": "README.md",
        "gitattributes.txt": ".gitattributes",
        "pre-commit.txt": ".pre-commit-config.yaml",
    }
    return {target: root.joinpath(name).read_text("utf-8") for name, target in names.items()}


def example(kind: str, name: str) -> str:
    """A document of a kind under a name of its own, from the kind's example. Raises Refused."""
    if not is_name(name):
        raise Refused(f"{name!r} is not a name: use at most 63 of a-z, 0-9 and inner dashes, for example media-server")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", kind):
        raise Refused(f"{kind!r} is not a kind")
    found = files("controller").joinpath("kinds", kind, "example.yaml")
    if not found.is_file():
        kinds = sorted(
            each.name for each in files("controller").joinpath("kinds").iterdir() if each.joinpath("example.yaml").is_file()
        )
        raise Refused(f"there is no kind {kind!r}; {did_you_mean(kind, kinds) or 'known are ' + ', '.join(kinds)}")
    text = re.sub(r"^# yaml-language-server:.*\n", "", found.read_text("utf-8"), flags=re.MULTILINE)
    return re.sub(r"^name:.*$", f"name: {name}", text, count=1, flags=re.MULTILINE)


def new(folder: Path, kind: str, name: str) -> Path:
    """Write the example of a kind below the spec folder, to be edited and committed; the file. Raises Refused."""
    text = _LINE.format("../") + example(kind, name)
    path = folder / f"{kind}s" / f"{name}.yaml"
    if not _write(path, text):
        raise Refused(f"{path} exists already")
    return path


def _write(path: Path, text: str) -> bool:
    """Write a file that is not there yet; False when it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True
