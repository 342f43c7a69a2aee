"""A port of the machine's loopback that leads to a port inside a `Space`, kept by a process of its own.

Unlike `remote.forward` it takes no time of the test process. The listening socket stays in the network in which it was made; what
is made after `setns` is in the network of the inside."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path

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

    def close(self) -> None:
        """End it: the port refuses connections from now on. May be called twice."""
        self._process.kill()
        self._process.wait(60)


async def _serve(listener: socket.socket, inside: int) -> None:
    async def lead(near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            far, ask = await asyncio.open_connection("127.0.0.1", inside)
        except OSError:
            answer.transport.abort()
            return
        await asyncio.gather(_pump(near, ask), _pump(far, answer))
        for writer in (ask, answer):
            writer.close()

    server = await asyncio.start_server(lead, sock=listener)
    await server.serve_forever()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while block := await source.read(262_144):
            sink.write(block)
            await sink.drain()
        sink.write_eof()
    except OSError:
        with contextlib.suppress(OSError):
            sink.transport.abort()


def main(fd: int, pid: int, inside: int) -> None:
    listener = socket.socket(fileno=fd)
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    asyncio.run(_serve(listener, inside))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
