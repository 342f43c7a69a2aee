"""What the verbs print: plans, status, history, and that a running controller prints the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faces.command import SERVICE, Home, empty
from tests.support.space import wait_until

NEW = """\
plan for <revision> on memory (simulated)

rollout <digest>  allowed
  + service/db  create: new
  + service/web  create: new

2 to create in 1 rollout: 1 allowed
"""

CHANGED = """\
plan for worktree on memory (simulated)

rollout <digest>  allowed
  ± service/web  replace: changed: image, environment, image_digest
      image: app:1 → app:2
      environment: not set → {"TZ": "Europe/Berlin"}
      image_digest: <image> → <image>

1 to replace in 1 rollout: 1 allowed
"""

HELD = """\
plan for <revision> on memory (simulated)

rollout <digest>  HELD by data: deletes data for ever; delete cannot be taken back (none)
  - volume/photos  delete: removed from git (none undo)
  approve it with: homelab approve <digest>

1 to delete in 1 rollout: 1 held
"""

FAILED = """\
world: memory (simulated)  git: <revision>  seen <age> ago

KEY          SYNC    HEALTH   WHY
service/db   Synced  Healthy
service/web  Failed  Healthy  git wants <revision>, running <revision>; quarantined: service/web failed: \
unhealthy: simulated health check fails

2 in all: 1 Failed, 1 Synced
"""

INVALID = """\
services/web.yaml:3:8: error: unknown key 'imgae'
    spec: {imgae: nginx}
           ^
  fix: did you mean `image`?
invalid: 1 error
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a service that needs another, nothing applied."""
    made = empty(tmp_path)
    web = SERVICE.format(name="web", image="app:1") + "needs: [service/db]\n"
    made.commit("two services", {"services/db.yaml": SERVICE.format(name="db", image="db:1"), "services/web.yaml": web})
    return made


def test_a_plan_shows_rollouts_with_marks_and_causes(home: Home) -> None:
    said = home("plan")
    assert said.text == NEW
    assert said.err == ""


def test_a_plan_of_uncommitted_files_shows_fields(home: Home) -> None:
    assert home("apply").code == 0
    changed = "kind: Service\nname: web\nspec: {image: 'app:2', container_name: web, environment: {TZ: Europe/Berlin}}\n"
    home.write("services/web.yaml", changed + "needs: [service/db]\n")
    assert home("diff", "--worktree").text == CHANGED
    assert "no changes" in home("plan").text, "what is not committed is not wanted"


def test_a_held_rollout_is_approved_by_the_line_that_it_shows(home: Home) -> None:
    home.commit("data", {"volumes/photos.yaml": "kind: Volume\nname: photos\nspec: {}\n"})
    assert home("apply").code == 0
    home.git("rm", "-q", "volumes/photos.yaml")
    home.commit("no data")
    shown = home("plan")
    assert shown.text == HELD
    said = home("apply")
    assert said.code == 0
    assert "nothing was done" in said.out
    assert "volume/photos" in home("status").out
    line = next(line for line in shown.out.splitlines() if "approve it with" in line)
    approved = home(*line.partition("homelab ")[2].split(), "--reason", "they are elsewhere")
    assert approved.code == 0, approved.err
    assert "-volume/photos" in approved.out
    assert "no changes" in home("plan").out


def test_status_tells_both_truths_after_a_failure(home: Home) -> None:
    assert home("apply").code == 0
    home.commit("bad", {"services/web.yaml": SERVICE.format(name="web", image="app:bad") + "needs: [service/db]\n"})
    said = home("apply")
    assert said.code == 5
    assert "RolledBack" in said.out
    wait_until(lambda: "Progressing" not in home("status").out, "the service of before to be healthy")
    assert home("status").text == FAILED


def test_every_finding_has_a_place_and_a_fix(home: Home) -> None:
    home.write("services/web.yaml", "kind: Service\nname: web\nspec: {imgae: nginx}\n")
    assert home("validate", "--worktree").out == INVALID
    assert home("validate").out == "valid\n"


def test_history_show_and_events_tell_what_was_done(home: Home) -> None:
    revision = home.git("rev-parse", "HEAD").strip()
    assert home("apply").code == 0
    runs = home("history", "-o", "json").json["runs"]
    assert [(run["outcome"], run["revision"], run["cause"]) for run in runs] == [("Applied", revision, "apply")]
    assert "+service/db, +service/web" in home("history").out
    run = home("show", runs[0]["id"])
    assert "service/web" in run.out
    assert "passed" in run.out
    assert [step["step"] for step in home("show", runs[0]["id"], "-o", "json").json["steps"]] == ["passed", "passed"]
    assert "two services" in home("show", revision[:12]).out
    resource = home("show", "service/web", "-o", "json").json
    assert resource["desired"]["image"] == resource["observed"]["image"] == "app:1"
    assert resource["needs"] == ["service/db"]
    events = [json.loads(line) for line in home("events", "-o", "json").out.splitlines()]
    assert events[-1]["reason"] == "RunFinished"
    assert [event["number"] for event in events] == sorted(event["number"] for event in events)


def test_data_goes_to_standard_output_and_talk_to_standard_error(home: Home) -> None:
    said = home("apply", "-o", "json")
    assert said.code == 0
    assert set(said.json) == {"plan", "pass"}
    assert "RunFinished" in said.err
    assert home("apply", "--quiet").err == ""


def test_a_running_controller_prints_the_same(home: Home) -> None:
    home.write("services/new.yaml", SERVICE.format(name="new", image="app:1"))
    with home.controller():
        wait_until(lambda: home("status").out.count("Healthy") == 2, "the services to be applied")
        through = {name: home(*name.split()) for name in ("plan", "plan --worktree", "history", "show service/web", "validate")}
        status = home("status")
        assert home("status", "--fresh").code == 0
    alone = {name: home(*name.split()) for name in through}
    assert {name: said.text for name, said in through.items()} == {name: said.text for name, said in alone.items()}
    assert status.text.replace("  led by <holder>", "") == home("status").text


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["plan"], {"revision", "live", "digest", "world", "rollouts", "notes", "diagnostics", "format_version"}),
        (["status"], {"at", "revision", "live", "world", "items", "counts", "backends", "format_version"}),
        (["validate"], {"findings", "valid"}),
        (["doctor"], {"findings", "good"}),
        (["lock"], {"holder", "ends_in", "answers"}),
        (["version"], {"version"}),
        (["secret", "list"], {"secrets"}),
        (["token", "list"], {"tokens"}),
    ],
)
def test_json_is_for_programs(home: Home, arguments: list[str], keys: set[str]) -> None:
    assert keys <= set(home(*arguments, "-o", "json").json)


@pytest.mark.parametrize(
    ("span", "code", "reason"),
    [
        ("90s", 4, "seconds"),
        ("1d2h3m4s", 4, "all of them"),
        ("yesterday", 1, "a word"),
        ("5", 1, "five of what"),
        ("2m1h", 1, "turned"),
    ],
)
def test_a_span_of_time_is_a_number_with_its_unit(home: Home, span: str, code: int, reason: str) -> None:
    said = home("logs", "service/nobody", "--since", span)
    assert said.code == code, reason
    assert ("neither declared nor ours" if code == 4 else "write it like 90s, 10m, 2h or 1d12h") in said.err
