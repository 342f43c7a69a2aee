"""Whose signature a commit needs: real keys, real signatures, and everything that is not one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.errors import SourceError
from controller.source import GitSource, Signers
from tests.contract.source_repository import Repository

FILES: dict[str, str | bytes | None] = {"specs/web.yaml": "version: 1\n"}
NAMES = ("ada", "eve")


@dataclass(frozen=True)
class Keys:
    """Keys of two people, of whom only ada is allowed: in SSH's and in OpenPGP's format."""

    folder: Path

    def ssh(self, name: str) -> list[str]:
        """What makes git sign with somebody's SSH key."""
        return ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.folder / name}"]

    def gpg(self, name: str) -> list[str]:
        """What makes git sign with somebody's OpenPGP key."""
        return ["-c", f"gpg.program={self.folder / 'gpg'}", "-c", f"user.signingKey={name}@example.net"]

    @property
    def signers(self) -> Path:
        return self.folder / "allowed_signers"

    @property
    def armored(self) -> Path:
        return self.folder / "ada.asc"

    @property
    def binary(self) -> Path:
        return self.folder / "ada.gpg"

    def run(self, *words: str) -> bytes:
        """A program that makes keys."""
        environment = {"PATH": "/usr/bin:/bin", "GNUPGHOME": str(self.folder / "home"), "HOME": str(self.folder)}
        return subprocess.run(words, env=environment, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    made = Keys(tmp_path_factory.mktemp("keys"))
    (made.folder / "home").mkdir(mode=0o700)
    for name in NAMES:
        made.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(made.folder / name))
        made.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", f"{name}@example.net", "ed25519", "sign", "never")
    made.signers.write_text(f"ada@example.net {(made.folder / 'ada.pub').read_text()}")
    made.armored.write_bytes(made.run("gpg", "--armor", "--export", "ada@example.net"))
    made.binary.write_bytes(made.run("gpg", "--export", "ada@example.net"))
    (made.folder / "gpg").write_text(f'#!/bin/sh\nexec gpg --homedir {made.folder / "home"} "$@"\n')
    (made.folder / "gpg").chmod(0o755)
    yield made
    made.run("gpgconf", "--kill", "gpg-agent")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "home")
    made.commit(FILES, "One")
    return made


def signed(repository: Repository, how: list[str], text: str = "version: 2\n") -> str:
    """A signed commit of a file."""
    (repository.folder / "specs/web.yaml").write_text(text)
    repository.git(*how, "commit", "--quiet", "--all", "-S", "--message", "Change")
    return repository.git("rev-parse", "HEAD")


def source(repository: Repository, ssh: Path | None = None, openpgp: Path | None = None) -> GitSource:
    return GitSource(str(repository.folder), path="specs", signers=Signers(ssh, openpgp))


def forge(repository: Repository, commit: str, change: Callable[[str], str]) -> str:
    """The same commit with something else in it."""
    raw = repository.git("cat-file", "commit", commit) + "\n"
    made = repository.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=change(raw).encode())
    repository.git("update-ref", "refs/heads/main", made)
    return made


@pytest.mark.parametrize(
    ("make", "which", "reason"),
    [
        (lambda keys, r: signed(r, keys.ssh("ada")), "ssh", "an SSH key that is listed"),
        (lambda keys, r: signed(r, keys.ssh("ada")), "both", "with both kinds allowed"),
        (lambda keys, r: signed(r, keys.gpg("ada")), "armored", "an OpenPGP key, armored"),
        (lambda keys, r: signed(r, keys.gpg("ada")), "binary", "an OpenPGP key, not armored"),
        (lambda keys, r: signed(r, keys.gpg("ada")), "both", "with both kinds allowed"),
    ],
)
def test_a_commit_of_an_allowed_signer_is_followed(
    keys: Keys, repository: Repository, make: Callable[[Keys, Repository], str], which: str, reason: str
) -> None:
    made = make(keys, repository)
    assert source(repository, *files(keys, which)).doubt(made) == "", reason


def files(keys: Keys, which: str) -> tuple[Path | None, Path | None]:
    return {
        "ssh": (keys.signers, None),
        "armored": (None, keys.armored),
        "binary": (None, keys.binary),
        "both": (keys.signers, keys.armored),
    }[which]


