"""The running controller on a real engine: what a hand stops runs again while a proposal waits for a registry that is silent."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from threading import Event as Flag
from typing import Any

import httpx2

from controller.settings import Settings, read_settings
from controller.wire import Running, run_controller
from tests.flows.test_proposals_apart import NEVER, Doing
from tests.support.engines import Engine
from tests.support.silence import PatientClock, silent_registry, under_way
from tests.support.space import wait_until

API = "/api/v1"
WEB = "kind: Service\nname: web\nspec: {image: 'lab/sleep:1', stop_grace_period: 1s, restart: unless-stopped}\n"


def settled(folder: Path, engine: Engine) -> Settings:
    specs = folder / "specs"
    specs.mkdir()
    (specs / "web.yaml").write_text(WEB)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "specs"]):
        subprocess.run(["git", "-C", str(specs), "-c", "user.name=Ann", "-c", "user.email=ann@example.net", *words], check=True)
    return read_settings(
        {"repo": str(specs), "state": str(folder / "state"), "listen": "127.0.0.1:0"},
        {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.url},
    )


def test_a_silent_registry_in_a_proposal_stops_no_repair(engine_new: Engine, tmp_path: Path) -> None:
    settings, clock, stop = settled(tmp_path, engine_new), PatientClock(), Flag()
    standing: list[Running] = []
    controller = Doing(lambda: run_controller(settings, standing.append, stop=stop, clock=clock))
    try:
        wait_until(lambda: standing, "the controller")
        transport = httpx2.HTTPTransport(uds=str(settings.socket))
        with (
            httpx2.Client(transport=transport, base_url="http://homelab", timeout=120) as client,
            silent_registry(lambda: engine_new.space.call(socket.create_server, ("127.0.0.1", 0))) as registry,
        ):

            def get(name: str) -> Any:
                return client.get(f"{API}/{name}").raise_for_status().json()

            def synced() -> bool:
                return [item["sync"] for item in get("status")["items"]] == ["Synced"]

            wait_until(lambda: engine_new.containers().get("web") == "running" and synced(), "the first commit")
            runs = len(get("history")["runs"])
            spec = f"{{image: '{registry.name}/new:1'}}"
            body = {"title": "New", "files": {"new.yaml": f"kind: Service\nname: new\nspec: {spec}\n"}}
            opening = Doing(lambda: client.post(f"{API}/proposals", json=body))
            wait_until(lambda: registry.asked and not under_way("look"), "the registry to be asked, and all else to be seen")
            engine_new.api.kill("web")
            wait_until(lambda: engine_new.containers()["web"] == "running", "the repair")
            passed = client.post(f"{API}/sync", params={"wait": "true"}).raise_for_status().json()["done"]
            assert passed["exit_code"] == 0, "a whole pass goes on and ends"
            assert len(get("history")["runs"]) == runs + 1
            assert opening.thread.is_alive(), "the proposal waits still"
            clock.over.set()
            shown = opening.end("the proposal").raise_for_status().json()
            assert shown["problem"].startswith(f"{NEVER}service/new: ")
            assert [(note["key"], note["reason"]) for note in shown["notes"]] == [("service/new", "Unknown")]
            answer = client.post(
                f"{API}/proposals/{shown['proposal']['id']}/rejection", json={"reason": "its registry is silent"}
            )
            assert answer.json()["standing"] == "rejected", "deciding waits for nobody"
    finally:
        stop.set()
        assert controller.end("the controller") == 0
