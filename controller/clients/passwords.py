"""Passwords as Argon2id hashes (RFC 9106), by argon2-cffi."""

from __future__ import annotations

from functools import cached_property
from secrets import token_hex
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2
"""So many hashes are computed at the same time; each needs MEMORY KiB."""
MEMORY, PASSES, THREADS = 47_104, 2, 1
"""OWASP Password Storage Cheat Sheet: 46 MiB with one pass is enough; this is twice the work."""


class Argon2:
    """`usecases.people.Passwords`. Usable from many threads: who comes third waits, so that memory stays bounded."""

    def __init__(self) -> None:
        self._turns = BoundedSemaphore(AT_ONCE)

    def encode(self, password: str) -> str:
        """A salted hash with its parameters."""
        with self._turns:
            return self._hasher.hash(_bytes(password))

    def right(self, encoded: str, password: str) -> bool:
        """True when the password is the one that was encoded; "" takes as long and is never right."""
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._turns:
            nobodys = self._nobodys
            try:
                self._hasher.verify(encoded or nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return encoded != ""

    def outdated(self, encoded: str) -> bool:
        """True when it was encoded with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=THREADS)

    @cached_property
    def _nobodys(self) -> str:
        """The hash of a password that nobody knows, made before anybody asks for a name that is not there."""
        return self._hasher.hash(token_hex())


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
