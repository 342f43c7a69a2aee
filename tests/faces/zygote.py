"""A process that has loaded the whole `homelab` command and runs it in forks of itself: the same code, loaded only once.

What depends on loading (cold start, signals, the entry point) is tested with the real binary."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

_LARGEST = 1 << 20
_SECONDS = 240.0


class Zygote:
    """The process, from the side of the tests."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        command = [sys.executable, "-m", "tests.faces.zygote", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        ours.settimeout(_SECONDS)
        self._socket = ours

    def run(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[IO[bytes]]) -> int:
        """Run one command with its three streams; its exit code."""
        request = json.dumps({"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}).encode()
        socket.send_fds(self._socket, [request], [stream.fileno() for stream in streams])
        return int(self._socket.recv(64))

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.wait()


@cache
def zygote() -> Zygote:
    """The one of this test process."""
    made = Zygote()
    atexit.register(made.close)
    return made


def _serve(descriptor: int) -> None:
    import controller.cli.begin
    import controller.cli.own_house
    import controller.cli.running_house
    import controller.wire  # noqa: F401 (loaded for the forks)

    with socket.socket(fileno=descriptor) as asked:
        while True:
            request, descriptors, _, _ = socket.recv_fds(asked, _LARGEST, 3)
            if not request:
                return
            child = os.fork()
            if child == 0:
                _become(json.loads(request), descriptors)
            for each in descriptors:
                os.close(each)
            _, status = os.waitpid(child, 0)
            asked.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: Mapping[str, object], descriptors: Sequence[int]) -> None:
    """In the fork: take the streams, folder and environment of the request, and run the command."""
    from controller.cli.main import main

    code = 1
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.environ.clear()
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        time.tzset()
        os.chdir(str(request["folder"]))
        code = main(request["arguments"])  # type: ignore[arg-type]
    except BaseException:  # noqa: BLE001 (told like the interpreter tells it)
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
