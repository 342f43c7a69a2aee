"""Who must have signed a commit before it is followed, and whether one of them did."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from controller.core.errors import SourceError
from controller.source.command import MEBIBYTE, Git

_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+:[^\r\n]*\r?\n)*\r?\n(?P<body>[A-Za-z0-9+/=\s]+?)\r?\n(?:=|-)"
)
_NOTHING = "/bin/false"
_SIGNED = re.compile(rb"^gpgsig(?:-sha256)? ", re.MULTILINE)
# gpg reads this file and nothing else: no keyring of a person's, no web of trust, no network, no daemon.
_GPG_CONF = "no-default-keyring\nkeyring {keyring}\ntrust-model always\nno-autostart\nno-auto-key-retrieve\nno-auto-key-locate\n"


@dataclass(frozen=True, slots=True)
class Signers:
    """The files that say whose signatures count: `ssh` in the format of allowed_signers (ssh-keygen), `openpgp` public keys,
    armored or not. They must lie outside of the repository, where no commit can change them."""

    ssh: Path | None = None
    openpgp: Path | None = None

    def mark(self) -> str:
        """A digest of both files: another one asks for every signature anew. Raises SourceError when one cannot be read."""
        return sha256(b"\0".join(sha256(_content(path)).digest() for path in (self.ssh, self.openpgp))).hexdigest()

    def doubt(self, git: Git, commit: str) -> str:
        """Why a commit, by its full id, does not count as signed; "" when it does. Raises SourceError."""
        raw = git("cat-file", "commit", commit)
        if not _SIGNED.search(raw.partition(b"\n\n")[0]):
            return f"{commit[:10]} is not signed, and only commits signed by {self._who()} are followed"
        with self._kept(git) as (folder, settings):
            done = git.run("verify-commit", commit, environment={"GNUPGHOME": str(folder)}, settings=settings)
        if done.code:
            why = f" ({done.complaint})" if done.complaint else ""
            return f"{commit[:10]} is signed, but not by {self._who()}{why}"
        return ""

    def _who(self) -> str:
        return " or ".join(f"someone in {path}" for path in (self.ssh, self.openpgp) if path)

    @contextlib.contextmanager
    def _kept(self, git: Git) -> Iterator[tuple[Path, dict[str, str]]]:
        """A private folder with the keys, and the settings that make git use these and no others."""
        with tempfile.TemporaryDirectory(prefix="homelab-") as name:
            folder = Path(name)
            files = {
                "signers": _content(self.ssh),
                "keys.gpg": _binary(_content(self.openpgp)),
                "gpg.conf": _GPG_CONF.format(keyring=folder / "keys.gpg").encode(),
            }
            for each, content in files.items():
                (folder / each).write_bytes(content)
                git.lend(str(folder / each))
            git.lend(name)
            yield (
                folder,
                {
                    "gpg.ssh.allowedSignersFile": str(folder / "signers"),
                    "gpg.ssh.program": "ssh-keygen" if self.ssh else _NOTHING,
                    "gpg.program": "gpg" if self.openpgp else _NOTHING,
                    "gpg.openpgp.program": "gpg" if self.openpgp else _NOTHING,
                    "gpg.x509.program": _NOTHING,
                    "gpg.minTrustLevel": "undefined",
                },
            )


def _content(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        with path.open("rb") as file:
            content = file.read(MEBIBYTE + 1)
    except OSError as error:
        raise SourceError(f"{path}, which says whose signatures count, cannot be read: {error.strerror}") from error
    if len(content) > MEBIBYTE:
        raise SourceError(f"{path}, which says whose signatures count, is larger than 1 MiB")
    return content


def _binary(keys: bytes) -> bytes:
    """OpenPGP keys without their armor."""
    blocks = [match["body"] for match in _ARMOR.finditer(keys)]
    try:
        return b"".join(base64.b64decode(b"".join(block.split()), validate=True) for block in blocks) or keys
    except binascii.Error as error:
        raise SourceError("the OpenPGP keys whose signatures count are damaged") from error
