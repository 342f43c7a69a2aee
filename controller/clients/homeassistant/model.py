"""What is known of a home: its states, registries and helpers, kept current by what it tells. Pure; for many threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

Row = Mapping[str, Any]
STATE, HELPER, SERVICE = "state", "helper", "service"
REGISTRIES: Mapping[str, str] = {
    "entity": "entity_id",
    "device": "id",
    "area": "area_id",
    "floor": "floor_id",
    "label": "label_id",
}
"""The registries, and the field of a row that is its id."""
CONFIGURED: Mapping[str, str] = {"automation": "automation", "script": "script", "scene": "homeassistant"}
"""What has a stored configuration, and the platform of its entities in the entity registry."""
UNAVAILABLE = "unavailable"
_GAPS = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """The state of one entity. `changed_at` is when state or attributes last changed, `since` when the state itself did (seconds
    since the epoch). `context_id`, `user_id` and `parent_id` say what made the last change ("" = not told): a user, or
    (`parent_id`) an automation. They stay when the entity becomes unavailable."""

    entity_id: str
    state: str
    attributes: Mapping[str, Any]
    changed_at: float
    since: float
    context_id: str = ""
    user_id: str = ""
    parent_id: str = ""

    @property
    def restored(self) -> bool:
        """True while this is what was known before a restart: nothing stands behind it yet."""
        return self.attributes.get("restored") is True


@dataclass(frozen=True, slots=True)
class Happening:
    """Something moved. `kind`: state (id = entity id; its state or attributes), entity, device, area, floor, label (an entry of a
    registry came, went or changed), helper (`<type>.<id>`), automation, script, scene (the id of its configuration: it was loaded
    anew, came, went, or was switched on or off). An empty id = any of the kind."""

    kind: str
    id: str


def read_state(row: Row) -> Shown:
    """A state as Home Assistant sends it."""
    context = row.get("context") or {}
    return Shown(
        entity_id=row["entity_id"],
        state=row["state"],
        attributes=row.get("attributes") or {},
        changed_at=_seconds(row["last_updated"]),
        since=_seconds(row["last_changed"]),
        context_id=context.get("id") or "",
        user_id=context.get("user_id") or "",
        parent_id=context.get("parent_id") or "",
    )


@dataclass
class _Table:
    """Rows by id, as last read. The same objects as before where nothing changed."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    stale: bool = True
    used: bool = False

    def take(self, found: Mapping[str, Row]) -> None:
        kept = {name: old if (old := self.rows.get(name)) == row else row for name, row in found.items()}
        if kept != self.rows or list(kept) != list(self.rows):
            self.rows = kept
        self.stale = False


