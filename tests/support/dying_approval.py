"""An approval that dies: `python -m tests.support.dying_approval FOLDER BOUNDARY`.

Approves proposal p1 of the house in the folder, and is killed with SIGKILL at its BOUNDARY-th boundary (0 = at none): before and
after everything that it writes. Prints the number of boundaries when it survives."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.clients.clock import SystemClock
from controller.clients.memory import MemoryWorld
from controller.core.proposal import Author
from controller.source import GitSource
from controller.store.sql import SqlStore
from tests.contract.source_repository import Repository
from tests.support.proposing import ProposingHouse


def house_in(folder: Path) -> ProposingHouse:
    """The house whose repository, world and store are in a folder."""
    clock = SystemClock()
    return ProposingHouse(
        Repository(folder / "home", make=not (folder / "home").exists()),
        world=MemoryWorld(clock, folder / "world.json"),
        store=SqlStore(f"sqlite:///{folder / 'state.db'}", clock),
        clock=clock,
    )


class _Reaper:
    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def boundary(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, holder: object, name: str) -> None:
        write: Callable[..., Any] = getattr(holder, name)

        def guarded(*args: Any, **rest: Any) -> Any:
            self.boundary()
            result = write(*args, **rest)
            self.boundary()
            return result

        object.__setattr__(holder, name, guarded)


def main(folder: Path, boundary: int) -> None:
    """Approve, and die on the way."""
    house = house_in(folder)
    reaper = _Reaper(boundary)
    assert isinstance(house.source, GitSource)
    for holder, names in (
        (house.store.proposals, ["put"]),
        (house.store, ["approve"]),
        (house.source.branches, ["merge", "drop"]),
    ):
        for name in names:
            reaper.around(holder, name)
    shown = house.propose.show("p1")
    house.review.approve("p1", shown.proposal.tip, shown.digests, Author("Ada"))
    sys.stdout.write(f"{reaper.count}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
