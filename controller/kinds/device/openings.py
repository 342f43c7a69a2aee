"""What opens and closes: covers, valves, locks and alarm panels; and which of them a person must agree to. Pure."""

from __future__ import annotations

from typing import Any

from controller.kinds.device.domain import STATE, Call, Domain, Field, Values, attribute, state_itself
from controller.kinds.device.values import Able, Shows, featured, whole, within, words

_GUARDED = {"cover": frozenset(["garage", "gate", "door"]), "valve": frozenset(["gas"])}
"""Classes of devices behind which somebody may get hurt or robbed."""
_LOCKED = ("lock", "alarm_control_panel")
_SAFE = frozenset(["off", "locked", "closed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass"])
_ARMED = {"armed_home": 1, "armed_away": 2, "armed_night": 4, "armed_custom_bypass": 16, "armed_vacation": 32}
_OPENED = {"open": frozenset(["opening"]), "closed": frozenset(["closing"])}
_LOCKS = {"locked": "lock", "unlocked": "unlock"}


def class_matters(entity: str) -> bool:
    """True where it depends on the classes of the devices behind an entity whether a person must agree."""
    return entity.partition(".")[0] in _GUARDED


def guarded(entity: str, classes: frozenset[str], missing: str = "") -> str:
    """Why a person must agree to every write to an entity whose devices are of these classes, "" when nobody need. `missing` is
    one of them of which nothing is known: it may be of any class."""
    domain = entity.partition(".")[0]
    if domain in _LOCKED:
        return f"{entity} is {'a lock' if domain == 'lock' else 'an alarm panel'}: a person agrees to every change of it"
    found = sorted(classes & _GUARDED.get(domain, frozenset()))
    if found:
        return f"{entity} is a {found[0]} {domain}: a person agrees to every change of it"
    if missing and class_matters(entity):
        return f"{entity} is a group, and {missing} of it is not there to see: a person agrees to every change of it"
    return ""


def opens(values: Values) -> bool:
    """True for values that let somebody in: any state or position but those that are known to be shut."""
    if "position" in values:
        return bool(values["position"] != 0)
    return STATE in values and values[STATE] not in _SAFE


def _position(attribute_name: str, bit: int, what: str) -> Field:
    return Field(whole(0, 100), attribute(attribute_name), featured(bit, what), within(3))


def _moved(verb: dict[str, int]) -> Able:
    """Opening and closing are features of their own."""

    def able(value: Any, shows: Shows) -> str:
        return featured(verb[value], f"be {value}")(value, shows)

    return able


def _opening(domain: str, wanted: Values) -> list[Call]:
    if "position" in wanted:
        return [Call(f"set_{domain}_position", {"position": wanted["position"]}, ("position",))]
    verb = {"open": "open", "closed": "close"}.get(wanted.get(STATE, ""))
    return [Call(f"{verb}_{domain}", {}, (STATE,))] if verb else []


def _cover(wanted: Values, _live: Values) -> list[Call]:
    found = _opening("cover", wanted)
    if "tilt" in wanted:
        found.append(Call("set_cover_tilt_position", {"tilt_position": wanted["tilt"]}, ("tilt",)))
    return found


def _valve(wanted: Values, _live: Values) -> list[Call]:
    return _opening("valve", wanted)


def _lock(wanted: Values, _live: Values) -> list[Call]:
    verb = _LOCKS.get(wanted.get(STATE, ""))
    return [Call(verb, {}, (STATE,))] if verb else []


def _alarm(wanted: Values, _live: Values) -> list[Call]:
    state = wanted.get(STATE, "")
    if state == "disarmed":
        return [Call("alarm_disarm", {}, (STATE,))]
    return [Call(f"alarm_arm_{state.removeprefix('armed_')}", {}, (STATE,))] if state in _ARMED else []


def _arms(value: Any, shows: Shows) -> str:
    return featured(_ARMED[value], f"be {value}")(value, shows) if value in _ARMED else ""


COVER = Domain(
    fields={
        STATE: Field(words("open", "closed"), state_itself, _moved({"open": 1, "closed": 2})),
        "position": _position("current_position", 4, "stop at a position"),
        "tilt": _position("current_tilt_position", 128, "tilt to a position"),
    },
    calls=_cover,
    moving=_OPENED,
    apart=(frozenset([STATE, "position"]),),
)
VALVE = Domain(
    fields={
        STATE: Field(words("open", "closed"), state_itself, _moved({"open": 1, "closed": 2})),
        "position": _position("current_position", 4, "stop at a position"),
    },
    calls=_valve,
    moving=_OPENED,
    apart=(frozenset([STATE, "position"]),),
)
LOCK = Domain(
    fields={STATE: Field(words("locked", "unlocked"), state_itself)},
    calls=_lock,
    moving={"locked": frozenset(["locking"]), "unlocked": frozenset(["unlocking"])},
    coded=frozenset(_LOCKS.values()),
)
ALARM = Domain(
    fields={STATE: Field(words("disarmed", *_ARMED), state_itself, _arms)},
    calls=_alarm,
    moving=dict.fromkeys(_ARMED, frozenset(["arming"])),
    coded=frozenset(["alarm_disarm", *(f"alarm_arm_{state.removeprefix('armed_')}" for state in _ARMED)]),
)
