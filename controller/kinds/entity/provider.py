"""Entries of the entity registry of one Home Assistant: there before us, changed by us, never made and never removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.known import check_known, unknown_names
from controller.clients.homeassistant.lifecycle import differing, touched, unexpected
from controller.clients.homeassistant.model import UNAVAILABLE, Happening, Shown
from controller.core.change import Change
from controller.core.diff import equal
from controller.core.errors import Conflict, Interrupted, Permanent, ProviderError
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target
from controller.core.suggest import did_you_mean
from controller.kinds.entity.discover import FindsEntities
from controller.kinds.entity.energy import Meters

_REFERS = {"area": "area", "labels": "label"}
_BACK_WITHIN = 45.0
"""Seconds that an entity may take to come back after its integration was loaded anew."""
_BY_USER = "user"
Row = Mapping[str, Any]


class EntityProvider(FindsEntities, Meters):
    """See the laws of the port. The address is the entity id, the handle what the registry calls the entry: that stays when
    somebody renames the entity. `visible_within` covers what a killed controller had sent."""

    visible_within = 3.0

    def __init__(self, home: Home) -> None:
        self._home = home
        self._keys: dict[str, Key] = {}
        self._seen: dict[str, tuple[Row, Present]] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets. What a list does not show (other names) is asked for where an entry changed."""
        try:
            rows = self._home.entities()
            self._learn({target.address: rows[target.address] for target in targets if target.address in rows})
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        items: dict[Key, Observed] = {}
        for target in targets:
            self._keys[target.address] = target.key
            known = self._seen.get(target.address) if target.address in rows else None
            items[target.key] = known[1] if known is not None else ABSENT
        return Snapshot(items)

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port. On the way back, an entity that came with the same rollout loses
        what it was given."""
        entry = self._entry(change.address)
        if entry is None:
            if change.after is None:
                return Receipt(change.handle, None)
            raise Conflict(f"{change.key} is gone: {self._missing(change)}")
        live, handle = shown(entry), str(entry["id"])
        if change.after is None:
            self._update(change.address, entry, dict.fromkeys(change.before or {}))
            return Receipt(handle, None)
        wanted = touched(change)
        if differing(_filled(wanted), live, equal):
            if wrong := unexpected(change, live, equal):
                raise Conflict(f"{change.key} is not what the change expects: {', '.join(wrong)}")
            for name, registry in _REFERS.items():
                check_known(self._home, registry, wanted.get(name))
            entry = self._update(change.address, entry, wanted)
        if wanted.get("disabled") is False:
            self._bring_back(entry, interrupt)
        left = differing({name: value for name, value in wanted.items() if name in change.after}, shown(entry), equal)
        if left:
            raise Permanent(f"Home Assistant accepted {change.address} and shows another {', '.join(left)}")
        return Receipt(handle, shown(entry))

    def limit(self, change: Change) -> Limit:
        """Never for an entity that is not there and that nothing in the same revision makes, and for unknown areas and labels."""
        try:
            makes = any(need.kind not in ("area", "label") for need in change.needs)
            if change.after is not None and change.address not in self._home.entities() and not makes:
                return Never(self._missing(change))
            return unknown_names(self._home, change, _REFERS)
        except ProviderError:
            return YES

    def health(self, target: Target) -> tuple[Health, str]:
        """Healthy when it shows a state, or has none because it is disabled. Raises Transient."""
        row = self._home.entities().get(target.address)
        if row is None:
            return Health.MISSING, f"Home Assistant has no entity {target.address}"
        if row.get("disabled_by"):
            return Health.HEALTHY, "it is disabled"
        if target.address not in self._home.states():
            if not row.get("config_entry_id"):
                return Health.HEALTHY, "it comes back when Home Assistant starts again"
            return Health.PROGRESSING, f"{target.address} has no state yet"
        return Health.HEALTHY, ""

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which entry moved."""

        def heard(happening: Happening | None) -> None:
            if happening is None:
                moved(None)
            elif happening.kind == "entity" and happening.id in self._keys:
                moved(self._keys[happening.id])

        self._home.listen(heard, stop, ("entity",))

    def audit(self) -> None:
        """Read everything anew next time."""
        self._seen.clear()
        self._home.audit()

    def _learn(self, rows: Mapping[str, Row]) -> None:
        """Read the whole entries of those that are not known as they are."""
        new = [name for name, row in rows.items() if name not in self._seen or self._seen[name][0] is not row]
        if not new:
            return
        entries = self._home.call("config/entity_registry/get_entries", entity_ids=new)
        for name in new:
            entry = entries.get(name)
            if entry is None:
                self._seen.pop(name, None)
                continue
            present = Present(shown(entry), str(entry["id"]), Owner.FOREIGN)
            known = self._seen.get(name)
            self._seen[name] = rows[name], known[1] if known is not None and known[1] == present else present

    def _entry(self, address: str) -> Row | None:
        try:
            entry: Row = self._home.call("config/entity_registry/get", entity_id=address)
        except Refused as error:
            if error.code == "not_found":
                return None
            raise
        return entry

    def _update(self, address: str, entry: Row, wanted: State) -> Row:
        try:
            answer = self._home.call("config/entity_registry/update", entity_id=address, **sent(entry, wanted))
        except Refused as error:
            if wanted.get("disabled") is False and self._device_off(entry):
                raise Permanent(f"{address} cannot be enabled while its device is disabled; enable the device first") from error
            raise
        updated: Row = answer["entity_entry"]
        return updated

    def _device_off(self, entry: Row) -> bool:
        device = self._home.devices().get(str(entry.get("device_id")))
        return device is not None and bool(device.get("disabled_by"))

    def _bring_back(self, entry: Row, interrupt: Flag) -> None:
        """An entity that was enabled has no state until its integration is loaded anew."""
        address, integration = str(entry["entity_id"]), entry.get("config_entry_id")
        if address in self._home.states() or not integration:
            return
        self._home.service("homeassistant", "reload_config_entry", {}, {"entry_id": integration})

        def back(state: Shown | None) -> bool:
            return state is not None and state.state != UNAVAILABLE

        if not self._home.await_state(address, back, _BACK_WITHIN, interrupt) and interrupt.is_set():
            raise Interrupted(f"called off while {address} was coming back")

    def _missing(self, change: Change) -> str:
        """Why there is no entry, and what to do."""
        rows, address = self._home.entities(), change.address
        renamed = next((name for name, row in rows.items() if change.handle and row.get("id") == change.handle), "")
        if renamed:
            return f"somebody renamed it to {renamed}: write `entity: {renamed}`"
        if address in self._home.states():
            return (
                f"{address} has no unique id, so Home Assistant keeps no entry for it: add `unique_id:` where it is configured, "
                "or write its name and icon there"
            )
        near = did_you_mean(address, rows)
        return f"Home Assistant has no entity {address}" + (f"; {near}" if near else "")


