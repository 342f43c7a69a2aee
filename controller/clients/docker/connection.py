"""A connection to a Docker host as homelab.yaml declares it, checked and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from docker.errors import TLSParameterError
from docker.tls import TLSConfig

from controller.clients.docker.containers import Containers
from controller.clients.docker.door import Door, Version
from controller.clients.docker.events import Events
from controller.clients.docker.images import Images
from controller.clients.docker.logs import Logs
from controller.clients.docker.stores import Networks, Volumes
from controller.clients.docker.tunnel import Tunnel
from controller.core.errors import Problem, Rejected

DEFAULT_URL = "unix:///var/run/docker.sock"
_KEYS = {"type", "url", "tls", "data", "ssh_config"}
_TLS_KEYS = {"ca", "cert", "key"}


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files: who may answer (`ca`) and who we are (`cert`, `key`)."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A checked declaration: `unix://`, `ssh://` or, with TLS only, `tcp://`. `data` is the folder on that host for the relative,
    writable folders of services ("" = the controller's choice), `ssh_config` a file for `ssh -F` ("" = the usual ones)."""

    name: str
    url: str = DEFAULT_URL
    tls: Tls | None = None
    data: str = ""
    ssh_config: str = ""

    @property
    def local(self) -> bool:
        """True when the engine sees this machine's files."""
        return self.url.startswith("unix://")

    @classmethod
    def parse(cls, name: str, declared: Mapping[str, Any]) -> Connection:
        """Read `{type: docker, url: …, tls: {ca, cert, key}, data: …}`. Raises Rejected with every problem."""
        problems = [Problem((word,), f"a Docker connection has no field {word!r}") for word in sorted(set(declared) - _KEYS)]
        url = declared.get("url", DEFAULT_URL)
        data = declared.get("data", "")
        if not isinstance(data, str) or (data and not data.startswith("/")):
            problems.append(Problem(("data",), "data must be an absolute path on that host"))
        ssh_config = declared.get("ssh_config", "")
        if not isinstance(ssh_config, str) or (ssh_config and not ssh_config.startswith("/")):
            problems.append(Problem(("ssh_config",), "ssh_config must be an absolute path on the controller's machine"))
        problems += _url_problems(url, declared.get("tls"))
        tls = declared.get("tls")
        if tls is not None and not (
            isinstance(tls, Mapping) and set(tls) == _TLS_KEYS and all(isinstance(each, str) for each in tls.values())
        ):
            problems.append(Problem(("tls",), "tls needs exactly ca, cert and key", "each is the path of a PEM file"))
        if problems:
            raise Rejected(problems)
        return cls(name, url, Tls(**tls) if tls is not None else None, data, ssh_config)


class DockerHost:
    """One Docker engine. Construction never connects; every call raises only Transient, Permanent or Conflict.

    `url` is `unix://PATH`, `ssh://[user@]host[:port]` or `tcp://host:port` with `tls`. Close it to end a tunnel."""

    def __init__(
        self, name: str = "local", url: str = DEFAULT_URL, tls: Tls | None = None, data: str = "", ssh_config: str = ""
    ) -> None:
        self.name = name
        self.local = url.startswith("unix://")
        self.data = data
        tunnel = Tunnel(url, ssh_config) if url.startswith("ssh://") else None
        self._door = Door(name, f"unix://{tunnel.socket}" if tunnel else url, _config(tls), tunnel)
        self.containers = Containers(self._door)
        self.networks = Networks(self._door)
        self.volumes = Volumes(self._door)
        self.images = Images(self._door)
        self.events = Events(self._door)
        self.logs = Logs(self._door)

    @classmethod
    def open(cls, connection: Connection) -> DockerHost:
        """The host that a checked declaration names."""
        return cls(connection.name, connection.url, connection.tls, connection.data, connection.ssh_config)

    @property
    def api(self) -> Version:
        """The negotiated API version, such as (1, 41)."""
        return self._door.version

    def info(self) -> Mapping[str, Any]:
        """What the engine says about itself: version, operating system, architecture, storage driver."""
        found: Mapping[str, Any] = self._door.get("/info")
        return found

    def close(self) -> None:
        """End connections and the tunnel."""
        self._door.close()


def _url_problems(url: Any, tls: Any) -> list[Problem]:
    if not isinstance(url, str):
        return [Problem(("url",), "url must be text")]
    hint = "write unix:///var/run/docker.sock, ssh://user@host, or tcp://host:2376 with tls"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return [Problem(("url",), f"{url!r}: {error}", hint)]
    if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
        return []
    if parts.scheme == "ssh":
        try:
            Tunnel.check(url)
        except ValueError as error:
            return [Problem(("url",), str(error))]
        return []
    if parts.scheme == "tcp" and parts.hostname and port:
        return (
            []
            if tls is not None
            else [Problem(("url",), "a Docker host over tcp without TLS gives root to the whole network", hint)]
        )
    return [Problem(("url",), f"{url!r} is not a Docker host", hint)]


def _config(tls: Tls | None) -> TLSConfig | None:
    if tls is None:
        return None
    try:
        return TLSConfig(client_cert=(tls.cert, tls.key), ca_cert=tls.ca, verify=True)
    except TLSParameterError as error:
        names = f"{tls.ca}, {tls.cert}, {tls.key}"
        raise Rejected([Problem(("tls",), f"these tls files cannot all be read: {names}")]) from error
