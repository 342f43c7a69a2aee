"""One lawful provider for every kind, on the simulated world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from threading import Event as Flag

from controller.clients.memory.faults import Effect, Fault
from controller.clients.memory.world import MemoryWorld, Spot, Thing, place
from controller.core.change import Action, Change
from controller.core.diff import compare
from controller.core.dns import PUBLIC_ADDRESS
from controller.core.errors import Conflict, Interrupted, Transient
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.limit import Limit
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, Unknown

_IPV6 = "2001:db8::7"
_AWAY = "away"


class MemoryProvider:
    """A kind's objects behind one connection of a `MemoryWorld`; keeps every law of `core.ports.Provider`.

    A replacement is two writes, as on a real engine: first the old thing is parked (`status: exited`, where the kind has a
    status), then the new one stands in its place and holds the parked one until `release`. `apply` goes on from between the
    two, forward and swapped. `instance` is the owner mark.

    A thing with `away` in its state is there and cannot be seen or reached, as a lamp without power: it is unknown, and a write
    waits for it. A look and a write see the whole of what is there once a hand takes the word away again."""

    visible_within = 0.0
    settle = 0.005
    """Seconds in which the events of one happening are gathered: here each is one event."""

    def __init__(self, kind: Kind, world: MemoryWorld, connection: str = "local", instance: str = "home") -> None:
        self._kind = kind
        self._world = world
        self._connection = connection
        self._instance = instance
        self._seen: dict[Key, tuple[Thing, Present]] = {}
        self._last: tuple[tuple[int, frozenset[Target]], Snapshot] | None = None

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Everything with our mark and the targets; the same objects as last time where nothing changed."""
        met = self._meet("observe", None)
        if not self._world.reachable(self._connection):
            return Snapshot({}, complete=False, reason=f"{self._connection}: simulated: cut off")
        if any(fault.effect is Effect.FAIL for fault in met):
            return Snapshot({}, complete=False, reason=f"{self._connection}: simulated: the backend does not answer")
        self._world.faults.before(met)
        seen = self._world.version, frozenset(targets)
        last = self._last  # read once: others look at the same time
        if last is None or last[0] != seen or self._world.delay:
            self._last = last = seen, Snapshot(self._items(targets))
        snapshot = last[1]
        if any(fault.effect is Effect.HALF for fault in met):
            half = dict(sorted(snapshot.items.items())[::2])
            return Snapshot(
                {key: each for key, each in half.items() if each != ABSENT}, complete=False, reason="simulated: half a page"
            )
        return snapshot

    def adapt(self, state: State, applied: State | None) -> State:
        """An image reference gets the digest that the simulated registry has for it, kept while the reference stays the same
        unless it is always to be pulled; the only value `publicIP` becomes where the house is now."""
        met = self._meet("adapt", None)
        if not self._world.reachable(self._connection):
            raise Transient(f"{self._connection}: simulated: cut off")
        self._world.faults.before(met)
        values = state.get("values")
        if values == [PUBLIC_ADDRESS]:
            state = {**state, "values": [_IPV6 if state.get("type") == "AAAA" else self._world.public_address()]}
        image = state.get("image")
        if not isinstance(image, str) or "image_digest" in state:
            return state
        stays = applied and applied.get("image") == image and state.get("pull_policy") != "always"
        pinned = applied.get("image_digest") if applied and stays else None
        return {**state, "image_digest": pinned or self._world.digest(image)}

    def token(self) -> str:
        """Where the house is on the Internet."""
        return self._world.public_address()

    def limit(self, change: Change) -> Limit:
        """What the world says."""
        return self._world.limit(change)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port."""
        met = self._meet("apply", change.key, interrupt)
        if not self._world.reachable(self._connection):
            raise Transient(f"{self._connection}: simulated: cut off")
        self._world.faults.before(met, self._world.clock.now())
        receipt = self._make(change, met)
        self._world.faults.after(met)
        return receipt

    def _make(self, change: Change, met: Collection[Fault]) -> Receipt:
        spot = (self._kind.name, self._connection, change.address)
        live = self._world.at(*spot)
        if live is not None and _AWAY in live.state:
            raise Transient(f"simulated: {change.key} is {live.state[_AWAY]}: nothing is sent before it is back")
        if not self._equals(change.after, live, change.before):
            self._expect(change, live)
            if change.after is None:
                self._remove(spot)
            else:
                self._write(change, change.after, spot, live, met)
        return self._receipt(spot)

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """Forget what the receipt says was parked."""
        met = self._meet("release", change.key)
        self._world.faults.before(met)
        spot = (self._kind.name, self._connection, change.address)
        live, kept = self._world.at(*spot), self._world.parked(*spot)
        parked = live.parked if live is not None else None
        if any(thing is not None and thing.handle in receipt.retained for thing in (parked, kept)):
            with self._world.writing(spot) as content:
                content.parked.pop(spot, None)
                if live is not None:
                    content.things[spot] = replace(live, parked=None)
        self._world.faults.after(met)
        return self._receipt(spot)

    def health(self, target: Target) -> tuple[Health, str]:
        """Health of the thing now."""
        met = self._meet("health", target.key)
        self._world.faults.before(met)
        if not self._world.reachable(self._connection):
            return Health.UNKNOWN, f"{self._connection}: simulated: cut off"
        thing = self._world.at(self._kind.name, self._connection, target.address)
        return self._health(thing) if thing is not None else (Health.MISSING, "there is no such object")

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which key of this kind moved; None after another process wrote."""

        def told(kind: str, connection: str, address: str) -> None:
            if not kind:
                moved(None)
            elif (kind, connection) == (self._kind.name, self._connection):
                thing = self._world.at(kind, connection, address)
                moved(Key.parse(thing.key) if thing is not None and thing.key else None)

        self._world.watch(told, stop)

    def _meet(self, operation: str, key: Key | None, interrupt: Flag | None = None) -> list[Fault]:
        met = self._world.faults.meet(operation, key)
        for fault in met:
            if fault.effect is Effect.SLOW and self._world.clock.wait(interrupt or Flag(), fault.seconds):
                raise Interrupted("simulated: called off while waiting; nothing was written")
        return met

    def _items(self, targets: Collection[Target]) -> Mapping[Key, Observed]:
        things = self._world.things(self._kind.name, self._connection)
        items: dict[Key, Observed] = {}
        for thing in things.values():
            if thing.mark == self._instance:
                key = Key.parse(thing.key)
                items[key] = self._shown(key, thing)
        for target in targets:
            found = things.get(target.address)
            items[target.key] = self._shown(target.key, found) if found is not None else ABSENT
        return items

    def _shown(self, key: Key, thing: Thing) -> Observed:
        if _AWAY in thing.state:
            return Unknown(f"simulated: {key} is {thing.state[_AWAY]}; it is written when it is back")
        return self._present(key, thing)

    def _present(self, key: Key, thing: Thing) -> Present:
        health, why = self._health(thing)
        owner = Owner.OURS if thing.mark == self._instance and thing.key == str(key) else Owner.FOREIGN
        known = self._seen.get(key)
        if known is not None and known[0] is thing and (known[1].health, known[1].why, known[1].owner) == (health, why, owner):
            return known[1]
        present = Present(thing.state, thing.handle, owner, health, why, etag=thing.handle)
        self._seen[key] = thing, present
        return present

    def _health(self, thing: Thing) -> tuple[Health, str]:
        image, age = str(thing.state.get("image", "")), self._world.clock.now() - thing.since
        status = thing.state.get("status", "running")
        if ":crash" in image:
            return Health.DEGRADED, "exited with code 1: simulated crash"
        if status not in ("running", "completed"):
            return Health.DEGRADED, f"it is {status}"
        if ":never" in image or age < self._world.delay:
            return Health.PROGRESSING, "starting"
        return (Health.DEGRADED, "unhealthy: simulated health check fails") if ":bad" in image else (Health.HEALTHY, "")

    def _equals(self, state: State | None, live: Thing | None, other: State | None = None) -> bool:
        """True when the thing shows a state, and nothing that only the `other` side of the change declares."""
        if state is None or live is None:
            return state is None and live is None
        return not compare(state, live.state, other, same=self._kind.same, whole=self._kind.whole)

    def _expect(self, change: Change, live: Thing | None) -> None:
        """Law 1. A thing stopped in the middle of a replacement is expected when it is one of the two sides."""
        if self._equals(change.before, live):
            return
        if (
            live is not None
            and live.transit
            and (self._equals(change.before, awake(live)) or self._equals(change.after, awake(live)))
        ):
            return
        raise Conflict(f"{change.key} is not what the change expects: {self._difference(change.before, live)}")

    def _difference(self, before: State | None, live: Thing | None) -> str:
        if before is None or live is None:
            return "it exists" if live is not None else "it does not exist"
        return ", ".join(field.path for field in compare(before, live.state, same=self._kind.same, whole=self._kind.whole))

    def _remove(self, spot: Spot) -> None:
        with self._world.writing(spot) as content:
            content.parked[spot] = replace(awake(content.things.pop(spot)), parked=None)

    def _write(self, change: Change, after: State, spot: Spot, live: Thing | None, met: Collection[Fault]) -> None:
        if change.action is Action.REPLACE and live is not None and "status" in live.state:
            with self._world.writing(spot) as content:
                content.things[spot] = replace(live, state={**live.state, "status": "exited"}, transit=True)
        self._world.faults.between(met)
        kept = live.parked if live is not None else self._world.parked(*spot)
        now = self._world.clock.now()
        with self._world.writing(spot) as content:
            content.parked.pop(spot, None)
            if kept is not None and self._equals(after, kept, change.before):
                content.things[spot] = replace(kept, since=now)
            elif live is not None and (change.action is Action.UPDATE or self._equals(after, awake(live), change.before)):
                undeclared = {name: value for name, value in live.state.items() if name not in (change.before or {})}
                content.things[spot] = replace(live, state={**undeclared, **after}, since=now, transit=False)
            else:
                parked = replace(awake(live), parked=None) if live is not None else None
                place(content, spot, Thing(str(change.key), dict(after), "", self._instance, now, parked))

    def _receipt(self, spot: Spot) -> Receipt:
        live, kept = self._world.at(*spot), self._world.parked(*spot)
        if live is None:
            return Receipt(kept.handle if kept else "", None, (kept.handle,) if kept else ())
        return Receipt(live.handle, live.state, (live.parked.handle,) if live.parked is not None else ())


def awake(thing: Thing) -> Thing:
    """A thing as it was before it was parked."""
    if "status" not in thing.state:
        return thing
    return replace(thing, state={**thing.state, "status": "running"}, transit=False)
