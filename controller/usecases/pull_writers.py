"""Who wrote a pull request, as far as its forge knows: whoever wrote at it is no second person for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from controller.core.forge import Written
from controller.core.policy import ProposalRules
from controller.core.proposal import Author, Proposal

NOT_READ = "nobody has read yet who wrote its commits"


@dataclass(frozen=True, slots=True)
class Writers:
    """The `names` of everybody who wrote or committed something in it; `doubt` says why that may not be all ("" = it is)."""

    names: tuple[str, ...] = ()
    doubt: str = NOT_READ


def writers_of(commits: Sequence[Written], tip: str, proposal: Proposal | None) -> Writers:
    """Who wrote the commits of a pull request whose newest is `tip`. Of a proposal, commits that were made here are known by
    its record; a name or an address that git holds is nobody's account otherwise."""
    here = proposal.made if proposal is not None else ()
    strange = [each for each in commits if not all(each.by) and each.id not in here]
    names = tuple(sorted({name for each in commits for name in each.by if name}, key=str.casefold))
    if tip not in {each.id for each in commits}:
        return Writers(names, "the forge does not list all of its commits, so it may be anybody's own")
    if strange:
        return Writers(names, f"its commit {strange[0].id[:10]} is by nobody whom the forge knows, so it may be anybody's own")
    return Writers(names, "")


def objection(
    record: Proposal, writers: Writers, by: Author, rules: ProposalRules, concerns: Collection[str], *, trusted: bool
) -> str:
    """Why somebody's merge does not approve it, "" when it does: as for a proposal (`Proposal.objection`) that all the writers
    changed. Law: where another person is wanted, a doubt about who wrote it counts against everybody."""
    # Who pushed to it is what the forge tells.
    known = replace(record, revisers=(*record.revisers, *map(Author, writers.names)), pushed="")
    said = known.objection(by, rules, concerns, trusted=trusted)
    if said or not writers.doubt:
        return said
    own = replace(known, revisers=(*known.revisers, by))
    return writers.doubt if own.objection(by, rules, concerns, trusted=trusted) else ""
