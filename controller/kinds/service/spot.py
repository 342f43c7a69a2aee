"""The place of one service on an engine: the containers that bear its three names, and which of them stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.kinds.service import endpoints, names

Details = Mapping[str, Any]
EDITED = "Homelab.Edited"
"""Key in an inspected container under which the copied files stand that were changed in it."""
_NEVER = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Spot:
    """Inspected containers by role: `current` bears the address, `coming` is `N.next`, `parked` is `N.prev`.

    Every position of a replacement can be told from these alone:
    | current | coming | parked | meaning |
    |---|---|---|---|
    | A | - | - or old | at rest |
    | A | B never started | - or old | B is prepared, or A is being stopped |
    | - | B never started | A | A is parked |
    | - | B started, not on the edge | A or - | B gets healthy before a proxy finds it |
    | - | B started | A or - | B is on probation |
    | A | B started | - or old | B starts beside A, or A is being put back |
    | - | - | A | deleted, kept for an undo |"""

    current: Details | None = None
    coming: Details | None = None
    parked: Details | None = None

    @property
    def stands(self) -> Details | None:
        """The container that the service is now, or None when it is not there."""
        if self.current is not None:
            return self.current
        if self.coming is not None:
            return self.coming if started(self.coming) else self.parked
        return None

    @property
    def torn(self) -> bool:
        """True in the middle of a replacement: the old one may be stopped by us, and what shows is neither before nor after."""
        return self.coming is not None and (self.current is not None or not started(self.coming) or self.unseen)

    @property
    def unseen(self) -> bool:
        """True while the one that comes in place of a parked one is not yet where a proxy would find it."""
        return self.current is None and self.coming is not None and started(self.coming) and not on_edge(self.coming)

    @property
    def probation(self) -> bool:
        """True while the one that stands has not been released."""
        return self.current is None and self.coming is not None and started(self.coming)

    def bears(self, container: str) -> bool:
        """True for the id of one of them."""
        return any(each is not None and each["Id"] == container for each in (self.current, self.coming, self.parked))

    def handle(self) -> str:
        """The id of the one that stands, or ""."""
        return str(self.stands["Id"]) if self.stands is not None else ""


def started(details: Details) -> bool:
    """True when a container ever ran."""
    return not str(details["State"].get("StartedAt", _NEVER)).startswith(_NEVER)


def on_edge(details: Details) -> bool:
    """True when a container is on every edge network that it was made for."""
    return names.edge(labels_of(details)).keys() <= set(endpoints.joined(details))


def running(details: Details) -> bool:
    """True while it runs (or is paused, or between two tries of its restart policy)."""
    return bool(details["State"].get("Running"))


def ended(details: Details) -> float:
    """When a stopped container ended, in seconds since the epoch; 0 when it never ran."""
    return _seconds(str(details["State"].get("FinishedAt", _NEVER)))


def made(details: Details) -> float:
    """When a container was created, in seconds since the epoch."""
    return _seconds(str(details.get("Created", _NEVER)))


def _seconds(text: str) -> float:
    return 0.0 if text.startswith(_NEVER) else datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()


def labels_of(details: Details) -> Mapping[str, str]:
    """The labels of a container."""
    found: Mapping[str, str] = details["Config"].get("Labels") or {}
    return found


def twin(details: Details | None, identity: str) -> bool:
    """True when a container was made from the normal form with this identity."""
    return details is not None and labels_of(details).get(names.SPEC) == identity
