"""Where a relative path of a compose file leads: below the folder of that file, never out of the repository.

Inside the repository a path is written from its top (`media/compose.yaml`); what a container gets to see is written from `root`,
the folder that stands for the top of the repository on the machine that runs it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid, Path

_WINDOWS = re.compile(r"[a-zA-Z]:[\\/]|\\\\")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Places:
    """The top of the repository and whose home `~` is; both absolute, `home` empty when it means nothing."""

    root: str
    home: str = ""

    def folder(self, file: str) -> str:
        """The absolute folder of a file of the repository."""
        return posixpath.join(self.root, posixpath.dirname(file))

    def absolute(self, path: str, folder: str) -> str:
        """`path` seen from the absolute `folder`; absolute paths stay as they are. Raises Invalid outside the repository."""
        if path.startswith("~"):
            if not self.home:
                raise Invalid(f"`{path}`: it is not clear whose home `~` is", "write the absolute path")
            return posixpath.normpath(posixpath.join(self.home, path[1:].lstrip("/")))
        if path.startswith("/") or _WINDOWS.match(path):
            return path
        found = posixpath.normpath(posixpath.join(folder, path))
        if self.inside(found) is None:
            raise Invalid(f"`{path}` leads out of the repository", "use an absolute path, or keep it inside the repository")
        return found

    def inside(self, path: str) -> str | None:
        """The path from the top of the repository, None outside of it."""
        if path == self.root:
            return "."
        prefix = self.root.rstrip("/") + "/"
        return path[len(prefix) :] if path.startswith(prefix) else None

    def file(self, path: str, folder: str) -> str:
        """A file of the repository, from its top; raises Invalid for anything that a compose file must not read here."""
        if _REMOTE.match(path):
            raise Invalid(f"`{path}` is not in the repository", "copy it into the repository: remote files are not fetched")
        found = self.inside(self.absolute(path, folder))
        if found is None:
            raise Invalid(f"`{path}` is outside the repository", "only files of the repository are read: use a relative path")
        return found


def resolve_paths(file: dict[str, Data], folder: str, places: Places, findings: Findings) -> None:
    """Make the relative paths of a file in long syntax absolute, in place."""
    for name, service in (file.get("services") or {}).items():
        if isinstance(service, dict):
            _Resolver(places, folder, findings, ("services", name)).service(service)
    for section in ("configs", "secrets"):
        for name, resource in (file.get(section) or {}).items():
            if isinstance(resource, dict):
                _Resolver(places, folder, findings, (section, name)).one(resource, "file")
    for name, volume in (file.get("volumes") or {}).items():
        options = volume.get("driver_opts") if isinstance(volume, dict) and volume.get("driver") == "local" else None
        if isinstance(options, dict) and options.get("o") == "bind":
            _Resolver(places, folder, findings, ("volumes", name, "driver_opts")).one(options, "device")


class _Resolver:
    def __init__(self, places: Places, folder: str, findings: Findings, path: Path) -> None:
        self.places, self.folder, self.findings, self.path = places, folder, findings, path

    def one(self, owner: dict[str, Data], key: str, *where: str | int) -> None:
        value = owner.get(key)
        if isinstance(value, str) and value:
            try:
                owner[key] = self.places.absolute(value, self.folder)
            except Invalid as error:
                self.findings.add_invalid((*self.path, *where, key), error)

    def service(self, service: dict[str, Data]) -> None:
        for index, mount in enumerate(service.get("volumes") or []):
            if isinstance(mount, dict) and mount.get("type") == "bind":
                if "source" not in mount:
                    self.findings.add((*self.path, "volumes", index), "a bind mount without a source", "say `source:`")
                mount["source"] = mount.get("source") or "."  # an empty source is the folder of the file, as in Compose
                self.one(mount, "source", "volumes", index)
        for index, entry in enumerate(service.get("env_file") or []):
            if isinstance(entry, dict):
                self.one(entry, "path", "env_file", index)
        labels = service.get("label_file") or []
        for index, label_file in enumerate(labels):
            holder = {"label_file": label_file}
            self.one(holder, "label_file", index)
            labels[index] = holder["label_file"]
        for index, rule in enumerate((service.get("develop") or {}).get("watch") or []):
            self.one(rule, "path", "develop", "watch", index)
        self._build(service.get("build"))

    def _build(self, build: Data) -> None:
        if isinstance(build, dict):
            contexts: dict[str, Data] = build.get("additional_contexts") or {}
            for owner, key in [(build, "context"), *((contexts, name) for name in contexts)]:
                value = owner.get(key)
                if isinstance(value, str) and not (_REMOTE.match(value) or "://" in value or value.startswith("service:")):
                    self.one(owner, key, "build")