class Model:
    """A home as far as it was told. `took_*` is an answer to a question, `heard_*` an event: both must come in the order in which
    Home Assistant sent them. An answer contains every event that was sent before it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._live: dict[str, Shown] = {}
        self._said: dict[str, tuple[Row, Shown]] = {}
        """Each state as it was last read, which says faster than its parts that nothing changed."""
        self._states: Mapping[str, Shown] | None = {}
        self._following = False
        self._skipped: dict[str, tuple[Shown | None, ...]] = {}
        self._tables = {name: _Table() for name in (*REGISTRIES, SERVICE)}
        self._helpers: dict[str, Mapping[str, Row]] = {}
        self._told: set[str] = set()
        self._editions = dict.fromkeys(CONFIGURED, 0)
        self._index: tuple[Mapping[str, Row], Mapping[tuple[str, str], str]] = ({}, {})

    def states(self) -> Mapping[str, Shown]:
        """Every state by entity id; the same object while nothing moved."""
        with self._lock:
            if self._states is None:
                self._states = dict(self._live)
            return self._states

    def table(self, name: str) -> Mapping[str, Row] | None:
        """A registry by id, None when it must be read anew."""
        with self._lock:
            table = self._tables[name]
            table.used = True
            return None if table.stale else table.rows

    def used(self) -> Sequence[str]:
        """The registries that must be read anew, of those that somebody asked for since this was asked last."""
        with self._lock:
            found = [name for name, table in self._tables.items() if table.used and table.stale]
            for table in self._tables.values():
                table.used = False
            return found

    def helpers(self, kind: str) -> Mapping[str, Row] | None:
        """The helpers of a type by id, None when Home Assistant has no such type."""
        with self._lock:
            return self._helpers[kind] if kind in self._told else None

    def edition(self, kind: str) -> int:
        """A number that moves whenever a configuration of this kind may have."""
        with self._lock:
            return self._editions[kind]

    def entity_of(self, platform: str, unique_id: str) -> str:
        """The entity that an integration knows by an id, as the registry was last read; "" = none."""
        with self._lock:
            rows = self._tables["entity"].rows
            if self._index[0] is not rows:
                self._index = rows, {(row.get("platform", ""), str(row.get("unique_id"))): name for name, row in rows.items()}
            return self._index[1].get((platform, unique_id), "")

    def last(self, name: str) -> Mapping[str, Row]:
        """A registry as it was last read."""
        with self._lock:
            return self._tables[name].rows

    def begin(self) -> None:
        """A new conversation: what was seen before is only kept to be found again. Events count when all states were read."""
        with self._lock:
            self._following = False
            self._told.clear()
        self.doubt()

    def doubt(self) -> None:
        """Believe nothing of registries and configurations; whoever asks for this reads the states, too."""
        with self._lock:
            for table in self._tables.values():
                table.stale = True
            for kind in self._editions:
                self._editions[kind] += 1

    def touch(self, kind: str) -> None:
        """A configuration of this kind was written."""
        with self._lock:
            self._editions[kind] += 1

    def took_states(self, rows: Iterable[Row]) -> bool:
        """Every state there is. True when it is not what was known."""
        said = self._said
        found = {row["entity_id"]: (row, self._read(row, said.get(row["entity_id"]))) for row in rows}
        with self._lock:
            self._said = found
            kept = {name: old if (old := self._live.get(name)) == shown else shown for name, (_, shown) in found.items()}
            moved = kept != self._live
            if moved:
                self._live, self._states = kept, None
            self._following = True
            self._skipped.clear()
            return moved

    @staticmethod
    def _read(row: Row, before: tuple[Row, Shown] | None) -> Shown:
        return before[1] if before is not None and before[0] == row else read_state(row)

    def took_table(self, name: str, answer: Any) -> None:
        """A whole registry."""
        rows = answer if name == SERVICE else {row[REGISTRIES[name]]: row for row in answer}
        with self._lock:
            self._tables[name].take(rows)

    def heard_services(self) -> None:
        """Services came or went."""
        with self._lock:
            self._tables[SERVICE].stale = True

    def heard_reload(self, kind: str) -> None:
        """Configurations of this kind were read from their file."""
        with self._lock:
            self._editions[kind] += 1

    def heard_registry(self, name: str, data: Row) -> Sequence[Happening]:
        """An entry of a registry changed."""
        ids = {str(data.get(word) or "") for word in (f"{name}_id", f"old_{name}_id") if word in data}
        with self._lock:
            self._tables[name].stale = True
            kinds = {each.partition(".")[0] for each in ids} if name == "entity" else set()
            for kind in kinds & self._editions.keys():
                self._editions[kind] += 1
        return [Happening(name, each) for each in sorted(ids)]

    def heard_helpers(self, kind: str, changes: Sequence[Row], first: bool) -> Sequence[Happening]:
        """Helpers of a type came, changed or went; `first` = these are all there are."""
        with self._lock:
            before = self._helpers.get(kind, {})
            after = {} if first else dict(before)
            for change in changes:
                name = str(change[f"{kind}_id"])
                if change["change_type"] == "removed":
                    after.pop(name, None)
                else:
                    after[name] = change["item"]
            said = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
            if said or kind not in self._helpers:
                self._helpers[kind] = after
            self._told.add(kind)
        return [Happening(HELPER, f"{kind}.{name}") for name in said]

    def heard_state(self, data: Row) -> Sequence[Happening]:
        """A state changed, came or went."""
        name = data["entity_id"]
        old, after = (read_state(row) if row else None for row in (data["old_state"], data["new_state"]))
        with self._lock:
            if not self._following:
                return ()  # the answer that is still to come contains it
            before = self._live.get(name)
            if self._overtaken(name, old, after) or before == after:
                return ()
            if after is None:
                del self._live[name]
            else:
                self._live[name] = after
            self._states = None
            if before and after and (before.state, before.attributes) == (after.state, after.attributes):
                return ()
            said = [Happening(STATE, name)]
            domain = name.partition(".")[0]
            if domain in CONFIGURED and _reloaded(domain, before, after):
                self._editions[domain] += 1
                said.append(Happening(domain, self._configured(name, before, after)))
            return said

    def _overtaken(self, name: str, old: Shown | None, after: Shown | None) -> bool:
        """True for a change that happened before one that was told already. Who changes a state while he is told of its last
        change makes Home Assistant tell of both in the wrong order; each change says what it started from."""
        skipped, before = self._skipped.get(name, ()), self._live.get(name)
        late = after in skipped and (after is not None or old != before)
        if late:
            skipped = tuple(each for each in skipped if each != after)
        if old != before:
            skipped = (*skipped, old)[-_GAPS:]
        if skipped:
            self._skipped[name] = skipped
        else:
            self._skipped.pop(name, None)
        return late

    def _configured(self, name: str, *shown: Shown | None) -> str:
        """The id of the configuration behind an entity. The registry knows it, the states of all but scripts show it."""
        row = self._tables["entity"].rows.get(name)
        if row is not None and row.get("unique_id"):
            return str(row["unique_id"])
        return next((str(each.attributes["id"]) for each in shown if each and each.attributes.get("id")), "")


def _reloaded(domain: str, before: Shown | None, after: Shown | None) -> bool:
    """A changed configuration lets its entity go for a moment; an unchanged one leaves it alone. Whether an automation is on is
    part of what it is."""
    words = [shown.state if shown is not None else None for shown in (before, after)]
    if domain == "automation":
        return words[0] != words[1]
    gone = (None, UNAVAILABLE)
    return (words[0] in gone) != (words[1] in gone) or (None in words)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
