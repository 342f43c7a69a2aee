"""SIGKILL while a certificate is ordered: the next pass ends with one that is served, and no proof is left in the zone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.settings import read_settings
from controller.wire import open_house
from tests.contract import dns_yard
from tests.contract.dns01_yard import Home
from tests.support import dns
from tests.support.caddy import NEW, Caddies, upstream
from tests.support.dns import DnsServers
from tests.support.dying_order import PLACES

ORDERS = {"noted": 1, "shown": 1, "answered": 1, "cleaned": 1, "issued": 2, "kept": 1}
"""How many certificates the authority issues in all: only one that nobody has kept is ordered once more."""


class Whole:
    """The home of the contract tests, with a whole controller on a repository of its own."""

    def __init__(self, yard: Home, folder: Path) -> None:
        self.yard = yard
        self.specs = folder / "specs"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "HOMELAB_REPO": str(self.specs),
            "HOMELAB_STATE": str(folder / "controller"),
            "HOMELAB_WORLD": "docker",
        }
        key = {"name": dns.KEY, "algorithm": dns.ALGORITHM, "secret": {"ref": "dns/key"}}
        connections = {"caddy": yard.declared, "dns": {**dns_yard.declared(yard.server), "key": key}}
        files = yard.files({"all": {"host": f"*.{yard.zone}"}})
        files["homelab.yaml"] = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": connections}})
        self.specs.mkdir()
        for name, text in files.items():
            (self.specs / name).write_text(text)
        who = ("-c", "user.name=me", "-c", "user.email=me@example.net", "-c", "commit.gpgsign=false")
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "first")):
            subprocess.run(["git", *who, *words], cwd=self.specs, check=True, capture_output=True)
        self.run("-m", "controller", "secret", "set", "dns/key", said=dns.SECRET)

    def run(self, *words: str, said: str = "") -> tuple[int, str]:
        """How a program of ours ended, and what it said."""
        done = subprocess.run(
            [sys.executable, *words],
            env=self.environment, cwd=Path.cwd(), capture_output=True, text=True, check=False, input=said, timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def order(self, place: str) -> tuple[int, str]:
        """One pass that dies at a place."""
        return self.run("-m", "tests.support.dying_order", place)


@pytest.fixture
def whole(caddies: Caddies, name_servers: DnsServers, tmp_path: Path) -> Iterator[Whole]:
    with upstream() as server:
        yard = Home(caddies.clean(NEW), name_servers.bind, tmp_path, server.url)
        yield Whole(yard, tmp_path)
        yard.close()


@pytest.mark.parametrize("place", PLACES)
def test_the_next_pass_goes_on_and_nothing_is_doubled(whole: Whole, place: str) -> None:
    ended, said = whole.order(place)
    assert ended == -signal.SIGKILL, said
    if place in ("shown", "answered"):
        assert {row.split()[0] for row in whole.yard.texts()} == {f"_acme-challenge.{whole.yard.zone}."}
    else:
        assert whole.yard.cleared()
    ended, said = whole.order("nowhere")
    assert ended == 0, said
    assert whole.yard.trusted("x"), said
    assert whole.yard.cleared()
    assert whole.yard.orders() == ORDERS[place]
    with open_house(read_settings({}, whole.environment, whole.specs), write=False) as house:
        assert not house.store.open_entries()
        steps = [event.message for event in house.store.events() if event.reason == "Progress"]
        assert [step for step in steps if step.startswith("7/8 certificate: the certificate of *.")], steps
        assert house.reconciler.survey().plan.rollouts == ()


def test_what_a_crash_left_in_the_zone_goes_also_when_nobody_wants_it_any_more(whole: Whole) -> None:
    assert whole.order("shown")[0] == -signal.SIGKILL
    assert whole.yard.texts() != []
    (whole.specs / "all.yaml").write_text(whole.yard.files({})["all.yaml"])
    who = ("-c", "user.name=me", "-c", "user.email=me@example.net", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, "commit", "-qam", "second"], cwd=whole.specs, check=True, capture_output=True)
    ended, said = whole.order("nowhere")
    assert ended == 0, said
    assert whole.yard.cleared()
    assert whole.yard.orders() == 0
