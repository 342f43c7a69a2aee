"""No secret is shown anywhere: canaries come in by every way, everything is done with them, and every output is searched."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyrage
import pytest

from controller.clients.vault import AgeVault
from tests.contract.git_server import serve
from tests.faces.command import Home, empty
from tests.support.engines import Engine

CANARY = "canary5f0e"
SET, LITERAL, URL, NAMED, AGED, FILED = (
    f"{CANARY}-{way}-d41d8cd98f" for way in ("set", "literal", "url", "named", "aged", "filed")
)
NEWS = (
    ("status", "-o", "json"),
    ("history", "-o", "json"),
    ("events", "-o", "json"),
    ("show", "service/app"),
    ("logs", "service/app"),
)
READS = (
    *NEWS, ("plan",), ("plan", "-o", "json"), ("plan", "--worktree", "-o", "json"), ("status",), ("history",), ("events",),
    ("show", "service/app", "-o", "json"), ("secret", "list"), ("secret", "list", "-o", "json"), ("doctor",),
    ("doctor", "-o", "json"), ("validate",), ("lock",), ("token", "list"),
)  # fmt: skip
PAGES = ("/api/v1/status", "/api/v1/plan", "/api/v1/history", "/api/v1/resources/service/app", "/api/v1/secrets", "/metrics",
         "/", "/api/v1/events?after=0&limit=200", "/api/openapi.json", "/livez", "/readyz", "/api/v1/tokens", "/api/v1/rollback",
         "/api/v1/me", "/api/v1/proposals", "/api/v1/domains", "/api/v1/topology", "/api/v1/compare", "/api/v1/decisions",
         "/api/v1/summary", "/api/v1/notifications", "/api/v1/audit", "/api/v1/revisions", "/plan/now", "/page/plan",
         "/proposals", "/propose?key=service/app", "/audit", "/domains", "/topology", "/history", "/compare", "/settings",
         "/settings/account", "/settings/people", "/settings/tokens", "/resources/service/app", "/rollback")  # fmt: skip
STREAM = "/api/v1/events?after=0"
MISTAKES: tuple[tuple[str, str, Mapping[str, str], str, int], ...] = (
    ("POST", "/api/v1/secrets", {}, json.dumps({"ref": "../up", "value": "VALUE"}), 422),
    ("POST", "/api/v1/secrets", {}, json.dumps({"ref": "app/aged", "value": "VALUE"}), 409),
    ("POST", "/api/v1/secrets", {}, json.dumps({"ref": "app/set", "value": ["VALUE"]}), 422),
    ("POST", "/api/v1/secrets", {}, json.dumps({"ref": "app/set", "vlaue": "VALUE"}), 422),
    ("POST", "/api/v1/secrets", {}, '{"ref": "app/set", "value": "VALUE', 422),
    ("POST", "/api/v1/secrets", {"Content-Type": "text/plain"}, "VALUE", 415),
    ("POST", "/api/v1/session", {"Origin": "HERE"}, json.dumps({"token": "VALUE"}), 401),
    ("POST", "/hooks/git", {"X-Gitlab-Token": "VALUE"}, "{}", 401),
    ("GET", "/api/v1/status", {"Authorization": "Bearer VALUE"}, "", 401),
    ("GET", "/api/v1/status", {"Cookie": "homelab=VALUE"}, "", 401),
)
"""Requests that go wrong with a secret in them."""
TELLS = "env; cat /run/secrets/*; echo $$DB_URL >&2"
"""A program that says all it knows."""


WRONG = f"kind: Service\nname: wrong\nspec:\n  image: a:1\n  environment:\n    DB_PASSWORD: [{LITERAL}]\n  mem_limit: much\n"
DISARMS = f"""
kind: Automation
name: disarms
spec:
  triggers: [{{trigger: webhook, webhook_id: {LITERAL}}}]
  actions:
    - {{action: alarm_control_panel.alarm_disarm, data: {{code: {LITERAL}}}}}
    - {{action: notify.x, data: {{api_key: {LITERAL}, url: "https://me:{URL}@example.net/"}}}}
    - action: notify.x
      data:
        url: https://me:{URL}@example.net/
