"""Comparing states field by field: what a person declared against what the world shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.secret import secret_in
from controller.core.state import State

Same = Callable[[tuple[str, ...], Any, Any], bool]
"""A kind's tolerance: True when a desired and an observed value at a path mean the same."""


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field that differs. `path` is dotted (`environment.TZ`); None stands for not set.
    `drift` = the specification did not move, the world did."""

    path: str
    old: Any
    new: Any
    drift: bool = False


MISSING: Any = None


def equal(_path: tuple[str, ...], desired: Any, observed: Any) -> bool:
    """The default tolerance: equal data; secrets are equal when their fingerprints are."""
    if desired == observed:
        return True
    wanted, shown = secret_in(desired), secret_in(observed)
    return wanted is not None and shown is not None and wanted.fingerprint == shown.fingerprint


def compare(
    desired: State,
    observed: State,
    applied: State | None = None,
    shown: State | None = None,
    same: Same = equal,
    whole: frozenset[str] = frozenset(),
) -> tuple[FieldDiff, ...]:
    """Three-way difference over declared fields.

    `applied` is the normal form written last, `shown` what the world showed right after. A field counts when it is declared
    now, or was declared by us and no longer is. A spelling that the backend gave to a value we still want (applied = desired
    and shown = observed) is no difference. Top-level fields named in `whole` are compared with everything the world has in
    them (an extra network is a difference); other mappings only over declared entries.
    """
    return tuple(_walk((), desired, observed, applied, shown, same, whole))


def _walk(
    path: tuple[str, ...], desired: Any, observed: Any, applied: Any, shown: Any, same: Same, whole: frozenset[str]
) -> list[FieldDiff]:
    found: list[FieldDiff] = []
    for name in _names(path, desired, observed, applied, whole):
        here = (*path, name)
        want, have = desired.get(name), observed.get(name)
        was, seen = _get(applied, name), _get(shown, name)
        if want == have or same(here, want, have):
            continue
        if secret_in(want) is None and isinstance(want, Mapping) and isinstance(have, Mapping) and secret_in(have) is None:
            found += _walk(here, want, have, was, seen, same, whole)
            continue
        kept = applied is not None and (want == was or same(here, want, was))
        if kept and shown is not None and (have == seen or same(here, seen, have)):
            continue
        found.append(FieldDiff(".".join(here), have, want, drift=kept))
    return found


def _names(path: tuple[str, ...], desired: Any, observed: Any, applied: Any, whole: frozenset[str]) -> list[str]:
    names = list(desired)
    known = set(names)
    if isinstance(applied, Mapping) and secret_in(applied) is None:
        names += [name for name in applied if name not in known and name in observed]
        known.update(applied)
    if path and path[0] in whole:
        names += [name for name in observed if name not in known]
    return names


def _get(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, Mapping) else None
