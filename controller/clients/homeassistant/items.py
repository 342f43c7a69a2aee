"""Automations, scripts and scenes of one Home Assistant: looked at, written, and proved to be loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant.blueprints import USE, Bodies
from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.checks import invalid, refused, strange
from controller.clients.homeassistant.declaring import BODY, ENABLED, ENTITY, PROMISED, RAW, WHOLE, same, written
from controller.clients.homeassistant.errors import Unsure
from controller.clients.homeassistant.finding import FindsItems
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.model import CONFIGURED, UNAVAILABLE, Happening, Shown
from controller.clients.homeassistant.sensitive import hidden, secret_in_body
from controller.clients.homeassistant.standing import ends, in_yaml, stands, unloaded
from controller.core.change import Change
from controller.core.diff import compare
from controller.core.errors import Conflict, Permanent, ProviderError, Transient
from controller.core.key import Key
from controller.core.limit import YES, Limit, Never
from controller.core.ports import Clock
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, Unknown

LOADING = 30.0
"""Seconds in which Home Assistant loads what it has accepted; after a burst of writes it lags."""
_REGISTRY = ("name", "icon", "area_id", "labels", "hidden_by", "disabled_by", "categories")
"""What people add to an entity in its registry entry, which goes with the entity."""
Seen = tuple[Mapping[str, Any], Shown | None, Any, Observed]


class ItemProvider(FindsItems):
    """One kind of stored configuration: see the laws of the port. There are no owner marks: everything is shown as foreign."""

    visible_within = LOADING

    def __init__(self, home: Home, kind: str, clock: Clock) -> None:
        self._home = home
        self._kind = kind
        self._clock = clock
        self._normal = NORMAL[kind]
        self._bodies = Bodies(home, kind)
        self._keys: dict[str, Key] = {}
        self._seen: dict[str, Seen] = {}
        self._written: dict[str, tuple[Mapping[str, Any], float]] = {}
        """What was stored after the last write, in its normal form, and when."""

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """The targets, as they are loaded, or as they are stored where nothing is loaded."""
        self._keys.update((target.address, target.key) for target in targets)
        names = [target.address for target in targets]
        try:
            bodies = self._bodies.of(names)
            items: dict[Key, Observed] = {}
            for target in targets:
                body = bodies.get(target.address)
                items[target.key] = ABSENT if body is None else self._present(target.address, body)
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        return Snapshot(items)

    def limit(self, change: Change) -> Limit:
        """What Home Assistant would take and never do, or refuse; and what only an editor of its YAML can change."""
        try:
            if change.before is not None and self._in_yaml(change.address):
                return Never(in_yaml(self._kind, change.address))
            if change.after is None or change.drift:
                return YES
            after, risks = change.after, [risk.name for risk in change.risks]
            why = refused(self._home, json.loads(after[RAW]), after[BODY], after.get(PROMISED, ()), risks)
        except ProviderError:
            return YES
        return Never(why) if why else YES

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws of the port."""
        name, after = change.address, change.after
        stored = self._home.config(self._kind, name)
        if stored is None and self._stands(name):
            if after is None and self._gone(name, interrupt):
                return Receipt(name, None)
            raise Permanent(in_yaml(self._kind, name))
        live = self._state(name, stored) if stored is not None else None
        if after is None:
            return self._remove(change, live, interrupt)
        torn = live is None or bool(self._differing({BODY: after[BODY]}, live))
        if torn or (live is not None and self._differing(after, live)):
            self._expect(change, live)
        if torn:
            self._write(change, after)
        stored = self._home.config(self._kind, name)
        if stored is None:
            raise Permanent(f"Home Assistant accepted {self._said(name)} and does not show it")
        if (torn or self._entity(name)) and self._loads(name):
            normal = self._normal(stored)
            self._written[name] = normal, self._clock.monotonic()
            self._home.await_news(lambda: self._is_loaded(name, normal), LOADING, interrupt)
            self._bodies.forget()
        self._settle(change, after, interrupt)
        return Receipt(name, self._state(name, stored))

    def health(self, target: Target) -> tuple[Health, str]:
        """Healthy when it is loaded as it was written, and available."""
        name = target.address
        normal, since = self._written.get(name, (None, 0.0))
        health, why = self._health(name)
        if normal is None or not self._loads(name):
            return health, why
        if health is Health.HEALTHY and self._is_loaded(name, normal):
            return health, why
        if self._clock.monotonic() - since < LOADING:
            return Health.PROGRESSING, why or "Home Assistant has not loaded it yet"
        if health is Health.HEALTHY:
            return Health.DEGRADED, "Home Assistant accepted it and still runs another one: see its log"
        return health, why

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which one was loaded anew, came, went, or was switched."""

        def heard(happening: Happening | None) -> None:
            if happening is None or (happening.kind == self._kind and not happening.id):
                moved(None)
            elif happening.kind == self._kind and happening.id in self._keys:
                moved(self._keys[happening.id])

        self._home.listen(heard, stop, (self._kind,))

    def audit(self) -> None:
        """Read everything anew next time."""
        self._bodies.forget()
        self._home.audit()

    def _write(self, change: Change, after: State) -> None:
        name, body = change.address, json.loads(after[RAW])
        if PROMISED in after and not change.drift and (why := strange(self._home, after[BODY], after[PROMISED])):
            raise Permanent(why)
        try:
            self._home.save_config(self._kind, name, body)
        except Unsure:
            stored = self._home.config(self._kind, name)
            if stored is None or self._differing({BODY: after[BODY]}, {BODY: self._normal(stored)}):
                raise
        except Permanent as error:
            why = invalid(self._home, body)
            raise Permanent(f"{error}{f' ({why})' if why else ''}") from error

    def _settle(self, change: Change, after: State, interrupt: Flag) -> None:
        """Whether it is switched on, and what people had added to its entity."""
        name = change.address
        if change.before is None and ENTITY in after:
            self._add_back(name, after[ENTITY])
        if ENABLED not in after or (change.before is not None and ENABLED not in change.before):
            return
        entity = self._entity(name)
        shown, on = self._home.states().get(entity), bool(after[ENABLED])
        if PROMISED not in after and (not entity or (shown is not None and shown.restored)):  # on the way back no gate tells
            raise Transient(f"{self._said(name)} is written back and not loaded yet")
        if shown is None or shown.state == UNAVAILABLE or (shown.state == "on") == on:
            return
        data = {} if on else {"stop_actions": False}
        self._home.service(self._kind, "turn_on" if on else "turn_off", {"entity_id": entity}, data)
        wanted = "on" if on else "off"
        if not self._home.await_state(entity, lambda now: now is not None and now.state == wanted, LOADING, interrupt):
            raise Transient(f"{entity} was switched {wanted} and does not show it")

    def _add_back(self, name: str, row: Mapping[str, Any]) -> None:
        entity = self._entity(name)
        now = self._home.entities().get(entity)
        if now is None:
            return
        wanted = {word: row[word] for word in _REGISTRY if word in row and row[word] != _row(now).get(word)}
        if row["entity_id"] != entity and row["entity_id"] not in self._home.entities():
            wanted["new_entity_id"] = row["entity_id"]
        if wanted:
            self._home.call("config/entity_registry/update", entity_id=entity, **wanted)

    def _remove(self, change: Change, live: State | None, interrupt: Flag) -> Receipt:
        name = change.address
        if live is not None:
            self._expect(change, live)
            self._written.pop(name, None)
            with suppress(Unsure):  # looked at next
                self._home.remove_config(self._kind, name)
            if self._home.config(self._kind, name) is not None or not self._gone(name, interrupt):
                raise Transient(f"Home Assistant says that {self._said(name)} is removed, and still shows it")
        return Receipt(name, None)

    def _gone(self, name: str, interrupt: Flag) -> bool:
        """True as soon as nothing stands behind the entity of what is not stored any more."""
        return self._home.await_news(lambda: not self._stands(name), LOADING, interrupt)

    def _loads(self, name: str) -> bool:
        """False when Home Assistant was never told to load anything of this kind."""
        return bool(self._entity(name)) or self._kind in self._home.call("get_config")["components"]

    def _is_loaded(self, name: str, normal: Mapping[str, Any]) -> bool:
        """True when what runs is what was written. Scenes only show which entities they set."""
        entity = self._entity(name)
        shown = self._home.states().get(entity)
        if not entity or shown is None:
            return bool(entity and self._home.entities()[entity].get("disabled_by"))
        if shown.restored:  # also for a moment while it is loaded anew
            return False
        if self._kind == "scene":
            listed = shown.attributes.get("entity_id")
            return listed is None or set(listed) == set(normal.get("entities", ()))
        if shown.state != UNAVAILABLE and USE in normal:
            return self._bodies.is_made_of(name, str(normal[USE].get("path")))
        body = self._home.configs(self._kind, [name]).get(name)
        return shown.state == UNAVAILABLE or (
            body is not None and not self._differing({BODY: normal}, {BODY: self._normal(body)})
        )

    def _expect(self, change: Change, live: State | None) -> None:
        before, after = change.before, change.after or {}
        if before is None or live is None:
            half_made = before is None and live is not None and BODY in after and not self._differing({BODY: after[BODY]}, live)
            if before is not live and not half_made:
                raise Conflict(f"{change.key} is not what the change expects: it {'exists' if live else 'does not exist'}")
            return
        seen = {word: before[word] for word in before if word == BODY or word in after}
        if wrong := self._differing(seen, live):
            raise Conflict(f"{change.key} is not what the change expects: {', '.join(wrong)}")

    @staticmethod
    def _differing(wanted: State, live: State) -> list[str]:
        return [field.path for field in compare(wanted, live, same=same, whole=WHOLE)]

    def _entity(self, name: str) -> str:
        return self._home.entity_of(CONFIGURED[self._kind], name)

    def _stands(self, name: str) -> bool:
        return stands(self._home.states().get(self._entity(name)))

    def _in_yaml(self, name: str) -> bool:
        return self._stands(name) and self._home.config(self._kind, name) is None

    def _said(self, name: str) -> str:
        return f"the {self._kind} {name!r}"

    def _present(self, name: str, body: Mapping[str, Any]) -> Observed:
        """What is there; nothing of it when it holds a secret, which no journal may keep."""
        entity = self._entity(name)
        shown, row = self._home.states().get(entity), self._home.entities().get(entity)
        known = self._seen.get(name)
        if known is not None and known[0] is body and known[1] is shown and known[2] is row:
            return known[3]
        made: Observed
        if secret := secret_in_body(body):
            made = Unknown(f"{self._said(name)}: {hidden(secret)}")
        else:
            health, why = self._health(name)
            made = Present(self._state(name, body), name, Owner.FOREIGN, health, why, ends=ends(shown))
        if known is not None and known[3] == made:
            made = known[3]
        self._seen[name] = body, shown, row, made
        return made

    def _state(self, name: str, body: Mapping[str, Any]) -> State:
        if secret := secret_in_body(body):
            raise Conflict(f"{self._said(name)} was changed meanwhile: {hidden(secret)}")
        state: dict[str, Any] = {BODY: self._normal(body), RAW: written(body)}
        entity = self._entity(name)
        row, shown = self._home.entities().get(entity), self._home.states().get(entity)
        if row is not None:
            state[ENTITY] = {"entity_id": entity, **_row(row)}
        if self._kind == "automation" and shown is not None and shown.state in ("on", "off"):
            state[ENABLED] = shown.state == "on"
        return state

    def _health(self, name: str) -> tuple[Health, str]:
        entity = self._entity(name)
        if not entity:
            return Health.DEGRADED, unloaded(self._kind)
        shown = self._home.states().get(entity)
        if shown is None:
            why = "is disabled in the entity registry" if self._home.entities()[entity].get("disabled_by") else "is not loaded"
            return Health.DEGRADED, f"{entity} {why}"
        if shown.state == UNAVAILABLE:
            return Health.DEGRADED, f"{entity} is unavailable: Home Assistant could not set it up; see its log"
        off = self._kind == "automation" and shown.state == "off"
        return Health.HEALTHY, "it is switched off" if off else ""


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What people added to an entity."""
    return {word: sorted(value) if word == "labels" else value for word in _REGISTRY if (value := row.get(word))}
