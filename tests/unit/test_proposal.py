"""Who may approve a proposal, where it stands in time, and what the rules of several documents come to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.codec import from_json, to_json
from controller.core.policy import SECOND, Policy, PolicySpec, ProposalRules, Rule
from controller.core.proposal import CONTROLLER, Author, AuthorKind, Proposal, Review, Standing, Word

PEOPLE = st.builds(Author, st.sampled_from(["Ada", "ada", "Bo", ""]), st.sampled_from(list(AuthorKind)))
RULES = st.builds(
    ProposalRules, own=st.sampled_from(["allow", "deny"]), second=st.sampled_from([(), SECOND, ("*",), ("host-*",)])
)


def proposal(author: Author = CONTROLLER, **rest: object) -> Proposal:
    return Proposal("p1", "Two", "", author, "b" * 40, "c" * 40, 1000.0, 2000.0, **rest)  # type: ignore[arg-type]


@settings(derandomize=True, max_examples=400, deadline=None)
@given(PEOPLE, st.lists(PEOPLE, max_size=2), PEOPLE, RULES, st.sets(st.sampled_from(["data", "host-path:/etc", "attended"])))
def test_who_may_approve(author: Author, revisers: list[Author], by: Author, rules: ProposalRules, concerns: set[str]) -> None:
    item = proposal(author, revisers=tuple(revisers))
    may = not item.objection(by, rules, concerns)
    if by.kind in (AuthorKind.ASSISTANT, AuthorKind.CONTROLLER):
        assert not may, "who only proposes never decides"
        return
    weighty = any(concern in rules.second or "*" in rules.second for concern in concerns) or (
        "host-*" in rules.second and "host-path:/etc" in concerns
    )
    mine = by.name.lower() in {each.name.lower() for each in (author, *revisers)}
    if weighty:
        assert not may or (by.kind is AuthorKind.PERSON and by.name), "a named person"
        assert not (may and mine and author.kind is not AuthorKind.CONTROLLER), "and another one"
    if rules.own == "deny" and mine and author.kind is not AuthorKind.CONTROLLER:
        assert not may
    if not mine and not weighty:
        assert may
    if not mine and by.kind is AuthorKind.PERSON and by.name:
        assert may


@pytest.mark.parametrize(
    ("author", "by", "may"),
    [
        (Author("Ada"), Author("Bo"), True),
        (Author("Ada"), Author("Ada"), False),
        (Author("Ada", AuthorKind.TOKEN), Author("Ada"), False),
        (Author("ci", AuthorKind.TOKEN), Author("Ada"), True),
        (Author("jarvis", AuthorKind.ASSISTANT), Author("Ada"), True),
        (CONTROLLER, Author("Ada"), True),
        (Author("Ada"), Author("ci", AuthorKind.TOKEN), False),
        (Author("Ada"), Author(""), False),
    ],
)
def test_a_second_person(author: Author, by: Author, may: bool) -> None:
    assert (proposal(author).objection(by, ProposalRules(), ["exposure"]) == "") is may


@pytest.mark.parametrize("second", [(), SECOND, ("*",)])
@pytest.mark.parametrize("by", [Author("Ada"), Author("Bo"), Author("ci", AuthorKind.TOKEN)])
def test_what_may_be_done_here_is_decided_by_those_who_may_everything(by: Author, second: tuple[str, ...]) -> None:
    item, rules = proposal(Author("Bo")), ProposalRules(second=second)
    may = not second or by.name == "Ada"
    assert (item.objection(by, rules, ["rules"], trusted=True) == "") is may
    said = item.objection(by, rules, ["rules"])
    assert said.startswith("it changes what may be done here, which takes the scope admin" if may else "it takes a ")


def test_who_asked_for_changes_may_do_without_them() -> None:
    item = proposal(Author("Bo"))
    item = item.reviewed(Review(Word.REQUEST_CHANGES, "Ada", 1100.0, "Pin it", item.tip), Standing.CHANGES_REQUESTED)
    assert item.objection(Author("Cy"), ProposalRules(), ()) == "Ada asked for changes first"
    assert item.objection(Author("Ada"), ProposalRules(), ()) == ""
    again = item.revised("e" * 40, Author("Bo"))
    assert (again.standing, again.revisers, len(again.reviews)) == (Standing.OPEN, (), 1)
    assert again.objection(Author("Cy"), ProposalRules(), ()) == ""


def test_where_it_stands_in_time() -> None:
    item = proposal()
    assert (item.at(1999.9), item.at(2000.0)) == (Standing.OPEN, Standing.EXPIRED)
    ended = item.ended(Standing.MERGED, 1500.0, "approved by Ada", "f" * 40)
    assert (ended.at(9999.0), ended.closed, item.branch) == (Standing.MERGED, 1500.0, "homelab/p1")
    assert [each for each in Standing if each.pending] == [Standing.OPEN, Standing.CHANGES_REQUESTED]


def test_it_is_the_same_after_it_was_kept() -> None:
    word = Review(Word.APPROVE, "Ada", 1.0, "Fine", "c" * 40, ("1" * 64,))
    item = proposal(Author("ci", AuthorKind.TOKEN), reviews=(word,), revisers=(Author("Ada"),), approving=word, link="https://x")
    assert from_json(Proposal, to_json(item)) == item


def test_the_strictest_document_wins() -> None:
    one = PolicySpec(proposals=ProposalRules(own="deny", expires=20))
    two = PolicySpec(proposals=ProposalRules(second=("data", "host-*"), expires=3))
    joined = Policy.of((one, two, PolicySpec())).proposals
    assert (joined.own, joined.expires) == ("deny", 3)
    assert joined.second == (*SECOND, "host-*")
    assert Policy.of((PolicySpec(),)).proposals == ProposalRules()
    assert Policy.of((PolicySpec(proposals=ProposalRules(second=())),)).proposals.second == ()


def test_what_proposals_take_is_no_part_of_an_approval() -> None:
    plain = Policy()
    assert plain.version == Policy(proposals=ProposalRules(own="deny")).version
    assert plain.version != Policy(rules=(Rule(name="a", verdict="hold"),)).version