def shown(entry: Row) -> State:
    """The normal form of a whole entry. The place that the computed name has among the other names is not ours."""
    return {
        "name": entry.get("name"),
        "icon": entry.get("icon"),
        "area": entry.get("area_id"),
        "disabled": entry.get("disabled_by") is not None,
        "hidden": entry.get("hidden_by") is not None,
        "labels": sorted(entry.get("labels") or ()),
        "aliases": sorted(alias for alias in entry.get("aliases") or () if alias is not None),
    }


def sent(entry: Row, wanted: State) -> dict[str, Any]:
    """Fields as Home Assistant takes them; None puts one back to what the integration says."""
    fields: dict[str, Any] = {}
    for name, value in _filled(wanted).items():
        if name in ("disabled", "hidden"):
            fields[f"{name}_by"] = _BY_USER if value else None
        elif name == "aliases":
            fields[name] = [*(alias for alias in entry.get("aliases") or () if alias is None), *value]
        else:
            fields["area_id" if name == "area" else name] = value
    return fields


def _filled(wanted: State) -> State:
    """What is no longer declared goes back to what it is without anybody's word."""
    empty = {"labels": [], "aliases": [], "disabled": False, "hidden": False}
    return {name: empty.get(name) if value is None else value for name, value in wanted.items()}
