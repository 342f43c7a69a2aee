"""Settings of one process, from flags, environment and homelab.toml. The only reader of the environment."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from controller.core.child import steering
from controller.core.errors import SettingsError
from controller.core.suggest import did_you_mean

NAMES = (
    "repo", "path", "branch", "state", "database", "world", "listen",
    "trusted_hosts", "allowed_signers", "allowed_keys", "docker_host",
)  # fmt: skip
"""Flags `--name`, variables HOMELAB_NAME, keys of homelab.toml (`docker_host` is DOCKER_HOST and has no flag)."""
WORLDS = ("docker", "memory", "auto")
DEFAULT_LISTEN = "127.0.0.1:8420"
SETTINGS_FILE = "homelab.toml"
SOCKET = "controller.sock"
_VALUES = "HOMELAB_SECRET_"
_LOGIN = re.compile(r"^(https?://)[^/]*@")
_UNSET: Mapping[str, str] = {}
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]*):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process was told.

    `repo` is an absolute path or a URL ("" = there is none), `path` a folder inside it, `branch` "" = the one that is checked
    out or the remote's default; `state` is absolute; `database` is a URL, "" = SQLite in the state folder; `world` is docker,
    memory, or auto (docker when an engine answers, else memory, saying so). `trusted_hosts` are git servers that may be this
    machine or speak plain http. With `allowed_signers` (a file of ssh-keygen's format) or `allowed_keys` (OpenPGP public keys),
    both outside of the repository, only commits that one of them signed are followed. `secrets` are the values behind
    `env:NAME` references: each variable HOMELAB_SECRET_NAME by NAME; no other variable can be named by a specification.
    `environment` is this process's, for git to choose from."""

    repo: str = field(repr=False)
    state: Path
    path: str = ""
    branch: str = ""
    database: str = field(default="", repr=False)
    world: str = "docker"
    listen: str = DEFAULT_LISTEN
    docker_host: str = ""
    docker_certificates: str = ""
    trusted_hosts: tuple[str, ...] = ()
    allowed_signers: Path | None = None
    allowed_keys: Path | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def remote(self) -> bool:
        """True when the repository is a URL."""
        return is_url(self.repo)

    @property
    def shown_repo(self) -> str:
        """The repository as it may be shown: without the password or token that a URL may carry."""
        return _without_login(self.repo)

    @property
    def socket(self) -> Path:
        """Where the controller of this state folder listens for the command line."""
        return self.state / SOCKET

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        found = _HOST_PORT.fullmatch(self.listen)
        if found is None:
            raise SettingsError(f"listen: {self.listen!r} is not HOST:PORT; write for example {DEFAULT_LISTEN}")
        return found["host"].strip("[]") or "0.0.0.0", int(found["port"])  # noqa: S104 (a person wrote `:8420`)


def read_settings(
    flags: Mapping[str, str | None] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    *,
    repository: bool = True,
) -> Settings:
    """The settings for flags (by name, None = not given), the environment and the current folder.

    With `repository` False it is no error when there is no spec repository, as long as the state folder is named. Raises
    SettingsError naming what is wrong, where it was said and how to fix it."""
    environment = os.environ if environment is None else environment
    folder = Path.cwd() if folder is None else folder
    _refuse_other_systems(sys.platform)
    said = _Said(flags or {}, environment)
    repo = _repository(said, folder)
    state = _state_folder(said, repo, environment, folder)
    said.file = _from_file(state / SETTINGS_FILE) if state is not None else {}
    repo = repo or _repository(said, folder) or _surrounding(folder)
    if repository and not repo:
        raise SettingsError(
            f"no spec repository: {folder} is not inside a git repository. Make one with `homelab init DIR`, or name one with "
            "--repo PATH-OR-URL (HOMELAB_REPO)"
        )
    if state is None:
        if not repo:
            raise SettingsError("no state folder: name one with --state FOLDER (HOMELAB_STATE), or a spec repository with --repo")
        state = default_state(repo, said.of("path"), environment)
        said.file = _from_file(state / SETTINGS_FILE)
    return _checked(said, repo, state, environment)


def default_state(repo: str, path: str = "", environment: Mapping[str, str] | None = None) -> Path:
    """The state folder of a repository when none is named: one per repository (and folder inside it), whatever the password in
    its URL."""
    environment = os.environ if environment is None else environment
    repo = _without_login(repo)
    name = repo.rstrip("/").removesuffix("/.git").removesuffix(".git").rpartition("/")[2] or "specs"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "specs"
    mark = sha256(f"{repo}\n{path}".encode()).hexdigest()[:8]
    return state_root(environment) / f"{slug}-{mark}"


def state_root(environment: Mapping[str, str] | None = None) -> Path:
    """The folder that holds the state folders of this user (XDG)."""
    environment = os.environ if environment is None else environment
    base = environment.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        base = str(Path(environment.get("HOME") or "~").expanduser() / ".local" / "state")
    return Path(base) / "homelabhub"


