"""What moves in a watched folder before the watcher stands there."""

from __future__ import annotations

from pathlib import Path
from threading import Event as Flag

from controller.clients.clock import SystemClock
from controller.core.document import Revision
from controller.loop.queue import Queue
from controller.loop.triggers import Commits
from tests.support.house import Book


class Moving(Book):
    """A repository whose branch moves just before it is watched, without a file that changes afterwards."""

    def __init__(self) -> None:
        super().__init__({})
        self.moved = False
        self.seen, self.seen_moved = Flag(), Flag()

    def head(self) -> Revision:
        (self.seen_moved if self.moved else self.seen).set()
        return Revision(("b" if self.moved else "a") * 40)


def test_it_is_seen_as_soon_as_the_watcher_stands(tmp_path: Path) -> None:
    clock, source = SystemClock(), Moving()

    def paths() -> tuple[Path, ...]:
        assert source.seen.wait(60), "the first poll has looked"
        source.moved = True
        return (tmp_path,)

    commits = Commits(source, Queue(clock), lambda _event: None, clock, paths)
    commits.start()
    try:
        assert source.seen_moved.wait(30), "long before the next poll"
    finally:
        commits.stop()
