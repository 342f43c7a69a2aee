"""Plan: desired minus observed, three-way with what was applied last. Pure: same inputs, same plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.core.change import Action, Change, Reversal
from controller.core.decision import Quarantine, Suspension
from controller.core.diff import FieldDiff, compare
from controller.core.estate import Estate
from controller.core.key import Key
from controller.core.kind import Heed, Kind
from controller.core.plan import UNKNOWN, Note, Plan
from controller.core.ports import Place, Providers
from controller.core.resource import Mode, Resource, Rollback
from controller.core.run import Row
from controller.core.state import Absent, Observed, Owner, Present, Unknown
from controller.engine.clock_time import clock_time
from controller.engine.group import dependencies, rollouts
from controller.engine.hold import Sieve
from controller.engine.observe import World

Memo = dict[Key, tuple[Resource, Row | None, Observed]]
"""Keys that needed nothing, with the very objects that were compared: the same objects need nothing again."""


@dataclass(frozen=True)
class Situation:
    """Everything a plan is made from. `unready` are keys that cannot be planned now; `providers` are asked what they can do;
    `now` in seconds since the epoch."""

    estate: Estate
    world: World
    rows: Mapping[Place, Row]
    kinds: Mapping[str, Kind]
    quarantined: Collection[Quarantine] = ()
    suspended: Mapping[str, Suspension] = field(default_factory=dict)
    unready: tuple[Note, ...] = ()
    providers: Providers = field(default_factory=dict)
    now: float = 0.0


def plan(situation: Situation, memo: Memo | None = None) -> Plan:
    """The plan that brings the world to the estate."""
    memo = {} if memo is None else memo
    blocked, stopped = _blocked(situation)
    skipped = {note.key for note in situation.unready}
    changes: list[Change] = []
    notes = list(situation.unready)
    for key, resource in situation.estate.resources.items():
        if key in skipped:
            continue
        if resource.suspend or str(key) in situation.suspended:
            notes.append(_note(resource, "Suspended", _why_suspended(situation, key)))
            continue
        row = situation.rows.get((key, resource.provider))
        if key in blocked and row is not None and row.digest == resource.digest:
            notes.append(
                _note(resource, "Stuck", f"{blocked[key]}; it could not be put back: change it, or `homelab retry {key}`")
            )
            continue
        if key in blocked:
            notes.append(_note(resource, "Quarantined", blocked[key]))
            if row is None or row.applied is None:
                continue
            resource = replace(resource, state=row.applied, address=row.address)  # noqa: PLW2901 (the last good one is wanted)
        observed = situation.world.of(key, resource.provider)
        known = memo.get(key)
        if known is not None and known[0] is resource and known[1] is row and known[2] is observed:
            continue
        found = _subtract(resource, row, observed, situation.kinds[key.kind])
        if found is None:
            memo[key] = (resource, row, observed)
        elif isinstance(found, Change) and key in stopped:
            notes.append(_note(resource, "Quarantined", f"{stopped[key]} ({found.cause})"))
        elif isinstance(found, Note):
            notes.append(found)
        else:
            changes.append(found)
    changes += _leftovers(situation, notes)
    policy = situation.estate.policy.version
    if not changes:
        return Plan(situation.estate.revision, (), tuple(notes), policy)
    edges = dependencies(changes, situation.rows)
    sifted = _sieve(situation, notes).sift(changes, edges)
    made = (*rollouts(sifted.free, edges, policy), *rollouts(sifted.asked, edges, policy))
    return Plan(situation.estate.revision, made, (*notes, *sifted.notes), policy)


def _sieve(situation: Situation, notes: Sequence[Note]) -> Sieve:
    def missing(note: Note) -> bool:
        return note.reason == "Suspended" and not isinstance(situation.world.of(note.key, note.provider), Present)

    zone = situation.estate.policy.timezone
    return Sieve(notes, situation.rows, situation.providers, missing, lambda at: clock_time(at, situation.now, zone))


def _why_suspended(situation: Situation, key: Key) -> str:
    item = situation.suspended.get(str(key))
    if item is None:
        return "suspended in the specification"
    return f"suspended by {item.by}" + (f": {item.reason}" if item.reason else "")


def _blocked(situation: Situation) -> tuple[dict[Key, str], dict[Key, str]]:
    """Keys of failed rollouts whose whole desired set is still the one that failed: of new versions, and of repairs."""
    blocked: dict[Key, str] = {}
    stopped: dict[Key, str] = {}
    resources = situation.estate.resources
    for item in situation.quarantined:
        wanted = {Key.parse(name): digest for name, digest in item.wanted.items()}
        if all((resources[key].digest if key in resources else "") == digest for key, digest in wanted.items()):
            found = stopped if item.repair else blocked
            found.update(dict.fromkeys(wanted, f"quarantined: {item.culprit} failed: {item.reason}"))
    return blocked, stopped


def _subtract(resource: Resource, row: Row | None, observed: Observed, kind: Kind) -> Change | Note | None:
    if isinstance(observed, Unknown):
        return _note(resource, UNKNOWN, observed.reason)
    if row is not None and row.applied is not None and row.address != resource.address:
        if kind.markless and not kind.lasting:  # nothing would know of the old one any more
            hint = "give the document another name, and the old one goes with the old document"
            return _note(resource, "Refused", f"it stood for {row.address!r} and now means {resource.address!r}: {hint}")
        row = None if kind.standing else row
    if isinstance(observed, Absent):
        if resource.mode is not Mode.APPLY or kind.heeds(resource.state) is Heed.REPORT:
            return _note(resource, "Missing", f"does not exist, and {_only(resource)}")
        cause = "missing" if row is not None and row.applied is not None else "new"
        drift = row is not None and row.digest == resource.digest
        return _change(resource, Action.CREATE, None, cause, kind, row=row, drift=drift)
    return _present(resource, row, observed, kind)


def _present(resource: Resource, row: Row | None, observed: Present, kind: Kind) -> Change | Note | None:
    heed = Heed.REPORT if resource.mode is Mode.OBSERVE else kind.heeds(resource.state)
    if heed is not Heed.REPORT and (row is None or (_exchanged(row, observed) and not kind.standing)):
        return _unowned(resource, row, observed, kind)
    applied, shown = (row.applied, row.shown) if row is not None else (None, None)
    fields = compare(resource.state, observed.state, applied, shown, kind.same, kind.whole)
    if heed is Heed.ONCE:
        fields = tuple(item for item in fields if not item.drift)
    if not fields:
        return None
    if heed is Heed.REPORT:
        return _note(resource, "Drifted", f"differs in {_names(fields)}{_by(observed)}; {_only(resource)}")
    drift = all(item.drift for item in fields)
    cause = f"drift: {_names(fields)}{_by(observed)}" if drift else f"changed: {_names([f for f in fields if not f.drift])}"
    return _change(resource, kind.verb(fields), observed, cause, kind, fields, row, drift)


def _only(resource: Resource) -> str:
    return "it is only observed" if resource.mode is Mode.APPLY else f"mode is {resource.mode}"


def _by(observed: Present) -> str:
    return f" (by {observed.by})" if observed.by else ""


def _exchanged(row: Row, observed: Present) -> bool:
    """True when somebody put an object without our mark in the place of ours."""
    return observed.owner is Owner.FOREIGN and row.handle not in ("", observed.handle)


def _unowned(resource: Resource, row: Row | None, observed: Present, kind: Kind) -> Change | Note | None:
    """Present but not in the ledger: adopted when asked for, when it carries our mark, or when it is an equal stand-in."""
    fields = compare(resource.state, observed.state, same=kind.same, whole=kind.whole)
    if resource.mode is Mode.ADOPT:
        return _change(resource, Action.ADOPT, observed, "adopted as it is", kind, fields)
    if observed.owner is Owner.OURS:
        return _change(resource, Action.ADOPT, observed, "carries our mark but is not in the ledger", kind, fields)
    if row is not None and not fields:
        return _change(resource, Action.ADOPT, observed, "an equal object stands in its place", kind, fields)
    if kind.standing and fields:
        return _change(resource, kind.verb(fields), observed, f"new: {_names(fields)}", kind, fields)
    if (kind.markless or kind.standing) and not fields:
        return _change(resource, Action.ADOPT, observed, "is there already, as declared", kind, fields)
    hint = f"rename it, or take it over with `mode: adopt` (or `homelab adopt {resource.key}`)"
    return _note(resource, "Foreign", f"{resource.address!r} exists and is not ours; {hint}")


def _leftovers(situation: Situation, notes: list[Note]) -> Iterable[Change]:
    """What is ours but no longer wanted; and marked objects that nobody knows."""
    for (key, provider), row in situation.rows.items():
        resource = situation.estate.resources.get(key)
        if resource is not None and resource.provider == provider:
            continue
        if str(key) in situation.suspended:
            notes.append(Note(key, "Suspended", _why_suspended(situation, key), provider))
            continue
        yield from _leftover(key, row, situation, notes, moved=resource is not None)
    readable = bool(situation.estate.revision.id)  # otherwise nobody knows what is declared
    for (_, provider), snapshot in situation.world.snapshots.items():
        for key, observed in snapshot.items.items():
            unknown = readable and (key, provider) not in situation.rows and key not in situation.estate.resources
            if unknown and isinstance(observed, Present) and observed.owner is Owner.OURS:
                message = f"{observed.handle[:12]} carries our mark but nothing declares it: declare it, or remove it by hand"
                notes.append(Note(key, "Unmarked", message, provider))


def _leftover(key: Key, row: Row, situation: Situation, notes: list[Note], *, moved: bool) -> Iterable[Change]:
    observed = situation.world.of(key, row.provider)
    if isinstance(observed, Unknown):
        notes.append(Note(key, UNKNOWN, observed.reason, row.provider))
        return
    snapshot = situation.world.snapshots.get((key.kind, row.provider))
    if snapshot is not None and not snapshot.complete:
        notes.append(Note(key, UNKNOWN, f"nothing is deleted after half a look: {snapshot.reason}", row.provider))
        return
    kind = situation.kinds[key.kind]
    before = observed.state if isinstance(observed, Present) else None
    stays = before is not None and (kind.lasting or (kind.markless and row.found))
    action = Action.DELETE if before is not None and not stays else Action.FORGET
    cause = "moved to another host" if moved else "removed from git"
    reversal = kind.reversal(action, before, None) if action is Action.DELETE else Reversal.EXACT
    yield Change(
        key=key,
        provider=row.provider,
        address=row.address,
        action=action,
        before=before,
        after=None,
        cause=f"{cause}; it was there before and stays" if stays and row.found else cause,
        needs=row.needs,
        handle=observed.handle if isinstance(observed, Present) else row.handle,
        reversal=reversal,
        rollback=Rollback.ALWAYS,
        stateful=row.stateful,
        protect=row.protect,
    )


def _change(
    resource: Resource,
    action: Action,
    observed: Present | None,
    cause: str,
    kind: Kind,
    fields: tuple[FieldDiff, ...] = (),
    row: Row | None = None,
    drift: bool = False,
) -> Change:
    before = observed.state if observed is not None else None
    if observed is not None and observed.ends and action.writes:
        cause = f"{cause}; {observed.ends}"
    return Change(
        key=resource.key,
        provider=resource.provider,
        address=resource.address,
        action=action,
        before=before,
        after=resource.state,
        cause=cause,
        fields=fields,
        needs=resource.needs,
        claims=resource.claims,
        handle=observed.handle if observed is not None else (row.handle if row else ""),
        digest=resource.digest,
        drift=drift,
        reversal=kind.reversal(action, before, resource.state) if action.writes else Reversal.EXACT,
        rollback=resource.rollback,
        stateful=resource.stateful,
        protect=resource.protect,
        gate=resource.gate,
        risks=resource.risks,
    )


def _note(resource: Resource, reason: str, message: str) -> Note:
    return Note(resource.key, reason, message, resource.provider)


def _names(fields: Iterable[FieldDiff]) -> str:
    return ", ".join(dict.fromkeys(item.path for item in fields))
