"""Helpers of one Home Assistant. Creating one twice would make a second one beside it, and an update replaces all of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.lifecycle import another_id, carry_out
from controller.clients.homeassistant.model import HELPER, UNAVAILABLE, Happening
from controller.clients.homeassistant.names import first_title
from controller.core.change import Change
from controller.core.errors import Conflict, Permanent, ProviderError
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, Unknown
from controller.kinds.helper.discover import FindsHelpers
from controller.kinds.helper.fields import HIDDEN, NEWER, hides, sent, shown
from controller.kinds.helper.resolve import same

Items = Mapping[str, Mapping[str, Any]]


class HelperProvider(FindsHelpers):
    """See the laws of the port. The address of a helper is `type.id`, as its entity is called. There are no owner marks: every
    helper is shown as foreign."""

    visible_within = 3.0

    def __init__(self, home: Home) -> None:
        self._home = home
        self._shelf = _Shelf(home)
        self._keys: dict[str, Key] = {}
        self._seen: dict[Key, tuple[Mapping[str, Any], str, Observed]] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets, as Home Assistant keeps them now. One that is written in its YAML is not among them."""
        items: dict[Key, Observed] = {}
        known: dict[str, Items] = {}
        try:
            for target in targets:
                kind, _, name = target.address.partition(".")
                self._keys[target.address] = target.key
                if kind not in known:
                    known[kind] = self._kept(kind)
                item = known[kind].get(name)
                items[target.key] = self._present(target, kind, item) if item is not None else ABSENT
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        return Snapshot(items)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:  # noqa: ARG002 (nothing here waits)
        """Make the change; see the laws of the port."""
        return carry_out(change, self._shelf, same)

    def limit(self, change: Change) -> Limit:
        """What stands in Home Assistant's YAML, and what its version does not know, is not for us."""
        try:
            return self._limit(change)
        except ProviderError:
            return YES

    def health(self, target: Target) -> tuple[Health, str]:
        """Healthy when its entity shows a state. Raises Transient."""
        kind, _, name = target.address.partition(".")
        entity = self._home.entity_of(kind, name)
        row = self._home.entities().get(entity)
        if row is None:
            return Health.PROGRESSING, f"Home Assistant shows no entity for {target.address} yet"
        if row.get("disabled_by"):
            return Health.HEALTHY, f"{entity} is disabled"
        state = self._home.states().get(entity)
        if state is None or state.state == UNAVAILABLE:
            return Health.PROGRESSING, f"{entity} has no state yet"
        return Health.HEALTHY, ""

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which helper was changed; its value is its own business."""

        def heard(happening: Happening | None) -> None:
            if happening is None:
                moved(None)
            elif happening.kind == HELPER and happening.id in self._keys:
                moved(self._keys[happening.id])

        self._home.listen(heard, stop, (HELPER,))

    def audit(self) -> None:
        """Read everything anew next time."""
        self._home.audit()

    def _kept(self, kind: str) -> Items:
        try:
            return self._home.helpers(kind)
        except Refused:  # no helper of a type that is not set up is there; `limit` tells why none can be made
            return {}

    def _keeps(self, address: str) -> bool:
        kind, _, name = address.partition(".")
        return name in self._kept(kind)

    def _present(self, target: Target, kind: str, item: Mapping[str, Any]) -> Observed:
        """What is there; nothing of it when it holds a secret, which no journal may keep."""
        known = self._seen.get(target.key)
        if known is None or known[0] is not item or known[1] != target.address:
            state, address = shown(kind, item), target.address
            secret = hides(address, state)
            known = item, address, Unknown(HIDDEN) if secret else Present(state, address, Owner.FOREIGN)
            self._seen[target.key] = known
        return known[2]

    def _limit(self, change: Change) -> Limit:
        strange = another_id(change, self._keeps)
        if strange != YES:
            return strange
        kind, _, name = change.address.partition(".")
        try:
            kept = self._home.helpers(kind)
        except Refused as error:
            return Never(str(error))
        if change.before is None and name not in kept:
            state = self._home.states().get(change.address)
            if state is not None and state.attributes.get("editable") is False:
                return Never(
                    f"{change.address} is written in Home Assistant's YAML: change it there, remove it there, or take another id"
                )
            owner = self._home.entities().get(change.address)
            if owner is not None and owner.get("platform") != kind:
                return Never(f"{owner.get('platform')} has an entity called {change.address} already: take another id")
        return YES


class _Shelf:
    """Helpers, for the course of a change."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def look(self, address: str) -> State | None:
        kind, _, name = address.partition(".")
        for item in self._home.call(f"{kind}/list"):
            if item["id"] == name:
                return shown(kind, item)
        return None

    def create(self, address: str, wanted: State) -> None:
        kind, _, name = address.partition(".")
        first = {**wanted, "name": first_title(name, str(wanted["name"]))}
        made = self._write(kind, "create", sent(kind, first))["id"]
        if made != name:
            self._home.call(f"{kind}/delete", **{f"{kind}_id": made})
            raise Conflict(f"Home Assistant has another {address}, perhaps in its YAML")
        if first["name"] != wanted["name"]:
            try:
                self.update(address, wanted, wanted)
            except Permanent:
                self.remove(address)
                raise

    def update(self, address: str, whole: State, wanted: State) -> None:  # noqa: ARG002 (an update replaces all of it)
        kind, _, name = address.partition(".")
        self._write(kind, "update", {**sent(kind, whole), f"{kind}_id": name})

    def remove(self, address: str) -> None:
        kind, _, name = address.partition(".")
        self._home.call(f"{kind}/delete", **{f"{kind}_id": name})

    def complete(self, address: str, wanted: State) -> None:  # noqa: ARG002 (only its entity)
        """Its entity is called as it is, also when it had another name before it was removed the last time."""
        kind, _, name = address.partition(".")
        entity = self._home.entity_of(kind, name)
        if entity and entity != address:
            self._home.call("config/entity_registry/update", entity_id=entity, new_entity_id=address)

    def _write(self, kind: str, command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            written: Mapping[str, Any] = self._home.call(f"{kind}/{command}", **fields)
        except Refused as error:
            newer = [field for field in NEWER.get(kind, ()) if field in fields]
            if newer and error.code == "invalid_format":
                said = (
                    f"Home Assistant {self._home.version} does not take `{newer[0]}: {fields[newer[0]]}` for an {kind}: {error}"
                )
                raise Permanent(said) from error
            raise
        return written
