"""Hold: which planned changes cannot run now, because their backend says so or because of what they need. The rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.core.change import Action, Change, Reversal
from controller.core.key import Key
from controller.core.limit import Ask, Limit, Never, Wait
from controller.core.plan import UNKNOWN, Note
from controller.core.ports import Limits, Place, Providers
from controller.core.run import Row
from controller.engine.group import Edges

WALLS = frozenset([UNKNOWN, "Foreign", "Missing", "Refused", "Quarantined", "Stuck", "InProgress", "Waiting", "Blocked"])
"""Notes that say: this is not there as it is wanted. Nothing that needs it is started."""
LEFT_OUT = frozenset(["Waiting", "Blocked", "Refused"])
"""Notes on changes that are left out of a plan for a reason outside of the world that was looked at."""


@dataclass(frozen=True)
class Sifted:
    """Changes that can run; those that a person must make, with what waits for them; and why the others are left out."""

    free: tuple[Change, ...]
    asked: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Sieve:
    """What the decision is made from. `missing` says that a key is suspended and does not stand, `when` puts a time (seconds
    since the epoch) in words."""

    notes: Sequence[Note]
    rows: Mapping[Place, Row]
    providers: Providers
    missing: Callable[[Note], bool]
    when: Callable[[float], str]

    def sift(self, changes: Sequence[Change], edges: Edges) -> Sifted:
        """Sort the changes. A repair is not held by what it needs: it brings back what stood beside it before, and an outage of
        one backend must not stop the repairs of the others."""
        walls = {note.key: note for note in self.notes if note.reason in WALLS or self.missing(note)}
        asks, left = _answers(changes, self.providers, self.when)
        if walls:
            left |= _walled(changes, walls, self.rows, left)
        if not asks and not left:
            return Sifted(tuple(changes))
        by_place = {change.place: change for change in changes}
        followers = _reversed(edges)
        for place, root in _spread(left, by_place, followers):
            left[place] = _blocked(by_place[place], left[root])
        waiting = asks.keys() - left.keys()
        asked = waiting | {place for place, _ in _spread(dict.fromkeys(waiting), by_place, followers)} - left.keys()
        return Sifted(
            tuple(change for change in changes if change.place not in left and change.place not in asked),
            tuple(_asked(change, asks.get(change.place)) for change in changes if change.place in asked),
            tuple(left[change.place] for change in changes if change.place in left),
        )


def _answers(
    changes: Sequence[Change], providers: Providers, when: Callable[[float], str]
) -> tuple[dict[Place, Ask], dict[Place, Note]]:
    """What the backends say: changes to ask a person for, and those that are left out."""
    limited = {place: provider for place, provider in providers.items() if isinstance(provider, Limits)}
    asks: dict[Place, Ask] = {}
    left: dict[Place, Note] = {}
    for change in changes if limited else ():
        provider = limited.get((change.key.kind, change.provider)) if change.action.writes else None
        answer: Limit | None = provider.limit(change) if provider is not None else None
        if isinstance(answer, Ask):
            asks[change.place] = answer
        elif isinstance(answer, Wait):
            left[change.place] = Note(
                change.key, "Waiting", f"{answer.why}; waits until {when(answer.until)}", change.provider, answer.until
            )
        elif isinstance(answer, Never):
            left[change.place] = Note(change.key, "Refused", f"{change.action}: {answer.why}", change.provider)
    return asks, left


def _walled(
    changes: Iterable[Change], walls: Mapping[Key, Note], rows: Mapping[Place, Row], left: Collection[Place]
) -> dict[Place, Note]:
    """Changes that need something which is not there, and deletions of what something that stays as it is still uses."""
    users: dict[Key, Note] | None = None
    found: dict[Place, Note] = {}
    for change in changes:
        if change.place in left or _exempt(change):
            continue
        if change.after is not None:
            wall = next((walls[need] for need in change.needs if need in walls), None)
        else:
            users = _users(walls, rows) if users is None else users
            wall = users.get(change.key)
        if wall is not None:
            found[change.place] = _blocked(change, wall)
    return found


def _users(walls: Mapping[Key, Note], rows: Mapping[Place, Row]) -> dict[Key, Note]:
    """What is used by something of ours that stays as it is, with the reason why it stays."""
    return {need: walls[row.key] for row in rows.values() if row.key in walls for need in row.needs}


def _exempt(change: Change) -> bool:
    return change.drift or not change.action.writes


def _blocked(change: Change, wall: Note) -> Note:
    why = wall.message.splitlines()[0] if wall.message else wall.reason
    if wall.reason == "Blocked":  # told of the first in the row, not of each one between
        return Note(change.key, "Blocked", why, change.provider, wall=wall.wall)
    used = "is still used by" if change.after is None else "waits for"
    return Note(change.key, "Blocked", f"{used} {wall.key}: {why}", change.provider, wall=wall.key)


def _asked(change: Change, ask: Ask | None) -> Change:
    if ask is None:
        return change
    return replace(change, action=Action.ASK, instructions=ask.instructions, reversal=Reversal.EXACT, risks=())


def _reversed(edges: Edges) -> dict[Place, list[Place]]:
    followers: dict[Place, list[Place]] = {}
    for place, before in edges.items():
        for earlier in before:
            followers.setdefault(earlier, []).append(place)
    return followers


def _spread(
    seeds: Mapping[Place, object], changes: Mapping[Place, Change], followers: Mapping[Place, list[Place]]
) -> list[tuple[Place, Place]]:
    """Everything that must run after a seed, with that seed; repairs are passed through and left out."""
    seen, found = set(seeds), []
    stack = [(place, place) for place in reversed(list(seeds))]
    while stack:
        place, root = stack.pop()
        for follower in followers.get(place, ()):
            if follower not in seen:
                seen.add(follower)
                stack.append((follower, root))
                if not _exempt(changes[follower]):
                    found.append((follower, root))
    return found
