"""Secrets as the world outside the vault may see them: by reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SENSITIVE = re.compile(
    r"(?:^|[_\-.])(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth[_-]?key|"
    r"encryption[_-]?key|signing[_-]?key|claim|dsn)(?:$|[_\-.\d])|(?:password|secret|token|apikey)$",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(?<=[a-z0-9+.-])://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)
_PATHLIKE = re.compile(r"_(?:file|path|dir|url_file)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of one secret: reference, version number (from 1) and keyed fingerprint. Never the value."""

    ref: str
    version: int
    fingerprint: str

    def state(self) -> Mapping[str, Any]:
        """The form in which it stands in a normal form."""
        return {"ref": self.ref, "version": self.version, "fingerprint": self.fingerprint}


def secret_in(value: Any) -> SecretVersion | None:
    """The secret that a value of a normal form stands for, or None when it is plain data."""
    if isinstance(value, Mapping) and "fingerprint" in value and value.keys() <= {"ref", "version", "fingerprint"}:
        return SecretVersion(value.get("ref", ""), value.get("version", 0), value["fingerprint"])
    return None


def secrets_in(state: Any) -> Iterator[SecretVersion]:
    """Every secret that a state, or anything that holds states, names."""
    found = secret_in(state)
    if found is not None:
        yield found
    elif isinstance(state, Mapping):
        for value in state.values():
            yield from secrets_in(value)
    elif isinstance(state, (list, tuple)):
        for value in state:
            yield from secrets_in(value)


def looks_sensitive(name: str) -> bool:
    """True when a variable of this name usually holds a secret (`DB_PASSWORD`, `API_TOKEN`; not `PASSWORD_FILE`)."""
    return bool(_SENSITIVE.search(name)) and not _PATHLIKE.search(name)


def has_credentials(value: str) -> bool:
    """True for a URL that carries a password, such as `postgres://user:password@host/name`."""
    return _CREDENTIALS.search(value) is not None


def is_sensitive(name: str, value: str) -> bool:
    """True when a variable must not be shown. The same question is asked of what is declared, of what runs and of what is
    imported."""
    return bool(value) and (looks_sensitive(name) or has_credentials(value))
