"""Mounts: Compose's short syntax of `volumes` in its long form."""

from __future__ import annotations

import posixpath
from itertools import pairwise

from controller.clients.compose.data import Data
from controller.clients.compose.findings import Invalid

_PROPAGATION = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_HINT = "write `SOURCE:TARGET` or `SOURCE:TARGET:ro`"


def parse_mount(spec: str) -> dict[str, Data]:
    """The long form of `[SOURCE:]TARGET[:OPTIONS]`; raises Invalid. Unknown options are ignored, as Compose does."""
    if not spec:
        raise Invalid("an empty mount", _HINT)
    if len(spec) <= 2:
        return {"type": "volume", "target": clean_target(spec)}
    parts = _parts(spec)
    if not all(parts):
        raise Invalid(f"`{spec}` has an empty part", _HINT)
    if len(parts) > 3:
        raise Invalid(f"`{spec}` has too many colons", _HINT)
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    bind = _is_path(source)
    mount: dict[str, Data] = {"type": "bind" if bind else "volume"}
    if source:
        mount["source"] = source
    mount["target"] = clean_target(target)
    options = _options(parts[2]) if len(parts) == 3 else {}
    return mount | {"bind" if bind else "volume": {}} | options


def clean_target(target: str) -> str:
    """A path inside a container without needless parts."""
    cleaned = posixpath.normpath(target) if target else ""
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _parts(spec: str) -> list[str]:
    """Split at colons, except the one of a Windows drive (a single letter before it)."""
    parts, start = [], 0
    for position, sign in enumerate(spec):
        if sign == ":" and not (position - start == 1 and spec[start].isalpha()):
            parts.append(spec[start:position])
            start = position + 1
    return [*parts, spec[start:]]


def _options(text: str) -> dict[str, Data]:
    found: dict[str, Data] = {}
    for option in text.split(","):
        if option in ("ro", "rw"):
            found["read_only"] = option == "ro"
        elif option == "nocopy":
            found["volume"] = {"nocopy": True}
        elif option in _PROPAGATION:
            found.setdefault("bind", {})["propagation"] = option
        elif option in ("z", "Z"):
            found.setdefault("bind", {})["selinux"] = option
    if not found.get("read_only", True):
        del found["read_only"]
    return found


def _is_path(source: str) -> bool:
    if source.startswith((".", "/", "~", "\\\\")):
        return True
    return any(letter.isalpha() and colon == ":" for letter, colon in pairwise(source[:2]))


def duplicate_key(spec: str) -> str:
    """Where a short mount lands; two mounts on one place are one."""
    return str(parse_mount(spec)["target"])
