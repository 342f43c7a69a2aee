"""Audit: who did what, when and from where, as a chain that shows tampering."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from pydantic import ValidationError

from controller.core.codec import from_json


@dataclass(frozen=True, slots=True)
class Deed:
    """One attempt to change something. `actor`, `kind`, `door`, `id` and `peer` say who (see `usecases.access.Actor`; `peer` "" =
    this machine), `action` and `subject` what, `outcome` "ok", "refused" or the code of an error. Never holds a secret.

    `number` (from 1, without gaps) and `before` (SHA-256 of the JSON text of the row before, "" = the first) are the store's."""

    at: float
    actor: str
    kind: str
    door: str
    action: str
    subject: str = ""
    outcome: str = "ok"
    id: str = ""
    peer: str = ""
    number: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a walk along the chain found. `head` is the SHA-256 of the newest row: who notes it can tell later that nothing up to
    there was changed or cut off: `noted` is then True. `broken` is the number of the first row that does not fit, 0 = none."""

    rows: int
    head: str
    broken: int = 0
    why: str = ""
    noted: bool = False


def link(text: str) -> str:
    """What the next row holds of a row's JSON text."""
    return sha256(text.encode()).hexdigest()


def prove(rows: Iterable[tuple[int, float, str]], newest: int, noted: str = "") -> Proof:
    """Walks along rows of (number, time, JSON text), oldest first. `newest` is the number that the store gave out last; `noted` a
    head that a person wrote down earlier."""
    count, head, seen = 0, "", False
    for number, at, text in rows:
        if why := _unfit(number, at, text, count + 1, head):
            return Proof(count, head, count + 1, why, seen)
        count, head = count + 1, link(text)
        seen = seen or head == noted
    if count != newest:
        return Proof(count, head, count + 1, f"row {count + 1} and those after it are gone", seen)
    return Proof(count, head, noted=seen)


def _unfit(number: int, at: float, text: str, expected: int, before: str) -> str:
    """Why a row is not the one that was written, "" when it is."""
    if number != expected:
        return f"row {expected} is gone"
    try:
        deed = from_json(Deed, text)
    except ValidationError:
        return f"row {number} cannot be read"
    if (deed.number, deed.at) != (number, at):
        return f"row {number} contradicts itself"
    return "" if deed.before == before else f"row {number} does not follow from the row before: one of them was changed"
