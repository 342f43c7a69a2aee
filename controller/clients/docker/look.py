"""The containers of one engine as last seen: one list call a look, and an inspect only where something may have changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from controller.clients.docker.containers import Containers

Row = Mapping[str, Any]
_AGE = re.compile(rb'"Status":"Up [^"(]*')
"""How long a container is up moves while nothing else does. Quotes inside JSON text are escaped: this can only be a field."""
Inspect = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One container: its row of the list and its inspect. The same object as in the look before while nothing changed."""

    id: str
    name: str
    row: Row
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The containers that were wanted, by id, and every name that is taken on the engine. Equal views are the same object."""

    containers: Mapping[str, Seen]
    names: Mapping[str, str]
    """Container ids by name, of every container on the engine."""


@dataclass
class _Memory:
    text: bytes = b""  # of the list, without ages
    view: View | None = None
    seen: dict[str, tuple[str, Seen]] = field(default_factory=dict)


class Look:
    """A resident view of an engine's containers. Thread-safe.

    While `attached` (the event stream stands) a container is inspected again only after `mark` or when its row moved; otherwise
    every wanted container is inspected at every look, because limits, restart policy and aliases are not in the list."""

    def __init__(self, containers: Containers, inspect: Inspect, wanted: Callable[[Row], bool]) -> None:
        self._containers = containers
        self._inspect = inspect
        self._wanted = wanted
        self._lock = Lock()
        self._marks: set[str] = set()
        self._all = True
        self._attached = False
        self._memory = _Memory()

    def attach(self, attached: bool) -> None:
        """Say whether the event stream stands; what was seen before is doubted."""
        with self._lock:
            self._attached = attached
            self._all = True

    def mark(self, container: str) -> None:
        """Doubt what is known of one container."""
        with self._lock:
            self._marks.add(container)

    def widen(self) -> None:
        """Others are wanted from now on: the same list means something else."""
        with self._lock:
            self._memory.text = b""

    def doubt(self) -> None:
        """Doubt everything at the next look (a full audit)."""
        with self._lock:
            self._all = True

    def read(self) -> View:
        """Look now. Raises what the calls raise."""
        with self._lock:
            marks, self._marks = self._marks, set()
            everything = self._all or not self._attached
            self._all = False
            try:
                return self._read(marks, everything)
            except BaseException:
                self._all = True
                raise

    def _read(self, marks: set[str], everything: bool) -> View:
        memory = self._memory
        listed = self._containers.listing()
        text = _AGE.sub(b'"Status":"', listed)
        if memory.view is not None and not everything and not marks and text == memory.text:
            return memory.view
        seen: dict[str, tuple[str, Seen]] = {}
        names: dict[str, str] = {}
        for row in json.loads(listed):
            names.update((name.lstrip("/"), row["Id"]) for name in row["Names"] or () if name.count("/") == 1)
            if self._wanted(row):
                known = memory.seen.get(row["Id"])
                fresh = self._container(row, known, everything or row["Id"] in marks)
                if fresh is not None:
                    seen[row["Id"]] = fresh
        view = View({each: one for each, (_, one) in seen.items()}, names)
        if memory.view is not None and view.names == memory.view.names and view.containers == memory.view.containers:
            view = memory.view
        self._memory = _Memory(text, view, seen)
        return view

    def _container(self, row: Row, known: tuple[str, Seen] | None, doubted: bool) -> tuple[str, Seen] | None:
        signature = _signature(row)
        if known is not None and not doubted and known[0] == signature:
            return known
        details = self._inspect(row["Id"])
        if details is None:
            return None
        if known is not None and details == known[1].details and known[0] == signature:
            return known
        return signature, Seen(row["Id"], details["Name"].lstrip("/"), row, details)


def _signature(row: Row) -> str:
    """What of a row moves only when the container does: not the age in `Status`, but the health that it shows in brackets."""
    status = row.get("Status", "")
    health = status[status.find("(") :] if "(" in status else ""
    return repr(
        (
            row.get("State"),
            health,
            row.get("Names"),
            row.get("Image"),
            row.get("NetworkSettings"),
            row.get("Mounts"),
            row.get("Ports"),
        )
    )
