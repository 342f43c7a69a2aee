"""A whole controller shows at a real Home Assistant how the house stands, when its connection asks for it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from controller.settings import read_settings
from controller.wire import Running, open_house, run_controller
from tests.support.homeassistant import NEW, HomeAssistants, Refused
from tests.support.space import wait_until

HOMELAB = """kind: Homelab
name: home
spec:
  connections:
    home: {{type: homeassistant, url: "{url}", token: {{ref: home/token}}, sensors: true}}
"""


def test_the_sensors_follow_what_is_declared(home_assistants: HomeAssistants, tmp_path: Path) -> None:
    ha = home_assistants.get(NEW)
    specs = tmp_path / "specs"
    specs.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main", str(specs)], check=True)

    def commit(**files: str) -> None:
        for name, text in files.items():
            (specs / f"{name}.yaml").write_text(text)
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.net"]
        for words in (["add", "-A"], ["commit", "-q", "-m", "specs"]):
            subprocess.run(["git", "-C", str(specs), *who, *words], check=True)

    def shows(name: str) -> str:
        with suppress(Refused, OSError):
            return str(ha.call("GET", f"/api/states/sensor.homelab_{name}")["state"])
        return ""

    flags = {"repo": str(specs), "state": str(tmp_path / "state"), "world": "docker", "listen": "127.0.0.1:0"}
    settings = read_settings(flags, {"PATH": "/usr/bin:/bin", "DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock"})
    commit(garden="kind: Area\nname: garden\nspec: {name: Sensor garden}\n")
    with open_house(settings, write=True) as house:
        assert house.desk.secrets is not None
        house.desk.secrets.set("home/token", ha.token, "ada")
    commit(homelab=HOMELAB.format(url=ha.url))
    stop, stands = Flag(), list[Running]()
    home = Thread(target=run_controller, args=(settings, stands.append), kwargs={"stop": stop}, name="home")
    home.start()
    try:
        wait_until(lambda: shows("sync") == "Synced", "the area to be made, and told")
        wait_until(lambda: shows("pending_approvals") == "0", "that nothing waits, told too")
        commit(porch="kind: Area\nname: porch\nspec: {nam: Porch}\n")
        wait_until(lambda: shows("sync") == "Failed", "the refused commit to be told")
    finally:
        stop.set()
        home.join(60)
        for name in ("sync", "pending_approvals"):
            with suppress(Refused):
                ha.call("DELETE", f"/api/states/sensor.homelab_{name}")
        for area in ha.ask("config/area_registry/list"):
            if area["name"] == "Sensor garden":
                ha.ask("config/area_registry/delete", area_id=area["area_id"])
    assert not home.is_alive()
