"""What a Script means. Pure."""

from __future__ import annotations

from controller.clients.homeassistant.declaring import declared, missing
from controller.clients.homeassistant.names import Findings, identified
from controller.core.kind import Desired, Surroundings
from controller.kinds.script.model import ScriptSpec

_TAKEN = frozenset(["reload", "turn_on", "turn_off", "toggle"])


def resolve(name: str, spec: ScriptSpec, around: Surroundings) -> Desired:
    """The desired script. Raises Rejected with every problem."""
    findings = Findings()
    address = findings.read(("id",), name, lambda each: identified(each, spec.id))
    if address in _TAKEN:
        findings.add(("id",), f"{address!r} is the name of a service of all scripts", "choose another id")
    return declared("script", name, spec, around, [*findings.problems, *missing(spec.body(), "sequence")])
