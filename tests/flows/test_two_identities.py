"""Secrets look the same only to who has the same identity: a store is opened with the one that it belongs to, and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.clients.age import create_identity
from controller.clients.vault import AgeVault
from controller.core.errors import LeaseHeld, SettingsError, Transient
from controller.wire.vaults import StoredVault
from tests.flows.home import Home, service
from tests.support.postgres import Postgres

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
    kept = [path for path in (folder / "identity", folder / "vault.age") if path.exists()]
    for path in kept:
        path.rename(tmp_path / path.name)
    create_identity(folder / "identity")
    with (
        pytest.raises(SettingsError, match=r"belongs to the identity age1\w+, and /.*/identity is age1\w+: with it") as caught,
        home.open(),
    ):
        pytest.fail("it was opened")
    assert "Put there the identity that belongs to the store" in str(caught.value)
    assert "postgresql" not in str(caught.value), "the URL may carry a password"
    for path in kept:
        shutil.move(tmp_path / path.name, path)
    with home.open() as inside:
        assert inside.lines() == []


def test_an_identity_that_is_gone_is_not_made_anew(home: Home) -> None:
    (home.state / "memory" / "identity").unlink()
    with pytest.raises(SettingsError, match=r"identity is missing and .* cannot be opened without it: put back"), home.open():
        pytest.fail("it was opened")
    assert not (home.state / "memory" / "identity").exists()


@pytest.fixture
def first(tmp_path: Path, postgres_url: str) -> Home:
    """The first controller of a database, with a secret in use."""
    made = Home(tmp_path / "first", {"database": postgres_url})
    made.commit({"app.yaml": service("app", environment=SECRET)})
    with made.open() as inside:
        inside.apply()
    return made


def second_state(first: Home, *names: str) -> str:
    """The state folder of another machine, with some files of the first one's."""
    folder = first.folder.parent / "second"
    (folder / "memory").mkdir(parents=True)
    for name in names:
        shutil.copy2(first.state / "memory" / name, folder / "memory" / name)
    return str(folder)


def test_a_second_controller_needs_the_identity_of_the_first_and_nothing_else(first: Home) -> None:
    state = second_state(first, "world.json")
    with pytest.raises(SettingsError, match="identity is missing and the vault in the database"), first.open(state=state):
        pytest.fail("it was opened")
    shutil.copy2(first.state / "memory" / "identity", f"{state}/memory/identity")
    with first.open() as inside:
        inside.house.vault.set("app/other", "set-at-the-first")
        inside.house.seat.leave()
        with first.open(state=state) as other:
            assert other.lines() == []
            assert other.house.vault.export()["app/other"] == "set-at-the-first"
            other.house.vault.set("app/other", "set-at-the-second")
            assert inside.house.vault.export()["app/other"] == "set-at-the-second"
            assert inside.desk.secrets is not None
            with pytest.raises(LeaseHeld, match="holds the writing lease"):
                inside.desk.secrets.set("app/other", "unheard", "tester")
    assert not list(first.folder.parent.rglob("vault.age"))


def overtaken(one: AgeVault, two: AgeVault) -> None:
    """The second changes the vault while the first does."""
    with one._file.changing() as book:
        two.set("app/two", "kept too")
        book.clear()


def test_two_changes_of_the_vault_at_once_do_not_overwrite_each_other(first: Home) -> None:
    state = second_state(first, "identity", "world.json")
    with first.open() as inside:
        inside.house.seat.leave()
        with first.open(state=state) as other:
            one, two = inside.house.vault, other.house.vault
            shelf = StoredVault(inside.house.store)
            seen = shelf.read()
            two.set("app/two", "kept")
            assert not shelf.replace(seen, b"what the first made of it"), "the second was faster"
            with pytest.raises(Transient, match="changed the vault at the same time: try again"):
                overtaken(one, two)
            assert two.export()["app/two"] == one.export()["app/two"] == "kept too"
            assert len(one.export()) == 2


def test_a_vault_moves_into_the_database_and_back_with_a_backup(first: Home, tmp_path: Path) -> None:
    with first.open() as inside:
        made = inside.house.vault.export()
        inside.house.store.backup(tmp_path / "backup.db")
    alone = Home(tmp_path / "alone")
    (alone.state / "memory").mkdir(parents=True)
    shutil.copy2(first.state / "memory" / "identity", alone.state / "memory" / "identity")
    alone.commit({})
    with alone.open() as inside:
        inside.house.store.restore(tmp_path / "backup.db")
    with alone.open() as inside:
        assert inside.house.vault.export() == made
        inside.house.vault.set("app/later", "kept")
    assert (alone.state / "memory" / "vault.age").exists()
    with alone.open() as inside:
        assert inside.house.vault.export() == {**made, "app/later": "kept"}


def test_a_vault_file_is_brought_to_an_empty_database(home: Home, postgres: Postgres) -> None:
    if "database" in home.flags:
        home.flags["database"] = postgres.create()
        with home.open() as inside:
            assert inside.house.vault.export() == {}
        return
    with home.open() as inside:
        made = inside.house.vault.export()
    home.flags["database"] = postgres.create()
    with home.open() as inside:
        assert inside.house.vault.export() == made != {}


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
