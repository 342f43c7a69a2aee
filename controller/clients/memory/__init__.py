"""The simulated world: every kind's second backend, for the demo, for `--world memory` and for sweeps of failures and crashes.

`MemoryWorld` holds the objects, `MemoryProvider(kind, world)` is a lawful provider of any kind on it, `BatchingProvider`
one that makes many changes with one write, `MeteredProvider` one that knows what the house used, `Faults` makes it misbehave.
"""

from controller.clients.memory.batching import BatchingProvider
from controller.clients.memory.faults import Effect, Fault, Faults, Killed
from controller.clients.memory.meters import MeteredProvider
from controller.clients.memory.provider import MemoryProvider
from controller.clients.memory.world import MemoryWorld, Thing

__all__ = ["BatchingProvider", "Effect", "Fault", "Faults", "Killed", "MemoryProvider", "MemoryWorld", "MeteredProvider", "Thing"]
