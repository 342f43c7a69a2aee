"""Settings: where a value comes from, and what is said when one is wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from controller.core.errors import SettingsError
from controller.settings import Settings, default_state, is_url, read_settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "specs" / ".git").mkdir(parents=True)
    (tmp_path / "specs" / "services").mkdir()
    return tmp_path


def read(home: Path, flags: Mapping[str, str | None] | None = None, folder: str = "specs", **environment: str) -> Settings:
    return read_settings(flags or {}, {"HOME": str(home), **environment}, home / folder)


def test_without_a_word_it_is_the_repository_around_the_folder_and_a_state_folder_of_its_own(home: Path) -> None:
    found = read(home, folder="specs/services")
    assert found.repo == str(home / "specs")
    assert found.state.parent == home / ".local/state/homelabhub"
    assert found.state.name.startswith("specs-")
    assert (found.world, found.listen, found.path, found.branch, found.database) == ("docker", "127.0.0.1:8420", "", "", "")
    assert found.address == ("127.0.0.1", 8420)
    assert found.socket == found.state / "controller.sock"


def test_the_nearest_word_wins_flag_then_variable_then_file(home: Path) -> None:
    state = home / "state"
    state.mkdir()
    (state / "homelab.toml").write_text('branch = "file"\nlisten = "127.0.0.1:1"\nworld = "memory"\n')
    found = read(home, {"state": str(state), "branch": "flag"}, HOMELAB_BRANCH="variable", HOMELAB_LISTEN="127.0.0.1:2")
    assert (found.branch, found.listen, found.world) == ("flag", "127.0.0.1:2", "memory")


def test_the_file_may_name_the_repository_of_a_state_folder(home: Path) -> None:
    state = home / "state"
    state.mkdir()
    (state / "homelab.toml").write_text('repo = "https://git.example.net/specs.git"\n')
    found = read(home, {"state": str(state)}, folder=".")
    assert found.repo == "https://git.example.net/specs.git"
    assert found.remote


def test_each_repository_and_folder_in_it_has_a_state_folder_of_its_own(home: Path) -> None:
    environment = {"HOME": str(home)}
    names = {
        default_state("/srv/specs", "", environment),
        default_state("/home/ann/specs", "", environment),
        default_state("/srv/specs", "berlin", environment),
        default_state("https://git.example.net/ann/specs.git", "", environment),
    }
    assert len(names) == 4
    assert default_state("/srv/specs", "", environment) in names, "and always the same"


@pytest.mark.parametrize(
    ("environment", "where", "reason"),
    [
        ({"XDG_STATE_HOME": "/var/x"}, "/var/x/homelabhub", "the XDG state folder"),
        ({"XDG_STATE_HOME": "relative"}, "{home}/.local/state/homelabhub", "the standard says to ignore relative paths"),
        ({"STATE_DIRECTORY": "/var/lib/homelabhub"}, "/var/lib", "systemd made one for the service"),
    ],
)
def test_the_state_folder_follows_the_system(home: Path, environment: dict[str, str], where: str, reason: str) -> None:
    assert str(read_settings({}, {"HOME": str(home), **environment}, home / "specs").state.parent) == where.format(home=home), (
        reason
    )


def test_only_variables_of_their_own_can_be_named_as_secrets_and_their_values_are_never_shown(home: Path) -> None:
    found = read(home, HOMELAB_SECRET_PLEX_CLAIM="hunter2", AWS_SECRET_ACCESS_KEY="other")
    assert found.secrets == {"PLEX_CLAIM": "hunter2"}
    assert "hunter2" not in repr(found)
    assert "other" not in repr(found)


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("https://git.example.net/specs.git", True),
        ("ssh://git@nas/srv/specs", True),
        ("git@nas:specs.git", True),
        ("./specs", False),
        ("/srv/git@home/specs", False),
        ("specs", False),
    ],
)
def test_an_address_is_told_from_a_path(text: str, remote: bool) -> None:
    assert is_url(text) is remote


@pytest.mark.parametrize(
    ("flags", "environment", "words", "reason"),
    [
        ({"world": "dokcer"}, {}, ["--world", "docker or memory"], "a word that is none"),
        ({}, {"HOMELAB_WORLD": "real"}, ["HOMELAB_WORLD", "'real'"], "the variable is named"),
        ({"listen": "8420"}, {}, ["listen", "HOST:PORT"], "a port alone"),
        ({"listen": "127.0.0.1:99999"}, {}, ["--listen", "99999"], "no such port"),
        ({"path": "../other"}, {}, ["--path", "leaves the repository"], "out of the repository"),
    ],
)
def test_a_wrong_word_is_named_with_where_it_stands_and_what_to_do(
    home: Path, flags: dict[str, str | None], environment: dict[str, str], words: list[str], reason: str
) -> None:
    with pytest.raises(SettingsError) as found:
        read(home, flags, **environment)
    for word in words:
        assert word in str(found.value), reason


@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [
        ("wrold = 'memory'", ["wrold", "did you mean `world`"], "a mistyped name"),
        ("listen = 8420", ["listen", "text"], "not a text"),
        ("listen =", ["not valid TOML"], "not TOML"),
        ("state = '/x'", ["no setting 'state'"], "a file in the state folder cannot say where that is"),
    ],
)
def test_a_wrong_settings_file_is_refused(home: Path, text: str, words: list[str], reason: str) -> None:
    state = home / "state"
    state.mkdir()
    (state / "homelab.toml").write_text(text)
    with pytest.raises(SettingsError) as found:
        read(home, {"state": str(state)})
    assert str(state / "homelab.toml") in str(found.value)
    for word in words:
        assert word in str(found.value), reason


def test_no_repository_is_an_error_with_a_way_out_unless_none_is_needed(home: Path) -> None:
    with pytest.raises(SettingsError, match="homelab init"):
        read(home, folder=".")
    found = read_settings({"state": str(home / "state")}, {"HOME": str(home)}, home, repository=False)
    assert found.repo == ""


@pytest.mark.parametrize(("platform", "name"), [("darwin", "macOS"), ("win32", "Windows")])
def test_other_systems_are_refused_with_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, name: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SettingsError, match=f"runs on Linux; this is {name}"):
        read(home)


def test_the_files_that_say_whose_signature_counts_start_in_the_state_folder(home: Path) -> None:
    state = home / "state"
    state.mkdir()
    (state / "signers").write_text("")
    (home / "keys.asc").write_text("")
    (state / "homelab.toml").write_text('allowed_signers = "signers"\n')
    found = read(home, {"state": str(state)}, HOMELAB_ALLOWED_KEYS=str(home / "keys.asc"))
    assert (found.allowed_signers, found.allowed_keys) == (state / "signers", home / "keys.asc")
    assert (read(home).allowed_signers, read(home).allowed_keys) == (None, None)


@pytest.mark.parametrize(
    ("path", "words", "reason"),
    [
        ("{home}/specs/services/signers", ["is in the repository that it protects"], "a commit could change it"),
        ("{home}/link", ["is in the repository that it protects"], "a link does not hide that"),
        ("{home}/nothing", ["HOMELAB_ALLOWED_SIGNERS", "there is no file"], "nobody would be allowed"),
    ],
)
def test_a_file_of_signers_that_protects_nothing_is_refused(home: Path, path: str, words: list[str], reason: str) -> None:
    (home / "specs/services/signers").write_text("")
    (home / "link").symlink_to(home / "specs/services/signers")
    with pytest.raises(SettingsError) as found:
        read(home, HOMELAB_ALLOWED_SIGNERS=path.format(home=home))
    for word in words:
        assert word in str(found.value), reason


def test_a_password_in_the_address_is_not_shown_and_does_not_choose_the_state_folder(home: Path) -> None:
    found = read(home, HOMELAB_REPO="https://ada:canary-1@git.example.net/home.git")
    other = read(home, HOMELAB_REPO="https://ada:canary-2@git.example.net/home.git")
    assert found.repo.endswith("canary-1@git.example.net/home.git")
    assert found.shown_repo == other.shown_repo == "https://git.example.net/home.git"
    assert found.state == other.state
    assert "canary" not in str(read(home, HOMELAB_REPO="https://canary@git.example.net/").state)
    assert read(home, HOMELAB_REPO="ssh://git@nas/srv/specs").shown_repo == "ssh://git@nas/srv/specs"
