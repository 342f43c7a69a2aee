"""Desk: the use cases a face is handed. What is None, that face may not do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.usecases.importing import Importing
from controller.usecases.look import Look
from controller.usecases.notices import Notices
from controller.usecases.propose import Propose
from controller.usecases.review import Reviewing
from controller.usecases.rollback import Rollback
from controller.usecases.secrets import Secrets
from controller.usecases.sync import Sync


@dataclass(frozen=True)
class Desk:
    """All doors of the controller for one face. `wait_event` blocks until an event with a number above the given one exists
    or the seconds are over, and returns the newest number; `kick` asks for a pass soon (cause) without waiting for it."""

    look: Look
    sync: Sync | None
    world: str
    instance: str
    wait_event: Callable[[int, float], int]
    kick: Callable[[str], None]
    rollback: Rollback | None = None
    importing: Importing | None = None
    secrets: Secrets | None = None
    notices: Notices | None = None
    propose: Propose | None = None
    review: Reviewing | None = None
