"""The verbs through a running controller: its socket, its events, its exit codes."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faces.command import BINARY, Home, empty
from tests.faces.test_cli_help import loaded
from tests.support.space import wait_until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing declared."""
    return empty(tmp_path)


def test_the_whole_way_of_a_commit(home: Home) -> None:
    home.service("app:1")
    with home.controller():
        wait_until(lambda: "Healthy" in home("status").out, "the first version")
        home.service("app:2")
        said = home("apply")
        assert said.code == 0, said.err
        home.service("app:bad")
        said = home("apply")
        assert said.code == 5, said.out
        assert "quarantined" in home("status").out
        assert "RolledBack" in home("history").out
        back = home("rollback", "--yes")
        assert back.code == 0, back.err
        assert "committed" in back.err
        resource = home("show", "service/web", "-o", "json").json
        assert resource["observed"]["image"] == "app:2"
        assert home("sync").code == 0
        assert home("lock", "-o", "json").json["answers"] is True
    assert home.git("log", "--format=%s", "-1").startswith("Roll back to ")
    assert home.git("status", "--short") == "", "the person's files follow the commit"


def test_an_apply_streams_its_events_and_leaves_with_its_code(home: Home) -> None:
    with home.controller():
        home.commit("rule", {"policy/house.yaml": HOLD})
        home.service("app:1")
        held = home("apply")
        assert held.code == 0
        digest = home("plan", "-o", "json").json["rollouts"][0]["digest"]
        approved = home("approve", digest[:12])
        assert approved.code == 0, approved.err
        assert "RunFinished: Applied" in approved.err
        assert "+service/web" in approved.out
        assert home("suspend", "service/web", "--reason", "by hand").code == 0
        assert "Suspended" in home("status").out
        assert home("resume", "service/web").code == 0
        assert home("detach", "service/web").code == 0
        adopted = home("adopt", "service/web")
        assert adopted.code == 0, adopted.err
        assert home("plan", "--detailed-exitcode").code == 0


HOLD = """\
kind: Policy
name: house
spec:
  rules:
    - {name: ask, match: {kinds: [service]}, verdict: hold, reason: a person decides}
"""


def test_the_vault_and_the_tokens(home: Home) -> None:
    home.commit(
        "uses a secret",
        {"services/web.yaml": "kind: Service\nname: web\nspec: {image: 'app:1', environment: {TOKEN: {ref: a/b}}}\n"},
    )
    with home.controller():
        assert "secret 'a/b' does not exist" in home("status").out
        assert home("secret", "set", "a/b", stdin="value-one").code == 0
        assert home("apply").code == 0
        before = home("plan", "-o", "json").json
        assert before["rollouts"] == []
        assert home("secret", "rotate", "a/b", "--length", "40").code == 0
        said = home("apply")
        assert said.code == 0
        assert home("secret", "list", "-o", "json").json["secrets"][0]["version"] == 2
        made = home("token", "create", "dashboard", "--scope", "read", "-o", "json").json
        assert made["token"].startswith("hlc_")
        assert home("token", "list", "-o", "json").json["tokens"][0]["name"] == "dashboard"
        assert home("token", "revoke", made["about"]["id"]).code == 0
        assert home("token", "list", "-o", "json").json["tokens"] == []
        assert "/#token=hlo_" in home("token", "url").out
        assert home("token", "webhook").code == 4
        assert len(home("token", "webhook", "--make").out.strip()) == 48


def test_a_second_controller_is_refused(home: Home) -> None:
    with home.controller():
        said = home("run", "--listen", "127.0.0.1:0")
        assert said.code == 7
        assert "already runs" in said.err


def test_a_backup_of_a_running_controller_restores(home: Home) -> None:
    home.service("app:1")
    file = home.folder / "saved.db"
    with home.controller():
        wait_until(lambda: "Synced" in home("status").out, "the first pass")
        assert home("backup", str(file)).code == 0
        assert home("backup", str(file)).code == 4, "a backup is never overwritten"
        assert home("restore", str(file), "--yes").code == 7, "not under a running controller"
    home.service("app:2")
    assert home("apply").code == 0
    assert home("restore", str(file)).code == 4
    assert home("restore", str(file), "--yes").code == 0
    assert len(home("history", "-o", "json").json["runs"]) == 1


def test_a_link_follows_events(home: Home) -> None:
    with (
        home.controller(),
        subprocess.Popen(
            [BINARY, "events", "-f", "-o", "json", "--limit", "1"],
            cwd=home.repo,
            env=home.settings(),
            stdout=subprocess.PIPE,
            text=True,
        ) as follower,
    ):
        assert follower.stdout is not None
        first = json.loads(follower.stdout.readline())
        home.service("app:1")
        reasons = {first["reason"]}
        while "RunFinished" not in reasons:
            reasons.add(json.loads(follower.stdout.readline())["reason"])
        follower.terminate()


class _Stub(http.server.BaseHTTPRequestHandler):
    """A controller that knows one answer."""

    answer: bytes = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_words: Any) -> None:
        return


@contextmanager
def stub(path: Path, answer: object) -> Iterator[None]:
    """A controller's socket that gives an answer to everything."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = type("Handler", (_Stub,), {"answer": json.dumps(answer).encode()})
    with socketserver.ThreadingUnixStreamServer(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


STATUS = {
    "at": 1.0,
    "revision": "a" * 40,
    "live": "a" * 40,
    "world": "docker",
    "reason": "",
    "items": [],
    "counts": {},
    "backends": {},
}
PLAN = {**STATUS, "digest": "", "rollouts": [], "notes": [], "diagnostics": []}


@pytest.mark.parametrize(("verb", "answer"), [("status", STATUS), ("plan", PLAN)])
def test_little_is_loaded_to_ask_a_running_controller(verb: str, answer: object, home: Home) -> None:
    with stub(home.state / "controller.sock", answer):
        code, heavy, out = loaded([verb], home.settings(), home.repo)
    assert (code, heavy) == (0, [])
    assert "docker" in out


def test_a_controller_that_does_not_answer_is_told(home: Home) -> None:
    path = home.state / "controller.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen(8)
        closer = threading.Thread(target=hang_up, args=(silent, 2))
        closer.start()
        said = home("status")
        closer.join()
    assert said.code == 7
    assert "does not answer" in said.err


def hang_up(listener: socket.socket, times: int) -> None:
    """Accept and close at once."""
    for _ in range(times):
        listener.accept()[0].close()


def test_a_socket_that_nobody_serves_is_no_controller(home: Home) -> None:
    path = home.state / "controller.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    assert home("status").code == 0
