"""House rules hold and deny; a person approves exactly one rollout, and only as it was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.clients.memory import MemoryProvider
from controller.core.errors import Refused
from controller.usecases.views import RolloutView
from tests.flows.home import Home, Inside, document, policy, service

ASK = {"name": "ask", "match": {"names": ["web"], "actions": ["replace"]}, "verdict": "hold"}
MONDAY_NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.commit({"web.yaml": service("web"), "db.yaml": service("db"), "policy/house.yaml": policy(ASK)})
    return made


@pytest.fixture
def inside(home: Home) -> Iterator[Inside]:
    with home.open() as opened:
        opened.apply()
        assert opened.running() == {"web": "web:1", "db": "web:1"}
        yield opened


@pytest.fixture
def shown(home: Home, inside: Inside) -> RolloutView:
    """A held rollout: web from 1 to 2."""
    home.commit({"web.yaml": service("web", "web:2")})
    inside.apply()
    assert inside.lines() == ["replace service/web [hold ask]"]
    return held(inside)


def held(inside: Inside) -> RolloutView:
    """The one rollout that is planned."""
    (rollout,) = inside.plan().rollouts
    return rollout


@dataclass(frozen=True)
class Case:
    """One rule, and what it says of a new version of `web` at Monday noon."""

    name: str
    rule: dict[str, Any]
    verdict: str
    reason: str
    files: dict[str, str] = field(default_factory=dict)


HOLD = {"name": "rule", "verdict": "hold"}
CASES = (
    Case("kind", {**HOLD, "match": {"kinds": ["service"]}}, "hold", "every service is asked about"),
    Case("other-kind", {**HOLD, "match": {"kinds": ["volume"]}}, "allow", "a rule for volumes is none for services"),
    Case("action", {**HOLD, "match": {"actions": ["replace"]}}, "hold", "replacements are asked about"),
    Case("other-action", {**HOLD, "match": {"actions": ["delete"]}}, "allow", "a replacement is no deletion"),
    Case("host", {**HOLD, "match": {"hosts": ["loc*"]}}, "hold", "everything on this host is asked about"),
    Case("count", {**HOLD, "match": {"kinds": ["service"], "more_than": 0}}, "hold", "more than none is asked about"),
    Case("lower-count", {**HOLD, "match": {"kinds": ["service"], "more_than": 1}}, "allow", "one is not more than one"),
    Case("concern", {"name": "rule", "match": {"concerns": ["privileged"]}, "verdict": "hold"}, "hold",
         "a person decides about privileges", files={"web.yaml": service("web", "web:2", privileged=True)}),
    Case("no-rule-for-concern", {**HOLD, "match": {"kinds": ["volume"]}}, "deny",
         "a risk without a rule is denied", files={"web.yaml": service("web", "web:2", privileged=True)}),
    Case("deny", {"name": "rule", "verdict": "deny", "match": {"names": ["web"]}}, "deny", "some things are never done"),
    Case("inside-window", {**HOLD, "within": {"days": ["mon"], "from": "08:00", "to": "18:00"}}, "hold", "not at work hours"),
    Case("outside-window", {**HOLD, "outside": {"from": "22:00", "to": "06:00"}}, "hold", "only at night"),
    Case("in-the-open-window", {**HOLD, "outside": {"days": ["mon"], "from": "11:00", "to": "13:00"}}, "allow", "now it may"),
    Case("drift-only", {**HOLD, "match": {"drift": True}}, "allow", "a change of git is no repair"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_a_rule_decides(home: Home, inside: Inside, case: Case) -> None:
    home.clock.advance(MONDAY_NOON - home.clock.now())
    files = {"web.yaml": service("web", "web:2"), **case.files}
    home.commit({**files, "policy/house.yaml": policy(case.rule, timezone="UTC")})
    assert held(inside).verdict == case.verdict, case.reason
    inside.apply()
    assert inside.running()["web"] == ("web:2" if case.verdict == "allow" else "web:1"), case.reason


def test_an_approval_applies_exactly_that_rollout(home: Home, inside: Inside, shown: RolloutView) -> None:
    home.commit({"policy/house.yaml": policy({**ASK, "match": {"actions": ["replace"]}})})
    home.commit({"db.yaml": service("db", "web:9")})
    first, second = sorted(inside.plan().rollouts, key=lambda rollout: rollout.changes[0].key)
    assert [first.changes[0].key, second.changes[0].key] == ["service/db", "service/web"]
    assert inside.sync.approve([second.digest[:12]], "me", "looks right") == (second.digest,)
    inside.apply()
    assert inside.running() == {"web": "web:2", "db": "web:1"}
    assert inside.lines() == ["replace service/db [hold ask]"]


def test_an_approval_is_used_once(home: Home, inside: Inside, shown: RolloutView) -> None:
    inside.sync.approve([shown.digest], "me")
    inside.apply()
    home.commit({"web.yaml": service("web", "web:3")})
    inside.apply()
    assert inside.lines() == ["replace service/web [hold ask]"]
    assert inside.running()["web"] == "web:2"


def by_hand(inside: Inside, name: str, **fields: Any) -> None:
    """Somebody changes a running service."""
    provider = inside.house.connections.providers()["service", "local"]
    assert isinstance(provider, MemoryProvider)
    provider._world.edit("service", "local", name, **fields)


def test_an_approval_of_the_same_way_is_asked_for_again(home: Home, inside: Inside, shown: RolloutView) -> None:
    for image in ("web:2", "web:1"):
        home.commit({"web.yaml": service("web", image)})
        inside.sync.approve([held(inside).digest], "me")
        inside.apply()
        assert inside.running()["web"] == image
    home.commit({"web.yaml": service("web", "web:2")})
    inside.apply()
    assert inside.running()["web"] == "web:1", "what was approved was done; this is another time"


@dataclass(frozen=True)
class Meanwhile:
    """What happens between the look and the approval."""

    name: str
    do: Callable[[Home, Inside], object]
    reason: str


STALE = (
    Meanwhile("desired-state", lambda home, _: home.commit({"web.yaml": service("web", "web:3")}), "another version"),
    Meanwhile("more-of-it", lambda home, _: home.commit({"web.yaml": service("web", "web:2", environment={"A": "1"})}),
              "more was added to what was shown"),
    Meanwhile("touched-object", lambda _, inside: by_hand(inside, "web", restart="always", environment={"X": "1"}, image="web:0"),
              "the object is not what was shown"),
    Meanwhile("policy", lambda home, _: home.commit({"policy/more.yaml": document("Policy", "more", {"rules": [
        {"name": "other", "match": {"names": ["x"]}, "verdict": "hold"}]})}), "the rules are other ones"),
    Meanwhile("taken-back", lambda home, _: home.commit({"web.yaml": service("web")}), "nobody wants it any more"),
)  # fmt: skip
UNRELATED = (
    Meanwhile("nothing", lambda *_: None, "nothing happened"),
    Meanwhile("other-service", lambda home, _: home.commit({"new.yaml": service("new")}), "a commit about something else"),
    Meanwhile("other-file", lambda home, _: home.commit({"README.md": "hello\n"}), "a commit about nothing that runs"),
    Meanwhile("spelling", lambda home, _: home.commit({"web.yaml": "# same\n" + service("web", "web:2")}), "written anew"),
    Meanwhile("other-object", lambda _, inside: by_hand(inside, "db", restart="always"), "another object moved"),
)


@pytest.mark.parametrize("meanwhile", STALE, ids=lambda each: each.name)
def test_what_was_shown_is_stale(home: Home, inside: Inside, shown: RolloutView, meanwhile: Meanwhile) -> None:
    meanwhile.do(home, inside)
    with pytest.raises(Refused, match="the desired state, a touched object or the policy has moved"):
        inside.sync.approve([shown.digest], "me")
    assert inside.running()["web"] in ("web:1", "web:0"), meanwhile.reason


@pytest.mark.parametrize("meanwhile", STALE, ids=lambda each: each.name)
def test_an_approval_given_before_does_not_carry_over(
    home: Home, inside: Inside, shown: RolloutView, meanwhile: Meanwhile
) -> None:
    inside.sync.approve([shown.digest], "me")
    meanwhile.do(home, inside)
    inside.apply()
    assert inside.running()["web"] != "web:2", meanwhile.reason
    assert inside.running()["web"] != "web:3", meanwhile.reason


@pytest.mark.parametrize("meanwhile", UNRELATED, ids=lambda each: each.name)
def test_what_was_shown_is_still_good(home: Home, inside: Inside, shown: RolloutView, meanwhile: Meanwhile) -> None:
    meanwhile.do(home, inside)
    inside.sync.approve([shown.digest], "me")
    inside.apply()
    assert inside.running()["web"] == "web:2", meanwhile.reason


def test_what_is_denied_cannot_be_approved(home: Home, inside: Inside) -> None:
    home.commit({"web.yaml": service("web", "web:2", privileged=True)})
    with pytest.raises(Refused, match=r"denied by privileged: .*an approval cannot lift that"):
        inside.sync.approve([held(inside).digest], "me")
    inside.apply()
    assert inside.running()["web"] == "web:1"


def test_what_was_rejected_stays_held_until_it_changes(home: Home, inside: Inside, shown: RolloutView) -> None:
    inside.sync.reject([shown.digest], "me", "not now")
    for _ in range(3):
        inside.apply()
    assert (held(inside).verdict, held(inside).reason) == ("hold", "rejected by me: not now")
    assert inside.running()["web"] == "web:1"
    inside.sync.approve([shown.digest], "me")
    inside.apply()
    assert inside.running()["web"] == "web:2"


@pytest.mark.parametrize(
    ("digest", "reason"),
    [
        pytest.param("", "nothing names nothing", id="empty"),
        pytest.param("abcde", "five digits are too few to be sure", id="short"),
        pytest.param("0" * 64, "nobody planned that", id="unknown"),
        pytest.param("%", "it is no pattern", id="pattern"),
    ],
)
def test_a_digest_that_names_nothing(inside: Inside, shown: RolloutView, digest: str, reason: str) -> None:
    with pytest.raises(Refused):
        inside.sync.approve([digest], "me")
    inside.apply()
    assert inside.running()["web"] == "web:1", reason
