"""A port of the machine's loopback that leads to a port inside a `Space`, kept by a process of its own.

Unlike `remote.forward` it takes no time of the test process. The listening socket stays in the network in which it was made; what
is made after `setns` is in the network of the inside."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, cast

CLONE_NEWNET = 0x40000000


class Relay:
    """Leads `127.0.0.1:port` of the machine to `127.0.0.1:inside` of the network of a process. Ends with the thread that made it.

    A connection that nobody takes inside is reset."""

    def __init__(self, port: int, pid: int, inside: int) -> None:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
            fd = listener.fileno()
            words = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-I", __file__, str(fd), str(pid), str(inside)]
            self._process = subprocess.Popen(words, pass_fds=[fd], stdin=subprocess.DEVNULL)

    def hold(self) -> None:
        """Let nothing through: connections stand, and what is sent waits."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let through what waits, and what comes."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it: the port refuses connections from now on. May be called twice."""
        self._process.kill()
        self._process.wait(60)


class _End(asyncio.Protocol):
    """One end of a connection: what comes in here goes out at the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.other: _End = self
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        if self.other.has_ended:
            return False
        self.other.transport.write_eof()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, problem: Exception | None) -> None:
        if problem:
            self.other.transport.abort()
        else:
            self.other.transport.close()


class _Near(_End):
    """The end of who connects."""

    leading: ClassVar[set[asyncio.Task[None]]] = set()

    def __init__(self, inside: int) -> None:
        super().__init__()
        self._inside = inside

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        task = asyncio.create_task(self._lead())
        self.leading.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self.leading.discard)

    async def _lead(self) -> None:
        try:
            _, far = await asyncio.get_running_loop().create_connection(_End, "127.0.0.1", self._inside)
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            far.transport.abort()
            return
        self.other, far.other = far, self
        self.transport.resume_reading()


async def _serve(listener: socket.socket, inside: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Near(inside), sock=listener)
    await server.serve_forever()


def main(fd: int, pid: int, inside: int) -> None:
    listener = socket.socket(fileno=fd)
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    asyncio.run(_serve(listener, inside))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
