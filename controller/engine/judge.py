"""Judge: house rules and built-in brakes give every rollout a verdict. Verdicts are data; nothing is done here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta, tzinfo
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from controller.core.change import Action, Change, Reversal
from controller.core.decision import Approval, Decision, Verdict
from controller.core.kind import Kind
from controller.core.plan import Plan, Rollout
from controller.core.policy import Match, Policy, Rule, Window
from controller.core.resource import Risk

_ORDER = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
_NAMED = 3
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Circumstances:
    """What the brakes must know besides the plan. `owned` counts ledger rows, `wanted` the estate's resources;
    `history` is "" when the revision descends from the deployed one, else the reason; `now` in seconds since the epoch."""

    policy: Policy
    owned: int
    wanted: int
    now: float
    history: str = ""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)


def judge(plan: Plan, facts: Circumstances) -> dict[str, Decision]:
    """The decision per rollout digest: the strongest of all rules, a person's word on what is held."""
    return {rollout.digest: _judged(rollout, plan, facts) for rollout in plan.rollouts}


def _judged(rollout: Rollout, plan: Plan, facts: Circumstances) -> Decision:
    named = dict.fromkeys(name for change in rollout.changes for name, _, _ in _concerns(change, plan, facts))
    return replace(_rollout(rollout, plan, facts), concerns=tuple(named))


def _rollout(rollout: Rollout, plan: Plan, facts: Circumstances) -> Decision:
    decisions = [(change, decision) for change in rollout.changes for decision in _change(change, plan, facts)]
    none = Decision(Verdict.ALLOW, "default", "")
    strongest = max((decision for _, decision in decisions), key=lambda d: _ORDER[d.verdict], default=none)
    strongest = replace(strongest, reason=_told(rollout, decisions, strongest.verdict))
    if strongest.verdict is Verdict.DENY:
        return strongest
    asked = [change for change in rollout.changes if change.action is Action.ASK]
    if asked:
        # No approval lifts this: there is nothing that a run could do.
        return Decision(Verdict.HOLD, "ask", "; ".join(f"waits for {change.key}: {_asked(change)}" for change in asked))
    if strongest.verdict is not Verdict.HOLD:
        return strongest
    word = facts.approvals.get(rollout.digest)
    if word is None:
        return strongest
    if word.approved:
        return Decision(Verdict.ALLOW, "approval", f"approved by {word.by}" + (f": {word.reason}" if word.reason else ""))
    return Decision(Verdict.HOLD, "rejection", f"rejected by {word.by}" + (f": {word.reason}" if word.reason else ""))


def _told(rollout: Rollout, decisions: Iterable[tuple[Change, Decision]], verdict: Verdict) -> str:
    """Every reason for a verdict once, led by the keys that it is about where there are several in the rollout."""
    about: dict[str, dict[str, None]] = {}
    for change, decision in decisions:
        if decision.verdict is verdict:
            about.setdefault(decision.reason, {})[str(change.key)] = None
    reasons: dict[tuple[str, ...], list[str]] = {}
    for reason, keys in about.items():
        reasons.setdefault(tuple(keys), []).append(reason)
    led = len(rollout.changes) > 1
    return "; ".join((f"{_several(keys)}: " if led else "") + "; ".join(each) for keys, each in reasons.items())


