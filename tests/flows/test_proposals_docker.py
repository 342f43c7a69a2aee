"""Edit, proposal, approval, applied; a bad commit, rolled back, and the proposal that takes it back: on a real engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from controller.core.edit import SetValue
from controller.core.key import Key
from controller.core.proposal import Author
from controller.settings import read_settings
from controller.usecases.proposing_files import Change
from controller.wire.house import House, open_house
from tests.support.engines import Engine
from tests.support.space import wait_until

WEB = "kind: Service\nname: web\nspec:\n  image: lab/web:1\n  container_name: web\n  stop_grace_period: 1s\n"


def test_the_whole_story(engine_new: Engine, tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()

    def git(*words: str) -> str:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.net"]
        return subprocess.run(["git", *who, *words], cwd=specs, check=True, capture_output=True, text=True).stdout

    def commit(text: str) -> None:
        (specs / "web.yaml").write_text(text)
        git("add", "--all")
        git("commit", "-q", "-m", "change")

    def approve(house: House, id_: str) -> None:
        shown = house.proposals.propose.show(id_, Author("Ada"))
        assert (shown.problem, shown.objection) == ("", "")
        house.proposals.review.approve(id_, shown.proposal.tip, shown.digests, Author("Ada"))
        apply(house)

    def apply(house: House) -> None:
        assert house.desk.sync is not None
        house.desk.sync.apply("Ada")

    def image() -> str:
        return str(engine_new.api.inspect_container("web")["Config"]["Image"])

    git("init", "-q", "-b", "main")
    commit(WEB)
    settings = read_settings(
        {"repo": str(specs), "state": str(tmp_path / "state"), "listen": "127.0.0.1:0"},
        {"PATH": os.environ["PATH"], "DOCKER_HOST": engine_new.url},
    )
    with open_house(settings, write=True) as house:
        apply(house)
        change = Change(edits=[SetValue(Key("service", "web"), ("spec", "image"), "lab/web:2")])
        shown = house.proposals.propose.open("Two", "", Author("Bo"), change)
        assert image() == "lab/web:1"
        approve(house, shown.proposal.id)
        assert image() == "lab/web:2"
        wait_until(lambda: engine_new.health("web") == "healthy", "the second version")
        commit(WEB.replace("lab/web:1", "lab/web:bad"))
        apply(house)
        assert image() == "lab/web:2", "rolled back by itself"
        wait_until(lambda: engine_new.health("web") == "healthy", "the second version again")
        (line,) = house.proposals.propose.list()
        assert (line.title, line.author_kind) == ("Take back service/web", "controller")
        approve(house, line.id)
        assert (specs / "web.yaml").read_text() == WEB.replace("lab/web:1", "lab/web:2")
        assert house.reconciler.survey().plan.rollouts == ()
        assert (image(), house.proposals.propose.list()) == ("lab/web:2", ())
