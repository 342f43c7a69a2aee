"""A simulated backend that makes many changes with one write, as a reverse proxy with one configuration does."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag

from controller.clients.memory.faults import Fault
from controller.clients.memory.provider import MemoryProvider
from controller.clients.memory.world import MemoryWorld
from controller.core.change import Change
from controller.core.errors import ProviderError, Transient
from controller.core.kind import Kind
from controller.core.state import Receipt


class BatchingProvider(MemoryProvider):
    """A `MemoryProvider` with the ability `core.ports.Batches`. Faults of `batch` meet the whole call, those of `apply` one
    change of it; what happens after the write (LATE, LOSE) happens after the one write."""

    def __init__(
        self, kind: Kind, world: MemoryWorld, connection: str = "local", instance: str = "home", gather: float = 0.0
    ) -> None:
        super().__init__(kind, world, connection, instance)
        self.gather = gather

    def apply_many(self, changes: Sequence[Change], interrupt: Flag) -> Sequence[Receipt | ProviderError]:
        """Make the changes in one write; see the laws of the port."""
        met = self._meet("batch", None, interrupt)
        if not self._world.reachable(self._connection):
            raise Transient(f"{self._connection}: simulated: cut off")
        self._world.faults.before(met, self._world.clock.now())
        each = [self._meet("apply", change.key, interrupt) for change in changes]
        results: list[Receipt | ProviderError] = []
        with self._world.together():
            for change, faults in zip(changes, each, strict=True):
                results.append(self._one(change, faults))
            self._world.faults.between(met)
        for index, faults in enumerate(each):
            if not isinstance(results[index], ProviderError):
                try:
                    self._world.faults.after(faults)
                except ProviderError as error:
                    results[index] = error
        self._world.faults.after(met)
        return results

    def _one(self, change: Change, met: Sequence[Fault]) -> Receipt | ProviderError:
        try:
            self._world.faults.before(met, self._world.clock.now())
            return self._make(change, met)
        except ProviderError as error:
            return error
