"""A private corner of the machine for one server: network, processes and mounts of its own over a root that is never written.

The kernel ends everything inside when the test process ends, however it ends: nothing outlives a killed run but a temporary
folder, which the next run removes. Needs root.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

Result = TypeVar("Result")
CLONE_NEWNET = 0x40000000
CGROUPS = Path("/sys/fs/cgroup")

# Runs as process 1 of the new namespaces. $1 = the root (read only), $2 = host name, $3 = a mount point for the work, further
# words = folders shared with the machine. An overlay takes all writes into memory; pivot_root and not chroot, because a container
# engine's children would otherwise end in the wrong root. Prints its process id as the machine sees it when all is in place.
KEEPER = r"""
set -eu
lower=$1; name=$2; work=$3; shift 3
read -r pid rest </proc/self/stat
hostname "$name"
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root" "$work/lib"
mount -t overlay -o lowerdir="$lower",upperdir="$work/upper",workdir="$work/work" overlay "$work/root"
cd "$work/root"
mkdir -p proc dev sys run tmp var/lib/docker
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs -o mode=755 tmpfs run
mount --bind "$work/lib" var/lib/docker
for folder; do mkdir -p ".$folder"; mount --rbind "$folder" ".$folder"; done
pivot_root . .
busybox umount -l .
cd /
echo "$pid"
exec /usr/bin/tini-static -- sleep infinity </dev/null >/dev/null
"""


class CommandFailed(RuntimeError):
    """A command inside a space ended with an error; says which and what it wrote."""


class Space:
    """Namespaces over a root file system; `run` and `start` put processes inside, `connect` a socket.

    Only the loopback device exists inside, so nothing in there reaches the machine or the outside. The machine's temporary folder
    is shared under the same path: unix sockets and bind mounts below it mean the same on both sides. With `own_network=False` the
    inside has the machine's network, for servers that are asked over UDP: they listen on loopback only.
    """

    def __init__(self, root: Path, name: str, *, own_network: bool = True) -> None:
        self.folder, self._lock = _claimed_folder(name)
        self.cgroup = _cgroup_of(self.folder)  # where servers that make control groups must make them
        work = self.folder / "work"
        work.mkdir()
        shared = [str(Path(tempfile.gettempdir()).resolve())]
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--uts", "--ipc"]
        command += ["--net"] if own_network else []
        command += ["--kill-child=KILL", "--propagation", "private", "sh", "-c", KEEPER]
        self._keeper = subprocess.Popen(
            [*command, "keeper", str(root), name, str(work), *shared],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._keeper.stdout is not None
        assert self._keeper.stderr is not None
        line = self._keeper.stdout.readline()
        if not line:
            raise RuntimeError(f"no namespaces for {name} (root is needed): {self._keeper.stderr.read()}")
        self.pid = int(line)
        self._network = concurrent.futures.ThreadPoolExecutor(1, f"net-{name}", self._enter_network)
        self._servers: list[subprocess.Popen[bytes]] = []

    def enter(self, command: Sequence[str]) -> list[str]:
        """The words that run a command inside, as root, in `/`."""
        namespaces = ["--net", "--mount", "--pid", "--uts", "--ipc", "--root", "--wd"]
        return ["nsenter", "--target", str(self.pid), *namespaces, "--", *command]

    def run(self, *command: str, stdin: bytes = b"") -> bytes:
        """Runs a command inside to its end and returns what it wrote. Raises CommandFailed."""
        done = subprocess.run(
            self.enter(command), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd="/"
        )
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.decode(errors='replace')[-1000:]}")
        return done.stdout

    def start(self, *command: str, log: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Starts a server inside; what it writes is appended to the named file in `folder`."""
        with (self.folder / log).open("ab") as sink:
            server = subprocess.Popen(
                self.enter(command), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env={**os.environ, **(env or {})}
            )
        self._servers.append(server)
        return server

    def signal(self, pid_file: str, name: str) -> None:
        """Signals (`TERM`, `KILL`) the process whose id, as counted inside, a file inside holds. Raises CommandFailed."""
        self.run("busybox", "kill", f"-{name}", self.run("cat", pid_file).decode().strip())

    def connect(self, port: int, host: str = "127.0.0.1", timeout: float = 60.0) -> socket.socket:
        """A TCP connection made inside, usable by any thread outside. Raises OSError."""
        return self.call(socket.create_connection, (host, port), timeout)

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What a function returns that runs in the network of the inside: its sockets and the processes that it starts are there.
        It must not use `connect` or `call` itself."""
        return self._network.submit(function, *arguments).result()

    def path(self, inside: str | Path) -> Path:
        """Where a path of the inside is found from outside, while the space lives."""
        return Path(f"/proc/{self.pid}/root/{str(inside).lstrip('/')}")

    def close(self) -> None:
        """Ends every process inside at once, hard; then removes the folder. May be called twice."""
        self._network.shutdown()
        if self._keeper.poll() is None:
            os.kill(self.pid, signal.SIGKILL)  # the kernel ends the rest, and only then is the keeper told
        self._keeper.communicate()
        for server in self._servers:
            server.wait(60)
        _remove(self.folder)
        self._lock.close()

    def _enter_network(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/{self.pid}/ns/net").open() as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


def wait_until(reached: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Returns as soon as `reached()` is true; raises TimeoutError naming `what` otherwise."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


def _claimed_folder(name: str) -> tuple[Path, IO[str]]:
    """A new folder and the lock that says it is in use; folders whose owner has died are removed on the way."""
    base = Path(tempfile.gettempdir()).resolve() / "homelabhub-tests"
    base.mkdir(exist_ok=True)
    with (base / ".lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        for stale in base.iterdir():
            if stale.is_dir():
                with contextlib.suppress(BlockingIOError), (stale / "lock").open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(stale)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
        folder.chmod(0o755)
        held = (folder / "lock").open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
    return folder, held


def _cgroup_of(folder: Path) -> str:
    return f"/homelabhub-{folder.name}"


def _remove(folder: Path) -> None:
    """Removes a space's folder and its control groups, innermost first, under every controller."""
    name = _cgroup_of(folder).lstrip("/")
    for top in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")):
        for group in sorted((each for each in top.rglob("*") if each.is_dir()), reverse=True):
            _remove_cgroup(group)
        if top.is_dir():
            _remove_cgroup(top)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_cgroup(group: Path) -> None:
    def gone() -> bool:
        with contextlib.suppress(OSError):  # busy for an instant after its last process was killed
            group.rmdir()
        return not group.exists()

    wait_until(gone, f"control group {group} to empty")
