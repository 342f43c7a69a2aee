"""What a person says: approve, reject, retry, suspend, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from controller.cli.apply import finish, pass_with_events, telling
from controller.cli.house import House, writing
from controller.cli.show_proposal import bare, is_proposal, proposal_lines
from controller.cli.verbs import talk, verb
from controller.core.errors import Refused

REASON = click.option("--reason", default="", help="Why, for the record.")
NO_PASS = click.option("--no-apply", is_flag=True, help="Only say it; a later pass follows it.")


def _then_pass(house: House, cause: str, said: dict[str, Any], no_apply: bool) -> None:
    if no_apply:
        talk().json_only(said)
        return
    done = pass_with_events(house, cause)
    finish(house, done, {**said, "pass": done})


@verb(
    "approve",
    examples=["homelab approve gabodi", "homelab approve 8f3c2a19be70", 'homelab approve 8f3c2a19be70 --reason "window agreed"'],
    prints=True,
)
@click.argument("named", metavar="PROPOSAL|DIGEST...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Approve the proposal without asking.")
@REASON
@NO_PASS
def approve_verb(named: tuple[str, ...], yes: bool, reason: str, no_apply: bool) -> None:
    """Approve a proposal or held rollouts, and apply them.

    The word holds for exactly what was shown: it is refused when the desired state, a touched object or the policy has moved. A
    proposal is shown first, then merged. A revision that does not descend from the deployed one and changes nothing is accepted
    by its own id."""
    with writing() as house:
        if proposal := _proposal(named):
            _approve_proposal(house, proposal, reason, yes=yes, no_apply=no_apply)
            return
        full = list(house.decide(True, named, reason))
        talk().say(f"approved {', '.join(digest[:12] for digest in full)}")
        _then_pass(house, "approval", {"approved": full}, no_apply)


def _proposal(named: tuple[str, ...]) -> str:
    """The one proposal that is meant, "" when rollouts are. Raises Refused for both."""
    found = [name for name in named if is_proposal(name)]
    if found and len(named) > 1:
        raise Refused("one proposal at a time, and not together with rollouts")
    return bare(found[0]) if found else ""


def _approve_proposal(house: House, id_: str, reason: str, *, yes: bool, no_apply: bool) -> None:
    view = house.proposals.show(id_)
    if not talk().json:
        talk().lines([*proposal_lines(view, talk().paint), ""])
    standing = view["proposal"]["standing"]
    if standing not in ("open", "changes-requested"):
        raise Refused(f"proposal {id_} is {standing}: nothing can be decided about it any more")
    if why := view["problem"] or view["objection"]:
        raise Refused(f"proposal {id_} cannot be approved: {why}")
    if not yes:
        talk().confirm("Merge this and apply it?")
    made = house.proposals.approve(view, reason, None if no_apply else telling())
    talk().say(f"merged as {made['revision'][:10]}")
    said = {"proposal": made["proposal"], "revision": made["revision"], "approved": made["digests"], "pass": made["done"]}
    if made["done"] is None:
        talk().json_only(said)
        return
    finish(house, made["done"], said)


@verb(
    "reject",
    examples=['homelab reject gabodi --reason "not needed"', 'homelab reject 8f3c2a19be70 --reason "not on a weekend"'],
    prints=True,
)
@click.argument("named", metavar="PROPOSAL|DIGEST...", nargs=-1, required=True)
@REASON
def reject_verb(named: tuple[str, ...], reason: str) -> None:
    """Say no to a proposal or to held rollouts.

    A proposal ends with it; rollouts stay held until something in them changes."""
    with writing() as house:
        if proposal := _proposal(named):
            line = house.proposals.reject(proposal, reason)
            talk().data({"rejected": [line["id"]], "proposal": line}, [f"rejected {line['id']}"])
            return
        full = list(house.decide(False, named, reason))
    talk().data({"rejected": full}, [f"rejected {', '.join(digest[:12] for digest in full)}"])


@verb("retry", examples=["homelab retry service/web", "homelab retry all"], prints=True)
@click.argument("target", metavar="KEY|DIGEST|all")
@NO_PASS
def retry_verb(target: str, no_apply: bool) -> None:
    """Lift a quarantine and try again what failed."""
    with writing() as house:
        digests = list(house.retry(target))
        talk().say(f"tries again {', '.join(digest[:12] for digest in digests)}")
        _then_pass(house, "retry", {"retried": digests}, no_apply)


@verb("suspend", examples=['homelab suspend service/web --reason "disk is being replaced"'], prints=True)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@REASON
def suspend_verb(keys: tuple[str, ...], reason: str) -> None:
    """Leave keys alone until they are resumed: nothing is started, stopped or changed."""
    _each(keys, lambda house, key: house.suspend(key, reason), "suspended")


@verb("resume", examples=["homelab resume service/web"], prints=True)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
def resume_verb(keys: tuple[str, ...]) -> None:
    """Take suspended keys up again; the next pass brings them to what git wants."""
    _each(keys, lambda house, key: house.resume(key), "resumed")


def _each(keys: tuple[str, ...], order: Callable[[House, str], None], word: str) -> None:
    with writing() as house:
        for key in keys:
            order(house, key)
    talk().data({word: list(keys)}, [f"{word} {key}" for key in keys])
