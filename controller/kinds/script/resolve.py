"""What a Script means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.clients.homeassistant.declaring import declared, missing
from controller.clients.homeassistant.names import Findings, identified
from controller.core.errors import Problem
from controller.core.kind import Desired, Surroundings
from controller.kinds.script.model import ScriptSpec

_TAKEN = frozenset(["reload", "turn_on", "turn_off", "toggle"])


def resolve(name: str, spec: ScriptSpec, around: Surroundings) -> Desired:
    """The desired script. Raises Rejected with every problem."""
    findings = Findings()
    address = findings.read(("id",), name, lambda each: identified(each, spec.id))
    if address in _TAKEN:
        findings.add(("id",), f"{address!r} is the name of a service of all scripts", "choose another id")
    return declared("script", name, spec, around, [*findings.problems, *_too_deep(spec)])


def _too_deep(spec: ScriptSpec) -> Iterator[Problem]:
    """A problem when there is no sequence; in scripts.yaml a script stands below its id."""
    body = spec.body()
    inner = [word for word, value in body.items() if isinstance(value, Mapping) and value.keys() & {"sequence", "use_blueprint"}]
    if "sequence" not in body and inner:
        yield Problem((inner[0],), f"the script stands below its id {inner[0]!r}", f"paste what stands below `{inner[0]}:`")
    else:
        yield from missing(body, "sequence")
