"""One Home Assistant: commands, services, stored configuration, and a live model of what it shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event as Flag
from typing import Any

from controller.clients.homeassistant.connection import Connection
from controller.clients.homeassistant.contact import Contact, looked
from controller.clients.homeassistant.ears import Ears
from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.line import Ask, Line
from controller.clients.homeassistant.model import CONFIGURED, Happening, Model, Row, Shown
from controller.clients.homeassistant.rest import Rest
from controller.core.errors import Transient
from controller.core.ports import Clock

_GLANCE = 0.5
"""Seconds after which a wait sees that it was called off, or that the connection is gone."""


class Home:
    """One instance. Opening never connects; the first call does, and the next one after a loss, with pauses while nothing
    answers. Every method but `listen`, `audit` and `close` raises Transient when it cannot be reached, is starting, or refuses
    the token; those that write raise Unsure when the answer was lost and Refused when Home Assistant says no. What is read is
    the same object as before while nothing changed. For many threads. `token` gives the token each time it is needed."""

    def __init__(self, connection: Connection, token: Callable[[], str], clock: Clock) -> None:
        self.name = connection.name
        self._clock = clock
        self._model = Model()
        self._ears = Ears()
        self._contact = Contact(connection, token, clock, self._model, self._ears, self._foreseen)
        self._rest = Rest(connection, self._contact.token, self._contact.trust)
        self._configs: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self._wanted: set[tuple[str, str, str]] = set()
        self._fetched: dict[tuple[str, str, str], tuple[int, Any]] = {}

    @property
    def me(self) -> str:
        """The id of the token's user: what `Shown.user_id` is after our own calls."""
        self._contact.line()
        return self._contact.me

    @property
    def administrator(self) -> bool:
        """Whether the token's user may change anything but states."""
        self._contact.line()
        return self._contact.administrator

    @property
    def version(self) -> str:
        """The version of Home Assistant, such as 2026.11.0."""
        return self._contact.line().version

    def call(self, type: str, **fields: Any) -> Any:  # noqa: A002 (its name on the wire)
        """The result of one command."""
        return _result(self._contact.line().ask([Ask({"type": type, **fields})])[0])

    def calls(self, commands: Sequence[Mapping[str, Any]]) -> list[Any | Refused]:
        """The results of several commands (`type` and fields), sent at once, in order. Unsure when one of them was lost."""
        return self._contact.line().ask([Ask(fields) for fields in commands])

    def service(self, domain: str, service: str, target: Mapping[str, Any], data: Mapping[str, Any]) -> str:
        """Call a service (an action) and wait until it is done; the context id that its changes carry."""
        fields = {
            "domain": domain,
            "service": service,
            "service_data": dict(data),
            **({"target": dict(target)} if target else {}),
        }
        return str(self.call("call_service", **fields)["context"]["id"])

    def states(self) -> Mapping[str, Shown]:
        """Every state by entity id, as it is now."""
        self._contact.line()
        return self._model.states()

    def entities(self) -> Mapping[str, Row]:
        """The entity registry by entity id, raw fields (without aliases: `config/entity_registry/get` has them)."""
        return self._contact.table("entity")

    def devices(self) -> Mapping[str, Row]:
        """The device registry by id."""
        return self._contact.table("device")

    def areas(self) -> Mapping[str, Row]:
        """The area registry by id."""
        return self._contact.table("area")

    def floors(self) -> Mapping[str, Row]:
        """The floor registry by id."""
        return self._contact.table("floor")

    def labels(self) -> Mapping[str, Row]:
        """The label registry by id."""
        return self._contact.table("label")

    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """Every service (action) by domain and name, with its description."""
        return self._contact.table("service")

    def helpers(self, kind: str) -> Mapping[str, Row]:
        """The helpers of a type that are kept by Home Assistant (not in YAML), by id. Raises Refused for a type that is not set
        up there."""
        self._contact.line()
        found = self._model.helpers(kind)
        if found is None:
            raise Refused("not_found", f"{kind} is not set up; add `{kind}:` to its configuration.yaml")
        return found

    def entity_of(self, platform: str, unique_id: str) -> str:
        """The entity that an integration knows by an id ("" = none). That of scenes is `homeassistant`; of automations, scripts
        and helpers it is their own type."""
        self.entities()
        return self._model.entity_of(platform, unique_id)

    def config(self, kind: str, name: str) -> dict[str, Any] | None:
        """The stored automation, script or scene with an id, without the id; None when the editor has none."""
        return self._editor().read(kind, name)

    def save_config(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        """Create or replace one. It is loaded a moment after this returns."""
        try:
            self._editor().write(kind, name, body)
        finally:
            self._model.touch(kind)

    def remove_config(self, kind: str, name: str) -> None:
        """Remove one; done when there is none."""
        try:
            self._editor().remove(kind, name)
        finally:
            self._model.touch(kind)

    def configs(self, kind: str, names: Collection[str]) -> Mapping[str, dict[str, Any]]:
        """Of these ids, the configurations there are, without ids: of automations and scripts as they are loaded (also from YAML
        of a person), of scenes, and where no entity stands, as they are stored."""
        line = self._contact.line()
        self.entities()
        edition = self._model.edition(kind)
        entities = {name: self._model.entity_of(CONFIGURED[kind], name) for name in names}
        found: dict[str, dict[str, Any]] = {}
        asked = []
        for name in names:
            kept, body = self._configs.get((kind, name), (-1, {}))
            if kept == edition and entities[name]:
                found[name] = body
            elif entities[name] and kind != "scene":
                asked.append(name)
        for name, answer in self._loaded(line, kind, {name: entities[name] for name in asked}, edition).items():
            if isinstance(answer, Refused) and answer.code != "not_found":
                raise answer
            if not isinstance(answer, Refused) and answer.get("config"):
                body = {word: value for word, value in answer["config"].items() if word != "id"}
                found[name] = self._keep(kind, name, edition, body)
        if kind != "scene":
            self._wanted.update((kind, name, entity) for name, entity in entities.items() if entity)
        for name in names:
            if name not in found and (stored := self.config(kind, name)) is not None:
                found[name] = self._keep(kind, name, edition if entities[name] else -1, stored)
        return {name: found[name] for name in names if name in found}

    def _loaded(self, line: Line, kind: str, entities: Mapping[str, str], edition: int) -> dict[str, Any]:
        """What is loaded under ids, by their entities: as it was read with everything else, or asked for now."""
        found = {}
        for name, entity in entities.items():
            fetched, answer = self._fetched.pop((kind, name, entity), (-1, None))
            if fetched == edition:
                found[name] = answer
        asked = [name for name in entities if name not in found]
        answers = looked(line, [Ask({"type": f"{kind}/config", "entity_id": entities[name]}) for name in asked])
        return {**found, **dict(zip(asked, answers, strict=True))}

    def _foreseen(self) -> list[Ask]:
        """The bodies that were asked for since everything was read last."""
        wanted, self._wanted = self._wanted, set()
        fetched = self._fetched = {}
        editions = {kind: self._model.edition(kind) for kind in CONFIGURED}

        def ask(kind: str, name: str, entity: str) -> Ask:
            def answered(answer: Any) -> None:
                fetched[kind, name, entity] = editions[kind], answer

            return Ask({"type": f"{kind}/config", "entity_id": entity}, answered=answered)

        return [ask(*each) for each in sorted(wanted)]

    def show(self, entity_id: str, state: str, attributes: Mapping[str, Any]) -> None:
        """Set a state that nothing stands behind: no entry in the registry, and gone after a restart."""
        self._editor().show(entity_id, state, attributes)

    def audit(self) -> None:
        """Trust nothing seen before: what is asked for next is read anew."""
        self._contact.doubt()

    def await_state(self, entity_id: str, holds: Callable[[Shown | None], bool], seconds: float, interrupt: Flag) -> bool:
        """Wait until the state of an entity (None = there is none) is such. False when the time is over or `interrupt` is set:
        the caller must tell the two apart. A lost connection is waited for too; raises Transient when it is still lost then."""
        return self.await_news(lambda: holds(self.states().get(entity_id)), seconds, interrupt)

    def await_news(self, holds: Callable[[], bool], seconds: float, interrupt: Flag) -> bool:
        """`await_state` for anything that can be read here: asked again whenever something moved."""
        until = self._clock.monotonic() + seconds
        with self._ears.listening(light=True) as ear:
            while True:
                ear.take()
                trouble: Transient | None = None
                try:
                    if holds():
                        return True
                except Transient as error:
                    trouble = error
                while True:
                    left = until - self._clock.monotonic()
                    if interrupt.is_set():
                        return False
                    if left <= 0 and trouble is not None:
                        raise trouble
                    if left <= 0:
                        return False
                    if self._clock.wait(ear.woken, min(left, _GLANCE)) or trouble is not None:
                        break

    def listen(self, heard: Callable[[Happening | None], None], stop: Flag, kinds: Collection[str] = ()) -> None:
        """Call `heard` for what moves, each thing once, until `stop` is set; None = anything may have, also at the beginning and
        after every loss. `kinds` of happenings that matter (none = all): nothing else wakes this thread. Blocks; raises only what
        `heard` does, which may ask here."""
        with self._ears.listening(kinds) as ear:
            ear.tell([None])
            while not stop.is_set():
                try:
                    self._contact.line()
                except Transient:
                    self._clock.wait(stop, _GLANCE)
                    continue
                if self._clock.wait(ear.woken, _GLANCE):
                    for news in ear.take():
                        heard(news)

    def close(self) -> None:
        """End the connection for good."""
        self._contact.close()

    def _editor(self) -> Rest:
        if not self.administrator:
            raise Refused("unauthorized", "the token's user is no administrator; make the token as one")
        return self._rest

    def _keep(self, kind: str, name: str, edition: int, body: dict[str, Any]) -> dict[str, Any]:
        _, old = self._configs.get((kind, name), (0, {}))
        same = old if old == body else body
        self._configs[kind, name] = edition, same
        return same


def _result(answer: Any) -> Any:
    if isinstance(answer, Refused):
        raise answer
    return answer
