"""`homelab user`, `session`, `audit`: the same with and without a running controller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faces.command import Home, empty

PASSWORD = "correct horse battery"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing declared."""
    return empty(tmp_path)


@contextmanager
def served(home: Home, running: bool) -> Iterator[None]:
    """With a controller that runs, or without."""
    if running:
        with home.controller():
            yield
    else:
        yield


@pytest.mark.parametrize("running", [False, True], ids=["alone", "running"])
def test_people_come_change_and_go(home: Home, running: bool) -> None:
    with served(home, running):
        added = home("user", "add", "anna", "--scope", "approve", stdin=f"{PASSWORD}\n")
        assert (added.code, added.err) == (0, "anna may sign in, with approve\n")
        assert home("user", "add", "evin", "--scope", "admin", "--no-password").code == 0
        again = home("user", "add", "anna", stdin=PASSWORD)
        assert (again.code, "there is somebody called anna already" in again.err) == (4, True)
        people = home("user", "list", "-o", "json").json["people"]
        assert [(item["name"], item["scopes"], item["password"]) for item in people] == [
            ("anna", ["approve"], True),
            ("evin", ["admin"], False),
        ]
        assert home("user", "passwd", "evin", stdin="short").code != 0
        assert home("user", "passwd", "evin", stdin=f"{PASSWORD} 2").code == 0
        assert home("user", "grant", "anna", "--scope", "read").err == "anna may read from now on\n"
        assert home("user", "lock", "evin").err == "locked evin out\n"
        assert "locked out" in home("user", "list").out
        assert home("user", "lock", "nobody").code != 0
        assert home("session", "revoke", "--user", "anna").err == "ended every session of anna\n"
        assert home("session", "revoke", "--user", "nobody").code != 0
        assert home("session", "revoke").code == home("session", "revoke", "5e5510112233", "--user", "anna").code != 0
        assert home("user", "remove", "anna").code == 0
        assert home("user", "remove", "anna").code != 0
        assert home("session", "list").out == "nobody is signed in\n"
        assert home("session", "revoke", "5e5510112233").code != 0
        assert home("token", "create", "jarvis", "--scope", "approve", "--assistant").code == 4
        home("suspend", "service/web")
        rows = home("audit", "-o", "json").json["rows"]
    told = [(row["action"], row["subject"], row["outcome"]) for row in reversed(rows)]
    assert told[:3] == [("add-person", "anna", "ok"), ("add-person", "evin", "ok"), ("add-person", "anna", "refused")]
    assert {("set-password", "evin", "ok"), ("grant", "anna", "ok"), ("remove-person", "anna", "ok")} <= set(told)
    assert {("lock-person", "evin", "ok"), ("end-sessions", "anna", "ok")} <= set(told)
    assert {("issue", "jarvis", "refused")} <= set(told)
    assert any(action == "suspend" and subject == "service/web" for action, subject, _ in told)
    assert {(row["door"], row["kind"]) for row in rows} == {("socket" if running else "cli", "person")}
    assert not any(PASSWORD in str(row) for row in rows)


def test_a_password_never_stands_on_the_command_line(home: Home) -> None:
    for verb in ("add", "passwd"):
        assert "--password" not in home("user", verb, "--help").out
    assert home("user", "add", "anna", stdin="").code == 4
    assert home("user", "list").out == "nobody has signed in yet\n"


def test_the_trail_is_verified_and_tampering_shows(home: Home) -> None:
    assert home("audit").out == "nobody has changed anything yet\n"
    for name in ("anna", "evin"):
        assert home("user", "add", name, "--no-password").code == 0
    proof = home("audit", "--verify", "-o", "json")
    assert (proof.code, proof.json["rows"], proof.json["broken"]) == (0, 2, 0)
    assert home("user", "remove", "evin").code == 0
    noted = home("audit", "--verify", "--noted", proof.json["head"])
    assert (noted.code, "whole" in noted.out) == (0, True)
    assert home("audit", "--verify", "--noted", "0" * 64).code == 1
    assert home("audit", "--noted", "0" * 64).code == 4
    with closing(sqlite3.connect(home.state / "memory" / "state.db", isolation_level=None)) as store:
        with pytest.raises(sqlite3.DatabaseError, match="only ever added to"):
            store.execute("DELETE FROM audit WHERE number = 3")
        store.execute("DROP TRIGGER audit_fixed")
        store.execute("UPDATE audit SET data = replace(data, 'evin', 'adam') WHERE number = 2")
    broken = home("audit", "--verify")
    assert (broken.code, "BROKEN: row 3 does not follow" in broken.out) == (1, True)


def test_a_restore_is_written_down_and_keeps_the_trail(home: Home, tmp_path: Path) -> None:
    assert home("user", "add", "anna", "--no-password").code == 0
    assert home("backup", str(tmp_path / "backup.db")).code == 0
    assert home("user", "add", "evin", "--no-password").code == 0
    assert home("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    assert [item["name"] for item in home("user", "list", "-o", "json").json["people"]] == ["anna"]
    rows = home("audit", "-o", "json").json["rows"]
    assert [row["action"] for row in rows] == ["restore", "add-person", "backup", "add-person"]
