"""The words about a plan in a pull request: one comment and one status. Everything in them is hostile text of somebody's."""

from __future__ import annotations

import json
import re
from typing import Any

from controller.core.forge import Check
from controller.core.proposal import Proposal
from controller.usecases.proposal_effects import Effects
from controller.usecases.views import ChangeView, RolloutView, rollout_view

_MOST_LINES, _LONGEST = 200, 160
FORK = "This comes from another repository: it is not planned, and a merge of it approves nothing that is held."


def comment(effects: Effects, objection: str) -> str:
    """The plan as a comment in Markdown. What comes from specs and backends stands in one fenced block, where nothing of it is
    a link, a mention or markup."""
    lines = list(_lines(effects))
    left = len(lines) - _MOST_LINES
    shown = [*lines[:_MOST_LINES], *([f"… and {left} more lines: `homelab plan` shows them"] if left > 0 else [])]
    text = "\n".join(map(_plain, shown))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    parts = [f"**Plan** {summary(effects)}", f"{fence}text\n{text}\n{fence}" if text else ""]
    if not effects.problem and effects.held:
        word = "A merge here does not approve what is held" if objection else "A merge here approves what is held"
        parts.append(f"{word}{': ' + _inline(objection) if objection else ''}.")
    digests = ", ".join(f"`{digest[:12]}`" for digest in effects.digests)
    parts.append(f"Merged with `{effects.head.short}`{f'; rollouts {digests}' if digests else ''}.")
    return "\n\n".join(part for part in parts if part)


def status(effects: Effects) -> tuple[Check, str]:
    """The word and the sentence beside the commit."""
    if effects.problem:
        return Check.FAILURE, _plain(effects.problem)
    if effects.denied:
        return Check.FAILURE, "the house rules deny a part of it"
    return Check.SUCCESS, summary(effects)


def summary(effects: Effects) -> str:
    """What it comes to, in one sentence."""
    if effects.problem:
        return "cannot be made"
    count = sum(len(rollout.changes) for rollout in effects.rollouts)
    if not count:
        return "changes nothing that runs"
    held = f", {len(effects.held)} held" if effects.held else ""
    rollouts = len(effects.rollouts)
    return f"{count} change{'s' * (count != 1)} in {rollouts} rollout{'s' * (rollouts != 1)}{held}, undo: {effects.reversal}"


def _lines(effects: Effects) -> list[str]:
    found = [effects.problem] if effects.problem else []
    for item in effects.findings:
        found += [f"{item.severity} {item.origin}: {item.message}", *([f"  fix: {item.hint}"] if item.hint else [])]
    for rollout in effects.rollouts:
        found += _rollout(rollout_view(rollout, effects.decisions.get(rollout.digest)))
    found += [f"not planned {note.key}: {note.message}" for note in effects.notes]
    return found + [f"{name} does not answer: {reason}" for name, reason in effects.backends.items()]


def _rollout(rollout: RolloutView) -> list[str]:
    head = f"{rollout.verdict} {rollout.digest[:12]}" + (f" ({rollout.reason})" if rollout.reason else "")
    return [head, *(line for change in rollout.changes for line in _change(change))]


def _change(change: ChangeView) -> list[str]:
    fields = [f"    {item.path}: {_value(item.old)} → {_value(item.new)}" for item in change.fields]
    return [f"  {change.action} {change.key}: {change.cause}", *fields]


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _inline(text: str) -> str:
    """A sentence of ours with somebody's name in it, outside of the block."""
    return re.sub(r"[^\w ,.;:()/'-]", " ", _plain(text))


def opening(proposal: Proposal) -> str:
    """What the pull request of a proposal begins with. The reason stands in a block: it may be anybody's."""
    reason = "\n".join(f"> {_inline(line)}" for line in proposal.reason.splitlines()[:_MOST_LINES])
    return f"{reason}\n\nProposed by {_inline(proposal.author.name)} ({proposal.author.kind}) as `{proposal.id}`.".strip()


def ending(proposal: Proposal) -> str:
    """What is said when a proposal was decided elsewhere."""
    merged = f" as `{proposal.merged[:10]}`" if proposal.merged else ""
    note = f": {_inline(proposal.note)}" if proposal.note else ""
    return f"This proposal is {proposal.standing}{merged}{note}."
