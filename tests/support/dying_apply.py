"""A controller's one pass that dies: `python -m tests.support.dying_apply BOUNDARY SECONDS [KIND]`.

Killed with SIGKILL at its BOUNDARY-th journal boundary (0 = at none), or SECONDS after its first journal write (0 = never). With
a KIND, only the boundaries of entries about that kind count: 1 is just before the first is written.
Prints the number of boundaries when it survives."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from controller.core.run import Entry
from controller.settings import read_settings
from controller.wire import open_house


class Reaper:
    """Counts journal boundaries and kills the process at one of them."""

    def __init__(self, at: int, seconds: float, kind: str = "") -> None:
        self._at = at
        self._seconds = seconds
        self._kind = kind
        self._lock = threading.Lock()
        self.boundaries = 0

    def around(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The write between two boundaries."""

        def guarded(*args: Any, **rest: Any) -> Any:
            if self._kind and not (isinstance(args[0], Entry) and args[0].change.key.kind == self._kind):
                return write(*args, **rest)
            self.boundary()
            result = write(*args, **rest)
            self.boundary()
            return result

        return guarded

    def boundary(self) -> None:
        """One place to die."""
        with self._lock:
            self.boundaries += 1
            if self.boundaries == 1 and self._seconds:
                threading.Timer(self._seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            if self.boundaries == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """One pass under the reaper."""
    reaper = Reaper(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
    with open_house(read_settings(), write=True) as house:
        for name in ("record", "save", "put", "quarantine"):
            setattr(house.store, name, reaper.around(getattr(house.store, name)))
        house.reconciler.reconcile("test", "tester")
    if reaper._seconds:
        time.sleep(reaper._seconds)  # the timer ends it: surviving the pass is one of the instants
    sys.stdout.write(f"{reaper.boundaries}\n")


if __name__ == "__main__":
    main()
