"""The words about a plan in a pull request: one comment and one status. Everything in them is hostile text of somebody's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controller.core.forge import Check
from controller.core.proposal import Proposal
from controller.usecases.proposal_effects import Effects
from controller.usecases.views import ChangeView, RolloutView, rollout_view

_MOST_LINES, _MOST_TEXT, _LONGEST = 400, 40_000, 2_000
"""GitHub takes 65,536 characters, Gitea as many bytes or more."""
FORK = "This comes from another repository: it is not planned, and a merge of it approves nothing that is held."


@dataclass(frozen=True, slots=True)
class Told:
    """A comment, and the held rollouts that stand in it in full: only these can be approved by who has read it."""

    text: str
    held: tuple[str, ...]


def comment(effects: Effects, objection: str, writers: Sequence[str]) -> Told:
    """The plan as a comment in Markdown. What comes from specs and backends stands in one fenced block, where nothing of it is
    a link, a mention or markup; what is held stands first in it."""
    lines, held = _block(effects)
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    parts = [f"**Plan** {summary(effects)}", f"{fence}text\n{text}\n{fence}" if text else ""]
    if not effects.problem and effects.held:
        word = "A merge here does not approve what is held" if objection or not held else "A merge here approves what is held"
        parts.append(f"{word}{': ' + _inline(objection) if objection else ''}.")
    if len(held) < len(effects.held) and not effects.problem:
        parts.append("What does not stand here in full is not approved by a merge: `homelab plan` shows it.")
    by = f", written by {', '.join(map(_inline, writers))}" if writers else ""
    parts.append(f"Merged with `{effects.head.short}`{by}.")
    return Told("\n\n".join(part for part in parts if part), held)


def unplanned(why: str) -> str:
    """What is said where git cannot merge or read it."""
    return f"**Plan** cannot be made\n\n```text\n{plain(why).replace('`', ' ')[:_LONGEST]}\n```"


def status(effects: Effects) -> tuple[Check, str]:
    """The word and the sentence beside the commit."""
    if effects.problem:
        return Check.FAILURE, plain(effects.problem)
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


def _block(effects: Effects) -> tuple[list[str], tuple[str, ...]]:
    """The lines of the plan within what a forge takes, and the held digests whose lines are all there: none where it is not known
    what the rest would do, as nothing of that can be approved here either."""
    lines: list[str] = []
    room, held = _MOST_TEXT, list[str]()

    def add(more: list[str]) -> bool:
        nonlocal room
        shown = [plain(line) for line in more]
        whole = all(len(line) <= _LONGEST for line in shown)
        shown = [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…" for line in shown]
        if len(lines) + len(shown) > _MOST_LINES or sum(map(len, shown)) > room:
            if room:
                lines.append("… and more: `homelab plan` shows it")
            room = 0
            return False
        lines.extend(shown)
        room -= sum(map(len, shown))
        return whole

    if effects.problem:
        add([effects.problem])
    for rollout in sorted(effects.rollouts, key=lambda each: each.digest not in effects.held):
        view = rollout_view(rollout, effects.decisions.get(rollout.digest))
        if add(_rollout(view)) and rollout.digest in effects.held and not effects.problem:
            held.append(rollout.digest)
    for item in effects.findings:
        add([f"{item.severity} {item.origin}: {item.message}", *([f"  fix: {item.hint}"] if item.hint else [])])
    add([f"not planned {note.key}: {note.message}" for note in effects.notes])
    add([f"{name} does not answer: {reason}" for name, reason in effects.backends.items()])
    return lines, tuple(held)


def _rollout(rollout: RolloutView) -> list[str]:
    head = f"{rollout.verdict} {rollout.digest[:12]}" + (f" ({rollout.reason})" if rollout.reason else "")
    return [head, *(line for change in rollout.changes for line in _change(change))]


def _change(change: ChangeView) -> list[str]:
    fields = [f"    {item.path}: {_value(item.old)} → {_value(item.new)}" for item in change.fields]
    return [f"  {change.action} {change.key}: {change.cause}", *fields]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain(text: str) -> str:
    """On one line, without characters that hide or act."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _inline(text: str) -> str:
    """A sentence of ours with somebody's name in it, outside of the block."""
    return re.sub(r"[^\w ,.;:()/'-]", " ", plain(text))


def opening(proposal: Proposal) -> str:
    """What the pull request of a proposal begins with. The reason stands in a block: it may be anybody's."""
    reason = "\n".join(f"> {_inline(line)}" for line in proposal.reason.splitlines()[:_MOST_LINES])
    return f"{reason}\n\nProposed by {_inline(proposal.author.name)} ({proposal.author.kind}) as `{proposal.id}`.".strip()


def ending(proposal: Proposal) -> str:
    """What is said when a proposal was decided elsewhere."""
    merged = f" as `{proposal.merged[:10]}`" if proposal.merged else ""
    note = f": {_inline(proposal.note)}" if proposal.note else ""
    return f"This proposal is {proposal.standing}{merged}{note}."
