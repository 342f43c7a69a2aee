"""Contents that a container needs before it starts: laid out on the engine's machine, or copied into it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from controller.clients.blobs import BlobStore
from controller.core.errors import Permanent
from controller.core.secret import SecretVersion, secret_in
from controller.core.state import State
from controller.kinds.service import mounts
from controller.kinds.service.risks import path_risks

_FILES = ("file", "folder")
_CONFIG_MODE, _SECRET_MODE = 0o444, 0o400
_PROGRAMS = (b"#!", b"\x7fELF")
# Any change of a copied file by hand gives it another time.
COPIED_AT, COPIED_AT_TEXT = 1, "1970-01-01T00:00:01Z"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Brings contents from the blob store and secrets from the vault to containers."""

    blobs: BlobStore
    roots: mounts.Roots
    reveal: Callable[[SecretVersion], str]
    conceal: Callable[[str], str]

    def lay_out(self, state: State, address: str) -> None:
        """Make every content that will be mounted exist on the engine's machine. Raises Permanent when one was lost."""
        if not self.roots.content:
            return
        for entry in (state.get("volumes") or {}).values():
            if entry["type"] in _FILES:
                owner = mounts.SHARED if entry.get("read_only") else address
                self._kept(partial(self.blobs.laid_out, entry["type"], entry["digest"], owner))
        for entry in (state.get("configs") or {}).values():
            if mounts.bound(entry, self.roots):
                self._kept(partial(self.blobs.laid_out, "file", entry["digest"], mounts.SHARED))

    def unmask(self, state: State) -> None:
        """Refuse a path of this machine where policy was not asked about what it really gives: a link to what it would have asked
        about, the controller's own folder, or a way out of the folders of services. Raises Permanent."""
        if not self.roots.content:
            return
        for entry in (state.get("volumes") or {}).values():
            if entry["type"] == "bind":
                self._check_bind(str(entry["source"]), read_only=bool(entry.get("read_only")))
            elif entry["type"] == "data":
                self._check_data(self.roots.source(entry, ""))

    def _check_bind(self, source: str, *, read_only: bool) -> None:
        real = os.path.realpath(source)
        judged = {each.name.partition(":")[0] for each in path_risks(source, read_only=read_only)}
        hidden = [each for each in path_risks(real, read_only=read_only) if each.name.partition(":")[0] not in judged]
        if hidden:
            raise Permanent(f"{source} is a link to {real}: {hidden[0].reason}; write {real}, so that policy can judge it")
        own = os.path.realpath(self.blobs.root.parent)
        # Whoever has the identity has every secret, and whoever has the socket may do everything.
        if not judged and os.path.commonpath((own, real)) in (own, real):
            raise Permanent(f"{source} holds the state of the controller or lies in it: give the service a folder of its own")

    def _check_data(self, source: str) -> None:
        real, data = os.path.realpath(source), os.path.realpath(self.roots.data)
        if os.path.commonpath((data, real)) != data:
            raise Permanent(f"{source} is a link to {real}, out of the folders of services: remove the link")

    def copied(self, state: State) -> dict[str, Any]:
        """The parts of a state that are copied into its container, without references: what its label says."""
        found: dict[str, Any] = {}
        for part, target, entry in self._copies(state):
            version = secret_in(entry.get("content"))
            shown = {**entry, "content": {"fingerprint": version.fingerprint}} if version is not None else dict(entry)
            found.setdefault(part, {})[target] = shown
        return found

    def archives(self, state: State) -> dict[str, bytes]:
        """Tar archives of everything that is copied, by the folder inside to unpack each in. An engine unpacks into a read-only
        container only in a folder that is a volume (see `folders`)."""
        members: dict[str, list[tuple[tarfile.TarInfo, bytes]]] = {}
        for _, target, entry in self._copies(state):
            folder = str(PurePosixPath(target).parent) if state.get("read_only") else "/"
            for path, content, mode in self._files(target, entry):
                inner = str(PurePosixPath(path).relative_to(folder))
                members.setdefault(folder, []).append((_member(inner, content, mode, entry), content))
        return {folder: _archive(each) for folder, each in sorted(members.items())}

    def folders(self, state: State) -> set[str]:
        """Folders that must be writable from outside while the root of the container is not: each gets an anonymous volume."""
        if not state.get("read_only"):
            return set()
        found = {str(PurePosixPath(target).parent) for _, target, _ in self._copies(state)}
        if "/" in found:
            raise Permanent("a file at the top of a read-only container cannot be delivered; give it a path in a folder")
        return found

    def _copies(self, state: State) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
        for target, entry in sorted((state.get("secrets") or {}).items()):
            yield "secrets", target, entry
        for target, entry in sorted((state.get("configs") or {}).items()):
            if not mounts.bound(entry, self.roots):
                yield "configs", target, entry
        for target, entry in sorted((state.get("volumes") or {}).items()):
            if entry["type"] in _FILES and not self.roots.content:
                yield "volumes", target, entry

    def _files(self, target: str, entry: Mapping[str, Any]) -> Iterable[tuple[str, bytes, int]]:
        version = secret_in(entry.get("content"))
        if version is not None:
            # A file of the repository may hold any bytes: see `Places`.
            yield target, self.reveal(version).encode("utf-8", "surrogateescape"), _mode(entry, _SECRET_MODE)
        elif entry.get("type") == "folder":
            for path, content in self._kept(partial(self.blobs.folder, entry["digest"])).items():
                yield f"{target}/{path}", content, 0o755 if content.startswith(_PROGRAMS) else 0o644
        else:
            yield target, self._kept(partial(self.blobs.get, entry["digest"])), _mode(entry, _CONFIG_MODE)

    @staticmethod
    def _kept(get: Callable[[], Any]) -> Any:
        try:
            return get()
        except KeyError as error:
            raise Permanent(f"the content {str(error.args[0])[:12]} is not kept any more") from error


def _archive(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return sink.getvalue()


def _mode(entry: Mapping[str, Any], default: int) -> int:
    return int(str(entry["mode"]), 8) if "mode" in entry else default


def _member(path: str, content: bytes, mode: int, entry: Mapping[str, Any]) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode, member.mtime = len(content), mode, COPIED_AT
    member.uid, member.gid = int(entry.get("uid", 0)), int(entry.get("gid", 0))
    return member
