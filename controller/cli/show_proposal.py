"""Proposals as people read them, from their JSON form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.cli.show_comparison import patch_lines
from controller.cli.show_findings import backend_lines, finding_lines
from controller.cli.show_plan import rollout_lines
from controller.cli.text import Paint, table, visible, visible_lines, when, wrapped

_NAME = re.compile(r"[gklmnprstvz][aeiou]([bdfgklmnprstvz][aeiou]){2}")
_STANDINGS = {
    "open": "yellow",
    "changes-requested": "magenta",
    "merged": "green",
    "rejected": "red",
    "expired": "dim",
}
_WORDS = {"approve": "approved", "reject": "rejected", "request-changes": "asked for changes"}


def bare(text: str) -> str:
    """The name of a proposal, also by its branch."""
    return text.removeprefix("homelab/")


def is_proposal(text: str) -> bool:
    """True for what can only name a proposal: such a name has six letters, and the first is no digit of a digest."""
    return text.startswith("homelab/") or _NAME.fullmatch(text) is not None


def list_lines(proposals: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    """One line per proposal, newest first."""
    if not proposals:
        return ["no proposals"]
    rows = [(item["id"], item["standing"], who(item), when(item["created"]), item["title"]) for item in proposals]
    return table(("ID", "STANDING", "BY", "AT", "TITLE"), rows, paint)


def who(item: Mapping[str, Any]) -> str:
    """Who proposes it."""
    return item["author"] if item["author_kind"] == "person" else f"{item['author']} ({item['author_kind']})"


def proposal_lines(view: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """All of one: who, why, what was said, the lines that differ, what it would do, and what speaks against it."""
    item = view["proposal"]
    standing = paint(visible(item["standing"]), _STANDINGS.get(item["standing"], ""))
    yield f"proposal {paint(visible(item['id']), 'bold')}  {standing}  {visible(item['title'])}"
    yield f"by {visible(who(item))}, {when(item['created'])}, on {visible(item['base'])[:10]}, branch {visible(item['branch'])}"
    yield from (f"  {line}" for line in visible_lines(item["reason"]))
    for word in item["reviews"]:
        why = f": {visible(word['reason'])}" if word["reason"] else ""
        said = _WORDS.get(word["word"], word["word"])
        yield f"{when(word['at'])}  {visible(word['by'])} {said} {visible(word['tip'])[:10]}{why}"
    if item["closed"]:
        into = f" as {visible(item['merged'])[:10]}" if item["merged"] else ""
        yield f"{when(item['closed'])}  {visible(item['standing'])}{into}" + (
            f": {visible(item['note'])}" if item["note"] else ""
        )
    if view["patch"]:
        yield ""
        yield from patch_lines(view["patch"], paint)
    if not item["closed"]:
        yield ""
        yield from effect_lines(view, paint)


def effect_lines(view: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """What a pending one would do now, and who may approve it."""
    yield from backend_lines(view["backends"], paint)
    yield from finding_lines(view["diagnostics"], paint)
    for rollout in view["rollouts"]:
        # What is held gets its word with the approval of the proposal.
        yield from (line for line in rollout_lines(rollout, paint) if not line.startswith("  approve it with"))
    for note in view["notes"]:
        yield f"  ! {visible(note['key'])}  {visible(note['reason'])}: {visible(note['message'])}"
    if not view["rollouts"] and not view["problem"]:
        yield "nothing would be done for it: the world is so already, or it waits"
    if view["concerns"]:
        yield f"concerns: {', '.join(map(visible, view['concerns']))}"
    if view["reversal"] not in ("", "exact"):
        yield f"undo: {visible(view['reversal'])}"
    id_ = visible(view["proposal"]["id"])
    if view["problem"]:
        yield from wrapped(f"cannot be approved: {visible(view['problem'])}", paint.columns, "  ")
    elif view["objection"]:
        yield from wrapped(f"you cannot approve it: {visible(view['objection'])}", paint.columns, "  ")
    else:
        yield f"approve it with: {paint(f'homelab approve {id_}', 'bold')}"
