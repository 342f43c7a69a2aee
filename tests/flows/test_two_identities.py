"""Secrets look the same only to who has the same identity: a store is opened with the one that it belongs to, and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.core.errors import SettingsError
from tests.flows.home import Home, service

SECRET = {"KEY": {"ref": "app/key", "generate": 32}}


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A home with a secret in use."""
    made = Home(tmp_path)
    if request.param == "postgres":
        made.flags["database"] = request.getfixturevalue("postgres_url")
    made.commit({"app.yaml": service("app", environment=SECRET)})
    with made.open() as inside:
        inside.apply()
        assert inside.lines() == []
    return made


def test_another_identity_is_refused_with_a_sentence(home: Home, tmp_path: Path) -> None:
    folder = home.state / "memory"
    for name in ("identity", "vault.age"):
        (folder / name).rename(tmp_path / name)
    with (
        pytest.raises(
            SettingsError, match=r"belongs to the identity age1\w+, and /.*/identity is age1\w+: with it every secret"
        ) as caught,
        home.open(),
    ):
        pytest.fail("it was opened")
    assert "Put there the identity that belongs to the store" in str(caught.value)
    assert "postgresql" not in str(caught.value), "the URL may carry a password"
    for name in ("identity", "vault.age"):
        shutil.move(tmp_path / name, folder / name)
    with home.open() as inside:
        assert inside.lines() == []


def test_a_second_controller_needs_the_identity_of_the_first(tmp_path: Path, postgres_url: str) -> None:
    first = Home(tmp_path / "first", {"database": postgres_url})
    first.commit({"app.yaml": service("app", environment=SECRET)})
    with first.open() as inside:
        inside.apply()
    state = tmp_path / "second"
    with pytest.raises(SettingsError, match="the database belongs to the identity"), first.open(state=str(state)):
        pytest.fail("it was opened")
    for name in ("identity", "vault.age", "world.json"):
        shutil.copy2(first.state / "memory" / name, state / "memory" / name)
    with first.open(state=str(state)) as inside:
        assert inside.lines() == []


@pytest.mark.parametrize(
    ("mode", "refused", "reason"),
    [
        (0o700, False, "as it is made"),
        (0o755, False, "others may look at its names; every file in it is closed"),
        (0o775, True, "the group could replace the identity"),
        (0o707, True, "everybody could replace the socket"),
    ],
)
def test_a_state_folder_that_others_can_write_to_is_refused(tmp_path: Path, mode: int, refused: bool, reason: str) -> None:
    home = Home(tmp_path)
    home.commit({"app.yaml": service("app")})
    home.state.mkdir()
    home.state.chmod(mode)
    if not refused:
        with home.open() as inside:
            assert inside.apply().reason == "", reason
        return
    with (
        pytest.raises(SettingsError, match=rf"others can write to the state folder .* \(mode {mode:o}\); fix: chmod 700"),
        home.open(),
    ):
        pytest.fail("it was opened")
    assert list(home.state.iterdir()) == [], reason
