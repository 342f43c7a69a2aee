"""The story of the edge: from one commit to an answer over HTTPS, and back to where everything stood when any step fails."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import pytest

from controller.core.run import Outcome, Step
from controller.core.stage import Stage
from tests.flows.edge_story_home import Story
from tests.support import caddy as caddies
from tests.support.caddy import Caddy
from tests.support.engines import NEW, OLD, Engines, Kind

PAIRS = (pytest.param((OLD, caddies.OLD), id="oldest"), pytest.param((NEW, caddies.NEW), id="newest"))
"""Engine and Caddy."""


@pytest.fixture(scope="module", params=PAIRS)
def fresh(engines: Engines, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A home to which one commit brought two services: `app` for everybody, `other` for those at home."""
    pair: tuple[Kind, str] = request.param
    with engines.clean(pair[0]) as engine:
        server = Caddy(pair[1], f"/proc/{engine.space.pid}/ns/net")
        made = Story(engine, server, tmp_path_factory.mktemp("home"))
        declare(made)
        assert made.apply() == 0, made.said
        made.first = made.journal()[0]
        yield made
        made.close()
        server.close()


@pytest.fixture
def story(fresh: Story) -> Story:
    """The home, as its first commit declares it."""
    declare(fresh)
    return fresh


def declare(story: Story) -> None:
    """What the first commit says."""
    story.domain()
    story.app("app", "lab/web:1")
    story.app("other", "lab/web:1", exposure="private")


def test_from_one_commit_to_an_answer_over_https(story: Story) -> None:
    host, private = story.host("app"), story.host("other")
    assert (story.first.outcome, len(story.first.rollouts)) == (Outcome.APPLIED, 2), "one for each service"
    told = [key.partition("/")[0] for key in story.applied(story.first) if "/app" in key]
    assert sorted(told) == ["certificate", "record", "route", "service"]
    assert told[2:] == ["route", "certificate"], "the record and the container come first"
    steps = [stage.heading for stage in Stage]
    assert [step for step in story.progress(story.first, "app") if step in steps] == steps, "each is told once, in order"
    assert story.values(host) == ["127.0.0.1"]
    assert story.ask(host) == "v1", "from the container, with a certificate of the authority"
    assert host in story.authority.log()
    with pytest.raises(ssl.SSLCertVerificationError):
        story.ask(private)
    assert private not in story.authority.log(), "a private host is never told to a public authority"
    assert story.strange() == story.before


@dataclass(frozen=True)
class Failing:
    """A step that fails: what is declared then, what the reason says, and which kinds were written before it."""

    step: str
    declare: Callable[[Story], None]
    says: Callable[[Story], str]
    undone: set[str]
    reason: str


def image(story: Story) -> None:
    story.app("app", "lab/web:bad", story.host("more"))


def record(story: Story) -> None:
    story.app("app", "lab/web:2", story.host("more"), f"lost.{story.refusing}")


def route(story: Story) -> None:
    story.app("app", "lab/web:2", story.host("more"), tls={"certificate": "/nowhere/c.pem", "key": "/nowhere/k.pem"})


def certificate(story: Story) -> None:
    story.domain({"name": "lost", "type": "A", "value": "127.0.0.9"})
    story.app("app", "lab/web:2", story.host("more"), story.host("lost"))


FAILING = (
    Failing("image", image, lambda _: "unhealthy", set(), "the container does not get healthy"),
    Failing("record", record, lambda story: story.refusing, {"service"}, "BIND has a zone that nobody may change"),
    Failing("route", route, lambda _: "/nowhere/c.pem", {"service", "record"}, "Caddy refuses a certificate that is not there"),
    Failing(
        "certificate",
        certificate,
        lambda story: story.host("lost"),
        {"service", "record", "route"},
        "the authority looks for the host where Caddy is not",
    ),
)


@pytest.mark.parametrize("failing", FAILING, ids=lambda failing: failing.step)
def test_a_step_that_fails_takes_everything_back(story: Story, failing: Failing) -> None:
    host, other = story.host("app"), story.host("other")
    before = story.standing(host)
    failing.declare(story)
    with story.visitor(other) as answers:
        assert story.apply() != 0, story.said
    run, entries = story.journal()
    assert [each.outcome for each in run.rollouts] == [Outcome.ROLLED_BACK], story.said
    assert failing.says(story) in run.reason
    assert {entry.change.key.kind for entry in entries if entry.step is Step.UNDONE} >= failing.undone
    assert story.standing(host) == before
    assert story.ask(host) == "v1"
    assert story.strange() == story.before
    assert answers, "somebody asked for another host all the time"
    lost = [list(row) for answered, row in groupby(answers, lambda each: each.answered) if not answered]
    if story.caddy.version == caddies.OLD:  # it opens its doors before it has read its certificates again
        loads = story.caddy.loads()
        lost = [row for row in lost if not all(each.within(loads) for each in row)]
    assert max(map(len, lost), default=0) <= 1, "and who asks again is served"
    story.homelab("apply")
    assert story.standing(host) == before, "what failed is not tried again"
    assert story.journal() == (run, entries)


def test_killed_between_record_and_route_it_goes_on(story: Story) -> None:
    story.app("late", "lab/web:1")
    story.commit()
    boundary = 1 if story.engine.kind is OLD else 2  # before the route is written down as meant, and right after
    assert story.die(boundary, "route") == -signal.SIGKILL, story.said
    host = story.host("late")
    assert story.values(host) == ["127.0.0.1"], "it had come as far as the record"
    assert host not in str(story.caddy.document())
    assert story.apply() == 0, story.said
    assert story.ask(host) == "v1"
    story.journal()
    assert story.homelab("plan") == 0
    assert story.strange() == story.before
