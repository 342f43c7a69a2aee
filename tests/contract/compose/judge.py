"""Compose itself as the judge of our loader: the same files go through `docker-compose config --format json` and through ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.clients.compose import ComposeError, load
from controller.clients.yaml import read_yaml
from controller.core.errors import Problem, SpecError

COMPOSE = Path(sys.executable).with_name("docker-compose")
HOME = "/home/somebody"
PROJECT = "proj"


@dataclass(frozen=True)
class Verdict:
    """What a loader makes of files: the project as data, or why it refuses them."""

    project: Any = None
    refusal: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """The files of one project. `entries` are the compose files in order; every scenario says why it is there."""

    reason: str
    files: Mapping[str, str]
    entries: Sequence[str]
    profiles: Collection[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def scenario(text: str) -> Scenario:
    """A scenario out of a bundle: reason, lines `entries: …`, `profiles: …`, `variables: …`, then `-- path --` before each file.

    A file whose text ends with `\\` has no line end at its end; `␍` stands for a carriage return."""
    head, *parts = re.split(r"(?m)^-- (.+) --\n", text)
    files = {path: content.removesuffix("\\\n").replace("␍", "\r") for path, content in zip(parts[::2], parts[1::2], strict=True)}
    words = {key: value.split() for key, value in re.findall(r"(?m)^(entries|profiles|variables): (.+)$", head)}
    reason = head.strip().partition("\n")[0]
    assert reason, "a scenario without a reason"
    variables = dict(word.split("=", 1) for word in words.get("variables", ()))
    return Scenario(reason, files, words.get("entries") or [next(iter(files))], words.get("profiles", ()), variables)


def compose(case: Scenario, folder: Path) -> Verdict:
    """Compose's verdict on a scenario, whose files it finds in `folder`."""
    for path, content in case.files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode())
    options = [part for entry in case.entries for part in ("-f", entry)]
    options += [part for profile in case.profiles for part in ("--profile", profile)]
    run = subprocess.run(
        [COMPOSE, "-p", PROJECT, *options, "config", "--format", "json"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": HOME, **case.variables},
        capture_output=True,
        check=False,
    )
    if run.returncode:
        return Verdict(refusal=run.stderr.decode() or "no word")
    # It doubles every dollar sign so that its output can be read as a compose file again.
    return Verdict(json.loads(run.stdout.decode().replace("$$", "$")))


def ours(case: Scenario, folder: Path) -> Verdict:
    """Our verdict on a scenario; nothing is read but its files."""

    def read(path: str) -> bytes | None:
        content = case.files.get(path)
        return None if content is None else content.encode()

    try:
        project = load(
            {},
            list(case.entries),
            project=PROJECT,
            variables=case.variables,
            profiles=case.profiles,
            read=read,
            parse=parse,
            root=str(folder),
            home=HOME,
        )
    except ComposeError as error:
        return Verdict(refusal=str(error), problems=error.problems)
    return Verdict(project.data())


def parse(content: bytes) -> Any:
    """Compose data out of YAML with the reader of the product."""
    try:
        documents = read_yaml("compose.yaml", content)
    except SpecError as error:
        raise ValueError(str(error)) from error
    return documents[0].data if documents else None


def same(left: Any, right: Any) -> bool:
    """Equality that tells true from 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def differences(left: Any, right: Any, place: str = "") -> list[str]:
    """Where our data (left) is not Compose's (right)."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = sorted(left.keys() | right.keys())
        return [line for key in keys for line in differences(left.get(key, "·"), right.get(key, "·"), f"{place}/{key}")]
    return [] if same(left, right) else [f"{place}: ours {left!r}, Compose {right!r}"]


def assert_alike(mine: Verdict, theirs: Verdict) -> None:
    """Both refuse, or both accept with the same project."""
    if mine.refusal or theirs.refusal:
        assert bool(mine.refusal) == bool(theirs.refusal), (
            f"ours: {mine.refusal or 'accepted'}\nCompose: {theirs.refusal or 'accepted'}"
        )
        return
    assert differences(mine.project, theirs.project) == []
