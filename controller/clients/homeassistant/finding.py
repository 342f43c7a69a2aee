"""What people made in Home Assistant, as it would be declared, and names for its documents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.clients.homeassistant.model import CONFIGURED
from controller.clients.homeassistant.sensitive import hidden, secret_in_body
from controller.core.discovery import Discovery
from controller.core.key import Key

if TYPE_CHECKING:
    from controller.clients.homeassistant.home import Home
    from controller.clients.homeassistant.registry import Registry

IN_YAML = "it is written in Home Assistant's YAML, which its interface cannot change; move it there to declare it here"
NAMELESS = "it has no id, so Home Assistant's interface cannot change it; give it an `id:` where it is written, or make it anew"
GONE = "nothing stands behind it any more; remove it in Home Assistant (Settings, Devices & services, Entities)"
_SPOKEN = re.compile(r"(?![0-9a-f]{32}$)[a-z][a-z0-9_]*")
"""Ids that a person chose; the editor makes numbers."""
_LONGEST = 60


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
        if secret := secret_in_body(body):
            return Discovery(key, {}, name, name, obstacle=hidden(secret))
        return Discovery(key, {"id": name, **{word: value for word, value in body.items() if word != "id"}}, name, name)

    def _obstructed(self, name: str, why: str) -> Discovery:
        return Discovery(Key(self._kind, document_name(name)), {}, name, name, obstacle=why)


def document_name(text: str, instead: str = "unnamed") -> str:
    """A name for a document out of a name for people; `instead` where nothing of it can be written with a-z and digits."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or instead


def said_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}
