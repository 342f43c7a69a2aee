"""Progress: the steps of one rollout that brings a host to its visitors, told one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from controller.core.change import Change
from controller.core.errors import Severity
from controller.core.event import Event
from controller.core.ports import Place
from controller.core.stage import Moment, Stage
from controller.engine.bench import Bench

REASON = "Progress"
_MOST = 3
"""Of more changes than this the first are told, and how many more there are."""


class Progress:
    """Tells each step once, when every change of the rollout has it behind it and all steps before are told: a host that answers
    before its certificate was looked at has not arrived. Steps that no change is part of (a record that stands already) are left
    out. A rollout that brings no host to visitors tells only what it waits for. For many threads."""

    def __init__(self, bench: Bench, run: str, changes: Sequence[Change]) -> None:
        self._bench = bench
        self._run = run
        self._lock = Lock()
        self._stood: dict[Place, Moment] = {}
        self._changes: dict[Stage, list[Change]] = {}
        for change in changes:
            for stage, _ in self._stages(change).values():
                self._changes.setdefault(stage, []).append(change)
        complete = Stage.CHECK in self._changes
        self._ahead = [stage for stage in Stage if stage in self._changes] if complete else []
        self._missing = {stage: {change.place for change in self._changes[stage]} for stage in self._ahead}

    def reached(self, change: Change, moment: Moment) -> None:
        """A change has come so far."""
        with self._lock:
            self._stood[change.place] = moment
            found = self._stages(change).get(moment)
            if found is None or not self._ahead:
                return
            self._missing[found[0]].discard(change.place)
            while self._ahead and not self._missing[self._ahead[0]]:
                stage = self._ahead.pop(0)
                self._say(stage.heading, self._words(stage), self._changes[stage][0])

    def waits(self, change: Change, why: str) -> None:
        """The gate of a change was not passed at its first look."""
        found = self._stages(change).get(Moment.PROVED)
        if found is not None:
            with self._lock:
                stage = self._ahead[0] if self._ahead else found[0]
                self._say(f"{stage.heading} waits", why, change)

    def failed(self, change: Change, why: str) -> None:
        """A change went no further."""
        stood = self._stood.get(change.place, Moment.PLANNED)
        further = [stage for moment, (stage, _) in sorted(self._stages(change).items()) if moment > stood]
        if further and self._missing:
            self._say(f"{further[0].heading} failed", why, change, Severity.ERROR)

    def _stages(self, change: Change) -> dict[Moment, tuple[Stage, str]]:
        """What a change goes through, in words; nothing when it takes something away or touches only the ledger."""
        if change.after is None or not change.action.writes:
            return {}
        after = change.after
        stages = self._bench.kinds[change.key.kind].stages
        return {moment: (stage, words(after)) for moment, (stage, words) in stages.items()}

    def _words(self, stage: Stage) -> str:
        said = [text for change in self._changes[stage] for each, text in self._stages(change).values() if each is stage]
        more = [f"{len(said) - _MOST} more"] if len(said) > _MOST else []
        return "; ".join([*said[:_MOST], *more])

    def _say(self, title: str, words: str, change: Change, severity: Severity = Severity.INFO) -> None:
        now = self._bench.clock.now()
        self._bench.tell(Event(now, REASON, f"{title}: {words}", severity, str(change.key), self._run))
