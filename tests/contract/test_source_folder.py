"""A plain folder as a source: what lies there is the newest revision."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.core.errors import SourceError
from controller.core.ports import Source
from controller.source import FolderSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "specs"
    (top / "media").mkdir(parents=True)
    (top / ".git").mkdir()
    (top / ".git/config").write_text("[core]\n")
    (top / "web.yaml").write_text("kind: Service\n")
    (top / "media/tv.yaml").write_text("kind: Stack\n")
    return top


def test_a_revision_follows_from_the_content(folder: Path) -> None:
    source: Source = FolderSource(folder)
    first = source.head()
    assert source.head() == first
    files = source.read(first.id)
    assert list(files.paths()) == ["media/tv.yaml", "web.yaml"]
    assert files.read("web.yaml") == b"kind: Service\n"
    assert files.identity("web.yaml") == "4fffa8482c3e834f679b98fddaab47f3c8679d0a", "as `git hash-object` gives"
    (folder / "web.yaml").write_text("kind: Network\n")
    second = source.head()
    assert second.id != first.id
    assert source.read(first.id).read("web.yaml") == b"kind: Service\n"
    assert source.read(second.id[:8]).read("web.yaml") == b"kind: Network\n"
    assert source.read(second.id).read("nothing.yaml") is None
    assert source.descends(second.id, first.id)
    (folder / "web.yaml").write_text("kind: Service\n")
    assert source.head() == first
    source.fetch()
    assert source.log() == [first, second]
    assert source.worktree().read("web.yaml") == b"kind: Service\n"


def test_without_history_there_is_no_way_back(folder: Path) -> None:
    source = FolderSource(folder)
    first = source.head()
    with pytest.raises(SourceError, match="keeps no history to go back to"):
        source.revert(first.id, "Go back", "Ada")
    with pytest.raises(SourceError, match="takes no commits"):
        source.commit({"a.yaml": b"a: 1\n"}, "Add", "Ada")
    for number in range(9):
        (folder / "web.yaml").write_text(f"number: {number}\n")
        source.head()
    with pytest.raises(SourceError, match="a plain folder keeps no history"):
        source.read(first.id)
    with pytest.raises(SourceError, match="is not known"):
        source.revision("")
    assert source.revision("HEAD") == source.head()


def test_every_folder_is_watched(folder: Path) -> None:
    assert FolderSource(folder).watch_paths() == (folder, folder / "media")


def link(folder: Path) -> None:
    (folder / "a.yaml").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    (folder / "etc").symlink_to("/etc")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "a.yaml")


def twins(folder: Path) -> None:
    (folder / "WEB.yaml").write_text("a: 1\n")


def odd(folder: Path) -> None:
    (folder / "a\u202eb.yaml").write_text("a: 1\n")


def not_text(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.yaml")).write_text("a: 1\n")


@pytest.mark.parametrize(
    ("prepare", "message", "reason"),
    [
        (link, "a.yaml: it is a symbolic link", "A09: leads out"),
        (linked_folder, "etc: it is a symbolic link", "A09: leads out"),
        (pipe, "a.yaml: it is not a regular file", "reading would never end"),
        (twins, "its name differs from WEB.yaml only in upper and lower case", "A09"),
        (odd, "an invisible character", "A07"),
        (not_text, "an invisible character", "A07"),
    ],
)
def test_what_may_not_lie_there_is_refused(folder: Path, prepare: object, message: str, reason: str) -> None:
    assert callable(prepare)
    prepare(folder)
    with pytest.raises(SourceError, match=message):
        FolderSource(folder).head()


def test_a_file_that_is_too_large_is_refused_when_it_is_read(folder: Path) -> None:
    (folder / "big.yaml").write_bytes(b"#" * ((1 << 20) + 1))
    (folder / "big.bin").write_bytes(b"#" * ((1 << 20) + 1))
    source = FolderSource(folder)
    files = source.read(source.head().id)
    with pytest.raises(SourceError, match=r"big.yaml has 1.0 MiB; a file of its kind may have 1 MiB"):
        files.read("big.yaml")
    assert len(files.read("big.bin") or b"") == (1 << 20) + 1
    assert files.read("web.yaml") == b"kind: Service\n"


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        FolderSource(tmp_path / "nowhere").head()
