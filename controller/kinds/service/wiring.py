"""How a service is tied to others: networks, shared namespaces, and what must be in place first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.core.errors import Rejected
from controller.core.key import Key, is_name
from controller.kinds.service import endpoints
from controller.kinds.service.entry import Entry
from controller.kinds.service.places import key_of

_DEFAULTS = ("default", endpoints.DEFAULT)
_SERVICE = "service:"
_TEXTS = ("ipv4_address", "ipv6_address", "mac_address", "interface_name")


class Wiring:
    """Collects the attachments of one service; `references` are the resources that they lead to."""

    def __init__(self, name: str, address: str, entry: Entry, *, canonical: bool) -> None:
        self._name = name
        self._address = address
        self._entry = entry
        self._compose = entry.compose
        self._canonical = canonical
        self.references: list[Key] = []

    def state(self) -> dict[str, Any]:
        """`networks` or `network_mode`, `ipc`, `pid` and `volumes_from` of the normal form."""
        found: dict[str, Any] = {}
        for name in ("ipc", "pid"):
            if self._compose.get(name):
                found[name] = self._namespace(name, str(self._compose[name]))
        if self._compose.get("volumes_from"):
            found["volumes_from"] = [self._donor(index, each) for index, each in enumerate(self._compose["volumes_from"])]
        mode = str(self._compose.get("network_mode") or "")
        if mode in ("", "default", endpoints.DEFAULT):
            found["networks"] = self._networks()
        elif mode in endpoints.PLAIN_MODES or ":" in mode:
            found["network_mode"] = self._namespace("network_mode", mode)
        else:
            self._refer("networks", mode, {})
            found["networks"] = {mode: {"aliases": self._aliases(())}}
        self._depend()
        return found

    def _networks(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, given in (self._compose.get("networks") or {endpoints.DEFAULT: None}).items():
            if name in _DEFAULTS and (name == endpoints.DEFAULT or not self._canonical):
                found[endpoints.DEFAULT] = {}
                continue
            self._refer("networks", name, self._entry.networks.get(name, {}))
            found[name] = self._attachment(given or {})
        mac = self._compose.get("mac_address")
        if mac:
            first = endpoints.primary({"networks": found})
            found[first] = {"mac_address": mac, **found[first]}
        return found

    def _attachment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        entry: dict[str, Any] = {"aliases": self._aliases(given.get("aliases") or ())}
        entry.update({name: given[name] for name in _TEXTS if given.get(name)})
        entry.update({name: int(given[name]) for name in ("priority", "gw_priority") if given.get(name)})
        if given.get("link_local_ips"):
            entry["link_local_ips"] = list(given["link_local_ips"])
        if given.get("driver_opts"):
            entry["driver_opts"] = dict(given["driver_opts"])
        return entry

    def _aliases(self, declared: Any) -> list[str]:
        """Every engine answers to the host name by itself; it shows as an alias on some, so it is none anywhere."""
        return sorted({self._name, self._address, *declared} - {self._compose.get("hostname")})

    def _refer(self, place: str, name: str, own: Mapping[str, Any]) -> None:
        """A network that a document declares is a need; one that is external, or that a stack names as it is, must exist."""
        if own.get("resource"):
            try:
                self.references.append(key_of(own["resource"], "network"))
            except Rejected as error:
                self._entry.problems += error.problems
        elif not own.get("external") and not self._canonical:
            if is_name(name):
                self.references.append(Key("network", name))
            else:
                hint = f"declare a Network and write `{name}: {{resource: network/NAME}}`, or `{name}: {{external: true}}`"
                self._entry.reject(place, name, message=f"{name!r} cannot be the name of a Network document", hint=hint)

    def _namespace(self, field: str, mode: str) -> str:
        if mode.startswith(_SERVICE):
            self._need(field, mode.removeprefix(_SERVICE))
        return mode

    def _donor(self, index: int, text: str) -> str:
        """A container to take volumes from: `NAME`, `NAME:ro` or `container:NAME`."""
        if not text.startswith("container:"):
            self._need("volumes_from", text.partition(":")[0], index)
        return text

    def _need(self, field: str, name: str, *more: int) -> None:
        if is_name(name):
            self.references.append(Key("service", name))
        else:
            self._entry.reject(field, *more, message=f"{name!r} is not the name of a Service", hint="use the document's name")

    def _depend(self) -> None:
        for name, given in (self._compose.get("depends_on") or {}).items():
            if (given or {}).get("required", True) and not self._canonical:
                self._need("depends_on", name)
        for index, link in enumerate(self._compose.get("links") or ()):
            name, _, alias = str(link).partition(":")
            if alias and alias != name:
                message = f"the link name {alias!r} differs from the service's"
                self._entry.reject("links", index, message=message, hint=f"give {name} the network alias {alias} instead")
