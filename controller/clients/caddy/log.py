"""What Caddy's own log says about certificates: the only place where the reason of a failure stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOGGERS = ("http.acme_client", "tls.issuance", "tls.obtain", "tls.renew")
"""Who writes about certificates; the first is what the second was called before 2.7."""
_FINAL = ("tls.obtain", "tls.renew")
"""Who tells that a whole try failed: one challenge may fail and the next work."""
_TAIL = 262_144
"""Bytes at the end of the log that are looked through."""
_LONGEST = 256


def failure(path: str, host: str, since: float) -> str:
    """Why the last try to get a certificate for a host failed, "" when none failed after `since` (seconds since the epoch) or
    when the log cannot be read. A success after the failure makes it void."""
    said: list[str] = []
    failed = ""
    for entry in _entries(path):
        if entry.get("identifier") != host or not _after(entry, since):
            continue
        if entry.get("level") == "error" and entry.get("logger") in _FINAL:
            failed = str(entry.get("error", ""))
        elif detail := _detail(entry):
            said = [*said[-1:], detail]
        elif str(entry.get("msg", "")).startswith("certificate obtained"):
            said, failed = [], ""
    found = " ".join(("; ".join(dict.fromkeys(said)) or failed).split()) if failed else ""
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def failed_tries(path: str, host: str, since: float) -> list[float]:
    """When an authority found a proof for a host wrong, after `since` (seconds since the epoch), as far as the log tells."""
    return [
        float(entry["ts"])
        for entry in _entries(path)
        if entry.get("identifier") == host and _after(entry, since) and entry.get("msg") == "challenge failed"
    ]


def _detail(entry: dict[str, Any]) -> str:
    """The authority's own words about a challenge (RFC 8555, section 6.7)."""
    problem = entry.get("problem")
    told = problem.get("detail") if isinstance(problem, dict) else entry.get("error")
    return str(told or "")


def _after(entry: dict[str, Any], since: float) -> bool:
    at = entry.get("ts")
    return isinstance(at, (int, float)) and at >= since


def _entries(path: str) -> Iterator[dict[str, Any]]:
    try:
        with Path(path).open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _TAIL))
            lines = log.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the first line of the tail is cut, and a last one may be half written
        if isinstance(entry, dict):
            yield entry
