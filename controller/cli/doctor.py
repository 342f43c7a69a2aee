"""`homelab doctor`."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.cli.controller_socket import answers
from controller.cli.exits import ERROR, OK
from controller.cli.house import House as AnyHouse
from controller.cli.house import looking, settings
from controller.cli.show_findings import unreachable
from controller.cli.show_plan import world
from controller.cli.text import Paint, counted, visible
from controller.cli.verbs import talk, verb
from controller.core.errors import HomelabError
from controller.settings import Settings

if TYPE_CHECKING:
    from controller.wire import House

_GIB = 1 << 30
_MARKS = {"good": ("ok  ", "green"), "warning": ("warn", "yellow"), "bad": ("BAD ", "red")}


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `fix` is what to do when it is not good."""

    level: str
    what: str
    fix: str = ""


@verb("doctor", examples=["homelab doctor", "homelab doctor -o json"], prints=True)
def doctor_verb() -> None:
    """Find what is wrong with this installation, and say how to fix it. Nothing is changed."""
    found = list(_findings())
    lines = [_line(item, talk().paint) for item in found]
    bad = any(item.level == "bad" for item in found)
    talk().data({"findings": [asdict(item) for item in found], "good": not bad}, lines)
    talk().end(ERROR if bad else OK)


def _line(item: Finding, paint: Paint) -> str:
    mark, style = _MARKS[item.level]
    return f"{paint(mark, style)} {visible(item.what)}" + (f"  fix: {visible(item.fix)}" if item.fix else "")


def _findings() -> Iterator[Finding]:
    git = shutil.which("git")
    yield (
        Finding("good", f"git is {git}")
        if git
        else Finding("bad", "git is not installed", "install git with your package manager")
    )
    try:
        found = settings()
    except HomelabError as error:
        yield Finding("bad", f"settings: {error}", "see the message")
        return
    yield Finding("good", f"specs are {found.shown_repo}, state is {found.state}")
    yield from _folder(found)
    running = None
    try:
        running = answers(found.socket)
    except HomelabError as error:
        yield Finding("bad", str(error), "end the controller (see `homelab lock`) and start it again")
    if running is not None:
        yield (
            Finding("good", "a controller runs")
            if running
            else Finding("warning", "no controller runs", "start one: `homelab run`")
        )
    yield from _house(found, running=bool(running))


def _folder(found: Settings) -> Iterator[Finding]:
    if not found.state.is_dir():
        yield Finding("warning", f"{found.state} does not exist yet", "`homelab init` or `homelab run` makes it")
        return
    free = shutil.disk_usage(found.state).free
    if free < _GIB:
        yield Finding("warning", f"{free / _GIB:.1f} GiB are free at {found.state}", "make room: the journal must be written")
    for path in (found.state, *found.state.glob("**/identity"), *found.state.glob("**/vault.age")):
        yield from _private(path)


def _private(path: Path) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding("bad", f"others can read {path} ({mode:o})", f"chmod {'700' if path.is_dir() else '600'} {path}")
    elif path.name == "identity":
        yield Finding("good", f"the identity is {path}; save a copy elsewhere if you did not")


def _house(found: Settings, *, running: bool) -> Iterator[Finding]:
    """What the store, the specs and the world are like. Where a controller runs it is asked for all of that: what this command
    was told may be another world, with a store of its own."""
    from controller.cli.own_house import OwnHouse
    from controller.wire import open_house

    try:
        if running:
            with looking() as controller:
                yield from _seen(found, controller)
                yield from _words(controller)
            return
        with open_house(found, write=False) as house:
            yield from _store(house)
            yield from _seen(found, OwnHouse(house))
    except HomelabError as error:
        yield Finding("bad", str(error), "see the message")


def _seen(found: Settings, house: AnyHouse) -> Iterator[Finding]:
    status = house.status()
    yield from _specs(found, status)
    yield from _world(status)
    for target in house.notifications():
        name, error = target["name"], target["error"]
        if error:
            yield Finding("warning", f"messages to {name} do not arrive: {error}", f"`homelab notify test {name}`")
        else:
            yield Finding("good", f"{name} is told what happens")


def _store(house: House) -> Iterator[Finding]:
    holder, end = house.store.leader()
    if holder and end > house.clock.now():
        yield Finding("good", f"{holder} writes")
    elif house.store.open_entries():
        yield Finding("warning", "a run was interrupted", "`homelab apply` or `homelab run` settles it first")
    for item in house.store.quarantined():
        yield _quarantined(item.culprit, item.reason)
    for key, word in house.store.suspensions().items():
        yield _suspended(str(key), word.by, word.reason)


def _words(controller: AnyHouse) -> Iterator[Finding]:
    """What the store of a controller that runs holds."""
    yield Finding("good", f"{controller.status()['leader'] or 'nobody'} writes")
    found = controller.decisions()
    for item in found["quarantined"]:
        yield _quarantined(item["culprit"], item["reason"])
    for item in found["suspended"]:
        yield _suspended(item["key"], item["by"], item["reason"])


def _quarantined(culprit: str, reason: str) -> Finding:
    return Finding("warning", f"{culprit} is quarantined: {reason}", f"commit a fix, or `homelab retry {culprit}`")


def _suspended(key: str, by: str, reason: str) -> Finding:
    return Finding("warning", f"{key} is suspended by {by} ({reason or 'no reason given'})", f"`homelab resume {key}`")


def _specs(found: Settings, status: Mapping[str, Any]) -> Iterator[Finding]:
    wrong = [item for item in status["diagnostics"] if item["severity"] == "error"]
    if wrong:
        first = wrong[0]
        yield Finding("bad", f"the specs are invalid: {first['file']}:{first['line']}: {first['message']}", "`homelab validate`")
    elif status["reason"]:
        yield Finding("bad", status["reason"], "see the message")
    else:
        yield Finding("good", f"the specs are valid at {status['revision'][:10]}: {counted(len(status['items']), 'resource')}")
    schema = Path(found.repo) / found.path / "schemas" / "homelab.json"
    if not found.remote and schema.is_file():
        from controller.usecases.schemas import EVERYTHING, schemas
        from controller.wire import load_kinds

        if schema.read_text("utf-8") != schemas(load_kinds())[EVERYTHING]:
            yield Finding(
                "warning", f"{schema} is of another version", "`homelab schema homelab --write` beside it, and commit it"
            )


def _world(status: Mapping[str, Any]) -> Iterator[Finding]:
    for name, reason in sorted(status["backends"].items()):
        if reason:
            yield Finding("bad", f"{unreachable(name)}: {reason.removeprefix(f'{name}: ')}", _reach(name))
        else:
            yield Finding("good", f"{name} answers")
    for item in status["items"]:
        if item["sync"] == "Failed":
            yield Finding("bad", f"{item['key']}: {item['why']}", f"`homelab show {item['key']}`")
    yield Finding("good", f"the world is {world(status['world'])}")


def _reach(name: str) -> str:
    if name == "local":
        return "see the reason; `--world memory` needs no Docker"
    return "see the reason; the connection stands in homelab.yaml"