"""


def spec(image: str, **more: Any) -> str:
    """The service, with a secret by every way."""
    environment = {
        "BY_REF": {"ref": "app/set"},
        "BY_GENERATION": {"ref": "app/made", "generate": 40},
        "BY_NAME": {"ref": "env:NAMED"},
        "BY_AGE": {"ref": "app/aged"},
        "DB_PASSWORD": LITERAL,
        "DB_URL": f"postgres://app:{URL}@db/app",
    }
    secrets = {"filed": {"ref": "app/filed"}, "made": {"ref": "app/more", "generate": 40}}
    found = {"image": image, "environment": environment, "secrets": secrets, "stop_grace_period": "0s", **more}
    return json.dumps({"kind": "Service", "name": "app", "spec": found})


class Spy:
    """Keeps everything that was said and searches it."""

    def __init__(self, home: Home, vault: Path) -> None:
        self.home = home
        self.vault = vault
        self.heard: dict[str, str] = {}
        self.processes: set[bytes] = set()
        self._stop = Event()
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        """What other users of the machine see of processes, all the time."""
        while not self._stop.wait(0.1):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it ended
                    self.processes.add(process.read_bytes())

    def close(self) -> None:
        """Watch no longer."""
        self._stop.set()
        self._watcher.join()

    def __call__(self, *arguments: str, stdin: str = "") -> int:
        done = self.home(*arguments, stdin=stdin)
        self.heard[f"{len(self.heard)}: homelab {' '.join(arguments)}"] = done.out + done.err
        return done.code

    def fetch(self, path: str, method: str = "GET", body: str = "", port: int = 0, **headers: str) -> int:
        """One request to the running controller, over its socket or by network; the status."""
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        if not port:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(60)
            connection.sock.connect(str(self.home.state / "controller.sock"))
        connection.request(method, path, body or None, {"Content-Type": "application/json", **headers} if body else headers)
        answer = connection.getresponse()
        said = b""
        if connection.sock is not None and answer.getheader("Content-Type", "").startswith("text/event-stream"):
            connection.sock.settimeout(2)  # it does not end
        with contextlib.suppress(TimeoutError):
            while part := answer.read1():
                said += part
        self.heard[f"{len(self.heard)}: {method} {path}"] = str(answer.headers) + said.decode()
        connection.close()
        return answer.status

    def ask(self) -> None:
        """Everything that the running controller answers, and what it says to requests that carry a secret and are wrong."""
        for page in PAGES:
            assert self.fetch(page) in (200, 409), page
        assert self.fetch(STREAM, Accept="text/event-stream") == 200
        for run in json.loads(self.home("history", "-o", "json").out)["runs"]:
            assert self.fetch(f"/api/v1/runs/{run['id']}") == 200
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", self.home.controller_said())[0])
        for method, path, headers, body, status in MISTAKES:
            here = f"http://127.0.0.1:{port}"
            filled = {name: value.replace("VALUE", SET).replace("HERE", here) for name, value in headers.items()}
            local = path == "/api/v1/secrets"
            said = self.fetch(path, method, body.replace("VALUE", SET), 0 if local else port, **filled)
            assert said == status, (path, body)

    def look(self, reads: Sequence[tuple[str, ...]] = READS) -> None:
        """Everything that can be looked at."""
        for arguments in reads:
            self(*arguments)

    def inspect(self, api: Any) -> None:
        """What an engine shows to everybody who may ask it, but for the variables, which hold the values."""
        for kind, found in (
            ("container", [api.inspect_container(each["Id"]) for each in api.containers(all=True)]),
            ("network", api.networks()),
            ("volume", api.volumes()["Volumes"]),
            ("image", api.images()),
        ):
            for each in found or ():
                each.get("Config", {}).pop("Env", None)
                self.heard[f"{len(self.heard)}: inspect {kind}"] = json.dumps(each)

    def leaks(self, values: list[str]) -> list[str]:
        """Where a value was said, or stands on the disk outside the specs."""
        found = [where for where, text in self.heard.items() if any(value in text for value in values)]
        files = [path for path in self.home.state.rglob("*") if path.is_file()]
        found += [str(path) for path in files if any(value.encode() in path.read_bytes() for value in values)]
        for database in self.home.state.rglob("*.db"):
            with contextlib.closing(sqlite3.connect(database)) as connection:
                found += [f"{database}: {line[:80]}" for line in connection.iterdump() if any(value in line for value in values)]
        found += [f"process {each!r}" for each in self.processes if any(value.encode() in each for value in values)]
        log = self.home.folder / "controller.log"
        return found + ["controller.log" for value in values if log.exists() and value in log.read_text()]


@pytest.fixture(params=["memory", "docker"])
def spy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spy]:
    """A home in which the canaries can be named."""
    home = empty(tmp_path)
    home.environment = {"HOMELAB_SECRET_NAMED": NAMED}
    vault = home.state / "memory"
    if request.param == "docker":
        engine: Engine = request.getfixturevalue("engine_new")
        home.environment |= {"HOMELAB_WORLD": "docker", "DOCKER_HOST": engine.url}
        vault = home.state
    made = Spy(home, vault)
    assert made("secret", "set", "app/set", stdin=SET) == 0
    assert made("secret", "set", "app/filed", stdin=FILED) == 0
    recipient = pyrage.x25519.Recipient.from_str(AgeVault(vault).recipient)
    (home.repo / "secrets" / "app").mkdir(parents=True)
    (home.repo / "secrets" / "app" / "aged.age").write_bytes(pyrage.encrypt(AGED.encode(), [recipient]))
    yield made
    made.close()


def failing(world: str) -> Mapping[str, str]:
    """Versions that fail, telling all they know."""
    if world != "docker":
        return {"crash": spec("web:crash"), "unhealthy": spec("web:bad")}
    check = {"test": ["CMD-SHELL", f"{TELLS}; exit 1"], "interval": "200ms", "retries": 1}
    return {
        "crash": spec("lab/sleep:1", command=["sh", "-c", f"{TELLS}; exit 3"]),
        "last-line": spec("lab/sleep:1", command=["sh", "-c", "cat /run/secrets/filed; exit 3"]),
        "unhealthy": spec("lab/sleep:1", healthcheck=check),
    }


def test_no_canary_is_seen(spy: Spy) -> None:
    home = spy.home
    world = home.environment.get("HOMELAB_WORLD", "memory")
    good = "lab/sleep:1" if world == "docker" else "web:1"
    talks = {"command": ["sh", "-c", f"{TELLS}; sleep 1000"]} if world == "docker" else {}
    first = home.commit("first", {"app.yaml": spec(good, **talks)})
    spy("plan")
    assert spy("apply") == 0, spy.heard
    spy.look()
    for name, bad in failing(world).items():
        home.commit(name, {"app.yaml": bad})
        spy("plan")
        assert spy("apply") == 5, spy.heard
        spy.look(NEWS)
    assert spy("secret", "rotate", "app/made") == 0
    assert spy("rollback", first, "--yes") == 0, spy.heard
    home.commit("invalid", {"wrong.yaml": WRONG, "disarms.yaml": DISARMS})
    spy("apply")
    spy.look((*NEWS, ("plan",), ("validate",), ("doctor",)))
    assert any("an automation cannot hold a secret" in said for said in spy.heard.values())
    home.git("revert", "--no-edit", "-n", "HEAD")
    home.commit("valid again")
    assert spy("secret", "set", "not//a-ref", stdin=SET) != 0
    assert spy("secret", "set", "app/aged", stdin=AGED) != 0
    assert spy("backup", str(home.state / "backup.file")) == 0
    with home.controller():
        spy.ask()
        spy.look()
    if world == "docker":
        inside = "env; cat /run/secrets/*"
        api = spy_engine(home)
        spy.inspect(api)
        seen = api.exec_start(api.exec_create("app", ["sh", "-c", inside])["Id"]).decode()
        assert all(value in seen for value in (SET, LITERAL, URL, NAMED, AGED, FILED))
    made = [value for ref, value in exported(home).items() if ref in ("app/made", "app/more")]
    assert len(made) == 2
    assert spy.leaks([CANARY, *made]) == []


def test_a_text_from_outside_is_shown_without_what_the_vault_keeps(tmp_path: Path) -> None:
    vault = AgeVault(tmp_path)
    vault.set("app/key", "first-line\nsecond-line")
    vault.set("app/old", "value-of-last-year")
    vault.set("app/old", "value-of-last-year-and-more")
    vault.set("app/pin", "1234")
    said = "got second-line, value-of-last-year-and-more and value-of-last-year, 1234 times"
    assert vault.conceal(said) == "got •••, ••• and •••, 1234 times"


def test_the_password_in_a_repositorys_address_is_not_seen(tmp_path: Path) -> None:
    """The controller follows a remote repository, then cannot reach it, then is refused by it."""
    home = empty(tmp_path)
    home.commit("first", {"app.yaml": json.dumps({"kind": "Service", "name": "app", "spec": {"image": "web:1"}})})
    home.git("clone", "-q", "--bare", str(home.repo), str(tmp_path / "served/home.git"))
    spy = Spy(home, home.state)
    try:
        with serve(tmp_path / "served") as server:
            server.wanted = "Basic " + b64encode(f"ada:{URL}".encode()).decode()
            home.environment = {"HOMELAB_REPO": server.url(f"ada:{URL}@"), "HOMELAB_TRUSTED_HOSTS": "127.0.0.1"}
            assert spy("apply") == 0, spy.heard
            spy.look()
            with home.controller():
                for page in PAGES:
                    spy.fetch(page)
                spy.look()
            server.wanted = "Basic bm9ib2R5"
            spy.look((*NEWS, ("plan",), ("doctor",)))
            spy("apply")
        spy.look((*NEWS, ("plan",), ("doctor",)))
        spy("apply")
        home.environment["HOMELAB_REPO"] = f"https://ada:{URL}@127.0.0.1:x/home.git"
        spy.look((("status",), ("doctor",)))
        assert spy("apply") != 0
    finally:
        spy.close()
    assert spy.leaks([CANARY, b64encode(f"ada:{URL}".encode()).decode()]) == []


def exported(home: Home) -> dict[str, str]:
    """What the vault holds."""
    return dict(line.split("=", 1) for line in home("secret", "export", "--yes").out.splitlines())


def spy_engine(home: Home) -> Any:
    """A client of the engine that the home uses."""
    import docker

    return docker.APIClient(base_url=home.environment["DOCKER_HOST"])
