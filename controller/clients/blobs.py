"""Contents of files by their digest: kept in the state folder, laid out as files and folders that containers can be given."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROGRAMS = (b"#!", b"\x7fELF")


class BlobStore:
    """A folder of contents, owner-only, each written once and atomically. Safe for several threads and processes.

    `laid_out` gives a path that may be bind-mounted: below a folder that nobody else can enter, with modes that any user inside a
    container can read (programs, told by their first bytes, may be run)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Keep content; returns its SHA-256 digest in hex. Idempotent."""
        digest = hashlib.sha256(content).hexdigest()
        target = self._blob(digest)
        if not target.exists():
            self._write(target, content, 0o600)
        return digest

    def put_folder(self, files: Mapping[str, bytes]) -> str:
        """Keep the files of a folder, by relative path; returns the digest of the whole."""
        return self.put(manifest({path: self.put(content) for path, content in files.items()}))

    def get(self, digest: str) -> bytes:
        """The content. Raises KeyError when it is not kept or was damaged."""
        try:
            content = self._blob(digest).read_bytes()
        except (FileNotFoundError, ValueError) as error:
            raise KeyError(digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise KeyError(digest)
        return content

    def folder(self, digest: str) -> dict[str, bytes]:
        """The files of a folder that was kept. Raises KeyError, also for what is no list of files below a folder."""
        try:
            listed = {str(path): str(each) for path, each in json.loads(self.get(digest)).items()}
        except (ValueError, AttributeError) as error:
            raise KeyError(digest) from error
        if any(path.startswith("/") or ".." in path.split("/") for path in listed):
            raise KeyError(digest)
        return {path: self.get(each) for path, each in listed.items()}

    def laid_out(self, kind: str, digest: str, copy_for: str = "") -> Path:
        """The path of a `file` or `folder` on disk, made on first use. With `copy_for` a copy that this one container may write
        to. Raises KeyError when the content is not kept."""
        target = self.root / "laid-out" / (copy_for or "shared") / f"{kind}-{digest}"
        if not target.exists():
            self._lay_out(kind, digest, target)
        return target

    def _lay_out(self, kind: str, digest: str, target: Path) -> None:
        files = {"": self.get(digest)} if kind == "file" else self.folder(digest)
        self._private(target.parent)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
        try:
            for path, content in files.items():
                inner = draft / "content" / path if path else draft / "content"
                inner.parent.mkdir(parents=True, exist_ok=True)
                inner.write_bytes(content)
                inner.chmod(0o755 if content.startswith(_PROGRAMS) else 0o644)
            for folder in [each for each in draft.rglob("*") if each.is_dir()]:
                folder.chmod(0o755)
            if not target.exists():
                (draft / "content").rename(target)
        except OSError:
            if not target.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _blob(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest[:80]!r} is not a digest")
        return self.root / "blobs" / digest[:2] / digest

    def _write(self, target: Path, content: bytes, mode: int) -> None:
        self._private(target.parent)
        handle, draft = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(handle, "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(target)

    def _private(self, folder: Path) -> None:
        for each in (self.root, *reversed([p for p in folder.parents if self.root in p.parents]), folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)


def manifest(digests: Mapping[str, str]) -> bytes:
    """What a folder is kept as: its files' digests by relative path."""
    return json.dumps(dict(sorted(digests.items())), separators=(",", ":"), ensure_ascii=False).encode()
