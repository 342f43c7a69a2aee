"""Charts: days as columns, laid out on the server. What a piece stands for shows in its shape; its colour only repeats that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controller.usecases.history_days import DayRuns, HistoryDays
from controller.usecases.uptime import DayUptime, UptimeLine, UptimeView

HIGH = 40.0
_LEAST = 3.0
"""How high the smallest number is that is not nothing."""
_SPANS = ((1, "s", 120), (60, "min", 7200), (3600, "h", 172_800))


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle of a column; `kind` is its class."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """What is drawn of one day, and says when a pointer rests on it."""

    says: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns from left to right. `says` is all of it in a sentence, for who does not see it."""

    says: str
    columns: tuple[Column, ...]
    width: float
    high: float = HIGH


_UPTIME: Mapping[str, tuple[tuple[float, float], ...]] = {
    "good": ((0.0, HIGH),),
    "degraded": ((0.0, 10.0), (16.0, HIGH - 16.0)),
    "down": ((HIGH - 12.0, 12.0),),
    "unseen": ((HIGH - 3.0, 3.0),),
}
"""Top and height of the pieces of a day: whole, broken, short, and a line on the ground."""
_CLASSES = {"unseen": "blank"}
"""Where the word of a day is already the class of something else."""
WORDS = {"good": "good", "degraded": "degraded", "down": "down", "unseen": "not looked at"}
_STEP, _BAR = 4.0, 3.0
_RUN_STEP, _RUN_BAR = 12.0, 10.0
RUNS = {"applied": "applied", "back": "rolled back", "failed": "failed", "other": "other"}


def uptime_chart(found: UptimeView) -> Chart:
    """A column per day, by its word. Pure."""
    columns = (Column(f"{day.date}: {_uptime_says(day)}", _upright(day.stands, at)) for at, day in enumerate(found.days))
    return Chart(uptime_says(found.percent, [day.stands for day in found.days]), tuple(columns), _STEP * len(found.days))


def uptime_strip(line: UptimeLine) -> Chart:
    """The same of one among many: nothing is told of single days. Pure."""
    columns = (Column("", _upright(word, at)) for at, word in enumerate(line.days))
    return Chart(uptime_says(line.percent, line.days), tuple(columns), _STEP * len(line.days))


def uptime_signs() -> Mapping[str, Chart]:
    """One day of each word, for the legend. Pure."""
    return {text: Chart("", (Column("", _upright(word, 0)),), _BAR) for word, text in WORDS.items()}


def uptime_says(percent: float | None, words: Sequence[str]) -> str:
    """Days in a sentence. Pure."""
    if percent is None:
        return f"Nobody looked at it in {len(words)} days."
    rest = ", ".join(f"{WORDS[word]} on {words.count(word)}" for word in ("down", "degraded", "unseen") if word in words)
    return f"{percent:.2f} % of the observed time in {len(words)} days it was good{f'; {rest}' if rest else ''}."


def runs_chart(found: HistoryDays) -> Chart:
    """A column per day, as high as runs were made, in pieces by how they ended. Pure."""
    most = max(day.runs for day in found.days)
    columns = tuple(Column(f"{day.date}: {_runs_say(day)}", tuple(_stacked(day, at, most))) for at, day in enumerate(found.days))
    return Chart(f"{_runs_say(found.whole)} in {len(found.days)} days; at most {most} on a day.", columns, _wide(found))


def took_chart(found: HistoryDays) -> Chart | None:
    """How long applying took: half of the runs of a day at most as long as its block, none longer than its line. None where
    nothing was applied. Pure."""
    whole = found.whole
    if whole.median is None or whole.longest is None:
        return None
    scale = HIGH / max(whole.longest, 0.1)
    columns = tuple(Column(f"{day.date}: {_took_says(day)}", _took(day, at, scale)) for at, day in enumerate(found.days))
    return Chart(f"{_took_says(whole)} in {len(found.days)} days.", columns, _wide(found))


def run_signs() -> Mapping[str, Chart]:
    """One piece of each kind, for the legend. Pure."""
    return {text: Chart("", (Column("", (_shaped(kind, 0, 0.0, HIGH),)),), _RUN_BAR) for kind, text in RUNS.items()}


def span(seconds: float) -> str:
    """A span of time as people say it: `0.4 s`, `3 min`, `2 h`, `5 d`; `–` for none."""
    if not seconds:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return next((f"{seconds / size:.0f} {unit}" for size, unit, below in _SPANS if seconds < below), f"{seconds / 86_400:.0f} d")


def _upright(word: str, at: int) -> tuple[Piece, ...]:
    return tuple(Piece(_CLASSES.get(word, word), at * _STEP, top, _BAR, height) for top, height in _UPTIME[word])


def _uptime_says(day: DayUptime) -> str:
    parts = ((day.down, "down"), (day.degraded, "degraded"), (day.unseen, "not looked at"))
    return ", ".join(f"{text} {span(seconds)}" for seconds, text in parts if seconds >= 0.05) or "good"


def _wide(found: HistoryDays) -> float:
    return _RUN_STEP * len(found.days)


def _stacked(day: DayRuns, at: int, most: int) -> Iterator[Piece]:
    # What went wrong stands on the ground: there it is seen beside days of any height.
    counts = (("failed", day.failed), ("back", day.rolled_back), ("other", day.other), ("applied", day.applied))
    left, unit = HIGH, HIGH / most if most else 0.0
    for kind, count in counts:
        if count:
            height = min(max(count * unit, _LEAST), left)
            left -= height
            yield _shaped(kind, at, left, height)


def _shaped(kind: str, at: int, top: float, height: float) -> Piece:
    """A piece with the width of its kind: whole, whole but hollow, half, a line."""
    width = {"failed": _RUN_BAR / 2, "other": _RUN_BAR / 5}.get(kind, _RUN_BAR)
    return Piece(kind, round(at * _RUN_STEP + (_RUN_BAR - width) / 2, 2), round(top, 2), width, round(max(height - 1, 1.0), 2))


def _runs_say(day: DayRuns) -> str:
    parts = ((day.applied, "applied"), (day.rolled_back, "rolled back"), (day.failed, "failed"), (day.other, "other"))
    told = ", ".join(f"{count} {text}" for count, text in parts if count)
    return f"{day.runs} run{'' if day.runs == 1 else 's'}" + (f": {told}" if told else "")


def _took(day: DayRuns, at: int, scale: float) -> tuple[Piece, ...]:
    if day.median is None or day.longest is None:
        return ()
    usual, longest = max(day.median * scale, _LEAST), max(day.longest * scale, _LEAST)
    middle, line = at * _RUN_STEP + _RUN_BAR * 0.4, _RUN_BAR / 5
    return (
        Piece("longest", round(middle, 2), round(HIGH - longest, 2), line, round(longest, 2)),
        Piece("usual", at * _RUN_STEP, round(HIGH - usual, 2), _RUN_BAR, round(usual, 2)),
    )


def _took_says(day: DayRuns) -> str:
    if day.median is None or day.longest is None:
        return "nothing was applied"
    return f"applying usually took {span(day.median)}, at most {span(day.longest)}"