@pytest.mark.parametrize(
    ("make", "which", "message", "reason"),
    [
        (lambda keys, r: r.commit({"specs/web.yaml": "version: 3\n"}), "both", "is not signed, and only", "A30 as it is written"),
        (lambda keys, r: signed(r, keys.ssh("eve")), "both", "is signed, but not by", "a key that is not listed"),
        (lambda keys, r: signed(r, keys.gpg("eve")), "both", "is signed, but not by", "a key that is not listed"),
        (lambda keys, r: signed(r, keys.gpg("ada")), "ssh", "is signed, but not by", "a kind of key that is not allowed"),
        (lambda keys, r: signed(r, keys.ssh("ada")), "armored", "is signed, but not by", "a kind of key that is not allowed"),
        (
            lambda keys, r: forge(r, signed(r, keys.ssh("ada")), lambda raw: raw.replace("Change", "Chance")),
            "ssh",
            "is signed, but not by",
            "another message under the same signature",
        ),
        (
            lambda keys, r: forge(r, signed(r, keys.gpg("ada")), lambda raw: raw.replace("Change", "Chance")),
            "armored",
            "is signed, but not by",
            "another message under the same signature",
        ),
        (
            lambda keys, r: forge(
                r, r.commit({"specs/web.yaml": "version: 3\n"}), lambda raw: raw + "\ngpgsig -----BEGIN SSH SIGNATURE-----\n"
            ),
            "ssh",
            "is not signed, and only",
            "a signature in the message",
        ),
        (
            lambda keys, r: forge(
                r,
                r.commit({"specs/web.yaml": "version: 3\n"}),
                lambda raw: raw.replace(
                    "\n\n", "\ngpgsig -----BEGIN SSH SIGNATURE-----\n rubbish\n -----END SSH SIGNATURE-----\n\n", 1
                ),
            ),
            "both",
            "is signed, but not by",
            "rubbish where a signature belongs",
        ),
    ],
)
def test_a30_any_other_commit_is_not(
    keys: Keys, repository: Repository, make: Callable[[Keys, Repository], str], which: str, message: str, reason: str
) -> None:
    made = make(keys, repository)
    doubt = source(repository, *files(keys, which)).doubt(made)
    assert message in doubt, reason
    assert doubt.startswith(made[:10])
    assert doubt.isprintable()


def test_settings_of_the_repository_change_nothing(keys: Keys, repository: Repository, tmp_path: Path) -> None:
    """What a local repository's own settings say about signatures does not count."""
    everybody, yes = tmp_path / "everybody", tmp_path / "yes"
    everybody.write_text(f"* {(keys.folder / 'eve.pub').read_text()}")
    yes.write_text('#!/bin/sh\necho "[GNUPG:] GOODSIG 1 eve"\necho "Good signature"\n')
    yes.chmod(0o755)
    for name, value in {
        "gpg.ssh.allowedSignersFile": everybody, "gpg.ssh.program": yes, "gpg.program": yes, "gpg.openpgp.program": yes,
        "gpg.minTrustLevel": "undefined",
    }.items():  # fmt: skip
        repository.git("config", name, str(value))
    for how in (keys.ssh("eve"), keys.gpg("eve")):
        made = signed(repository, [*how, "-c", "gpg.ssh.program=ssh-keygen"], f"version: {how[-1]}\n")
        assert "is signed, but not by" in source(repository, keys.signers, keys.armored).doubt(made)


def test_another_list_is_asked_anew(keys: Keys, repository: Repository, tmp_path: Path) -> None:
    listed = tmp_path / "signers"
    listed.write_text(keys.signers.read_text())
    git = source(repository, listed)
    made = signed(repository, keys.ssh("ada"))
    assert git.doubt(made) == ""
    listed.write_text("")
    assert "is signed, but not by" in git.doubt(made)
    listed.unlink()
    assert "which says whose signatures count, cannot be read" in git.doubt(made)
    listed.write_text(keys.signers.read_text())
    assert git.doubt(made) == ""


def test_without_a_list_everything_is_followed_and_with_one_nothing_is_committed_here(keys: Keys, repository: Repository) -> None:
    assert GitSource(str(repository.folder)).doubt("HEAD") == ""
    git = source(repository, keys.signers)
    head = git.head()
    with pytest.raises(SourceError, match=r"commits must be signed here and the controller has no key: .*git commit -S"):
        git.commit({"web.yaml": b"version: 9\n"}, "Change", "Ada")
    with pytest.raises(SourceError, match="commits must be signed"):
        git.revert(head.id, "Back", "Ada")
    assert git.head() == head
