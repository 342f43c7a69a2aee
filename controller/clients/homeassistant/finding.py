"""What people made in Home Assistant, as it would be declared: names for documents, and values that no document may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.clients.homeassistant.model import CONFIGURED
from controller.clients.homeassistant.values import is_template
from controller.core.discovery import Discovery
from controller.core.key import Key
from controller.core.secret import has_credentials, looks_sensitive

if TYPE_CHECKING:
    from controller.clients.homeassistant.home import Home
    from controller.clients.homeassistant.registry import Registry

IN_YAML = "it is written in Home Assistant's YAML, which its interface cannot change; move it there to declare it here"
NAMELESS = "it has no id, so Home Assistant's interface cannot change it; give it an `id:` where it is written, or make it anew"
GONE = "nothing stands behind it any more; remove it in Home Assistant (Settings, Devices & services, Entities)"
_CODES = frozenset(["code", "pin"])
"""What opens a lock or stills an alarm, where it stands in the data of an action."""
_DOORS = frozenset(["webhook_id"])
"""What lets in whoever knows it."""
_SPOKEN = re.compile(r"(?![0-9a-f]{32}$)[a-z][a-z0-9_]*")
"""Ids that a person chose; the editor makes numbers."""
_LONGEST = 60
_HARMLESS = frozenset(["", "true", "false", "none", "null", "unknown", "unavailable"])


class FindsEntries:
    """The ability `core.discovery.Discovers`, for a provider of a registry."""

    _home: Home
    _registry: Registry

    def discover(self) -> Sequence[Discovery]:
        """Every entry, with what somebody said of it. Raises Transient."""
        registry = self._registry
        listed: Callable[[], Mapping[str, Mapping[str, Any]]] = getattr(self._home, f"{registry.kind}s")
        found = []
        for address, entry in sorted(listed().items()):
            said = said_of({**registry.shown(entry, {}), "members": None})
            key = Key(registry.kind, document_name(address))
            found.append(Discovery(key, {"id": address, **said}, address, address))
        return found


class FindsItems:
    """The ability `core.discovery.Discovers`, for a provider of automations, scripts or scenes."""

    _home: Home
    _kind: str

    def discover(self) -> Sequence[Discovery]:
        """Every one that Home Assistant's editor made, and those of its YAML with the reason why not. Raises Transient."""
        platform = CONFIGURED[self._kind]
        rows = {name: row for name, row in self._home.entities().items() if name.startswith(f"{self._kind}.")}
        ids = [str(row["unique_id"]) for row in rows.values() if row.get("platform") == platform]
        nameless = sorted(name for name in self._home.states() if name.startswith(f"{self._kind}.") and name not in rows)
        return [*map(self._found, sorted(ids)), *(self._obstructed(name, NAMELESS) for name in nameless)]

    def _found(self, name: str) -> Discovery:
        body = self._home.config(self._kind, name)
        if body is None:
            return self._obstructed(name, IN_YAML if self._home.configs(self._kind, [name]) else GONE)
        title = str(body.get("alias") or body.get("name") or "")
        key = Key(self._kind, document_name(name if _SPOKEN.fullmatch(name) else title, f"{self._kind}-{document_name(name)}"))
        secret = secret_in_body(body)
        spec = {"id": name, **{word: value for word, value in body.items() if word != "id"}}
        return Discovery(key, spec, name, name, obstacle=hidden(secret) if secret else "")

    def _obstructed(self, name: str, why: str) -> Discovery:
        return Discovery(Key(self._kind, document_name(name)), {}, name, name, obstacle=why)


def document_name(text: str, instead: str = "unnamed") -> str:
    """A name for a document out of a name for people; `instead` where nothing of it can be written with a-z and digits."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or instead


def said_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}


def secret_in_body(body: Any) -> str:
    """Where a body holds a value that looks secret (`actions.0.data.code`), or ""."""
    return next(_secrets(body, ()), "")


def hidden(place: str) -> str:
    """Why something with a secret in it cannot be declared."""
    return f"{place} looks like a secret, and a body cannot hold one by reference: it stays as it is in Home Assistant"


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, (*path, str(name)))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _secrets(item, (*path, str(number)))
    elif path and _is_secret(path, value):
        yield ".".join(path)


def _is_secret(path: tuple[str, ...], value: Any) -> bool:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if text.lower() in _HARMLESS or is_template(text):
        return has_credentials(text)
    name = next(part for part in reversed(path) if not part.isdigit() or len(path) == 1)
    named = looks_sensitive(name) or name in _DOORS or (name in _CODES and "data" in path)
    return named or has_credentials(text)
