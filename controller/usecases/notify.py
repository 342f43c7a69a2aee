"""What one recipient is told: a condition at once when it begins, again while it lasts, its recovery once. Pure: what was told is
data that survives a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.core.errors import Severity
from controller.core.notice import HOUR, Message, Recipient, Topic
from controller.core.policy import Window
from controller.engine.clock_time import clock_time
from controller.engine.judge import inside
from controller.usecases.notify_scene import End, Happening, Id, Scene, severity_of

LINES = 20
"""Lines of one message; what is beyond is counted."""
_REMEMBERED = 1000
"""Happenings that one recipient is known to have heard of."""
_LATE = 120.0
"""Seconds after which a line says when it was."""
_WELL = {
    Topic.DRIFT: "is as declared",
    Topic.FAILED: "is well",
    Topic.CERTIFICATE: "is valid",
    Topic.BACKEND_DOWN: "answers",
}
"""Topics whose end is a recovery, and what is said of it."""
_TITLES = {
    Topic.DRIFT: "drift",
    Topic.HELD: "a person must decide",
    Topic.APPLIED: "applied",
    Topic.ROLLED_BACK: "rolled back",
    Topic.FAILED: "failed",
    Topic.CERTIFICATE: "certificate",
    Topic.BACKEND_DOWN: "does not answer",
    Topic.RECOVERED: "recovered",
    Topic.PROPOSAL: "proposal",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A condition or a happening that was told: when last, since when it lasts, how often it came since it was told."""

    at: float
    since: float
    text: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that waits to be sent: lines with the time of each, and how many more there were."""

    number: int
    topic: Topic
    lines: tuple[tuple[float, str], ...]
    more: int = 0

    def message(self, now: float, zone: str, house: str) -> Message:
        """What is sent. `house` says whose message it is."""
        count = len(self.lines) + self.more
        title = f"{house}: {_TITLES[self.topic]}" + (f" ({count})" if count > 1 else "")
        lines = [text if now - at < _LATE else f"{clock_time(at, now, zone)} {text}" for at, text in self.lines]
        if self.more:
            lines.append(f"and {self.more} more")
        return Message(self.topic, title, "\n".join(lines), severity_of(self.topic))


@dataclass(frozen=True, slots=True)
class Memory:
    """What one recipient knows and what is still to be sent, by topic and subject. `parcels` are in order; `numbered` is the
    highest number given."""

    told: Mapping[Id, Told] = field(default_factory=dict)
    heard: Mapping[Id, Told] = field(default_factory=dict)
    parcels: tuple[Parcel, ...] = ()
    numbered: int = 0

    def without(self, number: int) -> Memory:
        """The same after a parcel arrived."""
        return replace(self, parcels=tuple(parcel for parcel in self.parcels if parcel.number != number))


def memory_of(data: Any) -> Memory:
    """A memory from its JSON data (None = nothing is known); topics of another version are forgotten."""
    data = data or {}
    known = set(Topic)
    parcels = [
        Parcel(number, Topic(topic), tuple((at, text) for at, text in lines), more)
        for number, topic, lines, more in data.get("parcels", ())
        if topic in known
    ]
    return Memory(_read(data.get("told")), _read(data.get("heard")), tuple(parcels), data.get("numbered", 0))


def data_of(memory: Memory) -> dict[str, Any]:
    """A memory as JSON data."""
    return {
        "told": [[*one, item.at, item.since, item.text, item.more] for one, item in memory.told.items()],
        "heard": [[*one, item.at, item.since, item.text, item.more] for one, item in memory.heard.items()],
        "parcels": [[each.number, each.topic, [list(line) for line in each.lines], each.more] for each in memory.parcels],
        "numbered": memory.numbered,
    }


def _read(rows: Any) -> dict[Id, Told]:
    known = set(Topic)
    return {(Topic(topic), subject): Told(*rest) for topic, subject, *rest in rows or () if topic in known}


def decide(recipient: Recipient, memory: Memory, scene: Scene, now: float, under_way: int = 0) -> Memory:
    """What a recipient is to be told of a scene, put into parcels. The parcel with the number `under_way` is being sent and stays
    as it is."""
    return _Decision(recipient, memory, scene, now).made(under_way)


def quiet(recipient: Recipient, now: float) -> bool:
    """True while nothing may be sent to a recipient."""
    window: Window | None = recipient.quiet
    return window is not None and inside(window, now, recipient.zone)


class _Decision:
    """One recipient's share of one scene."""

    def __init__(self, recipient: Recipient, memory: Memory, scene: Scene, now: float) -> None:
        self._recipient, self._memory, self._scene, self._now = recipient, memory, scene, now
        self._told, self._heard = dict(memory.told), dict(memory.heard)
        self._quiet = quiet(recipient, now)
        self._lines: dict[Topic, list[str]] = {}

    def made(self, under_way: int) -> Memory:
        gone_back = {key for item in self._scene.happenings if self._wants(item.topic) for key in _undone(item)}
        for one, text in self._scene.conditions.items():
            if self._wants(one[0]):
                self._lasts(one, text, said_already=one[1] in gone_back)
        if not self._quiet:
            self._ends()
        for item in self._scene.happenings:
            if self._wants(item.topic) and not self._shows(item):
                self._happens(item)
        self._count_up()
        return self._packed(under_way)

    def _wants(self, topic: Topic) -> bool:
        return topic in self._recipient.topics

    def _lasts(self, one: Id, text: str, *, said_already: bool) -> None:
        known = self._told.get(one)
        if known is None:
            if self._quiet:
                return  # told after it, if it lasts
            self._told[one] = Told(self._now, self._now, text)
            if not said_already:
                self._say(one[0], text)
        elif self._due(known) and not self._quiet and not self._memory.parcels:
            self._told[one] = replace(known, at=self._now, text=text)
            self._say(one[0], f"{text} (for {_span(self._now - known.since)})")

    def _due(self, known: Told) -> bool:
        return self._recipient.repeat > 0 and self._now - known.at >= self._recipient.repeat

    def _ends(self) -> None:
        recovered: set[str] = set()
        for one, known in list(self._told.items()):
            if one in self._scene.conditions:
                continue
            end = self._scene.end_of(one)
            if end is End.UNSURE:
                continue
            del self._told[one]
            topic, subject = one
            if end is End.RECOVERED and topic in _WELL and self._wants(Topic.RECOVERED) and subject not in recovered:
                recovered.add(subject)
                self._say(Topic.RECOVERED, f"{subject} {_WELL[topic]} again (after {_span(self._now - known.since)})")

    def _shows(self, item: Happening) -> bool:
        """True for what a condition tells already: a repair of what is known to differ, a failure that lasts."""
        if item.topic is Topic.DRIFT:
            return any((item.topic, key) in self._memory.told for key in item.keys)
        if item.topic is Topic.FAILED:
            return any(one[0] is Topic.FAILED and one[1] in item.keys for one in self._scene.conditions)
        return False

    def _happens(self, item: Happening) -> None:
        one = (item.topic, item.subject)
        known = self._heard.get(one)
        if known is not None and self._now - known.at < HOUR:
            self._heard[one] = replace(known, text=item.text, more=known.more + 1)
            return
        self._heard[one] = Told(self._now, self._now, item.text)
        self._say(item.topic, item.text)

    def _count_up(self) -> None:
        """Tell what came again within the hour, and forget what did not."""
        for one, known in list(self._heard.items()):
            if self._now - known.at < HOUR or self._quiet:
                continue
            if not known.more:
                del self._heard[one]
                continue
            again = f" ({known.more} times)" if known.more > 1 else ""
            self._say(one[0], f"{known.text}{again}")
            self._heard[one] = Told(self._now, known.since, known.text)
        for one in list(self._heard)[:-_REMEMBERED]:
            del self._heard[one]

    def _say(self, topic: Topic, text: str) -> None:
        self._lines.setdefault(topic, []).append(text)

    def _packed(self, under_way: int) -> Memory:
        parcels, number = list(self._memory.parcels), self._memory.numbered
        for topic in sorted(self._lines, key=_weight):
            new = [(self._now, text) for text in self._lines[topic]]
            place = next((i for i, each in enumerate(parcels) if each.topic is topic and each.number != under_way), None)
            if place is None:
                number += 1
                parcels.append(_filled(Parcel(number, topic, ()), new))
            else:
                parcels[place] = _filled(parcels[place], new)
        return Memory(self._told, self._heard, tuple(parcels), number)


def _undone(item: Happening) -> frozenset[str]:
    return item.keys if item.topic is Topic.ROLLED_BACK else frozenset()


def _weight(topic: Topic) -> tuple[bool, bool, int]:
    """Bad news first, recoveries last."""
    return topic is Topic.RECOVERED, severity_of(topic) is not Severity.ERROR, list(Topic).index(topic)


def _filled(parcel: Parcel, new: list[tuple[float, str]]) -> Parcel:
    room = LINES - len(parcel.lines)
    return replace(parcel, lines=(*parcel.lines, *new[:room]), more=parcel.more + max(0, len(new) - room))


def _span(seconds: float) -> str:
    for size, unit, limit in ((60, "min", 7200), (3600, "h", 172_800)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
