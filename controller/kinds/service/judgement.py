"""How differences of a service are judged: what means the same, what an engine can change in place, how well it can be taken
back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.core.change import Action, Reversal
from controller.core.diff import FieldDiff, compare, equal
from controller.core.state import State
from controller.kinds.service.fields import LIMITS

WHOLE = frozenset(["networks"])
_DIRECTIVES = ("order", "pull_policy", "completes", "edge")
"""Fields that say how to change a container and are not in it."""
_IN_PLACE = ("status", "restart", "container_name", "networks")
_SHOWN_ONLY = {"mac_address", "priority", "driver_opts", "gw_priority", "interface_name"}
_NETWORK, _ENDPOINT_FIELD = 2, 3
DONE = "exited (0)"


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """True when a desired and an observed value mean the same."""
    if equal(path, desired, observed):
        return True
    if not desired and not observed:
        # Nothing and empty mean the same, but for a network: attached without more is not detached.
        return path[0] != "networks" or len(path) != _NETWORK
    rule = _RULES.get(path[0])
    return rule is not None and rule(path, desired, observed)


def verb(changes: Sequence[FieldDiff]) -> Action:
    """UPDATE for what an engine changes on a running container, else REPLACE."""
    return Action.UPDATE if all(_in_place(change) for change in changes) else Action.REPLACE


def reversal(action: Action, before: State | None, _after: State | None) -> Reversal:
    """A container is put back exactly, because the one that was is kept until the rollout commits."""
    if action is Action.DELETE and before is not None and _holds_anonymous_data(before):
        return Reversal.LOSSY
    return Reversal.EXACT


def differences(wanted: State, shown: State, ignored: frozenset[str] = frozenset(), *, made_so: bool = False) -> tuple[str, ...]:
    """Declared fields of a state that a container does not show, by path. One that was `made_so` may lack what its engine left
    out with a warning (no such limit on this kernel): that was nobody's edit."""
    found = compare({name: value for name, value in wanted.items() if name not in ignored}, shown, same=same, whole=WHOLE)
    return tuple(change.path for change in found if not (made_so and not change.old and not change.path.startswith("networks")))


def _in_place(change: FieldDiff) -> bool:
    top = change.path.partition(".")[0]
    return top in _IN_PLACE or (top in LIMITS and change.new is not None)


def _holds_anonymous_data(state: State) -> bool:
    volumes: Mapping[str, Mapping[str, Any]] = state.get("volumes") or {}
    return any(entry.get("type") == "volume" and not entry.get("source") for entry in volumes.values())


def _status(_path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    if desired == "completed":
        return observed in ("running", DONE)
    stopped = ("exited", "created")
    return isinstance(desired, str) and isinstance(observed, str) and desired.startswith(stopped) and observed.startswith(stopped)


def _image(path: tuple[str, ...], _desired: Any, observed: Any) -> bool:
    # A container made by id shows no reference; what it runs is compared by digest.
    return path == ("image",) and observed is None


def _network(path: tuple[str, ...], desired: Any, _observed: Any) -> bool:
    # An engine invents these where nothing is declared.
    return len(path) == _ENDPOINT_FIELD and (path[2] == "priority" or (desired is None and path[2] in _SHOWN_ONLY))


def _mount(path: tuple[str, ...], _desired: Any, _observed: Any) -> bool:
    # What matters when a container is created and is not in it.
    return path[2:] in (("external",), ("create_host_path",))


def _platform(_path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    return isinstance(observed, str) and isinstance(desired, str) and f"{observed}/".startswith(f"{desired}/")


def _directive(_path: tuple[str, ...], _desired: Any, _observed: Any) -> bool:
    return True


def _entrypoint(_path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    return desired == [""] and not observed


_RULES: dict[str, Callable[[tuple[str, ...], Any, Any], bool]] = {
    "status": _status,
    "image": _image,
    "networks": _network,
    "platform": _platform,
    "entrypoint": _entrypoint,
    "volumes": _mount,
    **dict.fromkeys(_DIRECTIVES, _directive),
}
