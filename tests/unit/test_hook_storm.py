"""Hooks without end: whoever caught a signed one may send it again, under any delivery id, as often as they like."""

from __future__ import annotations

from threading import Event as Flag

from controller.core.document import Revision
from controller.loop.queue import Queue
from controller.loop.triggers import BREATH, POLL, Commits
from tests.support.clock import HandClock
from tests.support.house import Book


class Storm(HandClock):
    """Time in which hooks come while anybody waits, and which ends after a minute."""

    commits: Commits

    def wait(self, flag: Flag, seconds: float) -> bool:
        self.commits.kick()
        if not flag.is_set():
            self.advance(seconds)
        if self.monotonic() >= POLL:
            self.commits.stop()
        return flag.is_set()


class Remote(Book):
    """A repository that counts how often it is asked."""

    fetches = 0

    def fetch(self) -> None:
        self.fetches += 1

    def head(self) -> Revision:
        return Revision("f" * 40)


def test_a13_a_storm_of_hooks_asks_the_git_server_once_a_second() -> None:
    clock, source = Storm(), Remote()
    queue = Queue(clock)
    clock.commits = Commits(source, queue, lambda _event: None, clock, jitter=lambda: 0.5)
    clock.commits._poll()
    assert source.fetches == POLL / BREATH
    assert queue.take() is not None
    assert queue.take() is None, "and the branch has moved only once"
