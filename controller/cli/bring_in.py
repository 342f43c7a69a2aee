"""`homelab import`."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.house import House, settings, user, writing
from controller.cli.recorded import row
from controller.cli.show_plan import plan_lines
from controller.cli.take_over import tell_taken
from controller.cli.text import counted, visible, visible_lines
from controller.cli.verbs import Verb, talk
from controller.core.errors import Refused
from controller.usecases.access import Access, local

if TYPE_CHECKING:
    from controller.usecases.importing import Importing
    from controller.usecases.importing_sketch import Sketch

_MOST = 500
DRY = click.option("--dry-run", is_flag=True, help="Only show what would be written.")


@click.group("import")
def import_verb() -> None:
    """Write specs for what already runs, and take it over as it is.

    Nothing is recreated or restarted; the first plan after an import is empty. Values that look secret go to the vault, the files
    hold references."""


@import_verb.command(
    "docker",
    cls=Verb,
    examples=[
        "homelab import docker --dry-run",
        "homelab import docker",
        "homelab import docker --only service/plex --only 'network/*'",
    ],
    prints=True,
)
@DRY
@click.option("--only", multiple=True, metavar="PATTERN", help="Only keys that fit, with * and ?, and what they use.")
def docker_verb(dry_run: bool, only: tuple[str, ...]) -> None:
    """Import every container, network and volume that runs without being ours: one file each."""
    from controller.wire import open_house

    with open_house(settings(), write=False) as house:
        importing = _given(house.desk.importing)
        sketch = importing.whole(only)
        revision = _write(house.access(), importing, sketch, "what runs on Docker", dry_run)
    _take(sketch, revision)


@import_verb.command(
    "compose",
    cls=Verb,
    examples=[
        "homelab import compose ~/media/compose.yaml",
        "homelab import compose compose.yaml --project media2",
        "homelab import compose compose.yaml --name media --split --dry-run",
    ],
    prints=True,
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="Name of the Stack; default: the project's name.")
@click.option("--project", default="", help="Compose's name for the project; default: the one that runs from this file.")
@click.option("--split", is_flag=True, help="Write one Service per container instead of a Stack.")
@DRY
def compose_verb(file: Path, name: str, project: str, split: bool, dry_run: bool) -> None:
    """Import a compose project as a Stack, and take over its containers where it runs.

    Files that override this one, and those that it includes or extends, come along."""
    from controller.usecases.importing_compose import ComposeImport
    from controller.usecases.importing_files import Where
    from controller.wire import open_house

    path = file.resolve()
    known = tuple(dict.fromkeys([str(path), str(file.absolute())]))
    where = Where(str(path.parent), path.name, known, Beside(path.parent))
    with open_house(settings(), write=False) as house:
        importing = _given(house.desk.importing)
        compose = ComposeImport(importing, where, pwd.getpwuid(os.getuid()).pw_dir)
        sketch = compose.split(name, project) if split else compose.stack(name, project)
        revision = _write(house.access(), importing, sketch, f"the compose file {file.name}", dry_run)
    _take(sketch, revision)


@import_verb.command(
    "zone",
    cls=Verb,
    examples=[
        "homelab import zone example.net --via powerdns --dry-run",
        "homelab import zone example.net --via zoneedit --file example.net.zone",
    ],
    prints=True,
)
@click.argument("zone")
@click.option("--via", required=True, metavar="CONNECTION", help="Connection of homelab.yaml that holds the zone.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Zone file in BIND's syntax; default: ask the server.",
)
@DRY
def zone_verb(zone: str, via: str, file: Path | None, dry_run: bool) -> None:
    """Import the records of a DNS zone as a Domain.

    The server is asked for the whole zone (RFC 2136: by transfer; PowerDNS: by its interface) unless there is a file."""
    from controller.usecases.importing_zone import ZoneImport
    from controller.wire import open_house, read_zone_file

    with open_house(settings(), write=False) as house:
        importing = _given(house.desk.importing)
        found = ZoneImport(importing, via)
        listed = read_zone_file(file.read_text(errors="replace"), zone) if file is not None else found.listing(zone)
        sketch = found.sketch(listed)
        revision = _write(house.access(), importing, sketch, f"the zone {listed.zone}", dry_run)
    _take(sketch, revision)


@import_verb.command(
    "caddyfile",
    cls=Verb,
    examples=["homelab import caddyfile /etc/caddy/Caddyfile --dry-run", "homelab import caddyfile Caddyfile --via caddy"],
    prints=True,
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--via", default="", metavar="CONNECTION", help="Connection of homelab.yaml that names the Caddy; default: the only one."
)
@DRY
def caddyfile_verb(file: Path, via: str, dry_run: bool) -> None:
    """Import the sites of a Caddyfile as Routes, and take over those that run.

    Caddy's own adapter reads the file; what no Route can say is left out with the reason."""
    from controller.usecases.importing_caddyfile import CaddyfileImport
    from controller.wire import open_house

    with open_house(settings(), write=False) as house:
        importing = _given(house.desk.importing)
        sketch = CaddyfileImport(importing, via).sketch(file.read_text(errors="replace"))
        revision = _write(house.access(), importing, sketch, f"the Caddyfile {file.name}", dry_run)
    _take(sketch, revision)


