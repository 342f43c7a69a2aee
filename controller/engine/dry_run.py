"""Dry run: a look at what is only proposed. It has a memory of its own, takes no lock that a pass needs, and ends in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from controller.core.errors import Transient
from controller.core.estate import HomelabSpec
from controller.core.key import Key
from controller.core.plan import UNKNOWN, Note
from controller.core.ports import Adapts, Place, Providers
from controller.core.resource import Resource
from controller.core.run import Row
from controller.core.state import Snapshot, Target
from controller.engine.adapt import adapt_one
from controller.engine.bench import Bench
from controller.engine.busy import busy
from controller.engine.calls import Calls
from controller.engine.flights import Flights
from controller.engine.observe import World, look, targets
from controller.engine.survey import Seen, Survey, Surveyor
from controller.engine.wanted import Wanted

LOOK, PLAN = 25.0, 10.0
"""Seconds that backends and registries have for their answers, and that the plan may take after them."""
_LOOKUPS, _LOOKS = 16, 64
"""Calls at a time: of what is adapted, and of looks (one for each kind of a connection)."""

_Rows = Mapping[Place, Row]
_Where = tuple[str, str]
_Question = tuple[Key, str, int, str]


@dataclass(frozen=True)
class _Side:
    """One of the specifications that are looked at together, with its providers and what is to be looked at."""

    wanted: Wanted
    providers: Providers
    targets: Mapping[_Where, list[Target]]

    def shares(self, other: _Side, where: _Where) -> bool:
        """True when the same is asked of the same backend."""
        return self.providers.get(where) is other.providers.get(where) and self.targets[where] == other.targets.get(where)


@dataclass(frozen=True)
class DryRun:
    """Plans specifications as if they were the deployed one. For many threads.

    Laws: nothing that a pass waits for is held meanwhile; nothing is remembered from one dry run to the next; what does not
    answer in time is unknown, never gone. What several of the specifications have in common is asked for once: their plans
    differ by nothing but what is written in them."""

    bench: Bench
    surveyor: Surveyor
    flights: Flights
    connect: Callable[[HomelabSpec], Providers]
    """The providers for a specification that is only looked at."""

    def look(self, *wanted: Wanted) -> tuple[Survey, ...]:
        """What follows from each of them. Raises Transient when not even the plan could be made in time."""
        clock = self.bench.clock
        # Before the ledger and the look: what lands meanwhile is judged by the next one.
        under_way = busy(self.bench, self.flights, wanted[0].estate.policy.timezone)
        rows = self.bench.store.rows()
        sides = [_Side(each, self.connect(each.estate.homelab), targets(each.estate.resources.values(), rows)) for each in wanted]
        until = clock.monotonic() + LOOK
        looks = Calls(_looks(sides), _LOOKS, "look")
        lookups = Calls(_lookups(sides, rows), _LOOKUPS, "lookup")
        snapshots = looks.answers(clock, until)
        answers = lookups.answers(clock, until)
        found: list[Seen] = []
        for number, side in enumerate(sides):
            resources, unready = _adapted(side, answers)
            seen = {where: snapshots.get(_asked(sides, number, where)) or _unseen(where) for where in side.targets}
            estate = replace(side.wanted.estate, resources=resources)
            found.append(Seen(side.wanted, estate, rows, World(seen), side.providers, (*unready, *under_way)))
        # The first one last: whom a provider tells when a change can be made follows from what it was asked last.
        said = self.surveyor.said()
        calls = {at: partial(self.surveyor.survey, found[at], {}, said=said) for at in reversed(range(len(found)))}
        plans = Calls(calls, 1, "plan")
        made = plans.answers(clock, clock.monotonic() + PLAN)
        if len(made) < len(found):
            raise Transient(f"no plan could be made within {PLAN:g} s: what a backend can do was not answered")
        return tuple(made[at] for at in range(len(found)))


def _question(resource: Resource, providers: Providers) -> _Question:
    """The same for what has the same answer: of the same provider about the same state."""
    return resource.key, resource.provider, id(providers.get((resource.key.kind, resource.provider))), resource.digest


def _lookups(sides: Sequence[_Side], rows: _Rows) -> dict[_Question, Callable[[], Resource | Note]]:
    found: dict[_Question, Callable[[], Resource | Note]] = {}
    for side in sides:
        for key, resource in side.wanted.estate.resources.items():
            provider: object = side.providers.get((key.kind, resource.provider))
            if isinstance(provider, Adapts):
                row = rows.get((key, resource.provider))
                found.setdefault(_question(resource, side.providers), partial(adapt_one, resource, row, provider))
    return found


def _adapted(side: _Side, answers: Mapping[_Question, Resource | Note]) -> tuple[dict[Key, Resource], list[Note]]:
    """The resources of one side with the answers in them, and a note for each that has none."""
    resources: dict[Key, Resource] = {}
    notes: list[Note] = []
    for key, resource in side.wanted.estate.resources.items():
        resources[key] = resource
        if not isinstance(side.providers.get((key.kind, resource.provider)), Adapts):
            continue
        answer = answers.get(_question(resource, side.providers))
        if answer is None:
            notes.append(Note(key, UNKNOWN, f"what it needs to know was not answered within {LOOK:g} s", resource.provider))
        elif isinstance(answer, Note):
            notes.append(answer)
        elif answer.state is not resource.state:
            resources[key] = replace(resource, state=answer.state)
    return resources, notes


def _looks(sides: Sequence[_Side]) -> dict[tuple[_Where, int], Callable[[], Snapshot]]:
    return {
        (where, number): partial(look, side.providers, where, items)
        for number, side in enumerate(sides)
        for where, items in side.targets.items()
        if _asked(sides, number, where) == (where, number)
    }


def _asked(sides: Sequence[_Side], number: int, where: _Where) -> tuple[_Where, int]:
    """Which look shows a place for a side: its own, or that of an earlier one that asks the same."""
    return where, next(at for at in range(number + 1) if sides[number].shares(sides[at], where))


def _unseen(where: _Where) -> Snapshot:
    return Snapshot({}, complete=False, reason=f"{where[1]} did not answer within {LOOK:g} s")
