"""The record by which a kind announces itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from controller.core.change import Action, Reversal
from controller.core.diff import FieldDiff, Same, equal
from controller.core.document import Draft
from controller.core.key import Claim, Key
from controller.core.resource import Gate, Mode, Risk, Rollback
from controller.core.secret import SecretVersion
from controller.core.stage import Stages
from controller.core.state import State


class Surroundings(Protocol):
    """What a kind may ask for while it resolves a spec. Paths are relative to the document's folder in the repository;
    a path that leaves the repository raises Rejected."""

    @property
    def base(self) -> str:
        """The document's folder, from the top of the spec folder ("" = the top)."""

    @property
    def connections(self) -> Mapping[str, Mapping[str, Any]]:
        """The connections declared in homelab.yaml, by name."""

    def others(self, kind: str) -> Mapping[str, BaseModel]:
        """The specs of every document of a kind that is written in this revision, by name (what kinds expand into is not among
        them). Raises Rejected without a problem when one of them could not be read: that is told where it is written."""

    def file(self, path: str) -> bytes | None:
        """Content of a file of the repository, or None."""

    def folder(self, path: str) -> Mapping[str, bytes] | None:
        """Contents of every file below a folder of the repository, by relative path, or None when there is none."""

    def parse(self, path: str, content: bytes) -> Any:
        """The YAML document in `content` as plain data, None when it says nothing; raises SpecError with positions, also for a
        second document."""

    def blob(self, content: bytes) -> str:
        """Keep content for `apply`; returns its SHA-256 digest."""

    def secret(self, ref: str, generate: int | None = None) -> SecretVersion:
        """The current version of a secret; with `generate` one of that many characters is made when there is none.
        Raises Rejected when it does not exist."""

    def literal(self, value: str) -> SecretVersion:
        """A sensitive value written in plain text: kept in the vault, stands in the state by reference."""

    def variables(self) -> Mapping[str, str]:
        """Variables for interpolation: those declared in homelab.yaml only, never the controller's environment."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What a spec means: its normal form and everything the engine needs to know about it.

    `references` are keys found inside the spec (they become needs), `provider` the connection that holds the object. `mode` is
    for a spec that says itself that the object is somebody else's; None leaves it to the document."""

    state: State
    provider: str
    address: str
    references: tuple[Key, ...] = ()
    claims: tuple[Claim, ...] = ()
    gate: Gate | None = None
    rollback: Rollback = Rollback.ALWAYS
    stateful: bool = False
    risks: tuple[Risk, ...] = ()
    mode: Mode | None = None


def _replace(_fields: Sequence[FieldDiff]) -> Action:
    return Action.REPLACE


def _never(_before: State, _after: State) -> str:
    return ""


def _exact(_action: Action, _before: State | None, _after: State | None) -> Reversal:
    return Reversal.EXACT


class Heed(StrEnum):
    """What is done about a difference: written whenever the world moved (REPAIR), only when the declaration moved (ONCE), or told
    and never written (REPORT)."""

    REPAIR = "repair"
    ONCE = "once"
    REPORT = "report"


def _repair(_state: State) -> Heed:
    return Heed.REPAIR


def _alone(_before: State | None, _after: State | None) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing a user can declare.

    `model` validates `spec`; a kind that stands for an object has `resolve`; one that stands for other documents has `expand`
    (a kind may have both: it is an object and makes others). The functions over states are pure and total:
    `verb` chooses UPDATE or REPLACE for a difference, `reversal` grades the undo, `same` is the kind's tolerance, `whole` are
    the top-level fields in which undeclared entries of the world count as a difference.

    `widens` says whom a new state lets in who was kept out by the old one ("" = nobody): a person is asked first.

    `markless` = the backend cannot keep an owner mark. An object that equals its declaration is then adopted without a question,
    and forgotten instead of deleted when the declaration goes; one that differs is foreign until `mode: adopt`.
    `lasting` = nothing of ours goes when the declaration goes: it is forgotten. `standing` = the object is there before us and
    only ever changed: declaring it is enough, it needs no adoption. `volatile` = it moves by itself (a lamp): what changed since
    the plan is written over, what changed since it was written is left as it is by an undo, and neither is a conflict.
    `attended` says why a person must agree to every write of a state, also to a repair ("" = nobody need); `heeds` what a
    difference of a declared state means.

    `called` are words that people may write in place of the kind's name, each with what to write.

    `stages` are the steps of a host on its way to
    its visitors that a change of this kind is part of."""

    name: str
    model: type[BaseModel]
    summary: str
    resolve: Callable[[str, Any, Surroundings], Desired] | None = None
    expand: Callable[[str, Any, Surroundings], Sequence[Draft]] | None = None
    verb: Callable[[Sequence[FieldDiff]], Action] = _replace
    reversal: Callable[[Action, State | None, State | None], Reversal] = _exact
    widens: Callable[[State, State], str] = _never
    same: Same = equal
    whole: frozenset[str] = field(default=frozenset())
    markless: bool = False
    lasting: bool = False
    standing: bool = False
    volatile: bool = False
    attended: Callable[[State | None, State | None], str] = _alone
    heeds: Callable[[State], Heed] = _repair
    called: Mapping[str, str] = field(default_factory=dict)
    stages: Stages = field(default_factory=dict)
