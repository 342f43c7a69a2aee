"""What a Device means, when two states of one are the same, and what a difference asks for. Pure.

The normal form is `{"entity", "desired", "rules"}`. What the world shows has all values of an entity under `desired`, no `rules`,
and `guard`: why a person must agree to every change ("" = nobody need)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.clients.homeassistant import connection_of
from controller.clients.homeassistant.names import claim, declared_entity
from controller.core.change import Action, Reversal
from controller.core.diff import FieldDiff
from controller.core.document import Draft
from controller.core.errors import Problem, Rejected
from controller.core.key import Key
from controller.core.kind import Desired, Heed, Surroundings
from controller.core.state import State
from controller.kinds.device.domains import DOMAINS, entity_problem, means_same, mute, read_desired
from controller.kinds.device.model import Condition, DeviceSpec
from controller.kinds.device.openings import guarded, opens

_HEEDS = {"onDrift": Heed.REPAIR, "once": Heed.ONCE, "observe": Heed.REPORT}
_CODED = frozenset(name for name, domain in DOMAINS.items() if domain.coded)


def resolve(name: str, spec: DeviceSpec, around: Surroundings) -> Desired:
    """The desired device. Raises Rejected with every problem."""
    problems: list[Problem] = []
    desired: dict[str, Any] = {}
    message, hint = entity_problem(spec.entity)
    if message:
        problems.append(Problem(("entity",), message, hint))
    elif spec.desired:
        desired = read_desired(spec.entity, spec.desired, problems)
    problems += _rule_problems(spec)
    try:
        connection = connection_of(spec.via, around.connections)
    except Rejected as error:
        raise Rejected([*problems, *error.problems]) from error
    code = around.secret(spec.code.ref).state() if spec.code is not None and not problems else None
    if problems:
        raise Rejected(problems)
    return Desired(
        state={"entity": spec.entity, "desired": desired, "rules": _rules(spec, code)},
        provider=connection,
        address=spec.entity,
        references=tuple(dict.fromkeys(_references(name, spec, connection, around))),
        claims=(claim(connection, "device", spec.entity),),
    )


def expand(name: str, spec: DeviceSpec, _around: Surroundings) -> Sequence[Draft]:
    """The Entity for what is said about the registry entry."""
    if not spec.registry:
        return ()
    via = {"via": spec.via} if spec.via else {}
    plain = {word: list(value) if isinstance(value, tuple) else value for word, value in spec.registry.items()}
    return (Draft("entity", name, {"entity": spec.entity, **via, **plain}),)


def verb(_fields: Sequence[FieldDiff]) -> Action:
    """A device is told what to be, in place."""
    return Action.UPDATE


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Rules are no state of a device, and a value that is no longer wanted is let go, not reset. Values mean the same within what
    devices round away; a state on its way is as good as reached."""
    if path[0] != "desired":
        return True
    if len(path) == 1:
        return bool(desired == observed)
    if desired is None:
        return True
    return observed is not None and means_same(path[1], desired, observed)


def reversal(_action: Action, before: State | None, after: State | None) -> Reversal:
    """What was let in cannot be sent out again."""
    if after is None or not opens(after["desired"]) or not attended(before, after):
        return Reversal.EXACT
    return Reversal.NONE


def attended(before: State | None, after: State | None) -> str:
    """Why a person must agree to a write."""
    for state in filter(None, (before, after)):
        if state.get("guard"):
            return str(state["guard"])
        if state.get("rules", {}).get("attended"):
            return f"{state['entity']} is declared with `attended: true`: a person agrees to every change of it"
    return guarded(after["entity"], frozenset()) if after is not None else ""


def heeds(state: State) -> Heed:
    """What `enforce` says."""
    return _HEEDS[state.get("rules", {}).get("enforce", "onDrift")]


def _rules(spec: DeviceSpec, code: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"enforce": spec.enforce, "override": spec.override, "confirm": spec.confirm}
    if spec.when is not None:
        found["when"] = {
            "from": spec.when.start,
            "to": spec.when.end,
            "days": sorted(spec.when.days),
            "timezone": spec.when.timezone,
        }
    if spec.conditions:
        found["conditions"] = [{"entity": each.entity, "state": _wanted(each)} for each in spec.conditions]
    if spec.attended:
        found["attended"] = True
    if code is not None:
        found["code"] = code
    return found


def _wanted(condition: Condition) -> Any:
    several = condition.state if isinstance(condition.state, tuple) else (condition.state,)
    found = [("on" if each else "off") if isinstance(each, bool) else each for each in several]
    return found if isinstance(condition.state, tuple) else found[0]


def _rule_problems(spec: DeviceSpec) -> Iterator[Problem]:
    for at, condition in enumerate(spec.conditions):
        message, hint = entity_problem(condition.entity)
        if message:
            yield Problem(("conditions", at, "entity"), message, hint)
        if condition.state == ():
            yield Problem(("conditions", at, "state"), "a condition needs a state that fits")
    if spec.when is not None and spec.when.start == spec.when.end:
        yield Problem(("when", "to"), "a window that ends when it opens is never open", "leave `when` out for always")
    if spec.confirm < 1:
        yield Problem(("confirm",), "no device follows in less than a second", "write 1s or more")
    domain = spec.entity.partition(".")[0]
    if spec.code is not None and domain not in _CODED:
        yield Problem(("code",), f"a {domain} asks for no code", f"these do: {', '.join(sorted(_CODED))}")
    if not spec.desired and not spec.registry:
        message, hint = "nothing is wanted of this device", "write `desired: {state: …}`"
        yield Problem((), message, hint) if domain in DOMAINS else Problem(("entity",), *mute(spec.entity))


def _references(name: str, spec: DeviceSpec, connection: str, around: Surroundings) -> Iterator[Key]:
    """What makes the entities that it names; and its registry entry, where that is to be enabled first."""
    for entity in (spec.entity, *(each.entity for each in spec.conditions)):
        made = declared_entity(entity, connection, around)
        if made is not None:
            yield made
    if spec.disabled is False:
        yield Key("entity", name)
