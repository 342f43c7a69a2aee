"""What must change in compose files when they leave their folder: secrets by reference, and paths that still lead to the data."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.core.discovery import secret_option
from controller.core.errors import Refused
from controller.core.secret import is_sensitive, looks_sensitive
from controller.usecases.compose_values import (
    Statement,
    as_list,
    as_map,
    as_paths,
    dotenv,
    expanded,
    only_variable,
    secret_parts,
    source_of,
    statements,
    variables_in,
)
from controller.usecases.importing_files import (
    ComposeFile,
    env_files_of_includes,
    from_environment,
    refuse_moved_tags,
    refuse_tags,
    secrets_used,
    without_env_file,
)
from controller.usecases.importing_sketch import Left

_COMMANDS = ("command", "entrypoint")
_AROUND = ("HOME", "PWD")


@dataclass
class Moving:
    """The move of one project. `env` are the values that Compose fills in, `home` is where `~` leads to.

    `touched` are the files whose text cannot stay as it is; `built` the services whose image somebody else must build."""

    stack: str
    project: str
    folder: str
    home: str
    env: dict[str, str]
    beside: Callable[[str], bytes | None]
    secrets: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lost: list[Left] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)
    _tainted: set[str] = field(default_factory=set)

    def move(self, files: Sequence[ComposeFile], entries: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The data of every file by path, ready to stand in the repository. Raises Refused."""
        for file in files:
            refuse_moved_tags(file)
            self._used.update(secrets_used(file.data))
            for path in [posixpath.join(file.base, ".env"), *env_files_of_includes(file)]:
                self.env = {**dotenv(self.beside(path), self.env), **self.env}
        for file in files:
            self._tainted.update(self._secret_variables(file.data))
        moved = {file.path: self._file(file) for file in files}
        for path in (path for path in entries if "name" in moved[path] and moved[path]["name"] != self.project):
            moved[path]["name"] = self.project
            self.touched.add(path)
        if self.project != self.stack and not any("name" in moved[path] for path in entries):
            moved[entries[0]] = {"name": self.project, **moved[entries[0]]}
        for path in self.touched:
            refuse_tags(path, moved[path])
        return moved

    def variables(self, data: Any) -> dict[str, Any]:
        """The Stack's `variables`: everything that the files refer to, secrets by reference."""
        found: dict[str, Any] = {}
        for name in dict.fromkeys([*variables_in(data), *from_environment(data)]):
            if name in self.references:
                found[name] = {"ref": self.references[name]}
            elif name in self.env and self._is_secret(name):
                found[name] = {"ref": self._keep(f"{self.stack}/{slug(name)}", self.env[name])}
            elif name in self.env:
                found[name] = self.env[name]
        return found

    def _is_secret(self, name: str) -> bool:
        return bool(self.env.get(name)) and name not in _AROUND and (is_sensitive(name, self.env[name]) or name in self._tainted)

    def _secret_variables(self, data: Mapping[str, Any]) -> Iterator[str]:
        """Variables that are secret whatever they are called: they are all of a secret, or the password of a URL."""
        for service in (data.get("services") or {}).values():
            for name, value in as_map((service or {}).get("environment")).items():
                if isinstance(value, str) and is_sensitive(name, expanded(value, self.env)):
                    yield from (each for each in secret_parts(name, value) if self.env.get(each))
        for secret in (data.get("secrets") or {}).values():
            if isinstance(secret, Mapping) and isinstance(secret.get("environment"), str):
                yield secret["environment"]

    def _file(self, file: ComposeFile) -> dict[str, Any]:
        made = dict(file.data)
        if made.get("services"):
            made["services"] = {
                name: self._service(name, each, file) if each else each for name, each in made["services"].items()
            }
        if made.get("secrets"):
            made["secrets"] = {name: self._secret(name, each, file) for name, each in made["secrets"].items()}
        if made.get("volumes"):
            made["volumes"] = {name: self._volume(each, file) for name, each in made["volumes"].items()}
        if made.get("include") and any(env_files_of_includes(file)):
            made["include"] = [without_env_file(each) for each in made["include"]]
            self.touched.add(file.path)
        for entry in (made.get("configs") or {}).values():
            if isinstance(entry, Mapping) and isinstance(entry.get("file"), str):
                self._copy(entry["file"], file)
        return made

    def _service(self, name: str, service: Mapping[str, Any], file: ComposeFile) -> dict[str, Any]:
        made = dict(service)
        self._refuse_open_secrets(name, made)
        if "build" in made:
            del made["build"]
            self.touched.add(file.path)
            self.built.add(name)
        environment = as_map(made.get("environment"))
        found = {key: self._value(name, key, value) for key, value in environment.items()}
        given: dict[str, Any] = {}
        for path in as_paths(made.get("env_file")):
            given |= self._env_file(name, path, environment, file)
        if {**given, **found} != environment:
            made["environment"] = {**given, **found}
            self.touched.add(file.path)
        for path in as_list(made.get("label_file")):
            self._copy(str(path), file)
        if "volumes" in made:
            volumes = [self._mount(entry, file) for entry in made["volumes"] or ()]
            if volumes != made["volumes"]:
                self.touched.add(file.path)
            made["volumes"] = volumes
        return made

    def _refuse_open_secrets(self, name: str, service: Mapping[str, Any]) -> None:
        """Only the environment and files have a place for a reference."""
        for part, value in service.items():
            found = () if part == "environment" else (each for each in variables_in(value) if self._is_secret(each))
            option = next((f"${{{each}}}" for each in found), "")
            if part in _COMMANDS and not option:
                option = secret_option(expanded(str(word), self.env) for word in as_list(value))
            if option:
                raise Refused(
                    f"services.{name}.{part} holds a secret ({option}), and git must not: give it to the container as a variable "
                    "or as a file, start it once so, then import again; --split imports the other containers"
                )

    def _value(self, service: str, name: str, value: Any) -> Any:
        """A variable's value, by reference when it is secret or made of something secret."""
        if value is None and name in self.env:
            value = f"${{{name}}}"
        if not isinstance(value, str) or not value:
            return value
        plain = expanded(value, self.env)
        made_of_secrets = any(looks_sensitive(each) or each in self._tainted for each in variables_in(value))
        if not plain or not (made_of_secrets or is_sensitive(name, plain)) or self._is_secret(only_variable(value)):
            return value
        return self._hidden(service, name, plain)

    def _hidden(self, service: str, name: str, plain: str) -> str:
        """The reference to a value that is kept in the vault."""
        if self._is_secret(name) and self.env[name] == plain:
            return f"${{{name}}}"
        variable = re.sub(r"\W+", "_", f"{service}_{name}").upper()
        self.references[variable] = self._keep(f"{self.stack}/{slug(service)}-{slug(name)}", plain)
        return f"${{{variable}}}"

    def _env_file(self, service: str, path: str, environment: Mapping[str, Any], file: ComposeFile) -> dict[str, str]:
        """Copies an env file without what is secret in it; that, as variables of the service."""
        path = posixpath.normpath(posixpath.join(file.base, expanded(path, self.env)))
        content = self.beside(path)
        if path.startswith(("/", "../")):
            raise Refused(f"services.{service}.env_file: {path} is outside {self.folder} and cannot come along; move it there")
        if content is None:
            return {}
        values = dotenv(content, self.env)
        found = list(statements(content))
        hidden = {each.name for each in found if is_sensitive(each.name, values[each.name]) or self._made_of_secrets(each)}
        text = content.decode("utf-8", "replace").replace("\r\n", "\n")
        for each in found:
            text = text.replace(each.text, "", 1) if each.name in hidden else text
        self.files[path] = text.encode()
        return {name: self._hidden(service, name, values[name]) for name in values if name in hidden and name not in environment}

    def _made_of_secrets(self, statement: Statement) -> bool:
        return not statement.literal and any(self._is_secret(name) for name in variables_in(statement.value))

    def _secret(self, name: str, secret: Any, file: ComposeFile) -> Any:
        """A secret that is a file on the host moves into the vault."""
        if not isinstance(secret, Mapping) or not isinstance(secret.get("file"), str) or name not in self._used:
            return secret
        path = posixpath.normpath(posixpath.join(file.base, expanded(secret["file"], self.env)))
        content = self.beside(path)
        try:
            value = "" if content is None else content.decode()
        except UnicodeDecodeError:
            value = ""
        if not value:
            raise Refused(f"the secret {name} cannot be read as text from {path}; make it a file beside that you may read")
        variable = re.sub(r"\W+", "_", f"secret_{name}").upper()
        self.references[variable] = self._keep(f"{self.stack}/{slug(name)}", value)
        self.touched.add(file.path)
        return {**{key: value for key, value in secret.items() if key != "file"}, "environment": variable}

    def _volume(self, volume: Any, file: ComposeFile) -> Any:
        """A volume that stands for a folder of the host keeps that folder."""
        options = volume.get("driver_opts") if isinstance(volume, Mapping) else None
        device = str(options.get("device", "")) if isinstance(options, Mapping) else ""
        if not isinstance(options, Mapping) or not expanded(device, self.env).startswith((".", "~")):
            return volume
        self.touched.add(file.path)
        return {**volume, "driver_opts": {**options, "device": self._absolute(device, file)}}

    def _mount(self, entry: Any, file: ComposeFile) -> Any:
        """A folder of the host that is given relative to the file leads to the same place from wherever the file stands."""
        if isinstance(entry, str):
            source, rest = source_of(entry)
            return self._absolute(source, file) + rest if rest and _is_path(expanded(source, self.env)) else entry
        if isinstance(entry, Mapping) and entry.get("type") == "bind":
            return {**entry, "source": self._absolute(str(entry.get("source", "")), file)}
        return entry

    def _absolute(self, source: str, file: ComposeFile) -> str:
        plain = expanded(source, self.env)
        if plain.startswith("/"):
            return source
        if plain == "~" or plain.startswith("~/"):
            return self.home + plain[1:]
        return posixpath.normpath(posixpath.join(self.folder, file.base, plain)).replace("$", "$$")

    def _copy(self, path: str, file: ComposeFile) -> None:
        path = posixpath.normpath(posixpath.join(file.base, expanded(path, self.env)))
        content = self.beside(path)
        if content is not None:
            self.files[path] = content

    def _keep(self, ref: str, value: str) -> str:
        """Another value never takes the place of one that is kept already."""
        free, number = ref, 2
        while self.secrets.get(free, value) != value:
            free, number = f"{ref}-{number}", number + 1
        self.secrets[free] = value
        return free


def slug(text: str) -> str:
    """A name for a document out of a name in a compose file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _is_path(source: str) -> bool:
    return source.startswith((".", "~", "/"))
