"""Lanes: the bounded sets of threads in which synchronous work is done, so that slow work never stands in the way of quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TypeVar

from controller.web.problem import Problem

T = TypeVar("T")


class Lane(StrEnum):
    """QUICK reads folded snapshots and the store; SLOW looks at backends (plan, approve); WAITING waits for a whole pass;
    WATCH waits for events, for all listeners together; PASSWORD computes what is costly on purpose."""

    QUICK = "quick"
    SLOW = "slow"
    WAITING = "waiting"
    WATCH = "watch"
    PASSWORD = "password"  # noqa: S105 (a lane)


_SIZES = {Lane.QUICK: (8, 512), Lane.SLOW: (2, 16), Lane.WAITING: (8, 0), Lane.WATCH: (1, 0), Lane.PASSWORD: (2, 62)}


class Lanes:
    """Threads per lane and how many calls may stand in line; who finds it full is told to come again."""

    def __init__(self) -> None:
        self._pools = {lane: ThreadPoolExecutor(threads, f"web-{lane}") for lane, (threads, _) in _SIZES.items()}
        self._inside = dict.fromkeys(_SIZES, 0)

    async def run(self, lane: Lane, work: Callable[[], T]) -> T:
        """Do synchronous work in a thread. Raises Problem when the lane is full."""
        if self._inside[lane] >= sum(_SIZES[lane]):
            raise Problem(503, "busy", "too many requests of this kind are under way", {"Retry-After": "2"})
        self._inside[lane] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pools[lane], work)
        finally:
            self._inside[lane] -= 1

    def close(self) -> None:
        """Let go of the threads; what is under way ends by itself."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
