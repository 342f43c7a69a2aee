"""What an Automation means. Pure."""

from __future__ import annotations

from controller.clients.homeassistant.declaring import declared, missing, together
from controller.core.kind import Desired, Surroundings
from controller.kinds.automation.model import AutomationSpec

_SPELLED = (("trigger", "triggers"), ("condition", "conditions"), ("action", "actions"))


def resolve(name: str, spec: AutomationSpec, around: Surroundings) -> Desired:
    """The desired automation. Raises Rejected with every problem."""
    body = spec.body()
    problems = [problem for old, new in _SPELLED for problem in together(body, old, new)]
    problems += [*missing(body, "triggers", "trigger"), *missing(body, "actions", "action")]
    return declared("automation", name, spec, around, problems)
