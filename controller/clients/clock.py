"""The system's clock."""

from __future__ import annotations

import time
from threading import TIMEOUT_MAX, Event


class SystemClock:
    """`core.ports.Clock` over the operating system."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, flag: Event, seconds: float) -> bool:
        return flag.wait(min(max(seconds, 0.0), TIMEOUT_MAX))

    def until(self, done: Event, at: float) -> bool:
        return self.wait(done, at - self.monotonic())
