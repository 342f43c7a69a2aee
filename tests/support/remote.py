"""Ways into a space from the machine: a forwarded port, an SSH server, certificates for Docker's TLS port."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.space import Space, wait_until


@contextlib.contextmanager
def forward(space: Space, port: int) -> Iterator[int]:
    """Inside the block, a port inside the space is also on 127.0.0.1 of the machine; gives the number there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, space, port), name=f"forward-{port}", daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept


def _accept(listener: socket.socket, space: Space, port: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = space.connect(port)
        except OSError:
            near.close()  # nothing listens inside: the caller sees its connection end
            continue
        far.settimeout(None)
        threading.Thread(target=_bridge, args=(near, far), daemon=True).start()


def _bridge(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class SshHost:
    """A machine reached by SSH: its URL, and the files a client needs; `config` names them all for `ssh -F`."""

    port: int
    key: Path
    known_hosts: Path
    config: Path
    user: str = "root"

    @property
    def url(self) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}"


@contextlib.contextmanager
def ssh_host(space: Space) -> Iterator[SshHost]:
    """Runs an SSH server inside a space for as long as the block, reachable from the machine."""
    folder = space.folder / "ssh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    space.run("mkdir", "-p", "/run/sshd")
    space.run("rm", "-f", "/run/sshd.pid")
    options = [f"HostKey={folder / 'host'}", f"AuthorizedKeysFile={folder / 'client.pub'}", "PasswordAuthentication=no"]
    options += ["UsePAM=no", "StrictModes=no", "ListenAddress=127.0.0.1", "Port=22", "PidFile=/run/sshd.pid"]
    server = space.start("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *(f"-o{each}" for each in options), log="sshd.log")

    try:
        # Not by connecting: newer servers penalise a client that leaves without logging in.
        wait_until(space.path("/run/sshd.pid").exists, "sshd")
        with forward(space, 22) as port:
            host = SshHost(port, folder / "client", folder / "known_hosts", folder / "config")
            host.known_hosts.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
            host.config.write_text(
                f"Host 127.0.0.1\n  Port {port}\n  User root\n  IdentityFile {host.key}\n  IdentitiesOnly yes\n"
                f"  UserKnownHostsFile {host.known_hosts}\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
            )
            yield host
    finally:
        space.signal("/run/sshd.pid", "TERM")
        server.wait(30)


def tls_options(folder: Path) -> list[str]:
    """The daemon's words for a TCP port that demands a client certificate."""
    files = ["--tlscacert", folder / "ca.pem", "--tlscert", folder / "server.pem", "--tlskey", folder / "server.key"]
    return ["--host", "tcp://127.0.0.1:2376", "--tlsverify", *map(str, files)]


def make_certificates(space: Space, folder: Path) -> None:
    """Writes an authority, a server and a client certificate, the last under the names that Docker's clients use."""
    folder.mkdir()
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]

    def certify(name: str, certificate: str, key: str, *extensions: str) -> None:
        signed_by = [] if name == "ca" else ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
        words = [word for extension in extensions for word in ("-addext", extension)]
        files = ["-out", str(folder / certificate), "-keyout", str(folder / key)]
        space.run("openssl", "req", "-x509", *new_key, *signed_by, *files, "-subj", f"/CN={name}", *words)

    certify("ca", "ca.pem", "ca.key")
    leaf = "basicConstraints=critical,CA:FALSE"
    certify("server", "server.pem", "server.key", leaf, "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth")
    certify("client", "cert.pem", "key.pem", leaf, "extendedKeyUsage=clientAuth")
