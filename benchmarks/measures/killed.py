"""A container that somebody kills by hand runs again: from its death to its start, against the bare start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from benchmarks.home import Home
from benchmarks.raw import Raw, Stream
from benchmarks.stage import Stage
from benchmarks.timing import Row, interleaved

GOAL = 0.1
_COUNT, _NAME = 100, "s00001"


def measure(stage: Stage) -> Iterator[Row]:
    """Through the running controller; its engine would not start a killed container again by itself."""
    _, home, _ = stage.fleet(_COUNT)
    raw = Raw(stage.ours.socket)
    with closing(Stream(stage.ours.socket)) as stream:
        with home.controller():
            _settle(home)
            ours = interleaved({"ours": lambda: _killed(raw, stream)}, stage.rounds(12, 4))["ours"]
        floor = interleaved({"floor": lambda: _started(raw, stream)}, stage.rounds(12, 4))["floor"]
    over = ours.median - floor.median
    note = f"over the bare start: {over * 1000:.0f} ms on {stage.version}; Compose would not notice"
    name = "killed by hand → running again"
    yield Row(name, stage.version, ours, "≤ 0.1 s over the bare start", over <= GOAL, floor, note=note)


def _settle(home: Home) -> None:
    time.sleep(2.0)
    if any(each["sync"] != "Synced" for each in home.status()["items"]):
        raise RuntimeError("the fleet is not as declared")


def _killed(raw: Raw, stream: Stream) -> float:
    mark = stream.mark()
    raw.kill(_NAME)
    died = stream.wait(mark, lambda each: each.action == "die" and each.name == _NAME).at
    again = stream.wait(mark, lambda each: each.action == "start" and each.name == _NAME).at
    time.sleep(2.5)
    return again - died


def _started(raw: Raw, stream: Stream) -> float:
    mark = stream.mark()
    raw.kill(_NAME)
    stream.wait(mark, lambda each: each.action == "die" and each.name == _NAME)
    time.sleep(0.2)
    began = time.monotonic()
    raw.start(_NAME)
    return stream.wait(mark, lambda each: each.action == "start" and each.name == _NAME).at - began
