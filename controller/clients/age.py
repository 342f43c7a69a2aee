"""The door to age encryption: identities, and what they encrypt, decrypt and derive."""

from __future__ import annotations

import hmac
import os
import stat
from errno import EEXIST
from hashlib import sha256
from pathlib import Path

import pyrage

from controller.clients import durable
from controller.core.errors import SettingsError

_PREFIX = "AGE-SECRET-KEY-"


class WrongIdentity(ValueError):
    """The content is encrypted for somebody else."""


class Damaged(ValueError):
    """The content is not age encryption, or not all of it."""


class Identity:
    """A person's or machine's age identity (X25519). Never prints its secret."""

    __slots__ = ("_all", "_key", "recipient")

    def __init__(self, secrets: list[str]) -> None:
        """`secrets` are AGE-SECRET-KEY lines: the first encrypts and derives, all decrypt. Raises SettingsError."""
        try:
            self._all = [pyrage.x25519.Identity.from_str(secret) for secret in secrets]
        except pyrage.IdentityError as error:
            raise SettingsError("the identity holds a line that is no age secret key") from error
        self._key = hmac.digest(b"homelabhub", secrets[0].encode(), sha256)
        self.recipient = str(self._all[0].to_public())
        """The public half, to which anybody may encrypt (`age -r`)."""

    def encrypt(self, content: bytes) -> bytes:
        """Content that only this identity can read."""
        encrypted: bytes = pyrage.encrypt(content, [self._all[0].to_public()])
        return encrypted

    def decrypt(self, content: bytes) -> bytes:
        """The content, binary or armored. Raises WrongIdentity or Damaged."""
        try:
            decrypted: bytes = pyrage.decrypt(content, self._all)
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise WrongIdentity("encrypted for another identity") from error
            raise Damaged("not a complete age file") from error
        return decrypted

    def derive(self, purpose: str, message: bytes) -> bytes:
        """32 bytes that only this identity can make from a message; other purposes make unrelated ones."""
        return hmac.digest(hmac.digest(self._key, purpose.encode(), sha256), message, sha256)

    def __repr__(self) -> str:
        return f"Identity({self.recipient})"


def create_identity(path: Path) -> Identity:
    """A new identity in a new file (0600), in the format of age-keygen; the caller holds a lock that keeps others from doing the
    same. Raises FileExistsError (an identity is never overwritten) and other OSErrors."""
    if path.exists() or path.is_symlink():
        raise FileExistsError(EEXIST, "an identity is never overwritten", str(path))
    made = pyrage.x25519.Identity.generate()
    durable.replace(path, f"# public key: {made.to_public()}\n{made}\n".encode())
    return load_identity(path)


def load_identity(path: Path) -> Identity:
    """The identity in a file. Raises FileNotFoundError, SettingsError when the file is open to others or holds no secret key."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise SettingsError(f"{path} can be read or written by others (mode {mode:04o}); fix: chmod 600 {path}")
        lines = file.read(1 << 16).decode("ascii", "replace").split("\n")
    secrets = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not secrets or not all(secret.startswith(_PREFIX) for secret in secrets):
        raise SettingsError(f"{path} is not an age identity: it must hold AGE-SECRET-KEY lines; put back the one that you saved")
    return Identity(secrets)
