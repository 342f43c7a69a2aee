"""Who listens on a port of this machine. Two Caddys on one port get no error from the kernel: each serves some requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_TABLES = ("tcp", "tcp6")
_LISTENING = "0A"


def doubled(ports: Collection[int], proc: Path = Path("/proc/self/net")) -> list[int]:
    """Those of the ports on which more than one socket of this network listens at the same address; none where that cannot be
    told. A server that takes over its own port shows two for an instant: look twice before you believe it."""
    found: Counter[tuple[str, int]] = Counter()
    for table in _TABLES:
        with suppress(OSError), (proc / table).open() as lines:
            next(lines, None)
            for line in lines:
                fields = line.split(maxsplit=4)
                if fields[3] == _LISTENING:
                    address, _, port = fields[1].rpartition(":")
                    if int(port, 16) in ports:
                        found[address, int(port, 16)] += 1
    return sorted({port for (_, port), count in found.items() if count > 1})
