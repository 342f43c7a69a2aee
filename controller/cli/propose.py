"""`homelab propose`, `proposals` and `request-changes`: changes that wait for a word."""

from __future__ import annotations

import json
import re
from typing import Any

import click

from controller import wire
from controller.cli.house import looking, settings, writing
from controller.cli.show_proposal import bare, list_lines, proposal_lines
from controller.cli.verbs import talk, verb
from controller.core.document import Path
from controller.core.edit import RemoveDocument, RemoveValue, SetValue
from controller.core.errors import Refused
from controller.core.key import Key
from controller.core.proposal import Branched
from controller.usecases.proposing_files import Change, from_branch, from_worktree

STANDINGS = ("pending", "open", "changes-requested", "merged", "rejected", "expired", "all")
_STEP = re.compile(r'"([^"]*)"|\[(\d{1,6})\]|([^.\[\]"=]+)')


@verb(
    "propose",
    examples=[
        "homelab propose --set service/web spec.image=web:2",
        'homelab propose --worktree --title "Move the photos" --reason "The old disk is full"',
        "homelab propose --from my-branch",
        "homelab propose --remove service/old --revise gabodi",
    ],
    prints=True,
)
@click.option("--worktree", is_flag=True, help="Propose what is different in the work tree, committed or not.")
@click.option("--from", "origin", metavar="BRANCH", help="Propose what a branch or commit changes.")
@click.option("--set", "sets", nargs=2, multiple=True, metavar="KEY PATH=VALUE", help="Set a value; VALUE is JSON or text.")
@click.option("--unset", "unsets", nargs=2, multiple=True, metavar="KEY PATH", help="Take an entry away.")
@click.option("--remove", "removes", multiple=True, metavar="KEY", help="Take a whole document away.")
@click.option("--title", default="", help="What it is, in one line.")
@click.option("--reason", default="", help="Why.")
@click.option("--revise", metavar="ID", default="", help="Change this proposal instead of opening another one.")
def propose_verb(
    worktree: bool,
    origin: str | None,
    sets: tuple[tuple[str, str], ...],
    unsets: tuple[tuple[str, str], ...],
    removes: tuple[str, ...],
    title: str,
    reason: str,
    revise: str,
) -> None:
    """Propose a change of the specification.

    A proposal is a branch that waits for a word: it shows at once what it would do, and nothing happens before somebody approves
    it. Paths count from the top of a document: `spec.ports[0]`, `spec.labels."a.b"`."""
    fields = bool(sets or unsets or removes)
    if worktree + bool(origin) + fields != 1:
        raise Refused("say what to propose: --worktree, or --from BRANCH, or --set, --unset and --remove")
    if fields:
        change, named = _fields(sets, unsets, removes)
    else:
        change, named = _files(origin)
        if not change.files:
            raise Refused("nothing is changed by this: the specs are so already")
    with writing() as house:
        desk = house.proposals
        view = desk.revise(bare(revise), reason, change) if revise else desk.open(title or named, reason, change)
    talk().data(view, proposal_lines(view, talk().paint))
    if worktree:
        talk().say("your work tree still has these changes; `git restore .` takes them out, so that it can follow the approval")


@verb(
    "proposals", examples=["homelab proposals", "homelab proposals --standing merged", "homelab proposals -o json"], prints=True
)
@click.option("--standing", type=click.Choice(STANDINGS), default="pending", show_default=True, help="Those that stand so.")
def proposals_verb(standing: str) -> None:
    """List proposals, newest first."""
    with looking() as house:
        found = house.proposals.list(standing)
    talk().data({"proposals": list(found)}, list_lines(found, talk().paint))


@verb("request-changes", examples=['homelab request-changes gabodi --reason "pin the digest"'], prints=True)
@click.argument("proposal", metavar="PROPOSAL")
@click.option("--reason", required=True, help="What has to change.")
def request_changes_verb(proposal: str, reason: str) -> None:
    """Say what has to change in a proposal first."""
    with writing() as house:
        line = house.proposals.request_changes(bare(proposal), reason)
    talk().data(line, [f"asked for changes of {line['id']}"])


def _files(branch: str | None) -> tuple[Change, str]:
    source: object = wire.open_source(settings())
    if not branch:
        edits = from_worktree(source)  # type: ignore[arg-type]
        return Change(edits), f"Change {', '.join(sorted(edits)[:3])}{' and more' if len(edits) > 3 else ''}"[
            :120
        ] if edits else ""
    if not isinstance(source, Branched):
        raise Refused("a plain folder has no branches")
    found: Any = source
    edits = from_branch(found, source.branches, branch)
    return Change(edits), found.revision(branch).message.split("\n")[0][:120] or f"Merge {branch}"[:120]


def _fields(
    sets: tuple[tuple[str, str], ...], unsets: tuple[tuple[str, str], ...], removes: tuple[str, ...]
) -> tuple[Change, str]:
    edits: list[SetValue | RemoveValue | RemoveDocument] = []
    named: list[str] = []
    for key, text in sets:
        path, equals, value = _split(text)
        if not equals:
            raise Refused(f"write --set KEY PATH=VALUE, for example --set service/web spec.image=web:2; not {text!r}")
        edits.append(SetValue(_key(key), _path(path), _value(value)))
        named.append(f"set {path.removeprefix('spec.')} of {key}")
    for key, text in unsets:
        edits.append(RemoveValue(_key(key), _path(text)))
        named.append(f"unset {text.removeprefix('spec.')} of {key}")
    for key in removes:
        edits.append(RemoveDocument(_key(key)))
        named.append(f"remove {key}")
    title = ", ".join(named)
    return Change(edits=edits), (title[0].upper() + title[1:])[:120]


def _split(text: str) -> tuple[str, str, str]:
    """Path and value at the first `=` outside of quotes."""
    quoted = False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "=" and not quoted:
            return text[:at], "=", text[at + 1 :]
    return text, "", ""


def _path(text: str) -> Path:
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise Refused(f'{text!r} is not a path in a document: write it like spec.ports[0] or spec.labels."a.b"')
        steps.append(int(found[2]) if found[2] is not None else found[3] if found[3] is not None else found[1])
        at = found.end()
        at += at < len(text) and text[at] == "."
    if not steps or text.endswith("."):
        raise Refused(f"{text!r} is not a path in a document: write it like spec.ports[0]")
    return tuple(steps)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _key(text: str) -> Key:
    try:
        return Key.parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error