def _several(keys: tuple[str, ...]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED + 1 else ""
    return ", ".join(keys[:_NAMED] if more else keys) + more


def _asked(change: Change) -> str:
    return next(iter(change.instructions.splitlines()), "only a person can do this: do it by hand, or take it back in git")


def _change(change: Change, plan: Plan, facts: Circumstances) -> Iterable[Decision]:
    """Every rule's word on one change."""
    for concern, default, reason in _concerns(change, plan, facts):
        rule = next((r for r in facts.policy.rules if r.match.concerns and _decides(r, concern, change, plan, facts)), None)
        if rule is None:
            yield Decision(default, concern, reason)
        else:
            yield Decision(rule.verdict, rule.name, rule.reason or reason)
    for rule in facts.policy.rules:
        if not rule.match.concerns and _fits(rule, change, plan, facts):
            yield Decision(rule.verdict, rule.name, rule.reason or f"rule {rule.name} says {rule.verdict}")


def _concerns(change: Change, plan: Plan, facts: Circumstances) -> Iterable[tuple[str, Verdict, str]]:
    """Built-in concerns of a change: (name, verdict without a rule, reason)."""
    # A repair gives back a power that was allowed (or imported) before, and no new one.
    for risk in change.risks if change.action.writes and not change.drift else ():
        yield risk.name, Verdict.DENY, _risk_reason(risk)
    if facts.history and not change.drift:
        yield "history", Verdict.HOLD, facts.history
    if not change.drift and (reason := _widened(change, facts)):
        yield "exposure", Verdict.HOLD, reason
    if change.action.writes and (reason := _attended(change, facts)):
        yield "attended", Verdict.HOLD, reason
    if change.action is Action.DELETE:
        yield from _deletion(change, plan, facts)
    if change.action.writes and change.reversal in (Reversal.LOSSY, Reversal.NONE):
        yield "irreversible", Verdict.HOLD, f"{change.action} cannot be taken back ({change.reversal})"


def _widened(change: Change, facts: Circumstances) -> str:
    kind = facts.kinds.get(change.key.kind)
    return kind.widens(change.before, change.after) if kind and change.before is not None and change.after is not None else ""


def _attended(change: Change, facts: Circumstances) -> str:
    kind = facts.kinds.get(change.key.kind)
    return kind.attended(change.before, change.after) if kind else ""


def _risk_reason(risk: Risk) -> str:
    return f"{risk.reason}; a rule under policy/ must allow {risk.name!r}"


def _deletion(change: Change, plan: Plan, facts: Circumstances) -> Iterable[tuple[str, Verdict, str]]:
    if change.protect:
        yield "protected", Verdict.HOLD, "it is protected (`protect: true`)"
    if change.key.kind == "volume":
        yield "data", Verdict.HOLD, "deletes data for ever"
    deletions = sum(1 for c in plan.changes if c.action is Action.DELETE)
    limits = facts.policy.deletions
    if facts.wanted == 0:
        yield "empty", Verdict.HOLD, f"the revision declares nothing: all {deletions} would go"
    elif deletions > limits.count:
        yield "deletions", Verdict.HOLD, f"{deletions} deletions in one plan, more than {limits.count}"
    elif deletions > 1 and facts.owned and deletions / facts.owned > limits.share:
        yield "deletions", Verdict.HOLD, f"{deletions} of {facts.owned} would go, more than {limits.share:.0%}"


def _decides(rule: Rule, concern: str, change: Change, plan: Plan, facts: Circumstances) -> bool:
    return any(fnmatchcase(concern, pattern) for pattern in rule.match.concerns) and _fits(rule, change, plan, facts)


def _fits(rule: Rule, change: Change, plan: Plan, facts: Circumstances) -> bool:
    if not _matches(rule.match, change):
        return False
    if rule.match.more_than is not None and sum(_matches(rule.match, c) for c in plan.changes) <= rule.match.more_than:
        return False
    if rule.within is not None and not inside(rule.within, facts.now, facts.policy.timezone):
        return False
    return rule.outside is None or not inside(rule.outside, facts.now, facts.policy.timezone)


def _matches(match: Match, change: Change) -> bool:
    return (
        (not match.kinds or change.key.kind in match.kinds)
        and (not match.names or any(fnmatchcase(change.key.name, pattern) for pattern in match.names))
        and (not match.hosts or any(fnmatchcase(change.provider, pattern) for pattern in match.hosts))
        and (not match.actions or change.action in match.actions)
        and (not match.reversal or change.reversal in match.reversal)
        and (match.drift is None or change.drift == match.drift)
        and (match.stateful is None or change.stateful == match.stateful)
    )


def inside(window: Window, now: float, zone: str) -> bool:
    """True when the local time falls into the window; one that ends before it starts runs over midnight."""
    where: tzinfo | None = ZoneInfo(zone) if zone else None
    moment = datetime.fromtimestamp(now, where) if where else datetime.fromtimestamp(now).astimezone()
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    clock = moment.time().replace(tzinfo=None)
    if start <= end:
        opened = moment if start <= clock < end else None
    elif clock >= start:
        opened = moment
    else:
        opened = moment - timedelta(days=1) if clock < end else None
    return opened is not None and (not window.days or _DAYS[opened.weekday()] in window.days)
