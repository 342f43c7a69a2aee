"""The system's clock."""

from __future__ import annotations

from threading import Event

import pytest

from controller.clients.clock import SystemClock


def test_time_goes_on() -> None:
    clock = SystemClock()
    assert clock.now() > 1_700_000_000, "seconds since the epoch"
    first = clock.monotonic()
    assert clock.monotonic() >= first


@pytest.mark.parametrize(
    ("seconds", "set_", "reason"),
    [
        (0.0, False, "no wait"),
        (-5.0, False, "the time is already over"),
        (-5.0, True, "over, but set"),
        (float("inf"), True, "for ever, but set"),
        (1e300, True, "longer than the system can count"),
    ],
)
def test_a_wait_says_whether_the_flag_is_set(seconds: float, set_: bool, reason: str) -> None:
    flag = Event()
    if set_:
        flag.set()
    assert SystemClock().wait(flag, seconds) is set_, reason
    assert SystemClock().until(flag, SystemClock().monotonic() + seconds) is set_, reason