@import_verb.command(
    "homeassistant",
    cls=Verb,
    examples=[
        "homelab import homeassistant --dry-run",
        "homelab import homeassistant",
        "homelab import homeassistant --only 'automation/*' --only area/kitchen",
        "homelab import homeassistant --devices --via home",
    ],
    prints=True,
)
@click.option(
    "--via", default="", metavar="CONNECTION", help="Connection of homelab.yaml that names it; default: the only Home Assistant."
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Only keys that fit, with * and ?.")
@click.option("--devices", is_flag=True, help="Also the state of each device as it is now, to be watched and not enforced.")
@DRY
def homeassistant_verb(via: str, only: tuple[str, ...], devices: bool, dry_run: bool) -> None:
    """Import what people made in Home Assistant's pages: areas, floors, labels, helpers, automations, scripts, scenes, and what
    they said of entities.

    Nothing in Home Assistant is touched. What its YAML files define is told and left out: it cannot be changed over its API."""
    from controller.usecases.importing_home import HomeImport
    from controller.wire import open_house

    with open_house(settings(), write=False) as house:
        importing = _given(house.desk.importing)
        sketch = HomeImport(importing, via, devices).sketch(only)
        revision = _write(house.access(), importing, sketch, "what was made in Home Assistant", dry_run)
    _take(sketch, revision)


class Beside:
    """Files of a folder and nothing outside it: links that lead out, and files over 1 MiB, are as good as missing."""

    _MOST = 1 << 20

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def __call__(self, path: str) -> bytes | None:
        try:
            found = (self._folder / path).resolve(strict=True)
            if not found.is_relative_to(self._folder) or not found.is_file() or found.stat().st_size > self._MOST:
                return None
            return found.read_bytes()
        except (OSError, ValueError):
            return None


def _given(importing: Importing | None) -> Importing:
    if importing is None:
        raise Refused("this house cannot import")
    return importing


def _write(access: Access, importing: Importing, sketch: Sketch, what: str, dry_run: bool) -> str:
    """Show what is written, and commit it unless it is a dry run; the revision."""
    if not talk().json:
        for path, content in sorted(sketch.files.items()):
            talk().lines([talk().paint(f"--- {visible(path)}", "bold"), *visible_lines(content.decode()), ""])
    _tell_left(sketch)
    if sketch.secrets:
        talk().say(f"to the vault: {', '.join(visible(ref) for ref in sorted(sketch.secrets))}")
    if not sketch.files:
        talk().say("there is nothing to import")
    if dry_run or not sketch.files:
        return ""
    with row(access, local(user(), "cli"), "import", what):
        revision = importing.commit(sketch, user(), what)
    talk().say(f"committed {revision[:10]} with {counted(len(sketch.files), 'file')}")
    _hand_over(sketch)
    return revision


def _tell_left(sketch: Sketch) -> None:
    """Everything that is not imported, by reason."""
    reasons: dict[str, list[str]] = {}
    for item in sketch.left:
        reasons.setdefault(item.reason, []).append(visible(item.key))
    for reason, left in reasons.items():
        talk().say(f"left out {', '.join(left)}: {visible(reason)}")
    for item in sketch.lost:
        talk().warn(f"not declared of {visible(item.key)}: {visible(item.reason)}")
    for path, content in sketch.policy.items():
        keys = ", ".join(visible(key) for key in sketch.permits)
        talk().say(f"{keys}: no change is allowed until a house rule permits what it has; {visible(path)} permits exactly that:")
        for line in visible_lines(content.decode()):
            talk().say(f"  {line}")


def _hand_over(sketch: Sketch) -> None:
    """Put house rules beside the other files. They are the word of a person, who commits them."""
    found = settings()
    for path, content in sketch.policy.items():
        file = Path(found.repo) / found.path / path
        if found.remote or not (Path(found.repo) / ".git").exists() or file.exists():
            talk().say(f"commit {visible(path)} yourself if you agree with it")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        talk().say(f"wrote {visible(path)}; it is yours to commit: git add {visible(path)} && git commit -m 'Allow what runs'")


def _take(sketch: Sketch, revision: str) -> None:
    """Take over what was committed, and show that the plan after it is empty."""
    data: dict[str, Any] = {
        "files": {path: content.decode() for path, content in sketch.files.items()},
        "secrets": sorted(sketch.secrets),
        "left": [{"key": item.key, "reason": item.reason} for item in sketch.left],
        "lost": [{"key": item.key, "reason": item.reason} for item in sketch.lost],
        "policy": {path: content.decode() for path, content in sketch.policy.items()},
        "revision": revision,
    }
    if not revision:
        talk().json_only(data)
        return
    with writing() as house:
        taken = _adopted(house, [{"key": item.key, "handle": item.handle} for item in sketch.objects])
        plan = house.plan()
    tell_taken(taken)
    left = [*data["left"], *taken["left"]]
    talk().data({**data, **taken, "left": left, "plan": plan}, plan_lines(plan, talk().paint))


def _adopted(house: House, objects: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Take over objects, as many at a time as a controller takes."""
    done = [house.adopt(objects[start : start + _MOST]) for start in range(0, len(objects), _MOST)]
    return {word: [item for each in done for item in each[word]] for word in ("adopted", "left")}
