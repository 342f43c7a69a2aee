"""What a service finds in its file system: volumes, folders of the host, files of the repository, configs and secrets."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from controller.clients.blobs import manifest
from controller.core.errors import Problem, Rejected
from controller.core.key import Key
from controller.core.kind import Surroundings
from controller.kinds.service.entry import Entry
from controller.kinds.service.model import ConfigFile, SecretFile

_SECRETS = "/run/secrets"


class Places:
    """Collects the mounts of one service; `references` are the volumes that it needs, `stateful` is True when one holds data."""

    def __init__(self, entry: Entry, project: str, around: Surroundings, *, canonical: bool) -> None:
        self._entry = entry
        self._project = project
        self._around = around
        self._canonical = canonical
        self.references: list[Key] = []
        self.stateful = False

    def state(self) -> dict[str, Any]:
        """`volumes`, `configs` and `secrets` of the normal form."""
        volumes: dict[str, Any] = {}
        for index, mount in enumerate(self._entry.compose.get("volumes") or ()):
            try:
                volumes[mount["target"]] = self._mount(mount)
            except Rejected as error:
                for problem in error.problems:
                    self._entry.reject("volumes", index, message=problem.message, hint=problem.hint)
        configs = {config.target: self._config(index, config) for index, config in enumerate(self._entry.configs)}
        secrets = {
            secret.target or f"{_SECRETS}/{name}": self._secret(name, secret) for name, secret in self._entry.secrets.items()
        }
        found = (("volumes", volumes), ("configs", configs), ("secrets", secrets))
        return {name: value for name, value in found if value}

    def _mount(self, mount: Mapping[str, Any]) -> dict[str, Any]:
        kind = mount["type"]
        own = self._entry.mounts.get(mount["target"], {})
        entry: dict[str, Any] = {"type": kind, "read_only": bool(mount.get("read_only"))}
        if kind == "bind":
            entry.update(self._bind(mount))
        elif kind == "volume":
            entry.update(self._volume(mount, own))
        elif kind == "tmpfs":
            given = mount.get("tmpfs") or {}
            entry.update({name: int(given[name]) for name in ("size", "mode") if given.get(name)})
        else:
            entry["source"] = mount.get("source", "")
            entry.update({name: value for name, value in (mount.get("image") or {}).items() if value})
            entry["read_only"] = True
        if not entry["read_only"] and entry["type"] in ("bind", "volume", "data"):
            self.stateful = True
        return entry

    def _volume(self, mount: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
        source = str(mount.get("source", ""))
        given = mount.get("volume") or {}
        entry: dict[str, Any] = {name: given[name] for name in ("nocopy", "subpath", "labels") if given.get(name)}
        resource = own.get("resource")
        if resource:
            self.references.append(key_of(resource, "volume"))
        elif own.get("external") or (self._canonical and source):
            entry["external"] = True
        elif source:
            source = f"{self._project}_{source}"
        return {"source": source, **entry}

    def _bind(self, mount: Mapping[str, Any]) -> dict[str, Any]:
        source = str(mount["source"])
        given = mount.get("bind") or {}
        entry: dict[str, Any] = {name: given[name] for name in ("propagation", "selinux") if given.get(name)}
        if source.startswith("/"):
            plain = {"create_host_path": False} if given.get("create_host_path") is False else {}
            return {"source": posixpath.normpath(source), **entry, **plain}
        content = self._around.file(source)
        if content is not None:
            return {"type": "file", "digest": self._around.blob(content), **entry}
        folder = self._around.folder(source)
        if folder is not None:
            digests = {path: self._around.blob(each) for path, each in folder.items()}
            return {"type": "folder", "digest": self._around.blob(manifest(digests)), **entry}
        self._must_be_a_folder(source, mount)
        inner = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
        return {"type": "data", "source": posixpath.join(self._project, inner) if inner else self._project, **entry}

    def _must_be_a_folder(self, source: str, mount: Mapping[str, Any]) -> None:
        """A path that is not in the repository becomes a folder of the host. A file was surely meant where both ends look like
        one."""
        suffix = posixpath.splitext(source)[1]
        if mount.get("read_only") or (suffix and suffix == posixpath.splitext(mount["target"])[1]):
            raise Rejected([_problem(f"{source!r} is not in the repository", "commit it, or mount a writable folder")])

    def _config(self, index: int, config: ConfigFile) -> dict[str, Any]:
        content = config.content.encode() if config.content is not None else None
        if config.file:
            content = self._around.file(config.file)
        if content is None:
            self._entry.reject("configs", index, message=f"{config.file!r} is not in the repository", hint="commit it")
            content = b""
        return {"digest": self._around.blob(content), **_ownership(config)}

    def _secret(self, name: str, secret: SecretFile) -> dict[str, Any]:
        try:
            if secret.file:
                content = self._around.file(secret.file)
                if content is None:
                    raise Rejected([_problem(f"{secret.file!r} is not in the repository", "commit it, or use `ref:`")])
                version = self._around.literal(content.decode("utf-8", "surrogateescape"))
            elif secret.ref:
                version = self._around.secret(secret.ref, secret.generate)
            else:
                raise Rejected([_problem("a secret needs `ref` or `file`", "write {ref: NAME, generate: 32} to have one made")])
        except Rejected as error:
            for problem in error.problems:
                self._entry.reject("secrets", name, message=problem.message, hint=problem.hint)
            return {}
        return {"content": dict(version.state()), **_ownership(secret)}


def _ownership(given: ConfigFile | SecretFile) -> dict[str, str]:
    return {name: value for name, value in (("uid", given.uid), ("gid", given.gid), ("mode", given.mode)) if value}


def key_of(text: Any, kind: str) -> Key:
    """The key of a resource of one kind. Raises Rejected."""
    try:
        key = Key.parse(str(text))
    except ValueError as error:
        raise Rejected([_problem(str(error), "")]) from error
    if key.kind != kind:
        raise Rejected([_problem(f"{key} is not a {kind}", f"write {kind}/NAME")])
    return key


def _problem(message: str, hint: str) -> Problem:
    return Problem((), message, hint)
