"""The engine's promises, each as a short story on the simulated world."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from controller.clients.yaml import read_yaml
from controller.core.decision import Approval
from controller.core.document import Revision
from controller.core.event import Sync
from controller.core.key import Key
from controller.core.kind import Desired, Surroundings
from controller.core.run import Outcome
from controller.core.secret import SecretVersion
from controller.core.state import Health
from controller.engine.link import Linker
from controller.store.memory import MemoryStore
from tests.support.house import BOX, Drawer, House, OpenVault, Tree, box


def status(house: House, name: str) -> tuple[Sync, Health]:
    report = house.reconciler.last
    assert report is not None
    return next((item.sync, item.health) for item in report.statuses if item.key == Key("box", name))


def test_a_commit_is_applied_and_the_second_plan_is_empty() -> None:
    house = House()
    house.commit({"web": {"image": "web:1", "uses": ["box/db"]}, "db": {"image": "db:1"}})
    assert house.plan() == "create box/db: new [allow]\ncreate box/web: new [allow]"
    house.reconcile()
    assert house.boxes() == {"web": ("web:1", 1, "running"), "db": ("db:1", 1, "running")}
    assert house.plan() == ""
    assert status(house, "web") == (Sync.SYNCED, Health.HEALTHY)


def test_changes_that_need_each_other_are_one_rollout_in_order() -> None:
    house = House()
    house.commit({"web": {"uses": ["box/db"]}, "db": {}, "other": {}})
    rollouts = house.reconciler.survey().plan.rollouts
    assert sorted(tuple(map(str, rollout.keys)) for rollout in rollouts) == [("box/db", "box/web"), ("box/other",)]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        pytest.param({"size": 7}, "update box/web: drift: size [allow]", id="a resource limit changed by hand"),
        pytest.param({"status": "exited"}, "update box/web: drift: status [allow]", id="stopped by hand"),
        pytest.param({"image": "web:0"}, "replace box/web: drift: image [allow]", id="recreated with another image"),
        pytest.param({"environment": {"A": "2"}}, "replace box/web: drift: environment.A [allow]", id="an inner field"),
    ],
)
def test_drift_is_found_named_and_repaired(fields: dict[str, Any], cause: str) -> None:
    house = House()
    house.commit({"web": {"image": "web:1", "environment": {"A": "1"}}})
    house.reconcile()
    before = dict(house.world.at("box", "local", "web").state)  # type: ignore[union-attr]
    house.world.edit("box", "local", "web", **fields)
    assert house.plan() == cause
    house.reconcile()
    assert house.world.at("box", "local", "web").state == before  # type: ignore[union-attr]
    assert house.plan() == ""


def test_a_missing_object_is_made_again() -> None:
    house = House()
    house.commit({"web": {}})
    house.reconcile()
    house.world.remove("box", "local", "web")
    assert house.plan() == "create box/web: missing [allow]"
    house.reconcile()
    assert house.boxes() == {"web": ("box:1", 1, "running")}


def test_a_bad_commit_is_undone_as_a_whole_and_quarantined() -> None:
    house = House()
    house.commit({"web": {"image": "web:1", "uses": ["box/db"]}, "db": {"image": "db:1"}})
    house.reconcile()
    house.commit({"web": {"image": "web:bad", "uses": ["box/db"]}, "db": {"image": "db:2"}})
    house.reconcile()
    assert house.boxes() == {"web": ("web:1", 1, "running"), "db": ("db:1", 1, "running")}
    assert status(house, "web") == (Sync.FAILED, Health.HEALTHY)
    writes = house.world.version
    for _ in range(100):
        house.reconcile()
    assert house.world.version == writes, "a quarantined rollout is not tried again"
    assert house.store.runs()[0].outcome is Outcome.ROLLED_BACK
    report = house.reconciler.last
    assert report is not None
    line = next(item for item in report.statuses if item.key.name == "web")
    assert line.attempted == house.book.tip
    assert line.applied == house.book.parents[house.book.tip]
    assert "quarantined" in line.why


def test_the_last_good_version_is_kept_alive_under_quarantine() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    house.commit({"web": {"image": "web:bad"}})
    house.reconcile()
    house.world.edit("box", "local", "web", status="exited")
    house.reconcile()
    assert house.boxes() == {"web": ("web:1", 1, "running")}


def test_a_fix_or_a_retry_lifts_the_quarantine() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    house.commit({"web": {"image": "web:bad"}})
    house.reconcile()
    house.commit({"web": {"image": "web:2"}})
    house.reconcile()
    assert house.boxes() == {"web": ("web:2", 1, "running")}


def test_one_failing_rollout_does_not_stop_the_others() -> None:
    house = House()
    house.commit({"good": {}, "bad": {"image": "x:crash"}})
    house.reconcile()
    assert house.boxes() == {"good": ("box:1", 1, "running")}
    assert house.store.rows().keys() == {(Key("box", "good"), "local")}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param({}, "empty", id="an empty repository"),
        pytest.param({"notes.txt": "x"}, "empty", id="a glob that matches nothing"),
    ],
)
def test_nothing_is_deleted_when_everything_vanished(files: dict[str, str], reason: str) -> None:
    house = House()
    house.commit({"web": {}, "db": {}})
    house.reconcile()
    house.book.write(files)
    house.reconcile()
    assert len(house.boxes()) == 2
    decisions = house.reconciler.survey().decisions
    assert {decision.rule for decision in decisions.values()} == {reason}


def test_many_deletions_are_held_and_few_are_not() -> None:
    house = House()
    names = [f"box-{number:02}" for number in range(20)]
    house.commit({name: {} for name in names})
    house.reconcile()
    house.commit({name: {} for name in names[:19]})
    house.reconcile()
    assert len(house.boxes()) == 19
    house.commit({name: {} for name in names[:10]})
    house.reconcile()
    assert len(house.boxes()) == 19


def test_a_forced_push_is_held_until_approved() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    house.book.write({"web.yaml": box("web", {"image": "web:2"})}, parent="")
    house.reconcile()
    assert house.boxes()["web"][0] == "web:1"
    (rollout,) = house.reconciler.survey().plan.rollouts
    house.store.approve(Approval(rollout.digest, True, "me", 0.0))
    house.reconcile()
    assert house.boxes()["web"][0] == "web:2"


def test_an_approval_survives_unrelated_commits_and_dies_with_the_touched_object() -> None:
    house = House()
    held = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [web], actions: [replace]}, verdict: hold}]}\n"
    house.book.write({"policy/house.yaml": held, "web.yaml": box("web", {"image": "web:1"})})
    house.reconcile()
    house.book.write({"policy/house.yaml": held, "web.yaml": box("web", {"image": "web:2"})})
    (shown,) = house.reconciler.survey().plan.rollouts
    files = {"policy/house.yaml": held, "web.yaml": box("web", {"image": "web:2"}), "db.yaml": box("db", {})}
    house.book.write(files)
    assert shown.digest in {rollout.digest for rollout in house.reconciler.survey().plan.rollouts}
    house.world.edit("box", "local", "web", size=9)
    assert shown.digest not in {rollout.digest for rollout in house.reconciler.survey().plan.rollouts}


def test_a_risk_is_denied_until_policy_allows_it_by_name() -> None:
    house = House()
    house.commit({"web": {"risky": True}})
    house.reconcile()
    assert house.boxes() == {}
    rule = (
        "kind: Policy\nname: house\nspec: {rules: [{name: ok, match: {names: [web], concerns: [privileged]}, verdict: allow}]}\n"
    )
    house.book.write({"policy/house.yaml": rule, "web.yaml": box("web", {"risky": True})})
    house.reconcile()
    assert "web" in house.boxes()


def test_a_foreign_object_of_the_same_name_is_left_alone_until_adopted() -> None:
    house = House()
    stranger = {"image": "web:1", "image_digest": house.world.digest("web:1"), "size": 1, "status": "running"}
    house.world.put("box", "local", "web", stranger)
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    assert status(house, "web")[0] is Sync.FAILED
    version = house.world.version
    house.commit({"web": {"image": "web:1"}}, web={"mode": "adopt"})
    house.reconcile()
    assert house.world.version == version, "adoption writes the ledger only"
    house.commit({"web": {"image": "web:1"}})
    assert house.plan() == ""


def test_a_lost_store_takes_marked_objects_back_without_touching_them() -> None:
    house = House()
    house.commit({"web": {}})
    house.reconcile()
    version = house.world.version
    again = House(house.book, house.world, MemoryStore(house.clock))
    assert again.plan() == "adopt box/web: carries our mark but is not in the ledger [allow]"
    again.reconcile()
    assert again.world.version == version
    assert again.plan() == ""


def test_an_unreachable_backend_is_unknown_and_nothing_is_written() -> None:
    house = House()
    house.commit({"web": {}})
    house.reconcile()
    house.world.cut("local")
    house.commit({"web": {"image": "web:2"}, "new": {}})
    house.reconcile()
    assert status(house, "web") == (Sync.UNKNOWN, Health.UNKNOWN)
    assert house.store.rows().keys() == {(Key("box", "web"), "local")}
    house.world.mend("local")
    house.reconcile()
    assert house.boxes().keys() == {"web", "new"}


def test_an_invalid_revision_keeps_the_last_good_one_live() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}})
    house.reconcile()
    house.book.write({"web.yaml": "kind: Box\nname: web\nspec: {imagee: web:2}\n"})
    house.world.edit("box", "local", "web", status="exited")
    report = house.reconcile()
    assert "not valid" in report.reason
    assert [item.message for item in report.diagnostics] == ["unknown key 'imagee'"]
    assert str(report.diagnostics[0].origin) == "web.yaml:3:8"
    assert house.boxes() == {"web": ("web:1", 1, "running")}


def test_every_problem_of_a_revision_is_told_at_once() -> None:
    house = House()
    house.book.write(
        {
            "a.yaml": "kind: Box\nname: a\nspec: {uses: [box/c], port: 80}\n",
            "b.yaml": "kind: Box\nname: b\nspec: {uses: [box/nope], port: 80}\n",
            "c.yaml": "kind: Box\nname: c\nspec: {uses: [box/a]}\n",
            "d.yaml": "kind: Bux\nname: d\n",
            "e.yaml": "kind: Box\nname: ../e\n",
            "f.yaml": "kind: Box\nname: a\n",
        }
    )
    messages = "\n".join(str(item) for item in house.reconcile().diagnostics)
    for part in (
        "circle",
        "box/nope, which is not declared",
        "port 80/tcp on local is claimed",
        "unknown kind 'Bux'",
        "not a name",
        "declared twice",
    ):
        assert part in messages


def test_a_suspended_key_is_left_alone() -> None:
    house = House()
    house.commit({"web": {}})
    house.reconcile()
    house.commit({"web": {}}, web={"suspend": True})
    house.world.edit("box", "local", "web", status="exited")
    house.reconcile()
    assert house.boxes()["web"][2] == "exited"


def test_rollback_never_freezes_instead_of_going_back() -> None:
    house = House()
    house.commit({"web": {"image": "web:1", "rollback": "never"}})
    house.reconcile()
    house.commit({"web": {"image": "web:bad", "rollback": "never"}})
    house.reconcile()
    assert house.boxes()["web"][0] == "web:bad"
    assert house.store.runs()[0].outcome is Outcome.STUCK


def test_an_undo_never_overwrites_a_hand_edit() -> None:
    house = House()
    house.commit({"web": {"image": "web:1", "uses": ["box/db"]}, "db": {"image": "db:1"}})
    house.reconcile()
    house.commit({"web": {"image": "web:never", "uses": ["box/db"], "timeout": 1.0}, "db": {"image": "db:2"}})
    passing = threading.Thread(target=house.reconcile)
    passing.start()
    until(lambda: house.boxes()["web"][0] == "web:never")
    house.world.edit("box", "local", "db", image="db:by-hand")
    passing.join()
    assert house.boxes()["db"][0] == "db:by-hand"
    assert house.store.runs()[0].outcome is Outcome.STUCK


def test_a_newer_commit_is_not_stuck_behind_a_waiting_gate() -> None:
    house = House()
    house.commit({"web": {"image": "web:1"}, "db": {}})
    house.reconcile()
    house.commit({"web": {"image": "web:never", "timeout": 600}, "db": {}})
    leave = threading.Event()
    passing = threading.Thread(target=house.reconciler.reconcile, args=("commit", "tester", leave))
    passing.start()
    until(lambda: house.boxes()["web"][0] == "web:never")
    house.commit({"web": {"image": "web:never", "timeout": 600}, "db": {"image": "db:2"}})
    leave.set()
    house.reconciler.flights.nudge()
    passing.join()
    other = threading.Event()
    passing = threading.Thread(target=house.reconciler.reconcile, args=("commit", "tester", other))
    passing.start()
    until(lambda: house.boxes()["db"][0] == "db:2")
    assert house.boxes()["web"][0] == "web:never", "an unrelated commit leaves the waiting rollout alone"
    other.set()
    house.reconciler.flights.nudge()
    passing.join()
    house.commit({"web": {"image": "web:2"}, "db": {"image": "db:2"}})
    house.reconcile()
    assert house.boxes() == {"web": ("web:2", 1, "running"), "db": ("db:2", 1, "running")}
    assert Outcome.SUPERSEDED in {run.outcome for run in house.store.runs()}


def test_a_port_is_handed_over_in_one_rollout() -> None:
    house = House()
    house.commit({"a": {"port": 80}, "b": {}})
    house.reconcile()
    house.commit({"a": {}, "b": {"port": 80}})
    (rollout,) = house.reconciler.survey().plan.rollouts
    assert [str(key) for key in rollout.keys] == ["box/a", "box/b"]


def test_what_nobody_needs_any_more_goes_after_its_last_user() -> None:
    house = House()
    house.commit({"web": {"uses": ["box/db"]}, "db": {}, "x": {}, "y": {}, "z": {}})
    house.reconcile()
    house.commit({"web": {"size": 2}, "x": {}, "y": {}, "z": {}})
    (rollout,) = house.reconciler.survey().plan.rollouts
    assert [(str(change.key), change.action.value) for change in rollout.changes] == [("box/web", "update"), ("box/db", "delete")]


def until(condition: Any, seconds: float = 60.0) -> None:
    """Wait for a condition; the limit only bounds a failing test."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.005)


