"""What a body speaks of and Home Assistant does not have: it takes such a body without a word, so it is refused by us."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from controller.clients.homeassistant.errors import Refused
from controller.clients.homeassistant.guarded import unasked
from controller.clients.homeassistant.home import Home
from controller.clients.homeassistant.mentions import AREA, DEVICE, ENTITY, FLOOR, LABEL, SERVICE, Mention, mentions
from controller.core.suggest import did_you_mean

_SECTIONS = {
    "triggers": ("triggers", "trigger"),
    "conditions": ("conditions", "condition"),
    "actions": ("actions", "action", "sequence"),
}
_FEW = 3


def refused(
    home: Home, body: Mapping[str, Any], normal: Mapping[str, Any], promised: Collection[str], risks: Collection[str]
) -> str:
    """Why a body is not written, in words, "" when it may be; `risks` are the names of those judged. Raises Transient."""
    return strange(home, normal, promised) or unasked(home, normal, risks) or invalid(home, body)


def strange(home: Home, normal: Mapping[str, Any], promised: Collection[str]) -> str:
    """In words, the services, entities and the like that are neither there nor promised; "" = none. Raises Transient."""
    found = [words for each in mentions(normal) if (words := _strange(home, each, promised))]
    more = f"; and {len(found) - _FEW} more" if len(found) > _FEW else ""
    return "; ".join(dict.fromkeys(found[:_FEW])) + more


def invalid(home: Home, body: Mapping[str, Any]) -> str:
    """In Home Assistant's words, what is wrong with triggers, conditions and actions; "" = nothing. Raises Transient."""
    sections = {name: body[word] for name, words in _SECTIONS.items() for word in words if body.get(word)}
    if not sections:
        return ""
    try:
        said: Mapping[str, Mapping[str, Any]] = home.call("validate_config", **sections)
    except Refused:
        return ""  # whatever is wrong with the question, the write will tell
    wrong = [f"{name}: {answer.get('error')}" for name, answer in said.items() if not answer.get("valid", True)]
    return "; ".join(wrong)


def _strange(home: Home, mention: Mention, promised: Collection[str]) -> str:
    if mention.kind == SERVICE:
        return "" if mention.id in promised else _no_service(home, mention)
    known: Mapping[str, Any]
    if mention.kind == ENTITY:
        if mention.id in promised or mention.id in home.states() or mention.id in home.entities():
            return ""
        if "." not in mention.id:
            return "" if mention.id in {row.get("id") for row in home.entities().values()} else _none(mention, ())
        domain = f"{mention.id.partition('.')[0]}."
        return _none(mention, (name for name in {**home.states(), **home.entities()} if name.startswith(domain)))
    known = {DEVICE: home.devices, AREA: home.areas, FLOOR: home.floors, LABEL: home.labels}[mention.kind]()
    if mention.id in known or f"{mention.kind}:{mention.id}" in promised:
        return ""
    return _none(mention, known if mention.kind != DEVICE else ())


def _no_service(home: Home, mention: Mention) -> str:
    services = home.services()
    domain, _, service = mention.id.partition(".")
    if service in services.get(domain, {}):
        return ""
    near = (f"{domain}.{name}" for name in services[domain]) if domain in services else _all(services)
    return _none(mention, near)


def _all(services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    return (f"{domain}.{name}" for domain, names in services.items() for name in names)


def _none(mention: Mention, near: Iterable[str]) -> str:
    hint = did_you_mean(mention.id, near)
    return f"Home Assistant has no {mention.kind} {mention.id[:80]!r} ({mention.path})" + (f", {hint}" if hint else "")
