"""A watch that ends or breaks is started again, with growing pauses; it is told once that it broke and once that it works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event as Flag

import pytest

from controller.core.errors import Transient
from controller.core.key import Key
from controller.loop.watcher import LONGEST, STOOD, Watcher
from tests.support.clock import HandClock

Moved = Callable[[Key | None], None]


class Scripted:
    """A provider whose watches do one thing after the other: seconds that they stand before they break, or an error at once. When
    the script is over, so is the test."""

    def __init__(self, clock: HandClock, script: Sequence[float | Exception | None]) -> None:
        self.clock = clock
        self.script = list(script)
        self.began: list[float] = []
        self.over: Callable[[], None] = lambda: None

    def watch(self, moved: Moved, stop: Flag) -> None:
        self.began.append(self.clock.monotonic())
        step = self.script.pop(0)
        if not self.script:
            self.over()
        if isinstance(step, Exception):
            raise step
        if step is not None:
            self.clock.advance(step)
            raise Transient("the connection broke")


def watched(script: Sequence[float | Exception | None]) -> tuple[Scripted, list[Key | None], Watcher]:
    clock = HandClock()
    provider, moved = Scripted(clock, script), list[Key | None]()
    watcher = Watcher("watch", provider, clock, moved.append)
    provider.over = watcher.stop
    watcher.run()
    return provider, moved, watcher


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (None, "it ends by itself although nobody asked it to"),
        (Transient("broken"), "it raises what it may raise elsewhere"),
        (ZeroDivisionError("a mistake"), "it has a mistake in it"),
    ],
)
def test_a_watch_that_ends_is_started_again_with_growing_pauses(step: Exception | None, reason: str) -> None:
    provider, moved, _ = watched([step] * 12)
    pauses = [later - earlier for earlier, later in zip(provider.began, provider.began[1:], strict=False)]
    for number, pause in enumerate(pauses):
        middle = 2.0**number
        assert min(0.8 * middle, LONGEST) - 0.001 <= pause <= min(1.2 * middle, LONGEST) + 0.001, reason
    assert moved == [None] * 11, "what was not told meanwhile is looked for"


def test_a_watch_that_stood_for_a_while_is_started_again_soon() -> None:
    provider, _, _ = watched([0.0, 0.0, 0.0, STOOD + 90, 0.0, 0.0])
    assert provider.began[4] - provider.began[3] <= STOOD + 90 + 1.2


def test_one_break_is_no_silence_and_two_in_a_row_are_until_it_stood() -> None:
    clock = HandClock()
    seen: list[str] = []

    class Provider:
        def watch(self, _moved: Moved, _stop: Flag) -> None:
            seen.append(watcher.silence())
            if len(seen) == 4:
                clock.advance(STOOD + 1)
                seen.append(watcher.silence())
                watcher.stop()
            raise Transient("no events here")

    watcher = Watcher("watch", Provider(), clock, lambda _key: None)
    watcher.run()
    assert seen == ["", "", "no events here", "no events here", ""]


def test_what_failed_while_the_backend_was_away_does_not_count_and_its_return_ends_the_pause() -> None:
    clock = HandClock()
    seen: list[str] = []

    class Provider:
        def watch(self, _moved: Moved, _stop: Flag) -> None:
            watcher.excuse()
            seen.append(watcher.silence())
            if len(seen) == 9:
                watcher.stop()
            raise Transient("it is away")

    watcher = Watcher("watch", Provider(), clock, lambda _key: None)
    watcher.run()
    assert seen == [""] * 9
    began = clock.monotonic()

    class Back:
        tries = 0

        def watch(self, _moved: Moved, _stop: Flag) -> None:
            self.tries += 1
            if self.tries == 6:
                second.stop()
            raise Transient("it is away")

    second = Watcher("watch", Back(), clock, lambda _key: second.hurry())
    second.run()
    assert clock.monotonic() == began, "no pause was waited for"
