"""Batch: changes of all rollouts that are ready at the same time become one write, where the backend can do that."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag
from threading import Lock

from controller.core.change import Change
from controller.core.errors import ProviderError
from controller.core.ports import Batches, Clock
from controller.core.state import Receipt

_NEVER = Flag()


class _Batch:
    """Changes gathered for one call. The first to come makes it; the others wait."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.results: Sequence[Receipt | ProviderError] = ()
        self.broken: BaseException | None = None
        self.done = Flag()

    def join(self, change: Change) -> int:
        self.changes.append(change)
        return len(self.changes) - 1

    def make(self, provider: Batches, interrupt: Flag) -> None:
        try:
            results = provider.apply_many(tuple(self.changes), interrupt)
            if len(results) != len(self.changes):
                raise ValueError(f"{len(results)} results for {len(self.changes)} changes")
            self.results = results
        except ProviderError as error:
            self.results = [error] * len(self.changes)
        except BaseException as error:
            self.broken = error
            raise
        finally:
            self.done.set()

    def result(self, index: int) -> Receipt:
        if self.broken is not None:
            raise self.broken
        found = self.results[index]
        if isinstance(found, ProviderError):
            raise found
        return found


class Gathering:
    """Group commit. Each change is written down by its rollout before it comes here and after it left, as without batches. Writes
    of one provider follow each other; what gets ready meanwhile is the next batch. For many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[int, _Batch] = {}
        self._turns: dict[int, Lock] = {}

    def apply(self, provider: Batches, change: Change, clock: Clock, closing: Flag) -> Receipt:
        """The receipt of a change made together with others; raises what `apply` raises. Calling off one rollout does not hold up
        the others, so only `closing` interrupts: a change that was called off is made and taken back."""
        name = id(provider)
        with self._lock:
            batch = self._open.get(name)
            leads = batch is None
            if batch is None:
                batch = self._open[name] = _Batch()
            index = batch.join(change)
            turn = self._turns.setdefault(name, Lock())
        if leads:
            clock.wait(_NEVER, provider.gather)
            with turn:
                with self._lock:
                    del self._open[name]
                batch.make(provider, closing)
        else:
            batch.done.wait()
        return batch.result(index)
