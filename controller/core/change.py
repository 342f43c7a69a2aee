"""The keystone: a change carries the full state before and the full state after, so its inverse is the same record swapped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.core.diff import FieldDiff
from controller.core.key import Claim, Key
from controller.core.resource import Gate, Risk, Rollback
from controller.core.state import State, fingerprint


class Action(StrEnum):
    """What a change does. ADOPT and FORGET touch only the ledger; ASK is a step that only a person can do."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    FORGET = "forget"
    ASK = "ask"

    @property
    def inverse(self) -> Action:
        """The action that takes it back."""
        return _INVERSE.get(self, self)

    @property
    def writes(self) -> bool:
        """True when the backend is touched."""
        return self not in (Action.ADOPT, Action.FORGET, Action.ASK)


_INVERSE = {
    Action.CREATE: Action.DELETE,
    Action.DELETE: Action.CREATE,
    Action.ADOPT: Action.FORGET,
    Action.FORGET: Action.ADOPT,
}


class Reversal(StrEnum):
    """How well a change can be taken back: fully, fully but later, with loss of data, or not at all."""

    EXACT = "exact"
    DELAYED = "delayed"
    LOSSY = "lossy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """One step on one object. `before` None = must not exist, `after` None = must not exist afterwards.

    `cause` is in words ("missing", "drift: image", "removed from git"); `drift` = only the world moved, not the specification.
    `digest` is the desired resource's digest ("" for a delete)."""

    key: Key
    provider: str
    address: str
    action: Action
    before: State | None
    after: State | None
    cause: str
    fields: tuple[FieldDiff, ...] = ()
    needs: tuple[Key, ...] = ()
    claims: tuple[Claim, ...] = ()
    handle: str = ""
    digest: str = ""
    drift: bool = False
    reversal: Reversal = Reversal.EXACT
    rollback: Rollback = Rollback.ALWAYS
    stateful: bool = False
    protect: bool = False
    gate: Gate | None = None
    risks: tuple[Risk, ...] = ()
    instructions: str = ""

    @property
    def place(self) -> tuple[Key, str]:
        """Identity of the object touched: the same key may live on two providers while it moves."""
        return self.key, self.provider

    def inverse(self) -> Change:
        """The change that takes this one back; needs no code in any provider."""
        fields = tuple(FieldDiff(f.path, f.new, f.old, f.drift) for f in self.fields)
        return replace(
            self,
            action=self.action.inverse,
            before=self.after,
            after=self.before,
            fields=fields,
            cause=f"undo: {self.cause}",
            gate=None,
        )

    def identity(self) -> list[str]:
        """What an approval binds to: object, action, what was there and what shall be."""
        before = fingerprint(self.before) if self.before is not None else ""
        after = fingerprint(self.after) if self.after is not None else ""
        return [str(self.key), self.provider, self.action.value, before, after]
