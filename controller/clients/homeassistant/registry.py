"""Areas, floors and labels: collections whose entries others point at. Deleting an entry clears what pointed at it, so what did
is part of what an entry shows, and is pointed at it again when the entry comes back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.finding import FindsEntries
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.known import Entries, check_known, entries_of, listed, unknown_names
from controller.clients.homeassistant.lifecycle import another_id, carry_out
from controller.clients.homeassistant.model import Happening
from controller.clients.homeassistant.names import first_title, without_none
from controller.core.change import Action, Change
from controller.core.diff import FieldDiff, equal
from controller.core.errors import Conflict, Permanent, ProviderError
from controller.core.key import Key
from controller.core.limit import YES, Limit
from controller.core.state import ABSENT, Observed, Owner, Present, Receipt, Snapshot, State, Target

MEMBERS = "members"
"""The field of an entry that says what points at it, by registry. Nobody declares it."""


@dataclass(frozen=True)
class Pointer:
    """A field of another registry's entries that names an entry of this one; `many` = it is a list."""

    registry: str
    field: str
    many: bool = False


@dataclass(frozen=True)
class Registry:
    """One registry: `fields` are Home Assistant's names by ours, `lists` those of ours that are sets of texts, `folded` those of
    which the case means nothing, `refers` the registries that a field names entries of."""

    kind: str
    fields: Mapping[str, str]
    pointers: tuple[Pointer, ...]
    lists: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    refers: Mapping[str, str] | None = None

    @property
    def command(self) -> str:
        """What its commands begin with."""
        return f"config/{self.kind}_registry"

    @property
    def id_field(self) -> str:
        """What an entry calls its id."""
        return f"{self.kind}_id"

    def shown(self, entry: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> State:
        """The normal form of an entry. What none of its kind can point at is not said."""
        state: dict[str, Any] = {name: self._value(name, entry.get(field)) for name, field in self.fields.items()}
        return {**state, MEMBERS: {pointer.registry: sorted(members.get(pointer.registry, ())) for pointer in self.pointers}}

    def sent(self, fields: State) -> dict[str, Any]:
        """The fields of a normal form as Home Assistant takes them."""
        return {self.fields[name]: value for name, value in fields.items() if name in self.fields}

    def _value(self, name: str, value: Any) -> Any:
        if name in self.lists:
            return sorted(value or ())
        return value.lower() if name in self.folded and isinstance(value, str) else value


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; what points at an entry is nobody's declaration."""
    return path[0] == MEMBERS or equal(path, desired, observed)


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """Entries change in place."""
    return Action.UPDATE


class RegistryProvider(FindsEntries):
    """The entries of one registry of one Home Assistant: see the laws of the port. There are no owner marks: every entry is
    shown as foreign."""

    visible_within = 3.0

    def __init__(self, home: Home, registry: Registry) -> None:
        self._home = home
        self._registry = registry
        self._shelf = _Shelf(home, registry)
        self._keys: dict[str, Key] = {}
        self._seen: dict[Key, Present] = {}
        self._pointing: tuple[tuple[Entries, ...], Mapping[str, Mapping[str, list[str]]]] = ((), {})

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets, as the registry shows them now."""
        try:
            entries = entries_of(self._home, self._registry.kind)
            members = self._members()
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        items: dict[Key, Observed] = {}
        for target in targets:
            self._keys[target.address] = target.key
            entry = entries.get(target.address)
            items[target.key] = ABSENT if entry is None else self._present(target, entry, members.get(target.address, {}))
        return Snapshot(items)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:  # noqa: ARG002 (nothing here waits)
        """Make the change; see the laws of the port."""
        return carry_out(change, self._shelf, same)

    def limit(self, change: Change) -> Limit:
        """An entry that names what is not there is refused: Home Assistant would take it. So is another id for the same entry."""
        try:
            entries = entries_of(self._home, self._registry.kind)
            strange = another_id(change, lambda name: name in entries)
            return unknown_names(self._home, change, self._registry.refers or {}) if strange == YES else strange
        except ProviderError:
            return YES

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which entry moved."""

        def heard(happening: Happening | None) -> None:
            if happening is None:
                moved(None)
            elif happening.kind == self._registry.kind and happening.id in self._keys:
                moved(self._keys[happening.id])

        self._home.listen(heard, stop, (self._registry.kind,))

    def audit(self) -> None:
        """Read everything anew next time."""
        self._home.audit()

    def _present(self, target: Target, entry: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> Present:
        known, state = self._seen.get(target.key), self._registry.shown(entry, members)
        if known is None or known.handle != target.address or known.state != state:
            known = self._seen[target.key] = Present(state, target.address, Owner.FOREIGN)
        return known

    def _members(self) -> Mapping[str, Mapping[str, list[str]]]:
        """What points at each entry, worked out once while nothing moves."""
        read = tuple(entries_of(self._home, pointer.registry) for pointer in self._registry.pointers)
        known = self._pointing
        if len(known[0]) != len(read) or any(one is not other for one, other in zip(known[0], read, strict=True)):
            self._pointing = known = (read, members_of(self._registry, read))
        return known[1]


def members_of(registry: Registry, read: Sequence[Entries]) -> Mapping[str, Mapping[str, list[str]]]:
    """What points at each entry, by registry; `read` are the entries of each pointer, in order."""
    found: dict[str, dict[str, list[str]]] = {}
    for pointer, entries in zip(registry.pointers, read, strict=True):
        for address, entry in entries.items():
            value = entry.get(pointer.field)
            for named in (value or ()) if pointer.many else (value,):
                if named:
                    found.setdefault(named, {}).setdefault(pointer.registry, []).append(address)
    return found


class _Shelf:
    """Entries of a registry, for the course of a change."""

    def __init__(self, home: Home, registry: Registry) -> None:
        self._home = home
        self._registry = registry

    def look(self, address: str) -> State | None:
        found = self._list(self._registry.kind).get(address)
        if found is None:
            return None
        read = [entries_of(self._home, pointer.registry) for pointer in self._registry.pointers]
        return self._registry.shown(found, members_of(self._registry, read).get(address, {}))

    def create(self, address: str, wanted: State) -> None:
        registry = self._registry
        self._check(wanted)
        named = {**wanted, "name": first_title(address, str(wanted["name"]))}
        made = self._write("create", named, address)[registry.id_field]
        if made != address:
            self._home.call(f"{registry.command}/delete", **{registry.id_field: made})
            raise Conflict(f"Home Assistant has another {registry.kind} {address} already")
        if named["name"] != wanted["name"]:
            try:
                self.update(address, wanted, wanted)
            except Permanent:
                self.remove(address)
                raise

    def update(self, address: str, whole: State, wanted: State) -> None:  # noqa: ARG002 (only what is wanted is sent)
        self._check(wanted)
        self._write("update", wanted, address)

    def remove(self, address: str) -> None:
        self._home.call(f"{self._registry.command}/delete", **{self._registry.id_field: address})

    def complete(self, address: str, wanted: State) -> None:
        """Point at the entry again what did before it was deleted, unless it points elsewhere by now."""
        calls: list[dict[str, Any]] = []
        for pointer in self._registry.pointers:
            names = (wanted.get(MEMBERS) or {}).get(pointer.registry) or ()
            entries = self._list(pointer.registry) if names else {}
            calls += (again for name in names if (again := _pointed(pointer, name, entries.get(name), address)) is not None)
        for outcome in self._home.calls(calls) if calls else ():
            if isinstance(outcome, Refused) and outcome.code != "not_found":
                raise Permanent(f"{address} is back, but not everything points at it again: {outcome}")

    def _check(self, wanted: State) -> None:
        """Home Assistant takes names of what is not there."""
        for name, registry in (self._registry.refers or {}).items():
            check_known(self._home, registry, wanted.get(name))

    def _write(self, command: str, fields: State, address: str) -> Mapping[str, Any]:
        sent = self._registry.sent(fields)
        if command == "create":
            sent = without_none(sent)
        else:
            sent[self._registry.id_field] = address
        try:
            written: Mapping[str, Any] = self._home.call(f"{self._registry.command}/{command}", **sent)
        except Refused as error:
            raise self._refusal(error, str(fields.get("name", "")), address) from error
        return written

    def _refusal(self, error: Refused, name: str, address: str) -> ProviderError:
        kind = self._registry.kind
        wanted = _folded(name)
        for other, entry in self._list(kind).items() if name else ():
            if other != address and _folded(str(entry["name"])) == wanted:
                return Permanent(
                    f"Home Assistant has {kind} {other} of the name {entry['name']!r} already: "
                    f"give this one another name, or take that one over with `id: {other}` and `mode: adopt`"
                )
        return error

    def _list(self, registry: str) -> Entries:
        return listed(self._home, registry)


def _pointed(pointer: Pointer, name: str, entry: Mapping[str, Any] | None, address: str) -> dict[str, Any] | None:
    """The command that points an entry at another again, None when it is not needed or not possible."""
    if entry is None:
        return None
    value = entry.get(pointer.field)
    if address in (value or ()) if pointer.many else value:
        return None
    key = "entity_id" if pointer.registry == "entity" else f"{pointer.registry}_id"
    again: Any = [*(value or []), address] if pointer.many else address
    return {"type": f"config/{pointer.registry}_registry/update", key: name, pointer.field: again}


def _folded(name: str) -> str:
    """Two names that are equal in this form cannot stand beside each other."""
    return name.casefold().replace(" ", "")
