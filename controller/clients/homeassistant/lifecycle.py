"""How anything in a collection of Home Assistant is made, changed and removed: one course for areas, floors, labels, helpers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from controller.core.change import Change
from controller.core.diff import Same, compare
from controller.core.errors import Conflict, Permanent, Transient
from controller.core.limit import YES, Limit, Never
from controller.core.state import Receipt, State


class Shelf(Protocol):
    """Where objects of one sort stand, in their normal form. Methods raise what `apply` may raise."""

    def look(self, address: str) -> State | None:
        """What stands there now, asked for anew."""

    def create(self, address: str, wanted: State) -> None:
        """Make it, with that id or not at all."""

    def update(self, address: str, whole: State, wanted: State) -> None:
        """Set what is wanted; `whole` is everything as it is to stand."""

    def remove(self, address: str) -> None:
        """Take it away."""

    def complete(self, address: str, wanted: State) -> None:
        """Do what belongs to its creation and is not part of its declared fields. Asked for again after a crash: idempotent."""


def touched(change: Change) -> State:
    """The fields that a change sets, with their values; None = no longer declared. A field that nobody declared is not among
    them, also where the other side of the change shows it."""
    after = change.after or {}
    if change.before is None or not change.fields:
        return after
    return {name: after.get(name) for name in dict.fromkeys(field.path.partition(".")[0] for field in change.fields)}


def differing(wanted: State, live: State, same: Same) -> list[str]:
    """The wanted fields that something does not show."""
    return [field.path for field in compare(wanted, live, same=same)]


def unexpected(change: Change, live: State, same: Same) -> list[str]:
    """Fields in which something is not what the change expects: of those that both sides of it name, and those it sets."""
    before, after = change.before or {}, change.after
    names = set(before) if after is None else {*after, *touched(change)}
    return differing({name: value for name, value in before.items() if name in names}, live, same)


def another_id(change: Change, exists: Callable[[str], bool]) -> Limit:
    """Never, when a document that has made something asks for it under another id: what it made would be left behind."""
    old = change.handle
    if change.before is None and change.after is not None and old not in ("", change.address) and exists(old):
        return Never(
            f"it is {old} in Home Assistant, and an id never changes there: take the old id back, or give the document another "
            f"name ({old} is removed then, and {change.address} made)"
        )
    return YES


def carry_out(change: Change, shelf: Shelf, same: Same) -> Receipt:
    """Make a change; see the laws of the port. What was created and not named yet is recognised, forward and swapped."""
    address = change.address
    live = shelf.look(address)
    if change.after is None:
        if live is not None:
            _expect(change, live, same)
            shelf.remove(address)
            if shelf.look(address) is not None:
                raise Transient(f"Home Assistant says that {address} is removed, and still shows it")
        return Receipt(address, None)
    if live is None:
        if change.before is not None:
            raise Conflict(f"{change.key} is gone: Home Assistant has no {address}")
        shelf.create(address, change.after)
    else:
        wanted = touched(change)
        if differing(wanted, live, same):
            _expect(change, live, same)
            shelf.update(address, {**live, **wanted}, wanted)
    if change.before is None:
        shelf.complete(address, change.after)
    return Receipt(address, _confirmed(change, shelf, same))


def _confirmed(change: Change, shelf: Shelf, same: Same) -> State:
    """What stands there now: an answer alone proves nothing."""
    shown = shelf.look(change.address)
    if shown is None:
        raise Permanent(f"Home Assistant accepted {change.address} and does not show it")
    declared = change.after or {}
    if left := differing({name: value for name, value in touched(change).items() if name in declared}, shown, same):
        raise Permanent(f"Home Assistant accepted {change.address} and shows another {', '.join(left)}")
    return shown


def _expect(change: Change, live: State, same: Same) -> None:
    half_made = {"name": change.address.rpartition(".")[2]}
    for side in (change.before, change.after):
        if side is not None and None in (change.before, change.after) and not differing({**side, **half_made}, live, same):
            return
    if change.before is None:
        raise Conflict(f"{change.key}: Home Assistant has another {change.address} already")
    if wrong := unexpected(change, live, same):
        raise Conflict(f"{change.key} is not what the change expects: {', '.join(wrong)}")
