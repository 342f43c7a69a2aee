"""The brakes: what looks like an order to delete everything, and is a mistake, deletes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.clients.memory import Effect, Fault, MemoryProvider, MemoryWorld
from tests.flows.home import Home, Inside, document, policy, service

NAMES = [f"s{number}" for number in range(8)]
FILES = {f"home/{name}.yaml": service(name) for name in NAMES}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Eight services in the folder `home` of a repository."""
    made = Home(tmp_path)
    made.commit(FILES)
    return made


@pytest.fixture
def inside(home: Home) -> Iterator[Inside]:
    """That house, converged."""
    with home.open() as opened:
        opened.apply()
        assert sorted(opened.running()) == NAMES
        yield opened


@dataclass(frozen=True)
class Mistake:
    """Something done to the repository, and what the next pass says of it (`rule` of held rollouts, or `reason`)."""

    name: str
    do: Callable[[Home], object]
    reason: str
    rule: str = ""
    says: str = ""


def emptied(home: Home) -> None:
    home.commit(dict.fromkeys(FILES))


def orphaned(home: Home) -> None:
    home.git("checkout", "-q", "--orphan", "other")
    home.git("rm", "-rqf", ".")
    home.commit({"s0.yaml": service("s0", "web:2"), "new.yaml": service("new")})


def truncated(home: Home) -> None:
    home.commit(dict.fromkeys(FILES, "# nothing\n"))


MISTAKES = (
    Mistake("all-files-deleted", emptied, "an empty revision is never an order to delete everything", rule="empty"),
    Mistake("files-without-content", truncated, "a disk that was full leaves empty files", says="nothing is declared"),
    Mistake("one-file-without-content", lambda home: home.commit({"home/s3.yaml": ""}), "one truncated file is no deletion",
            says="nothing is declared"),
    Mistake("wrong-suffix", lambda home: [home.git("mv", path, path.replace(".yaml", ".yml.off")) for path in FILES]
            and home.commit({}), "a pattern that matches nothing any more", rule="empty"),
    Mistake("wrong-branch", orphaned, "another branch with other services", rule="history"),
    Mistake("typo-in-kind", lambda home: home.commit({"home/s1.yaml": service("s1").replace("Service", "Servce")}),
            "a kind that nobody knows is not the absence of the service", says="unknown kind 'Servce'"),
    Mistake("no-kind", lambda home: home.commit({"home/s1.yaml": "name: s1\nspec: {image: web:1}\n"}),
            "a document without a kind is not the absence of the service", says="it has no `kind`"),
    Mistake("broken-yaml", lambda home: home.commit({"home/s1.yaml": "kind: Service\n  name: [s1\n"}), "half a file",
            says="home/s1.yaml"),
    Mistake("more-than-a-count", lambda home: home.commit({f"home/{name}.yaml": None for name in NAMES[:6]}),
            "six deletions are more than five", rule="deletions"),
    Mistake("more-than-a-share", lambda home: home.commit({f"home/{name}.yaml": None for name in NAMES[:3]}),
            "three of eight are more than 30 %", rule="deletions"),
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_nothing_is_deleted(home: Home, inside: Inside, mistake: Mistake) -> None:
    before = inside.world()
    inside.house.seat.leave()
    mistake.do(home)
    with home.open() as later:
        for _ in range(3):
            later.apply()
        assert held(later, before, mistake), mistake.reason


def held(inside: Inside, before: object, mistake: Mistake) -> bool:
    """Nothing moved, and it is told why."""
    assert inside.world() == before
    if mistake.rule:
        deletions = [rollout for rollout in inside.plan().rollouts if any(each.action == "delete" for each in rollout.changes)]
        assert deletions
        assert all(rollout.verdict == "hold" for rollout in deletions)
        return mistake.rule in {rollout.rule for rollout in deletions}
    return "last good revision stays live" in inside.plan().reason and mistake.says in "\n".join(inside.findings())


def test_few_deletions_are_no_mistake(home: Home, inside: Inside) -> None:
    home.commit({f"home/{name}.yaml": None for name in NAMES[:2]})
    inside.apply()
    assert sorted(inside.running()) == NAMES[2:]


def test_the_limits_are_a_house_rule(home: Home, inside: Inside) -> None:
    home.commit({"policy/house.yaml": policy(deletions={"count": 0, "share": 0})})
    home.commit({"home/s0.yaml": None})
    inside.apply()
    assert inside.lines() == ["delete service/s0 [hold deletions]"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("home", "the folder was moved in git", id="moved"),
        pytest.param("hom", "a typo in the setting", id="typo"),
    ],
)
def test_a_folder_that_is_not_there(home: Home, path: str, reason: str) -> None:
    with home.open(path="home") as opened:
        opened.apply()
        before = opened.world()
    if path == "home":
        home.git("mv", "home", "house")
        home.commit({})
    with home.open(path=path) as opened:
        assert path in opened.apply().reason
        assert not any("allow" in line for line in opened.lines()), reason
        assert opened.world() == before, reason


