"""What a domain of Home Assistant lets us want of its entities, and by which calls it is brought about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.kinds.device.values import Able, Near, Read, Shows, any_entity, exactly

STATE = "state"
Values = Mapping[str, Any]
"""Values by their words under `desired`."""
Shown = Callable[[str, Shows], Any]
"""The value that a state and its attributes show, None for none."""


@dataclass(frozen=True, slots=True)
class Field:
    """One word under `desired`: how it is read, where it shows, which entities can take it, when two values mean the same."""

    read: Read
    shown: Shown
    able: Able = any_entity
    near: Near = exactly


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a service of the domain. `brings` are the words that must hold before the next call."""

    service: str
    data: Values = field(default_factory=dict)
    brings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain. `calls` are what brings the wanted values about: asked with those that do not hold yet, the code of a lock or
    alarm is added by the provider (`coded` are the services that take it). A value that no call can bring about has none.

    `moving` are states on the way, by the states that they lead to. `rest` are the states in which an entity has no other values,
    `needs_state` = the others can only be wanted beside a state. `apart` are words of which only one may be written; `together`
    those of which all or none. `short` are other words for a value, and `told` the words of a value that is another one in truth.

    A word means the same in every domain that has it: what is near is asked without knowing the domain."""

    fields: Mapping[str, Field]
    calls: Callable[[Values, Values], Sequence[Call]]
    moving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rest: frozenset[str] = frozenset()
    needs_state: bool = False
    apart: tuple[frozenset[str], ...] = ()
    together: tuple[frozenset[str], ...] = ()
    short: Mapping[str, tuple[str, Read]] = field(default_factory=dict)
    told: Mapping[tuple[str, Any], str] = field(default_factory=dict)
    coded: frozenset[str] = frozenset()

    def values(self, state: str, shows: Shows) -> dict[str, Any]:
        """Everything an entity shows that may be wanted of it."""
        found = {word: each.shown(state, shows) for word, each in self.fields.items()}
        return {word: value for word, value in found.items() if value is not None}

    def near(self, word: str, wanted: Any, shown: Any) -> bool:
        """True when a shown value is the wanted one."""
        return word in self.fields and shown is not None and self.fields[word].near(wanted, shown)

    def unable(self, wanted: Values, shows: Shows) -> Iterator[tuple[str, str]]:
        """The words whose value an entity cannot take, with why."""
        for word, value in wanted.items():
            why = self.fields[word].able(value, shows)
            if why:
                yield word, why


def attribute(name: str) -> Shown:
    """An attribute as it is."""

    def shown(_state: str, shows: Shows) -> Any:
        value = shows.get(name)
        return list(value) if isinstance(value, tuple) else value

    return shown


def state_itself(state: str, _shows: Shows) -> Any:
    """The state."""
    return state


def pick(values: Values, *names: str) -> dict[str, Any]:
    """Some of the values."""
    return {name: values[name] for name in names if name in values}
