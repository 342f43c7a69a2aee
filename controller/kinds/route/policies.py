"""Who issues which certificate: Caddy's automation policies and certificate files, read and put. Pure.

Caddy sends a host that no policy names to public CAs. A Caddy of ours therefore always has a policy for the rest: its own CA."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.state import canonical
from controller.kinds.route.render import PREFIX, Json, identifier

_MARK = f"{PREFIX}tls:"
_ORDERED = "homelab-ordered"
"""Tag of a file that is ordered here."""
_INTERNAL: list[Json] = [{"module": "internal"}]
_GUEST = "homelab"
"""The authority of our own in a person's Caddy: theirs may be one that their machine is to trust."""
_AS_GUEST: list[Json] = [{"module": "internal", "ca": _GUEST}]
_REST: Json = {"@id": f"{_MARK}rest", "issuers": _INTERNAL}
_CHALLENGES = {"http": "http", "tls-alpn": "tls-alpn"}


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a configuration says about certificates: issuers by subject, those of the rest, and files by their route."""

    named: Mapping[str, list[Any]]
    rest: list[Any] | None
    files: Mapping[str, list[Json]]
    owned: bool

    @classmethod
    def of(cls, document: Any, *, owned: bool) -> Certificates:
        """Read a configuration."""
        tls = ((document or {}).get("apps") or {}).get("tls") or {}
        named: dict[str, list[Any]] = {}
        rest: list[Any] | None = None
        for policy in _policies(tls):
            issuers = _list(policy.get("issuers"))
            for subject in _list(policy.get("subjects")):
                named.setdefault(subject, issuers)
            if not policy.get("subjects") and rest is None:
                rest = issuers
        files: dict[str, list[Json]] = {}
        for item in _loaded(tls):
            if name := _tagged(item):
                files.setdefault(name, []).append(item)
        return cls(named, rest, files, owned)

    def tls(self, name: str, hosts: Iterable[str], *, plain: bool) -> Json:
        """The `tls` of a route's state."""
        if plain:
            return {"issuer": "off"}
        if name in self.files:
            return _from_files(name, self.files[name])
        found = [self._of_host(host) for host in hosts]
        if not found:
            return {"issuer": "none"}
        return found[0] if all(each == found[0] for each in found) else {"issuer": "mixed"}

    def _of_host(self, host: str) -> Json:
        issuers = self.named.get(host)
        if issuers is None:
            return {"issuer": "internal"} if self.owned and self.rest == _INTERNAL else {"issuer": "default"}
        return described(issuers, owned=self.owned)


def _loads(name: str, tls: Mapping[str, Any]) -> list[Json]:
    """What Caddy loads for a route. A file that is ordered here holds both halves, so that they never differ."""
    if tls["issuer"] == "dns":
        tags = [identifier(name), _ORDERED]
        return [{"certificate": path, "key": path, "tags": tags} for path in tls["files"]]
    return [{"certificate": tls["certificate"], "key": tls["key"], "tags": [identifier(name)]}]


def _from_files(name: str, items: list[Json]) -> Json:
    """The way back of `_loads`."""
    found: Json = {"issuer": "dns", "files": sorted(str(item.get("certificate")) for item in items)}
    if items == _loads(name, found):
        return found
    return {"issuer": "files", **{word: items[-1].get(word) for word in ("certificate", "key")}}


def described(issuers: list[Any], *, owned: bool) -> Json:
    """The normal form of a list of issuers."""
    if issuers == (_INTERNAL if owned else _AS_GUEST):
        return {"issuer": "internal"}
    first = issuers[0] if len(issuers) == 1 and isinstance(issuers[0], dict) else {}
    if first.get("module") == "acme":
        off = {word for word, item in (first.get("challenges") or {}).items() if item == {"disabled": True}}
        found: Json = {
            "issuer": "acme",
            "ca": first.get("ca", ""),
            "email": first.get("email", ""),
            "roots": _list(first.get("trusted_roots_pem_files")),
            "challenges": [word for word in _CHALLENGES if word not in off],
        }
        if issuers_of(found, owned=owned) == issuers:
            return found
    return {"issuer": "other", "issuers": issuers}