def test_a_branch_that_is_not_there(home: Home, inside: Inside) -> None:
    before = inside.world()
    inside.house.seat.leave()
    with home.open(branch="mian") as opened:
        report = opened.apply()
        assert "mian" in report.reason
        assert opened.lines() == []
        assert opened.world() == before


def test_a_repository_that_vanished(home: Home, inside: Inside) -> None:
    before = inside.world()
    shutil.rmtree(home.repo / ".git")
    report = inside.apply()
    assert report.reason
    assert inside.lines() == []
    assert inside.world() == before


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        pytest.param(Effect.FAIL, "an error is not an empty list", id="error"),
        pytest.param(Effect.HALF, "half a list is no list", id="half-a-list"),
        pytest.param(None, "an unreachable backend is unknown, not empty", id="unreachable"),
    ],
)
def test_what_cannot_be_seen_is_neither_made_nor_deleted(home: Home, inside: Inside, effect: Effect | None, reason: str) -> None:
    world = simulated(inside)
    home.commit({"home/s0.yaml": None, "home/new.yaml": service("new"), "home/s1.yaml": service("s1", "web:2")})
    if effect is None:
        world.cut("local")
    else:
        world.faults.add(Fault(effect, "observe", times=1000))
    version = world.version
    report = inside.apply()
    assert inside.lines() == []
    assert {"s0", "new"} <= {item.key.name for item in report.statuses if item.sync == "Unknown"}, reason
    assert sorted(world.things("service", "local")) == NAMES
    assert world.version == version or effect is Effect.HALF, "what half a look showed may be changed, no more"
    world.mend("local")
    world.faults.clear()
    inside.apply()
    assert sorted(inside.running()) == sorted({*NAMES, "new"} - {"s0"})


def test_an_older_commit_is_held_until_somebody_approves(home: Home, inside: Inside) -> None:
    home.commit({"home/s0.yaml": service("s0", "web:2")})
    inside.apply()
    home.git("reset", "-q", "--hard", "HEAD~1")
    inside.apply()
    assert inside.lines() == ["replace service/s0 [hold history]"]
    assert inside.running()["s0"] == "web:2"
    inside.sync.approve([inside.plan().rollouts[0].digest], "me")
    inside.apply()
    assert inside.running()["s0"] == "web:1"
    assert inside.lines() == []
    home.commit({"home/s0.yaml": service("s0", "web:3")})
    inside.apply()
    assert inside.running()["s0"] == "web:3", "what descends from the approved commit is not held any more"


def test_a_pushed_force_does_not_stop_repairs(home: Home, inside: Inside) -> None:
    orphaned(home)
    simulated(inside).remove("service", "local", "s5")
    inside.apply()
    assert inside.running()["s5"] == "web:1"
    assert inside.running()["s0"] == "web:1"
    assert "new" not in inside.running()


def test_a_volume_goes_only_with_an_approval_of_that_plan(home: Home, inside: Inside) -> None:
    home.commit({"home/data.yaml": document("Volume", "data"), "home/more.yaml": document("Volume", "more")})
    inside.apply()
    home.commit({"home/data.yaml": None})
    inside.apply()
    assert inside.lines() == ["delete volume/data [hold data]"]
    first = inside.plan().rollouts[0].digest
    inside.sync.approve([first], "me")
    home.commit({"home/more.yaml": None})
    inside.apply()
    assert "volume/data" not in inside.world()
    assert inside.lines() == ["delete volume/more [hold data]"]
    home.commit({"policy/house.yaml": policy({"name": "all", "verdict": "allow"})})
    inside.apply()
    assert inside.lines() == ["delete volume/more [hold data]"], "a rule for everything is not a rule for data"


def simulated(inside: Inside) -> MemoryWorld:
    """The simulated world of a house."""
    provider = inside.house.connections.providers()["service", "local"]
    assert isinstance(provider, MemoryProvider)
    return provider._world
