"""A secret that is not text: a file of the repository reaches the container byte by byte, and nothing else takes one."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from controller.clients.blobs import BlobStore
from controller.clients.vault import AgeVault
from controller.core.errors import Permanent, Refused
from controller.core.secret import SecretVersion
from controller.kinds.service import payload
from controller.kinds.service.delivery import Delivery
from controller.kinds.service.mounts import Roots
from tests.faces.command import empty

BINARY = bytes(range(256)) * 3


def kept(folder: Path, content: bytes) -> tuple[AgeVault, SecretVersion]:
    """The content as a version in a vault that was closed and opened again."""
    vault = AgeVault(folder)
    version = vault.literal(content.decode("utf-8", "surrogateescape"))
    vault.keep([version])
    return AgeVault(folder), version


@pytest.mark.parametrize(
    ("content", "reason"),
    [(BINARY, "every byte"), (b"\xff\xfe", "what no encoding knows"), ("ümlaut\n".encode(), "text"), (b"\xc3", "half a letter")],
)
def test_a_secret_file_is_delivered_byte_by_byte(tmp_path: Path, content: bytes, reason: str) -> None:
    vault, version = kept(tmp_path / "vault", content)
    delivery = Delivery(BlobStore(tmp_path / "blobs"), Roots("", ""), vault.reveal, vault.conceal)
    (archive,) = delivery.archives({"secrets": {"/run/secrets/key": {"content": version.state()}}}).values()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("run/secrets/key")
        assert member is not None
        assert member.read() == content, reason


@pytest.mark.parametrize(("content", "reason"), [(b"a\xffb", "no text"), (b"a\0b", "the end of a variable")])
def test_a_variable_that_cannot_hold_a_secret_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    vault, version = kept(tmp_path, content)
    with pytest.raises(Permanent) as caught:
        payload.environment({"environment": {"KEY": version.state()}}, vault.reveal)
    said = "the value of KEY is not text, which no variable can hold: give it to the service as a file"
    assert str(caught.value) == said, reason


def test_what_is_not_text_is_not_set(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the value for app/key is not text: keep it as base64"):
        AgeVault(tmp_path).set("app/key", BINARY.decode("utf-8", "surrogateescape"))
    assert AgeVault(tmp_path).names() == {}


def test_the_command_says_so(tmp_path: Path) -> None:
    home = empty(tmp_path)
    done = home("secret", "set", "app/key", stdin="canary\udcff")
    assert done.code == 4, done
    assert "the value of app/key is not text (UTF-8): keep it as base64" in done.err
    assert "canary" not in done.out + done.err
