"""What a Certificate's change is told as while its host comes to its visitors."""

from __future__ import annotations

from controller.core.stage import Moment, Stage, Stages
from controller.core.state import State

_AUTHORITY = {"acme": "one of a public authority", "internal": "one of Caddy's own authority"}


def _served(state: State) -> str:
    if state.get("challenge") == "dns":
        return f"the certificate of {state['host']} is there for Caddy, from {state['authority']}"
    return f"{state['host']} is served with {_AUTHORITY.get(state['issuer'], 'a file of your own')}"


STAGES: Stages = {Moment.PROVED: (Stage.CERTIFICATE, _served)}
