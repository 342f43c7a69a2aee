"""The spec folder of one revision, read from git's objects: a checked listing at once, contents when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from controller.core.errors import SourceError
from controller.source.command import MEBIBYTE, Git, TooMuch
from controller.source.names import collisions, is_object_id, path_problem

MOST_FILES = 50_000
MOST_YAML = MEBIBYTE
MOST_BINARY = 10 * MEBIBYTE
MOST_YAML_TOGETHER = 64 * MEBIBYTE
REGULAR = ("100644", "100755", "100664")
_REFUSED_MODES = {"120000": "it is a symbolic link", "160000": "it is a submodule"}
_LISTING = 32 * MEBIBYTE
_POINTER = b"version https://git-lfs.github.com/spec/"
_TOLD = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file of a tree: mode, blob id and size in bytes."""

    mode: str
    blob: str
    size: int


def is_yaml(path: str) -> bool:
    """True for what is read as YAML, by its name."""
    return path.lower().endswith((".yaml", ".yml"))


def check_content(path: str, content: bytes) -> bytes:
    """The content of a file. Raises SourceError when it may not be read: too large, or kept outside of git."""
    check_size(path, len(content))
    if content.startswith(_POINTER):
        raise SourceError(f"{path} is kept in Git LFS, which is not followed: commit the file itself")
    return content


def check_size(path: str, size: int) -> None:
    """Raise SourceError for a file that is too large for its kind."""
    most = MOST_YAML if is_yaml(path) else MOST_BINARY
    if size > most:
        raise SourceError(f"{path} has {size / MEBIBYTE:.1f} MiB; a file of its kind may have {most // MEBIBYTE} MiB")


def check_listing(sizes: Mapping[str, int], refused: Iterable[tuple[str, str]], where: str) -> None:
    """Raise SourceError, naming the first few, for what may not be in a spec folder at all."""
    problems = list(refused)
    problems += [(path, reason) for path in sizes if (reason := path_problem(path))]
    problems += [(path, f"its name differs from {other} only in upper and lower case") for other, path in collisions(sizes)]
    if problems:
        told = "; ".join(f"{_shown(path)}: {reason}" for path, reason in problems[:_TOLD])
        more = f" (and {len(problems) - _TOLD} more)" if len(problems) > _TOLD else ""
        raise SourceError(f"{where} is refused: {told}{more}")
    if len(sizes) > MOST_FILES:
        raise SourceError(f"{where} has more than {MOST_FILES:,} files")
    together = sum(size for path, size in sizes.items() if is_yaml(path) and size <= MOST_YAML)
    if together > MOST_YAML_TOGETHER:
        raise SourceError(
            f"{where} has {together // MEBIBYTE} MiB of YAML; {MOST_YAML_TOGETHER // MEBIBYTE} MiB are read at most"
        )


