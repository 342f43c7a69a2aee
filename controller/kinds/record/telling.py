"""What a Record's change is told as while a host comes to its visitors."""

from __future__ import annotations

from controller.core.stage import Moment, Stage, Stages
from controller.core.state import State


def _address(state: State) -> str:
    return f"{state['name']} is to be at {', '.join(state['values'])}"


def _accepted(state: State) -> str:
    return f"{state['name']} {state['type']} {', '.join(state['values'])} is accepted"


def _shown(state: State) -> str:
    return f"the authoritative servers of {state['zone']} show {state['name']} {state['type']}"


STAGES: Stages = {
    Moment.PLANNED: (Stage.ADDRESS, _address),
    Moment.DONE: (Stage.RECORD, _accepted),
    Moment.PROVED: (Stage.PROPAGATION, _shown),
}
