"""An engine's socket on another machine, brought here by OpenSSH (one process per host; no shell on the far side)."""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from urllib.parse import urlsplit

from controller.clients import child
from controller.settings import surroundings

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+@)?[A-Za-z0-9][A-Za-z0-9_.:-]*")
_FAR_SOCKET = "/var/run/docker.sock"
_STEPS, _STEP = 200, 0.1


class Tunnel:
    """A forwarded socket. `socket` is where it appears here; `open` starts or restarts ssh, which must be able to log in without
    asking (key or agent, known host; `config` is a file for `ssh -F`). Of `environment` ssh gets what every child gets. Raises
    OSError when it cannot."""

    def __init__(self, url: str, config: str = "", environment: Mapping[str, str] | None = None) -> None:
        self._config = config
        self._environment = surroundings() if environment is None else environment
        self._target, self._port, self._far = self.check(url)
        self._lock = Lock()
        self._folder: Path | None = None
        self._process: child.Child | None = None
        self.socket = ""
        self._place()

    @staticmethod
    def check(url: str) -> tuple[str, int | None, str]:
        """Login target, port and far socket of a URL. Raises ValueError."""
        parts = urlsplit(url)
        target = f"{parts.username}@{parts.hostname}" if parts.username else parts.hostname or ""
        # A host that starts with a dash would be an option of ssh, one with a colon would end the forwarding early.
        if parts.password or not _HOST.fullmatch(target) or ":" in parts.path:
            raise ValueError(f"{url!r} is not ssh://[user@]host[:port][/path/of/the/socket]")
        return target, parts.port, parts.path if parts.path != "/" and parts.path else _FAR_SOCKET

    @property
    def alive(self) -> bool:
        """True while ssh runs."""
        return self._process is not None and self._process.poll() is None

    def open(self) -> None:
        """Make the socket usable."""
        with self._lock:
            if self.alive:
                return
            log = self._place() / "ssh.log"
            command = ["ssh", "-nNT", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes"]
            command += ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-L", f"{self.socket}:{self._far}"]
            command += ["-p", str(self._port)] if self._port else []
            command += ["-F", self._config] if self._config else []
            with log.open("wb") as sink:
                self._process = child.start([*command, "--", self._target], sink, self._environment)
            self._wait(log)

    def close(self) -> None:
        """End ssh and remove the socket."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()
                self._process = None
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _place(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(self.socket).parent if self.socket else Path(tempfile.mkdtemp(prefix="homelab-ssh-"))
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self.socket = str(self._folder / "docker.sock")
        return self._folder

    def _wait(self, log: Path) -> None:
        pause = Flag()
        for _ in range(_STEPS):
            if not self.alive:
                said = log.read_text(errors="replace").strip()[-256:]
                raise OSError(f"ssh to {self._target} ended: {said}")
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(self.socket) == 0:
                    return
            pause.wait(_STEP)
        raise OSError(f"ssh to {self._target} did not bring the socket within {_STEPS * _STEP:.0f} s")
