"""The vault of a house: its own file in the state folder, or in the database that several controllers share."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

from controller.clients import durable
from controller.clients.age import load_identity
from controller.clients.vault import AgeVault
from controller.core.errors import JournalError, SettingsError
from controller.core.ports import Store
from controller.settings import Settings

_VAULT = "vault"


class StoredVault:
    """`clients.vault_file.Shelf`: the encrypted vault as a fact of a store. Only who has the identity can read it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self) -> bytes | None:
        """What stands there, None when there is nothing yet."""
        return _decoded(self._store.fact(_VAULT))

    def replace(self, before: bytes | None, after: bytes) -> bool:
        """Put something in the place of `before`; False when something else stands there by now."""
        done: list[bool] = []

        def changed(known: str | None) -> str | None:
            done.append(_decoded(known) == before)
            return b64encode(after).decode() if done[-1] else known

        self._store.revise(_VAULT, changed)
        return done[-1]


def open_vault(settings: Settings, store: Store, folder: Path) -> AgeVault:
    """The vault of a store. A shared database holds it; else it is a file, also after the backup of a shared database was
    restored. Raises SettingsError for an identity that the store does not belong to, and what AgeVault raises."""
    identity = folder / "identity"
    if identity.exists():
        _refuse_another(settings, store, load_identity(identity).recipient, identity)
    if settings.database:
        vault = AgeVault(folder, environment=settings.secrets, shelf=StoredVault(store))
    else:
        _take_over(store, folder / "vault.age")
        vault = AgeVault(folder, environment=settings.secrets)
    _refuse_another(settings, store, vault.recipient, identity)
    first(store, "identity", lambda: vault.recipient)
    return vault


def first(store: Store, name: str, mine: Callable[[], str]) -> str:
    """What the first controller of a store recorded under a name; ours when that is us."""
    if not store.fact(name):
        store.revise(name, lambda known: known or mine())
    return str(store.fact(name))


def shown(settings: Settings) -> str:
    """The store in words, without the password that a URL may carry."""
    return "the database" if settings.database else f"the store {settings.state}"


def _refuse_another(settings: Settings, store: Store, recipient: str, path: Path) -> None:
    """Fingerprints and generated values follow from the identity: with another one every secret of the house would change."""
    known = store.fact("identity") or recipient
    if known != recipient:
        raise SettingsError(
            f"{shown(settings)} belongs to the identity {known}, and {path} is {recipient}: with it every secret would look "
            "changed. Put there the identity that belongs to the store (of the other controller, or the copy that you saved), "
            "or use another --database or --state"
        )


def _take_over(store: Store, path: Path) -> None:
    """A vault that came with the backup of a shared database becomes the file that it is here."""
    content = StoredVault(store).read()
    if content is None or path.exists():
        return
    try:
        durable.replace(path, content)
    except OSError as error:
        raise JournalError(f"{path}: the vault cannot be written: {error.strerror}") from error
    store.remember(_VAULT, None)


def _decoded(text: str | None) -> bytes | None:
    return b64decode(text) if text else None
