"""House rules for what an import brings along: they allow exactly the risks that the imported objects have, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from controller.core.change import Action, Change
from controller.core.estate import Estate
from controller.core.plan import Plan, Rollout
from controller.core.resource import Resource, Risk
from controller.engine.judge import Circumstances, judge

_FOLDER = "policy"
_NAME = "imported"
_SPECIAL = re.compile(r"[*?\[]")


def permits(estate: Estate, resources: Iterable[Resource], now: float) -> dict[str, tuple[str, ...]]:
    """The risks, by key, that no house rule speaks of at `now`, in seconds since the epoch."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        names = tuple(risk.name for risk in resource.risks if _unspoken(estate, resource, risk, now))
        if names:
            found[str(resource.key)] = names
    return found


def policy(resources: Iterable[Resource], wanted: Mapping[str, Sequence[str]], taken: Collection[str]) -> Mapping[str, Any]:
    """The Policy document that allows risks by key, by the path of its file, which is none of `taken`."""
    name = next(each for each in _names() if f"{_FOLDER}/{each}.yaml" not in taken)
    rules = [_rule(resource, wanted[str(resource.key)]) for resource in resources if str(resource.key) in wanted]
    return {f"{_FOLDER}/{name}.yaml": {"kind": "Policy", "name": name, "spec": {"rules": rules}}} if rules else {}


def _rule(resource: Resource, risks: Sequence[str]) -> Mapping[str, Any]:
    reasons = {risk.name: risk.reason for risk in resource.risks}
    return {
        "name": f"imported {resource.key}",
        "match": {
            "kinds": [resource.key.kind],
            "names": [resource.key.name],
            "hosts": [_exactly(resource.provider)],
            "concerns": [_exactly(name) for name in risks],
        },
        "verdict": "allow",
        "reason": "it had this when it was imported: " + "; ".join(reasons[name] for name in risks),
    }


def _unspoken(estate: Estate, resource: Resource, risk: Risk, now: float) -> bool:
    """True when what decides on the risk is the built-in verdict."""
    change = Change(
        resource.key,
        resource.provider,
        resource.address,
        Action.CREATE,
        None,
        resource.state,
        "imported",
        stateful=resource.stateful,
        risks=(risk,),
    )
    rollout = Rollout.of([change], estate.policy.version)
    facts = Circumstances(estate.policy, owned=1, wanted=1, now=now)
    return judge(Plan(estate.revision, (rollout,)), facts)[rollout.digest].rule == risk.name


def _exactly(text: str) -> str:
    """A shell pattern that fits this text and no other."""
    return _SPECIAL.sub(lambda found: f"[{found[0]}]", text)


def _names() -> Iterable[str]:
    yield _NAME
    number = 2
    while True:
        yield f"{_NAME}-{number}"
        number += 1
