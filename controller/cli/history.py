"""`homelab history` and `homelab show`."""

from __future__ import annotations

import click

from controller.cli.house import House, looking, settings
from controller.cli.show_comparison import commit_lines, comparison_lines, patch_lines
from controller.cli.show_days import history_days_lines, uptime_lines
from controller.cli.show_history import history_lines, resource_lines, revision_lines, run_lines
from controller.cli.show_proposal import bare, is_proposal, proposal_lines
from controller.cli.verbs import talk, verb
from controller.core.errors import HomelabError, Refused, SourceError

_ALL = 10_000
_MOST_COMMITS = 200
_DAYS, _HISTORY_DAYS, _UPTIME_DAYS = click.IntRange(1, 400), 30, 90


@verb(
    "history",
    examples=["homelab history", "homelab history --limit 5", "homelab history --commits", "homelab history --by-day --days 90"],
    prints=True,
)
@click.option("--limit", type=click.IntRange(1, _ALL), default=20, show_default=True, help="At most so many.")
@click.option("--commits", is_flag=True, help="List the commits of the specs instead (at most 200).")
@click.option("--by-day", is_flag=True, help="Count the runs of each day and how they ended instead.")
@click.option("--days", type=_DAYS, help="With --by-day, so many days, today among them; default: 30.")
def history_verb(limit: int, commits: bool, by_day: bool, days: int | None) -> None:
    """List what was done, newest first."""
    _only_with(days, by_day, "--by-day")
    with looking() as house:
        if by_day:
            counted = house.history_days(days or _HISTORY_DAYS)
            talk().data(counted, history_days_lines(counted, talk().paint))
            return
        if commits:
            found = house.commits(min(limit, _MOST_COMMITS))
            talk().data({"commits": list(found)}, commit_lines(found, talk().paint))
            return
        runs = house.history(limit)
    talk().data({"runs": list(runs)}, history_lines(runs, talk().paint))


@verb(
    "show",
    examples=[
        "homelab show service/web",
        "homelab show service/web --uptime",
        "homelab show 01K9ZQ",
        "homelab show HEAD~1",
        "homelab show HEAD~5..HEAD --patch",
        "homelab show gabodi",
    ],
    prints=True,
)
@click.argument("what", metavar="KEY|RUN|REVISION|REVISION..REVISION|PROPOSAL")
@click.option("--patch", is_flag=True, help="Of two revisions, the files line by line.")
@click.option("--uptime", "over_time", is_flag=True, help="Of a key, how much of the time it did its work, day by day.")
@click.option("--days", type=_DAYS, help="With --uptime, so many days, today among them; default: 90.")
def show_verb(what: str, patch: bool, over_time: bool, days: int | None) -> None:
    """Show everything about a key, a run, a revision or a proposal, or what differs between two revisions.

    Of two revisions the first may be left out for what is deployed, the second for the newest: `..HEAD`, `v1..`. Secrets are
    hidden, also in a patch."""
    old, dots, new = what.partition("..")
    if patch and not dots:
        raise Refused("--patch is for two revisions: write OLD..NEW")
    if over_time and (dots or "/" not in what):
        raise Refused("--uptime is for a key: write KIND/NAME")
    _only_with(days, over_time, "--uptime")
    with looking() as house:
        if over_time:
            found = house.uptime(_key(what), days or _UPTIME_DAYS)
            talk().data(found, uptime_lines(found, talk().paint))
            return
        if dots:
            _compare(house, old, new, patch=patch)
            return
        if is_proposal(what):
            found = house.proposals.show(bare(what))
            talk().data(found, proposal_lines(found, talk().paint))
            return
        if "/" in what:
            found = house.resource(_key(what))
            talk().data(found, resource_lines(found, talk().paint))
            return
        try:
            found = house.run(what)
        except HomelabError as error:
            _show_revision(house, what, error)
            return
    talk().data(found, run_lines(found, talk().paint))


def _only_with(days: int | None, given: bool, flag: str) -> None:
    if days is not None and not given:
        raise Refused(f"--days is for {flag}")


def _compare(house: House, old: str, new: str, *, patch: bool) -> None:
    if patch and not talk().json:
        talk().lines(patch_lines(house.patch(old, new), talk().paint))
        return
    found = house.compare(old, new)
    talk().data(found, comparison_lines(found, talk().paint))


def _key(text: str) -> str:
    from controller.core.key import Key

    try:
        return str(Key.parse(text))
    except ValueError as error:
        raise Refused(str(error)) from error


def _show_revision(house: House, name: str, no_run: HomelabError) -> None:
    from controller.core.codec import to_data
    from controller.wire import open_house

    with open_house(settings(), write=False) as own:
        try:
            revision = to_data(own.desk.look.source.revision(name))
        except SourceError as error:
            raise Refused(f"{no_run}; and as a revision: {error}") from error
    runs = [run for run in house.history(_ALL) if run["revision"] == revision["id"]]
    talk().data({"revision": revision, "runs": runs}, revision_lines(revision, runs, talk().paint))