def test_a_secret_may_be_generated_by_a_document_that_is_read_later() -> None:
    asked: list[str] = []

    class Remembering(OpenVault):
        def current(self, ref: str, generate: int | None = None) -> SecretVersion:
            if generate is None and ref not in asked:
                raise KeyError(ref)
            asked.append(ref)
            return super().current(ref, generate or 16)

    linker = Linker(read_yaml, {"box": replace(BOX, model=_Keyed, resolve=_keyed)}, Remembering(), Drawer())
    files = Tree(
        {
            "a.yaml": "kind: Box\nname: a\nspec: {secret: {ref: db/password}}\n",
            "b.yaml": "kind: Box\nname: b\nspec: {secret: {ref: db/password, generate: 24}}\n",
        }
    )
    assert len(linker.estate(Revision("r"), files).resources) == 2


class _Keyed(BaseModel):
    secret: dict[str, Any]


def _keyed(name: str, spec: _Keyed, around: Surroundings) -> Desired:
    version = around.secret(spec.secret["ref"], spec.secret.get("generate"))
    return Desired({"secret": version.state()}, "local", name)


def test_a_repair_of_an_allowed_risk_needs_no_rule_again() -> None:
    house = House()
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ok, match: {concerns: [privileged]}, verdict: allow}]}\n"
    house.book.write({"policy/house.yaml": rule, "web.yaml": box("web", {"risky": True})})
    house.reconcile()
    house.book.write({"web.yaml": box("web", {"risky": True})})
    house.world.edit("box", "local", "web", status="exited")
    house.reconcile()
    assert house.boxes()["web"][2] == "running"
    house.book.write({"web.yaml": box("web", {"risky": True, "size": 2})})
    house.reconcile()
    assert house.boxes()["web"][1] == 1, "a change of the specification is judged"
