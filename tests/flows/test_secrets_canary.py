"""No secret is shown anywhere: canaries come in by every way, everything is done with them, and every output is searched."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pyrage
import pytest

from controller.clients.vault import AgeVault
from tests.faces.command import Home, empty
from tests.support.engines import Engine

CANARY = "canary5f0e"
SET, LITERAL, URL, NAMED, AGED, FILED = (
    f"{CANARY}-{way}-d41d8cd98f" for way in ("set", "literal", "url", "named", "aged", "filed")
)
READS = (
    ("plan",), ("plan", "-o", "json"), ("status",), ("status", "-o", "json"), ("history",), ("history", "-o", "json"),
    ("events",), ("events", "-o", "json"), ("show", "service/app"), ("show", "service/app", "-o", "json"),
    ("secret", "list"), ("doctor",), ("validate",), ("lock",), ("logs", "service/app"),
)  # fmt: skip
PAGES = ("/api/v1/status", "/api/v1/plan", "/api/v1/history", "/api/v1/resources/service/app", "/api/v1/secrets", "/metrics",
         "/", "/api/v1/events?after=0&limit=200", "/api/openapi.json", "/livez", "/readyz")  # fmt: skip
TELLS = "env; cat /run/secrets/*; echo $DB_URL >&2"
"""A program that says all it knows."""


WRONG = f"kind: Service\nname: wrong\nspec:\n  image: a:1\n  environment:\n    DB_PASSWORD: [{LITERAL}]\n  mem_limit: much\n"


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

    def __call__(self, *arguments: str, stdin: str = "") -> int:
        done = self.home(*arguments, stdin=stdin)
        self.heard[f"{len(self.heard)}: homelab {' '.join(arguments)}"] = done.out + done.err
        return done.code

    def fetch(self, path: str) -> None:
        """One page of the running controller, over its socket."""
        connection = HTTPConnection("homelab", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(5)
        connection.sock.connect(str(self.home.state / "controller.sock"))
        connection.request("GET", path)
        answer = connection.getresponse()
        said = b""
        with contextlib.suppress(TimeoutError):  # a stream of events does not end
            while part := answer.read1():
                said += part
        self.heard[f"{len(self.heard)}: GET {path}"] = str(answer.headers) + said.decode()
        connection.close()

    def look(self) -> None:
        """Everything that can be looked at, and what other users of the machine see of our processes."""
        for arguments in READS:
            self(*arguments)
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it ended
                self.heard[f"{len(self.heard)}: {process}"] = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")

    def leaks(self, values: list[str]) -> list[str]:
        """Where a value was said, or stands on the disk outside the specs."""
        found = [where for where, text in self.heard.items() if any(value in text for value in values)]
        files = [path for path in self.home.state.rglob("*") if path.is_file()]
        found += [str(path) for path in files if any(value.encode() in path.read_bytes() for value in values)]
        log = self.home.folder / "controller.log"
        return found + ["controller.log" for value in values if log.exists() and value in log.read_text()]


@pytest.fixture(params=["memory", "docker"])
def spy(request: pytest.FixtureRequest, tmp_path: Path) -> Spy:
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
    return made


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
        spy.look()
    assert spy("secret", "rotate", "app/made") == 0
    assert spy("rollback", first, "--yes") == 0, spy.heard
    home.commit("invalid", {"wrong.yaml": WRONG})
    spy("apply")
    spy.look()
    home.git("revert", "--no-edit", "-n", "HEAD")
    home.commit("valid again")
    with home.controller():
        for page in PAGES:
            spy.fetch(page)
        spy.look()
    if world == "docker":
        inside = "env; cat /run/secrets/*"
        api = spy_engine(home)
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


def exported(home: Home) -> dict[str, str]:
    """What the vault holds."""
    return dict(line.split("=", 1) for line in home("secret", "export", "--yes").out.splitlines())


def spy_engine(home: Home) -> Any:
    """A client of the engine that the home uses."""
    import docker

    return docker.APIClient(base_url=home.environment["DOCKER_HOST"])
