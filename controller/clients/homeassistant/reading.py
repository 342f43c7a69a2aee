"""What is asked of Home Assistant when a conversation begins: first to be told of changes, then for what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from controller.clients.homeassistant.errors import Refused, Unsure
from controller.clients.homeassistant.line import Ask, Line
from controller.clients.homeassistant.model import REGISTRIES, SERVICE, Happening, Model, Row
from controller.core.errors import Transient

HELPERS = (
    *("input_boolean", "input_number", "input_select", "input_text", "input_datetime", "input_button"),
    *("counter", "timer", "schedule"),
)
"""The types of helpers that this project declares."""
Tell = Callable[[Iterable[Happening]], None]


class Reading:
    """Keeps a model current over one conversation."""

    def __init__(self, model: Model, tell: Tell) -> None:
        self._model = model
        self._tell = tell

    def begin(self, line: Line) -> None:
        """Follow everything and read it once: Home Assistant works off one batch in order. Raises Transient."""
        self._model.begin()
        self._get(line, [*self._subscriptions(), self._everything(), *map(self.table, (*REGISTRIES, SERVICE))])

    def again(self, line: Line, more: Sequence[Ask]) -> bool:
        """Read once more what is followed, the registries in use, and what `more` is asked, all at once. True when something had
        moved unheard. Raises Transient."""
        moved: list[bool] = []
        helpers = [
            Ask({"type": f"{kind}/list"}, answered=partial(self._took, partial(self._listed, moved, kind)))
            for kind in HELPERS
            if self._model.helpers(kind) is not None
        ]
        self._get(line, [self._everything(moved), *map(self.table, self._model.used()), *helpers], more)
        return any(moved)

    def _get(self, line: Line, asks: Sequence[Ask], more: Sequence[Ask] = ()) -> None:
        """`more` may be refused."""
        try:
            answers = line.ask([*asks, *more])
        except Unsure as error:
            raise Transient(str(error)) from error
        for ask, answer in zip(asks, answers, strict=False):
            spared = ask.fields.get("event_type") in _ADMINISTRATORS or str(ask.fields["type"]).endswith("/subscribe")
            if isinstance(answer, Refused) and not spared:
                raise Transient(str(answer))

    def _everything(self, moved: list[bool] | None = None) -> Ask:
        def took(rows: Any) -> None:
            changed = self._model.took_states(rows)
            if moved is not None:
                moved.append(changed)

        return Ask({"type": "get_states"}, answered=partial(self._took, took))

    def _listed(self, moved: list[bool], kind: str, rows: Any) -> None:
        changes = [{"change_type": "added", f"{kind}_id": row["id"], "item": row} for row in rows]
        moved.append(bool(self._model.heard_helpers(kind, changes, True)))

    def table(self, name: str) -> Ask:
        """The question for one registry."""
        command = "get_services" if name == SERVICE else f"config/{name}_registry/list"
        return Ask({"type": command}, answered=partial(self._took, partial(self._model.took_table, name)))

    def _subscriptions(self) -> Iterable[Ask]:
        yield self._event("state_changed", self._model.heard_state)
        for name in REGISTRIES:
            yield self._event(f"{name}_registry_updated", partial(self._model.heard_registry, name))
        for event in ("service_registered", "service_removed"):
            yield self._event(event, lambda _data: self._model.heard_services())
        for kind in ("automation", "scene"):
            yield self._event(f"{kind}_reloaded", partial(self._reloaded, kind))
        for kind in HELPERS:
            yield Ask({"type": f"{kind}/subscribe"}, heard=_Helpers(self._model, self._tell, kind))

    def _event(self, name: str, heard: Callable[[Any], Sequence[Happening] | None]) -> Ask:
        def told(event: Any) -> None:
            self._tell(heard(event["data"]) or ())

        return Ask({"type": "subscribe_events", "event_type": name}, heard=told)

    def _reloaded(self, kind: str, _data: Any) -> None:
        self._model.heard_reload(kind)

    @staticmethod
    def _took(take: Callable[[Any], None], answer: Any) -> None:
        if not isinstance(answer, Refused):
            take(answer)


_ADMINISTRATORS = ("automation_reloaded", "scene_reloaded")
"""Events that only administrators may hear of. (A type of helpers may not be set up: that is no matter either.)"""


class _Helpers:
    """Hears of the helpers of one type: first of all there are, then of changes."""

    def __init__(self, model: Model, tell: Tell, kind: str) -> None:
        self._model = model
        self._tell = tell
        self._kind = kind
        self._first = True

    def __call__(self, changes: Any) -> None:
        first, self._first = self._first, False
        self._tell(self._model.heard_helpers(self._kind, changes, first))


def unfit(config: Row) -> str:
    """Why what Home Assistant shows now is not what it is, "" when it is."""
    state = config.get("state", "RUNNING")
    if config.get("recovery_mode"):
        return "is in recovery mode: its own configuration does not load; see its log"
    if state in ("NOT_RUNNING", "STARTING"):
        return "is starting"
    if state != "RUNNING":
        return "is stopping"
    if config.get("safe_mode"):
        return "is in safe mode, without what was added to it; restart it"
    return ""
