"""Audit: every attempt to change something leaves a row with who, what and how it ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from controller.core.audit import Deed, Proof
from controller.core.ports import Clock, Store
from controller.usecases.actors import Actor

OK = "ok"
_LONGEST = 500
_QUIET = 60.0
"""Seconds within which the same refusal to the same caller is written once: nobody fills the disk by being refused."""
_REMEMBERED = 1000


class Audit:
    """The audit trail of a store. Usable from many threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._trail, self._clock = store.audit, clock
        self._lock = Lock()
        self._refused: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def done(self, actor: Actor | None, peer: str, action: str, subject: str = "", outcome: str = OK) -> None:
        """Write down what somebody did, or tried. `subject` must hold no secret."""
        who = (actor.name, actor.kind.value, actor.door, actor.id) if actor is not None else ("", "", "", "")
        now = self._clock.now()
        if outcome != OK and not self._news((*who, peer, action, outcome), now):
            return
        name, kind, door, id_ = who
        self._trail.add(Deed(now, name, kind, door, action, subject[:_LONGEST], outcome, id_, peer))

    def list(self, limit: int, before: int | None = None) -> Sequence[Deed]:
        """Newest first, of rows with a number below `before`."""
        return self._trail.list(limit, before)

    def prove(self, noted: str = "") -> Proof:
        """Whether every row is still as it was written; see `core.audit.prove`."""
        return self._trail.prove(noted)

    def _news(self, refusal: tuple[str, ...], now: float) -> bool:
        with self._lock:
            if now - self._refused.get(refusal, -_QUIET) < _QUIET:
                return False
            self._refused[refusal] = now
            self._refused.move_to_end(refusal)
            if len(self._refused) > _REMEMBERED:
                self._refused.popitem(last=False)
            return True
