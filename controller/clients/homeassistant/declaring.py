"""What an Automation, a Script or a Scene means: one course for the three. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from controller.clients.homeassistant.allowed import risks_of_actions, risks_of_scene, sorted_risks
from controller.clients.homeassistant.bodies import NORMAL
from controller.clients.homeassistant.declared import connection_of
from controller.clients.homeassistant.guarded import aims, risks_of_aims
from controller.clients.homeassistant.names import claim
from controller.clients.homeassistant.promises import needed, promised, titled
from controller.clients.homeassistant.sensitive import secret_places
from controller.core.change import Action
from controller.core.diff import FieldDiff, equal
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate, Risk
from controller.core.suggest import did_you_mean

BODY, RAW, ENABLED, ENTITY, PROMISED = "body", "raw", "enabled", "entity", "promised"
"""Fields of the normal form: the body in its one form, the text of it as it is written to Home Assistant, whether it is switched
on, what the entity registry has of it, and the ids that documents of the same revision bring."""
WHOLE = frozenset([BODY])
_ASIDE = frozenset([RAW, ENTITY, PROMISED])
GATE = Gate(timeout=60.0)
_KEPT = frozenset(["id", "via", "enabled"])
_NO_ID = re.compile(r"[\x00-\x1f\x7f/\\?#]")
_LONGEST = 200


class BodySpec(BaseModel):
    """What the three have in common. Keys that are not known here go to Home Assistant as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    id: str = Field(default="", description="Id of its configuration; left out, it is the document's name with _ for -.")
    via: str = Field(default="", description="The connection that holds it, where homelab.yaml declares several Home Assistants.")

    def body(self) -> dict[str, Any]:
        """What is written to Home Assistant, in the words of the document."""
        names = [name for name in type(self).model_fields if name in self.model_fields_set and name not in _KEPT]
        return {**{name: getattr(self, name) for name in names}, **(self.model_extra or {})}


def declared(kind: str, name: str, spec: BodySpec, around: Surroundings, identify: Collection[Problem] = ()) -> Desired:
    """The desired object. `identify` is what the kind itself found wrong. Raises Rejected with every problem."""
    body = spec.body()
    address = spec.id or name.replace("-", "_")
    problems = [*identify, *_problems(address, spec, body), *_secret(kind, body)]
    try:
        connection = connection_of(spec.via, around.connections)
    except Rejected as error:
        raise Rejected([*problems, *error.problems]) from error
    if problems:
        raise Rejected(problems)
    body = titled(kind, name, body)
    normal = NORMAL[kind](body)
    promises = promised(normal, connection, around)
    state: dict[str, Any] = {BODY: normal, RAW: written(body), PROMISED: [each.id for each in promises]}
    if getattr(spec, ENABLED, None) is not None:
        state[ENABLED] = getattr(spec, ENABLED)
    return Desired(
        state=state,
        provider=connection,
        address=address,
        references=needed(kind, name, promises, connection, around),
        claims=(claim(connection, kind, address),),
        gate=GATE,
        risks=_risks(kind, body, normal, connection, around),
    )


def _risks(
    kind: str, body: Mapping[str, Any], normal: Mapping[str, Any], connection: str, around: Surroundings
) -> tuple[Risk, ...]:
    found = risks_of_scene(body) if kind == "scene" else risks_of_actions(body)
    aimed = list(aims(normal))
    if not aimed:
        return found
    devices: Mapping[str, Any] = around.others("device")
    attended = {each.entity for each in devices.values() if each.attended and each.via in ("", connection)}
    return sorted_risks([*found, *risks_of_aims(aimed, attended)])


def _secret(kind: str, body: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each value that git and the journal would keep in clear."""
    hint = "a Device with `code: {ref: …}` opens a lock or disarms an alarm; leave what needs another secret in Home Assistant"
    for path in secret_places(body):
        named, word = (
            f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}",
            next(part for part in reversed(path) if isinstance(part, str)),
        )
        yield Problem(path, f"{named} cannot hold a secret, and `{word}` looks like one", hint)


def written(body: Mapping[str, Any]) -> str:
    """A body as text in which the order of its keys is kept."""
    return json.dumps(body, ensure_ascii=False)


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; how a body is spelled and what the entity registry adds to it is nobody's declaration."""
    return path[0] in _ASIDE or equal(path, desired, observed)


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """Bodies change in place."""
    return Action.UPDATE


def _problems(address: str, spec: BodySpec, body: Mapping[str, Any]) -> Iterator[Problem]:
    if _NO_ID.search(address) or not address.strip() or len(address) > _LONGEST:
        yield Problem(("id",), f"{address[:40]!r} cannot be an id", "use letters, digits, - and _")
    known = [word for word in type(spec).model_fields if word not in ("trigger", "condition", "action")]
    for word in spec.model_extra or {}:
        if hint := did_you_mean(word, known):
            yield Problem((word,), f"unknown key {word!r}", hint)
    for path in _marked(body, ()):
        yield Problem(path, "!reset and !override mean nothing here", "leave the tag out")


def _marked(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where something stands that is not plain data."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _marked(value, (*path, name))
    elif isinstance(data, (list, tuple)):
        for number, value in enumerate(data):
            yield from _marked(value, (*path, number))
    elif data is not None and not isinstance(data, (str, int, float)):
        yield path


def together(body: Mapping[str, Any], old: str, new: str) -> Iterator[Problem]:
    """A problem when both spellings of one thing are written."""
    if old in body and new in body:
        yield Problem((old,), f"`{old}` and `{new}` are two spellings of one thing", f"keep `{new}`")


def missing(body: Mapping[str, Any], *words: str) -> Iterator[Problem]:
    """A problem when none of the words is written, and nothing else says it."""
    if "use_blueprint" not in body and not any(word in body for word in words):
        yield Problem((), f"`{words[0]}` is missing", f"write `{words[0]}:`, or `use_blueprint:`")
