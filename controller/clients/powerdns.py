"""A PowerDNS server through its HTTP API: whole zones as they stand, and changes that happen together or not at all."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from controller.clients.dns.primary import Edit, RecordSet
from controller.clients.dns.values import shown
from controller.clients.tally import asking
from controller.core.dns import RECORD_TYPES
from controller.core.errors import Permanent, Transient

_TIMEOUT = (5.0, 60.0)
_LIMIT = 256
_NOT_FOUND, _SERVER_FAULT = 404, 500


@dataclass(frozen=True, slots=True)
class Standing:
    """One set of records as PowerDNS holds it. `disabled` are contents that it keeps without serving them."""

    records: RecordSet | None
    disabled: tuple[str, ...] = ()


Zone = Mapping[tuple[str, str], Standing]
"""Sets of records by full name and type."""


class PowerDns:
    """One server. `key` gives the API key each time it is needed. Every method raises Transient or Permanent."""

    def __init__(self, url: str, key: Callable[[], str], server: str = "localhost") -> None:
        self._base = f"{url.rstrip('/')}/api/v1/servers/{quote(server, safe='')}/zones"
        self._key = key
        self._session = requests.Session()
        self._last: dict[str, tuple[tuple[Container[str], bytes], Zone]] = {}
        self._session.trust_env = False  # a proxy of the environment must not see the key

    def zone(self, zone: str, types: Container[str] = RECORD_TYPES) -> Zone:
        """What a zone has of these types, by one request. The very same object as last time while it did not change."""
        found: dict[tuple[str, str], Standing] = {}

        def taken(item: dict[str, Any]) -> Any:
            """What is read goes into its place at once: as plain data a large zone is several times as large."""
            if "content" in item:
                return item["content"], bool(item.get("disabled"))
            if "records" in item and item["type"] in types:
                found[item["name"].rstrip(".").lower(), sys.intern(item["type"])] = _standing(item)
            return None

        body = self._send("GET", f"/{_quoted(zone)}", None).content
        mark, last = (types, hashlib.sha256(body).digest()), self._last.get(zone)
        if last is not None and last[0] == mark:
            return last[1]
        text = body.decode()
        del body
        json.loads(text, object_hook=taken)
        self._last[zone] = mark, found
        return found

    def zones(self) -> Sequence[str]:
        """The names of every zone."""
        return sorted(item["name"].rstrip(".") for item in self._send("GET", "", None).json())

    def change(self, zone: str, edits: Iterable[Edit], standing: Zone) -> None:
        """Make all edits, or none. What `standing` shows as disabled stays. Refused is Permanent."""
        # What goes must go first: an alias and what it replaces exclude each other.
        ordered = sorted(edits, key=lambda edit: edit.after is not None)
        body = bytearray(b'{"rrsets": [')
        for edit in ordered:
            body += json.dumps(_rrset(edit, standing.get((edit.name, edit.type)))).encode() + b","
        body[-1:] = b"]}"
        self._send("PATCH", f"/{_quoted(zone)}", bytes(body))

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def _send(self, method: str, path: str, body: bytes | None) -> requests.Response:
        try:
            headers = {"X-API-Key": self._key(), "Accept": "application/json", "Content-Type": "application/json"}
        except KeyError as error:
            raise Transient("the API key of PowerDNS is not in the vault") from error
        try:
            with asking("powerdns") as ended:
                reply = self._session.request(
                    method, self._base + path, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
                )
                ended(reply.status_code)
        except requests.RequestException as error:
            raise Transient(f"PowerDNS does not answer: {_reason(error)}") from error
        if reply.ok and not reply.is_redirect:
            return reply
        said = f"PowerDNS answers {reply.status_code}: {_said(reply)}"
        if reply.status_code >= _SERVER_FAULT:
            raise Transient(said)
        if reply.status_code == _NOT_FOUND or "Could not find domain" in said:
            raise Permanent(f"{said}; make the zone there first (pdnsutil create-zone)")
        raise Permanent(said)


def _standing(item: Mapping[str, Any]) -> Standing:
    on = tuple(sorted(shown(item["type"], content) for content, disabled in item["records"] if not disabled))
    off = tuple(content for content, disabled in item["records"] if disabled)
    return Standing(RecordSet(on, int(item["ttl"])) if on else None, off)


def _rrset(edit: Edit, standing: Standing | None) -> Mapping[str, Any]:
    disabled = standing.disabled if standing is not None else ()
    place = {"name": f"{edit.name}.", "type": edit.type}
    values = edit.after.values if edit.after is not None else ()
    records = [{"content": value, "disabled": False} for value in values]
    records += [{"content": value, "disabled": True} for value in disabled]
    if not records:
        return {**place, "changetype": "DELETE"}
    return {**place, "ttl": edit.ttl, "changetype": "REPLACE", "records": records}


def _quoted(zone: str) -> str:
    return quote(f"{zone}.", safe="")


def _said(reply: requests.Response) -> str:
    try:
        text = str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        text = reply.reason or ""
    return text[:_LIMIT]


def _reason(error: Exception) -> str:
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error)[:_LIMIT] or type(error).__name__
