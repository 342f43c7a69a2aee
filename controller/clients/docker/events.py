"""What an engine tells about itself while it happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.docker.closer import Closer
from controller.clients.docker.door import Door
from controller.core.errors import Permanent, Transient

_SILENCE = 300.0
"""Seconds without an event after which the stream is opened anew, in case the connection died unseen."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: `type` (container, network, …), `action` (start, die, connect, …), the object's `id` and its attributes."""

    type: str
    action: str
    id: str
    attributes: Mapping[str, str]


class Events:
    """The event stream of one engine, filtered by the engine so that health checks do not flood it."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def follow(
        self, wanted: Mapping[str, Sequence[str]], opened: Callable[[], None], told: Callable[[Happening], None], stop: Flag
    ) -> None:
        """Follow one connection of the stream until it ends or `stop` is set. `wanted` maps types to actions; `opened` is
        called when the stream stands: what happened before is not told. Raises Transient when the connection breaks."""
        actions = sorted({action for several in wanted.values() for action in several})
        filters = json.dumps({"type": sorted(wanted), "event": actions})
        try:
            reply, values = self._door.stream("GET", "/events", {"filters": filters}, timeout=_SILENCE)
        except Permanent as error:
            raise Transient(str(error)) from error
        closer = Closer(reply)
        closer.watch(stop, f"events-{self._door.name}")
        try:
            opened()
            for value in closer.read(values):
                happening = _read(value)
                if happening.action.partition(":")[0] in wanted.get(happening.type, ()):
                    told(happening)
        except Transient:
            if not stop.is_set():
                raise
        finally:
            closer.close()


def _read(value: Mapping[str, Any]) -> Happening:
    actor = value.get("Actor") or {}
    return Happening(
        str(value.get("Type", "")), str(value.get("Action", "")), str(actor.get("ID", "")), actor.get("Attributes") or {}
    )
