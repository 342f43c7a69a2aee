"""Names that git or a file system could take for something else: branches, revisions, folders and the paths of a tree."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from controller.core.errors import SourceError

_LONGEST = 255
_LONGEST_PATH = 1024
_REF_FORBIDDEN = re.compile(r"""[\x00-\x20\x7f~^:?*\[\\;|$`"<>]|\.\.|@\{|//""")
_STEPS = re.compile(r"(?:[~^]\d{0,4}){0,8}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_object_id(text: str) -> bool:
    """True for a full object id, SHA-1 or SHA-256."""
    return _OBJECT_ID.fullmatch(text) is not None


def check_branch(name: str) -> str:
    """The branch's name. Raises SourceError for what git would not take, or would take for an option or an expression."""
    parts = name.split("/")
    bad = (
        not name
        or len(name) > _LONGEST
        or name[0] == "-"
        or name == "@"
        or name == "HEAD"
        or name[-1] == "."
        or not name.isprintable()
    )
    if bad or _REF_FORBIDDEN.search(name) or any(not part or part[0] in ".-" or part.endswith(".lock") for part in parts):
        raise SourceError(f"{_shown(name)} is not the name of a branch")
    return name


def check_revision(name: str) -> str:
    """A commit id or a prefix of one, a tag, a branch or HEAD, with `~2` or `^` behind it if need be. Raises SourceError."""
    found = re.match(r"[^~^]*", name)
    stem = found[0] if found else ""
    if _STEPS.fullmatch(name[len(stem) :]) and (stem == "HEAD" or is_object_id(stem)):
        return name
    try:
        check_branch(stem)
    except SourceError:
        stem = ""
    if not stem or not _STEPS.fullmatch(name[len(stem) :]):
        raise SourceError(f"{_shown(name)} is not the name of a revision: use a commit id, a tag or a branch")
    return name


def check_folder(path: str) -> str:
    """A folder inside the repository, "" for its root. Raises SourceError for anything that could lead out of it."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    clean = "/".join(parts)
    if path.startswith(("/", "-")) or (clean and path_problem(clean)):
        raise SourceError(f"{_shown(path)} is not a folder inside the repository: write it like specs or home/specs")
    return clean


def path_problem(path: str) -> str:
    """Why a path of a tree may not be read, or ""."""
    if len(path) > _LONGEST_PATH:
        return "the name is too long"
    if not path.isprintable() or "\\" in path:
        return "the name has a control character, an invisible character or a backslash"
    for part in path.split("/"):
        plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", part)).casefold().rstrip(" .")
        if part in ("", ".", ".."):
            return "the name leads out of its folder"
        if plain in (".git", "git~1") or plain.startswith(".git:"):
            return "the name stands for git's own folder on some systems"
    return ""


def collisions(paths: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Pairs of paths, of files or folders, that are one on a system that ignores case or composes characters."""
    known: dict[str, str] = {}
    for path in paths:
        end = len(path)
        while end > 0:
            piece = path[:end]
            folded = unicodedata.normalize("NFC", piece).casefold()
            other = known.setdefault(folded, piece)
            if other != piece:
                yield other, piece
                break
            end = piece.rfind("/")
            if end > 0 and known.get(unicodedata.normalize("NFC", path[:end]).casefold()) == path[:end]:
                break


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "…")
