"""Records of zones behind one connection: what every DNS server with an interface for reading and writing has in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from threading import Event as Flag
from typing import Any, Protocol

from controller.clients.dns.authority import Agreed, Disagreed, Said, Untold, ask, folded
from controller.clients.dns.listing import listing
from controller.clients.dns.primary import Edit, RecordSet
from controller.clients.dns.servers import Servers
from controller.clients.dns.values import same_values
from controller.core.change import Change
from controller.core.dns import RecordPlace, ZoneListing
from controller.core.errors import Conflict, Permanent, ProviderError
from controller.core.key import Key
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target
from controller.kinds.record.following import Following

DEFAULT_TTL = 300
Places = Collection[RecordPlace]
Unit = Sequence[Edit]
"""Edits that must go together."""


class ZoneServer(Protocol):
    """A server as the provider needs it. Methods raise Transient or Permanent.

    `guards` = `write` itself refuses (Conflict) what does not find what it expects; else it is read and compared first."""

    guards: bool

    def read(self, zone: str, places: Places) -> Mapping[RecordPlace, RecordSet]:
        """The sets of records of a zone that are among the places and exist."""

    def write(self, zone: str, edits: Sequence[Edit]) -> None:
        """Make all edits of a zone, or none."""

    def packed(self, units: Sequence[Unit]) -> Sequence[Sequence[Unit]]:
        """Units, in order, as writes that each hold some of them."""

    def everything(self, zone: str) -> Mapping[tuple[str, str], RecordSet]:
        """Every set of records of a zone, of any type, by full name and type."""

    def close(self) -> None:
        """End connections."""


class RecordProvider(Following):
    """Records on one server: see the laws of the port. `servers` are the authoritative ones that must agree before a record
    counts as healthy; None = the server alone is believed. DNS has no owner marks: every record is shown as foreign."""

    visible_within = 5.0
    gather = 0.2

    def __init__(self, server: ZoneServer, servers: Servers | None, *following: Any) -> None:
        super().__init__(*following)
        self._server = server
        self._servers = servers
        self._shown: dict[Key, Present] = {}
        """What was seen or written last, so that what stays as it is stays the same object."""
        self._written: dict[Key, tuple[str, ...]] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets, read zone by zone. Nothing else in a zone is looked at."""
        items: dict[Key, Observed] = {}
        reasons: list[str] = []
        for zone, places in _by_zone(targets).items():
            try:
                found = self._server.read(zone, places.keys())
            except ProviderError as error:
                reasons.append(str(error))
                continue
            for place, target in places.items():
                held = found.get(place)
                items[target.key] = self._present(target, place, held) if held is not None else ABSENT
        return Snapshot(items, complete=not reasons, reason="; ".join(reasons))

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port."""
        result = self.apply_many([change], interrupt)[0]
        if isinstance(result, ProviderError):
            raise result
        return result

    def apply_many(self, changes: Sequence[Change], interrupt: Flag) -> Sequence[Receipt | ProviderError]:  # noqa: ARG002
        """Every change of a zone in as few writes as hold them."""
        places = [RecordPlace.parse(change.address) for change in changes]
        edits = [_edit(place, change) for place, change in zip(places, changes, strict=True)]
        zones: dict[str, list[Edit]] = {}
        for place, edit in zip(places, edits, strict=True):
            zones.setdefault(place.zone, []).append(edit)
        results: dict[int, RecordSet | ProviderError | None] = {}
        for zone, several in zones.items():
            _Writing(self._server, zone, results)(several)
        return [
            self._result(place, change, results[id(edit)]) for place, change, edit in zip(places, changes, edits, strict=True)
        ]

    def health(self, target: Target) -> tuple[Health, str]:
        """Healthy when every authoritative server that answers shows what the server holds."""
        place = RecordPlace.parse(target.address)
        wanted = self._written.get(target.key)
        if wanted is None:
            held = self._server.read(place.zone, [place]).get(place)
            if held is None:
                return Health.MISSING, "there is no such record"
            wanted = held.values
        if self._servers is None:
            return Health.HEALTHY, ""
        servers = self._servers.of(place.zone)
        return judged(place, wanted, folded(ask(servers, [(place.name, place.type)])[place.name, place.type]))

    def zone(self, zone: str) -> ZoneListing:
        """Everything in a zone. Raises Transient, Permanent."""
        return listing(zone, self._server.everything(zone))

    def close(self) -> None:
        """End connections."""
        self._server.close()

    def _result(self, place: RecordPlace, change: Change, found: RecordSet | ProviderError | None) -> Receipt | ProviderError:
        if isinstance(found, ProviderError):
            return found
        if found is None:
            self._written.pop(change.key, None)
            self._shown.pop(change.key, None)
            return Receipt(change.address, None)
        self._written[change.key] = found.values
        shown = state_of(place, found)
        if shown == change.after:
            shown = change.after  # the very same object: a large zone is kept once, not once by everybody who knows it
        self._shown[change.key] = Present(shown, change.address, Owner.FOREIGN)
        return Receipt(change.address, shown)

    def _present(self, target: Target, place: RecordPlace, held: RecordSet) -> Present:
        known, state = self._shown.get(target.key), state_of(place, held)
        if known is not None and known.handle == target.address and known.state == state:
            return known
        present = self._shown[target.key] = Present(state, target.address, Owner.FOREIGN)
        return present


class _Writing:
    """Edits of one zone on their way: what cannot be made is found by halves and does not hold up the rest. `results` takes, by
    the identity of the edit, what stands there now or why it failed."""

    def __init__(self, server: ZoneServer, zone: str, results: dict[int, RecordSet | ProviderError | None]) -> None:
        self._server = server
        self._zone = zone
        self._results = results

    def __call__(self, edits: Sequence[Edit]) -> None:
        if not self._server.guards:
            edits = self._left(edits)
        for packed in self._server.packed(_units(edits)):
            self._write(packed)

    def _write(self, units: Sequence[Unit]) -> None:
        edits = [edit for unit in units for edit in unit]
        if not edits:
            return
        try:
            self._server.write(self._zone, edits)
            self._results.update((id(edit), _made(edit)) for edit in edits)
        except (Conflict, Permanent) as error:
            if len(units) > 1:
                half = len(units) // 2
                self._write(units[:half])
                self._write(units[half:])
            else:
                self._settle(edits, error)
        except ProviderError as error:
            self._results.update((id(edit), error) for edit in edits)

    def _settle(self, edits: Unit, error: ProviderError) -> None:
        """One name was refused: what is already so is done, what is not as expected is a conflict, the rest is tried once more
        when something of it fell away, and else fails as the server said."""
        left = self._left(edits)
        if left and len(left) < len(edits):
            self._write([left])
        elif isinstance(error, Conflict):
            said = "something else of this name stands in its way (an alias cannot stand beside other records)"
            self._results.update((id(edit), Conflict(f"{edit.name} {edit.type}: {said}")) for edit in left)
        else:
            self._results.update((id(edit), error) for edit in left)

    def _left(self, edits: Sequence[Edit]) -> list[Edit]:
        """The edits that are still to be made and may be."""
        try:
            found = self._server.read(self._zone, [RecordPlace(edit.name, edit.type, self._zone) for edit in edits])
        except ProviderError as error:
            self._results.update((id(edit), error) for edit in edits)
            return []
        left: list[Edit] = []
        for edit in edits:
            live = found.get(RecordPlace(edit.name, edit.type, self._zone))
            if _shows(live, edit.after):
                self._results[id(edit)] = live
                continue
            if _shows(live, edit.before):
                left.append(edit)
            else:
                what = "holds " + ", ".join(live.values) if live is not None else "is gone"
                self._results[id(edit)] = Conflict(f"{edit.name} {edit.type} is not what the change expects: it {what}")
        return left


def judged(place: RecordPlace, wanted: Sequence[str], said: Said) -> tuple[Health, str]:
    """How well a record does its work by what the authoritative servers say."""
    match said:
        case Untold(why):
            hint = "name the right ones under `servers` of the connection"
            return Health.UNKNOWN, f"no authoritative server of {place.zone} answers: {why}; {hint}"
        case Disagreed(why):
            return Health.PROGRESSING, f"the servers of {place.zone} do not agree yet: {why}"
        case Agreed(values) if same_values(values, wanted):
            return Health.HEALTHY, ""
        case Agreed(values):
            return Health.PROGRESSING, f"the servers of {place.zone} still say {', '.join(values) or 'there is none'}"


def state_of(place: RecordPlace, held: RecordSet) -> State:
    """The normal form of what a zone holds."""
    return {"zone": place.zone, "name": place.name, "type": place.type, "values": list(held.values), "ttl": held.ttl}


def _edit(place: RecordPlace, change: Change) -> Edit:
    before, after = _record_set(change.before), _record_set(change.after)
    ttl = (after.ttl if after else 0) or (before.ttl if before else 0) or DEFAULT_TTL
    return Edit(place.name, place.type, before, after, ttl)


def _made(edit: Edit) -> RecordSet | None:
    """What stands there once an edit is made."""
    if edit.after is None or edit.after.ttl == edit.ttl:
        return edit.after
    return RecordSet(edit.after.values, edit.ttl)


def _record_set(state: State | None) -> RecordSet | None:
    return RecordSet(tuple(sorted(state["values"])), int(state.get("ttl", 0))) if state is not None else None


def _shows(live: RecordSet | None, wanted: RecordSet | None) -> bool:
    if live is None or wanted is None:
        return live is wanted
    return wanted.ttl in (0, live.ttl) and same_values(live.values, wanted.values)


def _units(edits: Iterable[Edit]) -> list[Unit]:
    """Edits that must go together: of one name, where an alias comes or goes. What only loses goes last, so that no zone is ever
    emptied before it is filled."""
    edits = list(edits)
    aliases = {edit.name for edit in edits if edit.type == "CNAME"}
    together: dict[str, list[Edit]] = {}
    units: list[Unit] = []
    for edit in edits:
        if edit.name not in aliases:
            units.append((edit,))
        elif edit.name in together:
            together[edit.name].append(edit)
        else:
            units.append(together.setdefault(edit.name, [edit]))
    return sorted(units, key=lambda unit: all(edit.after is None for edit in unit))


def _by_zone(targets: Iterable[Target]) -> dict[str, dict[RecordPlace, Target]]:
    found: dict[str, dict[RecordPlace, Target]] = {}
    for target in targets:
        place = RecordPlace.parse(target.address)
        found.setdefault(place.zone, {})[place] = target
    return found
