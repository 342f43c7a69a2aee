"""The vault's file: every kept version of every secret, encrypted, in the state folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from controller.clients import durable
from controller.clients.age import Damaged, Identity, WrongIdentity, create_identity, load_identity
from controller.core.errors import JournalError, SettingsError, Transient

_FORMAT = 1


class Origin(StrEnum):
    """Where a value comes from. Only the vault's own are found again without their source."""

    VAULT = "vault"
    REPOSITORY = "repository"
    ENVIRONMENT = "environment"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class Kept:
    """One value. Its repr hides it."""

    value: str = field(repr=False)
    origin: Origin


@dataclass(slots=True)
class Versions:
    """The kept versions of one reference by number. `last` is the highest number ever given: none is given twice."""

    last: int = 0
    kept: dict[int, Kept] = field(default_factory=dict)


Book = dict[str, Versions]


class Shelf(Protocol):
    """Where the encrypted vault stands when several machines share it. Raises JournalError."""

    def read(self) -> bytes | None:
        """What stands there, None when there is nothing yet."""

    def replace(self, before: bytes | None, after: bytes) -> bool:
        """Put something in the place of `before`; False, and nothing is changed, when something else stands there by now."""


class VaultFile:
    """`vault.age` and `identity` in the state folder, both 0600. A change is read, made and written under a lock that other
    processes respect, and is all there or not at all after a crash. What others wrote is seen at the next read.

    With a `shelf` the vault stands there instead; a `vault.age` that is in the folder is brought to an empty one."""

    def __init__(self, folder: Path, shelf: Shelf | None = None) -> None:
        """Makes the folder and the identity at first start. Raises SettingsError when the identity is missing although there is
        a vault, or is not the vault's; JournalError when the folder cannot be written or the vault is damaged."""
        self.path = folder / "vault.age"
        self._shelf = shelf
        self._name = str(self.path) if shelf is None else "the vault in the database"
        self._content: bytes | None = None
        self.identity_path = folder / "identity"
        self._lock_path = folder / "vault.lock"
        self._lock = RLock()
        self._signature: tuple[int, int, int] | None = None
        self._book: Book = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.identity = self._identity()
        except OSError as error:
            raise JournalError(f"{self.identity_path}: the identity cannot be opened: {error.strerror}") from error
        if shelf is not None and shelf.read() is None and self.path.exists():
            shelf.replace(None, self.path.read_bytes())
        self.read()

    def read(self) -> Book:
        """What is kept now. Must not be changed."""
        with self._lock:
            if self._shelf is not None:
                return self._shelved(self._shelf)
            try:
                found = self.path.stat()
                signature = (found.st_ino, found.st_mtime_ns, found.st_size)
                if signature != self._signature:
                    self._book, self._signature = self._decrypted(self.path.read_bytes()), signature
            except FileNotFoundError:
                if self._signature is not None:
                    raise JournalError(f"{self.path} is gone: put it back from a backup before anything is changed") from None
            except OSError as error:
                raise JournalError(f"{self.path}: the vault cannot be read: {error.strerror}") from error
            return self._book

    def _shelved(self, shelf: Shelf) -> Book:
        content = shelf.read()
        if content is None and self._content is not None:
            raise JournalError(f"{self._name} is gone: put it back from a backup before anything is changed")
        if content is not None and content != self._content:
            self._book, self._content = self._decrypted(content), content
        return self._book

    @contextmanager
    def changing(self) -> Iterator[Book]:
        """What is kept now, to be changed; written when the block ends, forgotten when it raises. Raises JournalError, Transient
        when another machine changed it meanwhile."""
        with self._lock:
            try:
                with durable.locked(self._lock_path):
                    book = {ref: Versions(item.last, dict(item.kept)) for ref, item in self.read().items()}
                    yield book
                    if book != self._book:
                        self._write(self.identity.encrypt(_text(book)))
            except OSError as error:
                raise JournalError(f"{self.path}: the vault cannot be written: {error.strerror}") from error
            self.read()

    def _write(self, content: bytes) -> None:
        if self._shelf is None:
            durable.replace(self.path, content)
        elif not self._shelf.replace(self._content, content):
            raise Transient("another controller changed the vault at the same time: try again")

    def _identity(self) -> Identity:
        if not self.identity_path.exists():
            with durable.locked(self._lock_path):
                there = self.path.exists() or (self._shelf is not None and self._shelf.read() is not None)
                if there and not self.identity_path.exists():
                    message = f"{self.identity_path} is missing and {self._name} cannot be opened without it"
                    raise SettingsError(f"{message}: put back the identity that you saved")
                with suppress(FileExistsError):
                    return create_identity(self.identity_path)
        return load_identity(self.identity_path)

    def _decrypted(self, content: bytes) -> Book:
        try:
            return _book(self.identity.decrypt(content))
        except WrongIdentity as error:
            message = f"{self._name} was not made with {self.identity_path}: put back the identity that you saved with it"
            raise SettingsError(message) from error
        except Damaged as error:
            raise JournalError(f"{self._name} is damaged ({error}): put it back from a backup") from error


def _text(book: Book) -> bytes:
    refs = {
        ref: {
            "last": item.last,
            "versions": {number: {"value": kept.value, "origin": kept.origin} for number, kept in item.kept.items()},
        }
        for ref, item in book.items()
    }
    return json.dumps({"format": _FORMAT, "refs": refs}).encode()


def _book(text: bytes) -> Book:
    # Errors are not chained: those of the JSON reader carry the whole text.
    try:
        data: dict[str, Any] = json.loads(text)
    except ValueError:
        raise Damaged("its content is not JSON") from None
    if data.get("format") != _FORMAT:
        raise Damaged(f"its format is {data.get('format')!r}, this version knows {_FORMAT}")
    try:
        return {ref: Versions(item["last"], _kept(item["versions"])) for ref, item in data["refs"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged("its content is incomplete") from None


def _kept(versions: dict[str, Any]) -> dict[int, Kept]:
    return {int(number): Kept(kept["value"], Origin(kept["origin"])) for number, kept in versions.items()}
