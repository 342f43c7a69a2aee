"""With signers named, only what one of them signed is deployed: everything else is told, and the last good revision stays."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clients.memory import MemoryWorld
from controller.core.errors import SettingsError
from tests.flows.home import Home, Inside, service


class SignedHome(Home):
    """A home whose commits are signed with a key of its own, and the file that allows it."""

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def signers(self) -> Path:
        return self.folder / "signers"

    def make_key(self) -> None:
        """A new key, allowed."""
        for old in (self.key, self.key.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True, capture_output=True)
        self.signers.write_text(f"me@example.net {self.key.with_suffix('.pub').read_text()}")

    def signed(self, image: str) -> str:
        """A signed commit of the only service; the revision."""
        (self.repo / "web.yaml").write_text(service("web", image))
        self.git("add", "--all")
        self.git("-c", "gpg.format=ssh", "-c", f"user.signingKey={self.key}", "commit", "-q", "-S", "--allow-empty", "-m", image)
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def home(tmp_path: Path) -> SignedHome:
    made = SignedHome(tmp_path)
    made.make_key()
    made.flags["allowed_signers"] = str(made.signers)
    return made


@pytest.fixture
def inside(home: SignedHome) -> Iterator[Inside]:
    """That home with a signed revision deployed."""
    home.signed("web:1")
    with home.open() as opened:
        opened.apply()
        assert opened.running() == {"web": "web:1"}
        yield opened


def refusals(inside: Inside) -> list[str]:
    inside.house.chronicle.flush()
    return [event.message for event in inside.house.store.events(limit=1000) if event.reason == "RevisionRefused"]


def test_a30_an_unsigned_commit_is_told_and_not_deployed(home: SignedHome, inside: Inside) -> None:
    unsigned = home.commit({"web.yaml": service("web", "web:2")})
    for _ in range(3):
        report = inside.apply()
        assert (
            f"{unsigned[:10]} is not signed, and only commits signed by someone in {home.signers} are followed" in report.reason
        )
        assert "the last good revision stays live" in report.reason
        assert inside.running() == {"web": "web:1"}
    assert len(refusals(inside)) == 1, "said once"
    home.signed("web:3")
    assert inside.apply().reason == ""
    assert inside.running() == {"web": "web:3"}, "a signed commit on top speaks for what is below it"


def test_a30_a_commit_signed_by_somebody_else_is_not_deployed(home: SignedHome, inside: Inside) -> None:
    allowed = home.signers.read_text()
    home.make_key()
    home.signers.write_text(allowed)
    wrong = home.signed("web:2")
    assert f"{wrong[:10]} is signed, but not by someone in {home.signers}" in inside.apply().reason
    assert inside.running() == {"web": "web:1"}
    assert refusals(inside)


def test_a_hand_edit_is_repaired_while_a_commit_is_refused(home: SignedHome, inside: Inside) -> None:
    home.commit({"web.yaml": service("web", "web:2")})
    inside.apply()
    MemoryWorld(home.clock, home.state / "memory" / "world.json").remove("service", "local", "web")
    assert inside.running() == {}
    inside.apply()
    assert inside.running() == {"web": "web:1"}


def test_a30_an_older_signed_commit_is_held(home: SignedHome, inside: Inside) -> None:
    """A rollback attack: everything that was ever signed is still signed."""
    first = home.git("rev-parse", "HEAD").strip()
    home.signed("web:2")
    inside.apply()
    assert inside.running() == {"web": "web:2"}
    home.git("reset", "-q", "--hard", first)
    inside.apply()
    assert inside.running() == {"web": "web:2"}
    assert inside.lines() == ["replace service/web [hold history]"]


def test_what_was_deployed_before_signatures_were_asked_for_stays(home: SignedHome) -> None:
    unsigned = dict(home.flags)
    home.flags.clear()
    home.commit({"web.yaml": service("web", "web:1")})
    with home.open() as inside:
        inside.apply()
    home.flags.update(unsigned)
    with home.open() as inside:
        report = inside.apply()
        assert (report.reason, inside.running()) == ("", {"web": "web:1"})
        home.commit({"web.yaml": service("web", "web:2")})
        assert "is not signed" in inside.apply().reason
        assert inside.running() == {"web": "web:1"}


def test_nothing_is_deployed_before_something_is_signed(home: SignedHome) -> None:
    home.commit({"web.yaml": service("web", "web:1")})
    with home.open() as inside:
        assert "is not signed" in inside.apply().reason
        assert inside.running() == {}


def test_a_plain_folder_cannot_be_signed(home: SignedHome, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SettingsError, match="is a plain folder, which nobody can sign"), home.open(repo=str(tmp_path / "plain")):
        pytest.fail("it was opened")
