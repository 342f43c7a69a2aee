"""Bodies for Home Assistant, each in as many spellings as anybody likes.

`Author(meaning, style)` writes the same body for the same meaning, whatever the style: old words or new ones, lists or single
items, durations in any form, defaults left out or written out. Both are seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

ENTITIES: Mapping[str, Sequence[str]] = {
    "input_boolean": ("input_boolean.t_one", "input_boolean.t_two", "input_boolean.t_three"),
    "input_number": ("input_number.t_level",),
    "input_text": ("input_text.t_word",),
    "counter": ("counter.t_count",),
    "timer": ("timer.t_timer",),
}
TEXTS = (
    *(
        "on",
        "off",
        "yes",
        "5",
        "5.0",
        "07:00",
        "null",
        "~",
        "",
        " padded ",
        "two\nlines\n",
        "tab\there",
        "ä€𝄞",
        "# no comment",
        "a: b",
    ),
    *(
        "- item",
        "{a: 1}",
        "!input x",
        "%",
        "@at",
        "'single'",
        '"double"',
        "back\\slash",
        "1e5",
        "0x1F",
        "2026-11-23",
        "1_000",
        "=",
        "<<",
    ),
    *("\x85\u2028\ufeff", "x" * 200, "<script>alert(1)</script>", "\x1b[31mred"),
)
NUMBERS = (0, 1, -1, 5, 2.5, 1e20, 1e-7, 2**53 + 1, 100)
TEMPLATES = ("{{ states('input_boolean.t_one') == 'on' }}", "{% if true %}{{ now().hour > 7 }}{% endif %}", "{{ 1 }}\n{{ 2 }}")
_DEEPEST = 3


class Author:
    """Writes bodies. What depends on the meaning alone is drawn from one stream, how it is spelled from the other."""

    def __init__(self, meaning: int, style: int, entities: Mapping[str, Sequence[str]] = ENTITIES) -> None:
        self._meaning = Random(meaning)
        self._style = Random(style)
        self._entities = entities

    def automation(self) -> dict[str, Any]:
        """An automation."""
        body = {
            "alias": f"T {self._text()[:30]!r}",
            self._word("triggers", "trigger"): self._alone(self._several(self.trigger, 1)),
            self._word("actions", "action"): self._alone(self._several(self._top_action, 1)),
        }
        self._sometimes(
            body, self._word("conditions", "condition"), lambda: self._alone(self._several(self.condition, 1)), empty=[]
        )
        return self._common(body)

    def script(self) -> dict[str, Any]:
        """A script."""
        body: dict[str, Any] = {"alias": f"T {self._text()[:30]!r}", "sequence": self._alone(self._several(self._top_action, 1))}
        self._sometimes(body, "fields", self._fields, empty={})
        self._sometimes(body, "icon", lambda: "mdi:lamp")
        return self._common(body)

    def scene(self) -> dict[str, Any]:
        """A scene."""
        chosen = self._choices(self._entities["input_boolean"])
        return {"name": f"T {self._text()[:30]!r}", "entities": {name: self._state_of(name) for name in chosen}}

    def trigger(self, _depth: int = 0) -> dict[str, Any]:
        """A trigger."""
        watching = [self._of_state, self._of_number, self._of_event, self._of_template, self._of_notice]
        made = self._meaning.choice([*watching, self._at_time, self._at_sun, self._at_start, self._at_pattern])()
        word = self._word("trigger", "platform")
        made = {word: made.pop("trigger"), **made}
        self._sometimes(made, "id", lambda: f"id_{self._meaning.randrange(9)}")
        self._sometimes(made, "variables", lambda: {"a": self._text(), "b": self._spelled([1.0])})
        return self._noted(made)

    def condition(self, depth: int = 0) -> Any:
        """A condition."""
        kinds: list[Callable[[int], Any]] = [self._is_state, self._is_number, self._is_time, self._is_template, self._was_trigger]
        kinds.append(self._is_sun)
        return self._meaning.choice([*kinds, self._logic] if depth < _DEEPEST else kinds)(depth)

    def action(self, depth: int = 0) -> dict[str, Any]:
        """An action."""
        flat = [self._call, self._call, self._delay, self._wait, self._wait_for, self._fire, self._set, self._stop]
        flat = [*flat, self._answer]
        deep = [self._choose, self._if, self._repeat, self._parallel, self._sequence]
        if self._meaning.randrange(9) == 0:
            found = self.condition(depth)
            return {"condition": found} if isinstance(found, str) else found
        made: dict[str, Any] = self._meaning.choice([*flat, *deep] if depth < _DEEPEST else flat)(depth)
        if self._maybe():
            made["continue_on_error"] = True
        elif self._any_style():
            made["continue_on_error"] = self._boolean(False)
        return self._noted(made)

    def _top_action(self, _depth: int = 0) -> dict[str, Any]:
        return self.action(0)

    def _common(self, body: dict[str, Any]) -> dict[str, Any]:
        mode = self._meaning.choice(["single", "restart", "queued", "parallel"])
        if mode != "single" or self._any_style():
            body["mode"] = mode
        if mode in ("queued", "parallel"):
            most = self._meaning.choice([10, 3])
            if most != 10 or self._any_style():
                body["max"] = self._style.choice([most, float(most)])
            body["max_exceeded"] = self._word("silent", "SILENT")
        self._sometimes(body, "description", self._text, empty="")
        self._sometimes(body, "variables", self._data, empty={})
        if "triggers" in body or "trigger" in body:
            self._sometimes(body, "trace", lambda: {"stored_traces": self._meaning.randrange(1, 20)})
        entries = list(body.items())
        self._style.shuffle(entries)
        return dict(entries)

    def _of_state(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "state", "entity_id": self._ids("input_boolean")}
        self._sometimes(made, "to", lambda: self._alone(self._choices(["on", "off"])))
        self._sometimes(made, "from", lambda: None if self._maybe() else self._alone(self._choices(["on", "off"])))
        if self._maybe():
            made["to"] = self._alone(["on"])
            made["for"] = self._duration()
        return made

    def _of_number(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "numeric_state", "entity_id": self._ids("input_number")}
        made["above"] = self._number()
        self._sometimes(made, "for", self._duration)
        self._sometimes(made, "value_template", lambda: "{{ state.state | float(0) }}")
        return made

    def _at_time(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "time"}
        times = [
            f"{self._meaning.randrange(24):02}:{self._meaning.randrange(60):02}:00" for _ in range(self._meaning.randrange(1, 3))
        ]
        made["at"] = self._alone([self._clock(each) for each in times])
        return made

    def _at_sun(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "sun", "event": self._meaning.choice(["sunrise", "sunset"])}
        self._sometimes(made, "offset", self._offset)
        return made

    def _at_start(self) -> dict[str, Any]:
        return {"trigger": "homeassistant", "event": self._meaning.choice(["start", "shutdown"])}

    def _at_pattern(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "time_pattern"}
        made[self._meaning.choice(["hours", "minutes", "seconds"])] = self._meaning.choice(["/5", "*", "7"])
        return made

    def _of_notice(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "persistent_notification", "notification_id": f"t_notice_{self._meaning.randrange(9)}"}
        self._sometimes(made, "update_type", lambda: [self._meaning.choice(["added", "removed", "updated"])])
        return made

    def _of_event(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "event", "event_type": f"t_event_{self._meaning.randrange(9)}"}
        self._sometimes(made, "event_data", self._data)
        return made

    def _of_template(self) -> dict[str, Any]:
        made: dict[str, Any] = {"trigger": "template", "value_template": self._template()}
        self._sometimes(made, "for", self._duration)
        return made

    def _is_state(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"condition": "state", "entity_id": self._ids("input_boolean")}
        made["state"] = self._alone(self._choices(["on", "off"]))
        self._sometimes(made, "for", self._duration)
        if self._any_style():
            made["match"] = "all"
        return self._noted(made)

    def _is_number(self, _depth: int) -> dict[str, Any]:
        return self._noted({"condition": "numeric_state", "entity_id": self._ids("input_number"), "below": self._number()})

    def _is_time(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"condition": "time", "after": self._clock(f"{self._meaning.randrange(24):02}:30:00")}
        self._sometimes(made, "weekday", lambda: self._alone(self._choices(["mon", "tue", "sun"])))
        return self._noted(made)

    def _is_sun(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"condition": "sun", "after": self._meaning.choice(["sunrise", "sunset"])}
        self._sometimes(made, "after_offset", self._offset)
        return self._noted(made)

    def _is_template(self, _depth: int) -> Any:
        template = self._template()
        if self._any_style():
            return template
        return {"condition": "template", "value_template": template}

    def _was_trigger(self, _depth: int) -> dict[str, Any]:
        return {"condition": "trigger", "id": self._alone([f"id_{self._meaning.randrange(9)}"])}

    def _logic(self, depth: int) -> dict[str, Any]:
        word = self._meaning.choice(["and", "or", "not"])
        inner = self._several(self.condition, depth + 1)
        if self._any_style():
            return {word: inner}
        return {"condition": word, "conditions": self._alone(inner) if self._any_style() else inner}

    def _call(self, _depth: int) -> dict[str, Any]:
        domain, service, data = self._meaning.choice(
            [
                ("input_boolean", "turn_on", None),
                ("input_number", "set_value", {"value": self._meaning.randrange(9)}),
                ("input_text", "set_value", {"value": self._text()}),
                ("counter", "increment", None),
                ("timer", "start", {"duration": "{{ 5 }}"}),
                ("homeassistant", "turn_off", None),
            ]
        )
        target = {"entity_id": self._ids(domain if domain in self._entities else "input_boolean")}
        made: dict[str, Any] = {self._word("action", "service"): f"{domain}.{service}"}
        if data is not None:
            made[self._word("data", "data_template")] = self._spelled(data)
        elif self._any_style():
            made["data"] = {}
        made["target"] = target
        if self._any_style():
            made["metadata"] = {}
        return made

    def _delay(self, _depth: int) -> dict[str, Any]:
        return {"delay": self._duration()}

    def _wait(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"wait_template": self._template(), "timeout": self._duration()}
        if self._any_style():
            made["continue_on_timeout"] = self._boolean(True)
        return made

    def _wait_for(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"wait_for_trigger": self._alone(self._several(self.trigger, 1))}
        self._sometimes(made, "timeout", self._duration)
        self._sometimes(made, "continue_on_timeout", lambda: False)
        return made

    def _fire(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"event": f"t_event_{self._meaning.randrange(9)}"}
        self._sometimes(made, "event_data", self._data)
        return made

    def _set(self, _depth: int) -> dict[str, Any]:
        return {"variables": self._data()}

    def _stop(self, _depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"stop": self._text()}
        if self._maybe():
            made["error"] = True
        elif self._any_style():
            made["error"] = self._boolean(False)
        return made

    def _answer(self, _depth: int) -> dict[str, Any]:
        return {"set_conversation_response": self._text()}

    def _choose(self, depth: int) -> dict[str, Any]:
        options = [
            {
                "conditions": self._alone(self._several(self.condition, depth + 1)),
                "sequence": self._alone(self._several(self.action, depth + 1)),
            }
            for _ in range(self._meaning.randrange(1, 3))
        ]
        made: dict[str, Any] = {"choose": self._alone(options)}
        self._sometimes(made, "default", lambda: self._alone(self._several(self.action, depth + 1)))
        return made

    def _if(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"if": self._alone(self._several(self.condition, depth + 1))}
        made["then"] = self._alone(self._several(self.action, depth + 1))
        self._sometimes(made, "else", lambda: self._alone(self._several(self.action, depth + 1)), empty=[])
        return made

    def _repeat(self, depth: int) -> dict[str, Any]:
        inner = self._several(self.action, depth + 1)
        how: dict[str, Any] = self._meaning.choice(
            [
                {"count": self._meaning.randrange(1, 5)},
                {"for_each": [self._text(), {"x": 1}]},
                {"while": self._alone(self._several(self.condition, depth + 1))},
                {"until": self._alone(self._several(self.condition, depth + 1))},
            ]
        )
        if "count" in how:
            how["count"] = self._style.choice([how["count"], float(how["count"]), str(how["count"])])
        return {"repeat": {**how, "sequence": self._alone(inner)}}

    def _parallel(self, depth: int) -> dict[str, Any]:
        branches: list[Any] = []
        for _ in range(self._meaning.randrange(1, 3)):
            inner = self._several(self.action, depth + 1)
            plain = len(inner) == 1 and "sequence" not in inner[0] and self._any_style()
            branches.append(inner[0] if plain else {"sequence": inner})
        return {"parallel": branches}

    def _sequence(self, depth: int) -> dict[str, Any]:
        return {"sequence": self._several(self.action, depth + 1)}

    def _fields(self) -> dict[str, Any]:
        field: dict[str, Any] = {"description": self._text(), "selector": {"text": {}}}
        if self._any_style():
            field["required"] = self._boolean(False)
        return {"who": field}

    def _state_of(self, name: str) -> Any:
        word = self._meaning.choice(["on", "off"])
        if self._maybe():
            return {
                "state": self._style.choice([word, word == "on"]),
                "icon": "mdi:lamp",
                "level": self._number_of(self._meaning.choice(NUMBERS)),
            }
        return self._style.choice([word, word == "on", {"state": word}])

    def _noted(self, made: dict[str, Any]) -> dict[str, Any]:
        self._sometimes(made, "alias", lambda: self._text() or "x", empty="")
        if self._maybe():
            made["enabled"] = self._boolean(False)
        elif self._any_style():
            made["enabled"] = self._boolean(True)
        return made

    def _sometimes(self, made: dict[str, Any], name: str, value: Callable[[], Any], empty: Any = None) -> None:
        """An entry, if the meaning says so; else, where nothing is as good as an empty one, as the style likes."""
        if self._maybe():
            made[name] = value()
        elif empty is not None and self._any_style():
            made[name] = empty

    def _several(self, one: Callable[[int], Any], depth: int) -> list[Any]:
        return [one(depth) for _ in range(self._meaning.randrange(1, 3))]

    def _choices(self, among: Sequence[str]) -> list[str]:
        return self._meaning.sample(list(among), self._meaning.randrange(1, len(among) + 1))

    def _alone(self, items: list[Any]) -> Any:
        """One item without its list, if the style likes that."""
        return items[0] if len(items) == 1 and not isinstance(items[0], list) and self._any_style() else items

    def _ids(self, domain: str) -> Any:
        found = self._choices(self._entities[domain])
        return self._style.choice([found, ", ".join(found), [each.upper() if self._any_style() else each for each in found]])

    def _data(self) -> dict[str, Any]:
        value: Any = self._meaning.choice(
            [self._text(), self._meaning.choice(NUMBERS), True, None, [1, "two", {"three": 3.0}], self._template()]
        )
        return {"a_value": self._spelled(value), "b": {"c": self._spelled([1.0])}}

    def _spelled(self, value: Any) -> Any:
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        if isinstance(value, (int, float)):
            return self._number_of(value)
        if isinstance(value, dict):
            return {name: self._spelled(item) for name, item in value.items()}
        return [self._spelled(item) for item in value]

    def _number(self) -> Any:
        value = self._meaning.choice([0, 5, 21.5, -3])
        return self._style.choice([value, float(value), str(value)])

    def _number_of(self, value: float) -> Any:
        return self._style.choice([value, float(value)]) if float(value) == value else value

    def _duration(self) -> Any:
        if self._meaning.randrange(8) == 0:
            return {"minutes": "{{ 5 }}"}
        minutes, seconds = self._meaning.randrange(90), self._meaning.randrange(60)
        total = minutes * 60 + seconds
        written = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        return self._style.choice(
            [written, total, str(total), {"minutes": minutes, "seconds": float(seconds)}, {"seconds": total}]
        )

    def _offset(self) -> str:
        return self._meaning.choice(["-00:30:00", "01:15:00", "00:00:20"])

    def _clock(self, text: str) -> str:
        return self._style.choice([text, text[:5]])

    def _boolean(self, value: bool) -> Any:
        return self._style.choice([value, "yes" if value else "no", "on" if value else "OFF", str(value)])

    def _text(self) -> str:
        return self._meaning.choice(TEXTS)

    def _template(self) -> str:
        return self._meaning.choice(TEMPLATES)

    def _word(self, new: str, old: str) -> str:
        return self._style.choice([new, old])

    def _maybe(self) -> bool:
        return self._meaning.random() < 0.4

    def _any_style(self) -> bool:
        return self._style.random() < 0.5
