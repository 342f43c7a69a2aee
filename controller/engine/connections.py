"""Connections as homelab.yaml declares them: checked, and with the version of every secret that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from controller.core.document import Path
from controller.core.errors import Problem, Rejected
from controller.core.estate import HomelabSpec
from controller.core.notice import HOUR, Recipient, Topic
from controller.core.ports import Vault

Check = Callable[[str, Mapping[str, Any]], Iterable[Problem]]
"""(name, declaration) → what is wrong with it, with paths below the declaration."""


def accept_any(_name: str, _declared: Mapping[str, Any]) -> Iterable[Problem]:
    """No check."""
    return ()


def settled(homelab: HomelabSpec, vault: Vault, check: Check) -> tuple[HomelabSpec, list[Problem]]:
    """The declarations with each `{ref: …}` as the version that is current (a new version is another declaration, so the
    connection is opened anew), and what is wrong with them, with paths below `spec`."""
    found: list[Problem] = []
    connections: dict[str, dict[str, Any]] = {}
    for name, declared in homelab.connections.items():
        at = ("connections", name)
        found += [Problem((*at, *item.path), item.message, item.hint) for item in check(name, declared)]
        connections[name] = {field: _revised(value, (*at, field), vault, found) for field, value in declared.items()}
    return homelab.model_copy(update={"connections": connections}), found


def recipients(homelab: HomelabSpec, vault: Vault, zone: str) -> tuple[tuple[Recipient, ...], list[Problem]]:
    """Who is told what happens, each with the version of its address that is current, and what is wrong, with paths below
    `spec`. `zone` is the time zone of quiet times."""
    found: list[Problem] = []
    made: dict[str, Recipient] = {}
    for index, target in enumerate(homelab.notifications):
        at = ("notifications", index)
        if target.name in made:
            found.append(Problem((*at, "name"), f"there are two notification targets {target.name!r}", "give one another name"))
        ref = target.url.ref
        try:
            version = vault.current(ref)
        except KeyError:
            found.append(Problem((*at, "url"), f"secret {ref!r} does not exist", f"set it with `homelab secret set {ref}`"))
            continue
        except Rejected as error:
            found += [Problem((*at, "url"), item.message, item.hint) for item in error.problems]
            continue
        topics = frozenset(target.events or Topic)
        made[target.name] = Recipient(target.name, version, topics, target.quiet, target.repeat * HOUR, zone)
    return tuple(made.values()), found


def _revised(value: Any, at: Path, vault: Vault, found: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_revised(item, (*at, index), vault, found) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    ref, generate = value.get("ref"), value.get("generate")
    if not isinstance(ref, str) or value.keys() - {"ref", "generate"}:
        return {name: _revised(item, (*at, name), vault, found) for name, item in value.items()}
    try:
        return dict(vault.current(ref, generate).state())
    except KeyError:
        found.append(Problem(at, f"secret {ref!r} does not exist", f"set it with `homelab secret set {ref}`"))
    except Rejected as error:
        found += [Problem(at, item.message, item.hint) for item in error.problems]
    return value
