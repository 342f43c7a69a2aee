"""What containers write, as an engine tells it: pieces of two outputs, or of one from a terminal."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from threading import Event as Flag

from controller.clients.docker.closer import Closer
from controller.clients.docker.door import Door
from controller.clients.docker.names import container_ref
from controller.core.errors import Transient

Piece = tuple[int, bytes]
"""Number of the output (0 = a terminal, 1 = standard output, 2 = standard error) and what came; it may end inside a line."""
_FRAME = 8
_STREAMS = (b"\0\0\0\0", b"\1\0\0\0", b"\2\0\0\0")


class Logs:
    """The logs of the containers of one engine; errors as in `Door`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def last(self, ref: str, lines: int, since: float = 0.0) -> list[Piece]:
        """The last lines of both outputs, not older than `since` (seconds since the epoch, 0 = however old)."""
        content = self._door.read(f"/containers/{container_ref(ref)}/logs", _wanted(lines, since))
        return list(frames([content], terminal=content[:4] not in _STREAMS))

    def follow(self, ref: str, lines: int | None, since: float, stop: Flag, *, terminal: bool) -> Iterator[Piece]:
        """The same (`lines` None = all), and then what it writes, until it ends or `stop` is set."""
        path = f"/containers/{container_ref(ref)}/logs"
        reply, content = self._door.flow(path, {**_wanted(lines, since), "follow": "1"})
        closer = Closer(reply)
        closer.watch(stop, f"logs-{self._door.name}")
        try:
            yield from frames(closer.read(content), terminal=terminal)
        except Transient:
            if not stop.is_set():
                raise
        finally:
            closer.close()


def _wanted(lines: int | None, since: float) -> dict[str, str]:
    tail = "all" if lines is None else str(lines)
    return {"stdout": "1", "stderr": "1", "tail": tail, **({"since": f"{since:.9f}"} if since else {})}


def frames(content: Iterable[bytes], *, terminal: bool) -> Iterator[Piece]:
    """A log reply in pieces: plain from a terminal, else in frames of a stream number and a length, however they were cut."""
    rest = b""
    for chunk in content:
        if terminal:
            yield 0, chunk
            continue
        rest += chunk
        while len(rest) >= _FRAME:
            (length,) = struct.unpack(">L", rest[4:_FRAME])
            if len(rest) < _FRAME + length:
                break
            yield rest[0], rest[_FRAME : _FRAME + length]
            rest = rest[_FRAME + length :]
