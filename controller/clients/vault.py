"""The vault: secret values by reference and version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits

from controller.clients.age import Damaged, Identity, WrongIdentity
from controller.clients.vault_file import Book, Kept, Origin, Shelf, VaultFile, Versions
from controller.core.errors import Problem, Refused, Rejected, Transient
from controller.core.secret import SecretVersion

SHORTEST, LONGEST = 16, 1024
_LARGEST_FILE = 1 << 20
_ALPHABET = ascii_letters + digits
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REF = re.compile(rf"{_PART}(?:/{_PART})*")
_ENVIRONMENT = "env:"
_LITERAL = "literal/"
_CONCEALED, _HIDDEN = 6, "•••"

Overrides = Callable[[str], bytes | None]
"""Content of a file of the spec repository by path, for example `Files.read`."""


def _no_file(_path: str) -> None:
    return None


class AgeVault:
    """`core.ports.Vault` in a state folder. A reference is looked up in the age file `secrets/<ref>.age` of the repository, then
    (`env:NAME`) in `environment`, then in the vault itself. Values from outside get a new version number whenever they change to
    one that is not kept. A generated value follows from identity, reference, version and length alone, so every process proposes
    the same. For many threads and processes; its repr, logs and errors hold no value.

    Raises what `VaultFile` raises, Rejected for a reference, length or age file that is wrong."""

    def __init__(
        self,
        folder: Path,
        overrides: Overrides = _no_file,
        environment: Mapping[str, str] | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        """With a `shelf`, only the identity is in the folder: the vault is shared with other machines."""
        self._file = VaultFile(folder, shelf)
        self._overrides = overrides
        self._environment = dict(environment or {})
        self._proposed: dict[SecretVersion, Kept] = {}
        self._opened: dict[bytes, str] = {}

    def beside(self, overrides: Overrides) -> AgeVault:
        """The same vault, seen with the age files of another revision."""
        other = copy(self)
        other._overrides = overrides
        return other

    @property
    def recipient(self) -> str:
        """The public key for which the repository's age files are encrypted."""
        return self._file.identity.recipient

    @property
    def identity_path(self) -> Path:
        """The file without which the vault cannot be opened; people must save it."""
        return self._file.identity_path

    # The port

    def current(self, ref: str, generate: int | None = None) -> SecretVersion:
        _check(ref)
        if generate is not None and not SHORTEST <= generate <= LONGEST:
            raise _rejected(f"a generated secret has {SHORTEST} to {LONGEST} characters, not {generate}", "write `generate: 32`")
        if ref.startswith(_ENVIRONMENT):
            value = self._environment.get(ref.removeprefix(_ENVIRONMENT))
            if not value:
                raise KeyError(ref)
            return self._numbered(ref, value, Origin.ENVIRONMENT)
        written = self._from_repository(ref)
        if written is not None:
            return self._numbered(ref, written, Origin.REPOSITORY)
        book = self._file.read()
        found = self._newest(book, ref)
        if found is not None:
            return found
        if generate is None:
            raise KeyError(ref)
        version = book.get(ref, Versions()).last + 1
        return self._propose(ref, version, Kept(_derived(self._file.identity, ref, version, generate), Origin.VAULT))

    def literal(self, value: str) -> SecretVersion:
        return self._numbered(f"{_LITERAL}{self.fingerprint(value)[:12]}", value, Origin.LITERAL)

    def keep(self, versions: Iterable[SecretVersion]) -> None:
        """A version without a reference stands for a value of the world: there is nothing to keep. Raises KeyError for a version
        that was never proposed here, Transient for one whose number went to another value."""
        missing = [version for version in versions if version.ref and self._kept(self._file.read(), version) is None]
        if not missing:
            return
        with self._file.changing() as book:
            for version in missing:
                if self._kept(book, version) is not None:
                    continue
                proposed = self._proposed.get(version)
                if proposed is None:
                    raise KeyError(version.ref)
                known = book.setdefault(version.ref, Versions())
                if version.version <= known.last:
                    raise Transient(f"secret {version.ref} was changed while this was planned: plan again")
                known.last = version.version
                known.kept[version.version] = proposed

    def reveal(self, version: SecretVersion) -> str:
        kept = self._kept(self._file.read(), version)
        if kept is None:
            raise KeyError(version.ref)
        return kept.value

    def fingerprint(self, value: str) -> str:
        """32 hex digits."""
        return self._file.identity.derive("fingerprint", value.encode("utf-8", "surrogatepass"))[:16].hex()

    def conceal(self, text: str) -> str:
        """Values shorter than 6 characters stay: they are in every text. Of a value of several lines each line is concealed."""
        kept = [item.value for versions in self._file.read().values() for item in versions.kept.values()]
        lines = {line for value in kept for line in (value, *value.splitlines()) if len(line) >= _CONCEALED}
        for line in sorted(lines, key=len, reverse=True):
            text = text.replace(line, _HIDDEN)
        return text

    # For people

    def set(self, ref: str, value: str) -> SecretVersion:
        """Keep a value as the newest version; the same value again changes nothing. Raises Refused when the value would not be
        used (the repository or the environment gives it) or is empty."""
        self._refuse_foreign(ref)
        if not value:
            raise Refused(f"the value for {ref} is empty")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Refused(f"the value for {ref} is not text: keep it as base64, or as a file of the repository")
        with self._file.changing() as book:
            found = self._newest(book, ref)
            if found is not None and found.fingerprint == self.fingerprint(value):
                return found
            return self._add(book, ref, value)

    def rotate(self, ref: str, generate: int | None = None) -> SecretVersion:
        """Keep a new generated value (as long as the last one unless said) as the newest version. Raises KeyError, Refused."""
        self._refuse_foreign(ref)
        with self._file.changing() as book:
            found = self._newest(book, ref)
            if found is None:
                raise KeyError(ref)
            length = generate or min(max(len(book[ref].kept[found.version].value), SHORTEST), LONGEST)
            if not SHORTEST <= length <= LONGEST:
                raise Refused(f"a generated secret has {SHORTEST} to {LONGEST} characters, not {length}")
            return self._add(book, ref, _derived(self._file.identity, ref, book[ref].last + 1, length))

    def names(self) -> Mapping[str, SecretVersion]:
        """The newest version of everything that was set or generated, by reference."""
        book = self._file.read()
        found = {ref: self._newest(book, ref) for ref in sorted(book)}
        return {ref: version for ref, version in found.items() if version is not None}

    def export(self) -> Mapping[str, str]:
        """The values of `names`, in plain text."""
        return {ref: self.reveal(version) for ref, version in self.names().items()}

    def unnamed(self, named: Callable[[], Iterable[SecretVersion]]) -> frozenset[SecretVersion]:
        """Kept versions that are neither the newest that was set or generated nor among `named` (what journal, ledger and
        retained objects name; asked only when there are other versions at all)."""
        book, newest = self._file.read(), set(self.names().values())
        older = {
            SecretVersion(ref, number, self.fingerprint(kept.value))
            for ref, versions in book.items()
            for number, kept in versions.kept.items()
        } - newest
        return frozenset(older - set(named())) if older else frozenset()

    def forget(self, versions: Iterable[SecretVersion]) -> int:
        """Drop versions, but never the newest that was set or generated; a number is never given again. Must be called by the
        writer between passes. Returns how many went."""
        gone = 0
        with self._file.changing() as book:
            for version in versions:
                if self._kept(book, version) is not None and version != self._newest(book, version.ref):
                    del book[version.ref].kept[version.version]
                    gone += 1
        return gone

    def __repr__(self) -> str:
        return f"AgeVault({str(self._file.path)!r})"

    # Finding

    def _from_repository(self, ref: str) -> str | None:
        path = f"secrets/{ref}.age"
        content = self._overrides(path)
        if content is None:
            return None
        if len(content) > _LARGEST_FILE:
            raise _rejected(f"{path} is larger than a secret can be ({len(content)} bytes)", "encrypt only the value")
        digest = sha256(content).digest()
        if digest not in self._opened:
            self._opened[digest] = self._decrypted(path, content)
        return self._opened[digest]

    def _decrypted(self, path: str, content: bytes) -> str:
        hint = f"encrypt it with: age -r {self.recipient} -o {path}"
        try:
            value = self._file.identity.decrypt(content).decode()
        except WrongIdentity as error:
            raise _rejected(f"{path} is encrypted for another identity", hint) from error
        except Damaged as error:
            raise _rejected(f"{path} is damaged: {error}", hint) from error
        except UnicodeDecodeError:
            # Not chained: the error carries the value.
            raise _rejected(f"{path} does not hold text", hint) from None
        # `echo value | age` ends the value with a line break that nobody means.
        value = value.removesuffix("\n").removesuffix("\r")
        if not value:
            raise _rejected(f"{path} holds an empty value", hint)
        return value

    def _numbered(self, ref: str, value: str, origin: Origin) -> SecretVersion:
        versions = self._file.read().get(ref, Versions())
        for number in sorted(versions.kept, reverse=True):
            if versions.kept[number].value == value:
                return SecretVersion(ref, number, self.fingerprint(value))
        return self._propose(ref, versions.last + 1, Kept(value, origin))

    def _newest(self, book: Book, ref: str) -> SecretVersion | None:
        kept = book.get(ref, Versions()).kept
        own = [number for number, item in kept.items() if item.origin is Origin.VAULT]
        return SecretVersion(ref, max(own), self.fingerprint(kept[max(own)].value)) if own else None

    def _kept(self, book: Book, version: SecretVersion) -> Kept | None:
        kept = book.get(version.ref, Versions()).kept.get(version.version)
        return kept if kept is not None and self.fingerprint(kept.value) == version.fingerprint else None

    # Making

    def _propose(self, ref: str, number: int, kept: Kept) -> SecretVersion:
        version = SecretVersion(ref, number, self.fingerprint(kept.value))
        self._proposed[version] = kept
        return version

    def _add(self, book: Book, ref: str, value: str) -> SecretVersion:
        versions = book.setdefault(ref, Versions())
        versions.last += 1
        versions.kept[versions.last] = Kept(value, Origin.VAULT)
        return SecretVersion(ref, versions.last, self.fingerprint(value))

    def _refuse_foreign(self, ref: str) -> None:
        _check(ref)
        if ref.startswith((_ENVIRONMENT, _LITERAL)):
            raise Refused(f"{ref} does not come from the vault and cannot be set in it")
        if self._overrides(f"secrets/{ref}.age") is not None:
            raise Refused(f"{ref} is given by secrets/{ref}.age in the repository: change it there")


def _check(ref: str) -> None:
    name = ref.removeprefix(_ENVIRONMENT)
    if len(ref) > 200 or not _REF.fullmatch(name):
        raise _rejected(f"{ref!r} is not a secret reference", "write it like stream-bot/session, or env:NAME")


def _rejected(message: str, hint: str) -> Rejected:
    return Rejected([Problem((), message, hint)])


def _derived(identity: Identity, ref: str, version: int, length: int) -> str:
    characters: list[str] = []
    block = 0
    while len(characters) < length:
        made = identity.derive("generate", f"{ref}\0{version}\0{length}\0{block}".encode())
        # Bytes past the last whole multiple are left out: each character is equally likely.
        characters += [_ALPHABET[byte % len(_ALPHABET)] for byte in made if byte < 256 - 256 % len(_ALPHABET)]
        block += 1
    return "".join(characters[:length])