def issuers_of(tls: Mapping[str, Any], *, owned: bool) -> list[Any]:
    """The way back of `described`."""
    if tls["issuer"] == "internal":
        return _INTERNAL if owned else _AS_GUEST
    if tls["issuer"] == "other":
        return _list(tls["issuers"])
    made: Json = {"module": "acme"}
    if tls["ca"]:
        made["ca"] = tls["ca"]
    if tls["email"]:
        made["email"] = tls["email"]
    if tls["roots"]:
        made["trusted_roots_pem_files"] = list(tls["roots"])
    if off := [word for word in _CHALLENGES if word not in tls["challenges"]]:
        made["challenges"] = {word: {"disabled": True} for word in off}
    return [made]


def put(apps: Json, routes: Mapping[str, tuple[list[str], Mapping[str, Any]]], *, owned: bool) -> None:
    """Put into a configuration's `apps` what our routes need, in place of what they needed before. `routes` are hosts and `tls`
    by name."""
    tls = dict(apps.get("tls") or {})
    subjects: dict[str, set[str]] = {}
    issuers: dict[str, list[Any]] = {}
    for hosts, wanted in routes.values():
        if wanted["issuer"] in ("acme", "other") or (wanted["issuer"] == "internal" and not owned):
            made = issuers_of(wanted, owned=owned)
            issuers[canonical(made)] = made
            subjects.setdefault(canonical(made), set()).update(hosts)
    ours: list[Json] = []
    for number, text in enumerate(sorted(subjects)):
        ours.append({"@id": f"{_MARK}{number}", "subjects": sorted(subjects[text]), "issuers": issuers[text]})
    taken = {host for item in ours for host in item["subjects"]}
    theirs = [item for item in _policies(tls) if not str(item.get("@id", "")).startswith(_MARK)]
    if owned:
        theirs = [cut for item in theirs if (cut := _less(item, taken)) is not None]
    _set(tls, "automation", "policies", [*ours, *theirs, *([_REST] if owned else [])])
    files = [item for item in _loaded(tls) if not _tagged(item)]
    for name in sorted(name for name, (_, wanted) in routes.items() if wanted["issuer"] in ("files", "dns")):
        files += _loads(name, routes[name][1])
    _set(tls, "certificates", "load_files", files)
    if tls:
        apps["tls"] = tls
    else:
        apps.pop("tls", None)


def put_authority(apps: Json, *, owned: bool, internal: bool) -> None:
    """Caddy's own authority is never to be put among those that its machine trusts. `internal` = some route of ours uses it."""
    name = "local" if owned else _GUEST
    pki = dict(apps.get("pki") or {})
    authorities = dict(pki.get("certificate_authorities") or {})
    if owned or internal:
        authorities[name] = {**(authorities.get(name) or {}), "install_trust": False}
    elif authorities.pop(_GUEST, None) is None:
        return
    if authorities:
        pki["certificate_authorities"] = authorities
    else:
        pki.pop("certificate_authorities", None)
    if pki:
        apps["pki"] = pki
    else:
        apps.pop("pki", None)


def _less(policy: Json, taken: set[str]) -> Json | None:
    """A policy without subjects that are ours; None when nothing is left, or when it stood for the rest."""
    subjects = [subject for subject in _list(policy.get("subjects")) if subject not in taken]
    return {**policy, "subjects": subjects} if subjects else None


def _set(tls: Json, group: str, field: str, values: list[Any]) -> None:
    """Set a list two levels down; an empty one leaves nothing behind that was not there before."""
    outer = tls.get(group)
    if not values and not (isinstance(outer, dict) and outer.get(field)):
        return
    inner = {**(outer if isinstance(outer, dict) else {}), field: values}
    if not values:
        del inner[field]
    if inner:
        tls[group] = inner
    else:
        tls.pop(group, None)


def _policies(tls: Mapping[str, Any]) -> list[Json]:
    return [item for item in _list((tls.get("automation") or {}).get("policies")) if isinstance(item, dict)]


def _loaded(tls: Mapping[str, Any]) -> list[Json]:
    return [item for item in _list((tls.get("certificates") or {}).get("load_files")) if isinstance(item, dict)]


def _tagged(item: Mapping[str, Any]) -> str:
    """The route for which certificate files are loaded, or ""."""
    marks = [tag for tag in _list(item.get("tags")) if isinstance(tag, str) and tag.startswith(PREFIX)]
    return marks[0].removeprefix(PREFIX) if marks else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
