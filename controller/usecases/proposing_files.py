"""What a proposal may hold: limits, protected paths, and field edits turned into the contents of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from controller.core.document import Files, Reader
from controller.core.edit import AddDocument, Edit, Splices
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.key import Key
from controller.core.ports import Source
from controller.core.proposal import Author, AuthorKind, Branches, Edits, Stale

TITLE, REASON = 120, 4000
"""Characters that a title and a reason have at most."""
MOST_FILES, MOST_BYTES = 50, 1 << 20
"""Files and bytes of content that one proposal changes at most."""
_PROTECTED = ("policy/", "actions/", "users/")
_PROTECTED_FILES = ("homelab.yaml", "users.yaml")


@dataclass(frozen=True)
class Change:
    """What somebody wants otherwise: whole files (None = it goes), or `edits` of what is written; not both. `seen` is what
    whole files were made from (None = from nothing): they are taken only while they are still what they were in it."""

    files: Edits | None = None
    edits: Sequence[Edit] = ()
    seen: Files | None = None


def check_words(title: str, reason: str) -> tuple[str, str]:
    """Title and reason, tidied. Raises Refused."""
    title, reason = title.strip(), reason.strip()
    if not 1 <= len(title) <= TITLE or not title.isprintable():
        raise Refused(f"a proposal needs a title: one line of at most {TITLE} visible characters")
    if len(reason) > REASON or not all(line.isprintable() for line in reason.replace("\t", " ").split("\n")):
        raise Refused(f"the reason of a proposal is text of at most {REASON:,} characters")
    return title, reason


def check_edits(edits: Edits, author: Author, *, trusted: bool) -> None:
    """Raises Refused for too much, and for protected paths: an assistant never writes them, and what is no person only where it
    is `trusted` with everything."""
    if not edits:
        raise Refused("nothing is changed by this: name files or edits")
    if len(edits) > MOST_FILES:
        raise Refused(f"a proposal changes at most {MOST_FILES} files; this one changes {len(edits)}")
    if sum(len(content or b"") for content in edits.values()) > MOST_BYTES:
        raise Refused(f"a proposal writes at most {MOST_BYTES >> 20} MiB")
    kept = sorted(path for path in edits if is_protected(path))
    if not kept or author.kind in (AuthorKind.PERSON, AuthorKind.CONTROLLER) or (author.kind is AuthorKind.TOKEN and trusted):
        return
    who = "an assistant" if author.kind is AuthorKind.ASSISTANT else "a token without the scope admin"
    raise Refused(f"{', '.join(kept)} says what may be done here: {who} cannot propose to change it")


def is_protected(path: str) -> bool:
    """True for what decides about rules, connections, actions and people."""
    folded = path.casefold()
    return folded.startswith(_PROTECTED) or folded in _PROTECTED_FILES


def _check_unmoved(paths: Iterable[str], seen: Files, files: Files) -> None:
    """Raises Stale when a file is not what it was when somebody began to change it: the whole file would take back what was done
    to it since."""
    moved = [path for path in paths if seen.identity(path) != files.identity(path)]
    if moved:
        raise Stale(
            f"somebody else has changed {', '.join(moved)} since this was opened: keep what you typed, open the form again and "
            "make your change in what it is now"
        )


def contents(change: Change, files: Files, reader: Reader, splices: Splices) -> Edits:
    """New contents by path. Raises Refused (nothing declares a key), Stale, SpecError (an edit cannot be made), SourceError."""
    if change.files is not None and change.edits:
        raise Refused("give either files or edits, not both")
    if change.files is not None:
        if change.seen is not None:
            _check_unmoved(change.files, change.seen, files)
        return {path: content for path, content in change.files.items() if files.read(path) != content}
    by_file: dict[str, list[Edit]] = {}
    for edit in change.edits:
        by_file.setdefault(_file(edit, files, reader), []).append(edit)
    made = {path: splices(path, files.read(path) or b"", edits) for path, edits in by_file.items()}
    return {path: content or None for path, content in made.items() if content != files.read(path)}


def _file(edit: Edit, files: Files, reader: Reader) -> str:
    if isinstance(edit, AddDocument):
        return edit.file
    if not isinstance(edit.target, Key):
        return edit.target.file
    found = list(declaring(edit.target, files, reader))
    if len(found) != 1:
        where = f"in {', '.join(found)}" if found else "in no file"
        raise Refused(f"{edit.target} is written {where}: an edit needs exactly one document of that kind and name")
    return found[0]


def declaring(key: Key, files: Files, reader: Reader) -> Iterable[str]:
    """The files with a document of that kind and name."""
    for path in files.paths():
        if not path.endswith((".yaml", ".yml")):
            continue
        with suppress(SpecError, SourceError):
            if any(_is(parsed.data, key) for parsed in reader(path, files.read(path) or b"")):
                yield path


def _is(data: object, key: Key) -> bool:
    return isinstance(data, Mapping) and str(data.get("kind", "")).lower() == key.kind and data.get("name") == key.name


def from_worktree(source: Source) -> Edits:
    """What is different in the work tree, committed or not, as contents by path. Raises SourceError."""
    return difference(source.read(source.head().id), source.worktree())


def from_branch(source: Source, branches: Branches, name: str) -> Edits:
    """What merging another branch or commit would change, as contents by path. Raises Refused, SourceError."""
    seen = branches.preview(source.revision(name).id)
    if seen.conflicts:
        raise Refused(f"{name} conflicts with {seen.head.short} in {', '.join(seen.conflicts)}: bring it up to date first")
    return difference(source.read(seen.head.id), seen.files)


def difference(old: Files, new: Files) -> Edits:
    """The contents that turn one folder into another, by path."""
    gone: dict[str, bytes | None] = {path: None for path in old.paths() if new.identity(path) is None}
    return gone | {path: new.read(path) for path in new.paths() if new.identity(path) != old.identity(path)}
