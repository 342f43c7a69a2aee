"""Two controllers on one PostgreSQL and one engine: one leads, the other looks, and takes over when the first is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from controller.clients.clock import SystemClock
from controller.settings import Settings, read_settings
from controller.store.sql import SqlStore
from controller.wire import open_house
from tests.support.engines import Engine
from tests.support.space import wait_until

ROOT = Path(__file__).resolve().parents[2]


def settings(name: str, folder: Path, engine: Engine, database: str) -> Settings:
    flags = {"repo": str(folder / "specs"), "state": str(folder / name), "database": database, "listen": "127.0.0.1:0"}
    return read_settings(flags, {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.url})


@contextmanager
def controller(found: Settings) -> Iterator[subprocess.Popen[str]]:
    words = ["--repo", found.repo, "--state", str(found.state), "--database", found.database, "--listen", found.listen]
    process = subprocess.Popen(
        [sys.executable, "-m", "controller", "run", *words],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": found.docker_host},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: found.socket.exists() or process.poll() is not None, "the controller stands")
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_leads_and_the_other_takes_over(engine_new: Engine, postgres_url: str, tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    spec = "{image: 'lab/sleep:1', stop_grace_period: 1s, environment: {KEY: {ref: app/key, generate: 32}}}"
    (specs / "web.yaml").write_text(f"kind: Service\nname: web\nspec: {spec}\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "specs"]):
        subprocess.run(["git", "-C", str(specs), "-c", "user.name=Ann", "-c", "user.email=a@example.net", *words], check=True)
    one, two = (settings(name, tmp_path, engine_new, postgres_url) for name in ("one", "two"))
    store = SqlStore(postgres_url, SystemClock())
    with ExitStack() as closing:
        closing.callback(store.close)
        first = closing.enter_context(controller(one))
        wait_until(lambda: engine_new.containers().get("web") == "running" and not store.open_entries(), "applied")
        leader = store.leader()[0]
        assert leader
        two.state.mkdir(mode=0o700)
        shutil.copy2(one.state / "identity", two.state / "identity")
        closing.enter_context(controller(two))
        assert store.leader()[0] == leader, "the second one only looks"
        with open_house(two, write=False) as house:
            assert house.seat.holder != leader
            second = house.seat.holder
        handle = engine_new.api.inspect_container("web")["Id"]
        first.kill()
        first.communicate()
        engine_new.api.kill("web")
        wait_until(lambda: store.leader()[0] == second, "the lease ends and the second one takes it")
        wait_until(lambda: engine_new.containers().get("web") == "running", "and repairs")
        assert engine_new.api.inspect_container("web")["Id"] == handle, "what runs is the same container: nothing was doubled"
        assert list(engine_new.containers()) == ["web"]
        runs = len(store.runs())
        with controller(one):
            assert store.leader()[0] == second, "who comes back only looks"
            assert len(store.runs()) == runs
