"""`homelab schema`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from controller.cli.exits import ERROR, OK
from controller.cli.text import counted, visible
from controller.cli.verbs import talk, verb
from controller.core.errors import Refused
from controller.core.suggest import did_you_mean

FOLDER = Path("schemas")


@verb(
    "schema",
    examples=["homelab schema service", "homelab schema --write", "homelab schema homelab --check"],
    settings=False,
)
@click.argument("name", metavar="[KIND]", default="")
@click.option("--write", "job", flag_value="write", help="Write into ./schemas what is missing or stale.")
@click.option("--check", "job", flag_value="check", help="Exit with 1 when ./schemas is stale.")
def schema_verb(name: str, job: str | None) -> None:
    """Print or write JSON Schemas of the kinds.

    Editors that read the line `# yaml-language-server: $schema=../schemas/homelab.json` complete and check with them. Without a
    KIND it is `homelab`, which holds every kind; --write and --check then mean all."""
    from controller.usecases.schemas import schemas
    from controller.wire import load_kinds

    texts = schemas(load_kinds())
    if name and name.lower() not in texts:
        raise Refused(f"there is no kind {visible(name)!r}; {did_you_mean(name, texts) or 'known are ' + ', '.join(texts)}")
    wanted = {name.lower(): texts[name.lower()]} if name else texts
    if job is None:
        talk().lines([texts[name.lower() or "homelab"].rstrip("\n")])
        return
    stale = [each for each in wanted if not _same(FOLDER / f"{each}.json", wanted[each])]
    extra = [] if name or not FOLDER.is_dir() else sorted(path for path in FOLDER.glob("*.json") if path.stem not in texts)
    if job == "write":
        _write({each: wanted[each] for each in stale}, extra)
        talk().say(f"wrote {counted(len(stale), 'schema')} into {FOLDER}" if stale else f"{FOLDER} is fresh")
        return
    for each in stale:
        talk().warn_plainly(f"{FOLDER / each}.json is stale; write it with `homelab schema --write`")
    for path in extra:
        talk().warn_plainly(f"{path} belongs to no kind; remove it")
    talk().end(ERROR if stale or extra else OK)


def _same(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8") == text
    except (FileNotFoundError, NotADirectoryError):
        return False


def _write(texts: Mapping[str, str], extra: list[Path]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts.items():
        (FOLDER / f"{name}.json").write_text(text, "utf-8")
    for path in extra:
        path.unlink()