def plain_terminal(environment: Mapping[str, str] | None = None) -> bool:
    """True when a person asked for text without colours (https://no-color.org), or the terminal knows none."""
    environment = os.environ if environment is None else environment
    return bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"


def surroundings() -> Mapping[str, str]:
    """The environment of this process, for those who start programs and for nobody else."""
    return dict(os.environ)


def disarm() -> None:
    """Take out of this process's environment what would steer a program that a library starts by itself. Called first."""
    for name in steering(tuple(os.environ)):
        del os.environ[name]


def is_url(repo: str) -> bool:
    """True for a repository on another machine: `https://…`, `ssh://…`, `user@host:path`."""
    return (
        "://" in repo
        or re.fullmatch(r"[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:[^/].*|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:/.*", repo) is not None
    )


def _without_login(repo: str) -> str:
    return _LOGIN.sub(r"\1", repo)


@dataclass
class _Said:
    """What was said where; the nearest wins."""

    flags: Mapping[str, str | None]
    environment: Mapping[str, str]
    file: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        return self.found(name)[0]

    def found(self, name: str) -> tuple[str, str]:
        """The value ("" = not said) and where it stands."""
        flag = self.flags.get(name)
        if flag is not None:
            return flag, f"--{name.replace('_', '-')}"
        variable = "DOCKER_HOST" if name == "docker_host" else f"HOMELAB_{name.upper()}"
        if self.environment.get(variable):
            return self.environment[variable], variable
        return self.file.get(name, ""), SETTINGS_FILE


def _refuse_other_systems(platform: str) -> None:
    if platform != "linux":
        name = {"darwin": "macOS", "win32": "Windows"}.get(platform, platform)
        raise SettingsError(
            f"HomeLabHub runs on Linux; this is {name}. Run it on the Linux machine (a virtual one will do) that runs Docker"
        )


def _repository(said: _Said, folder: Path) -> str:
    repo = said.of("repo")
    if not repo or is_url(repo):
        return repo
    return str((folder / Path(repo).expanduser()).resolve())


def _surrounding(folder: Path) -> str:
    """The git repository around a folder, "" when there is none."""
    for candidate in (folder.resolve(), *folder.resolve().parents):
        if (candidate / ".git").exists():
            return str(candidate)
    return ""


def _state_folder(said: _Said, repo: str, environment: Mapping[str, str], folder: Path) -> Path | None:
    """The state folder as far as it is known before homelab.toml is read."""
    named = said.of("state")
    if named:
        return (folder / Path(named).expanduser()).resolve()
    # systemd's StateDirectory= names the folder that it has made for the service.
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    known = repo or _surrounding(folder)
    return default_state(known, said.of("path"), environment) if known else None


def _from_file(path: Path) -> Mapping[str, str]:
    try:
        data = tomllib.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return _UNSET
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    known = [name for name in NAMES if name != "state"]
    for name, value in data.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"known are {', '.join(known)}"
            raise SettingsError(f"{path}: there is no setting {name!r}; {hint}")
        if not isinstance(value, str):
            raise SettingsError(f'{path}: {name} must be text; write {name} = "…"')
    return data


def _checked(said: _Said, repo: str, state: Path, environment: Mapping[str, str]) -> Settings:
    world, where = said.found("world")
    world = world or "docker"
    if world not in WORLDS:
        raise SettingsError(f"{where}: the world is {' or '.join(WORLDS[:2])}, not {world!r}")
    inside = said.of("path").strip("/")
    if ".." in inside.split("/"):
        raise SettingsError(f"{said.found('path')[1]}: {inside!r} leaves the repository; name a folder inside it")
    settings = Settings(
        repo=repo,
        state=state,
        path="" if inside == "." else inside,
        branch=said.of("branch"),
        database=said.of("database"),
        world=world,
        listen=said.of("listen") or DEFAULT_LISTEN,
        docker_host=said.of("docker_host"),
        docker_certificates=environment.get("DOCKER_CERT_PATH", "") if environment.get("DOCKER_TLS_VERIFY") else "",
        trusted_hosts=tuple(filter(None, said.of("trusted_hosts").replace(",", " ").split())),
        allowed_signers=_outside(said, "allowed_signers", repo, state),
        allowed_keys=_outside(said, "allowed_keys", repo, state),
        environment=dict(environment),
        secrets={name.removeprefix(_VALUES): value for name, value in environment.items() if name.startswith(_VALUES)},
    )
    _, port = settings.address
    if not 0 <= port <= 65535:
        raise SettingsError(f"{said.found('listen')[1]}: {port} is not a port; use 1 to 65535 (0 = any free one)")
    return settings


def _outside(said: _Said, name: str, repo: str, state: Path) -> Path | None:
    """A file that commits to the repository must not be able to change; a relative path starts in the state folder."""
    text, where = said.found(name)
    if not text:
        return None
    path = (state / Path(text).expanduser()).resolve()
    if not path.is_file():
        raise SettingsError(f"{where}: there is no file {path}")
    if repo and not is_url(repo) and path.is_relative_to(repo):
        raise SettingsError(f"{where}: {path} is in the repository that it protects: put it elsewhere, for example in {state}")
    return path
