"""Real Docker engines for tests, each alone in a `Space`: no test can touch the machine's own Docker, network or processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import docker
import docker.errors

from tests.support import images, remote
from tests.support.roots import BOOKWORM, FORKY, Recipe, root_of
from tests.support.space import Space, wait_until

OWN_NETWORKS = {"bridge", "host", "none"}


@dataclass(frozen=True)
class Kind:
    """Which engine: a short name, the root that holds it, and variables for the daemon."""

    name: str
    recipe: Recipe
    env: tuple[tuple[str, str], ...] = ()
    tls: bool = False


OLD = Kind("old", BOOKWORM)  # 20.10, API 1.41
NEW = Kind("new", FORKY)  # 28.5, API 1.51
STRICT = Kind("strict", FORKY, (("DOCKER_MIN_API_VERSION", "1.44"),))  # refuses older clients, as Docker 29 does
TLS = Kind("tls", FORKY, tls=True)  # also on port 2376 with client certificates


class Engine:
    """One running Docker engine with the images of `tests.support.images`.

    `socket` is its unix socket, `url` the same for DOCKER_HOST and the SDK, `api` a low-level SDK client with which a test
    looks at the world or breaks it. Inside, the daemon also listens on /run/docker.sock, as on a machine of its own. Ports that
    containers publish exist inside the engine's own network: reach them with `get`, `connect` or `forward`.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        root = root_of(kind.recipe)
        self.space = Space(root, f"engine-{kind.name}")
        self.socket = self.space.folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._registry: subprocess.Popen[bytes] | None = None
        self.certificates = self.space.folder / "certificates"  # of a TLS engine: ca.pem, cert.pem, key.pem for a client
        try:
            if kind.tls:
                remote.make_certificates(self.space, self.certificates)
            self.start()
            self.api = docker.APIClient(base_url=self.url, version="auto", timeout=120)
            busybox = root / "usr/bin/busybox"
            self._images = {image.reference: images.load(self.api, image, busybox) for image in images.IMAGES}
        except BaseException:
            self.close()
            raise

    @property
    def version(self) -> str:
        """The engine's own version, such as `20.10.24`."""
        return str(self.api.version()["Version"]).partition("+")[0]

    def start(self) -> None:
        """Starts the daemon over whatever state the space holds; returns when it answers."""
        self.space.run("rm", "-f", "/run/docker.pid")
        command = ["dockerd", "--host", self.url, "--host", "unix:///run/docker.sock", "--pidfile", "/run/docker.pid"]
        command += ["--storage-driver", "overlay2"]
        command += ["--cgroup-parent", self.space.cgroup, "--exec-opt", "native.cgroupdriver=cgroupfs"]
        if self.kind.tls:
            command += remote.tls_options(self.certificates)
        self._daemon = self.space.start(*command, log="dockerd.log", env=dict(self.kind.env))
        wait_until(self._answers_or_ended, f"dockerd ({self.kind.name})")
        if self._daemon.poll() is not None:
            log = (self.space.folder / "dockerd.log").read_text(errors="replace")
            raise RuntimeError(f"dockerd ({self.kind.name}) ended at once:\n{log[-3000:]}")

    def stop(self) -> None:
        """Stops the daemon in good order, as a service manager does: containers end, but nothing is removed."""
        self._end("TERM")

    def kill(self) -> None:
        """Kills the daemon as a crash does: it writes nothing down; the next `start` ends the containers it finds."""
        self._end("KILL")

    def clean(self) -> None:
        """Removes every container, network, volume and image that a test made and puts the harness's images back."""
        if not self._answers():
            self.start()
        for container in self.api.containers(all=True):
            with contextlib.suppress(docker.errors.NotFound):
                self.api.remove_container(container["Id"], force=True, v=True)
        for network in self.api.networks():
            if network["Name"] not in OWN_NETWORKS:
                self.api.remove_network(network["Id"])
        for volume in self.api.volumes()["Volumes"] or []:
            self.api.remove_volume(volume["Name"], force=True)
        self._restore_images()

    def _restore_images(self) -> None:
        for image in self.api.images(all=True):
            for reference in image["RepoTags"] or []:
                if self._images.get(reference) != image["Id"] and reference != "<none>:<none>":
                    self.api.remove_image(reference, force=True)
        for reference, image_id in self._images.items():
            repository, tag = reference.rsplit(":", 1)
            try:
                self.api.tag(image_id, repository, tag)
            except docker.errors.ImageNotFound:
                image = next(each for each in images.IMAGES if each.reference == reference)
                self._images[reference] = images.load(self.api, image, root_of(self.kind.recipe) / "usr/bin/busybox")

    def connect(self, port: int, timeout: float = 60.0) -> socket.socket:
        """A TCP connection to 127.0.0.1 in the engine's network, where published ports are. Raises OSError."""
        return self.space.connect(port, timeout=timeout)

    def get(self, port: int, path: str = "/", timeout: float = 60.0) -> tuple[int, str]:
        """Status and body of an HTTP GET on a published port. Raises OSError when nothing listens."""
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        client.sock = self.connect(port, timeout)
        with contextlib.closing(client):
            client.request("GET", path)
            reply = client.getresponse()
            return reply.status, reply.read().decode()

    def forward(self, port: int) -> contextlib.AbstractContextManager[int]:
        """Inside the block, a port of the engine's network is also on 127.0.0.1 of the machine, under the number it gives."""
        return remote.forward(self.space, port)

    def ssh(self) -> contextlib.AbstractContextManager[remote.SshHost]:
        """Inside the block, the engine is a remote machine that is reached by SSH, its Docker socket at /run/docker.sock."""
        return remote.ssh_host(self.space)

    def push(self, source: str, target: str) -> str:
        """Puts an image into a registry on the engine's loopback as `target` (such as `app:1`); returns its digest reference.

        The registry starts on first use and listens on 127.0.0.1:5000 inside: the result is `127.0.0.1:5000/app@sha256:...`.
        """
        self._start_registry()
        repository, tag = f"127.0.0.1:5000/{target}".rsplit(":", 1)
        self.api.tag(source, repository, tag)
        for line in self.api.push(repository, tag, stream=True, decode=True):
            if "error" in line:
                raise RuntimeError(f"push of {target}: {line['error']}")
            if "Digest" in line.get("aux", {}):
                digest = str(line["aux"]["Digest"])
        return f"{repository}@{digest}"

    def containers(self) -> dict[str, str]:
        """Every container's name and state (`running`, `exited`, `created`, ...), read now."""
        return {each["Names"][0].lstrip("/"): each["State"] for each in self.api.containers(all=True)}

    def health(self, name: str) -> str:
        """`starting`, `healthy`, `unhealthy`, or `none` for a container without a health check."""
        return str(self.api.inspect_container(name)["State"].get("Health", {}).get("Status", "none"))

    def close(self) -> None:
        """Ends the engine and everything in it."""
        self.space.close()

    def _start_registry(self) -> None:
        if self._registry is not None:
            return
        settings = {
            "version": "0.1",
            "http": {"addr": "127.0.0.1:5000"},
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": "/run/registry"}, "delete": {"enabled": True}},
        }
        file = self.space.folder / "registry.yml"
        file.write_text(json.dumps(settings))
        self._registry = self.space.start("docker-registry", "serve", str(file), log="registry.log")

        def listens() -> bool:
            with contextlib.suppress(OSError):
                return self.get(5000, "/v2/")[0] == 200
            return False

        wait_until(listens, "the registry")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(5)
            client.connect(str(self.socket))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        return False

    def _answers_or_ended(self) -> bool:
        return self._answers() or (self._daemon is not None and self._daemon.poll() is not None)

    def _end(self, signal: str) -> None:
        assert self._daemon is not None
        self.space.signal("/run/docker.pid", signal)
        self._daemon.wait(60)


class Engines:
    """The engines of one test process: each starts when it is first asked for and ends with the process."""

    def __init__(self) -> None:
        self._running: dict[Kind, Engine] = {}

    def get(self, kind: Kind) -> Engine:
        if kind not in self._running:
            self._running[kind] = Engine(kind)
        return self._running[kind]

    @contextlib.contextmanager
    def clean(self, kind: Kind) -> Iterator[Engine]:
        """An engine that is empty at the start; whatever the block leaves is removed."""
        engine = self.get(kind)
        try:
            yield engine
        finally:
            engine.clean()

    def close(self) -> None:
        for engine in self._running.values():
            engine.close()
        self._running.clear()
