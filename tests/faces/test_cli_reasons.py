"""Why keys stand as they do: told once, with how to mend it, in rows that fit the terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from controller.clients.docker.unreachable import unreachable
from tests.faces.command import BINARY, SERVICE, Home, empty
from tests.support.space import wait_until

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing declared."""
    return empty(tmp_path)


def on_a_terminal(home: Home, columns: int, *arguments: str) -> list[str]:
    """The lines that a command shows on a terminal of a width."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen([BINARY, *arguments], cwd=home.repo, env=home.settings(), stdout=theirs, stderr=subprocess.PIPE):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(ours)
    return _STYLE.sub("", shown.decode()).splitlines()


def many(home: Home, count: int = 8, image: str = "app:1", more: Mapping[str, str] | None = None) -> None:
    """Commit some services."""
    files = {f"s/{number}.yaml": SERVICE.format(name=f"service-{number}", image=image) for number in range(count)}
    home.commit("many", {**files, **(more or {})})


def cut_off(home: Home) -> None:
    """The simulated engine does not answer any more."""
    world = home.state / "memory" / "world.json"
    world.write_text(json.dumps({**json.loads(world.read_text()), "unreachable": ["local"]}))


RULE = (
    "kind: Policy\nname: house\nspec:\n  rules:\n    - {{name: guests, verdict: hold, match: {{kinds: [service]}},"
    " reason: while guests are in the house nothing is touched without a word of whoever is on call this week}}\n"
)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_rows_fit_the_terminal_and_a_reason_is_told_once(home: Home, columns: int) -> None:
    many(home, more={"policy/house.yaml": RULE.format()})
    home.commit("needs", {"s/0.yaml": SERVICE.format(name="service-0", image="app:1") + "needs: [service/service-1]\n"})
    for verb in ("status", "plan"):
        lines = on_a_terminal(home, columns, verb)
        assert max(map(len, lines)) <= columns, verb
    text = " ".join(" ".join(on_a_terminal(home, columns, "status")).split())
    assert text.count("on call this week") == 2, "once for the two that stand together, once for all that stand alone"
    assert re.search(r"on call this week; homelab approve( [0-9a-f]{12}){6}( |$)", text), "one command for all six"
    assert re.search(
        r"service/service-0 Held Missing create: new( …)? \[1\] service/service-1 Held Missing create: new( …)? \[1\]", text
    )


def test_where_there_is_no_terminal_a_reason_of_one_key_stays_beside_it(home: Home) -> None:
    many(home, 1, more={"policy/house.yaml": RULE.format()})
    row = next(line for line in home("status").out.splitlines() if line.startswith("service/service-0"))
    assert "create: new; hold (guests): while guests" in row
    assert "homelab approve" in row


def test_an_engine_that_does_not_answer_is_told_once(home: Home) -> None:
    many(home)
    assert home("apply").code == 0
    cut_off(home)
    many(home, image="app:2")
    for verb in (["status"], ["plan"], ["apply"]):
        said = home(*verb)
        assert said.code == 8, verb
        assert said.out.count("simulated: cut off") == 1, said.out
        assert all(f"service/service-{number}" in said.out for number in range(8))
        assert "BackendDown local: simulated" not in said.out
    events = [json.loads(line) for line in home("events", "-o", "json").out.splitlines()]
    assert sum("cut off" in event["message"] for event in events) == 1
    assert not any(event["reason"] == "Unknown" for event in events), "nor is it told for each key"


def test_a_docker_that_is_not_there_says_how_to_start_it(home: Home) -> None:
    home.environment |= {"HOMELAB_WORLD": "docker", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    many(home, 3)
    said = home("status")
    assert said.code == 8
    told = [line for line in said.out.splitlines() if "docker.sock" in line]
    assert len(told) == 1
    assert told[0].startswith("! local cannot be reached: Docker does not answer: there is no socket /nowhere/docker.sock: ")
    assert "start it with `sudo systemctl start docker`, or set DOCKER_HOST" in told[0]
    assert said.out.count("Unknown  Unknown  local cannot be reached") == 3
    assert "Error" not in said.out


def _wrapped(inner: Exception) -> Exception:
    outer = ConnectionError("Connection aborted.", inner)
    outer.__cause__ = RuntimeError("HTTPConnectionPool", inner)
    return outer


@pytest.mark.parametrize(
    ("error", "words", "reason"),
    [
        (FileNotFoundError(2, "No such file"), "start it with `sudo systemctl start docker`", "no socket"),
        (PermissionError(13, "Permission denied"), "usermod -aG docker", "a socket for others"),
        (ConnectionRefusedError(111, "refused"), "nothing answers at", "a socket without a daemon"),
        (socket.gaierror(-2, "Name or service not known"), "is not known: correct the connection", "a mistyped host"),
        (TimeoutError("timed out"), "is the machine on", "a machine that is off"),
        (FileNotFoundError(2, "No such file", "ssh"), "install the package openssh-client", "no ssh"),
        (ValueError("odd"), "odd", "what nobody thought of is told as it is"),
    ],
)
def test_what_keeps_an_engine_from_answering_is_told_in_words(error: Exception, words: str, reason: str) -> None:
    said = unreachable("unix:///var/run/docker.sock", _wrapped(error))
    assert words in said, reason
    assert ("Errno" in said) == (words == "odd")


def _suspended(home: Home) -> None:
    assert home("suspend", "service/web", "--reason", "the disk is being replaced").code == 0


def _suspended_in_git(home: Home) -> None:
    home.commit("pause", {"services/web.yaml": SERVICE.format(name="web", image="app:1") + "suspend: true\n"})


@pytest.mark.parametrize(
    ("suspend", "why", "reason"),
    [
        (_suspended, ": the disk is being replaced", "a person said so, and why"),
        (_suspended_in_git, "suspended in the specification", "git says so"),
    ],
)
def test_what_is_suspended_shows_it_and_why(home: Home, suspend: Callable[[Home], None], why: str, reason: str) -> None:
    home.service("app:1")
    assert home("apply").code == 0
    suspend(home)
    (item,) = home("status", "-o", "json").json["items"]
    assert (item["sync"], item["health"]) == ("Suspended", "Suspended"), reason
    assert item["why"].startswith("suspended ")
    assert item["why"].endswith(why)
    said = home("status").out
    assert f"Suspended  Suspended  {item['why']}" in said
    assert "1 in all: 1 Suspended" in said
    assert home("resume", "service/web").code == (0 if suspend is _suspended else 4)


def test_a_commit_that_does_not_touch_a_key_leaves_its_truth_alone(home: Home) -> None:
    home.service("app:1")
    assert home("apply").code == 0
    first = home.git("rev-parse", "--short=10", "HEAD").strip()
    second = home.service("app:1", "other")[:10]
    assert home("suspend", "service/web").code == 0
    assert "running" not in home("status").out, "what runs is what git wants"
    third = home.service("app:2")[:10]
    said = home("status").out
    assert f"git wants {third}, running {first}; suspended by" in said
    row = next(line for line in said.splitlines() if line.startswith("service/other"))
    assert row.split(maxsplit=3)[3] == "create: new", "nothing runs, so there is only one truth"
    assert home("resume", "service/web").code == 0
    assert home("apply").code == 0
    wait_until(lambda: "2 Synced" in home("status").out, "all to be as git wants it")
    assert second not in home("status").out


def test_the_doctor_looks_at_the_world_of_the_controller(home: Home) -> None:
    home.service("app:1")
    nowhere = "unix:///nowhere/docker.sock"
    with home.controller():
        # A run that goes on is no finding, but one that was cut off by a busy machine would be.
        wait_until(lambda: "1 Synced" in home("status").out, "all to be as git wants it")
        assert home("suspend", "service/web", "--reason", "a new disk").code == 0
        said = home("doctor", HOMELAB_WORLD="docker", DOCKER_HOST=nowhere)
        assert "service/web is suspended by" in said.out, "from the store of the controller"
        assert not (home.state / "state.db").exists(), "no other world is begun beside it"
    assert (said.code, "the world is memory (simulated)" in said.out) == (0, True), said.out
    said = home("doctor", HOMELAB_WORLD="docker", DOCKER_HOST=nowhere)
    assert said.code == 1
    assert "BAD  local cannot be reached: Docker does not answer: there is no socket /nowhere/docker.sock" in said.out
