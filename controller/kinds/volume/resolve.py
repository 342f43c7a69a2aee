"""What a Volume means, and how differences of one are judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.clients.docker import CONTAINER_NAME
from controller.core.change import Action, Reversal
from controller.core.diff import FieldDiff, compare, equal
from controller.core.errors import Problem, Rejected
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Mode, Risk
from controller.core.state import State
from controller.kinds.volume.model import VolumeSpec


def resolve(name: str, spec: VolumeSpec, around: Surroundings) -> Desired:
    """The desired volume. Raises Rejected."""
    address = spec.name or name
    problems = []
    if not CONTAINER_NAME.fullmatch(address):
        problems.append(Problem(("name",), f"{address!r} cannot be the name of a volume", "use at least two letters or digits"))
    if spec.host != "local" and spec.host not in around.connections:
        problems.append(Problem(("host",), f"there is no connection {spec.host!r} in homelab.yaml"))
    if problems:
        raise Rejected(problems)
    if spec.external:
        return Desired({"name": address}, spec.host, address, mode=Mode.OBSERVE)
    state = {
        "name": address,
        "driver": spec.driver or "local",
        "driver_opts": dict(spec.driver_opts),
        "labels": _pairs(spec.labels),
    }
    return Desired(
        state={key: value for key, value in state.items() if value},
        provider=spec.host,
        address=address,
        claims=(f"volume:{address}@{spec.host}",),
        stateful=True,
        risks=_risks(spec),
    )


def same(path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """Equal data; what is not said and empty are the same."""
    return equal(path, desired, observed) or (not desired and not observed)


def verb(_changes: Sequence[FieldDiff]) -> Action:
    """No engine changes a volume, and making it anew would lose its data: a person must decide."""
    return Action.ASK


def reversal(action: Action, _before: State | None, _after: State | None) -> Reversal:
    """Deleted data does not come back."""
    return Reversal.NONE if action in (Action.DELETE, Action.REPLACE) else Reversal.EXACT


def differences(wanted: State, shown: State) -> Sequence[FieldDiff]:
    """Declared fields that a volume does not show."""
    return compare(wanted, shown, same=same)


def _risks(spec: VolumeSpec) -> tuple[Risk, ...]:
    """A local volume may be any folder or device of the host in disguise."""
    device = spec.driver_opts.get("device", "")
    if spec.driver in ("", "local") and device.startswith("/"):
        return (Risk(f"host-path:{device}", f"the volume is {device} of the host"),)
    return ()


def _pairs(labels: Mapping[str, Any] | list[str]) -> dict[str, str]:
    if isinstance(labels, list):
        return dict(str(each).partition("=")[::2] for each in labels)
    return {name: "" if value is None else str(value) for name, value in labels.items()}
