"""A controller killed with SIGKILL in the middle of DNS changes: the next start ends what was begun; strangers keep theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.cli.exits import OK, ROLLED_BACK
from tests.contract.dns_yard import declared, server_of
from tests.faces.command import Home, empty
from tests.support import dns
from tests.support.dns import DnsServers, NameServer

ROOT = Path(__file__).resolve().parents[2]
BOUNDARIES = (4, 9, 14)
"""Places to die, from before the first write to after the last: a change of six records has about two dozen."""


class Zone:
    """A home whose six records change with every commit, and its zone on a real server."""

    def __init__(self, server: NameServer, folder: Path) -> None:
        self.server = server
        self.zone = server.fresh()
        self.strangers = server.dump(self.zone)
        self.home: Home = empty(folder)
        self.home.environment.update(
            HOMELAB_WORLD="docker", DOCKER_HOST=f"unix://{folder}/none.sock", HOMELAB_REPO=str(self.home.repo)
        )
        assert self.home("secret", "set", "dns/key", stdin=dns.API_KEY if server.web else dns.SECRET).code == 0
        connection: dict[str, Any] = declared(server)
        if server.web:
            connection["key"] = {"ref": "dns/key"}
        else:
            connection["key"]["secret"] = {"ref": "dns/key"}
        self.homelab = json.dumps({"kind": "Homelab", "name": "home", "spec": {"connections": {"dns": connection}}})

    def commit(self, number: int) -> None:
        """Five addresses that change, and an alias and a text that take turns with an address."""
        records: list[dict[str, Any]] = [
            {"name": f"n{each}", "type": "A", "value": f"192.0.2.{number}", "ttl": 60} for each in range(5)
        ]
        turn = {"type": "CNAME", "value": "example.org"} if number % 2 else {"type": "A", "value": "192.0.2.250"}
        records.append({"name": "turn", "ttl": 60, **turn})
        spec = {"zone": self.zone, "via": "dns", "records": records}
        document = json.dumps({"kind": "Domain", "name": "zone", "spec": spec})
        self.home.commit(f"number {number}", {"homelab.yaml": self.homelab, "zone.yaml": document})

    def wanted(self, number: int) -> list[str]:
        lines = [f"n{each}.{self.zone}. 60 A 192.0.2.{number}" for each in range(5)]
        turn = "CNAME example.org." if number % 2 else "A 192.0.2.250"
        return sorted([*self.strangers, *lines, f"turn.{self.zone}. 60 {turn}"])

    def die(self, boundary: int) -> int:
        """One pass that is killed there; the exit code."""
        command = [sys.executable, "-m", "tests.support.dying_apply", str(boundary), "0"]
        done = subprocess.run(
            command,
            env={**self.home.settings(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=ROOT,
        )
        assert done.returncode in (0, -9), done.stderr
        return done.returncode


@pytest.mark.parametrize("world", ["bind", "powerdns"])
def test_what_was_begun_is_ended_after_a_kill(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    zone = Zone(server_of(name_servers, world), tmp_path)
    zone.commit(100)
    applied = zone.home("apply")
    assert applied.code == 0, applied.err + applied.out
    assert zone.server.dump(zone.zone) == zone.wanted(100)
    died = 0
    for number, boundary in enumerate(BOUNDARIES, 101):
        zone.commit(number)
        died += zone.die(boundary) == -9
        standing = zone.server.dump(zone.zone)
        assert [line for line in standing if line in zone.strangers] == zone.strangers, "whenever it dies, strangers keep theirs"
        again = zone.home("apply")
        assert again.code in (OK, ROLLED_BACK), again.err + again.out  # what was begun may be taken back first
        assert zone.server.dump(zone.zone) == zone.wanted(number)
        assert zone.home("plan", "--detailed-exitcode").code == 0
    assert died == len(BOUNDARIES)