def raw_entries(git: Git, tree: str) -> Iterator[tuple[str, str, str, str]]:
    """Mode, object id, size ("-" or "BAD" when there is none) and path of everything in a tree, unchecked."""
    for line in git("ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree, most=_LISTING).split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, name, size = head.decode("ascii").split()
        yield mode, name, size, path.decode("utf-8", "surrogateescape")


def list_tree(git: Git, tree: str, where: str) -> dict[str, Entry]:
    """Every file of a tree by path, sorted. Raises SourceError for links, submodules, odd names, missing objects, too many."""
    entries: dict[str, Entry] = {}
    refused: list[tuple[str, str]] = []
    try:
        listed = list(raw_entries(git, tree))
    except TooMuch as error:
        raise SourceError(f"{where} has more than {MOST_FILES:,} files") from error
    for mode, blob, size, path in listed:
        if path in entries:
            refused.append((path, "it is there twice"))
        elif mode not in REGULAR:
            refused.append((path, _REFUSED_MODES.get(mode, f"it has the mode {mode}")))
        elif not size.isdigit():
            refused.append((path, "its content is missing in the repository"))
        else:
            entries[path] = Entry(mode, blob, int(size))
    check_listing({path: entry.size for path, entry in entries.items()}, refused, where)
    return dict(sorted(entries.items()))


def read_blobs(git: Git, blobs: Sequence[str], size: int) -> dict[str, bytes]:
    """Contents of blobs of `size` bytes together, by id, in one process. Raises SourceError when one is missing."""
    out = git(
        "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode(), most=size + 128 * len(blobs) + MEBIBYTE
    )
    found: dict[str, bytes] = {}
    at = 0
    for blob in blobs:
        end = out.find(b"\n", at)
        parts = out[at:end].split()
        if end < 0 or len(parts) != 3 or parts[1] != b"blob":
            raise SourceError(f"the object {blob[:10]} is missing in the repository")
        at = end + 1 + int(parts[2])
        found[blob] = out[end + 1 : at]
        at += 1
    return found


class TreeFiles:
    """core.document.Files of a tree. Contents of all YAML files are read together, at the first look into one of them.

    `known` are contents by blob id that need not be read again."""

    def __init__(self, git: Git, entries: Mapping[str, Entry], known: Mapping[str, bytes]) -> None:
        self._git = git
        self.entries = entries
        self._known: Mapping[str, bytes] = known
        self.contents: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def paths(self) -> Iterable[str]:
        """Every regular file, sorted."""
        return self.entries.keys()

    def identity(self, path: str) -> str | None:
        """The blob id."""
        entry = self.entries.get(path)
        return entry.blob if entry else None

    def read(self, path: str) -> bytes | None:
        """The content. Raises SourceError: too large, kept in Git LFS, missing."""
        entry = self.entries.get(path)
        if entry is None:
            return None
        check_size(path, entry.size)
        with self._lock:
            if entry.blob not in self.contents:
                self._load([entry] if not is_yaml(path) else self._yaml())
        return check_content(path, self.contents[entry.blob])

    def _yaml(self) -> list[Entry]:
        return [entry for path, entry in self.entries.items() if is_yaml(path) and entry.size <= MOST_YAML]

    def _load(self, entries: Sequence[Entry]) -> None:
        wanted = {entry.blob: entry.size for entry in entries if entry.blob not in self.contents}
        self.contents |= {blob: self._known[blob] for blob in wanted if blob in self._known}
        missing = [blob for blob in wanted if blob not in self.contents]
        if missing:
            self.contents |= read_blobs(self._git, missing, sum(wanted[blob] for blob in missing))


def tree_at(git: Git, commit: str, folder: str) -> str:
    """The id of the tree of a folder at a commit, "" when there is none. Raises SourceError when it is a file."""
    what = f"{commit}:{folder}" if folder else f"{commit}^{{tree}}"
    parts = git("cat-file", "--batch-check", stdin=f"{what}\n".encode()).decode("utf-8", "replace").split()
    if len(parts) != 3 or not is_object_id(parts[0]):
        return ""
    if parts[1] != "tree":
        raise SourceError(f"{folder} is a file, not a folder, in revision {commit[:10]}")
    return parts[0]


def find_tree(git: Git, commit: str, folder: str) -> str:
    """The same, but raises SourceError that tells a missing folder from an empty revision."""
    if found := tree_at(git, commit, folder):
        return found
    there = [name.decode("utf-8", "replace") for name in git("ls-tree", "-z", "--name-only", commit).split(b"\0") if name]
    if not there:
        raise SourceError(f"revision {commit[:10]} is empty: it has no folder {folder}")
    told = ", ".join(map(_shown, there[:_TOLD])) + (", …" if len(there) > _TOLD else "")
    raise SourceError(f"the folder {folder} is not in revision {commit[:10]}; at its top are {told}")


def _shown(path: str) -> str:
    return path[:80] if path.isprintable() else repr(path[:80])
