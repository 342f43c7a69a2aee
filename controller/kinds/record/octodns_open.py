"""An octoDNS connection as homelab.yaml declares it, checked and opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.clients.dns.names import Unwritable, owner_name
from controller.clients.octodns import CLASS, Octodns, load
from controller.core.errors import Problem, Rejected
from controller.core.ports import Provider
from controller.core.secret import looks_sensitive
from controller.kinds.record.connection import Tools, authority, common_problems, follow
from controller.kinds.record.octodns import OctodnsRecords, OctodnsZones

_FIELDS = ("class", "options", "zones")
_OURS = ("id", "apply_disabled", "strict_supports")
"""Options that every provider has and that are set here."""


def open_octodns(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """`{type: octodns, class: octodns_cloudflare.CloudflareProvider, options: {token: {ref: cf}}, zones: [example.net]}` and
    the common fields. Raises Rejected, also when the package is not installed."""
    problems = list(octodns_problems(name, declared))
    if problems:
        raise Rejected(problems)
    options: Mapping[str, Any] = declared.get("options", {})
    hidden = {word for word, value in options.items() if isinstance(value, Mapping)}
    secrets = {word: tools.secret(options, word) for word in hidden}
    plain = {word: value for word, value in options.items() if word not in hidden}
    server = Octodns(load(declared["class"]), plain, secrets)
    zones = OctodnsZones(server, [owner_name(zone) for zone in declared["zones"]])
    return {"record": OctodnsRecords(zones, authority(declared, None, tools.clock), *follow(name, declared, tools))}


def octodns_problems(_name: str, declared: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with a declaration as it is written; no package is needed to tell."""
    yield from common_problems(declared, _FIELDS)
    written = declared.get("class")
    if not isinstance(written, str) or CLASS.fullmatch(written) is None:
        message = "class is missing: the provider's class" if written is None else f"{written!r} is not the class of a provider"
        yield Problem(("class",), message, "write class: octodns_cloudflare.CloudflareProvider")
    options = declared.get("options", {})
    if isinstance(options, Mapping):
        yield from _option_problems(options)
    else:
        yield Problem(("options",), "options is a map of what the class takes")
    zones = declared.get("zones")
    if not (isinstance(zones, list) and zones):
        yield Problem(("zones",), "zones is missing: the zones that may be read and written", "write zones: [example.net]")
        return
    for at, zone in enumerate(zones):
        try:
            owner_name(str(zone))
        except Unwritable as error:
            yield Problem(("zones", at), str(error), error.hint)


def _option_problems(options: Mapping[Any, Any]) -> Iterator[Problem]:
    for word, value in options.items():
        path = ("options", str(word))
        if not isinstance(word, str) or not word.isidentifier():
            yield Problem(path, f"{word!r} is not the name of an option")
        elif word in _OURS:
            yield Problem(path, f"{word} is not set here", "remove it")
        elif isinstance(value, Mapping) and not value.keys() & {"ref", "fingerprint"}:
            yield Problem(path, f"{word} is a map", f"write a plain value, or {word}: {{ref: name-of-the-secret}}")
        elif isinstance(value, list) and any(isinstance(each, (Mapping, list)) for each in value):
            yield Problem(path, f"{word} is a list of more than plain values")
        elif value and not isinstance(value, (Mapping, bool)) and _hides(word):
            yield Problem(path, f"{word} must be a reference to a secret", f"write {word}: {{ref: name-of-the-secret}}")


def _hides(word: str) -> bool:
    return looks_sensitive(word) or word == "key" or word.endswith("_key")
