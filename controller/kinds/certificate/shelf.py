"""Files with certificates that were ordered: every one by its serial, for us alone, and the one that Caddy reads."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from controller.clients import durable
from controller.clients.acme import Bundle, read_bundle
from controller.core.dns import certificate_key
from controller.core.errors import Permanent, Transient

_KEPT = 30 * 86_400.0
"""Seconds for which one is kept after its end: an undo must find what was served before."""


class Shelf:
    """The files of one Caddy, all 0600. `kept` is a folder of our own; `read` is the file that Caddy reads for a host, which gets
    the owner of its folder where we may give it away. For many threads."""

    def __init__(self, kept: Path, handed: Path) -> None:
        self._kept = kept
        self._handed = handed
        self._lock = Lock()
        self._known: dict[Path, tuple[tuple[int, int, int], Bundle]] = {}

    def handed(self, host: str) -> Bundle | None:
        """What Caddy finds for a host, None when there is no file. Raises Transient, Permanent for a damaged one."""
        return self._load(self._path(host))

    def serials(self, paths: Collection[str]) -> set[str]:
        """Those in files that Caddy reads, as far as they are ours and can be read."""
        found: set[str] = set()
        for path in map(Path, paths):
            with suppress(Transient, Permanent):
                if path.parent == self._handed and (bundle := self._load(path)) is not None:
                    found.add(bundle.serial)
        return found

    def all(self, host: str) -> Iterator[Bundle]:
        """Everything that was ever ordered for a host and can still be read, newest last."""
        found: list[Bundle] = []
        for path in self._folder(host).glob("*.pem"):
            with suppress(Permanent):
                if (bundle := self._load(path)) is not None:
                    found.append(bundle)
        yield from sorted(found, key=lambda each: each.since)

    def keep(self, host: str, bundle: Bundle) -> None:
        """Make one durable before anybody hears of it. Raises Transient."""
        path = self._folder(host) / f"{bundle.serial}.pem"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable.replace(path, bundle.content)
        except OSError as error:
            raise _unwritten(path, error) from error

    def hand(self, host: str, bundle: Bundle) -> None:
        """Put one where Caddy finds it. The folder must be there: a person says who may look into it. Raises Transient."""
        path = self._path(host)
        try:
            folder = path.parent.stat()
            owner = (folder.st_uid, folder.st_gid) if os.geteuid() == 0 else None
            durable.replace(path, bundle.content, owner)
        except OSError as error:
            raise _unwritten(path, error) from error

    def withdraw(self, host: str) -> None:
        """Take the file away. Raises Transient."""
        try:
            self._path(host).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritten(self._path(host), error) from error

    def discard_expired(self, now: float) -> None:
        """Remove what nobody can use any more, nor an undo, from our own folder. Raises Transient."""
        for path in self._kept.glob("*/*.pem"):
            try:
                bundle = self._load(path)
                if bundle is not None and bundle.until + _KEPT < now:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise _unwritten(path, error) from error
            except Permanent:
                continue  # a person's, or damaged: never guessed about

    def _folder(self, host: str) -> Path:
        return self._kept / certificate_key(host).name

    def _path(self, host: str) -> Path:
        return self._handed / f"{certificate_key(host).name}.pem"

    def _load(self, path: Path) -> Bundle | None:
        try:
            status = path.stat()
            mark = status.st_ino, status.st_mtime_ns, status.st_size
            with self._lock:
                known = self._known.get(path)
            if known is not None and known[0] == mark:
                return known[1]
            bundle = read_bundle(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Transient(f"{path}: {error.strerror or error}") from error
        except Permanent as error:
            raise Permanent(f"{path}: {error}") from error
        with self._lock:
            self._known[path] = mark, bundle
        return bundle


def _unwritten(path: Path, error: OSError) -> Transient:
    return Transient(f"{error.filename or path}: {error.strerror or error}")
