"""Ports of loopback for servers of tests, in all test processes of the machine."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from random import SystemRandom

_CLAIMED: list[int] = []
"""Descriptors of the locks on our ports; the kernel drops them with the process."""


def free_port() -> int:
    """A port of loopback that nobody uses, and that stays ours while this process lives: a server that serves nothing leaves it,
    and two Caddys that listen on one get no error. None of those that the kernel gives to clients."""
    folder = Path(tempfile.gettempdir()) / "homelabhub-ports"
    folder.mkdir(exist_ok=True)
    while True:
        port = SystemRandom().randrange(10_240, 32_000)
        claim = os.open(folder / str(port), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
        except OSError:
            os.close(claim)
        else:
            _CLAIMED.append(claim)
            return port
