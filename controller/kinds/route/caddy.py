"""Routes in one Caddy: looked at with one read, and changed with one write however many change at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from threading import Event as Flag
from threading import Lock
from typing import Any

from controller.clients.caddy import CaddyDoor, Config, Connection, Refused, Stale, Unsure, doubled
from controller.core.caddyfile import Site
from controller.core.change import Change
from controller.core.diff import compare
from controller.core.errors import Conflict, Interrupted, Permanent, ProviderError, Transient
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never
from controller.core.ports import Clock
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target
from controller.kinds.route.found import find, handle_of, strange, without
from controller.kinds.route.front import Front
from controller.kinds.route.layout import Placed, differing, placed, ports, strangers, weave
from controller.kinds.route.read import read
from controller.kinds.route.render import identifier, render
from controller.kinds.route.resolve import WHOLE, same
from controller.kinds.route.sites import sites

KIND = "route"
_TRIES = 10
_PAUSE = 0.1
Outcome = Receipt | ProviderError


class RouteProvider:
    """Routes of one Caddy. Every write replaces the whole configuration that was read just before, or nothing; what is not ours
    in it stays as it is. The mark of ours is the `@id`."""

    visible_within = 0.0
    gather = 0.3

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        door: CaddyDoor | None = None,
        permitted: Callable[[Collection[str]], Limit] = lambda _hosts: YES,
    ) -> None:
        """`door` is to be used instead of a new one; `permitted` says whether the public authority issues for hosts."""
        self._connection = connection
        self._clock = clock
        self._door = door or CaddyDoor(connection.admin)
        self._permitted = permitted
        self._front = Front(connection, self._door)
        self._lock = Lock()
        self._known: dict[str, tuple[Placed, tuple[str, ...], Present]] = {}
        self._taken: dict[str, tuple[Placed, Present]] = {}
        self._read: tuple[Config, dict[str, Placed], tuple[str, ...], str] | None = None
        self._last: tuple[Config, frozenset[Target], int, Snapshot] | None = None
        self._looked: Config | None = None
        """What the last look read, while nothing was written since."""

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Every route of ours and the targets; the same objects as last time where nothing changed."""
        try:
            config = self._door.config()
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        wanted = frozenset(targets)
        with self._lock:
            found, self._looked = self._routes(config), config
        verdicts = self._front.look_again(found, config.document)
        with self._lock:
            found = self._routes(config)
            last = self._last
            if last is not None and last[0] is config and last[1] == wanted and last[2] == verdicts:
                return last[3]
            items: dict[Key, Observed] = {target.key: self._strange(target, config) for target in wanted}
            items |= {Key(KIND, name): self._present(name, entry) for name, entry in found.items()}
            snapshot = Snapshot(items)
            self._last = config, wanted, verdicts, snapshot
            return snapshot

    def limit(self, change: Change) -> Limit:
        """Never for a host that a route of somebody else answers for; and what the authority says of hosts that are new to it."""
        hosts = sorted(_ordered(change.after) - _ordered(change.before))
        if hosts and (answer := self._permitted(hosts)) != YES:
            return answer
        if change.after is None or change.before is not None:
            return YES
        read_before = self._read
        document = read_before[0].document if read_before is not None else None
        if change.after["paths"]:
            return YES
        for host, where in strangers(document, change.after["hosts"]):
            return Never(f"{host} is served by a route that is not ours ({where}): remove it there first")
        return YES

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """One change; see the laws of the port."""
        (outcome,) = self.apply_many([change], interrupt)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def apply_many(self, changes: Sequence[Change], interrupt: Flag) -> Sequence[Outcome]:
        """All that can be made with one write; what Caddy refuses is told apart by trying halves."""
        with self._lock:
            return self._together(list(changes), interrupt)

    def health(self, target: Target) -> tuple[Health, str]:
        """What a request through Caddy gets."""
        return self._front.health(target.key.name)

    def audit(self) -> None:
        """Ask every route again at the next look."""
        self._front.doubt()

    def caddyfile(self, text: str) -> tuple[list[Site], list[tuple[str, str]]]:
        """What a Caddyfile serves, by Caddy's own adapter. Raises Transient, Permanent."""
        document, _ = self._door.adapt(text)
        running = [raw for _, raw in strange(self._door.config().document)]
        made: list[Site] = []
        left: list[tuple[str, str]] = []
        for raw, drafts, unsayable in sites(document):
            reason = unsayable
            if not reason and len(drafts) > 1:
                reason = "it comes to several Routes: write one for each path, and take the site out of the Caddyfile"
            elif not reason and raw not in running:
                reason = "Caddy does not serve it as it is written here: reload Caddy first"
            if reason:
                left.append((", ".join(Placed(raw, {}).hosts) or "a site", reason))
            else:
                made += [Site(Key(KIND, each.name), each.spec, handle_of(raw), tuple(each.lost)) for each in drafts]
        return made, left

    def _together(self, changes: list[Change], interrupt: Flag) -> list[Outcome]:
        reason: ProviderError = Transient(f"the configuration of Caddy at {self._connection.admin} does not come to rest")
        # Most changes follow a look. What it read is good enough for a trial, which fails when it is out of date; not to judge.
        looked, self._looked = self._looked, None
        for _ in range(_TRIES):
            if interrupt.is_set():
                return [Interrupted("called off before anything was written")] * len(changes)
            try:
                config, trial, looked = looked or self._door.config(), looked is not None, None
                found = self._routes(config)
                told = self._judged(changes, found, config)
                if trial and any(outcome is not None for outcome in told):
                    continue
                if None not in told:
                    return [outcome for outcome in told if outcome is not None]
                pending = [change for change, outcome in zip(changes, told, strict=True) if outcome is None]
                woven = self._write(pending, found, config)
            except (Stale, Unsure) as error:
                reason = error
                self._clock.wait(Flag(), _PAUSE)
                continue
            except Refused as error:
                made = self._apart(pending, error, interrupt)
            except ProviderError as error:
                return [error] * len(changes)
            else:
                shown = placed(woven, self._connection)
                made = [self._receipt(change, shown) for change in pending]
            rest = iter(made)
            return [next(rest) if outcome is None else outcome for outcome in told]
        return [reason] * len(changes)

    def _apart(self, changes: list[Change], error: Refused, interrupt: Flag) -> list[Outcome]:
        """One of the changes is not possible: the others must not suffer."""
        if len(changes) == 1:
            return [error]
        half = len(changes) // 2
        return [*self._together(changes[:half], interrupt), *self._together(changes[half:], interrupt)]

    def _judged(self, changes: list[Change], found: Mapping[str, Placed], config: Config) -> list[Outcome | None]:
        """What is settled without a write (laws 1 and 2); None for what is to be written."""
        told: list[Outcome | None] = []
        for change in changes:
            live = self._state(change.key.name, found)
            if live is None and (entry := find(config.document, change.handle, self._connection)) is not None:
                live = _shown(entry)
            if _equal(change.after, live) and not self._mends(change):
                told.append(self._receipt(change, found))
            elif not _equal(change.before, live):
                told.append(Conflict(f"{change.key} is not what the change expects: {_difference(change.before, live)}"))
            else:
                told.append(self._impossible(change, config))
        return told

    def _mends(self, change: Change) -> bool:
        """True when a change is about what is still broken around the routes."""
        broken = self._read is not None and self._read[2]
        return bool(broken) and "surroundings" in (change.before or {}).get("unrecognised", {})

    def _impossible(self, change: Change, config: Config) -> Permanent | None:
        if change.after is None:
            return None
        try:
            render(change.key.name, change.after, streams=config.keeps_streams(self._connection.version))
        except Permanent as error:
            return error
        return None

    def _write(self, changes: list[Change], found: Mapping[str, Placed], config: Config) -> Any:
        streams = config.keeps_streams(self._connection.version)
        routes, document = dict(found), config.document
        for change in changes:
            name = change.key.name
            if routes.pop(name, None) is None and (theirs := find(document, change.handle, self._connection)) is not None:
                document = without(document, theirs.raw)
            if change.after is not None:
                routes[name] = Placed(render(name, change.after, streams=streams), change.after["tls"])
        woven = weave(document, routes, self._connection)
        self._one_server(woven)
        self._front.since = self._clock.now()
        self._door.write(woven, config)
        return woven

    def _one_server(self, woven: Any) -> None:
        wanted = ports(woven, self._connection)
        if doubled(wanted) and not self._clock.wait(Flag(), _PAUSE) and (twice := doubled(wanted)):
            listed = ", ".join(map(str, twice))
            raise Transient(f"two servers listen on port {listed}: each gets some of the requests; end the one that is not meant")

    def _routes(self, config: Config) -> dict[str, Placed]:
        """Every route of ours in a configuration."""
        if self._read is None or self._read[0] is not config:
            found = placed(config.document, self._connection)
            # What is wrong around all of them is told at one: its repair repairs it for all.
            self._read = config, found, self._surroundings(config, found), min(found, default="")
        return self._read[1]

    def _surroundings(self, config: Config, found: Mapping[str, Placed]) -> tuple[str, ...]:
        """What is not as we leave it around routes that are."""
        if not found or any(entry.place for entry in found.values()):
            return ()
        try:
            return tuple(differing(config.document, weave(config.document, found, self._connection)))
        except Permanent as error:
            return (str(error),)

    def _state(self, name: str, found: Mapping[str, Placed]) -> State | None:
        entry = found.get(name)
        return read(entry.raw, entry.tls, list(entry.listen), entry.place) if entry is not None else None

    def _present(self, name: str, entry: Placed) -> Present:
        assert self._read is not None  # noqa: S101 (set by whoever found the entry)
        around = self._read[2] if name == self._read[3] else ()
        health, why = self._front.verdict(name)
        known = self._known.get(name)
        if known is not None and known[:2] == (entry, around):
            present = known[2]
            if (present.health, present.why) != (health, why):
                present = replace(present, health=health, why=why)
        else:
            state = read(entry.raw, entry.tls, list(entry.listen), entry.place)
            if around:
                state["unrecognised"] = {**state["unrecognised"], "surroundings": list(around)}
            present = Present(state, identifier(name), Owner.OURS, health, why)
        self._known[name] = entry, around, present
        return present

    def _strange(self, target: Target, config: Config) -> Observed:
        """A route of a person's own that was taken over as it is."""
        entry = find(config.document, target.handle, self._connection)
        if entry is None:
            return ABSENT
        known = self._taken.get(target.handle)
        if known is None or known[0] != entry:
            known = self._taken[target.handle] = entry, Present(_shown(entry), target.handle, Owner.FOREIGN)
        return known[1]

    def _receipt(self, change: Change, found: Mapping[str, Placed]) -> Receipt:
        return Receipt(identifier(change.key.name), self._state(change.key.name, found))


def _shown(entry: Placed) -> dict[str, Any]:
    """The state of a route of a person's own. Where it stands is no drift: there it was found."""
    return read(entry.raw, entry.tls, list(entry.listen))


def _ordered(state: State | None) -> set[str]:
    """The hosts for which Caddy orders certificates of a public authority."""
    return set(state["hosts"]) if state is not None and state["tls"].get("issuer") == "acme" else set()


def _equal(state: State | None, live: State | None) -> bool:
    if state is None or live is None:
        return state is None and live is None
    return not _fields(state, live)


def _difference(before: State | None, live: State | None) -> str:
    if before is None or live is None:
        return "it exists" if live is not None else "it does not exist"
    return ", ".join(path for path in _fields(before, live))


def _fields(wanted: State, live: State) -> list[str]:
    return [item.path for item in compare(wanted, live, same=same, whole=WHOLE)]
