"""Proposals on the command line: the same with a controller that runs and without."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.faces.command import Home, empty
from tests.support.space import wait_until

KEEP = "# why it is so\nkind: Service\nname: web\nspec:\n  image: web:1   # pinned\n  container_name: web\n  labels: {a.b: c}\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one service that is applied."""
    made = empty(tmp_path_factory.mktemp("prepared"))
    made.commit("web", {"services/web.yaml": KEEP})
    assert made("apply").code == 0
    return made.folder


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Home:
    """A copy of it."""
    shutil.copytree(prepared, tmp_path / "it")
    return Home(tmp_path / "it")


@pytest.fixture(params=["own", "running"])
def driven(request: pytest.FixtureRequest, home: Home) -> Iterator[Home]:
    """The same, with nobody else at work, and with a controller that runs."""
    with home.controller() if request.param == "running" else nullcontext():
        yield home


def proposed(home: Home, *words: str) -> dict[str, Any]:
    said = home("propose", *words, "-o", "json")
    assert said.code == 0, said.err
    found: dict[str, Any] = said.json
    return found


def image(home: Home) -> Any:
    return home("show", "service/web", "-o", "json").json["observed"]["image"]


def test_a_story(driven: Home) -> None:
    home = driven
    said = home("propose", "--set", "service/web", "spec.image=web:2", "--reason", "It is newer")
    assert said.code == 0, said.err
    line = home("proposals", "-o", "json").json["proposals"][0]
    assert (line["title"], line["reason"], line["standing"], line["author_kind"]) == (
        "Set image of service/web",
        "It is newer",
        "open",
        "person",
    )
    assert f"proposal {line['id']}  open  Set image of service/web" in said.out
    assert "+  image: web:2   # pinned" in said.out, "only the value is another one"
    assert "image: web:1 → web:2" in said.out
    assert said.out.endswith(f"approve it with: homelab approve {line['id']}\n")
    assert home("show", line["id"]).out == said.out == home("show", line["branch"]).out
    assert image(home) == "web:1"
    refused = home("approve", line["id"])
    assert (refused.code, "say so with --yes" in refused.err) == (4, True)
    done = home("approve", line["id"], "--yes", "--reason", "Fine")
    assert done.code == 0, done.err
    assert "merged as" in done.err
    assert image(home) == "web:2"
    assert home.git("log", "-1", "--format=%s").strip() == f"Merge proposal {line['id']}: Set image of service/web"
    assert (home.repo / "services/web.yaml").read_text() == KEEP.replace("web:1", "web:2")
    assert home.git("branch", "--list", "homelab/*") == ""
    assert home("proposals").out == "no proposals\n"
    assert line["id"] in home("proposals", "--standing", "merged").out
    assert " approved " in home("show", line["id"]).out
    again = home("approve", line["id"], "--yes")
    assert (again.code, "is merged" in again.err) == (4, True)


def test_words(home: Home) -> None:
    line = proposed(home, "--set", "service/web", "spec.image=web:2")["proposal"]
    said = home("request-changes", line["id"], "--reason", "Pin the digest")
    assert (said.code, said.out) == (0, f"asked for changes of {line['id']}\n")
    assert "changes-requested" in home("proposals").out
    view = proposed(home, "--revise", line["id"], "--set", "service/web", 'spec.labels."a.b"=d', "--reason", "Another one")
    assert (view["proposal"]["standing"], view["proposal"]["id"]) == ("open", line["id"])
    said = home("reject", line["id"], "--reason", "Not now")
    assert (said.code, said.out) == (0, f"rejected {line['id']}\n")
    assert home("show", line["id"], "-o", "json").json["proposal"]["standing"] == "rejected"
    assert home("reject", line["id"]).code == 4
    assert home("show", "gabodi").code != 0


def test_what_is_not_valid_is_shown_and_not_approved(home: Home) -> None:
    said = home("propose", "--set", "service/web", "spec.imagee=web:2")
    assert said.code == 0, said.err
    id_ = home("proposals", "-o", "json").json["proposals"][0]["id"]
    assert "cannot be approved: it is not valid: services/web.yaml:" in said.out
    refused = home("approve", id_, "--yes")
    assert (refused.code, "is not valid" in refused.err) == (4, True)
    assert image(home) == "web:1"


def test_from_the_work_tree_and_from_a_branch(driven: Home) -> None:
    home = driven
    home.write("services/web.yaml", KEEP.replace("web:1", "web:3"))
    home.write("services/new.yaml", "kind: Service\nname: new\nspec: {image: 'new:1'}\n")
    said = home("propose", "--worktree", "--title", "Two things", "-o", "json")
    assert said.code == 0, said.err
    assert [file["path"] for file in said.json["files"]] == ["services/new.yaml", "services/web.yaml"]
    assert "your work tree still has these changes" in said.err
    home.git("checkout", "-q", "--", ".")
    (home.repo / "services/new.yaml").unlink()
    home.git("checkout", "-q", "-b", "mine")
    home.commit("Grow it", {"services/web.yaml": KEEP.replace("web:1", "web:4")})
    home.git("checkout", "-q", "main")
    view = proposed(home, "--from", "mine")
    assert (view["proposal"]["title"], [file["path"] for file in view["files"]]) == ("Grow it", ["services/web.yaml"])
    assert home("approve", view["proposal"]["id"], "--yes").code == 0
    assert image(home) == "web:4"
    other = home("show", said.json["proposal"]["id"])
    assert "conflicts with" in other.out


def test_what_cannot_be_proposed(home: Home) -> None:
    for words, why in (
        ((), "say what to propose"),
        (("--worktree", "--remove", "service/web"), "say what to propose"),
        (("--worktree",), "nothing is changed"),
        (("--set", "service/web", "spec.image"), "write --set KEY PATH=VALUE"),
        (("--set", "web", "spec.image=x"), "is not a key"),
        (("--set", "service/web", "spec..image=x"), "is not a path"),
        (("--set", "service/web", "=x"), "is not a path"),
        (("--set", "service/nothing", "spec.image=x"), "is written in no file"),
        (("--set", "service/web", "spec.image=web:1"), "nothing is changed"),
        (("--remove", "service/web", "--title", "x" * 121), "needs a title"),
        (("--from", "nothing"), "is not a revision"),
    ):
        said = home("propose", *words)
        assert said.code != 0, words
        assert why in said.err, (words, said.err)
    assert home("approve", "gabodi", "8f3c2a19be70").code == 4
    assert home.git("branch", "--list", "homelab/*") == ""


def test_after_a_rollback_a_proposal_waits(driven: Home) -> None:
    home = driven
    home.commit("bad", {"services/web.yaml": KEEP.replace("web:1", "web:bad")})
    assert home("apply").code == 5
    wait_until(lambda: home("proposals", "-o", "json").json["proposals"], "the proposal that takes it back")
    line = home("proposals", "-o", "json").json["proposals"][0]
    assert (line["title"], line["author_kind"]) == ("Take back service/web", "controller")
    done = home("approve", line["id"], "--yes")
    assert done.code == 0, done.err
    assert (home.repo / "services/web.yaml").read_text() == KEEP
    assert image(home) == "web:1"
