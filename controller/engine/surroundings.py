"""What a kind sees of its surroundings while it resolves a spec: the repository around the document, secrets, connections."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from controller.core.document import Files, Reader
from controller.core.errors import Diagnostic, Problem, Rejected, SpecError
from controller.core.estate import HomelabSpec
from controller.core.ports import Blobs, Vault
from controller.core.secret import SecretVersion


@dataclass
class RepositorySurroundings:
    """Surroundings of one document. `used` collects the repository paths that were asked for."""

    files: Files
    base: str
    reader: Reader
    vault: Vault
    blobs: Blobs
    homelab: HomelabSpec
    used: set[str] = field(default_factory=set)
    listing: tuple[str, ...] = ()
    written: Mapping[str, Mapping[str, BaseModel] | None] = field(default_factory=dict)
    """Specs by kind and name; None = not all of them could be read."""

    @property
    def connections(self) -> Mapping[str, Mapping[str, Any]]:
        """The connections declared in homelab.yaml."""
        return self.homelab.connections

    def variables(self) -> Mapping[str, str]:
        """The variables declared in homelab.yaml."""
        return self.homelab.variables

    def others(self, kind: str) -> Mapping[str, BaseModel]:
        """Specs of the written documents of a kind."""
        found = self.written.get(kind, {})
        if found is None:
            raise Rejected([])
        return found

    def file(self, path: str) -> bytes | None:
        """Content of a file, by path relative to the document's folder."""
        full = self._inside(path)
        content = self.files.read(full)
        if content is not None:
            self.used.add(full)
        return content

    def folder(self, path: str) -> Mapping[str, bytes] | None:
        """Every file below a folder, by path relative to that folder."""
        full = self._inside(path)
        prefix = "" if full in ("", ".") else full.rstrip("/") + "/"
        found: dict[str, bytes] = {}
        for name in self.listing or tuple(self.files.paths()):
            if name.startswith(prefix):
                content = self.files.read(name)
                if content is not None:
                    found[name[len(prefix) :]] = content
                    self.used.add(name)
        return found or None

    def parse(self, path: str, content: bytes) -> Any:
        """The only YAML document of a file as plain data."""
        documents = self.reader(self._inside(path), content)
        if len(documents) > 1:
            origin, hint = documents[1].origin, "move it to a file of its own"
            raise SpecError([Diagnostic("a second YAML document in this file", origin, hint, documents[1].snippet(origin))])
        return documents[0].data if documents else None

    def blob(self, content: bytes) -> str:
        """Keep content for the container that needs it."""
        return self.blobs.put(content)

    def secret(self, ref: str, generate: int | None = None) -> SecretVersion:
        """Current version of a secret."""
        try:
            return self.vault.current(ref, generate)
        except KeyError as error:
            hint = f"set it with `homelab secret set {ref}`, or add `generate: 32` to have one made"
            raise Rejected([Problem((), f"secret {ref!r} does not exist", hint)]) from error

    def literal(self, value: str) -> SecretVersion:
        """A sensitive value that was written in plain text."""
        return self.vault.literal(value)

    def _inside(self, path: str) -> str:
        full = posixpath.normpath(posixpath.join(self.base, path))
        if path.startswith("/") or full == ".." or full.startswith("../") or "\0" in path:
            raise Rejected([Problem((), f"{path!r} is outside the repository", "use a path below the spec folder")])
        return full
